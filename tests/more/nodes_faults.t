#!/usr/bin/python3
# quiet: no claim about time
# slow: half a minute or more
"""What becomes of a farm over several hosts when they stand still, die, or cannot run what they should."""

import contextlib
import datetime
import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/system"))
from control import Control  # noqa: E402
from nodes import node, running, states, tell_on_failure, when  # noqa: E402
from scaler import FILTER  # noqa: E402
from tap import URL, connect, done_testing, equal, farm, like, ok, wait_until  # noqa: E402

SILENT_S = 40  # until the broker misses a connection, and the successor has begun


def leader_of(status):
    return status["leader"] if status else None


def others(nodes, gone):
    return [each for each in nodes if each != gone]


def shared(names, workers=4):
    """So many workers are shared by the nodes, whichever has the rest."""

    def holds(status):
        runs = [each["running"] for each in status["nodes"] if each["state"] == "up"]
        return (
            sorted(each["name"] for each in status["nodes"] if each["state"] == "up") == sorted(names)
            and sum(runs) == workers
            and max(runs) - min(runs) <= 1
            and not status["draining"]
        )

    return holds


def a_leader_stands_still_and_wakes(control, nodes):
    first = leader_of(control.status())
    nodes[first].signal(signal.SIGSTOP)
    rest = others(nodes, first)
    status = when(control, lambda status: status["leader"] != first and shared(rest)(status), SILENT_S)
    ok(status, "when the leader stands still, another leads and the rest runs all workers")
    second = leader_of(status)
    nodes[first].signal(signal.SIGCONT)
    ok(when(control, shared(nodes), SILENT_S), "once it wakes it has its share again")
    equal(leader_of(control.last), second, "and changes nothing of who leads")
    like(nodes[first].stderr(), "event=leading_ended", "it says that it leads no more")
    return second


def limits_outlive_the_leader(control, nodes, leader):
    control.status()
    equal(control.tell("set", min=5, max=5), ("done", ""), "somebody sets limits")
    ok(when(control, shared(nodes, 5)), "which hold")
    nodes[leader].signal(signal.SIGKILL)
    nodes[leader].wait(5)
    rest = others(nodes, leader)
    status = when(control, lambda status: status["leader"] != leader and shared(rest, 5)(status))
    ok(status, "when the leader is killed, another leads by them")
    equal(status and status["limits"]["by"], "test/here/1", "and knows who has set them")
    return leader_of(status)


def yields(node):
    """When it made way for a candidate of higher rank, by the wall clock."""
    lines = [line for line in node.stderr().splitlines() if "event=leadership_yielded" in line]
    stamps = [re.search(r"\btime=(\S+)", line)[1].replace("Z", "+00:00") for line in lines]
    return [datetime.datetime.fromisoformat(stamp).timestamp() for stamp in stamps]


def the_highest_leads(control, nodes, leader, highest):
    if leader == highest:
        return
    rest = next(each for each in nodes if each not in (leader, highest))
    control.listen(f"target.{rest}")
    since = len(control.taken)
    # Of two such orders the first has been taken.
    named = lambda: sum(
        kind == "target" and message["successor"] == highest for kind, _, message in control.taken[since:]
    )
    ok(control.wait(lambda: named() >= 2, 20), "orders name the node of the highest rank")
    # Nobody makes way twice within ten seconds.
    last = max((at for each in nodes.values() for at in yields(each)), default=0)
    wait_until(lambda: time.time() > last + 10.5, 20)
    nodes[leader].signal(signal.SIGKILL)
    nodes[leader].wait(5)
    ok(when(control, lambda status: status["leader"] == highest), "which leads when another goes")


def the_exchange_is_deleted(control, name, nodes):
    with contextlib.closing(connect(URL)) as connection:
        connection.channel().exchange_delete(f"{name}.control")
    with Control(name) as again:
        ok(wait_until(lambda: again.status(0.5), 20), "after somebody deleted the exchange the farm answers again")
        equal(again.tell("set", min=4, max=6), ("done", ""), "is told")
        ok(when(again, shared(nodes)), "and its nodes carry out what they are ordered")


def all_die(name, stack, nodes):
    for each in nodes.values():
        each.signal(signal.SIGKILL)
    for each in reversed(nodes):
        nodes[each] = stack.enter_context(node(name, each))
    with Control(name) as control:
        ok(when(control, shared(nodes), SILENT_S), "when all were killed and start in another order, the farm is as it was")


def one_cannot_run_workers(stack):
    """From now on it could; it is looked at later, because that is tried after half a minute."""
    name = farm()
    stack.enter_context(node(name, "good"))
    stack.enter_context(node(name, "bad", worker=("/bin/sh", "-c", 'test -e repaired && exec "$0"', FILTER)))
    control = stack.enter_context(Control(name))
    status = when(control, lambda status: states(status).get("bad") == "unable")
    ok(status, "a node whose workers cannot start is known")
    ok(running(control, good=4, bad=0), "and another gets its share")
    open("repaired", "w").close()
    return control


name = farm()
with contextlib.ExitStack() as stack:
    repaired = one_cannot_run_workers(stack)
    ranks = {"a": 0, "b": 5, "c": 0}
    nodes = {each: stack.enter_context(node(name, each, "--rank", ranks[each])) for each in ranks}
    started = list(nodes.values())
    stack.callback(tell_on_failure, started)
    with Control(name) as control:
        ok(when(control, shared(nodes)), "three nodes share four workers")
        leader = a_leader_stands_still_and_wakes(control, nodes)
        leader = limits_outlive_the_leader(control, nodes, leader)
        gone = next(each for each in nodes if nodes[each].wait(0) is not None)
        nodes[gone] = stack.enter_context(node(name, gone, "--rank", ranks[gone]))
        started.append(nodes[gone])
        ok(when(control, shared(nodes, 5)), "the one that was killed comes back")
        the_highest_leads(control, nodes, leader, "b")
        for each in [each for each in nodes if nodes[each].wait(0.2) is not None]:
            nodes[each] = stack.enter_context(node(name, each, "--rank", ranks[each]))
            started.append(nodes[each])
        ok(when(control, shared(nodes, 5)), "three share again")
    the_exchange_is_deleted(control, name, nodes)
    all_die(name, stack, nodes)
    ok(running(repaired, SILENT_S, good=2, bad=2), "one whose workers can start by now was tried again, and has its share")

done_testing()
