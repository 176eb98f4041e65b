#!/usr/bin/python3
# quiet: no claim about time
"""A farm over several hosts, here nodes of one: with what a leader begins that follows another."""

import contextlib
import os
import signal
import subprocess

from client import Client, evaluate
from control import Control
from nodes import *
from scaler import FILTER, rows, wait_for_row
from tap import *

NAMES = ("a", "b", "c")
OPTIONS = ("--min", "1", "--max", "6", "--capacity", "50", "--scale-down-delay", "5m")


def history(name, each):
    return f"{name}-{each}"


def tell(name, *arguments):
    command = [os.path.join(BIN, "winnow-ctl"), "--amqp", URL, "--farm", name, *arguments]
    return subprocess.run(command, capture_output=True, timeout=60).returncode


def to_reports(call, name):
    """What the leader tells the nodes goes by the channel by which it hears their reports."""
    queue = f'binary:match(element(4, proplists:get_value(queue_name, C)), <<"{name}.control/reports/">>) =/= nomatch'
    found = f'C <- rabbit_amqqueue:consumers_all(<<"/">>), {queue}'
    return evaluate(f"[sys:{call}(proplists:get_value(channel_pid, C)) || {found}].")


def done_is_said_when_it_outlives_the_leader(control, name):
    if not equal(to_reports("suspend", name), "[ok]", "the broker stops taking what the leader tells the nodes"):
        return
    number = control.send({"verb": "resume", "seen": control.seen()})
    ok(when(control, lambda status: not status["limits"]["paused"]), "a command is carried out meanwhile")
    equal(control.answer(number, 1), None, "and not said to be done, for a new leader would not know of it")
    stale = {"epoch": 1, "sequence": 1}
    equal(control.ask({"verb": "resume", "seen": stale})[0], "stale", "one that is not carried out is answered at once")
    many = [control.send({"verb": "resume", "seen": control.seen()}) for _ in range(100)]
    control.wait(lambda: sum(kind == "answer" and number in many for kind, number, _ in control.taken) >= 37, 5)
    said = {message["reason"] for kind, number, message in control.taken if kind == "answer" and number in many}
    equal(said, {"the farm's nodes have yet to be told of the commands before"}, "no more than 64 wait")
    to_reports("resume", name)
    equal((control.answer(number) or {}).get("outcome"), "done", "when the broker takes it, the command is done")
    outcomes = [(control.answer(each) or {}).get("outcome") for each in many]
    equal((outcomes.count("done"), outcomes.count("refused")), (63, 37), "and so is each that waited")


name = farm()
with contextlib.ExitStack() as stack:
    nodes = {}
    for each in NAMES:
        own = ("--history", f"{history(name, each)}.csv")
        nodes[each] = stack.enter_context(node(name, each, *OPTIONS, *own, worker=(FILTER, "--service-time", "5ms")))
    stack.callback(tell_on_failure, list(nodes.values()))
    control = stack.enter_context(Control(name))
    with Client(name) as client:
        client.publish_many(3000)
    ok(running(control, a=2, b=2, c=2), "a backlog brings as many workers as may be")
    done_is_said_when_it_outlives_the_leader(control, name)
    equal(tell(name, "pause"), 0, "the farm is paused")
    status = when(control, lambda status: status["limits"]["paused"])
    first = status["leader"] if status else "a"
    decided = wait_for_row(history(name, first), lambda row: row["reason"] == "paused", WAIT_S)
    equal(decided and decided["desired_workers"], "6", "at six workers")

    nodes[first].signal(signal.SIGKILL)
    status = when(control, lambda status: status["leader"] != first, 2 * WAIT_S)
    ok(status, "its leader is killed, and another leads")
    second = status["leader"] if status else "b"
    row = wait_for_row(history(name, second), seconds=WAIT_S)
    equal(row and (row["run"], row["reason"], row["desired_workers"]), ("1", "paused", "6"),
          "whose first decision, in its own history, is to go on with six workers, for the farm is paused")
    ok(row and decided and int(row["epoch"]) > int(decided["epoch"]), "under a greater epoch, as the row says")
    like(nodes[second].stderr(), r"event=elected .*\n(.*\n)*.*event=leading epoch=\d+ .*nodes=\d workers=\d goes_on=true",
         "as the log does, once it really leads")
    lost = when(control, lambda status: states(status).get(first) == "lost")
    ok(lost, "it shows the one before as lost")
    like(nodes[second].stderr(), rf"event=node_lost node={first} left=false", "and the log says so")
    like(nodes[first].stderr(), r"event=leading .* goes_on=false", "which the first did with nobody before it")
    equal({row["desired_workers"] for row in rows(history(name, second))}, {"6"}, "and it never wants another number")

done_testing()
