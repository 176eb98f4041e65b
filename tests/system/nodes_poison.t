#!/usr/bin/python3
# quiet: no claim about time
"""A farm over several hosts, here nodes of one: an event that kills its workers is counted by all of them together."""

import contextlib
import os

from client import Client
from control import Control
from nodes import *
from tap import *

FRAGILE = os.path.join(BIN, "../tests/system/fragile_worker")
NAMES = ("a", "b", "c")
ATTEMPTS = 3


def failures(nodes):
    return {name: each.stderr().count("event=attempt_failed") for name, each in nodes.items()}


name = farm()
with contextlib.ExitStack() as stack:
    options = ("--min", "3", "--max", "6", "--max-attempts", str(ATTEMPTS))
    nodes = {each: stack.enter_context(node(name, each, *options, worker=(FRAGILE,))) for each in NAMES}
    stack.callback(tell_on_failure, list(nodes.values()))
    control = stack.enter_context(Control(name))
    ok(running(control, a=1, b=1, c=1), "three nodes run a worker each")
    with Client(name) as client:
        # Each worker lives for longer than it takes until all nodes know how the one before has died.
        client.publish("LATE 1500", message_id="1")
        dead = client.get(client.dead, seconds=4 * WAIT_S)
        ok(dead and "poison" in dead[1].headers["winnow-reason"], "an event that kills its workers is dead as poison")
        counted = failures(nodes)
        diag(f"attempts that each node counted: {counted}")
        ok(ATTEMPTS <= sum(counted.values()) <= ATTEMPTS + 1, "after so many attempts in the whole farm, one more at most")
        ok(sum(map(bool, counted.values())) > 1, "on more than one node")
        client.publish("hello", message_id="2", reply_to=client.replies)
        answer = client.get(client.replies, seconds=WAIT_S)
        equal(answer and answer[2], b"HELLO", "others are answered")

done_testing()
