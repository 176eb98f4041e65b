#!/usr/bin/python3
# quiet: what is claimed of time here is far from what a busy machine takes
# slow: half a minute or more
"""winnow-autoscaler when things fail: workers that cannot work, and a broker that goes away."""

import re
import threading
import time

import scaler as plain
from client import ctl, evaluate
from own_broker import OwnBroker
from scaler import *
from tap import *


def autoscaler(name, *args, **more):
    return plain.autoscaler(name, "--interval", "200ms", *args, **more)


def wait_for_new_rows(name, count, seconds=10):
    seen = len(rows(name))
    return wait_until(lambda: len(rows(name)) >= seen + count, seconds)


def held(row):
    return row["reason"].startswith("held: ")


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


def starts_no_other_where_one_cannot_work():
    name = farm()
    worker = script("second-is-wrong", "#!/bin/sh\nmkdir first 2>/dev/null && exec sleep 600\necho x >>starts\nexit 64\n")
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


# ---- the broker ----


def waits_for_its_broker(broker):
    broker.stop()
    with autoscaler(farm(), "--connect-timeout", "120s", amqp=broker.url) as scaler:
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
        evaluate(f"sys:suspend({server}).", directory=broker.directory)
        asked = len(rows(name))
        told = wait_until(lambda: re.search("event=queue_without_leader.*", scaler.stderr()), 20)
        ok(told and f" queue={name}.work " in told[0], "a quorum queue without a leader is told of, by name")
        row = wait_for_row(name, held, since=asked)
        ok(row and row["desired_workers"] == "1", "and meanwhile the number of workers is held")
        wait_for_new_rows(name, 5)
        equal(scaler.stderr().count("event=queue_without_leader"), 1, "it is told once")
        evaluate(f"sys:resume({server}).", directory=broker.directory)
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
        publish(name, 2000, url=broker.url, confirmed=False)
        ctl("set_vm_memory_high_watermark", "0.00001", directory=broker.directory)
        alarm = len(rows(name))
        reason = "held: workers blocked by the broker"
        ok(
            wait_for_row(name, lambda row: row["reason"] == reason, 10, alarm),
            "while the broker's alarm lasts it holds, and says why",
        )
        ok("event=worker_hung" not in scaler.stderr(), "blocked workers are not taken for hung ones")
        ctl("set_vm_memory_high_watermark", "0.9", directory=broker.directory)
        calm = len(rows(name))
        ok(wait_for_row(name, lambda row: not held(row), 10, calm), "and goes on after it")
        equal(wait_until(lambda: ready(name, "results", broker.url) >= 2060, 60), True, "until all is done")

        broker.kill()
        wait_for_row(name, held, since=len(rows(name)))
        start = time.monotonic()
        equal(scaler.end(), 0, "told to go while the broker is away, it ends with 0")
        ok(time.monotonic() - start < 5, "soon")
        equal([pid for pid in workers if lives(pid)], [], "with all its workers")


leaves_workers_that_start_alone()
starts_no_other_where_one_cannot_work()
with OwnBroker() as own:
    waits_for_its_broker(own)
    says_when_a_queue_has_no_leader(own)
    holds_while_the_broker_is_away(own)
done_testing()
