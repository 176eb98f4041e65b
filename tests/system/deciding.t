#!/usr/bin/python3
"""winnow-autoscaler's decisions: between ticks, with measured capacity, steadily; the flags that say how; and
whose the history is that they are written to."""

import json
import signal
import statistics
import time

from scaler import *
from tap import *


def consumers(channel, name):
    return channel.queue_declare(f"{name}.work", passive=True).method.consumer_count


def reacts_between_ticks():
    name = farm()
    options = ("--interval", "1m", "--react", "100ms", "--capacity", "100", "--max", "16")
    with autoscaler(name, *options, "--", FILTER, "--service-time", "20ms") as scaler:
        wait_until(lambda: "why" in scaler.stdout(), 20)
        with contextlib.closing(connect()) as connection:
            channel = connection.channel()
            start = time.monotonic()
            publish(name, 3000, confirmed=False)
            ok(wait_until(lambda: consumers(channel, name) == 16, 20), "a burst brings 16 workers before the tick")
            diag(f"{time.monotonic() - start:.3f} s from its first event to 16 consumers")
        found = rows(name)
        equal({row["trigger"] for row in found}, {"react"}, "every decision was made between ticks")
        desired = [int(row["desired_workers"]) for row in found]
        ok(desired == sorted(set(desired)), "each of them is a rise") or diag(desired)
        equal({row["arrived_msgs"] for row in found}, {""}, "and counts no event that the tick will count")
        equal(scaler.end(20), 0, "and it ends as ever")


def learns_the_capacity():
    name = farm()
    service_s = 0.02
    options = ("--interval", "500ms", "--horizon", "2s", "--capacity", "auto", "--max", "4")
    with autoscaler(name, *options, "--", FILTER, "--service-time", "20ms") as scaler:
        wait_until(lambda: "why" in scaler.stdout(), 20)
        publish(name, 800, confirmed=False)
        row = wait_for_row(name, lambda row: row["reason"] == "learning: capacity unknown")
        equal(row and (row["capacity_msgs"], row["desired_workers"]), ("", "1"), "one worker finds out what it clears")
        wait_for_row(name, lambda row: row["capacity_msgs"] and float(row["ready_msgs"] or 1) == 0, 20)
        known = [row for row in rows(name) if row["capacity_msgs"]]
        # While more waits than they can take, what a worker hands over in a second tells the same.
        full = [
            row
            for before, row in zip(known, known[1:])
            if float(row["ready_msgs"] or 0) > 0
            and {before["running_workers"], row["running_workers"]} == {row["desired_workers"]}
            and row["starting_workers"] + row["draining_workers"] == "00"
        ]
        ratios = [
            float(row["handled_per_s"]) / int(row["running_workers"]) / (float(row["capacity_msgs"]) / 2) for row in full
        ]
        ok(
            ratios and abs(statistics.median(ratios) - 1) < 0.05 and float(known[-1]["capacity_msgs"]) <= 2 / service_s,
            "what one clears is measured within 5 %",
        ) or diag(ratios)
        ok(max(int(row["desired_workers"]) for row in known) > 1, "and then the formula decides with it")
        equal(json.loads(known[-1]["params"])["capacity_msgs"], "auto", "the parameters say that it was measured")
        scaler.end(20)


def refuses_to_learn_from_silent_workers():
    name = farm()
    options = ("--interval", "200ms", "--min", "1", "--start-timeout", "500ms", "--capacity", "auto")
    with autoscaler(name, *options, "--", "/bin/sleep", "60") as scaler:
        equal(scaler.wait(15), 78, "--capacity auto with workers that tell nothing ends with 78")
        like(scaler.stderr(), "--capacity auto needs workers that tell", "and says why")


def refuses_what_contradicts():
    for args, message in (
        (("--headroom", "0.5"), "--headroom: '0.5'"),
        (("--headroom", "x"), "--headroom: 'x'"),
        (("--step-up", "0"), "--step-up: '0'"),
        (("--step-down", "1001"), "--step-down: '1001'"),
        (("--scale-down-delay", "5"), "--scale-down-delay: '5'"),
        (("--react", "1ms"), "--react: '1ms'"),
        (("--react", "2s"), "--react must be shorter than --interval"),
        (("--policy", "erlang", "--react", "500ms"), "--react must be shorter than --interval"),
        (("--wait", "1s"), "--wait is for --policy erlang"),
        (("--policy", "erlang", "--wait", "0"), "--wait: '0'"),
        (("--policy", "best"), "--policy: 'best' is not a policy; expected formula, erlang or erlang-quiet"),
        (("--capacity", "much"), "--capacity: 'much'"),
    ):
        with spawn("winnow-autoscaler", *args, farm=farm()) as scaler:
            equal(scaler.wait(5), 64, f"{' '.join(args)} is refused")
            ok(message in scaler.stderr(), "and named") or diag(scaler.stderr())


def erlang_decides_every_half_second():
    name = farm()
    options = ("--policy", "erlang", "--wait", "300ms", "--capacity", "200", "--max", "5", "--step-up", "2")
    with autoscaler(name, *options, "--", FILTER, "--service-time", "10ms") as scaler:
        wait_for_row(name, lambda row: True)
        publish(name, 1500, confirmed=False)
        row = wait_for_row(name, lambda row: row["reason"] == "step up")
        ok(row and int(row["desired_workers"]) == 2, "a step bounds the rise")
        ok(
            wait_for_row(name, lambda row: row["reason"] in ("erlang: drains the backlog", "max")),
            "then the backlog is drained",
        )
        table = rows(name)
        scaler.end(20)
    gaps = [float(b["time_s"]) - float(a["time_s"]) for a, b in zip(table, table[1:])]
    ok(abs(statistics.median(gaps) - 0.5) < 0.1, "it decides every half second when nothing else is said")
    params = json.loads(table[0]["params"])
    ok(params["wait_s"] == 0.3 and params["step_up"] == 2 and params["epsilon"] > 0, "its parameters are in the history")


FIRST_VERSION = (
    "run,time_s,timestamp,interval_s,arrived_msgs,arrival_per_s,ready_msgs,in_flight_msgs,backlog_msgs,horizon_s,"
    "capacity_msgs,min_workers,max_workers,formula_workers,desired_workers,running_workers,starting_workers,"
    "draining_workers,spawned,stopped,crashed,handled_per_s,policy,params,reason,farm,simulated_service_s\n"
    '1,2,2026-01-05T10:00:00.000Z,2,0,0,0,0,0,2,1000,0,32,0,0,0,0,0,0,0,0,0,formula,"{""horizon_s"":2}",formula,shop,0\n'
)


def keeps_one_history_at_a_time():
    name = farm()
    path = f"{name}.csv"
    with open(path, "w") as file:
        file.write(FIRST_VERSION)
    with autoscaler(name, "--interval", "200ms") as first:
        ok(wait_for_row(name, lambda row: row.get("trigger") == "tick"), "over a history of an earlier version one begins")
        with open(f"{path}.1") as file:
            equal(file.read(), FIRST_VERSION, "the earlier one is moved aside")
        like(first.stderr(), rf"event=history_moved from=\"{path}\" to=\"{path}\.1\"", "which is said")
        with spawn("winnow-autoscaler", "--history", path, farm=farm()) as other:
            equal(other.wait(10), 75, "a second autoscaler that would write to it ends with 75")
            like(other.stderr(), f"another program writes to the history '{path}'", "and says to what")
        with autoscaler(name, "--interval", "200ms", "--standby") as second:
            ok(wait_until(lambda: "event=standby" in second.stderr(), 20), "one that stands by may share it")
            first.signal(signal.SIGTERM)
            ok(wait_for_row(name, lambda row: row["run"] == "2"), "and goes on with it when its turn has come")
            second.end(10)
    equal({row["run"] for row in rows(name)}, {"1", "2"}, "each of both has a run of its own")


reacts_between_ticks()
learns_the_capacity()
refuses_to_learn_from_silent_workers()
refuses_what_contradicts()
erlang_decides_every_half_second()
keeps_one_history_at_a_time()
done_testing()
