"""What tests of winnow-autoscaler share: the program with a history, the history's rows, its workers, and events.

    from scaler import *
    name = farm()
    with autoscaler(name, "--min", "1", "--", FILTER) as scaler:
        ok(wait_for_row(name, lambda row: row["running_workers"] == "1"), "a worker runs")
"""

import contextlib
import csv
import io
import os

from tap import BIN, URL, connect, spawn, wait_until

FILTER = os.path.join(BIN, "winnow-filter")
# The sanitizers make a start slower, and nothing else that is claimed.
SLOW_START_S = 2 if os.environ["WINNOW_BUILD"] == "asan" else 0


def autoscaler(name, *args, **more):
    return spawn("winnow-autoscaler", "--history", f"{name}.csv", *args, farm=name, **more)


_histories = {}  # name -> (which file of which size, its rows)


def rows(name):
    """The rows that are whole: while it is read, the program may be writing another."""
    try:
        with open(f"{name}.csv", newline="") as file:
            status = os.fstat(file.fileno())
            state = status.st_ino, status.st_size
            # It only grows, and whoever waits for a row looks many times before there is one.
            if _histories.get(name, (None,))[0] != state:
                written = file.read()
                whole = io.StringIO(written[: written.rfind("\n") + 1], newline="")
                _histories[name] = state, list(csv.DictReader(whole))
    except FileNotFoundError:
        return []
    return list(_histories[name][1])


def wait_for_row(name, condition=lambda row: True, seconds=20, since=0):
    """The first row of that kind from the row SINCE on, now or later; None after the deadline."""
    return wait_until(lambda: next((row for row in rows(name)[since:] if condition(row)), None), seconds)


def wait_for_new_row(name, condition=lambda row: True, seconds=20):
    """The same among the rows that begin a whole interval after this call."""
    return wait_for_row(name, condition, seconds, len(rows(name)) + 1)


def number(row, column):
    """None when it is unknown."""
    return float(row[column]) if row[column] else None


def total(table, column):
    return sum(float(row[column] or 0) for row in table)


def lives(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(pid):
    """The processes that a process has started and that have not ended."""
    found = set()
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            found = {int(child) for child in file.read().split()}
    return {child for child in found if lives(child)}


def publish(name, count, body=b"an event", url=URL, confirmed=True):
    with contextlib.closing(connect(url)) as connection:
        channel = connection.channel()
        if confirmed:
            channel.confirm_delivery()
        for _ in range(count):
            channel.basic_publish(f"{name}.events", "", body)


def ready(name, queue, url=URL):
    with contextlib.closing(connect(url)) as connection:
        return connection.channel().queue_declare(f"{name}.{queue}", passive=True).method.message_count
