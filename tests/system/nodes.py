"""What tests of a farm over several hosts share: nodes of it, here on one, and how its status says that they are.

    from nodes import *
    with node(name, "a") as a, node(name, "b") as b, Control(name) as control:
        ok(running(control, a=2, b=2), "four workers are shared by two nodes")
"""

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
