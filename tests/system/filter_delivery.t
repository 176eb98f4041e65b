#!/usr/bin/python3
# quiet: what is claimed of time here is far from what a busy machine takes
# slow: half a minute or more
"""winnow-filter loses nothing, whatever happens to it: kills, broken lines, deleted queues; and what it answers a second
time it says so of."""

import signal
import time

from client import Client, Line, ctl, numbers, working
from tap import done_testing, equal, farm, like, ok, spawn, wait_until


def an_event_is_acknowledged_only_after_its_confirm():
    name = farm()
    with Line(mode="hold") as line:
        with spawn("winnow-filter", farm=name, amqp=line.url) as worker, Client(name) as client:
            client.publish_many(40)
            results = [client.get(client.results) for _ in range(40)]
            ok(all(results), "results arrive")
            wait_until(lambda: line.confirms, 20)
            worker.signal(signal.SIGKILL)
            worker.wait(10)
            ok(wait_until(lambda: client.ready(client.work) == 40, 20), "no event was acknowledged without a confirm")
        with spawn("winnow-filter", farm=name), Client(name) as client:
            results = [client.get(client.results) for _ in range(40)]
            equal(sorted(numbers(results)), list(range(40)), "another worker answers them all once more")
            ok(all(p.headers.get("winnow-redelivered") is True for _, p, _ in results), "marked as redelivered")


def a_drain_without_confirms_ends_at_its_time_out():
    name = farm()
    with Line(mode="hold") as line:
        with spawn("winnow-filter", "--drain-timeout", "500ms", farm=name, amqp=line.url) as worker:
            with Client(name) as client:
                client.publish_many(5)
                ok(all(client.get(client.results) for _ in range(5)), "five results arrive, their confirms do not")
                start = time.monotonic()
                worker.signal(signal.SIGTERM)
                equal(worker.wait(20), 75, "the drain ends at --drain-timeout with 75")
                took = time.monotonic() - start
                ok(0.4 < took < 5, f"not before it and not long after ({took:.2f} s)")
                like(worker.stderr(), r"5 results unconfirmed", "and says how many results were unconfirmed")
                ok(wait_until(lambda: client.ready(client.work) == 5, 20), "their events are in the queue again")


def a_lost_connection_is_opened_again():
    name = farm()
    with Line() as line, working(name, "--service-time", "2ms", amqp=line.url) as (worker, client):

        def close_by_the_broker():
            pids = [row[0] for row in ctl("list_connections", "pid", "client_properties") if f"{name}/" in row[1]]
            equal(len(pids), 1, "a worker has one connection")
            ctl("close_connection", pids[0], "tried by a test")

        for what, lose in (("closed by the broker", close_by_the_broker), ("cut", line.cut)):
            client.publish_many(400)
            wait_until(lambda: client.ready(client.results) >= 50, 20)
            lost = worker.stderr().count("connection_lost")
            lose()
            ok(wait_until(lambda: worker.stderr().count("connection_lost") > lost, 20), f"a connection is {what}")
            seen = []
            wait_until(lambda: seen.extend(client.get_ready(client.results)) or len(set(numbers(seen))) == 400, 30)
            equal(set(numbers(seen)), set(range(400)), "the worker comes back and no event is lost")
            ok(wait_until(lambda: client.held() == (0, 0), 20), "all are acknowledged")
            first, unmarked = set(), 0
            for number, (_, properties, _) in zip(numbers(seen), seen):
                unmarked += number in first and "winnow-redelivered" not in properties.headers
                first.add(number)
            equal(unmarked, 0, "what was answered twice is marked")
            client.get_ready(client.results)
        like(worker.stderr(), "connection_lost .*tried by a test", "what the broker said is in the log")
        equal(worker.end(), 0, "and then it drains as ever")


def a_silent_connection_is_given_up():
    name = farm()
    with Line() as line, spawn("winnow-filter", farm=name, amqp=line.url) as worker:
        with Client(name) as client:
            ok(client.ask("a fool"), "a worker answers")
            line.mode = "silent"
            client.publish("a fool", message_id="1")
            ok(wait_until(lambda: "connection_lost" in worker.stderr(), 25), "a dead line is noticed by its heartbeats")
            line.cut()
            line.mode = "pass"
            ok(client.get(client.results, 25), "and the event is answered over a new one")


def a_deleted_work_queue_comes_back():
    name = farm()
    with spawn("winnow-filter", farm=name) as worker, Client(name) as client:
        client.ask("a fool")
        client.channel.queue_delete(client.work)
        ok(wait_until(client.declared, 20), "a work queue that was deleted is declared anew")
        client.channel.confirm_delivery()
        equal(client.ask("a fool")[2], b"a CENSORED", "and bound, and consumed")
        # It consumes anew when it has learnt how quick events are: then it is not told, but finds none.
        like(worker.stderr(), f"{name}.work' was deleted|no queue '{name}.work'", "which the log explains")
        _, properties, body = client.get(client.dead)
        equal((properties.headers["winnow-destroyed"], body), (client.work, b""), "and a notice in FARM.dead")
        equal(client.get_ready(client.dead), [], "once")
        equal(worker.end(), 0, "the worker drains as ever")


def a_deleted_dead_exchange_comes_back():
    name = farm()
    with spawn("winnow-filter", farm=name) as worker, Client(name) as client:
        client.channel.exchange_delete(client.dead)
        client.publish(b"\xff", message_id="1")
        ok(client.get(client.dead), "an event for a FARM.dead that was deleted gets there all the same")
        ok(client.ask("later"), "and the worker goes on")
        equal(worker.end(), 0, "and drains as ever")


def a_sigterm_without_a_connection_ends_it():
    name = farm()
    with Line() as line, spawn("winnow-filter", farm=name, amqp=line.url) as worker, Client(name):
        line.__exit__()
        ok(wait_until(lambda: "connection_lost" in worker.stderr(), 20), "a worker loses its broker")
        worker.signal(signal.SIGTERM)
        equal(worker.wait(5), 0, "and ends with 0 when it is told to go")


an_event_is_acknowledged_only_after_its_confirm()
a_drain_without_confirms_ends_at_its_time_out()
a_lost_connection_is_opened_again()
a_silent_connection_is_given_up()
a_deleted_work_queue_comes_back()
a_deleted_dead_exchange_comes_back()
a_sigterm_without_a_connection_ends_it()
done_testing()
