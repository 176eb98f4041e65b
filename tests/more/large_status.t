#!/usr/bin/python3
"""A status of as many workers as a farm may have, which fits no frame."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/system"))
from control import Control  # noqa: E402
from scaler import autoscaler, rows, wait_for_row  # noqa: E402
from tap import Machine, diag, done_testing, equal, farm, ok  # noqa: E402

name = farm()
with autoscaler(name, "--interval", "500ms", "--drain-timeout", "0s", "--", "/bin/sleep", "600") as scaler, \
        Control(name) as control, Machine() as machine:
    control.run()
    equal(control.tell("set", min=1000, max=1000), ("done", ""), "a farm is told to run 1000 workers")
    ok(control.wait(lambda: control.last["starting"] + control.last["running"] == 1000, 60), "it starts them")
    status = control.status()
    equal(len({worker["pid"] for worker in status["workers"]}), 1000, "and tells of each")
    size = len(json.dumps(status, separators=(",", ":")))
    ok(size > 131072, "in more than a frame takes") or diag(f"{size} bytes")
    since = len(rows(name))
    wait_for_row(name, since=since + 3)
    ticks = [float(row["time_s"]) for row in rows(name) if row["trigger"] == "tick"]
    late_s = max(after - before for before, after in zip(ticks, ticks[1:])) - 0.5
    ok(late_s < 0.3 + machine.late_s, "no decision was late for it") or diag(f"{late_s:.3f} s")
    equal(control.tell("set", min=0, max=1)[0], "done", "they are told to go")
    ok(control.wait(lambda: len(control.last["workers"]) <= 1, 60), "and go")
    equal(control.last["counters"]["untold_msgs"], 0, "nothing was left untold")
done_testing()
