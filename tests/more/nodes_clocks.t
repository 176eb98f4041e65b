#!/usr/bin/python3
# quiet: no claim about time
"""Nodes whose clocks are wrong by an hour, and step; a leader that stood still, with its orders as they are on the wire; more
workers wanted than there is room for; and a node that joins in the middle of a burst."""

import contextlib
import csv
import os
import re
import signal
import subprocess
import sys
import time

sys.path[:0] = [os.path.join(os.environ["WINNOW_TOP"], directory) for directory in ("tests/chaos", "tests/system")]
from control import Control  # noqa: E402
from farm import build_clock  # noqa: E402
from nodes import Spy, node, running, states, tell_on_failure, when  # noqa: E402
from tap import BIN, diag, done_testing, equal, farm, like, ok, spawn, wait_until  # noqa: E402

PATIENCE_S = 40  # a leader that stands still is missed after 15 s
HOUR_S = 3600


def last_epoch(control):
    return control.last["epoch"] if control.last else 0


# ---- clocks ----


class Clocks:
    """A farm of nodes, each with a wall clock of its own that can be set."""

    def __init__(self, stack):
        self.name, self.stack, self.library = farm(), stack, build_clock(os.getcwd())
        self.nodes = {}
        stack.callback(lambda: tell_on_failure(self.nodes.values()))

    def set(self, each, seconds):
        # At once: what is read in between would be another time.
        with open(f"{each}.new", "w") as file:
            file.write(str(seconds))
        os.rename(f"{each}.new", f"{each}.clock")

    def start(self, each, seconds):
        self.set(each, seconds)
        environment = {"LD_PRELOAD": self.library, "WALLCLOCK_FILE": os.path.abspath(f"{each}.clock")}
        options = ["--history", f"{each}.csv"]
        self.nodes[each] = self.stack.enter_context(node(self.name, each, *options, env=environment))

    def kill(self, each):
        self.nodes[each].signal(signal.SIGKILL)
        self.nodes[each].wait(5)


def leads(control, name, text):
    """The epoch under which orders go out, once that node leads."""
    ok(when(control, lambda status: status["leader"] == name), text)
    control.next("target", name)
    return control.heard("target", name)[-1]["epoch"]


def clocks_are_wrong_and_step():
    with contextlib.ExitStack() as stack:
        clocks = Clocks(stack)
        spy = stack.enter_context(Spy(clocks.name))
        clocks.start("ahead", HOUR_S)
        first = leads(spy, "ahead", "a node whose clock is an hour ahead leads")
        ok(first > (time.time() + HOUR_S - 60) * 1e6, "under epochs from an hour ahead")
        clocks.start("right", 0)
        ok(running(spy, ahead=2, right=2), "one whose clock is right joins it")
        clocks.kill("ahead")
        killed = time.monotonic()
        spy.next("target", "right")
        diag(f"a leader was killed: {time.monotonic() - killed:.2f} s later its successor gave the first order")
        second = leads(spy, "right", "which leads when the other dies")
        ok(second > first, "under a greater epoch")
        ok(running(spy, right=4), "and is obeyed")
        diag(f"{time.monotonic() - killed:.2f} s after its death, its share ran elsewhere")
        clocks.start("behind", -HOUR_S)
        ok(running(spy, right=2, behind=2), "one whose clock is an hour behind joins it")
        for seconds in (2 * HOUR_S, -2 * HOUR_S, 0):
            clocks.set("right", seconds)
            before = spy.next("target", "right")["epoch"]
            risen = lambda: spy.heard("target", "right")[-1]["epoch"] > before
            ok(spy.wait(risen, PATIENCE_S), f"when its clock steps to {seconds} s it goes on to lead")
        ok("event=leading_ended" not in clocks.nodes["right"].stderr(), "all the time")
        clocks.kill("right")
        third = leads(spy, "behind", "the one whose clock is behind leads after it")
        ok(third > spy.heard("target", "right")[-1]["epoch"], "under a greater epoch still")
        ok(running(spy, behind=4), "and is obeyed")
        clocks.nodes["behind"].end()
    equal(subprocess.run(["sort", "-cn"], input=ages("right"), text=True).returncode, 0, "the history has its order")
    its_logs_merge(clocks)
    explained = [os.path.join(BIN, "winnow-simulate"), "--explain", "right.csv"]
    equal(subprocess.run(explained, capture_output=True).returncode, 0, "and can be explained")


def ages(name):
    with open(f"{name}.csv", newline="") as file:
        return "".join(f"{row['time_s']}\n" for row in csv.DictReader(file))


def its_logs_merge(clocks):
    for each, running in clocks.nodes.items():
        with open(f"{each}.log", "w") as file:
            file.write(running.stderr())
    command = [os.path.join(BIN, "winnow-ctl"), "log", *(f"{each}.log" for each in clocks.nodes)]
    merged = subprocess.run(command, capture_output=True, text=True)
    equal(merged.returncode, 0, "the logs can be read as one") or diag(merged.stderr)
    begun = [int(epoch) for epoch in re.findall(r"\bleading\b.*epoch=(\d+)", merged.stdout)]
    follow = len(begun) >= 3 and begun == sorted(begun)
    ok(follow, "in which the leaders follow each other, whatever their clocks said") or diag(merged.stdout)


# ---- a leader that stands still ----


class Sleeper:
    """A farm whose leader is stopped, and woken after its successor has given orders."""

    def __init__(self, stack):
        self.name = farm()
        self.nodes = {each: stack.enter_context(node(self.name, each)) for each in ("a", "b", "c")}
        self.spy = stack.enter_context(Spy(self.name))
        stack.callback(lambda: tell_on_failure(self.nodes.values()))
        settled = lambda status: sum(each["running"] for each in status["nodes"]) == 4 and not status["starting"]
        self.first = (when(self.spy, settled) or {}).get("leader")
        ok(self.first, "three nodes share four workers, and one leads")
        self.rest = [each for each in self.nodes if each != self.first]
        self.spy.next("target", self.rest[0], 2)
        self.last = self.orders_of(self.first)[-1]
        self.nodes[self.first].signal(signal.SIGSTOP)
        stack.callback(lambda: self.nodes[self.first].signal(signal.SIGCONT))

    def orders_of(self, leader, since=0):
        """What truly came from that node, to whomever."""
        pid = f"/{self.nodes[leader].pid}"
        return [
            message
            for kind, _, message in self.spy.taken[since:]
            if kind == "target" and message["from"].endswith(pid)
        ]

    def wakes(self):
        spy, node = self.spy, self.rest[0]
        status = when(spy, lambda status: status["leader"] != self.first and sum(
            each["running"] for each in status["nodes"] if each["name"] in self.rest) == 4, PATIENCE_S)
        ok(status, "when it stands still another leads, and the rest runs all workers")
        spy.next("target", node, 2)
        workers = {worker["pid"] for worker in spy.status(PATIENCE_S)["workers"] if worker["node"] == node}
        since = len(spy.taken)
        self.nodes[self.first].signal(signal.SIGCONT)
        ended = lambda: "event=leading_ended" in self.nodes[self.first].stderr()
        ok(spy.wait(ended, PATIENCE_S), "woken, it says that it leads no more")
        # Its last order as it would be on the wire had the broker kept it for so long.
        spy.say(f"target.{node}", {**self.last, "node": node, "workers": 0, "from": Spy.FORGER})
        refused = lambda: f"event=order_refused epoch={self.last['epoch']} " in self.nodes[node].stderr()
        ok(spy.wait(refused, PATIENCE_S), "an order of its is refused, which the log says")
        back = lambda status: states(status).get(self.first) == "up" and sum(
            each["running"] for each in status["nodes"]) == 4 and not status["draining"]
        ok(when(spy, back, PATIENCE_S), "it has its share again")
        self.what_was_on_the_wire(since, node, workers)

    def what_was_on_the_wire(self, since, node, workers):
        spy = self.spy
        own = self.orders_of(self.first, since)
        diag(f"woken, it put {len(own)} orders on the wire")
        stale = [each for each in own + [self.last] if each["epoch"] <= self.last["epoch"] + 10**7]
        reports = spy.heard("report", node, since)
        stamps = [(each["epoch"], each["sequence"]) for each in reports]
        equal(stamps, sorted(stamps), "what a node has taken is never older than before")
        taken = {(each["epoch"], each["sequence"]) for each in stale}
        ok(not taken & set(stamps), "nothing that it ordered is among it")
        ok(all(each["target"] > 0 for each in reports), "nor was it obeyed")
        left = {worker["pid"] for worker in spy.status(PATIENCE_S)["workers"] if worker["node"] == node}
        ok(workers & left, "the workers of a node that was told to stop them run on")


# ---- room ----


def runs(workers):
    return lambda status: status["running"] == workers and not status["starting"] and not status["draining"]


def there_is_no_room():
    name = farm()
    wide = ("--node-max", "1", "--interval", "100ms")
    with contextlib.ExitStack() as stack:
        small = [stack.enter_context(node(name, each, *wide)) for each in ("a", "b")]
        spy = stack.enter_context(Spy(name))
        status = running(spy, a=1, b=1)
        ok(status, "when four workers are wanted and there is room for two, two run")
        equal(status and status["decision"]["desired_workers"], 4, "and it is known that more are wanted")
        with spawn("winnow-loadgen", "--phase", "5s@200", "--verify", "--summary", "room.json", farm=name) as load:
            ok(wait_until(lambda: spy.status(0.5) and spy.last["decision"]["arrival_per_s"], 20), "in the middle of a burst")
            joined = stack.enter_context(node(name, "c", "--node-max", "8", "--interval", "100ms"))
            ok(when(spy, runs(4)), "a node joins that has room for the rest, and gets it")
            equal(load.wait(60), 0, "nothing is lost") or diag(load.stderr())
        equal(spy.tell("set", min=6, max=6), ("done", ""), "there is room for ten and at most six are allowed")
        ok(when(spy, runs(6)), "six run")
        most = max(status["starting"] + status["running"] for kind, _, status in spy.taken if kind == "status")
        ok(most <= 6, "and never more")
        for each in (*small, joined):
            each.signal(signal.SIGTERM)


with contextlib.ExitStack() as stack:
    sleeper = Sleeper(stack)
    if os.environ["WINNOW_BUILD"] != "asan":
        clocks_are_wrong_and_step()
    there_is_no_room()
    sleeper.wakes()
    for each in sleeper.nodes.values():
        each.signal(signal.SIGTERM)
done_testing()
