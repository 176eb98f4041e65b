#!/usr/bin/python3
# quiet: no claim about time
"""What Prometheus reads of a real farm: the numbers are those of the farm, every parser takes them, and no counter
falls whoever ends."""

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys

import pika
import yaml
from prometheus_client.parser import text_string_to_metric_families

TOP = os.environ["WINNOW_TOP"]
sys.path[:0] = [os.path.join(TOP, "tests/system"), os.path.join(TOP, "tests/chaos")]
import nodes  # noqa: E402
from control import Control  # noqa: E402
from scaler import FILTER, autoscaler, children  # noqa: E402
from scrape import Counters, free_port, series  # noqa: E402
from tap import connect, diag, done_testing, equal, farm, ok, spawn, wait_until  # noqa: E402

PATIENCE_S = 40
EVENTS, DEAD = 300, 7


class Page:
    """A winnow-page of the farm."""

    def __init__(self, name, stack):
        self.name, self.port = name, free_port()
        self.program = stack.enter_context(spawn("winnow-page", "--listen", f"127.0.0.1:{self.port}", farm=name))
        self.counters = Counters()
        if not wait_until(self.answers, PATIENCE_S):
            diag(self.program.stderr())

    def get(self, path):
        """(status, content type, body)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type"), answer.read().decode()

    def answers(self):
        with contextlib.suppress(OSError):
            return self.get("/healthz")[0] == 200

    def scrape(self):
        """{name: value} of the farm's series, their labels but for the farm's in the name."""
        found = series(self.get("/metrics")[2])
        self.counters.take(found)
        own = f'farm="{self.name}"'
        return {re.sub(rf"{own},?", "", name).replace("{}", ""): value for name, value in found.items() if own in name}

    def until(self, condition):
        """The first scrape for which it holds; after the deadline, the last one."""
        last = {}

        def holds():
            last.clear()
            last.update(self.scrape())
            return condition(last)

        return bool(wait_until(holds, PATIENCE_S)) or diag(json.dumps(last, indent=1)), dict(last)


def publish(name, count, body, **properties):
    with contextlib.closing(connect()) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for _ in range(count):
            channel.basic_publish(f"{name}.events", "", body, pika.BasicProperties(**properties))


def numbers(page, control):
    publish(page.name, EVENTS - DEAD, b"You fool!")
    publish(page.name, DEAD, b"{", content_type="application/json")
    counted = ("winnow_handled_events_total", "winnow_arrived_events_total", "winnow_handling_seconds_count")
    handled, told = page.until(lambda now: all(now.get(name) == EVENTS for name in counted))
    ok(handled, "every event is counted as it arrives and as it is handled, with the time that it took")
    equal(told.get("winnow_dead_events_total"), DEAD, "... those among them that are dead")
    equal(told.get('winnow_handling_seconds_bucket{le="+Inf"}'), EVENTS, "... and all in the last of its classes")
    settled, told = page.until(lambda now: now.get("winnow_in_flight_events") == 0 and now.get("winnow_backlog_events") == 0)
    ok(settled, "nothing is left")
    status = control.status()
    ok(status["handling"]["sum_s"] == told["winnow_handling_seconds_sum"] > 0, "the sum of the times is the status's")
    equal(sum(status["handling"]["counts"]), EVENTS, "which has as many")
    equal((told["winnow_desired_workers"], told["winnow_min_workers"], told["winnow_max_workers"]), (2, 2, 2), "N and its limits")
    equal((told['winnow_workers{state="running"}'], told["winnow_workers_spawned_total"]), (2, 2), "the workers")
    equal(sorted(name for name in told if name.startswith("winnow_worker_busy_ratio")),
          [f'winnow_worker_busy_ratio{{slot="{slot}"}}' for slot in (0, 1)], "... each by its slot")
    ok(0 < told["winnow_measurement_age_seconds_count"] <= told["winnow_decisions_total"], "decisions, and on what they rest")


def parsers(page):
    code, content_type, text = page.get("/metrics")
    equal((code, content_type), (200, "text/plain; version=0.0.4; charset=utf-8"), "Prometheus's text is told as such")
    families = list(text_string_to_metric_families(text))
    samples = [(sample.name, tuple(sorted(sample.labels.items()))) for family in families for sample in family.samples]
    equal(len(samples), len(set(samples)), "the client's parser takes it, and finds no series twice")
    equal(len(families), len({family.name for family in families}), "... and no name")
    equal([family.name for family in families if not family.documentation or family.type == "unknown"], [],
          "each has a help and a type")
    equal({label for _, labels in samples for label, _ in labels} - {"farm", "state", "slot", "reason", "from", "le"}, set(),
          "no other labels")
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    equal((done.returncode, done.stdout + done.stderr), (0, ""), "promtool finds nothing to complain of")


def workers_end(page, control, scaler):
    before = page.scrape()
    os.kill(sorted(children(scaler.pid))[-1], 9)
    crashed, _ = page.until(lambda now: now.get("winnow_workers_crashed_total") == 1
                            and now.get('winnow_workers{state="running"}') == 2)
    ok(crashed, "a worker that is killed is counted, and replaced")
    equal(control.tell("stop", slot=control.status()["workers"][0]["slot"])[0], "done", "another is told to stop")
    stopped, after = page.until(lambda now: now.get("winnow_workers_stopped_total") == 1)
    ok(stopped, "that is counted, too")
    kept = ("winnow_handled_events_total", "winnow_dead_events_total", "winnow_handling_seconds_sum")
    equal([after.get(name) for name in kept], [before[name] for name in kept], "what they had done still counts")


def reads_n(page):
    """As KEDA does, by its example."""
    with open(os.path.join(TOP, "examples/keda/metrics-api.yml"), encoding="utf-8") as file:
        asks = next(yaml.safe_load_all(file))["spec"]["triggers"][0]["metadata"]
    code, _, body = page.get(asks["url"].partition("8672")[2].replace("/shop/", f"/{page.name}/"))
    value = json.loads(body)
    for member in asks["valueLocation"].split("."):
        value = value[member]
    equal((code, value, type(value)), (200, 2, int), "KEDA's metrics-api scaler finds N where the example looks for it")


def autoscaler_dies(page, scaler):
    scaler.signal(9)
    gone, told = page.until(lambda now: now["winnow_up"] == 0)
    ok(gone, "the autoscaler is killed, and the farm is not up any more")
    equal(sorted(told), ['winnow_broker_up{from="page"}', "winnow_status_age_seconds", "winnow_up"], "nothing else is said of it")


def run():
    name = farm()
    options = ("--min", "2", "--max", "2", "--interval", "200ms", "--", FILTER)
    with contextlib.ExitStack() as stack:
        page = Page(name, stack)
        waits, _ = page.until(lambda now: now == {'winnow_broker_up{from="page"}': 1, "winnow_up": 0})
        ok(waits, "before its autoscaler a farm is not up, and nothing else is said")
        with autoscaler(name, *options) as scaler, Control(name) as control:
            up, _ = page.until(lambda now: now["winnow_up"] and now.get('winnow_workers{state="running"}') == 2)
            ok(up, "it is when the autoscaler runs")
            control.run()
            numbers(page, control)
            parsers(page)
            workers_end(page, control, scaler)
            reads_n(page)
            autoscaler_dies(page, scaler)
        with autoscaler(name, *options):
            again, _ = page.until(lambda now: now.get("winnow_workers_spawned_total") == 2
                                  and now.get("winnow_handled_events_total") == 0)
            ok(again, "the next one counts from 0")
        equal((page.counters.epochs, page.counters.fell), (2, []), "it is another epoch, and within one no counter fell")
        equal(page.program.end(), 0, "the page ends with 0")


def over_several_hosts():
    """Two nodes of a farm, one of which dies: what it has done still counts."""
    name = farm()
    runs = lambda now, node: now.get(f'winnow_node_workers{{node="{node}",state="running"}}')
    with contextlib.ExitStack() as stack:
        page = Page(name, stack)
        hosts = {node: stack.enter_context(nodes.node(name, node)) for node in "ab"}
        shared, _ = page.until(lambda now: runs(now, "a") == runs(now, "b") == 2)
        ok(shared, "a farm over two nodes is told of by node")
        publish(name, EVENTS, b"You fool!")
        counted = ("winnow_handled_events_total", "winnow_handling_seconds_count")
        handled, told = page.until(lambda now: all(now.get(each) == EVENTS for each in counted))
        ok(handled, "what both have handled is counted together, with the time that it took")
        equal(sorted(each for each in told if each.startswith("winnow_worker_busy_ratio")),
              [f'winnow_worker_busy_ratio{{node="{node}",slot="{slot}"}}' for node in "ab" for slot in (0, 1)],
              "each worker is told by its node and slot")
        status = json.loads(page.get(f"/api/v1/farms/{name}/status")[2])["status"]
        leader = status["leader"]
        other = {"a": "b", "b": "a"}[leader]
        hosts[other].signal(9)
        lost, told = page.until(lambda now: f'winnow_node_state{{node="{other}",state="lost"}}' in now
                                and runs(now, leader) == 4)
        ok(lost, "a node that dies is lost, and the leader does its work")
        equal([told.get(each) for each in counted], [EVENTS, EVENTS], "what it has done still counts")
        equal(page.counters.fell, [], "no counter fell")


run()
over_several_hosts()
done_testing()
