#!/usr/bin/python3
# quiet: no claim about time
# slow: half a minute or more
"""A cluster of three brokers. Each program is given all three: the one to which all are connected is killed under load, and
they go on at another. Nothing is lost."""

import concurrent.futures
import contextlib
import json
import os
import subprocess
import sys
import tempfile

import pika

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/system"))
from client import evaluate  # noqa: E402
from control import Control  # noqa: E402
from nodes import node, tell_on_failure, when  # noqa: E402
from tap import diag, done_testing, equal, farm, like, ok, spawn, wait_until  # noqa: E402

TOOL = os.path.join(os.environ["WINNOW_TOP"], "tools/private-broker")
PATIENCE_S = 60
MEMBERS = 3


def tool(*args):
    done = subprocess.run([TOOL, *args], check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.stdout.strip()


class Cluster:
    """Brokers that are one, as docs/several-hosts.md has it."""

    def __init__(self, stack):
        place = tool("directory")
        stack.callback(tool, "stop", place)
        self.directories = [tool("directory") for _ in range(MEMBERS)]
        for each in self.directories:
            stack.callback(tool, "stop", each)
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as config:
            print("cluster_partition_handling = pause_minority", file=config, flush=True)
            start = lambda directory: tool("start", directory, "--config", config.name, "--cluster", place)
            with concurrent.futures.ThreadPoolExecutor() as together:
                self.urls = [start(self.directories[0]), *together.map(start, self.directories[1:])]
        stack.callback(self.kill_all)

    def url(self):
        return ",".join(self.urls)

    def members(self):
        return evaluate("length(rabbit_nodes:all_running()).", directory=self.directories[0])

    def used(self):
        """The brokers to which somebody is connected."""
        count = "length(rabbit_networking:local_connections())."
        return [n for n, each in enumerate(self.directories) if evaluate(count, directory=each) != "0"]

    def kill_all(self):
        """Their data is wanted no more, and to stop them in order takes its time."""
        for each in self.directories:
            with contextlib.suppress(subprocess.CalledProcessError):
                tool("kill", each)


def running(status):
    return sorted(worker["pid"] for worker in status["workers"] if worker["state"] == "running")


def settled(status):
    up = [each for each in status["nodes"] if each["state"] == "up"]
    return len(up) == 3 and len(running(status)) == 4 and not status["draining"] and not status["starting"]


def status_at(name, url, condition):
    """The first status of which the condition holds, as somebody sees it who is connected to that broker."""

    def look():
        # With the queues of a broker that has died the exchange goes, until the nodes have declared it anew.
        with contextlib.suppress(pika.exceptions.AMQPError), Control(name, url) as control:
            return when(control, condition, PATIENCE_S)

    return wait_until(look, PATIENCE_S)


def a_broker_is_killed_under_load(cluster, name, nodes):
    before = status_at(name, cluster.urls[0], settled)
    ok(before, "three nodes share four workers")
    used = cluster.used()
    equal(len(used), 1, "all programs of this host are connected to one broker")
    (gone,) = used
    options = ["--phase", "10s@100", "--verify", "--queue-type", "quorum", "--summary", "summary.json"]
    with spawn("winnow-loadgen", *options, farm=name, amqp=cluster.url()) as load:
        ok(wait_until(lambda: " 1.0 " in load.stderr() or load.wait(0) is not None, PATIENCE_S), "under load")
        tool("kill", cluster.directories[gone])
        led = status_at(name, cluster.urls[gone - 1], lambda status: status["epoch"] > before["epoch"] and settled(status))
        ok(led, "that broker is killed, and one of the nodes leads again")
        equal(led and running(led), running(before), "the workers have gone on")
        tool("start", cluster.directories[gone])
        equal(load.wait(PATIENCE_S), 0, "it comes back, and the load ends well") or diag(load.stderr())
    with open("summary.json") as file:
        summary = json.load(file)
    counts = {count: summary[count] for count in ("published", "confirmed", "lost", "corrupted", "dead")}
    equal(counts, {"published": 1000, "confirmed": 1000, "lost": 0, "corrupted": 0, "dead": 0}, "nothing is lost")
    diag(f"duplicates {summary.get('duplicates')}")
    ok(status_at(name, cluster.urls[gone], settled), "who asks at the broker that came back is answered")
    like(nodes[0].stderr(), f"connection_lost .*{cluster.urls[gone].rpartition('@')[2]}", "the log names the broker that was lost")


with contextlib.ExitStack() as stack:
    cluster = Cluster(stack)
    equal(cluster.members(), str(MEMBERS), "three brokers are a cluster")
    name = farm()
    nodes = [stack.enter_context(node(name, each, "--queue-type", "quorum", amqp=cluster.url())) for each in "abc"]
    stack.callback(tell_on_failure, nodes)
    a_broker_is_killed_under_load(cluster, name, nodes)

done_testing()
