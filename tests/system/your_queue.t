#!/usr/bin/python3
# quiet: what is claimed of time here is far from what a busy machine takes
"""winnow-autoscaler --queue: a queue that somebody else has made, with workers that know nothing of Winnow."""

import collections
import contextlib
import os

import pika

from client import ctl
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
WAIT_S = 20


def script(name, text):
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)
    return os.path.abspath(name)


def entities():
    """What there is in the virtual host, as the broker's own tool lists it."""
    lists = (
        ("list_queues", "name", "durable", "auto_delete", "arguments", "messages"),
        ("list_exchanges", "name", "type", "durable", "arguments"),
        ("list_bindings",),
    )
    return [sorted(map(tuple, ctl(*command))) for command in lists]


def on_queue(queue, *args, **more):
    """An autoscaler of that queue, its history in QUEUE.csv."""
    environment = dict(os.environ, AMQP_URL=more.pop("url", URL), **more.pop("env", {}))
    command = [os.path.join(BIN, "winnow-autoscaler"), "--queue", queue, "--history", f"{queue}.csv", *map(str, args)]
    return ending(Program(command, environment))


@contextlib.contextmanager
def ending(program):
    try:
        yield program
    finally:
        program.end()


def lines(path):
    with contextlib.suppress(FileNotFoundError):
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()
    return []


def a_worker_of_the_tutorial_scales(channel):
    name = farm()
    channel.exchange_declare(f"{name}.topic", "topic", durable=True)
    channel.queue_declare(name, durable=True)
    channel.queue_bind(name, f"{name}.topic", "jobs.#")
    before = entities()
    worker = script("worker.py", TUTORIAL)
    options = ("--interval", "200ms", "--capacity", 20, "--max", 3, "--scale-down-delay", "1s")
    with on_queue(name, "--count-from", f"{name}.topic:jobs.#", *options, "--", "/usr/bin/python3", worker, "done") as scaler:
        ok(wait_for_row(name, lambda row: row["desired_workers"] == "0", WAIT_S), "nothing to do, and no worker")
        for number in range(200):
            channel.basic_publish(f"{name}.topic", "jobs.some", b"%d." % number)
        ok(wait_for_row(name, lambda row: row["running_workers"] == "3", WAIT_S), "work comes, and so do workers")
        ok(wait_until(lambda: len(lines("done")) >= 200, WAIT_S), "the work is done")
        busy = len(rows(name))
        ok(
            wait_for_row(name, lambda row: row["desired_workers"] == row["running_workers"] == "0", WAIT_S, busy),
            "and the workers go",
        )
        ok(scaler.wait(0) is None, "while the autoscaler goes on")
    table = rows(name)
    equal(total(table, "arrived_msgs"), 200, "every event was counted once")
    equal(
        collections.Counter(lines("done")),
        collections.Counter(f"{number}." for number in range(200)),
        "and done once: no worker was told to go while it had one",
    )
    ok(wait_until(lambda: entities() == before, WAIT_S), "what there was before is there, and nothing else") or diag(
        f"{before}\n{entities()}"
    )


def main():
    with contextlib.closing(connect()) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        a_worker_of_the_tutorial_scales(channel)
    done_testing()


main()
