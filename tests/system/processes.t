#!/usr/bin/python3
# quiet: what is claimed of time here is far from what a busy machine takes
"""Processes: what every program has open, what becomes of what workers start, and who ends whom."""

import csv
import fcntl
import os
import re
import signal
import subprocess

from scaler import *
from tap import *

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
                links = [descriptor(process.pid, number) or "" for number in range(3, 64)]
                return any(link.startswith("socket:") for link in links)

            ok(wait_until(connected, 20), f"{program} connects with 0 to 2 closed")
            links = [descriptor(process.pid, number) for number in range(3)]
            equal(links, ["/dev/null"] * 3, "none of its files and connections has one of these numbers")
            if program == "winnow-autoscaler":
                wait_for_row("closed", lambda row: row["running_workers"] == "1")
            if program == "winnow-loadgen":
                rows = lambda: open("closed-timeline.csv").read().count("\n")
                ok(wait_until(lambda: rows() > 1, 20), "it sends")
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
    log = [os.path.join(BIN, "winnow-ctl"), "log", "text"]
    for command, numbers, code in (
        ([censor, "text"], (1,), 74),
        ([censor, "text"], (0, 1, 2), 74),
        ([censor], (0,), 66),
        ([censor, "text"], (0, 2), 0),
        (simulate, (1,), 71),
        (simulate, (0, 2), 0),
        (plot, (0, 1, 2), 78),
        (log, (1,), 71),
        (log, (0, 2), 0),
    ):
        run = subprocess.run(closing(numbers, *command), stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
        said = f"{os.path.basename(command[0])} with {numbers} closed"
        equal(run.returncode, code, f"{said} ends with {code}") or diag(run)


# ---- what workers start ----

# A worker as people write it: it forgets `exec`, and does not pass SIGTERM on.
WRAPPER = script("wrapper", f'#!/bin/bash\n"{FILTER}" "$@"\nexit $?\n')


def of_group(group):
    """The processes of a process group that have not ended."""
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.getpgid(int(name)) == group and lives(int(name)):
                found.add(int(name))
    return found


def guardians():
    """Those of this test: others have another working directory."""
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/comm") as file:
            if file.read() == "winnow-guardian\n" and os.readlink(f"/proc/{name}/cwd") == os.getcwd():
                found.add(int(name))
    return found


def wrapped(name, *args):
    """An autoscaler with one worker behind a wrapper."""
    interval = ("--interval", "200ms", "--min", "1", "--max", "1", "--drain-timeout", "3s")
    return autoscaler(name, *interval, *args, "--", WRAPPER, "--service-time", "10ms", "--prefetch", "20")


def start_wrapped(name, scaler):
    """Waits for the worker, gives it something to do, and returns its process group."""
    ok(wait_for_row(name, lambda row: row["running_workers"] == "1", 20), "a wrapped worker runs")
    (group,) = children(scaler.pid)
    equal(len(of_group(group)), 2, "in a group with its wrapper")
    publish(name, 60)
    return group


def accounted(name, events):
    equal(ready(name, "results") + ready(name, "work"), events, "no event is lost, none is answered twice")


def waits_for_a_worker_behind_a_wrapper():
    for number in (signal.SIGINT, signal.SIGTERM):
        name = farm()
        with wrapped(name) as scaler:
            group = start_wrapped(name, scaler)
            scaler.signal(number)
            code = scaler.wait(10)
            left = of_group(group)
            equal((code, left), (0, set()), f"{number.name}: the autoscaler ends after the worker itself")
            ok("worker_killed" not in scaler.stderr(), "which was not killed") or diag(scaler.stderr())
        accounted(name, 60)


def ends_what_a_crashed_wrapper_leaves_behind():
    name = farm()
    with wrapped(name) as scaler:
        group = start_wrapped(name, scaler)
        os.kill(group, signal.SIGKILL)
        ok(wait_until(lambda: not of_group(group), 20), "a worker whose wrapper was killed drains")
        like(scaler.stderr(), f"event=worker_crashed worker={group} signal=9", "which is told as a crash")
        ok(wait_until(lambda: any(len(of_group(pid)) == 2 for pid in children(scaler.pid)), 20), "there is another")
        equal(scaler.end(), 0, "and the autoscaler ends well")
    accounted(name, 60)

    name = farm()
    stubborn = script("stubborn", "#!/bin/bash\n(trap '' TERM; while :; do sleep 0.02; done) &\nwait\n")
    with autoscaler(name, "--min", "1", "--drain-timeout", "200ms", "--", stubborn) as scaler:
        # Its first child is another: the one that starts the guardian, and ends.
        (group,) = wait_until(lambda: [pid for pid in children(scaler.pid) if len(of_group(pid)) > 1], 20)
        os.kill(group, signal.SIGKILL)
        ok(wait_until(lambda: not of_group(group), 20), "what does not end is killed at the drain deadline")
        like(scaler.stderr(), f"event=worker_killed worker={group}", "which is said")


def leaves_nothing_behind_when_it_is_killed():
    name = farm()
    before = guardians()
    with wrapped(name) as scaler:
        group = start_wrapped(name, scaler)
        (guardian,) = guardians() - before
        links = {number: descriptor(guardian, number) for number in os.listdir(f"/proc/{guardian}/fd")}
        equal(set(links), {"0", "1", "2", "3"}, "the guardian keeps standard error and a pipe")
        ok(links["3"].startswith("pipe:") and links["0"] == links["1"] == "/dev/null", "nothing else")
        with open(f"/proc/{guardian}/cmdline") as file:
            like(file.read(), "^winnow-guardian\0", "ps shows its name")
        equal(children(scaler.pid), {group}, "the autoscaler's children are its workers")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            os.kill(guardian, number)
        scaler.signal(signal.SIGKILL)
        scaler.wait(5)
        ok(wait_until(lambda: not of_group(group), 3), "killed, it leaves no worker, though there is a wrapper")
        ok(wait_until(lambda: not lives(guardian), 20), "and no guardian")
        like(scaler.stderr(), "program=winnow-guardian .*event=autoscaler_gone workers=1", "which has said so")
        times = {program: [int(time) for time in re.findall(rf"program={program} .*?clock=(\d+) ", scaler.stderr())]
                 for program in ("winnow-autoscaler", "winnow-guardian")}
        ok(max(times["winnow-autoscaler"], default=0) < min(times["winnow-guardian"]),
           "with a later time than all that the autoscaler logged")
        ok("worker_killed" not in scaler.stderr(), "and has killed nobody")
    accounted(name, 60)
    with open(f"{name}.csv", "a") as history:
        fcntl.lockf(history, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ok(True, "the history is nobody's")


def says_when_its_guardian_is_gone():
    name = farm()
    before = guardians()
    with autoscaler(name, "--interval", "100ms", "--min", "1", "--", FILTER) as scaler:
        wait_for_row(name, lambda row: row["running_workers"] == "1")
        (guardian,) = guardians() - before
        os.kill(guardian, signal.SIGKILL)
        ok(wait_until(lambda: "event=guardian_ended" in scaler.stderr(), 20), "the guardian's death is said")
        (worker,) = children(scaler.pid)
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: children(scaler.pid) - {worker}, 20)
        (worker,) = children(scaler.pid)
        wait_for_new_row(name, lambda row: row["running_workers"] == "1")
        equal(scaler.stderr().count("guardian_ended"), 1, "once")
        scaler.signal(signal.SIGKILL)
        ok(wait_until(lambda: not lives(worker), 20), "workers started later are told by the kernel")


def zombies(pid):
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
            if fields[0] == "Z" and int(fields[1]) == pid:
                found.add(int(name))
    return found


def is_daemon(name):
    with contextlib.suppress(OSError), open(f"/proc/{name}/cmdline") as file:
        return file.read() == "sleep\00060\0" and os.readlink(f"/proc/{name}/cwd") == os.getcwd()


def takes_in_what_workers_leave():
    name = farm()
    leaving = script(
        "leaving",
        "#!/bin/bash\n"
        "for i in 1 2 3 4 5; do (setsid sleep 0.2 &); done\n"
        "(setsid sleep 60 &)\n"
        f'exec "{FILTER}" "$@"\n',
    )
    with autoscaler(name, "--interval", "100ms", "--min", "2", "--", leaving) as scaler:
        wait_for_row(name, lambda row: row["running_workers"] == "2", 20)
        wait_until(lambda: len(children(scaler.pid)) <= 4, 20)
        ok(wait_until(lambda: not zombies(scaler.pid), 2), "orphans that have ended do not pile up")
        equal(scaler.end(), 0, "the autoscaler does not wait for those that left their group")
    daemons = [int(name) for name in filter(str.isdigit, os.listdir("/proc")) if is_daemon(name)]
    equal(len(daemons), 2, "nor does it end them")
    for pid in daemons:
        os.kill(pid, signal.SIGKILL)


opens_the_standard_descriptors_before_anything_else()
keeps_the_failure_of_a_tool_whose_output_is_closed()
waits_for_a_worker_behind_a_wrapper()
ends_what_a_crashed_wrapper_leaves_behind()
leaves_nothing_behind_when_it_is_killed()
says_when_its_guardian_is_gone()
takes_in_what_workers_leave()
done_testing()
