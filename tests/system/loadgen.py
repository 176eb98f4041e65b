"""What tests of winnow-loadgen share: a run to its end, its summary, and workers made here.

    from loadgen import *
    code, running = loadgen("--phase", "1s@100", "--verify", name=farm(), serve=worker(name, handle))
"""

import contextlib
import json
import re
import time

import pika

from client import ctl
from tap import connect, diag, farm, ok, spawn, wait_until

LOADGEN = "winnow-loadgen"
PERCENTILES = ["p50", "p90", "p99", "p99_9", "max", "p99_99"]


def write(name, text):
    with open(name, "wb") as file:
        file.write(text.encode() if isinstance(text, str) else text)
    return name


def summary():
    with open("summary.json") as file:
        return json.load(file)


def counts(*keys):
    found = summary()
    return {key: found[key] for key in keys}


def loadgen(*args, name, serve=None, seconds=30):
    """Runs the load generator to its end, with serve(running) beside it; its exit code and the program."""
    with spawn(LOADGEN, "--summary", "summary.json", *args, farm=name) as running:
        if serve:
            serve(running)
        return running.wait(seconds), running


def new_farm():
    """A farm whose exchange and queues are there; the load generator made them."""
    name = farm()
    code, running = loadgen("--phase", "10ms@0", name=name)
    ok(code == 0, "a schedule without events is fine") or diag(running.stderr())
    return name


def queues_of_run(name):
    """Whether the broker still has a queue of a run: nothing but the name is known of it."""
    return [queue for (queue,) in ctl("list_queues", "name") if queue.startswith(f"{name}.verify.")]


@contextlib.contextmanager
def channel_of():
    with contextlib.closing(connect()) as connection:
        yield connection.channel()


def worker(name, handle):
    """A worker made here: handle(channel, number, properties, body) answers or does not."""

    def serve(running):
        with channel_of() as channel:
            number = 0
            while running.wait(0) is None:
                method, properties, body = channel.basic_get(f"{name}.work", auto_ack=True)
                if not method:
                    time.sleep(0.005)
                    continue
                handle(channel, number, properties, body)
                number += 1

    return serve


def reply(channel, properties, body, matches=0, **changed):
    fields = dict(
        message_id=properties.message_id,
        correlation_id=properties.message_id,
        headers={} if matches is None else {"winnow-matches": matches},
    )
    fields.update(changed)
    channel.basic_publish("", properties.reply_to, body, pika.BasicProperties(**fields))


def first_second(running):
    """Waits until the run has told of its first second."""
    return wait_until(lambda: re.search(r"^ +\d+\.\d ", running.stderr(), re.M), 20)


def take_all(name):
    with channel_of() as channel:
        messages = []
        while True:
            method, properties, body = channel.basic_get(f"{name}.work", auto_ack=True)
            if not method:
                return messages
            messages.append((properties, body))
