"""The scoreboard: what a worker in Python tells Winnow, and learns from it. One file, nothing to install: copy it.

    board = Scoreboard()
    board.set_state(WORKING)
    board.tell_ready()               # it consumes
    board.set_in_flight(events)      # whenever that changes: delivered, and not acknowledged
    board.progress()                 # at least every 5 s while there is nothing to do
    board.take_up(event)             # an event is at hand; event = fingerprint(properties, body)
    ...                              # work that takes long says progress(), or expect(seconds)
    board.set_state(SENDING)         # its result goes out
    board.answered()                 # which the broker has confirmed

docs/protocol.md has the layout and the rules; worker.py, beside this file, shows all of it in use.

Python promises nothing about how another process sees a store. CPython copies a number of these structures with memcpy
to its place, which is aligned; compilers make one instruction of that on 64-bit machines, so nobody sees half a
number. Processors of the x86 family show stores in the order in which they were made. Others (ARM) need not: there a
worker may be read in an order that never was, for nanoseconds. At worst one death is then not counted against its
event, or a worker that comes back from a long wait for the broker is taken for one that hangs. The attempts are only
read: to write them takes compare-and-swap, which Python does not have.
"""

import bisect
import ctypes
import hashlib
import mmap
import os
import re
import sys
import time

EMPTY, WORKING, SENDING, BLOCKED, DRAINING = range(5)  # the states of a worker

MAGIC = b"WINNOW8"
ATTEMPTS, PROBES, COUNTS, TAG_SHIFT = 8192, 16, 1 << 12, 17
# The bounds of the classes of time: 10 us, 30 us, 100 us and so on to 100 s.
BOUNDS_NS = [digit * 10**power for power in range(4, 11) for digit in (1, 3)] + [10**11]
LAST_WORKER_GRACE_NS = 200_000_000
# What a broker adds between two deliveries.
BROKER_HEADERS = "x-delivery-count$|x-acquired-count$|x-death|x-first-death|x-last-death"
UNITS_S = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}


class Header(ctypes.Structure):
    _fields_ = [
        ("magic", ctypes.c_char * 8),
        ("slots", ctypes.c_uint64),
        ("hang_timeout_ns", ctypes.c_int64),
        ("max_attempts", ctypes.c_uint32),
        ("attempts_used", ctypes.c_uint32),
        ("attempts", ctypes.c_uint64 * 2 * ATTEMPTS),
        ("reasons", ctypes.c_uint64 * 48 * 64),
        ("unused", ctypes.c_uint64 * 9),
        ("settle_ns", ctypes.c_int64),
        ("used", ctypes.c_uint64),
        ("clock", ctypes.c_int64),
    ]


class Slot(ctypes.Structure):
    _fields_ = [
        ("state", ctypes.c_int32),
        ("pid", ctypes.c_int32),
        ("handled_msgs", ctypes.c_uint64),
        ("in_flight_msgs", ctypes.c_uint64),
        ("given_back_msgs", ctypes.c_uint64),
        ("busy_ns", ctypes.c_int64),
        ("progress_ns", ctypes.c_int64),
        ("simulated_service_ns", ctypes.c_int64),
        ("takes_hangup", ctypes.c_int32),
        ("fingerprint_high", ctypes.c_uint64),
        ("fingerprint_low", ctypes.c_uint64),
        ("started_ns", ctypes.c_int64),
        ("due_ns", ctypes.c_int64),
        ("dead_msgs", ctypes.c_uint64),
        ("unused", ctypes.c_uint64 * 3),
        ("handled_within", ctypes.c_uint64 * (len(BOUNDS_NS) + 1)),
    ]


class Scoreboard:
    """A worker that was started by hand gets one for itself, which nobody reads."""

    def __init__(self):
        handed_down = "WINNOW_SCOREBOARD_FD" in os.environ and "WINNOW_SLOT" in os.environ
        memory = self._map() if handed_down else self._make()
        self.header = Header.from_buffer(memory)
        self.slots = (Slot * self.header.slots).from_buffer(memory, ctypes.sizeof(Header))
        self.own = int(os.environ["WINNOW_SLOT"]) if handed_down else 0
        self.slot = self.slots[self.own]
        self.slot.pid = os.getpid()

    @staticmethod
    def _map():
        memory = mmap.mmap(int(os.environ["WINNOW_SCOREBOARD_FD"]), 0)
        if memory[:8] != MAGIC + b"\0":
            print("the scoreboard has another layout: take the module that came with this Winnow", file=sys.stderr)
            sys.exit(64)
        return memory

    @staticmethod
    def _make():
        memory = mmap.mmap(-1, ctypes.sizeof(Header) + ctypes.sizeof(Slot))
        header = Header.from_buffer(memory)
        header.slots, header.max_attempts, header.hang_timeout_ns = 1, 3, 60_000_000_000
        return memory

    # ---- what this worker does ----

    def tell_ready(self):
        """It consumes. Only the first call does anything."""
        ready = os.environ.pop("WINNOW_READY_FD", None)
        if ready is not None:
            os.write(int(ready), b"r")
            os.close(int(ready))

    def progress(self):
        self.slot.progress_ns = time.monotonic_ns()

    def expect(self, seconds):
        """The work on the event at hand may show no progress for so long."""
        self.slot.due_ns = time.monotonic_ns() + int(seconds * 1e9)

    def set_state(self, state):
        self.progress()
        self.slot.state = state

    def set_in_flight(self, events):
        self.slot.in_flight_msgs = events

    def take_up(self, event):
        """If this worker dies or hangs from now on, that counts against the event."""
        self.progress()
        self.slot.started_ns = time.monotonic_ns()
        self.slot.due_ns = 0
        self.slot.fingerprint_high, self.slot.fingerprint_low = event

    def put_down(self):
        """Nothing is at hand any more, answered or not."""
        self.slot.fingerprint_low = self.slot.fingerprint_high = 0
        self.progress()

    def answered(self):
        """By a result, or by FARM.dead; one that was not taken up has cost no time."""
        took_ns = time.monotonic_ns() - self.slot.started_ns if self.slot.fingerprint_low else 0
        self.slot.busy_ns += took_ns
        self.slot.handled_within[bisect.bisect_left(BOUNDS_NS, took_ns)] += 1
        self.put_down()
        self.slot.handled_msgs += 1

    def count_dead(self):
        """An event goes to FARM.dead: beside answered()."""
        self.slot.dead_msgs += 1

    def count_given_back(self, events):
        self.slot.given_back_msgs += events

    # ---- what it learns of others ----

    def is_elsewhere(self, event, since_ns):
        """Another worker has been on the event since then or longer: it hangs, or is dead and not counted yet."""
        return any(
            index != self.own
            and (slot.fingerprint_high, slot.fingerprint_low) == event
            and slot.started_ns <= since_ns
            for index, slot in enumerate(self.slots[: self.header.used or self.header.slots])
        )

    def wait_for_last_worker(self, event, delivered_ns, sleep):
        """Before a redelivered event is looked up: until whoever had it is counted, here and on other hosts.
        delivered_ns: time.monotonic_ns() when it came; sleep(seconds) serves the connection meanwhile."""
        since_ns = time.monotonic_ns()
        until_ns = since_ns + self.header.hang_timeout_ns + LAST_WORKER_GRACE_NS
        settled_ns = delivered_ns + self.header.settle_ns
        while (now_ns := time.monotonic_ns()) < settled_ns or (now_ns < until_ns and self.is_elsewhere(event, since_ns)):
            sleep(0.02)
            self.progress()

    def attempts(self, event):
        """How many workers have died of the event or hung on it."""
        high, low = event
        words = (self.header.attempts[(high + probe) % ATTEMPTS][0] for probe in range(PROBES))
        return next((word % COUNTS for word in words if word and word >> TAG_SHIFT == low >> TAG_SHIFT), 0)

    def is_poison(self, event):
        return self.attempts(event) >= self.header.max_attempts


def fingerprint(properties, body):
    """Tells an event from all others, however often it is delivered. properties: a dictionary of them, headers too, by
    the same names in all workers of the farm."""
    headers = properties.get("headers") or {}
    kept = {name: headers[name] for name in sorted(headers) if not re.match(BROKER_HEADERS, name)}
    named = sorted((name, value) for name, value in properties.items() if name != "headers" and value is not None)
    digest = hashlib.blake2b(repr((named, kept)).encode() + b"\0" + body, digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little") | 1


def drain_timeout_s():
    """How long a drain may take until the worker is killed."""
    number, unit = re.fullmatch(r"(\d+)(\w*)", os.environ.get("WINNOW_DRAIN_TIMEOUT", "30s")).groups()
    return int(number) * UNITS_S[unit]
