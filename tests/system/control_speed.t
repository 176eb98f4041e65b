#!/usr/bin/python3
"""How quickly a farm does what it is told, and that a flood of commands makes no decision late."""

import json
import os
import subprocess
import time

import pika

from control import *
from scaler import *
from tap import *

QUICK = ("--interval", "200ms")


def what_is_told_is_done_quickly():
    name = farm()
    with autoscaler(name, *QUICK, "--min", "1", "--max", "4", "--", FILTER), Control(name) as control:
        control.run()
        took_ms = []
        for most in (5, 6, 5, 6, 4):
            start = time.monotonic()
            control.tell("set", max=most)
            took_ms.append(1000 * (time.monotonic() - start))
    ok(min(took_ms) < 20, "what is told is done within 20 ms")
    diag("commands took " + ", ".join(f"{took:.1f}" for took in took_ms) + " ms")


def on_time(name, since_s, interval_s):
    """By how much the longest pause between two ticks is longer than the interval."""
    ticks = [float(row["time_s"]) for row in rows(name) if row["trigger"] == "tick"]
    pauses = [after - before for before, after in zip(ticks, ticks[1:]) if after > since_s]
    return max(pauses) - interval_s


def floods():
    name = farm()
    with contextlib.ExitStack() as stack:
        scaler = stack.enter_context(autoscaler(name, *QUICK, "--min", "1", "--max", "2", "--", FILTER))
        control = stack.enter_context(Control(name))
        status = control.run()
        machine = stack.enter_context(Machine())
        before_s = processor_s(scaler.pid)
        # Whoever floods reads nothing of what it is told.
        start, count = time.monotonic(), 0
        with Control(name, listens=False) as other:
            other.status()
            bodies = [json.dumps({"v": 1, "farm": name, "from": "flood/here/2", "clock": 1, "time": "t", "verb": "set",
                                  "seen": other.seen(), "max": most}).encode() for most in (2, 3)] + [b"[" * 99, b"x" * 9000]
            properties = pika.BasicProperties(reply_to=other.queue)
            while time.monotonic() < start + 2.5:
                for body in bodies:
                    other.channel.basic_publish(f"{name}.control", "command", body, properties)
                count += len(bodies)
        spent_s, took_s = processor_s(scaler.pid) - before_s, time.monotonic() - start
        diag(f"{count / took_s:.0f} commands a second cost {100 * spent_s / took_s:.0f} % of a processor")
        ok(control.run(5), "after a flood of commands the farm answers")
        late_s = on_time(name, status["age_s"], 0.2)
        ok(late_s < 0.15 + machine.late_s, "in it, decisions were made on time") or diag(f"{late_s:.3f} s late")
        ok(spent_s / took_s < 0.6, "it costs a bounded share of a processor")
        equal([row["running_workers"] for row in rows(name)][-1], "1", "the workers run as ever")
    ran = subprocess.run([os.path.join(BIN, "winnow-simulate"), "--replay", f"{name}.csv"], capture_output=True, text=True)
    equal(ran.returncode, 0, "decided again from the history, all is the same") or diag(ran.stdout)


def processor_s(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


what_is_told_is_done_quickly()
floods()
done_testing()
