#!/usr/bin/python3
"""winnow-autoscaler when things fail: workers that crash, and a broker that goes away."""

import os
import re
import signal
import socket
import subprocess
import threading
import time

import scaler as plain
from scaler import *
from tap import *

BROKER = os.path.join(os.environ["WINNOW_TOP"], "tools", "private-broker")


def autoscaler(name, *args, **more):
    return plain.autoscaler(name, "--interval", "200ms", *args, **more)


def wait_for_new_rows(name, count, seconds=10):
    seen = len(rows(name))
    return wait_until(lambda: len(rows(name)) >= seen + count, seconds)


def held(row):
    return row["reason"].startswith("held: ")


def script(name, text):
    with open(name, "w") as file:
        file.write("#!/bin/sh\n" + text)
    os.chmod(name, 0o755)
    return os.path.abspath(name)


# ---- workers ----


def leaves_workers_that_start_alone():
    for _ in range(5):
        name = farm()
        with autoscaler(name, "--min", "16", "--", FILTER) as scaler:
            row = wait_for_row(name, lambda row: row["running_workers"] == "16", 20)
            ok(row, "sixteen workers start")
            wait_for_new_rows(name, 1)
            said = scaler.stderr()
            equal(scaler.end(), 0, "and end")
        equal(total(rows(name), "crashed"), 0, "none crashed") or diag(said)
        equal(total(rows(name), "spawned"), 16, "and none was replaced")


def gives_up_on_workers_that_cannot_work():
    for code, ends_with in ((64, 78), (77, 77), (78, 78)):
        name = farm()
        worker = script(f"exits-{code}", f"exit {code}\n")
        start = time.monotonic()
        with autoscaler(name, "--min", "2", "--", worker) as scaler:
            equal(scaler.wait(10), ends_with, f"a worker's {code} at start ends the autoscaler with {ends_with}")
            ok(time.monotonic() - start < 3, "at once")
            last = scaler.stderr().splitlines()[-1]
        says = f"'{worker}' ended with exit code {code}" in last
        ok(says, "and the last line says of which worker and why") or diag(last)
        equal(rows(name), [], "nothing was decided")

    name = farm()
    worker = script("second-is-wrong", "mkdir first 2>/dev/null && exec sleep 600\necho x >>starts\nexit 64\n")
    with autoscaler(name, "--min", "2", "--start-timeout", "500ms", "--", worker) as scaler:
        row = wait_for_row(name, lambda row: row["running_workers"] == "1")
        ok(row, "beside a worker that runs, one that ends with 64 ends nothing")
        equal(row and row["starting_workers"], "0", "but no other is started")
        wait_for_new_rows(name, 5)
        with open("starts") as file:
            equal(file.read(), "x\n", "nor later")
        equal(len(children(scaler.pid)), 1, "and the healthy one goes on")
        equal(scaler.stderr().count("event=workers_unusable"), 1, "which is said once")
        equal(scaler.end(), 78, "its exit code tells of it")


def backs_off_from_workers_that_crash():
    name = farm()
    starts = os.path.abspath("crash-starts")
    worker = script("crashes", f"date +%s.%N >>{starts}\nexit 1\n")
    with autoscaler(name, "--min", "1", "--", worker) as scaler:
        wait_for_row(name)
        wait_for_row(name, lambda row: float(row["time_s"]) > 4.5)
        table = rows(name)
        equal(scaler.wait(0), None, "the autoscaler goes on while its worker crashes")
        with open(starts) as file:
            times = [float(line) for line in file]
        gaps = [after - before for before, after in zip(times, times[1:])]
        # 0, then 100 ms doubling, each shortened by up to half.
        ok(6 <= len(times) <= 9, "in 4.5 seconds it is started six to nine times") or diag(gaps)
        ok(gaps[0] < 0.1 + SLOW_START_S, "the first restart comes at once") or diag(gaps)
        ok(gaps[-1] > 0.5 > gaps[1], "later ones later and later") or diag(gaps)
        ok(len(table) >= 20, "decisions go on")
        ok(len(times) - 1 <= total(table, "crashed") <= len(times), "and count the crashes")
        ok("event=worker_crashed" in scaler.stderr() and "code=1" in scaler.stderr(), "which the log tells of")
        equal(scaler.end(), 0, "it ends as ever")


def replaces_a_worker_that_was_killed():
    name = farm()
    with autoscaler(name, "--min", "2", "--max", "2", "--", FILTER, "--service-time", "5ms") as scaler:
        wait_for_row(name, lambda row: row["running_workers"] == "2", 20)
        publish(name, 300)
        workers = children(scaler.pid)
        equal(len(workers), 2, "two workers run")
        killed = min(workers)
        start = time.monotonic()
        os.kill(killed, signal.SIGKILL)
        while not children(scaler.pid) - workers and time.monotonic() < start + 5:
            time.sleep(0.001)
        took_s = time.monotonic() - start
        diag(f"a killed worker was replaced after {took_s * 1000:.1f} ms")
        ok(took_s < 0.1, "a worker that was killed is replaced within 100 ms")
        ok(workers - {killed} < children(scaler.pid), "the other one goes on")
        ok(wait_for_row(name, lambda row: row["crashed"] == "1"), "it counts as crashed")
        ok(wait_until(lambda: ready(name, "results") >= 300, 20), "and its events are answered")
        ok("signal=9" in scaler.stderr(), "the log tells the signal")
        equal(scaler.end(), 0, "the end is a clean one")
    equal(total(rows(name), "crashed"), 1, "one crash, and one only")


# ---- the broker ----


class Broker:
    """A node of this test's own."""

    def __init__(self):
        self.directory = os.path.abspath("broker")
        self.url = None

    def run(self, *command):
        done = subprocess.run([BROKER, *command], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise RuntimeError(f"private-broker {command}: {done.stderr}")
        return done.stdout.strip()

    def start(self):
        self.url = self.run("start", self.directory)

    def stop(self):
        self.run("stop", self.directory)

    def kill(self):
        self.run("kill", self.directory)

    def ctl(self, *command):
        return self.run("ctl", self.directory, *command)


def needs_a_broker_at_first():
    nobody = "amqp://guest:guest@127.0.0.1:1"
    started = os.path.abspath("started")
    worker = script("touch-and-wait", f"touch {started}\nexec sleep 600\n")
    start = time.monotonic()
    with autoscaler(farm(), "--connect-timeout", "1s", "--min", "1", "--", worker, amqp=nobody) as scaler:
        equal(scaler.wait(10), 69, "without a broker it ends with 69")
        took_s = time.monotonic() - start
        ok(1 <= took_s < 2.5, "after --connect-timeout") or diag(took_s)
        like(scaler.stderr(), r"127\.0\.0\.1", "and says where it looked")
        ok("guest:guest" not in scaler.stderr(), "without the password")
    ok(not os.path.exists(started), "no worker was started")
    # One that takes the connection and says nothing: the first attempt alone would last for seconds.
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mute_at = "127.0.0.1:%d" % mute.getsockname()[1]
        start = time.monotonic()
        with autoscaler(farm(), "--connect-timeout", "500ms", amqp=f"amqp://u:p@{mute_at}") as scaler:
            equal(scaler.wait(10), 69, "a broker that says nothing ends it with 69")
            took_s = time.monotonic() - start
            ok(0.5 <= took_s < 2, "not later than --connect-timeout says") or diag(took_s)
            ok(mute_at in scaler.stderr(), "with its address") or diag(scaler.stderr())
    with autoscaler(farm(), amqp=nobody) as scaler:
        wait_until(lambda: signals_are_taken(scaler.pid), 20)
        start = time.monotonic()
        scaler.signal(signal.SIGTERM)
        equal(scaler.wait(5), 0, "told to go while it looks, it ends with 0")
        ok(time.monotonic() - start < 1, "at once")


def signals_are_taken(pid):
    """The process has blocked SIGTERM, to read it from a descriptor."""
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith("SigBlk:"):
                    return int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1
    return 0


def waits_for_its_broker(broker):
    broker.start()
    broker.stop()
    with autoscaler(farm(), amqp=broker.url) as scaler:
        starting = threading.Thread(target=broker.start)
        starting.start()
        equal(scaler.wait(1), None, "it waits for a broker that is not there yet")
        starting.join()
        ok(wait_until(lambda: "λ events/s" in scaler.stdout(), 20), "and begins when it has come")
        equal(scaler.end(), 0, "like any other")


def says_when_a_queue_has_no_leader(broker):
    name = farm()
    server = f"list_to_atom(\"%2F_{name}.work\")"  # the process of a quorum queue
    args = ("--queue-type", "quorum", "--min", "1", "--", FILTER)
    with autoscaler(name, *args, amqp=broker.url) as scaler:
        wait_for_row(name, lambda row: row["running_workers"] == "1", 20)
        broker.ctl("eval", f"sys:suspend({server}).")
        asked = len(rows(name))
        told = wait_until(lambda: re.search("event=queue_without_leader.*", scaler.stderr()), 20)
        ok(told and f" queue={name}.work " in told[0], "a quorum queue without a leader is told of, by name")
        row = wait_for_row(name, held, since=asked)
        ok(row and row["desired_workers"] == "1", "and meanwhile the number of workers is held")
        wait_for_new_rows(name, 5)
        equal(scaler.stderr().count("event=queue_without_leader"), 1, "it is told once")
        broker.ctl("eval", f"sys:resume({server}).")
        back = len(rows(name))
        ok(wait_for_row(name, lambda row: not held(row), 15, back), "it goes on when there is one again")
        ok("event=queue_leader_back" in scaler.stderr(), "and says so")
        publish(name, 20, url=broker.url)
        ok(wait_until(lambda: ready(name, "results", broker.url) == 20, 20), "and so do the workers")
        equal(scaler.end(), 0, "the end is a clean one")


def holds_while_the_broker_is_away(broker):
    name = farm()
    # One worker, so that a short interval after a late answer cannot scale it away.
    with autoscaler(name, "--max", "1", "--min", "1", "--", FILTER, "--service-time", "5ms", amqp=broker.url) as scaler:
        wait_for_row(name, lambda row: row["running_workers"] == "1", 20)
        publish(name, 40, url=broker.url)
        wait_for_new_rows(name, 2)
        equal(total(rows(name), "arrived_msgs"), 40, "with its broker it counts every event")
        workers = children(scaler.pid)

        before = len(rows(name))
        broker.kill()
        back_s = time.monotonic() + 6  # longer than a worker may be silent before it counts as hung
        gone = len(rows(name)) + 1  # the next may still tell of the time before
        ok(wait_for_row(name, held, since=before), "without its broker it holds")
        wait_for_new_rows(name, 5)
        away = rows(name)[gone:]
        wait_until(lambda: time.monotonic() > back_s, 10)
        broker.start()
        back = len(rows(name))

        equal({row["reason"] for row in away}, {"held: arrival rate unknown"}, "and says why")
        for column in ("arrived_msgs", "arrival_per_s", "ready_msgs", "backlog_msgs", "formula_workers"):
            equal({row[column] for row in away}, {""}, f"{column} is unknown, not 0")
        equal({row["desired_workers"] for row in away}, {"1"}, "the number stays")
        ok(all(row["in_flight_msgs"] != "" for row in away), "what its workers hold it knows all the same")

        ok(wait_for_row(name, lambda row: not held(row), since=back), "it goes on when the broker is back")
        after = len(rows(name))
        publish(name, 60, url=broker.url)
        wait_for_new_rows(name, 3)
        equal(total(rows(name)[after:], "arrived_msgs"), 60, "and counts every event again")
        equal([row["reason"] for row in rows(name)[after:] if held(row)], [], "with nothing unknown any more")
        equal(children(scaler.pid), workers, "its workers are the same")
        equal(total(rows(name), "crashed"), 0, "and none crashed")
        equal(total(rows(name), "crashed"), 0, "none crashed")
        equal(wait_until(lambda: ready(name, "work", broker.url) == 0, 20), True, "and they work again")
        lost = [line for line in scaler.stderr().splitlines() if "event=connection_lost" in line]
        lost = [line for line in lost if "program=winnow-autoscaler" in line]
        equal(len(lost), 3, "the loss is logged once a connection") or diag("\n".join(lost))
        ok("event=worker_hung" not in scaler.stderr(), "workers that waited for it are not taken for hung ones")

        # Only a worker that publishes is blocked, so it needs something to do when the alarm comes.
        # The broker's own tool may take seconds to start.
        publish(name, 2000, url=broker.url)
        broker.ctl("set_vm_memory_high_watermark", "0.00001")
        alarm = len(rows(name))
        reason = "held: workers blocked by the broker"
        ok(
            wait_for_row(name, lambda row: row["reason"] == reason, 10, alarm),
            "while the broker's alarm lasts it holds, and says why",
        )
        ok("event=worker_hung" not in scaler.stderr(), "blocked workers are not taken for hung ones")
        broker.ctl("set_vm_memory_high_watermark", "0.9")
        calm = len(rows(name))
        ok(wait_for_row(name, lambda row: not held(row), 10, calm), "and goes on after it")
        equal(wait_until(lambda: ready(name, "results", broker.url) >= 2060, 40), True, "until all is done")

        broker.kill()
        wait_for_row(name, held, since=len(rows(name)))
        start = time.monotonic()
        equal(scaler.end(), 0, "told to go while the broker is away, it ends with 0")
        ok(time.monotonic() - start < 5, "soon")
        equal([pid for pid in workers if lives(pid)], [], "with all its workers")


leaves_workers_that_start_alone()
gives_up_on_workers_that_cannot_work()
backs_off_from_workers_that_crash()
replaces_a_worker_that_was_killed()
needs_a_broker_at_first()
own_broker = Broker()
try:
    waits_for_its_broker(own_broker)
    says_when_a_queue_has_no_leader(own_broker)
    holds_while_the_broker_is_away(own_broker)
finally:
    own_broker.stop()
done_testing()
