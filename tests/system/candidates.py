"""Processes that stand for leader (candidate.c), and what they order.

    with three() as candidates:
        leader, after_s = candidates.next_leader()
"""

import contextlib
import os
import signal
import time

from tap import BIN, URL, Program, equal, farm, wait_until

CANDIDATE = os.path.join(BIN, "../tests/system/candidate")
PATIENCE_S = 20


class Candidates:
    """Processes that stand for leader, and the file in which all of them write what they order."""

    def __init__(self, farm, url=None, heartbeat_s=2):
        self.farm, self.url, self.heartbeat_s = farm, url or URL, heartbeat_s
        self.file = os.path.abspath(f"{farm}.said")
        self.running = {}

    def start(self, *names, rank=0, url=None):
        for name in names:
            command = [CANDIDATE, "--amqp", url or self.url, "--farm", self.farm, "--node", name, "--rank", str(rank)]
            command += ["--heartbeat", str(self.heartbeat_s), "--file", self.file]
            self.running[name] = Program(command, dict(os.environ))

    def orders(self):
        """Every whole line of an order: (name, epoch, sequence)."""
        with contextlib.suppress(FileNotFoundError):
            with open(self.file) as file:
                lines = file.read()
            lines = [line.split() for line in lines[: lines.rfind("\n") + 1].splitlines()]
            return [(line[1], int(line[2]), int(line[3])) for line in lines if line[0] == "order"]
        return []

    def obeyed(self):
        """The orders that a node would obey."""
        last, obeyed = (0, 0), []
        for name, *stamp in self.orders():
            if tuple(stamp) > last:
                last = tuple(stamp)
                obeyed.append((name, *stamp))
        return obeyed

    def next_leader(self, but=()):
        """Who is obeyed from now on, and is none of those; and after how long."""
        seen, begun = len(self.obeyed()), time.monotonic()
        found = wait_until(lambda: next((o[0] for o in self.obeyed()[seen:] if o[0] not in but), None), PATIENCE_S)
        return found, time.monotonic() - begun

    def epochs_of_several(self):
        owners = {}
        for name, epoch, _ in self.orders():
            owners.setdefault(epoch, set()).add(name)
        return {epoch: names for epoch, names in owners.items() if len(names) > 1}

    def says(self, name, event):
        return self.running[name].stderr().count(f"event={event} ")

    def end(self):
        for running in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                running.signal(signal.SIGCONT)
            running.end()
        self.running = {}


@contextlib.contextmanager
def three(url=None, heartbeat_s=2):
    candidates = Candidates(farm(), url, heartbeat_s)
    try:
        candidates.start("a", "b", "c")
        yield candidates
        equal(candidates.epochs_of_several(), {}, "and no epoch has ever had two leaders")
    finally:
        candidates.end()


def stood(candidates):
    return candidates.next_leader()[0]
