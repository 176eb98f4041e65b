#!/usr/bin/python3
# quiet: what is claimed of time here is far from what a busy machine takes
"""winnow-autoscaler where something is unknown: workers that tell nothing, or nothing yet, and events that are
counted though the queue refused them."""

import json
import os
import subprocess
import threading
import time

import pika

from client import ctl
from scaler import *
from tap import *

# A worker with pika that tells nothing: one event at a time, each for as long as its body says. It notes in a file
# when it begins one and when it has done it.
SILENT = """#!/usr/bin/python3
import os, signal, sys, time, pika

connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.basic_qos(prefetch_count=1)

def note(what, body):
    with open(sys.argv[1], "a") as file:
        file.write(f"{what} {body.decode()}\\n")

def handle(channel, method, properties, body):
    note("begun", body)
    until = time.monotonic() + float(body)
    while time.monotonic() < until:
        time.sleep(0.05)
    note("done", body)
    channel.basic_ack(method.delivery_tag)

signal.signal(signal.SIGTERM, lambda *_: connection.add_callback_threadsafe(channel.stop_consuming))
channel.basic_consume(os.environ["WINNOW_FARM"] + ".work", handle)
channel.start_consuming()
connection.close()
"""


def notes(path):
    with contextlib.suppress(FileNotFoundError):
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()
    return []


def a_long_job_is_waited_for(scaler, name, log):
    ok(wait_until(lambda: "done 1.5" in notes(log), 20), "a silent worker finishes a job longer than the drain time-out")
    row = wait_for_new_row(name)
    equal((row["desired_workers"], row["reason"]), ("1", "silent workers: fewer only slowly"),
          "and stays, for the queue has not been empty for long")
    equal(row["silent_workers"], "1", "the row says that it tells nothing")
    equal(notes(log), ["begun 1.5", "done 1.5"], "the job was begun once and done once")
    equal(scaler.end(), 0, "it ends as ever")


def a_killed_job_is_left_alone(scaler, name, log):
    ok(wait_until(lambda: "done 2.5" in notes(log), 20), "what one scale-down had to kill, the next leaves alone")
    ok(wait_for_row(name, lambda row: float(row["overdue_s"]) > 1.2), "the history says how long the drain takes")
    wait_for_new_row(name, lambda row: row["desired_workers"] + row["draining_workers"] == "00")
    equal(notes(log), ["begun 2.5", "begun 2.5", "done 2.5"], "the job is killed once, and then done once")
    said = scaler.stderr()
    equal([said.count(f"event={event}") for event in ("worker_killed", "drain_overdue", "drain_ended")], [1, 1, 1],
          "the log says so, once each")
    like(said, r"event=drain_ended worker=\d+ after_s=[1-4]\.\d", "and how long it took")
    like(scaler.stdout(), r"a drain has lasted for [1-4] s", "so does the table")
    publish(name, 1, b"30")
    wait_until(lambda: "begun 30" in notes(log), 20)
    start = time.monotonic()
    equal(scaler.end(), 0, "told to end, it ends")
    ok(time.monotonic() - start < 4, "after --drain-timeout, whatever its workers do")


def long_jobs():
    worker = script("silent", SILENT)
    names, logs = (farm(), farm()), [os.path.abspath(f"{kind}.log") for kind in ("steady", "hasty")]
    options = ("--interval", "200ms", "--drain-timeout", "200ms")
    with autoscaler(names[0], *options, "--", worker, logs[0]) as steady, autoscaler(
        names[1], *options, "--scale-down-delay", "0s", "--", worker, logs[1]
    ) as hasty:
        for name, job in zip(names, (b"1.5", b"2.5")):
            wait_for_row(name)
            publish(name, 1, job)
        a_long_job_is_waited_for(steady, names[0], logs[0])
        a_killed_job_is_left_alone(hasty, names[1], logs[1])
    for name in names:
        decides_the_same_again(name)


def one_that_never_consumes(scaler, name):
    ok(wait_for_row(name, lambda row: row["starting_workers"] == "1"), "one that never consumes is starting")
    ok(wait_for_row(name, lambda row: row["running_workers"] == "1"), "until --start-timeout is over")
    ok(wait_until(lambda: "event=worker_silent" in scaler.stderr(), 20), "then it is called silent")
    equal(total(rows(name), "crashed"), 0, "and left alone")


def one_beside_another(scaler, name):
    row = wait_for_row(name, lambda row: row["running_workers"] == "1")
    ok(row and 0.7 < float(row["time_s"]) < 2, "beside another consumer a worker counts as running after a second")
    ok(wait_until(lambda: consumers(name) == 2, 20), "though it consumes only later")
    equal(scaler.end(), 0, "that does not end --capacity auto")


def one_that_starts_slowly(scaler, name):
    row = wait_for_row(name, lambda row: float(row["time_s"]) > 3)
    equal((row["starting_workers"], row["running_workers"]), ("1", "0"), "one that has said nothing yet is starting")
    ok(wait_until(lambda: ready(name, "results") == 20, 20), "--capacity auto waits for it")
    ok("worker_silent" not in scaler.stderr(), "and nobody calls it silent")
    equal(scaler.end(), 0, "it ends as ever")


def slow_starts():
    slow = script("slow", f"#!/bin/sh\nsleep 3.5\nexec {FILTER}\n")
    asleep, beside, alone = farm(), farm(), farm()
    quick, auto = ("--interval", "200ms"), ("--interval", "200ms", "--min", "1", "--capacity", "auto", "--", slow)
    with spawn("winnow-filter", farm=beside):
        wait_until(lambda: consumers(beside) == 1, 20)
        with autoscaler(asleep, *quick, "--min", "1", "--start-timeout", "1s", "--", "/bin/sleep", "60") as first, \
                autoscaler(beside, *auto) as second, autoscaler(alone, *auto) as third:
            wait_for_row(alone)
            publish(alone, 20)
            one_that_never_consumes(first, asleep)
            one_that_starts_slowly(third, alone)
            one_beside_another(second, beside)


def start_five(scaler, name):
    """Has five workers start and go again; returns how long a start takes by then."""
    for workers in ("5", "0"):
        ran = subprocess.run([os.path.join(BIN, "winnow-ctl"), "--amqp", URL, "--farm", name, "set", f"min={workers}"],
                             capture_output=True, text=True)
        ok(ran.returncode == 0 and wait_for_row(name, lambda row: row["running_workers"] == workers, 20, len(rows(name))),
           f"there are {workers} workers") or diag(ran.stderr, scaler.stderr())
    return float(rows(name)[-1]["startup_s"])


def starts_that_become_slow_and_quick_again():
    name, varied = farm(), script("varied", f'#!/bin/sh\nsleep "$(cat seconds)"\nexec {FILTER}\n')
    options = ("--interval", "200ms", "--policy", "erlang", "--few-starts", "--hang-timeout", "1s")
    slow_s = 2 + SLOW_START_S
    with autoscaler(name, *options, "--", varied) as scaler:
        wait_for_row(name, seconds=20)
        equal(rows(name)[0]["startup_s"], "", "before the first start it is unknown how long one takes")
        for seconds in (0.1, slow_s, 0.1):
            with open("seconds", "w", encoding="utf-8") as file:
                file.write(str(seconds))
            # A machine may be busy: a quick start may take longer now and then.
            found = wait_until(lambda: (start_five(scaler, name) >= slow_s) == (seconds == slow_s), 60)
            ok(found, f"starts of {seconds} s are measured")
        ok("worker_hung" not in scaler.stderr(), "none that starts longer than --hang-timeout hangs")
        equal(total(rows(name), "crashed"), 0, "and none crashes")
        equal(scaler.end(), 0, "it ends as ever")
    decides_the_same_again(name)


def consumers(name):
    """Of the farm's work queue; 0 while there is none."""
    with contextlib.closing(connect()) as connection:
        with contextlib.suppress(pika.exceptions.ChannelClosedByBroker):
            return connection.channel().queue_declare(f"{name}.work", passive=True).method.consumer_count
    return 0


def decides_the_same_again(name):
    ran = subprocess.run([os.path.join(BIN, "winnow-simulate"), "--replay", f"{name}.csv"], capture_output=True, text=True)
    equal(ran.returncode, 0, "decided again from the history, all is the same") or diag(ran.stdout)


class Bursts:
    """Publishes 50 events four times a second, in a thread."""

    def __init__(self, name):
        self._name, self._over = name, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        with contextlib.closing(connect()) as connection:
            channel = connection.channel()
            while not self._over.wait(0.25):
                for _ in range(50):
                    channel.basic_publish(f"{self._name}.events", "", b"an event")

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


def what_is_refused_needs_no_worker():
    name = farm()
    policy = json.dumps({"max-length": 10, "overflow": "reject-publish"})
    options = ("--interval", "500ms", "--capacity", "200", "--min", "1", "--react", "100ms")
    worker = (FILTER, "--service-time", "5ms", "--prefetch", "1")
    with autoscaler(name, *options, "--", *worker) as scaler:
        wait_for_row(name, lambda row: row["running_workers"] == "1")
        publish(name, 100)
        wait_for_new_row(name, lambda row: row["backlog_msgs"] == "0")
        wait_for_new_row(name)  # which has what that may have missed
        counted, took = total(rows(name), "arrived_msgs"), sum(
            float(row["accepted_per_s"] or 0) * float(row["interval_s"]) for row in rows(name))
        # Of an event that is answered and not yet acknowledged the worker says both: one, with that prefetch.
        ok(counted == 100 and round(took) in (100, 101), "what a calm queue accepts is what was sent") or diag(f"{counted} {took}")
        ctl("set_policy", name, f"^{name}\\.work$", policy, "--apply-to", "queues")
        with Bursts(name):
            row = wait_for_row(name, lambda row: row["arrival_source"] == "accepted")
            ok(row, "when the queue refuses most of what is published, that is noticed")
            offered_per_s = float(row["arrived_msgs"]) / float(row["interval_s"])
            equal(row["arrival_per_s"], row["accepted_per_s"], "and the rate is what it accepts")
            ok(float(row["arrival_per_s"]) < 0.7 * offered_per_s, "which is less") or diag(row)
            seen = len(rows(name)) + 2
            wait_until(lambda: len(rows(name)) >= seen + 6, 20)
            equal({row["desired_workers"] for row in rows(name)[seen:]}, {"1"}, "there are workers for that alone")
        ok(wait_until(lambda: "event=events_accepted" in scaler.stderr(), 20), "it is noticed when that is over")
        equal(scaler.stderr().count("event=events_refused"), 1, "each is said once")
        like(scaler.stdout(), "λ is what the queue takes", "the table says it, too")
        equal(scaler.end(), 0, "it ends as ever")
    before = [row for row in rows(name) if row["arrival_source"] == "offered"]
    ok(max(int(row["desired_workers"]) for row in before) > 1, "for what was offered there had been more")
    decides_the_same_again(name)


long_jobs()
slow_starts()
starts_that_become_slow_and_quick_again()
what_is_refused_needs_no_worker()
done_testing()
