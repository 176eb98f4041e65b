#!/usr/bin/python3
"""The load generator's latencies are those that a witness on the line measures, and a broker that stands still
for a second cannot hide it: every event counts from its intended time, also those that had to wait to be sent."""

import json
import re
import signal
import struct
import time

from client import Line
from tap import *

RATE, SECONDS, STALL_S = 1000, 3, 1.0
MESSAGE_ID = re.compile(rb"[0-9a-f]{16}\.([0-9a-f]+)\.([0-9a-f]+)")
PERCENTS = {"p50": 50, "p90": 90, "p99": 99, "max": 100}


class Witness(Line):
    """A line that takes the times of the events that pass it and of the confirms that come back."""

    def __init__(self):
        super().__init__()
        self.published = []  # (intended_s, passed_s), in the order of sending
        self.confirmed = []  # confirmed_s, in the same order

    def _carry(self, source, sink, tamper):
        super()._carry(source, sink, self._answers if tamper else self._events)

    def _events(self, data):
        now = time.monotonic()
        out, data = (data[:8], data[8:]) if data.startswith(b"AMQP") else (b"", data)
        frames, data = self._frames(data)
        for frame in frames:
            name = frame[0] == 2 and MESSAGE_ID.search(frame)
            if name:
                self.published.append((int(name[2], 16) / 1e9, now))
        return out + b"".join(frames), data

    def _answers(self, data):
        now = time.monotonic()
        frames, data = self._frames(data)
        for frame in frames:
            if frame[0] == 1 and frame[7:11] == self.BASIC_ACK:
                tag = struct.unpack(">Q", frame[11:19])[0]
                # Nothing else is on the connection, so a confirm in turn is as good as a multiple one.
                self.confirmed += [now] * (tag - len(self.confirmed))
        return b"".join(frames), data

    @staticmethod
    def _frames(data):
        frames = []
        while len(data) >= 7:
            size = struct.unpack(">I", data[3:7])[0] + 8
            if len(data) < size:
                break
            frames.append(data[:size])
            data = data[size:]
        return frames, data

    def latencies_ms(self):
        """(until passed, until confirmed), sorted. When the run began is what the promptest event says."""
        start = min(passed - intended for intended, passed in self.published)
        lag = sorted((passed - start - intended) * 1e3 for intended, passed in self.published)
        confirm = sorted((at - start - event[0]) * 1e3 for event, at in zip(self.published, self.confirmed))
        return lag, confirm


def percentile(values, percent):
    return values[max(0, -(-len(values) * percent // 100) - 1)]


def node_pid():
    with open(os.path.join(os.environ["WINNOW_TEST_BROKER_DIR"], "node.pid")) as file:
        return int(file.read())


def stall(running):
    """How long the broker stood still, in the middle of the run."""
    wait_until(lambda: re.search(r"^ +\d+\.\d ", running.stderr(), re.M), 20)
    node = node_pid()
    os.kill(node, signal.SIGSTOP)
    try:
        began = time.monotonic()
        running.wait(STALL_S)
    finally:
        os.kill(node, signal.SIGCONT)
    return time.monotonic() - began


def run(window):
    """(summary, the witness's latencies, length of the stall)"""
    name = farm()
    with Witness() as witness:
        args = ["--phase", f"{SECONDS}s@{RATE}", "--confirm-window", window, "--summary", "summary.json"]
        with spawn("winnow-loadgen", *args, farm=name, amqp=witness.url) as running:
            length_s = stall(running)
            code = running.wait(30)
        with open("summary.json") as file:
            summary = json.load(file)
        # A busy machine may need longer than the rest of the schedule to catch up.
        equal(code, int(summary["behind_s"] > 0.5), "a run ends well, unless still behind") or diag(running.stderr())
        equal(summary["confirmed"], RATE * SECONDS, "and every event is confirmed")
        equal((len(witness.published), len(witness.confirmed)), (RATE * SECONDS,) * 2, "the witness saw all of them")
        return summary, witness.latencies_ms(), length_s


def agrees(found, witnessed, what):
    for name, percent in PERCENTS.items():
        seen = percentile(witnessed, percent)
        # The witness is a program too, on a machine that may be busy.
        ok(abs(found[name] - seen) < 25 + 0.05 * seen, f"{what}: {name} is what the witness measured") or diag(
            f"{found[name]:.3f} ms, by the witness {seen:.3f} ms"
        )


def shows_the_stall(found, length_s, waited_s, what):
    """Events due while the broker stood still waited evenly from 0 to the whole of it: so many are above."""
    share = 0.1 * SECONDS  # of a second: the tenth of the events that waited longest
    low = (waited_s - share) * 1e3
    ok(low - 50 < found["p90"] < low + 500, f"{what}: the tenth that waited longest is there") or diag(found)
    ok(waited_s * 950 < found["p99"] < waited_s * 1e3 + 500, f"{what}: so is the hundredth") or diag(found)
    ok(waited_s * 980 < found["max"] < length_s * 1e3 + 700, f"{what}: and the longest") or diag(found)


# Room for all: the sending goes on, the confirms wait.
summary, (lag, confirm), length_s = run(100000)
agrees(summary["lag_ms"], lag, "sent")
agrees(summary["confirm_ms"], confirm, "confirmed")
shows_the_stall(summary["confirm_ms"], length_s, length_s, "confirmed")
ok(summary["lag_ms"]["p50"] < 50, "the sending did not wait for the confirms")

# Room for a twentieth of a second: the sending waits as well, and none of that is hidden.
summary, (lag, confirm), length_s = run(RATE // 20)
agrees(summary["lag_ms"], lag, "held up, sent")
agrees(summary["confirm_ms"], confirm, "held up, confirmed")
shows_the_stall(summary["confirm_ms"], length_s, length_s, "held up, confirmed")
shows_the_stall(summary["lag_ms"], length_s, length_s - 0.06, "held up, sent")
held = RATE * (length_s - 0.05)
ok(held * 0.95 < summary["late"] <= RATE * SECONDS, "as many were late as were due meanwhile") or diag(summary["late"])
done_testing()
