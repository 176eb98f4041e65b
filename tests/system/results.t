#!/usr/bin/python3
# quiet: no claim about time
"""--results-type stream: results that are kept, and read again by as many as like to."""

import json
import os
import signal
import subprocess

from client import Client
from tap import BIN, done_testing, equal, farm, like, ok, spawn, wait_until

STREAM = ("--results-type", "stream")


def ctl(*args):
    return subprocess.run([os.path.join(BIN, "winnow-ctl"), "--amqp", os.environ["WINNOW_TEST_URL"], *args],
                          capture_output=True, text=True, timeout=60)


def results(name, *args):
    ran = ctl("--farm", name, "results", *args)
    return ran.returncode, ran.stdout, ran.stderr


def lines(name, *args):
    return results(name, *args)[1].splitlines()


def kept_and_read_again():
    name = farm()
    limits = (*STREAM, "--results-max-bytes", "10MiB", "--results-max-age", "1h")
    with spawn("winnow-autoscaler", "--min", "2", "--max", "2", *limits, farm=name) as autoscaler, Client(name) as client:
        ok(wait_until(lambda: client.consumers(client.work) == 2, 30), "an autoscaler's workers declare the same stream")
        equal(results(name), (0, "", ""), "nothing is there at first, and that is said at once")
        equal(results(name, "--last", "5"), (0, "", ""), "... nor are there last ones")
        follow = subprocess.Popen([os.path.join(BIN, "winnow-ctl"), "--amqp", os.environ["WINNOW_TEST_URL"], "--farm", name,
                                   "results", "--follow", "--since", "1h"], stdout=open("followed", "wb"))
        client.publish_many(2500, text="you fool")
        ok(wait_until(lambda: client.ready(client.work) == 0 and len(lines(name)) == 2500, 30), "2,500 results are kept")
        equal(set(lines(name)), {"you CENSORED"}, "... censored")
        equal(len(lines(name)), 2500, "... and are there again when they are read again")
        got = [json.loads(line) for line in lines(name, "--json", "--last", "7")]
        equal([one["offset"] for one in got], list(range(2493, 2500)), "the last seven are those before the end")
        equal(got[-1]["body"], "you CENSORED", "... with their body")
        equal(len(lines(name, "--last", "100000")), 2500, "more than there are is all of them")
        equal(len(lines(name, "--since", "1h")), 2500, "those of the last hour are all")
        equal(len(lines(name, "--since", "2020-01-01 00:00:00")), 2500, "so are those since a day long gone")
        ok(wait_until(lambda: open("followed", "rb").read().count(b"\n") == 2500, 20), "who follows got each once")
        follow.send_signal(signal.SIGINT)
        equal(follow.wait(20), 0, "... until Ctrl-C")
        equal(autoscaler.end(), 0, "the autoscaler ends")

    for flag, value, what in (("--results-max-bytes", "20MiB", "x-max-length-bytes"), ("--results-max-age", "2h", "x-max-age")):
        other = list(limits)
        other[other.index(flag) + 1] = value
        with spawn("winnow-filter", *other, farm=name) as worker:
            equal(worker.wait(20), 78, f"another {flag} is refused")
            like(worker.stderr(), rf"{name}\.results.*{what}", "... naming the queue and what differs")
    with spawn("winnow-filter", farm=name) as worker:
        equal(worker.wait(20), 78, "so is a queue where there is a stream")
        like(worker.stderr(), rf"{name}\.results.*inequivalent arg", "... naming what differs")


def a_queue():
    name = farm()
    with spawn("winnow-filter", farm=name) as worker, Client(name) as client:
        client.publish("fool")
        ok(wait_until(lambda: client.ready(f"{name}.results") == 1, 20), "a queue has a result")
        code, out, err = results(name)
        equal((code, out), (78, ""), "a queue is not read, as reading takes")
        like(err, "--results-type stream", "... it is said what to do")
        equal(client.ready(f"{name}.results"), 1, "... and has it still")
        equal(worker.end(), 0, "the worker ends")
    equal(results(farm())[0], 69, "where there is no farm, nothing can be read")


def load_and_verify():
    name = farm()
    with spawn("winnow-filter", *STREAM, farm=name) as worker:
        ok(wait_until(lambda: "ready" in worker.stderr() or results(name)[0] == 0, 20), "a worker runs")
        for args in ((), STREAM):
            ran = subprocess.run([os.path.join(BIN, "winnow-loadgen"), "--amqp", os.environ["WINNOW_TEST_URL"], "--farm", name,
                                  "--phase", "500ms@200", "--verify", *args], capture_output=True, text=True, timeout=60)
            equal(ran.returncode, 0, "a load is verified over a queue of its own, and the stream is left alone")
        equal(len(lines(name)), 0, "... nothing of it is kept")
        equal(worker.end(), 0, "the worker ends")


def refused():
    for args, what in ((("--results-type", "heap"), "queue or stream"), (("--results-max-age", "1h"), "--results-type stream"),
                       ((*STREAM, "--results-max-bytes", "1k"), "size"), ((*STREAM, "--results-max-age", "10ms"), "1s"),
                       ((*STREAM, "--queue", "x"), "FARM.results")):
        ran = subprocess.run([os.path.join(BIN, "winnow-filter"), *args], capture_output=True, text=True, timeout=20)
        equal(ran.returncode, 64, f"refused: {' '.join(args)}")
        like(ran.stderr, what, "... with what was expected")
    for args in (("--last", "-1"), ("--since", "yesterday"), ("--last", "1", "--since", "1h"), ("x",)):
        equal(results("any", *args)[0], 64, f"refused: results {' '.join(args)}")
    equal(ctl("status", "--last", "3").returncode, 64, "other verbs have no --last")


kept_and_read_again()
a_queue()
load_and_verify()
refused()
done_testing()
