#!/usr/bin/python3
# quiet: no claim about time, but for a wide one
"""Nodes on somebody else's queue where nothing counts what is published: the arrival rate is what the queue accepts."""

import contextlib
import sys
import threading
import time

sys.path.append(__file__.rpartition("/")[0] + "/../system")
from control import Control
from nodes import *
from scaler import FILTER, rows, wait_for_row
from tap import *

PER_S = 200

name = farm()
stopping = threading.Event()


def publish(channel):
    began, sent = time.monotonic(), 0
    while not stopping.is_set():
        while sent < PER_S * (time.monotonic() - began):
            channel.basic_publish("", name, b"an event")
            sent += 1
        time.sleep(0.01)


with contextlib.ExitStack() as stack:
    channel = stack.enter_context(contextlib.closing(connect())).channel()
    channel.queue_declare(name, durable=True)
    nodes = {}
    for each in ("a", "b"):
        own = ("--queue", name, "--history", f"{name}-{each}.csv")
        nodes[each] = stack.enter_context(node(name, each, *own, worker=(FILTER,)))
    stack.callback(tell_on_failure, list(nodes.values()))
    control = stack.enter_context(Control(name))
    status = running(control, a=2, b=2)
    ok(status, "two nodes work on the queue")
    history = f"{name}-{status['leader'] if status else 'a'}"
    publisher = threading.Thread(target=publish, args=(channel,))
    publisher.start()
    stack.callback(publisher.join)
    stack.callback(stopping.set)
    near = lambda row: row["arrival_source"] == "accepted" and abs(float(row["arrival_per_s"]) / PER_S - 1) < 0.15
    row = wait_for_row(history, near, 3 * WAIT_S)
    ok(row, "the arrival rate is known, and what was published") or diag(*(each["arrival_per_s"] for each in rows(history)))

done_testing()
