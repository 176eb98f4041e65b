#!/usr/bin/python3
"""winnow-filter holds no more than about a quarter of a second of work, which it finishes when it is told to drain, or
gives back in time."""

import os
import re
import signal
import time

from client import Client, Line, numbers, redelivered, working
from tap import BIN, diag, done_testing, equal, farm, ok, spawn, wait_until

FRAGILE = os.path.join(BIN, "../tests/system/fragile_worker")


def a_sigterm_drains(signals, what):
    name = farm()
    with working(name, "--service-time", "10ms") as (worker, client):
        client.publish_many(400)
        ok(wait_until(lambda: client.ready(client.results) >= 30, 20), f"{what}: a worker is in mid-work")
        for number in signals:
            worker.signal(number)
            wait_until(lambda: "event=draining" in worker.stderr(), 20)
            answered = client.ready(client.results)
            wait_until(lambda: client.ready(client.results) > answered or worker.wait(0) is not None, 20)
        equal(worker.wait(20), 0, "it ends with 0")
        log = worker.stderr()
        equal(log.count("event=draining"), 1, "having begun to drain once")
        held = int(re.search(r"event=draining .*in_flight=(\d+)", log)[1])
        ok(held >= 10, f"it held {held} events when it was told")
        results, rest = client.get_ready(client.results), client.get_ready(client.work)
        equal(len(results) + len(rest), 400, "every event is answered or in the queue")
        equal(sorted(numbers(results)), list(range(len(results))), "those answered are the first ones, once each")
        ok(len(results) < 400 and redelivered(rest) == 0, "and what it held it finished: nothing was given back")
        equal(f"handled={len(results)}" in log, True, "it says how many it handled")


def a_drain_time_out_gives_back():
    name = farm()
    with working(name, "--service-time", "25ms", "--drain-timeout", "120ms") as (worker, client):
        client.publish_many(200)
        wait_until(lambda: client.ready(client.results) >= 12, 20)
        start = time.monotonic()
        worker.signal(signal.SIGTERM)
        equal(worker.wait(20), 0, "a drain that would take too long ends with 0")
        took = time.monotonic() - start
        ok(took < 3, f"in time ({took:.2f} s)")
        log = worker.stderr()
        given = re.search(r"level=warn .*event=given_back .*events=(\d+)", log)
        if not ok(given, "it logs what it gave back"):
            diag(log)
            return
        results, rest = client.get_ready(client.results), client.get_ready(client.work)
        equal(len(results) + len(rest), 200, "nothing is lost or answered twice")
        equal(redelivered(rest), int(given[1]), "what it gave back is in the queue again, as many as it said")
        ok(int(given[1]) >= 2, f"those were several ({given[1]})")


def a_slow_worker_holds_little_work():
    name = farm()
    with spawn("winnow-filter", "--service-time", "25ms", farm=name) as worker, Client(name) as client:
        client.publish_many(1000)  # more than are done while the broker's tool starts
        wait_until(lambda: client.ready(client.results) >= 15, 20)
        held = client.held()[1]
        ok(5 <= held <= 15, f"at 25 ms an event it holds about ten of them: {held}")
        worker.signal(signal.SIGKILL)
        worker.wait(10)
        results = client.get_ready(client.results)
        wait_until(lambda: client.ready(client.work) >= 1000 - len(results), 20)
        rest = client.get_ready(client.work)
        ok(5 <= redelivered(rest) <= 15, f"killed, it leaves that many to others: {redelivered(rest)}")


def a_fast_worker_holds_its_prefetch():
    name = farm()
    with Line() as line:
        with spawn("winnow-filter", "--prefetch", 37, "--drain-timeout", "1s", farm=name, amqp=line.url):
            with Client(name) as client:
                client.publish_many(200)
                wait_until(lambda: client.ready(client.results) == 200 and client.held() == (0, 0), 20)
                client.get_ready(client.results)
                line.mode = "hold"
                client.publish_many(200)
                wait_until(lambda: client.ready(client.results) >= 37, 20)
                held = client.held()
                equal(held, (200 - 37, 37), "a fast worker holds --prefetch events, confirms pending, and no more")


def a_worker_holds_less_when_its_work_gets_slower():
    name = farm()
    with spawn(FRAGILE, farm=name) as worker, Client(name) as client:
        client.publish_many(2000, "quick")
        wait_until(lambda: client.ready(client.results) == 2000, 20)
        client.get_ready(client.results)
        client.publish_many(2000, "SLOW 20")  # likewise
        ok(wait_until(lambda: client.ready(client.results) >= 252, 60), "events become slow")
        held = client.held()[1]
        ok(held <= 20, f"at 20 ms an event a worker holds less than the 250 it held of quick ones: {held}")
        answered = client.ready(client.results)
        ok(wait_until(lambda: client.ready(client.results) > answered + 10, 60), "and goes on working")
        worker.signal(signal.SIGKILL)


a_sigterm_drains([signal.SIGTERM], "SIGTERM")
a_sigterm_drains([signal.SIGTERM, signal.SIGTERM, signal.SIGINT, signal.SIGTERM], "several signals")
a_drain_time_out_gives_back()
a_slow_worker_holds_little_work()
a_fast_worker_holds_its_prefetch()
a_worker_holds_less_when_its_work_gets_slower()
done_testing()
