#!/usr/bin/python3
"""A minute of load while somebody commands at random all the while, and kills workers: nothing is lost, no decision is
late, and the limits in force are never broken."""

import collections
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/system"))
from control import Control  # noqa: E402
from scaler import FILTER, autoscaler, number, rows  # noqa: E402
from tap import BIN, Machine, diag, done_testing, equal, farm, ok, spawn  # noqa: E402

SECONDS = 60
INTERVAL_S = 0.5


def a_command(chance, control):
    """Verb and members of one that may or may not be carried out."""
    low = chance.randint(0, 6)
    return chance.choice((
        ("set", {"min": low, "max": low + chance.randint(0, 6)}),
        ("set", {"max": chance.randint(1, 12)}),
        ("set", {"replicas": chance.choice((None, None, 0, 3, 5, 40))}),
        ("pause", {}),
        ("resume", {}),
        ("resume", {}),
        ("stop", {"slot": chance.choice([worker["slot"] for worker in control.last["workers"]] or [0])}),
        ("explode", {}),
    ))


def kill_somebody(chance, control):
    workers = control.last["workers"]
    if not workers:
        return 0
    try:
        os.kill(chance.choice(workers)["pid"], signal.SIGKILL)
    except ProcessLookupError:
        return 0  # one that has ended since
    return 1


def command_at_random(name, chance, until):
    """Commands until the exchange is deleted, or the time is over; how many were answered how."""
    outcomes = collections.Counter()
    with Control(name) as control:
        control.run()
        while time.monotonic() < until and chance.random() > 0.02:
            verb, members = a_command(chance, control)
            outcomes[control.tell(verb, **members)[0]] += 1
            if chance.random() < 0.02:
                outcomes["killed"] += kill_somebody(chance, control)
            control.wait(lambda: False, chance.random() / 10)
        control.channel.exchange_delete(f"{name}.control")
        statuses = [message for kind, _, message in control.taken if kind == "status"]
    broken = [status for status in statuses
              if status["starting"] + status["running"] > status["limits"]["max_workers"]]
    return outcomes, broken


def steer(name, seed):
    """Somebody new comes whenever the exchange was deleted."""
    chance, until = random.Random(seed), time.monotonic() + SECONDS
    outcomes, broken = collections.Counter(), []
    while time.monotonic() < until:
        more, worse = command_at_random(name, chance, until)
        outcomes.update(more)
        broken += worse
    return outcomes, broken


def late_s(name):
    ticks = [float(row["time_s"]) for row in rows(name) if row["trigger"] == "tick"]
    return max(after - before for before, after in zip(ticks, ticks[1:])) - INTERVAL_S


name, seed = farm(), int(os.environ.get("SEED", time.time()))
diag(f"SEED={seed}")
options = ("--interval", "500ms", "--react", "100ms", "--capacity", "100", "--", FILTER, "--service-time", "5ms")
with Machine() as machine, autoscaler(name, *options):
    phases = (f"{SECONDS // 6}s@200", f"{SECONDS // 6}s@900") * 3
    options = [f"--phase={phase}" for phase in phases]
    with spawn("winnow-loadgen", *options, "--verify", "--verify-timeout", "60s", farm=name) as load:
        outcomes, broken = steer(name, seed)
        diag(dict(outcomes))
        ok(outcomes["done"] > 50 and outcomes["refused"] > 5 and outcomes["malformed"] > 5, "commands of every kind were answered")
        equal(outcomes[None], 0, "each of them")
        ok(outcomes["killed"] > 5, "and workers were killed meanwhile")
        equal(broken[:1], [], "there were never more workers than the limits in force allow")
        with Control(name) as control:
            control.run()
            control.tell("set", min=2, max=12, replicas=None)
            control.tell("resume")
        equal(load.wait(90), 0, "nothing was lost") or diag(load.stderr())
    over = [row for row in rows(name) if not number(row, "min_workers") <= number(row, "desired_workers") <= number(row, "max_workers")]
    equal(over[:1], [], "no decision is outside the limits of its row")
    late = late_s(name)
    ok(late < 0.4 + machine.late_s, "no decision was late") or diag(f"{late:.3f} s")
    ok({"paused", "fixed"} <= {row["reason"] for row in rows(name)}, "the history says what a person decided")
ran = subprocess.run([os.path.join(BIN, "winnow-simulate"), "--replay", f"{name}.csv"], capture_output=True, text=True)
equal(ran.returncode, 0, "decided again from the history, all is the same") or diag(ran.stdout)
done_testing()
