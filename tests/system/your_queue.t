#!/usr/bin/python3
# quiet: what is claimed of time here is far from what a busy machine takes
# slow: half a minute or more
"""--queue: a queue that somebody else has made, with workers that know nothing of Winnow, and with those that do."""

import collections
import contextlib
import json
import os
import re
import subprocess

from foreign import *
from scaler import *
from tap import *

# The worker of RabbitMQ's tutorial "Work Queues", with the broker's address and the queue's name from its environment,
# and a file in which it notes what it has done.
TUTORIAL = """#!/usr/bin/env python3
import os, sys, time, pika

connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.queue_declare(queue=os.environ["WINNOW_QUEUE"], durable=True)

def callback(ch, method, properties, body):
    time.sleep(0.02 * body.count(b"."))
    with open(sys.argv[1], "a") as file:
        file.write(body.decode() + "\\n")
    ch.basic_ack(delivery_tag=method.delivery_tag)

channel.basic_qos(prefetch_count=1)
channel.basic_consume(queue=os.environ["WINNOW_QUEUE"], on_message_callback=callback)
channel.start_consuming()
"""


def a_worker_of_the_tutorial_scales():
    name = farm()
    with open("worker.py", "w", encoding="utf-8") as file:
        file.write(TUTORIAL)
    with virtual_host(name) as url, contextlib.closing(connect(url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.exchange_declare(f"{name}.topic", "topic", durable=True)
        channel.queue_declare(name, durable=True)
        channel.queue_bind(name, f"{name}.topic", "jobs.#")
        before = entities(name)
        options = ("--interval", "200ms", "--capacity", 20, "--max", 3, "--scale-down-delay", "500ms")
        worker = ("--", "/usr/bin/python3", os.path.abspath("worker.py"), "done")
        with on_queue(name, "--count-from", f"{name}.topic:jobs.#", *options, *worker, url=url) as scaler:
            ok(wait_for_row(name, lambda row: row["desired_workers"] == "0", WAIT_S), "nothing to do, and no worker")
            for number in range(100):
                channel.basic_publish(f"{name}.topic", "jobs.some", b"%d." % number)
            ok(wait_for_row(name, lambda row: row["running_workers"] == "3", WAIT_S), "work comes, and so do workers")
            ok(wait_until(lambda: len(lines("done")) >= 100, WAIT_S), "the work is done")
            busy = len(rows(name))
            ok(
                wait_for_row(name, lambda row: row["desired_workers"] == row["running_workers"] == "0", WAIT_S, busy),
                "and the workers go",
            )
            ok(scaler.wait(0) is None, "while the autoscaler goes on")
        ok(wait_until(lambda: entities(name) == before, WAIT_S), "what there was is there, and nothing else") or diag(
            f"{before}\n{entities(name)}"
        )
    equal(total(rows(name), "arrived_msgs"), 100, "every event was counted once")
    equal(
        collections.Counter(lines("done")),
        collections.Counter(f"{number}." for number in range(100)),
        "and done once: no worker was told to go while it had one",
    )


def each_event_is_counted_once_however_it_comes(channel):
    """Bindings that overlap, the same one twice, and an exchange that feeds another."""
    name = farm()
    for part, kind in (("all", "fanout"), ("some", "topic"), ("labelled", "headers"), ("name:with:colons", "fanout")):
        channel.exchange_declare(f"{name}.{part}", kind)
    channel.exchange_bind(f"{name}.some", f"{name}.all")
    channel.queue_declare(name)
    sources = ("all", "some:a.*", "some:*.b", "some:a.*", "labelled", "name:with:colons:")
    options = [word for source in sources for word in ("--count-from", f"{name}.{source}")]
    with on_queue(name, *options, "--interval", "200ms", "--max", 1, "--capacity", "1000000", "--", "sleep", 100):
        ok(wait_for_row(name, seconds=WAIT_S), "arrivals are counted")
        for exchange, key in (("all", "a.b"), ("some", "a.b"), ("some", "a.c"), ("labelled", ""), ("some", "x.y")):
            for _ in range(10):
                channel.basic_publish(f"{name}.{exchange}", key, b"")
        channel.basic_publish(f"{name}.name:with:colons", "", b"")
        got = wait_until(lambda: total(rows(name), "arrived_msgs") == 41, WAIT_S)
        ok(got, "a message that comes in two ways is one, and one that nobody bound is none") or diag(rows(name))
        channel.basic_publish(f"{name}.some", "a.b", b"", mandatory=True)
        ok(True, "which is routable then, though no queue but the count queue takes it")


def what_nothing_counts_is_known_from_workers_that_tell(channel):
    name = farm()
    channel.queue_declare(name)
    options = ("--interval", "200ms", "--capacity", 20, "--max", 2, "--scale-down-delay", "1s")
    with on_queue(name, *options, "--", FILTER, "--service-time", "5ms"):
        ok(
            wait_for_row(name, lambda row: row["arrival_source"] == "none" and row["reason"] == "backlog only", WAIT_S),
            "before anything is known of arrivals, the backlog decides",
        )
        for _ in range(100):
            channel.basic_publish("", name, b"a fool")
        ok(
            wait_for_row(
                name,
                lambda row: row["arrival_source"] == "accepted" and (number(row, "arrival_per_s") or 0) > 0,
                WAIT_S,
            ),
            "what the queue accepts stands for what arrives",
        )
        ok(wait_for_row(name, lambda row: row["running_workers"] == "2", WAIT_S), "and the workers are scaled by both")
        busy = len(rows(name))
        ok(
            wait_for_row(name, lambda row: row["desired_workers"] == "0" == row["backlog_msgs"], WAIT_S, busy),
            "down to none",
        )
    held = [row for row in rows(name) if row["reason"] == "held: arrival rate unknown"]
    equal(held, [], "no decision waits for a rate that nobody measures")
    run = subprocess.run(
        [os.path.join(BIN, "winnow-simulate"), "--replay", f"{name}.csv"], capture_output=True, text=True, check=False
    )
    equal(run.returncode, 0, "and each is the same when it is replayed") or diag(run.stdout + run.stderr)


def results_and_dead_events_go_where_they_are_told(connection, channel):
    name = farm()
    for part in ("", ".out", ".letters"):
        channel.queue_declare(name + part)
    replies = channel.queue_declare("", exclusive=True).method.queue
    answered = pika.BasicProperties(reply_to=replies)
    with start("winnow-filter", "--queue", name, "--results", f"{name}.out") as worker:
        channel.basic_publish("", name, b"you fool")
        channel.basic_publish("", name, b"you fool too", answered)
        equal(take(channel, f"{name}.out")[2], b"you CENSORED", "a result goes to the queue of --results")
        equal(take(channel, replies)[2], b"you CENSORED too", "and to the reply_to of an event that has one")
        ok(declared(connection, f"{name}.dead") is None, "as long as nothing is dead, FARM.dead is not there")
        channel.basic_publish("", name, b"\xff")
        got = wait_until(lambda: declared(connection, f"{name}.dead") and take(channel, f"{name}.dead"), WAIT_S)
        ok(got and got[2] == b"\xff" and "UTF-8" in got[1].headers["winnow-reason"], "what is dead is there, and why")
        channel.basic_publish("", name, b"to nobody", pika.BasicProperties(reply_to=f"{name}.nobody"))
        got = take(channel, f"{name}.dead")
        ok(got and "unroutable" in got[1].headers["winnow-reason"], "and so is a result that no queue takes")
        ok(worker.wait(0) is None, "the worker goes on")
    with start("winnow-filter", "--queue", name) as worker:
        for _ in range(300):
            channel.basic_publish("", name, b"a fool")
        channel.basic_publish("", name, b"the last", answered)
        ok(take(channel, replies), "a result that nobody asks for goes nowhere")
    equal(worker.process.returncode, 0, "and the worker drains")
    equal([declared(connection, name + part) for part in ("", ".out", ".dead")], [0, 0, 0], "nothing is left of any")
    channel.queue_delete(name)
    channel.queue_delete(f"{name}.dead")
    channel.exchange_delete(f"{name}.dead")
    dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{name}.letters"}
    channel.queue_declare(name, arguments=dead)
    with start("winnow-filter", "--queue", name, "--dead", "reject"):
        channel.basic_publish("", name, b"one fool", answered)
        for body, properties in ((b"\xfe", None), (b"x", pika.BasicProperties(reply_to=f"{name}.nobody"))):
            channel.basic_publish("", name, body, properties)
            got = take(channel, f"{name}.letters")
            ok(
                got and got[2] == body and got[1].headers["x-death"][0]["reason"] == "rejected",
                "with --dead reject the queue's own dead-lettering has the event as it came",
            )
        ok(take(channel, replies), "beside results as ever")
    ok(declared(connection, f"{name}.dead") is None, "and FARM.dead is not there")


def every_kind_of_queue_works(channel):
    kinds = {
        "priority": {"x-max-priority": 5},
        "lazy": {"x-queue-mode": "lazy"},
        "quorum": {"x-queue-type": "quorum"},
        "expiring": {"x-message-ttl": 60000, "x-expires": 600000},
        "bounded": {"x-max-length": 1000, "x-overflow": "reject-publish"},
        "letters": {"x-dead-letter-exchange": "amq.fanout"},
    }
    replies = channel.queue_declare("", exclusive=True).method.queue
    name = farm()
    with contextlib.ExitStack() as stack:
        for kind, arguments in kinds.items():
            channel.queue_declare(f"{name}.{kind}", durable=True, arguments=arguments)
            stack.enter_context(on_queue(f"{name}.{kind}", "--min", 1, "--interval", "200ms", "--", FILTER))
            channel.basic_publish(
                "", f"{name}.{kind}", b"fool", pika.BasicProperties(message_id=kind, reply_to=replies, priority=3)
            )
        got = {take(channel, replies)[1].message_id for _ in kinds}
        equal(got, set(kinds), "priorities, lazy and quorum queues, limits and dead-lettering: all are scaled and served")
        for kind in kinds:
            table = f"{name}.{kind}"
            ok(wait_for_row(table, lambda row: row["backlog_msgs"] == "0", WAIT_S), f"{kind}: the backlog is known")


def of_a_single_active_consumer_it_is_said(channel):
    name = farm()
    channel.queue_declare(name, arguments={"x-single-active-consumer": True})
    # All before there is a worker: this broker's queue process ends when something is published just after its active
    # consumer was cancelled.
    for _ in range(1000):
        channel.basic_publish("", name, b"a fool")
    with on_queue(name, "--min", 3, "--interval", "100ms", "--", FILTER, "--service-time", "50ms") as scaler:
        said = wait_until(lambda: re.search("event=one_consumer.*", scaler.stderr()), WAIT_S)
        ok(said and "single active consumer" in said[0], "that more workers do not help is said")
        channel.queue_purge(name)


def workers_are_told_the_queue(connection, channel):
    name = farm()
    channel.queue_declare(f"{name} there")
    tell = ("--min", 1, "--", "sh", "-c", 'echo "$WINNOW_FARM/$WINNOW_QUEUE" >told; exec sleep 100')
    with on_queue(f"{name} there", *tell):
        ok(wait_until(lambda: lines("told") == [f"{name} there/{name} there"], WAIT_S), "workers are told the queue")
    with start("winnow-autoscaler", "--farm", name, *tell):
        ok(wait_until(lambda: lines("told") == [f"{name}/{name}.work"], WAIT_S), "of a farm of its own as well")
    with start("winnow-filter", env={"WINNOW_QUEUE": f"{name}.work", "WINNOW_FARM": name}):
        channel.queue_delete(f"{name}.results")
        ok(wait_until(lambda: declared(connection, f"{name}.results") == 0, WAIT_S), "whose workers declare it then")


def such_a_farm_is_asked_and_told(channel):
    name = f"{farm()}/über.a b"
    channel.queue_declare(name)

    def winnow_ctl(*args):
        command = [os.path.join(BIN, "winnow-ctl"), "--farm", name, *map(str, args)]
        run = subprocess.run(
            command, capture_output=True, text=True, check=False, env=dict(os.environ, AMQP_URL=URL), timeout=60
        )
        return run.returncode, run.stdout + run.stderr

    with start("winnow-autoscaler", "--queue", name, "--interval", "200ms", "--", FILTER) as scaler:
        ok(wait_until(lambda: winnow_ctl("status")[0] == 0, WAIT_S), "winnow-ctl asks a farm by its queue's name")
        ok(wait_until(lambda: " / C = " in winnow_ctl("explain")[1], WAIT_S), "which says how it decides")
        equal(winnow_ctl("set", "min=1")[0], 0, "and it is told")
        status = wait_until(lambda: next_status(winnow_ctl), WAIT_S)
        ok(status and status["farm"] == name, "and does it, under its whole name") or diag(scaler.stderr())


def next_status(winnow_ctl):
    status = json.loads(winnow_ctl("status", "--json")[1])
    return status if status["running"] == 1 else None


def main():
    with contextlib.closing(connect()) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        a_worker_of_the_tutorial_scales()
        each_event_is_counted_once_however_it_comes(channel)
        what_nothing_counts_is_known_from_workers_that_tell(channel)
        results_and_dead_events_go_where_they_are_told(connection, channel)
        every_kind_of_queue_works(channel)
        of_a_single_active_consumer_it_is_said(channel)
        workers_are_told_the_queue(connection, channel)
        such_a_farm_is_asked_and_told(channel)
    done_testing()


main()
