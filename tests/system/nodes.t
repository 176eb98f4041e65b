#!/usr/bin/python3
# quiet: its one claim about time is that something takes long
"""A farm over several hosts, here nodes of one: who leads, who runs how much, and what becomes of it when one goes."""

import contextlib
import os
import signal
import subprocess
import time

from client import Client
from control import Control
from nodes import *
from scaler import FILTER
from tap import *


def names_are_looked_at():
    for name, said in [("a b", "letters, digits"), ("a.*", "letters, digits"), ("", "letters, digits"), ("#", "letters, digits"),
                       ("n\u00f6rd", "letters, digits"), ("a.", "at both ends"), ("x" * 200, "1 to 64")]:
        with spawn("winnow-autoscaler", "--node", name, "--", FILTER, farm=farm()) as refused:
            equal(refused.wait(WAIT_S), 64, f"a node may not be called '{name[:8]}'")
            like(refused.stderr(), said, "which says what is expected")
    for options, said in [(["--rank", "1"], "--node"), (["--node", "a", "--standby"], "--standby")]:
        with spawn("winnow-autoscaler", *options, "--", FILTER, farm=farm()) as refused:
            equal(refused.wait(WAIT_S), 64, f"{options[-2]} does not stand alone")
            like(refused.stderr(), said, "which is said")


def the_workers_are_shared(control):
    status = running(control, a=2, b=2)
    if not ok(status, "four workers are shared by two nodes"):
        return None
    equal(states(status), {"a": "up", "b": "up"}, "both are there")
    equal(sorted(worker["node"] for worker in status["workers"]), ["a", "a", "b", "b"], "each worker says where it runs")
    ok(status["leader"] in ("a", "b"), "one of them leads")
    return status["leader"]


def ctl(name, *arguments):
    run = subprocess.run(
        [os.path.join(BIN, "winnow-ctl"), "--amqp", URL, "--farm", name, *arguments], capture_output=True, text=True
    )
    return run.returncode, run.stdout + run.stderr


def a_node_is_drained(control, name):
    code, said = ctl(name, "nodes")
    like(said, r"\ba +up +4 +2 +0 +2 +0 +0 +\S+( s|ms|  leads)?", "winnow-ctl lists the nodes")
    equal(said.count("  leads"), 1, "and who leads")
    equal(ctl(name, "drain", "x")[0], 1, "one that is not there cannot be drained")
    equal(ctl(name, "drain", "a")[0], 0, "one that is there can be")
    status = running(control, a=0, b=4)
    ok(status, "it runs nothing then, and the other all workers")
    equal(status and states(status)["a"], "drained", "which the status says")
    equal(ctl(name, "undrain", "a")[0], 0, "it is undrained")
    ok(running(control, a=2, b=2), "and has its share again")


def a_worker_is_stopped(control, name):
    workers = {(each["node"], each["slot"]): each["pid"] for each in control.last["workers"]}
    (node, slot), pid = min(workers.items())
    equal(ctl(name, "stop", str(slot))[0], 1, "which worker stops is not said by its slot alone")
    equal(ctl(name, "stop", f"{node}/{slot}")[0], 0, "but by its node and slot")
    ok(when(control, lambda status: all(each["pid"] != pid for each in status["workers"])), "and it ends")
    ok(running(control, a=2, b=2), "another takes its place")


def the_leader_dies(control, nodes, leader):
    other = {"a": "b", "b": "a"}[leader]
    epoch = control.last["epoch"] if control.last else 0
    # Of a paused farm nothing but the number that the dead leader has ordered says how many there should be.
    equal(control.tell("pause"), ("done", ""), "it is paused")
    equal(control.tell("set", min=0), ("done", ""), "and might have none")
    nodes[leader].signal(signal.SIGKILL)
    status = running(control, **{other: 4})
    ok(status, "when the leader is killed, the other runs all workers")
    equal(status and status["leader"], other, "and leads")
    ok(status and status["epoch"] > epoch, "under a greater epoch")
    decided = lambda status: status["leader"] == other and (status["decision"] or {}).get("reason") == "paused"
    status = when(control, decided)
    equal(status and status["decision"]["desired_workers"], 4, "what it decides is the number of before")
    equal(control.tell("set", min=4), ("done", ""), "it has as many again at least")
    equal(control.tell("resume"), ("done", ""), "and goes on")
    return other


def a_node_leaves(control, nodes, leaver, stays):
    nodes[leaver].signal(signal.SIGTERM)
    ok(running(control, **{stays: 4}), "when a node is told to end, the other runs all workers")
    equal(nodes[leaver].wait(WAIT_S), 0, "and it ends with 0")


names_are_looked_at()
name = farm()
with contextlib.ExitStack() as stack:
    nodes = {each: stack.enter_context(node(name, each)) for each in ("a", "b")}
    started = list(nodes.values())
    stack.callback(tell_on_failure, started)
    control = stack.enter_context(Control(name))
    leader = the_workers_are_shared(control)
    twin = stack.enter_context(node(name, "a" if leader == "b" else "b"))
    began = time.monotonic()
    with Client(name) as client:
        like(client.ask("you fool")[2].decode(), "CENSORED", "the workers work")
    if leader:
        a_node_is_drained(control, name)
        a_worker_is_stopped(control, name)
        other = the_leader_dies(control, nodes, leader)
        nodes[leader] = stack.enter_context(node(name, leader))
        started.append(nodes[leader])
        ok(running(control, a=2, b=2), "a node that comes back gets its share")
        equal(control.last and control.last["limits"]["max_workers"], 6, "the limits are the farm's")
        equal(twin.wait(WAIT_S + 10), 75, "a second node of one name is refused")
        like(twin.stderr(), "another node of the farm .* is called", "which is said")
        ok(time.monotonic() - began > 15, "after the time in which a dead one would have been missed")
        a_node_leaves(control, nodes, other, leader)
    with Client(name) as client:
        like(client.ask("you fool")[2].decode(), "CENSORED", "the workers still work")
    for each in nodes.values():
        each.signal(signal.SIGTERM)
    ok(all(each.wait(WAIT_S) is not None for each in nodes.values()), "all end")

done_testing()
