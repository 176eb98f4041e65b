#!/usr/bin/python3
# quiet
"""What the nodes of a farm log is told to whoever follows the log: of all of them, and once, also when a connection breaks."""

import contextlib
import os
import re
import signal

from client import Line
from nodes import *
from tap import *


def worker_of(control, name):
    """One that runs and that nobody has killed yet."""
    ready = lambda status: [
        worker["pid"] for worker in status["workers"] if worker["node"] == name and worker["state"] == "running" and worker["pid"] not in killed
    ]
    status = when(control, ready)
    return ready(status)[0] if status else None


killed = []


def crash(control, name):
    killed.append(worker_of(control, name))
    if killed[-1]:
        os.kill(killed[-1], signal.SIGKILL)
    return killed[-1]


def told(follower, worker):
    return len(re.findall(rf" event=worker_crashed worker={worker} ", follower.stdout()))


def is_told(follower, worker, text):
    return ok(wait_until(lambda: told(follower, worker), WAIT_S), text) or diag(follower.stdout())


def on_the_wire(control, worker):
    return sum(f"worker={worker} " in f"{notice['text']} " for notice in control.notices("worker_crashed"))


def nothing_is_missed_or_told_twice(control, line, other, follower):
    first = crash(control, "other")
    is_told(follower, first, "a worker's crash on a node that does not lead is told")
    like(follower.stdout(), rf" from=winnow-autoscaler/\S+/{other.pid} clock=\d+ event=worker_crashed worker={first} ", "by that node")

    line.mode = "hold"
    second = crash(control, "other")
    is_told(follower, second, "so is the next, which the node does not get to know")
    between = crash(control, "first")
    is_told(follower, between, "and one on the node that leads")
    line.mode = "pass"
    line.cut()
    again = control.wait(lambda: on_the_wire(control, second) > 1, WAIT_S)
    ok(again, "after a reconnection the node tells it once more")
    last = crash(control, "other")
    is_told(follower, last, "and what comes then")
    equal([told(follower, each) for each in (first, second, between, last)], [1] * 4, "who follows reads each of them once")
    clocks = [int(clock) for clock in re.findall(rf"/{other.pid} clock=(\d+) ", follower.stdout())]
    equal(clocks, sorted(set(clocks)), "in the node's own order")


def starts_anew(control, follower):
    """In a container each process has the same number."""
    for clock, time, text in [(50, "10:00:01", "n=1"), (51, "10:00:02", "n=2"), (50, "10:00:01", "n=1"), (3, "10:00:07", "n=3"),
                              (51, "10:00:02", "n=4")]:
        said = {"from": "winnow-autoscaler/box/1", "clock": clock, "time": f"2026-01-31T{time}.000Z", "level": "info"}
        control.send({**said, "event": "made_up", "text": text}, key="log", type="log", reply_to=None)
    ok(wait_until(lambda: "n=4" in follower.stdout(), WAIT_S), "what is said after a restart under the same number is told")
    equal(re.findall(r"event=made_up n=(\d)", follower.stdout()), ["1", "2", "3", "4"], "nothing of it is taken for a repetition")


def waits_for_a_leader(control, follower):
    """A node that waits tells what happens to it, and nobody runs the farm all the same."""
    said = {"from": "winnow-autoscaler/waiting/1", "time": "2026-01-31T10:00:00.000Z", "level": "warn", "event": "made_up"}
    for clock in (1, 2, 3):
        control.send({**said, "clock": clock, "text": f"waiting={clock}"}, key="log", type="log", reply_to=None)
    ok(wait_until(lambda: "waiting=3" in follower.stdout(), WAIT_S), "what happens to a node meanwhile is told")
    equal(re.findall(r"event=(farm_\w+)", follower.stderr()), ["farm_silent"], "and the farm is not taken for heard because of it")


name = farm()
with contextlib.ExitStack() as stack:
    follower = stack.enter_context(spawn("winnow-ctl", "log", "--follow", farm=name))
    ok(wait_until(lambda: "nobody runs it" in follower.stderr(), WAIT_S), "somebody follows a farm that nobody runs yet")
    control = stack.enter_context(Control(name))
    waits_for_a_leader(control, follower)
    first = stack.enter_context(node(name, "first", "--rank", "1"))
    ok(wait_until(lambda: " event=leading " in follower.stdout(), WAIT_S), "and reads who comes to lead it")
    line = stack.enter_context(Line())
    other = stack.enter_context(node(name, "other", amqp=line.url))
    stack.callback(tell_on_failure, [first, other])
    ok(running(control, first=2, other=2), "two nodes share its workers")
    nothing_is_missed_or_told_twice(control, line, other, follower)
    starts_anew(control, follower)
    equal(follower.end(), 0, "who follows ends well")

done_testing()
