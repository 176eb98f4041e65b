#!/usr/bin/python3
"""Processes: what every program has open, what becomes of what workers start, and who ends whom."""

import csv
import os
import subprocess

from scaler import *
from tap import *

def script(name, text):
    with open(name, "w") as file:
        file.write("#!/bin/bash\n" + text)
    os.chmod(name, 0o755)
    return os.path.abspath(name)


def closing(numbers, *command):
    """A command that runs with these descriptors closed."""
    redirections = " ".join(f"{number}>&-" for number in numbers)
    return ["/bin/bash", "-c", f'exec "$@" {redirections}', "bash", *command]


def descriptor(pid, number):
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/{pid}/fd/{number}")


def opens_the_standard_descriptors_before_anything_else():
    name = farm()
    for program, *more in (
        ("winnow-filter",),
        ("winnow-autoscaler", "--history", "closed.csv", "--min", "1", "--interval", "200ms"),
        ("winnow-loadgen", "--phase", "60s@5", "--timeline", "closed-timeline.csv"),
    ):
        command = [os.path.join(BIN, program), "--amqp", URL, "--farm", name, *more]
        with subprocess.Popen(closing((0, 1, 2), *command)) as process:

            def connected():
                links = [descriptor(process.pid, number) or "" for number in range(3, 12)]
                return any(link.startswith("socket:") for link in links)

            ok(wait_until(connected, 10), f"{program} connects with 0 to 2 closed")
            links = [descriptor(process.pid, number) for number in range(3)]
            equal(links, ["/dev/null"] * 3, "none of its files and connections has one of these numbers")
            if program == "winnow-autoscaler":
                wait_for_row("closed", lambda row: row["running_workers"] == "1")
            process.terminate()
            equal(process.wait(10), 0, "and it ends well")
    with open("closed.csv", newline="") as file:
        table = list(csv.reader(file))
    ok(len(table) > 1 and all(len(row) == len(table[0]) for row in table), "the history holds rows alone")
    with open("closed-timeline.csv") as file:
        ok(file.readline().startswith("time_s,"), "so does the timeline")


def keeps_the_failure_of_a_tool_whose_output_is_closed():
    with open("text", "w") as file:
        file.write("you fool\n")
    censor = os.path.join(BIN, "winnow-censor")
    with open("trace.csv", "w") as file:
        file.write("time_s\n0.5\n1\n")
    simulate = [os.path.join(BIN, "winnow-simulate"), "--trace", "trace.csv", "--service-time", "1ms"]
    plot = [os.path.join(BIN, "winnow-plot"), "scaling", "history.csv"]
    for command, numbers, code in (
        ([censor, "text"], (1,), 74),
        ([censor, "text"], (0, 1, 2), 74),
        ([censor], (0,), 66),
        ([censor, "text"], (0, 2), 0),
        (simulate, (1,), 71),
        (simulate, (0, 2), 0),
        (plot, (0, 1, 2), 78),
    ):
        run = subprocess.run(closing(numbers, *command), stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
        said = f"{os.path.basename(command[0])} with {numbers} closed"
        equal(run.returncode, code, f"{said} ends with {code}") or diag(run)


opens_the_standard_descriptors_before_anything_else()
keeps_the_failure_of_a_tool_whose_output_is_closed()
done_testing()
