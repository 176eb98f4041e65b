#!/usr/bin/python3
"""The load generator keeps its schedule and says so when it cannot, against real workers and against a broker that blocks,
refuses and drops connections."""

import contextlib
import csv
import os
import re
import signal
import sys
import time

sys.path.append(os.path.join(os.environ["WINNOW_TOP"], "tests/chaos"))
from client import ctl  # noqa: E402
from loadgen import *  # noqa: E402
from proxy import Proxy  # noqa: E402
from tap import *  # noqa: E402

KEYS = """published confirmed returned nacked results dead destroyed lost duplicates corrupted
    blocked_s offered_per_s achieved_per_s lag_ms confirm_ms end_to_end_ms late unsent unconfirmed
    unanswered waiting foreign behind_s interrupted""".split()


def real_workers_answer_everything():
    name = farm()
    schedule = write("schedule.csv", "to_per_s,duration_s,from_per_s\n1000,1,0\n500,1.5,500\n")
    with spawn("winnow-filter", farm=name) as first, spawn("winnow-filter", farm=name):
        code, running = loadgen(
            "--schedule", schedule, "--verify", "--connections", "2", "--timeline", "timeline.csv", name=name
        )
        equal(code, 0, "a run against real workers ends well") or diag(running.stderr())
    total = dict(published=1250, confirmed=1250, results=1250)
    equal(counts(*total), total, "every event is published, confirmed and answered")
    faults = dict.fromkeys(["returned", "nacked", "dead", "destroyed", "lost", "duplicates", "corrupted"], 0)
    equal(counts(*faults), faults, "and nothing is held against anybody")
    like(running.stdout(), r"1250 published.*\n.*1250 results, 0 dead, 0 lost", "the totals are printed")
    like(running.stdout(), "verdict +good", "with a verdict")
    like(running.stderr(), r"time_s +offered/s.*\n +1\.0 ", "a line a second tells how it goes")

    found = summary()
    equal(list(found), KEYS, "the summary has its keys, in order")
    for key in ["lag_ms", "confirm_ms", "end_to_end_ms"]:
        values = [found[key][name] for name in ["p50", "p90", "p99", "p99_9", "p99_99", "max"]]
        ok(list(found[key]) == PERCENTILES and values == sorted(values) and values[0] > 0, f"{key} has percentiles")
    ok(abs(found["offered_per_s"] - 500) < 1, "the offered rate is that of the schedule")

    with open("timeline.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    equal(
        list(rows[0]),
        ["time_s", "offered_per_s", "published_per_s", "confirmed_per_s", "results_per_s"],
        "the timeline has its columns",
    )
    ok(2 <= len(rows) <= 4, "and a row a second")
    for column in list(rows[0])[1:]:
        area, before = 0, 0
        for row in rows:
            area += float(row[column]) * (float(row["time_s"]) - before)
            before = float(row["time_s"])
        ok(abs(area - 1250) < 2, f"which adds up to all events: {column}")
    equal(queues_of_run(name), [], "the queues of the run are gone")


def a_rate_that_cannot_be_sent_is_not_hidden():
    name = new_farm()

    def interrupt(running):
        first_second(running)
        running.signal(signal.SIGINT)

    code, running = loadgen("--phase", "1h@1M", name=name, serve=interrupt)
    equal(code, 1, "a run that cannot keep its rate ends badly")
    found = summary()
    ok(found["unsent"] > 100000 and found["late"] > 1000, "what was late or not sent is counted") or diag(found)
    like(running.stdout(), r"interrupted; bad: [\d.]+ s behind its schedule: .*, \d+ % short", "it says by how much")


def refusals_are_paced_and_nobody_else_waits():
    name = new_farm()
    with channel_of() as channel:
        full = {"x-max-length": 1, "x-overflow": "reject-publish"}
        channel.queue_declare(f"{name}.full", exclusive=True, arguments=full)
        channel.basic_publish("", f"{name}.full", b"full")
        channel.queue_bind(f"{name}.full", f"{name}.events")

        def relieve(running):
            first_second(running)
            channel.queue_unbind(f"{name}.full", f"{name}.events")

        code, running = loadgen("--phase", "1200ms@200", "--connections", "2", name=name, serve=relieve)
    equal(code, 0, "events that a full queue refuses go out when it is gone")
    want = dict(published=240, confirmed=240)
    equal(counts(*want), want, "all of them")
    found = summary()
    # Of each event the broker hears after 0, 100, 300 and 700 ms.
    ok(200 <= found["nacked"] <= 4 * 240, f"and are not sent over and over before ({found['nacked']} refusals)")
    ok(found["lag_ms"]["p90"] < 50, f"all the others at their time ({found['lag_ms']['p90']:.1f} ms late)")
    equal(running.stderr().count("event=refused"), 1, "it is said once")


def a_broken_connection_loses_nothing():
    name = farm()
    with spawn("winnow-filter", farm=name):

        def cut(running):
            first_second(running)
            ctl("close_all_connections", "cut for the test")
            # One for each of the two connections that publish, and one for the answers.
            back = wait_until(lambda: running.stderr().count("event=connection_back") >= 3, 20)
            ok(back, "connections that were cut come back") or diag(running.stderr())
            running.signal(signal.SIGINT)

        code, running = loadgen("--phase", "1h@500", "--connections", "2", "--verify", name=name, serve=cut)
    equal(code, 0, "a run whose connections were cut ends well") or diag(running.stdout() + running.stderr())
    found = summary()
    equal((found["lost"], found["corrupted"]), (0, 0), "nothing is lost by it")
    ok(found["published"] == found["confirmed"] == found["results"] > 500, "every event is answered") or diag(found)
    equal(queues_of_run(name), [], "and the queues are gone")


def a_blocking_broker_is_waited_for():
    name = new_farm()
    try:
        ctl("set_vm_memory_high_watermark", "absolute", "1")

        def unblock(running):
            first_second(running)
            ctl("set_vm_memory_high_watermark", "0.6")

        # Far less patience than the broker needs: that time does not count.
        code, running = loadgen("--phase", "500ms@200", "--verify-timeout", "500ms", name=name, serve=unblock)
    finally:
        ctl("set_vm_memory_high_watermark", "0.6")
    equal(code, 0, "a run that the broker blocked ends well") or diag(running.stderr())
    found = summary()
    equal((found["published"], found["confirmed"]), (100, 100), "no event is left out")
    ok(0.5 < found["blocked_s"] < 20, "the time blocked is told")
    ok(found["lag_ms"]["p50"] > 250, "and it counts as lag of the events that had to wait")


def a_broker_that_is_away_is_waited_for():
    name = farm()
    port = re.search(r":(\d+)(/|$)", URL)[1]
    # Far less patience than the broker needs: that time does not count. Events are under way when the line is cut, and
    # the schedule has ended long before it is mended.
    options = ["--phase", "1500ms@200", "--verify", "--verify-timeout", "500ms", "--connect-timeout"]
    with spawn("winnow-filter", farm=name), contextlib.closing(Proxy(port)) as proxy:
        line = ["--amqp", URL.replace(f":{port}", f":{proxy.port}")]

        def cut_and_mend(running):
            first_second(running)
            proxy.cut()
            time.sleep(2.5)
            proxy.mend()

        code, running = loadgen(*line, *options, "20s", name=name, serve=cut_and_mend)
        equal(code, 0, "a run whose broker was away ends well") or diag(running.stdout() + running.stderr())
        total = dict(published=300, confirmed=300, results=300, lost=0)
        equal(counts(*total), total, "and every event is answered")

        def end(running):
            """Nobody listens any more. A line that is cut would take whoever comes, and reset them in their log-in."""
            first_second(running)
            proxy.close()

        code, running = loadgen(*line, *options, "1s", name=name, serve=end)
        equal(code, 69, "unless it is away for longer than --connect-timeout") or diag(running.stderr())
        like(running.stderr(), "no broker answers at", "which is said")


def a_signal_ends_it_truthfully():
    name = farm()
    with spawn("winnow-filter", farm=name):

        def interrupt(running):
            first_second(running)
            running.signal(signal.SIGINT)

        code, running = loadgen("--phase", "1h@200", "--verify", name=name, serve=interrupt, seconds=5)
    equal(code, 0, "a run interrupted when all is well ends well")
    found = summary()
    ok(200 <= found["published"] < 1000, "it stopped sending")
    ok(found["published"] == found["confirmed"] == found["results"], "and accounts for what was sent")
    ok(abs(found["offered_per_s"] - 200) < 4, "offered is what was due until then")

    name = new_farm()

    def interrupt_twice(running):
        first_second(running)
        running.signal(signal.SIGTERM)
        wait_until(lambda: "event=stopping" in running.stderr(), 20)
        running.signal(signal.SIGTERM)

    code, running = loadgen("--phase", "1h@200", "--verify", name=name, serve=interrupt_twice, seconds=2)
    equal(code, 1, "a second signal ends it at once")
    found = summary()
    ok(found["lost"] == found["confirmed"] > 0, "what was not answered by then is said to be so")
    equal(queues_of_run(name), [], "and the queues are gone")


real_workers_answer_everything()
a_rate_that_cannot_be_sent_is_not_hidden()
refusals_are_paced_and_nobody_else_waits()
a_broken_connection_loses_nothing()
a_blocking_broker_is_waited_for()
a_broker_that_is_away_is_waited_for()
a_signal_ends_it_truthfully()
done_testing()
