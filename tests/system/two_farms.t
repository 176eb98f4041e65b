#!/usr/bin/python3
"""Two farms in one process: while one has lost its broker, the other goes on as if nothing had happened."""

import contextlib
import os
import signal

from client import Client, Line
from scaler import FILTER, lives, number, publish, rows, wait_for_new_row, wait_for_row
from tap import *

INTERVAL_S = 0.2
# An idle loop is on time to the millisecond. One that waits in connecting is late by half a second.
LATE_S = 0.1


@contextlib.contextmanager
def two_farms(*farms):
    with open("two_farms.conf", "w") as file:
        for url, name in farms:
            file.write(f"[pool {name}]\namqp = {url}\nhistory = {name}.csv\nworker = {FILTER}\n")
    options = ["--config", "two_farms.conf", "--interval", "200ms", "--min", "1", "--quiet"]
    running = Program([os.path.join(BIN, "winnow-autoscaler"), *options], dict(os.environ))
    try:
        yield running
    finally:
        running.end()


def undisturbed(table, machine):
    """Each decision is on its grid, and made from measurements."""
    times = [float(row["time_s"]) for row in table]
    late = max(abs(b - a - INTERVAL_S) for a, b in zip(times, times[1:]))
    return ok(late < LATE_S + machine.late_s, f"every decision was on time, the worst {late * 1000:.0f} ms off") & ok(
        all(row["arrival_per_s"] and not row["reason"].startswith("held") for row in table),
        "and made from measurements",
    )


def go_on(steady, lost, unknown):
    """Ten intervals of the other farm while this one measures nothing."""
    ok(wait_for_new_row(lost, unknown), "the farm that lost its broker holds its number of workers")
    since = len(rows(steady))
    with Machine() as machine:
        ok(wait_until(lambda: len(rows(steady)) >= since + 26, 20), "the other goes on deciding")
    undisturbed(rows(steady)[since + 1 : since + 26], machine)


with contextlib.ExitStack() as stack:
    line = stack.enter_context(Line())
    steady, lost = farm(), farm()
    both = stack.enter_context(two_farms((URL, steady), (line.url, lost)))
    runs = lambda row: row["running_workers"] == "1"
    ok(wait_for_row(steady, runs, 20) and wait_for_row(lost, runs, 20), "both farms run a worker")
    held = lambda row: row["reason"].startswith("held")

    line.mode = "silent"
    line.cut()
    go_on(steady, lost, held)
    ok(both.stderr().count(f"event=connection_lost farm={lost} for=count") > 0, "its connection is known to be lost")

    line.mode = "pass"
    line.cut()
    measured = lambda row: row["arrival_per_s"] and not held(row)
    ok(wait_for_new_row(lost, measured, 20), "it measures again when its broker answers")

    line.close()
    go_on(steady, lost, held)

    with Client(steady) as client:
        like(client.ask("you fool")[2].decode(), "CENSORED", "the other's worker does its work meanwhile")
    both.signal(signal.SIGTERM)
    ok(both.wait(20) == 0, "both end when the process is told to")

done_testing()
