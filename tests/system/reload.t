#!/usr/bin/python3
"""SIGHUP loads the word lists anew: in a worker under load, through the autoscaler, and never for the worse."""

import os
import re
import signal
import subprocess
import threading

from client import Client
from tap import BIN, done_testing, equal, farm, like, ok, spawn, wait_until


def write(name, text):
    with open(name + ".new", "wb") as file:
        file.write(text)
    os.rename(name + ".new", name)
    return os.path.abspath(name)


def body(client, text):
    return client.ask(text)[2]


def a_worker_under_load():
    name = farm()
    big = b"".join(b"word%d\n" % number for number in range(100000))
    words = write("words.txt", b"fool\n")
    with spawn("winnow-filter", "--words", words, farm=name) as worker, Client(name) as client:
        equal(body(client, "fool moron"), b"CENSORED moron", "before: the old list")
        report = {}

        def load():
            report["ran"] = subprocess.run(
                [os.path.join(BIN, "winnow-loadgen"), "--amqp", os.environ["WINNOW_TEST_URL"], "--farm", name,
                 "--phase", "3s@2000", "--verify", "--summary", "load.json"],
                capture_output=True, text=True, timeout=120)

        thread = threading.Thread(target=load)
        thread.start()
        # Several at once: each takes what is in the files by then.
        for content in (b"moron\n", b"moron\nfool\n", big + b"moron\n"):
            write("words.txt", content)
            worker.signal(signal.SIGHUP)
        ok(wait_until(lambda: "entries=100001" in worker.stderr(), 30), "a list of 100,000 is loaded under load")
        equal(body(client, "fool moron"), b"fool CENSORED", "after: the new list, from the next event on")
        write("words.txt", b"fool\nbroken \xff\n")
        worker.signal(signal.SIGHUP)
        ok(wait_until(lambda: "lists_not_loaded" in worker.stderr(), 30), "a broken list is not loaded")
        like(worker.stderr(), r"lists_not_loaded.*words\.txt:2: .*UTF-8.*old lists", "... the log names file and line")
        equal(body(client, "fool moron"), b"fool CENSORED", "... and the old list stays in place")
        os.unlink("words.txt")
        worker.signal(signal.SIGHUP)
        ok(wait_until(lambda: "No such file" in worker.stderr(), 30), "nor is a missing one")
        equal(body(client, "fool moron"), b"fool CENSORED", "... the old list stays")
        thread.join()
        equal(report["ran"].returncode, 0, "every event under load was answered, none lost")
        with open("load.json", encoding="utf-8") as file:
            like(file.read(), r'"duplicates": *0\b', "... and none twice")
        ok("connection_lost" not in worker.stderr(), "on one connection")
        equal(worker.end(), 0, "and the worker drains")


def through_the_autoscaler():
    name = farm()
    words = write("words.txt", b"fool\n")
    with spawn("winnow-autoscaler", "--min", "2", "--max", "2", "--interval", "200ms", "--", os.path.join(BIN, "winnow-filter"),
               "--words", words, farm=name) as autoscaler, Client(name) as client:
        ok(wait_until(lambda: client.consumers(client.work) == 2, 30), "two workers")
        write("words.txt", b"moron\n")
        autoscaler.signal(signal.SIGHUP)
        ok(wait_until(lambda: autoscaler.stderr().count("lists_loaded") == 2, 30), "SIGHUP reaches both")
        equal([body(client, "fool moron") for _ in range(4)], [b"fool CENSORED"] * 4, "and both use the new list")
        ok("worker_crashed" not in autoscaler.stderr(), "no worker ended of it")
        equal(autoscaler.end(), 0, "the autoscaler drains them")

    # A program that knows nothing of SIGHUP would die of it.
    name = farm()
    with spawn("winnow-autoscaler", "--min", "1", "--max", "1", "--interval", "200ms", "--start-timeout", "500ms", "--",
               "sleep", "1000", farm=name) as autoscaler:
        ok(wait_until(lambda: re.search(r" 1 +0 +0 ", autoscaler.stdout()), 30), "a worker of another kind")
        autoscaler.signal(signal.SIGHUP)
        ok(wait_until(lambda: "renewing" in autoscaler.stderr(), 30), "the autoscaler takes SIGHUP")
        rows = autoscaler.stdout().count("\n")
        wait_until(lambda: autoscaler.stdout().count("\n") > rows + 2, 30)
        ok("worker_crashed" not in autoscaler.stderr(), "and leaves it alone")
        equal(autoscaler.end(), 0, "it ends as before")


a_worker_under_load()
through_the_autoscaler()
done_testing()
