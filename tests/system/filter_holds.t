#!/usr/bin/python3
"""What winnow-filter holds: no more than about a quarter of a second of work, which it finishes when it is told to drain, or
gives back in time, whether or not the broker reads, and which nobody works on a second time but after a kill. On a busy
machine, where an event takes long, it holds less, and gives back what waits."""

import os
import re
import signal
import time

from client import Client, Line, ctl, numbers, port_of, redelivered, working
from own_broker import OwnBroker
from tap import BIN, diag, done_testing, equal, farm, ok, spawn, wait_until

MIB = 1 << 20
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


def a_refused_result_is_sent_again():
    name = farm()
    with Line(mode="refuse") as line, working(name, amqp=line.url) as (worker, client):
        client.publish_many(10)
        ok(wait_until(lambda: client.ready(client.results) >= 30, 20), "refused results are sent again and again")
        line.mode = "pass"
        ok(f'result_refused queue="{client.results}"' in worker.stderr(), "which is logged")
        ok(wait_until(lambda: client.held() == (0, 0), 20), "in the end every event is acknowledged")
        results = client.get_ready(client.results)
        equal(set(numbers(results)), set(range(10)), "all are answered")
        again = [message for message in results if message[1].headers.get("winnow-redelivered")]
        equal(again, [], "and no event was worked again")
        ok("connection_lost" not in worker.stderr(), "on the same connection")
        equal(worker.end(), 0, "the worker still drains")


def a_killed_workers_events_go_to_another():
    name = farm()
    with working(name, "--service-time", "2ms", "--prefetch", "100") as (worker, client):
        client.publish_many(500)
        wait_until(lambda: client.ready(client.results) >= 100, 20)
        worker.signal(signal.SIGKILL)
        equal(worker.wait(10), -signal.SIGKILL, "a worker is killed in mid-work")
        wait_until(lambda: client.consumers(client.work) == 0, 20)
        left = client.ready(client.work)
        first = client.get_ready(client.results)
        with spawn("winnow-filter", farm=name):
            second = []
            wait_until(lambda: second.extend(client.get_ready(client.results)) or len(second) >= left, 20)
            ok(wait_until(lambda: client.held() == (0, 0), 20), "another clears the queue")
        second += client.get_ready(client.results)
        equal(sorted(set(numbers(first + second))), list(range(500)), "every event is answered")
        equal(sorted(numbers(second)), sorted(set(numbers(second))), "by the other worker once")
        marked = {number for number, (_, p, _) in zip(numbers(second), second) if "winnow-redelivered" in p.headers}
        ok(0 < len(marked) <= 100, f"what the dead one held is marked as redelivered: {len(marked)}")
        equal(marked, set(range(min(marked), min(marked) + len(marked))), "that is what it held, no other")
        ok(set(numbers(first)) & set(numbers(second)) <= marked, "and whatever was answered twice is marked")
        ok(not any("winnow-redelivered" in p.headers for _, p, _ in first), "nothing else is")


def unsent_bytes(port):
    """The most that somebody who is connected to that port has in the system's buffers."""
    with open("/proc/net/tcp") as file:
        rows = [line.split() for line in file][1:]
    return max((int(row[4].split(":")[0], 16) for row in rows if int(row[2].split(":")[1], 16) == port), default=0)


def a_broker_that_reads_nothing_holds_no_worker_up():
    """Under its memory alarm; the result is larger than what the sockets between the two take."""
    name = farm()
    with OwnBroker() as broker:
        with spawn("winnow-filter", farm=name, amqp=broker.url) as first, Client(name, broker.url) as client:
            first.signal(signal.SIGTERM)
            first.wait(10)
            client.publish("fool " * (3 * MIB))
            wait_until(lambda: client.ready(client.work) == 1, 20)
            ctl("set_vm_memory_high_watermark", "absolute", "1", directory=broker.directory)
            with spawn("winnow-filter", "--max-body", "16MiB", "--drain-timeout", "1s", farm=name, amqp=broker.url) as worker:
                wait_until(lambda: client.ready(client.work) == 0, 20)
                ok(wait_until(lambda: unsent_bytes(port_of(broker.url)) > 0, 60), "a worker sends a result that is not read")
                time.sleep(1)  # until it has filled every buffer; one that has not makes the test easier, not wrong
                begin = time.monotonic()
                worker.signal(signal.SIGTERM)
                ended = wait_until(lambda: worker.process.poll() is not None, 5)
                ok(ended, f"a worker whose result is not read obeys SIGTERM ({time.monotonic() - begin:.1f} s)")
                worker.process.kill()
            ctl("set_vm_memory_high_watermark", "0.6", directory=broker.directory)
            with spawn("winnow-filter", "--max-body", "16MiB", farm=name, amqp=broker.url):
                ok(wait_until(lambda: client.ready(client.results) >= 1, 30), "... and its event is answered later")


a_sigterm_drains([signal.SIGTERM], "SIGTERM")
a_sigterm_drains([signal.SIGTERM, signal.SIGTERM, signal.SIGINT, signal.SIGTERM], "several signals")
a_drain_time_out_gives_back()
a_slow_worker_holds_little_work()
a_fast_worker_holds_its_prefetch()
a_worker_holds_less_when_its_work_gets_slower()
a_refused_result_is_sent_again()
a_killed_workers_events_go_to_another()
a_broker_that_reads_nothing_holds_no_worker_up()
done_testing()
