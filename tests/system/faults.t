#!/usr/bin/python3
"""Faults that need a farm of their own: each survived, and within its time. faults_untimed.t has those of which nothing
is claimed about time; those that can be repeated under load are in tests/chaos/faults.py."""

import os
import signal
import sys
import tempfile
import time

from tap import *
from client import Client
from own_broker import OwnBroker

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/chaos"))
import storm
from farm import children

FRAGILE = os.path.join(BIN, "../tests/system/fragile_worker")
FILTER = os.path.join(BIN, "winnow-filter")
# What a publish, confirmed, and a look for answers take at most on a machine that is not busy.
TURN_S = 0.02
# Under the sanitizers programs start and work several times slower.
SLACK = 5 if os.environ["WINNOW_BUILD"] == "asan" else 1


def autoscaler(name, *args, worker, **more):
    return spawn("winnow-autoscaler", "--interval", "200ms", *args, "--", *worker, farm=name, **more)


class Answers:
    """Events published one after the other, and when each was answered."""

    def __init__(self, client):
        self.client, self.number, self.answered = client, 0, {}

    def for_s(self, seconds, every=0.01):
        """Publishes and takes answers; the longest time without one. Of a turn of this loop, which waits for no
        worker, no more counts than it takes when neither machine nor broker hold it up."""
        begin = last = time.monotonic()
        longest, held_up = 0.0, 0.0
        clock = lambda: time.monotonic() - held_up
        while (turn := time.monotonic()) < begin + seconds:
            now = clock()
            self.number += 1
            self.client.publish(b"a word", message_id=f"n{self.number}", reply_to=self.client.replies)
            for _, properties, _ in self.client.get_ready(self.client.replies):
                self.answered[properties.message_id] = now
                longest, last = max(longest, now - last), now
            time.sleep(every)
            held_up += max(0, time.monotonic() - turn - every - TURN_S)
        return max(longest, clock() - last)

    def complete(self, seconds=10):
        def look():
            for _, properties, _ in self.client.get_ready(self.client.replies):
                self.answered[properties.message_id] = time.monotonic()
            return len(self.answered) >= self.number

        return wait_until(look, seconds)


def two_workers(scaler):
    return wait_until(lambda: len(children(scaler.pid)) == 2, 20)


# A worker that ends, each way; the other one never stops. The script is a bad worker once.
BAD_ONCE = """#!/bin/sh
cd "$(dirname "$0")" || exit 1
if mkdir bad 2>/dev/null; then
    until [ -e good ]; do sleep 0.05; done
    sleep 1
    exit "$1"
fi
touch good
exec "$2"
"""
for code in (64, 75, 77, 78):
    name = farm()
    with tempfile.TemporaryDirectory() as directory:
        bad = script(os.path.join(directory, "bad-once"), BAD_ONCE)
        with autoscaler(name, "--min", "2", "--max", "2", worker=[bad, str(code), FILTER]) as scaler:
            with Client(name) as client:
                answers = Answers(client)
                silence = answers.for_s(2)
                ended = f"code={code}" in scaler.stderr()
                if code == 75:
                    ok(ended and two_workers(scaler), "a worker that ends with 75 is replaced")
                else:
                    # After 64 never, after 77 and 78 half a minute later.
                    ok(ended and len(children(scaler.pid)) == 1, f"one that ends with {code} is not, so soon")
                stopped = not ok(silence < 0.1 * SLACK, f"and stops nobody else ({silence * 1000:.0f} ms)")
                if stopped or not ended:
                    diag(scaler.stderr())
                ok(answers.complete(), f"who answers every event ({answers.number})")

# Poison and hangs.
for text, seconds in (("CRASH", 0), ("MEMORY", 0), ("HANG", 3)):
    name = farm()
    with autoscaler(name, "--min", "4", "--max", "4", "--hang-timeout", "1s", worker=[FRAGILE]) as scaler:
        with Client(name) as client:
            wait_until(lambda: client.consumers(client.work) == 4, 20)
            answers = Answers(client)
            answers.for_s(0.3)
            at = time.monotonic()
            client.publish(text, message_id="poison")
            silence = answers.for_s(1 + seconds)
            dead = client.get(f"{name}.dead", 20)
            took = time.monotonic() - at
            ok(dead and "poison" in dead[1].headers["winnow-reason"], f"{text}: the event is dead as poison")
            ok(silence < 0.1 * SLACK, f"{text}: others are answered meanwhile ({silence * 1000:.0f} ms)")
            ok(answers.complete(), f"{text}: and all of them ({answers.number})")
            diag(f"{text}: poison after {took:.2f} s")

# All workers at once.
name = farm()
with autoscaler(name, "--min", "3", "--max", "3", worker=[FILTER]) as scaler:
    with Client(name) as client:
        wait_until(lambda: client.consumers(client.work) == 3, 20)
        for pid in children(scaler.pid):
            os.kill(pid, signal.SIGKILL)
        at = time.monotonic()
        answer = client.ask("you fool", 10)
        took = time.monotonic() - at
        ok(answer and took < 0.1 * SLACK, f"of workers killed at once the first is back in time ({took * 1000:.0f} ms)")

# A broker that is not there yet.
name = farm()
with OwnBroker() as broker:
    broker.stop()
    with autoscaler(name, "--min", "1", worker=[FILTER], amqp=broker.url) as scaler:
        ok(scaler.wait(1) is None, "without a broker it waits")
        broker.start()
        at = time.monotonic()
        ok(wait_until(lambda: children(scaler.pid), 20), "and starts workers when it has come")
        with Client(name, broker.url) as client:
            answer = client.ask("you fool", 10)
        took = time.monotonic() - at
        ok(answer and took < 1 * SLACK, f"which answer within a second ({took * 1000:.0f} ms)")

# Scaling down, again and again.
with tempfile.TemporaryDirectory() as directory:
    code = storm.run(os.path.abspath(BIN), directory, 200, 1, url=URL, seconds=60, say=diag)
    equal(code, 0, "200 scale-downs under load: nothing lost, answered twice or redelivered")

done_testing()
