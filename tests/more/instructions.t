#!/usr/bin/python3
"""A thousand instructions, in shell and Python, some failing and some hanging, each sent by winnow-ctl send --wait from
a shell of its own: each is answered rightly, or dead for its reason."""

import concurrent.futures
import os
import random
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/system"))

from client import Client
from tap import BIN, URL, diag, done_testing, equal, farm, ok, spawn, wait_until

COUNT = 1000
SENDERS = 16
TYPES = ("--type", "shell=sh {}", "--type", "python=/usr/bin/python3 -S {}")


def instruction(number):
    """(type, text, exit code of the sender, standard output, end of standard error)."""
    kind = random.Random(number).randrange(100)
    if kind < 2:
        return "shell", f"echo {number} >&2; sleep 600", 1, "", f"took longer than --timeout 1s: {number}\n"
    if kind < 4:
        return "python", f"import sys\nprint({number}, file=sys.stderr, flush=True)\nwhile True: pass", 1, "", \
            f"took longer than --timeout 1s: {number}\n"
    if kind < 12:
        code = number % 70 + 1
        return "shell", f"echo failed {number} >&2; exit {code}", 1, "", f"exited with {code}: failed {number}\n"
    if kind < 18:
        return "python", f"raise KeyError({number})", 1, "", f"exited with 1: KeyError: {number}\n"
    if kind < 22:
        return "shell", f"kill -9 $$ # {number}", 1, "", "killed by signal 9 (SIGKILL)\n"
    if kind < 26:
        return "perl", f"print {number}", 1, "", "no --type 'perl'\n"
    if kind < 70:
        return "shell", f"echo $(({number} * {number})); (sleep 600 &)", 0, f"{number * number}\n", ""
    return "python", f"print('é' * {number % 50}, {number} ** 3)", 0, f"{'é' * (number % 50)} {number ** 3}\n", ""


def send(name, number):
    kind, text, code, stdout, stderr = instruction(number)
    run = subprocess.run([os.path.join(BIN, "winnow-ctl"), "--amqp", URL, "--farm", name, "send", "--type", kind,
                          "--wait", "120s", text], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if (run.returncode, run.stdout) == (code, stdout) and run.stderr.endswith(stderr) and bool(run.stderr) == bool(stderr):
        return None
    return f"{number}: {kind} {text!r}: {run.returncode} {run.stdout!r} {run.stderr!r}, not {code} {stdout!r} {stderr!r}"


name = farm()
worker = (os.path.join(BIN, "winnow-run"), "--timeout", "1s", *TYPES)
with spawn("winnow-autoscaler", "--min", "2", "--max", "6", "--capacity", "20", "--", *worker, farm=name) as autoscaler:
    with Client(name) as client, concurrent.futures.ThreadPoolExecutor(SENDERS) as senders:
        wrong = [each for each in senders.map(lambda number: send(name, number), range(COUNT)) if each]
        ok(not wrong, f"each of {COUNT} instructions is answered rightly, or dead for its reason")
        diag("\n".join(wrong[:20]))
        ok(wait_until(lambda: client.held() == (0, 0), 20), "nothing waits any more")
        dead = [body.decode() for _, _, body in client.get_ready(client.dead)]
        expected = {text for _, text, code, _, _ in map(instruction, range(COUNT)) if code}
        equal(set(dead), expected, "FARM.dead has those that are dead")
    equal(autoscaler.end(60), 0, "the farm ends")
    refused = sum(map(int, re.findall("event=dead_refused .*messages=([0-9]+)", autoscaler.stderr())))
    ok(len(dead) <= len(expected) + refused, "... each once, and once more at most where the broker first refused it")
    ok("worker_crashed" not in autoscaler.stderr() and "worker_hung" not in autoscaler.stderr(), "no worker died of it")


def in_farm(pid):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return f"WINNOW_FARM={name}".encode() in file.read().split(b"\0")
    except OSError:
        return False


ok(wait_until(lambda: not any(map(in_farm, filter(str.isdigit, os.listdir("/proc")))), 20), "nor is a program left")
done_testing()
