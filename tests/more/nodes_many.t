#!/usr/bin/python3
# quiet: what is claimed of time here is what a processor spends
"""A leader of a hundred nodes: what their reports cost it."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/system"))
from control import Control  # noqa: E402
from nodes import node, report, when  # noqa: E402
from tap import diag, done_testing, farm, ok  # noqa: E402

NODES, WORKERS, SECONDS = 100, 8, 20


def cpu_s(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def report_all(control, names):
    """A round of reports within a second."""
    for name in names:
        control.send(report(name, WORKERS), key=f"report.{name}", type="report", reply_to=None)
        control.connection.process_data_events(0.8 / NODES)


name = farm()
names = [f"n{i}" for i in range(NODES - 1)]
with node(name, "real", "--interval", "2s") as real, Control(name, listens=False) as control:
    with Control(name) as watching:
        ok(when(watching, lambda status: status["leader"] == "real"), "a node leads")
        control.listen(*(f"target.{each}" for each in names))
        report_all(control, names)
        ok(when(watching, lambda status: len(status["nodes"]) == NODES), "a hundred have joined")
    began, used = time.monotonic(), cpu_s(real.pid)
    while time.monotonic() < began + SECONDS:
        report_all(control, names)
    share = (cpu_s(real.pid) - used) / (time.monotonic() - began)
    diag(f"{NODES} nodes of {WORKERS} workers cost their leader {share:.1%} of a core")
    ok(share < 0.03, "their reports cost it less than 3 % of a core")

done_testing()
