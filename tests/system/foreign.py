"""What the tests of queues that somebody else has made share.

    from foreign import *
    with on_queue("tasks", "--max", 3, "--", FILTER) as scaler:
        ok(wait_for_row("tasks", lambda row: row["running_workers"] == "1"), "a worker runs")
"""

import contextlib
import os

import pika

from client import ctl
from tap import BIN, URL, Program, wait_until

WAIT_S = 20


def start(program, *args, url=None, env=None):
    """A program of the build, without --farm; it has ended when the block is left."""
    command = [os.path.join(BIN, program), *map(str, args)]
    return ending(Program(command, dict(os.environ, AMQP_URL=url or URL, **(env or {}))))


def on_queue(queue, *args, **more):
    """An autoscaler of that queue, with its history in QUEUE.csv."""
    return start("winnow-autoscaler", "--queue", queue, "--history", f"{queue}.csv", *args, **more)


@contextlib.contextmanager
def ending(program):
    try:
        yield program
    finally:
        program.end()


@contextlib.contextmanager
def virtual_host(name):
    """A virtual host that no other test uses; its URL."""
    ctl("add_vhost", name)
    try:
        ctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        yield f"{URL.rstrip('/')}/{name}"
    finally:
        ctl("delete_vhost", name)


def entities(name):
    """What there is in the virtual host, as the broker's own tool lists it."""
    lists = (
        ("list_queues", "name", "durable", "auto_delete", "arguments", "messages"),
        ("list_exchanges", "name", "type", "durable", "arguments"),
        ("list_bindings",),
    )
    return [sorted(map(tuple, ctl(command[0], "-p", name, *command[1:]))) for command in lists]


def declared(connection, queue):
    """How many messages are ready in the queue; None when there is none."""
    channel = connection.channel()
    try:
        return channel.queue_declare(queue, passive=True).method.message_count
    except pika.exceptions.ChannelClosedByBroker:
        return None
    finally:
        if channel.is_open:
            channel.close()


def lines(path):
    with contextlib.suppress(FileNotFoundError):
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()
    return []


def take(channel, queue, seconds=WAIT_S):
    """The next message as (method, properties, body), acknowledged; None after the deadline."""

    def get():
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        return (method, properties, body) if method else None

    return wait_until(get, seconds)
