#!/usr/bin/python3
"""How soon the share of a node that was killed runs on the others, whether it led or not: within a second. And that
nothing moves when only the exchange between the nodes is gone."""

import contextlib
import os
import signal
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/system"))
from client import evaluate  # noqa: E402
from control import Control  # noqa: E402
from nodes import node, running, tell_on_failure, when  # noqa: E402
from scaler import FILTER, children  # noqa: E402
from tap import connect, diag, done_testing, farm, ok, wait_until  # noqa: E402

PATIENCE_S = 20
WORKERS = 6
ROUNDS = 3
DELETIONS = 6
UNLUCKY = 2  # of these, on a machine that stands still for 0.3 s


def filters(pid):
    """Its workers, which share its process's children with its guardian."""
    found = 0
    for child in children(pid):
        with contextlib.suppress(FileNotFoundError), open(f"/proc/{child}/cmdline", "rb") as file:
            found += b"winnow-filter" in file.read()
    return found


def killed(control, nodes, start, choose):
    """How long it took; afterwards all nodes are there again."""
    status = running(control, a=2, b=2, c=2)
    ok(status, "three nodes share six workers")
    victim = choose(status)
    rest = [each.pid for name, each in nodes.items() if name != victim]
    nodes[victim].signal(signal.SIGKILL)
    at = time.monotonic()
    ok(wait_until(lambda: sum(map(filters, rest)) == WORKERS, PATIENCE_S), f"{victim} is killed, and the others run all")
    took = time.monotonic() - at
    ok(when(control, lambda status: status["leader"] != victim), "which one of them says")
    nodes[victim] = start(victim)
    return took


def losses(nodes):
    return sum(each.stderr().count("event=node_lost") for each in nodes.values())


def bound(name):
    """How many nodes' queues take orders."""
    exchange = f'rabbit_misc:r(<<"/">>, exchange, <<"{name}.control">>)'
    bindings = f"B <- rabbit_binding:list_for_source({exchange}), binary:match(element(3, B), <<\"target.\">>) =/= nomatch"
    return int(evaluate(f"length([B || {bindings}])."))


def deleted(name, nodes, replaced):
    """(whether a node was taken for lost, whether all are bound soon) when somebody deleted the exchange, and with it what
    binds their queues."""
    before = losses(nodes)
    with contextlib.closing(connect()) as connection:
        channel = connection.channel()
        channel.exchange_delete(f"{name}.control")
        if replaced:
            channel.exchange_declare(f"{name}.control", "topic", auto_delete=True)
    time.sleep(1)
    soon = bound(name) == len(nodes)
    time.sleep(1.5)  # each binds its queue every 2 s in any case
    return losses(nodes) > before, soon


with contextlib.ExitStack() as stack:
    name = farm()
    start = lambda each: stack.enter_context(node(name, each, "--min", WORKERS, "--max", WORKERS, worker=(FILTER,)))
    nodes = {each: start(each) for each in "abc"}
    stack.callback(lambda: tell_on_failure(list(nodes.values())))
    control = stack.enter_context(Control(name))
    leads = lambda status: status["leader"]
    for what, choose in (
        ("the leader", leads),
        ("another", lambda status: next(each for each in nodes if each != leads(status))),
    ):
        took = [killed(control, nodes, start, choose) for _ in range(ROUNDS)]
        diag(f"{what} was killed: its share ran elsewhere after " + ", ".join(f"{each * 1000:.0f} ms" for each in took))
        ok(statistics.median(took) < 1, "within a second in the middle")
    ok(running(control, a=2, b=2, c=2), "three nodes share six workers again")
    seen = [deleted(name, nodes, replaced=number % 2) for number in range(DELETIONS)]
    ok([lost for lost, _ in seen].count(True) <= UNLUCKY, "no node is lost when the exchange is deleted or replaced") or diag(seen)
    ok([soon for _, soon in seen].count(False) <= UNLUCKY, "... and within a second each can be told something") or diag(seen)
    ok(running(control, a=2, b=2, c=2), "... and they share as before")
done_testing()
