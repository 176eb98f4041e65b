#!/usr/bin/python3
"""How quickly winnow-autoscaler does what it owes when things fail: it replaces workers that end, and gives up those that
cannot work, and a broker that does not answer."""

import os
import signal
import socket
import time

import scaler as plain
from scaler import *
from tap import *


def autoscaler(name, *args, **more):
    return plain.autoscaler(name, "--interval", "200ms", *args, **more)


def gives_up_on_workers_that_cannot_work():
    for code, ends_with in ((64, 78), (77, 77), (78, 78)):
        name = farm()
        worker = script(f"exits-{code}", f"#!/bin/sh\nexit {code}\n")
        start = time.monotonic()
        with autoscaler(name, "--min", "2", "--", worker) as scaler:
            equal(scaler.wait(10), ends_with, f"a worker's {code} at start ends the autoscaler with {ends_with}")
            ok(time.monotonic() - start < 3, "at once")
            last = scaler.stderr().splitlines()[-1]
        says = f"'{worker}' ended with exit code {code}" in last
        ok(says, "and the last line says of which worker and why") or diag(last)
        equal(rows(name), [], "nothing was decided")


def backs_off_from_workers_that_crash():
    name = farm()
    starts = os.path.abspath("crash-starts")
    worker = script("crashes", f"#!/bin/sh\ndate +%s.%N >>{starts}\nexit 1\n")
    with autoscaler(name, "--min", "1", "--", worker) as scaler:
        wait_for_row(name)
        wait_for_row(name, lambda row: float(row["time_s"]) > 4.5)
        table = rows(name)
        equal(scaler.wait(0), None, "the autoscaler goes on while its worker crashes")
        with open(starts) as file:
            times = [float(line) for line in file]
        gaps = [after - before for before, after in zip(times, times[1:])]
        # 0, then 100 ms doubling, each shortened by up to half.
        ok(6 <= len(times) <= 9, "in 4.5 seconds it is started six to nine times") or diag(gaps)
        ok(gaps[0] < 0.1 + SLOW_START_S, "the first restart comes at once") or diag(gaps)
        ok(gaps[-1] > 0.5 > gaps[1], "later ones later and later") or diag(gaps)
        ok(len(table) >= 20, "decisions go on")
        ok(len(times) - 1 <= total(table, "crashed") <= len(times), "and count the crashes")
        ok("event=worker_crashed" in scaler.stderr() and "code=1" in scaler.stderr(), "which the log tells of")
        equal(scaler.end(), 0, "it ends as ever")


def replaces_a_worker_that_was_killed():
    name = farm()
    with autoscaler(name, "--min", "2", "--max", "2", "--", FILTER, "--service-time", "5ms") as scaler:
        wait_for_row(name, lambda row: row["running_workers"] == "2", 20)
        publish(name, 300)
        workers = children(scaler.pid)
        equal(len(workers), 2, "two workers run")
        killed = min(workers)
        start = time.monotonic()
        os.kill(killed, signal.SIGKILL)
        while not children(scaler.pid) - workers and time.monotonic() < start + 5:
            time.sleep(0.001)
        took_s = time.monotonic() - start
        diag(f"a killed worker was replaced after {took_s * 1000:.1f} ms")
        ok(took_s < 0.1, "a worker that was killed is replaced within 100 ms")
        ok(workers - {killed} < children(scaler.pid), "the other one goes on")
        ok(wait_for_row(name, lambda row: row["crashed"] == "1"), "it counts as crashed")
        ok(wait_until(lambda: ready(name, "results") >= 300, 20), "and its events are answered")
        ok("signal=9" in scaler.stderr(), "the log tells the signal")
        equal(scaler.end(), 0, "the end is a clean one")
    equal(total(rows(name), "crashed"), 1, "one crash, and one only")


def needs_a_broker_at_first():
    nobody = "amqp://guest:guest@127.0.0.1:1"
    started = os.path.abspath("started")
    worker = script("touch-and-wait", f"#!/bin/sh\ntouch {started}\nexec sleep 600\n")
    start = time.monotonic()
    with autoscaler(farm(), "--connect-timeout", "1s", "--min", "1", "--", worker, amqp=nobody) as scaler:
        equal(scaler.wait(10), 69, "without a broker it ends with 69")
        took_s = time.monotonic() - start
        ok(1 <= took_s < 2.5, "after --connect-timeout") or diag(took_s)
        like(scaler.stderr(), r"127\.0\.0\.1", "and says where it looked")
        ok("guest:guest" not in scaler.stderr(), "without the password")
    ok(not os.path.exists(started), "no worker was started")
    # One that takes the connection and says nothing: the first attempt alone would last for seconds.
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mute_at = "127.0.0.1:%d" % mute.getsockname()[1]
        start = time.monotonic()
        with autoscaler(farm(), "--connect-timeout", "500ms", amqp=f"amqp://u:p@{mute_at}") as scaler:
            equal(scaler.wait(10), 69, "a broker that says nothing ends it with 69")
            took_s = time.monotonic() - start
            ok(0.5 <= took_s < 2, "not later than --connect-timeout says") or diag(took_s)
            ok(mute_at in scaler.stderr(), "with its address") or diag(scaler.stderr())
    with autoscaler(farm(), amqp=nobody) as scaler:
        wait_until(lambda: signals_are_taken(scaler.pid), 20)
        start = time.monotonic()
        scaler.signal(signal.SIGTERM)
        equal(scaler.wait(5), 0, "told to go while it looks, it ends with 0")
        ok(time.monotonic() - start < 1, "at once")


def signals_are_taken(pid):
    """The process has blocked SIGTERM, to read it from a descriptor."""
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith("SigBlk:"):
                    return int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1
    return 0


gives_up_on_workers_that_cannot_work()
backs_off_from_workers_that_crash()
replaces_a_worker_that_was_killed()
needs_a_broker_at_first()
done_testing()
