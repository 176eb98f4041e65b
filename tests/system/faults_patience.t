#!/usr/bin/python3
# quiet: what is claimed of time here is counted in tens of seconds
# slow: half a minute or more
"""Faults that last: what ends only when the broker has given up a connection, after ten to fifteen seconds, and a
broker that is slow all the time."""

import contextlib
import os
import signal
import time

from client import Client, Line
from scaler import FILTER, autoscaler, children, publish, rows, total, wait_for_new_row, wait_for_row
from tap import *

FRAGILE = os.path.join(BIN, "../tests/system/fragile_worker")
QUICK = ("--interval", "200ms")


def hangs(name):
    return autoscaler(name, *QUICK, "--min=3", "--max=3", "--hang-timeout=20s", "--max-attempts=1", "--", FRAGILE)


def active(name, url, *args):
    return autoscaler(name, *QUICK, "--min=2", "--max=2", *args, "--", FILTER, amqp=url)


def lose_lock(scaler, line, standby):
    """Its connections break while it stands still, so that the standby is sooner."""
    wait_until(lambda: "event=standby" in standby.stderr(), 20)
    scaler.signal(signal.SIGSTOP)
    line.cut()
    ok(wait_until(lambda: len(children(standby.pid)) == 2, 20), "a standby takes over when the active one loses its lock")
    scaler.signal(signal.SIGCONT)


with contextlib.ExitStack() as stack:
    hanging = stack.enter_context(hangs(stuck := farm()))
    client = stack.enter_context(Client(stuck))
    ok(wait_until(lambda: client.consumers(client.work) == 3, 20), "three workers run")
    client.publish("HANG", message_id="hang")
    # The broker gives up the connection after 15 s at most; whoever then took the event would hang for 20 s.
    hung_by = time.monotonic() + 36

    slow_line = stack.enter_context(Line())
    worker = ("/usr/bin/env", f"AMQP_URL={URL}", FILTER)
    slow = stack.enter_context(autoscaler(late := farm(), "--min=1", "--max=1", "--", *worker, amqp=slow_line.url))
    ok(wait_for_row(late, lambda row: row["running_workers"] == "1", 20), "an autoscaler runs")
    slow_line.delay_s = 1.2  # answers come after the decision, and before the next
    slow_from = len(rows(late)) + 2  # two intervals are unknown

    pairs = []
    for args in ((), ("--standby",)):
        line = stack.enter_context(Line())
        scaler = stack.enter_context(active(name := farm(), line.url, *args))
        wait_until(lambda: len(children(scaler.pid)) == 2, 20)
        standby = stack.enter_context(active(name, None, "--standby"))
        lose_lock(scaler, line, standby)
        pairs.append((scaler, standby))

    dead = client.get(f"{stuck}.dead", 60)
    ok(dead and "poison" in dead[1].headers["winnow-reason"], "an event that hangs its worker is dead as poison")
    ok(client.ask("a word", 20), "the others answer")

    (scaler, standby), (again, other) = pairs
    equal(scaler.wait(40), 75, "one that finds another on its farm gives way")
    ok("event=giving_way" in scaler.stderr() and "has taken over" in scaler.stderr(), "and says why")
    equal(len(children(standby.pid)), 2, "the other goes on")
    equal(standby.end(), 0, "until it is told to end")
    ok(wait_until(lambda: again.stderr().count("event=standby") == 1, 40), "with --standby it stands by again")
    equal(len(children(again.pid)), 0, "without workers")
    equal(other.end(), 0, "and when the other ends ...")
    ok(wait_until(lambda: len(children(again.pid)) == 2, 20), "... takes over")
    equal(again.end(), 0, "like any other")

    known = [row for row in rows(late)[slow_from:] if row["backlog_msgs"] and row["arrival_per_s"]]
    if not ok(len(known) >= 3, "with a broker that answers late, decisions know the backlog and the arrivals"):
        diag("\n".join(str(list(row.values())) for row in rows(late)[slow_from:]) + slow.stderr())
    counted = lambda: total(rows(late), "arrived_msgs")
    before = counted()
    publish(late, 100)
    ok(wait_until(lambda: counted() >= before + 100, 20), "and count every event")
    wait_for_new_row(late)
    equal(counted(), before + 100, "once")
    slow_line.delay_s = 0
    equal(slow.end(), 0, "it ends as ever")

    time.sleep(max(0, hung_by - time.monotonic()))
    equal(hanging.stderr().count("event=worker_hung"), 1, "the event that hangs has hung one worker, not the next too")
    equal(hanging.end(), 0, "the others drain")
done_testing()
