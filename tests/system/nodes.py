"""What tests of a farm over several hosts share: nodes of it, here on one, how its status says that they are, and what
they say to each other.

    from nodes import *
    with node(name, "a") as a, node(name, "b") as b, Control(name) as control:
        ok(running(control, a=2, b=2), "four workers are shared by two nodes")
"""

import contextlib
import json

from control import Control
from scaler import FILTER
from tap import diag, failed, spawn, wait_until

WAIT_S = 20


def node(name, node, *args, worker=(FILTER,), **more):
    options = ["--node", node, "--node-max", "4", "--min", "4", "--max", "6", "--interval", "200ms", "--quiet"]
    return spawn("winnow-autoscaler", *options, *args, "--", *worker, farm=name, **more)


def when(control, condition, seconds=WAIT_S):
    """The first status that the condition holds of; None after the deadline."""

    def found():
        status = control.status(0.5)
        return status if status and "nodes" in status and condition(status) else None

    return wait_until(found, seconds) or diag(f"last status: {control.last}")


def running(control, seconds=WAIT_S, **wanted):
    """Waits until a status says that the nodes run so many workers, and that none starts or drains."""

    def settled(status):
        runs = {each["name"]: each["running"] for each in status["nodes"] if each["state"] != "lost"}
        return runs == wanted and not status["draining"] and not status["starting"]

    return when(control, settled, seconds)


def states(status):
    return {each["name"]: each["state"] for each in status["nodes"]}


def tell_on_failure(nodes):
    for each in nodes if failed() else []:
        diag(each.stderr())


# ---- what nodes and their leader say ----


def report(name, workers=0, **more):
    """What a node of that name would report that runs so many workers."""
    worker = {"pid": 1000, "state": "running", "since_s": 9.5, "tells": True, "blocked": False, "handled_msgs": 812,
              "busy_ns": 71234567, "in_flight_msgs": 3.0, "working_s": 0.0}
    zeros = ("starting", "draining", "spawned", "stopped", "crashed", "hung", "blocked", "silent", "rank", "epoch", "sequence",
             "target", "in_flight_msgs", "draining_in_flight_msgs", "handled_msgs", "dead_msgs", "given_back_msgs",
             "simulated_service_s", "silent_s", "overdue_s")
    falses = ("consuming", "leaving", "drained", "unknown")
    return {**dict.fromkeys(zeros, 0), **dict.fromkeys(falses, False), "node": name, "boot": "b", "capacity": 8,
            "running": workers, "telling": workers, "heard": True, "startup_s": 0.05,
            "workers": [{**worker, "slot": slot} for slot in range(workers)], **more}


class Spy(Control):
    """Hears what nodes and their leader say to each other, and can say it in their place."""

    FORGER = "forger/here/1"

    def __init__(self, farm, url=None):
        super().__init__(farm, url, listens=False)
        self.listen("target.#", "report.#", "status")

    def _take(self, channel, method, properties, body):
        # What is no message, it says itself.
        with contextlib.suppress(ValueError, RecursionError):
            message = json.loads(body)
            if isinstance(message, dict) and (properties.type != "status" or "nodes" in message):
                super()._take(channel, method, properties, body)

    def say(self, key, message):
        """Bytes, or a message of which what is not given is as a true one has it."""
        if not isinstance(message, bytes):
            message = {"from": self.FORGER, **message}
        self.send(message, key=key, type=key.partition(".")[0], reply_to=None)

    def heard(self, kind, node, since=0):
        """What was truly said to a node, or by it."""
        return [
            message
            for said, _, message in self.taken[since:]
            if said == kind and message.get("node") == node and message.get("from") != self.FORGER
        ]

    def next(self, kind, node, count=1, seconds=WAIT_S):
        """The last of so many of these from now on."""
        since = len(self.taken)
        return self.wait(lambda: len(self.heard(kind, node, since)) >= count, seconds) and self.heard(kind, node, since)[-1]

    def order(self, node, epoch, sequence, **more):
        """An order like the last, under another stamp."""
        last = self.heard("target", node)[-1]
        return {**last, "from": self.FORGER, "epoch": epoch, "sequence": sequence, **more}
