#!/usr/bin/python3
"""winnow-autoscaler: how many workers it runs, what it measures and writes down, and how it ends."""

import datetime
import math
import os
import re
import signal
import threading
import time

from scaler import *
from tap import *

HEADER = (
    "run,time_s,timestamp,interval_s,arrived_msgs,arrival_per_s,ready_msgs,in_flight_msgs,backlog_msgs,horizon_s,"
    "capacity_msgs,min_workers,max_workers,formula_workers,desired_workers,running_workers,starting_workers,"
    "draining_workers,spawned,stopped,crashed,handled_per_s,policy,params,reason"
)


def recomputed(row):
    """N from the row's own columns, and which term bound it."""
    needed = math.ceil(
        (number(row, "backlog_msgs") + number(row, "arrival_per_s") * number(row, "horizon_s"))
        / number(row, "capacity_msgs")
    )
    low, high = int(row["min_workers"]), int(row["max_workers"])
    return needed, min(max(needed, low), high), "min" if needed < low else "max" if needed > high else "formula"


def check_rows(name, description, crashes=False):
    """What must be true of every row of every history."""
    table = rows(name)
    problems = []
    before = None
    for row in table:
        at = f"row at {row['time_s']} of run {row['run']}: "
        desired, at_work = int(row["desired_workers"]), int(row["running_workers"]) + int(row["starting_workers"])
        if row["reason"].startswith("held: "):
            if row["formula_workers"]:
                problems.append(at + "held, and a formula_workers")
            if before and before["run"] == row["run"] and before["desired_workers"] != row["desired_workers"]:
                problems.append(at + "held, and another number than before")
        elif row["reason"].startswith("silent workers: "):
            # On a busy machine they may still be starting when fewer are needed.
            if int(row["silent_workers"]) == 0 or not recomputed(row)[1] < desired <= int(before["desired_workers"]):
                problems.append(at + f"{dict(row)} is not {recomputed(row)}, and nobody is silent")
        else:
            if (float(row["formula_workers"]), desired, row["reason"]) != recomputed(row):
                problems.append(at + f"{dict(row)} is not {recomputed(row)}")
        if at_work != desired and not crashes:
            problems.append(at + f"{at_work} at work, {desired} desired")
        if at_work > int(row["max_workers"]) or int(row["draining_workers"]) > 2 * int(row["max_workers"]):
            problems.append(at + "more workers than there may be")
        if before and before["run"] == row["run"] and float(before["time_s"]) >= float(row["time_s"]):
            problems.append(at + "not after the row before")
        ready_msgs, held, backlog = (number(row, c) for c in ("ready_msgs", "in_flight_msgs", "backlog_msgs"))
        if ready_msgs is not None and held is not None and not ready_msgs <= backlog <= ready_msgs + held:
            problems.append(at + "a backlog that is not ready + in flight")
        if row["draining_workers"] == "0" and None not in (ready_msgs, held) and int(row["stopped"]) == 0:
            if backlog != ready_msgs + held:
                problems.append(at + "nobody drains, and a backlog other than ready + in flight")
        if set(row["params"]) == set() or row["policy"] != "formula" or row["farm"] != name:
            problems.append(at + "policy, parameters or farm missing")
        before = row
    ok(table and not problems, description) or diag("\n".join(problems) or "no rows")


def on_grid(table, interval_s, late_s):
    """One row an interval, each at a whole number of intervals after the start, and a little later."""
    indices = [math.floor(float(row["time_s"]) / interval_s) for row in table]
    lateness = [float(row["time_s"]) - k * interval_s for row, k in zip(table, indices)]
    return indices == list(range(1, len(table) + 1)) and max(lateness) < late_s or diag(f"{indices} {lateness}")


# ---- scaling ----


def scales_up_and_to_zero():
    name = farm()
    options = ("--interval", "200ms", "--capacity", "200", "--max", "6")
    with autoscaler(name, *options, "--", FILTER, "--service-time", "2ms") as scaler:
        ok(wait_for_row(name, lambda row: True), "rows come without any event")
        equal(children(scaler.pid), set(), "and no worker runs while there is nothing to do")
        publish(name, 3000, confirmed=False)
        ok(
            wait_for_row(name, lambda row: row["running_workers"] == "6", 20),
            "a burst brings the workers up to --max",
        )
        most = rows(name)
        ok(
            wait_for_new_row(
                name, lambda row: row["running_workers"] + row["draining_workers"] + row["desired_workers"] == "000", 30
            ),
            "after the burst no worker is left",
        )
        equal(wait_until(lambda: ready(name, "results") == 3000, 20), True, "every event has its one result")
        equal(children(scaler.pid), set(), "no process either")
        equal(scaler.end(), 0, "SIGTERM ends an autoscaler without workers with 0")
        printed, logged = scaler.stdout(), scaler.stderr()
    table = rows(name)
    check_rows(name, "every decision is the clamped formula of its own row, carried out in the same tick")
    ok(any(row["reason"] == "max" for row in most), "the reason says that --max bound it")
    equal(total(table, "arrived_msgs"), 3000, "the arrived events add up to those published")
    equal(total(table, "crashed"), 0, "no worker crashed")
    equal(total(table, "spawned"), total(table, "stopped"), "all that were started have stopped")
    ok(total(table, "spawned") >= 6, "at least six were started")
    ok(
        all(row["simulated_service_s"] == "0.002" for row in table if row["handled_per_s"] not in ("", "0")),
        "rows of simulated work say how much is simulated",
    )
    ticks = [line for line in printed.splitlines() if re.match(r"\d\d:\d\d:\d\d ", line)]
    equal(len(ticks), len(table), "a line on stdout for every row")
    ok(all(line.rstrip().endswith(row["reason"]) for line, row in zip(ticks, table)), "each gives its reason")
    ok("level=error" not in logged and "level=warn" not in logged, "and nothing to complain about") or diag(logged)

    before = len(table)
    with autoscaler(name, *options, "--quiet") as scaler:
        wait_for_row(name, lambda row: row["run"] == "2")
        equal((scaler.end(), scaler.stdout()), (0, ""), "with --quiet nothing is printed")
    table = rows(name)
    equal([row["run"] for row in table[: before + 1]], ["1"] * before + ["2"], "a second run continues the history")
    with open(f"{name}.csv") as file:
        text = file.read()
    ok(text.startswith(HEADER + ",") and text.split("\n", 1)[0].count(",") >= 25, "its header is as documented")
    equal(text.count("run,time_s"), 1, "and stands there once")


# ---- measuring ----


def publish_on_schedule(name, rate_per_s, seconds, sent):
    """A batch every 10 ms by the monotonic clock; sent tells how many had been published at which time."""
    with contextlib.closing(connect()) as connection:
        channel = connection.channel()
        start = time.monotonic()
        for k in range(seconds * 100):
            time.sleep(max(0, start + k / 100 - time.monotonic()))
            for _ in range(rate_per_s // 100):
                channel.basic_publish(f"{name}.events", "", b"tick")
            sent.append((time.time(), (k + 1) * (rate_per_s // 100)))


def published_by(moment, sent):
    return max(count for at, count in sent if at <= moment)


def written_at(row):
    return datetime.datetime.fromisoformat(row["timestamp"].replace("Z", "+00:00")).timestamp()


def measures_the_rate():
    rate, seconds = 1000, 12
    sleeper = ("--", "/bin/sleep", "600")
    common = ("--interval", "1s", "--min", "1", "--max", "1")
    consumed, purged = farm(), farm()
    with autoscaler(consumed, *common, *sleeper) as first, autoscaler(
        purged, *common, "--count", "purge", *sleeper
    ) as second:
        for name in (consumed, purged):
            wait_for_row(name, lambda row: True)
        logs = {consumed: [], purged: []}
        threads = [
            threading.Thread(target=publish_on_schedule, args=(name, rate, seconds, logs[name])) for name in logs
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for name, how in ((consumed, "consuming"), (purged, "purging")):
            sent = logs[name][-1][1]
            # On a busy machine the broker hands over the last ones late.
            wait_until(lambda: total(rows(name), "arrived_msgs") >= sent, 20)
            wait_for_new_row(name)
            table = rows(name)
            equal(total(table, "arrived_msgs"), sent, f"{how} counts every one of {sent} events")
            busy = [row for row in table if row["arrived_msgs"] not in ("", "0")]
            windows = []
            for at in range(1, len(busy) - 1):
                ends = (k for k in range(at, len(busy)) if total(busy[at:k], "interval_s") >= 9.9)
                window = busy[at : next(ends, at)]
                if window:
                    begin, end = written_at(busy[at - 1]), written_at(window[-1])
                    due = published_by(end, logs[name]) - published_by(begin, logs[name])
                    windows.append(total(window, "arrived_msgs") / total(window, "interval_s") * (end - begin) / due)
            ok(
                windows and all(abs(ratio - 1) < 0.01 for ratio in windows),
                f"{how} measures the rate within 1 % over any ten seconds",
            ) or diag(windows)
            ok(
                all(
                    abs(number(row, "arrival_per_s") * number(row, "interval_s") - number(row, "arrived_msgs")) < 1e-6
                    for row in table
                    if row["arrival_per_s"]
                ),
                f"{how}: the rate is the count over the measured interval",
            )
            ok(on_grid(table, 1, 0.3), f"{how}: one row an interval, on the grid of the monotonic clock")
            equal(number(table[-1], "ready_msgs"), sent, f"{how}: and the backlog is exact")
            check_rows(name, f"{how}: every decision is the clamped formula of its own row")
        equal((first.end(), second.end()), (0, 0), "workers that obey SIGTERM by dying of it have stopped")
    equal(total(rows(consumed), "crashed"), 0, "and count as no crash")


def knows_the_backlog():
    name = farm()
    common = ("--interval", "200ms", "--min", "2", "--max", "2", "--drain-timeout", "300ms")
    with autoscaler(name, *common, "--", FILTER, "--service-time", "300s", "--prefetch", "20") as scaler:
        wait_for_row(name, lambda row: row["running_workers"] == "2", 20)
        for count, backlog in ((137, 137), (1, 138), (62, 200)):
            publish(name, count)
            row = wait_for_new_row(name)
            equal(number(row, "backlog_msgs"), backlog, f"the backlog is {backlog} after {count} confirmed events")
        row = rows(name)[-1]
        ok(number(row, "in_flight_msgs") >= 2, "some of which the workers hold")
        equal(number(row, "ready_msgs"), 200 - number(row, "in_flight_msgs"), "and the others wait")
        scaler.end()
    check_rows(name, "what workers hold is part of the backlog")


# ---- one autoscaler a farm ----


def is_alone_on_its_farm():
    name = farm()
    with autoscaler(name, "--interval", "200ms") as first:
        wait_for_row(name, lambda row: True)
        with spawn("winnow-autoscaler", farm=name) as second:
            equal(second.wait(10), 75, "a second autoscaler on a farm ends with 75")
            like(second.stderr(), rf"another autoscaler runs the farm '{name}'", "and names the farm")
        other = farm()
        with autoscaler(other, "--interval", "200ms") as second:
            ok(wait_for_row(other, lambda row: True), "one on another farm runs beside it")
        standby = f"{name}-standby"
        second = ("winnow-autoscaler", "--standby", "--interval", "200ms", "--history", f"{standby}.csv")
        with spawn(*second, farm=name) as waiting:
            ok(wait_until(lambda: "event=standby" in waiting.stderr(), 20), "with --standby it waits")
            equal(rows(standby), [], "and decides nothing")
            equal(waiting.end(), 0, "until it is told to go")
        with spawn(*second, farm=name) as waiting:
            wait_until(lambda: "event=standby" in waiting.stderr(), 20)
            first.signal(signal.SIGTERM)
            ok(wait_for_row(standby, lambda row: True), "or until the first has ended: then it takes over")


# ---- what cannot be used is said before anything starts ----


def run(*args, name=None, seconds=10, **more):
    """Exit code, stderr and duration of an autoscaler that should end by itself."""
    start = time.monotonic()
    with spawn("winnow-autoscaler", *args, farm=name or farm(), **more) as scaler:
        code = scaler.wait(seconds)
        return code, scaler.stderr(), time.monotonic() - start


def refuses_bad_flags():
    for args, option in (
        (("--interval", "2x"), "--interval"),
        (("--interval", "0"), "--interval"),
        (("--interval", "-1s"), "--interval"),
        (("--interval", "2"), "--interval"),
        (("--horizon", "0s"), "--horizon"),
        (("--horizon", "nan"), "--horizon"),
        (("--capacity", "0"), "--capacity"),
        (("--capacity", "-5"), "--capacity"),
        (("--capacity", "many"), "--capacity"),
        (("--min", "5", "--max", "2"), "--min"),
        (("--min", "-1"), "--min"),
        (("--max", "0"), "--max"),
        (("--max", "100000"), "--max"),
        (("--max", "2.5"), "--max"),
        (("--policy", "nope"), "--policy"),
        (("--count", "guess"), "--count"),
        (("--stop", "youngest"), "--stop"),
        (("--drain-timeout", "soon"), "--drain-timeout"),
        (("--connect-timeout", "1"), "--connect-timeout"),
        (("--queue-type", "lazy"), "--queue-type"),
        (("--nonsense",), "--nonsense"),
        (("--amqp", "http://localhost"), ""),
    ):
        code, said, took_s = run("--history", "refused.csv", *args)
        equal(code, 64, f"{' '.join(args)} is refused with 64")
        ok(option in said.split("\n")[0], "and named in the first line") or diag(said)
    code, said, _ = run("--farm", "amq.farm", name="x")
    equal(code, 64, "so is a farm that cannot have a queue")
    like(said, r"amq\.farm", "with its name")
    ok(not os.path.exists("refused.csv"), "no history was begun")


def refuses_what_it_cannot_run():
    plain = os.path.abspath("plain")
    open(plain, "w").close()
    started = os.path.abspath("started")
    touch = script("touch-and-wait", f"#!/bin/sh\ntouch {started}\nexec sleep 600\n")
    for worker, reason in (
        ("/no/such/worker", "No such file or directory"),
        ("no-such-worker", "No such file or directory"),
        (plain, "Permission denied"),
        ("/", "Permission denied"),
    ):
        name = farm()
        code, said, took_s = run("--history", f"{name}.csv", "--", worker, name=name)
        equal(code, 78, f"the worker {worker} is refused with 78")
        like(said, rf"'{worker}': {reason}", "and the system's reason")
        ok(took_s < 2, "at once")
        equal(rows(name), [], "before any decision")
    for path, reason in (
        ("/no/such/folder/h.csv", "No such file or directory"),
        (".", "Is a directory"),
        ("/dev/full", "not a regular file"),
        (plain + "/h.csv", "Not a directory"),
    ):
        code, said, took_s = run("--min", "1", "--history", path, "--", touch)
        equal(code, 78, f"the history {path} is refused with 78")
        ok(path in said and reason in said, "with its name and the reason") or diag(said)
        ok(took_s < 2, "at once")
    with open("other.csv", "w") as file:
        file.write("a,b\n1,2\n")
    code, said, _ = run("--min", "1", "--history", "other.csv", "--", touch)
    equal(code, 78, "a file that is no history is refused with 78")
    like(said, "'other.csv' is no history", "and said to be none")
    ok(not os.path.exists(started), "no worker was started for any of them")
    with open("other.csv") as file:
        equal(file.read(), "a,b\n1,2\n", "and the file is as it was")


# ---- ending ----


def drained_by(number_of_signal, label):
    name = farm()
    options = ("--interval", "200ms", "--min", "3", "--max", "3", "--", FILTER, "--service-time", "50ms")
    with autoscaler(name, *options) as scaler:
        wait_for_row(name, lambda row: row["running_workers"] == "3", 20)
        workers = children(scaler.pid)
        publish(name, 600)
        wait_until(lambda: ready(name, "results") > 20, 20)
        scaler.signal(number_of_signal)
        equal(scaler.wait(10), 0, f"{label} ends it with 0")
        equal([pid for pid in workers if lives(pid)], [], f"{label} leaves no worker behind")
        ok("draining 3 workers" in scaler.stdout(), f"{label}: and it says what it waits for")
    with contextlib.closing(connect()) as connection:
        channel = connection.channel()
        left = redelivered = 0
        while True:
            method, _, _ = channel.basic_get(f"{name}.work", auto_ack=True)
            if not method:
                break
            left += 1
            redelivered += method.redelivered
        done = channel.queue_declare(f"{name}.results", passive=True).method.message_count
    equal(done + left, 600, f"{label} loses nothing and does nothing twice")
    equal(redelivered, 0, f"{label} gives no event back")
    ok(left > 0, f"{label} does not wait for the events that nobody holds")


def ends():
    drained_by(signal.SIGTERM, "SIGTERM")
    drained_by(signal.SIGINT, "SIGINT")

    name = farm()
    stubborn = script("stubborn", "#!/bin/sh\ntrap '' TERM\nexec sleep 600\n")
    with autoscaler(name, "--interval", "200ms", "--min", "2", "--start-timeout", "500ms", "--", stubborn) as scaler:
        wait_for_row(name, lambda row: row["running_workers"] == "2")
        workers = children(scaler.pid)
        scaler.signal(signal.SIGINT)
        wait_until(lambda: "draining" in scaler.stdout(), 20)
        equal(scaler.wait(0.3), None, "one signal waits for workers that take their time")
        start = time.monotonic()
        scaler.signal(signal.SIGTERM)
        equal(scaler.wait(5), 1, "a second signal ends it with 1")
        ok(time.monotonic() - start < 0.5 + SLOW_START_S, "at once")
        equal([pid for pid in workers if lives(pid)], [], "and its workers too")

    name = farm()
    options = ("--interval", "200ms", "--min", "1", "--drain-timeout", "200ms", "--start-timeout", "500ms")
    with autoscaler(name, *options, "--", stubborn) as scaler:
        wait_for_row(name, lambda row: row["running_workers"] == "1")
        start = time.monotonic()
        scaler.signal(signal.SIGTERM)
        equal(scaler.wait(10), 0, "a worker that does not drain is killed, and that is no failure")
        ok(1.1 < time.monotonic() - start < 2.5, "a second after the drain time-out")

    name = farm()
    with autoscaler(name, "--interval", "200ms", "--min", "2", "--max", "2", "--", FILTER, "--service-time", "5ms") as scaler:
        wait_for_row(name, lambda row: row["running_workers"] == "2", 20)
        publish(name, 200)
        workers = children(scaler.pid)
        equal(len(workers), 2, "two workers run")
        scaler.signal(signal.SIGKILL)
        scaler.wait(5)
        equal(
            wait_until(lambda: not any(lives(pid) for pid in workers), 20),
            True,
            "workers of an autoscaler that was killed drain and end",
        )
    done, left = ready(name, "results"), ready(name, "work")
    equal(done + left, 200, "and lose nothing")


def works_with_any_program():
    name = farm()
    worker = script(
        "foreign",
        """#!/usr/bin/python3
import os, signal, time, pika

connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
farm = os.environ["WINNOW_FARM"]
assert os.environ["WINNOW_QUEUE_TYPE"] == "classic"
channel.basic_qos(prefetch_count=10)

def handle(channel, method, properties, body):
    time.sleep(0.002)
    channel.basic_publish("", farm + ".results", body.upper())
    channel.basic_ack(method.delivery_tag)

def drain(*_):
    connection.add_callback_threadsafe(channel.stop_consuming)

signal.signal(signal.SIGTERM, drain)
channel.basic_consume(farm + ".work", handle)
channel.start_consuming()
time.sleep(0.6)
connection.close()
""",
    )
    options = ("--interval", "200ms", "--capacity", "100", "--max", "2", "--scale-down-delay", "0s")
    with autoscaler(name, *options, "--", worker) as scaler:
        wait_for_row(name, lambda row: True)
        publish(name, 2000, confirmed=False)
        row = wait_for_row(name, lambda row: row["running_workers"] == "2")
        ok(row and number(row, "ready_msgs") < 2000, "those that do not speak run when the queue has its consumers")
        equal(wait_until(lambda: ready(name, "results") == 2000, 30), True, "it does the work")
        wait_for_new_row(name, lambda row: row["desired_workers"] + row["draining_workers"] == "00")
        equal(scaler.end(), 0, "and ends when told to")
        logged = scaler.stderr()
    table = rows(name)
    silent = [row for row in table if row["running_workers"] != "0"]
    equal(
        {(row["in_flight_msgs"], row["handled_per_s"]) for row in silent},
        {("", "")},
        "what it holds and handles is unknown, not 0",
    )
    began = max(k for k, row in enumerate(table) if row["starting_workers"] != "0")
    draining = [row for row in table[began:] if row["draining_workers"] != "0"]
    equal({row["in_flight_msgs"] for row in draining}, {""}, "also while it drains")
    equal(logged.count("event=worker_silent"), 1, "which is said once")
    equal(total(table, "crashed"), 0, "it did not crash")
    equal(total(table, "stopped"), total(table, "spawned"), "and all have stopped")
    slowly = [row for row in table if row["reason"] == "silent workers: fewer only slowly"]
    ok(slowly and all(number(row, "formula_workers") < number(row, "desired_workers") for row in slowly),
       "for what it may hold, workers go slowly")


scales_up_and_to_zero()
measures_the_rate()
knows_the_backlog()
is_alone_on_its_farm()
refuses_bad_flags()
refuses_what_it_cannot_run()
ends()
works_with_any_program()
done_testing()
