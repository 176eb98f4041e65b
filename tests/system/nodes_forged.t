#!/usr/bin/python3
# quiet: no claim about time
"""What comes by the keys of nodes and their leader, and is none of what they say: stale, forged, from far ahead, cut, of
another farm or of another version. The farm goes on, and no single message ends it."""

import contextlib
import json
import signal
import time

import pika

from nodes import *
from tap import *

A, B = "a", "rack-1.example_2"  # a name may have dots
EPOCHS_PER_YEAR = 365 * 86400 * 1000 * 1000
GREATEST = 2**53 - 1
AHEAD = "more than 100 years ahead"


def now_epoch():
    return int(time.time() * 1e6)


def is_well(spy, text):
    """The farm is as it should be, or is so again."""
    return ok(running(spy, **{A: 2, B: 2}), text)


def pids(spy):
    return sorted(worker["pid"] for worker in spy.status(WAIT_S)["workers"])


def refusals(nodes, key):
    return sum(each.stderr().count(f"event=message_refused key={key} ") for each in nodes)


def broken(message):
    """What is no message of this farm, made from one that is."""
    text = json.dumps({"v": 1, "farm": "x", "from": "y", "clock": 1, "time": "", **message})
    members = text[1:-1]
    return [
        b"",
        b"\xff\x00" * 500,
        text[: len(text) // 2].encode(),
        b"[" * 100000,
        b'{"a":' * 1000 + b"1" + b"}" * 1000,
        b"[]",
        b"null",
        f"{{{members},{members}}}".encode(),
        f'{{{members},"epoch":1}}'.encode(),
        text.encode() + b"}",
        text.encode() + b" " * 2**20,
        b'{"v":1,"pad":"' + b"x" * (2**20 - 20) + b'"}',
        b"NaN",
        f'{{{members},"more":NaN}}'.encode(),
    ]


def impossible(message):
    """Members that a message cannot have."""
    wrong = [{"epoch": each} for each in (-1, 2**63 - 1, 2**63, 1e300, GREATEST, "1", None, 1.5)]
    wrong += [{"epoch": now_epoch() + 101 * EPOCHS_PER_YEAR}]
    wrong += [{"sequence": each} for each in (-1, 2**63 - 1, 2**64)]
    wrong += [{"node": each} for each in ("", "*", "#", "a b", "x" * 200, "n\u00f6rd", "a\n", None)]
    wrong += [{"farm": "another"}, {"farm": "*"}, {"farm": ""}, {"v": 2}, {"v": 0}, {"v": "1"}, {"clock": -1}, {"clock": 2**63}]
    if "workers" in message and "boot" not in message:
        wrong += [{"workers": each} for each in (-1, 10**9, 2**63 - 1, 0.5)]
        wrong += [{"limits": each} for each in ({}, None, {**message["limits"], "min_workers": 10**9})]
        wrong += [{"stop_slot": 10**9}, {"stop_pid": 2**40}, {"successor": "*"}, {"successor_rank": 2**40}]
        wrong += [{"leader": ""}, {"leader_capacity": 0}, {"leader_rank": 2**40}]
    else:
        wrong += [{name: each} for name in ("running", "capacity", "spawned", "handled_msgs") for each in (-1, 2**62)]
        wrong += [{"silent_s": 1e300}, {"startup_s": -1}, {"workers": [{}]}, {"workers": [None] * 4000}, {"boot": ""}]
        wrong += [{"workers": [{**report("x", 1)["workers"][0], "since_s": 1e300}]}]
    return [{**message, **each} for each in wrong]


def what_is_no_message_is_dropped(spy, nodes, leader):
    before = pids(spy)
    true_report = spy.next("report", A)
    true_order = spy.heard("target", A)[-1]
    epoch = true_order["epoch"]
    for key, message in ((f"report.{A}", true_report), (f"target.{A}", true_order), ("report.ghost", report("ghost", 3))):
        for body in broken(message) + impossible(message):
            spy.say(key, body)
        ok(wait_until(lambda: refusals(nodes, key), WAIT_S), f"what is none, by {key}, is told of")
    for key in ("command", "log", "status", f"report.{A}.more", "report", "target", "hello", f"report.{B}"):
        for body in broken(true_report):
            spy.say(key, body)
    spy.say(f"report.{B}", true_report)  # which may say what it likes of itself alone
    spy.next("target", A, 2)
    is_well(spy, "the farm goes on")
    equal(pids(spy), before, "with the same workers")
    equal([refusals(nodes, f"report.{A}"), refusals(nodes, f"target.{A}")], [1, 1], "and each key is told of once")
    equal(spy.last["leader"], leader, "under the same leader")
    risen = lambda: spy.heard("target", A)[-1]["epoch"] > epoch
    ok(spy.wait(risen, WAIT_S) and spy.heard("target", A)[-1]["epoch"] < now_epoch() + 60 * 10**6, "whose epochs go on as before")
    ok("ghost" not in states(spy.last), "nobody has come to it")


def whoever_is_asked_reports_at_once(spy):
    """Else a node reports every second."""
    began = time.monotonic()
    for _ in range(10):
        spy.say("hello", {})
        spy.next("report", A)
    took = time.monotonic() - began
    ok(took < 5, f"asked ten times, a node reports ten times ({took:.2f} s)")


def an_old_order_changes_nothing(spy, named):
    before = pids(spy)
    spy.next("target", A)
    since = len(spy.taken)
    last = spy.heard("target", A)[-1]
    taken = (last["epoch"], last["sequence"])
    for epoch, sequence in ((taken[0], taken[1]), (taken[0], 1), (taken[0] - 1, GREATEST), (1, 1)):
        spy.say(f"target.{A}", spy.order(A, epoch, sequence, workers=0))
    refused = lambda: f"event=order_refused epoch=1 taken_epoch=" in named[A].stderr()
    ok(wait_until(refused, WAIT_S), "an order of an older epoch is refused, which the log says")
    spy.next("report", A, 2)
    wire = [message for kind, _, message in spy.taken[since:] if kind in ("target", "report") and message["node"] == A]
    forged = [index for index, message in enumerate(wire) if message["from"] == Spy.FORGER]
    equal(len(forged), 4, "four such orders were on the wire")
    after = [message for message in wire[forged[-1] :] if "boot" in message]
    ok(after and all((each["epoch"], each["sequence"]) >= taken for each in after), "after which the node stands where it stood")
    ok(all(each["target"] == 2 for each in after), "and runs what it was ordered")
    equal(pids(spy), before, "none of them took effect")


def what_is_ahead_is_surpassed(spy):
    ahead = lambda epoch: {"from": Spy.FORGER, "epoch": epoch, "sequence": GREATEST}
    for what, key, message in (
        ("an order of the greatest sequence", f"target.{A}", lambda epoch: spy.order(A, epoch, GREATEST, workers=0)),
        ("an order from forty years ahead", f"target.{A}", lambda epoch: spy.order(A, epoch, 7, workers=0)),
        ("a report from as far ahead of that", f"report.{A}", lambda epoch: {**spy.heard("report", A)[-1], **ahead(epoch)}),
    ):
        epoch = spy.next("target", A)["epoch"] + (40 * EPOCHS_PER_YEAR if "ahead" in what else 0)
        spy.say(key, message(epoch))
        beyond = lambda: spy.heard("target", A)[-1]["epoch"] > epoch and spy.heard("target", B)[-1]["epoch"] > epoch
        ok(spy.wait(beyond, WAIT_S), f"{what} is surpassed")
    is_well(spy, "after which the farm is well again")


def no_token_is_believed_that_uses_up_epochs(spy, nodes, name):
    envelope = {"v": 1, "farm": name, "from": Spy.FORGER, "clock": 1, "time": ""}
    told = lambda: sum(each.stderr().count("event=token_unreadable ") for each in nodes)
    before = told()
    for more in ({"v": 2, "epoch": 1}, {"epoch": GREATEST}, {"epoch": now_epoch() + 150 * EPOCHS_PER_YEAR}, {"epoch": 2**63 - 1}):
        for kind in ("knock", "token"):
            body = json.dumps({**envelope, "kind": kind, "owner": "x", **more}).encode()
            spy.channel.basic_publish("", f"{name}.leader", body, pika.BasicProperties(delivery_mode=2))
    ok(wait_until(lambda: told() > before, WAIT_S), "a token that nobody can surpass is told of")
    is_well(spy, "and dropped: the farm goes on")
    ok(told() <= before + len(nodes), "it is told of once")
    ok(spy.next("target", A, 2)["epoch"] < now_epoch() + 81 * EPOCHS_PER_YEAR, "its epoch was not believed")


def another_version_is_refused_and_told_of_once(spy, nodes):
    for _ in range(20):
        spy.say("report.newer", {**report("newer", 3), "v": 2})
        spy.wait(lambda: False, 0.02)
    ok(wait_until(lambda: refusals(nodes, "report.newer"), WAIT_S), "a node that speaks another version is refused")
    spy.next("target", A, 2)
    is_well(spy, "the rest go on")
    equal(refusals(nodes, "report.newer"), 1, "it is said once")
    like("".join(each.stderr() for each in nodes), r'level=warn .*report\.newer why="a message of version 2', "with the version")


def ghosts_take_nothing_for_long(spy, name):
    spy.channel.queue_unbind(spy.queue, f"{name}.control", "target.#")  # or nothing would be returned
    spy.say("report.ghost", report("ghost", 1000, capacity=3000, target=1000, boot="boo"))
    lost = when(spy, lambda status: states(status).get("ghost") == "lost")
    ok(lost, "a node that only reports is lost when its order is returned")
    is_well(spy, "and its share has gone to the others")
    for number in range(300):
        spy.say(f"report.ghost{number}", report(f"ghost{number}"))
    with node(name, "real") as real:
        ok(when(spy, lambda status: states(status).get("real") == "up"), "however many there were, a real one finds a place")
        ok(real.wait(0) is None, "and runs")


name = farm()
with contextlib.ExitStack() as stack:
    named = {each: stack.enter_context(node(name, each)) for each in (A, B)}
    nodes = list(named.values())
    stack.callback(tell_on_failure, nodes)
    spy = stack.enter_context(Spy(name))
    if is_well(spy, "two nodes share four workers"):
        what_is_no_message_is_dropped(spy, nodes, spy.last["leader"])
        whoever_is_asked_reports_at_once(spy)
        an_old_order_changes_nothing(spy, named)
        another_version_is_refused_and_told_of_once(spy, nodes)
        what_is_ahead_is_surpassed(spy)
        no_token_is_believed_that_uses_up_epochs(spy, nodes, name)
        ghosts_take_nothing_for_long(spy, name)
    ok(all(each.wait(0) is None for each in nodes), "all nodes still run")
    for each in nodes:
        each.signal(signal.SIGTERM)

done_testing()
