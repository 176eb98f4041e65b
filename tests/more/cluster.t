#!/usr/bin/python3
# slow: half a minute or more
"""A cluster of three brokers. Each program is given all three: the one to which all are connected is killed under load, and
they go on at another. Nothing is lost."""

import concurrent.futures
import contextlib
import json
import os
import re
import sys
import tempfile

import pika

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/system"))
from client import Client, evaluate  # noqa: E402
from control import Control  # noqa: E402
from nodes import node, tell_on_failure, when  # noqa: E402
from own_broker import tool  # noqa: E402
from scaler import FILTER, autoscaler  # noqa: E402
from tap import diag, done_testing, equal, farm, like, ok, spawn, wait_until  # noqa: E402
from web import page  # noqa: E402

PATIENCE_S = 60
MEMBERS = 3
PREFETCH, WINDOW = 20, 100  # of each worker; of the load


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
            with contextlib.suppress(RuntimeError):
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


def came_back(nodes, pid):
    """Whether a worker has lost its broker and then consumed at another."""
    said = "".join(each.stderr() for each in nodes)
    return re.search(rf"pid={pid} .*event=connection_lost(.*\n)*.*pid={pid} .*event=consuming", said)


def turns(*urls):
    """Each as the first, the second and the third, as with which one a host begins is by its name."""
    return [",".join(urls[n:] + urls[:n]) for n in range(len(urls))]


def ask(name, urls):
    """The exit code and what was said by winnow-ctl."""
    with spawn("winnow-ctl", "status", "--connect-timeout", "1s", farm=name, amqp=urls) as running:
        return running.wait(PATIENCE_S), running.stderr()


def is_served(cluster, name, urls):
    """Whether each program comes to a broker at its first attempt: at once, that is, but for how busy the machine is."""
    code, said = ask(name, urls)
    with page(name, amqp=urls) as web:
        ready = wait_until(lambda: web.get("/readyz").status == 200, PATIENCE_S)
        said += web.program.stderr()
    alone = farm()
    with autoscaler(alone, "--min", "1", "--", FILTER, amqp=urls) as scaler, Client(alone, cluster.urls[0]) as client:
        answer = client.ask("you fool", seconds=PATIENCE_S)
        said += scaler.stderr()
    good = code == 0 and ready and answer and b"CENSORED" in answer[2] and "no_connection" not in said
    return good or diag(f"{urls}: {code} {ready} {answer}\n{said}")


def some_cannot_be_used(cluster, name):
    good, other = cluster.urls[:2]
    dead, refuses = "amqp://me:secret@127.0.0.1:1", good.replace("guest@", "secret@")
    served = [is_served(cluster, name, urls) for urls in turns(dead, good, other)]
    ok(all(served), "one of the brokers is dead, and each program comes to another at once")
    equal([ask(name, urls)[0] for urls in turns(refuses, good, other)], [0, 0, 0], "one refuses the password, and another does not")
    code, said = ask(name, f"{dead},{dead}")
    equal((code, "secret" in said), (69, False), "all are dead: that is said, without a password")
    like(said, "winnow-ctl: none of 2 brokers can be used, the last because: no broker answers at 127", "of them all")
    code, said = ask(name, f"{refuses},{dead},{refuses}")
    equal((code, "secret" in said), (77, False), "one is dead and the others refuse the password: that they refuse is said, as it does not pass")


def a_broker_is_killed_under_load(cluster, name, nodes):
    before = status_at(name, cluster.urls[0], settled)
    ok(before, "three nodes share four workers")
    used = cluster.used()
    equal(len(used), 1, "all programs of this host are connected to one broker")
    (gone,) = used
    options = ["--phase", "10s@100", "--verify", "--confirm-window", WINDOW, "--queue-type", "quorum", "--summary", "summary.json"]
    with spawn("winnow-loadgen", *options, farm=name, amqp=cluster.url()) as load:
        ok(wait_until(lambda: " 1.0 " in load.stderr() or load.wait(0) is not None, PATIENCE_S), "under load")
        tool("kill", cluster.directories[gone])
        led = status_at(name, cluster.urls[gone - 1], lambda status: status["epoch"] > before["epoch"] and settled(status))
        ok(led, "that broker is killed, and one of the nodes leads again")
        # A node that is late is taken for lost, and its share moves: not each worker is needed on.
        ok(wait_until(lambda: any(came_back(nodes, pid) for pid in running(before)), PATIENCE_S), "workers have gone on")
        tool("start", cluster.directories[gone])
        # 1: it was behind its schedule.
        ok(load.wait(PATIENCE_S) in (0, 1), "it comes back, and the load ends") or diag(load.stderr())
    with open("summary.json") as file:
        summary = json.load(file)
    counts = {count: summary[count] for count in ("published", "confirmed", "lost", "corrupted")}
    equal(counts, {"published": 1000, "confirmed": 1000, "lost": 0, "corrupted": 0}, "nothing is lost")
    ok(summary["duplicates"] <= 4 * PREFETCH + WINDOW, "twice is at most what was unconfirmed or unacknowledged")
    diag(f"duplicates {summary['duplicates']}, dead {summary['dead']}")
    ok(status_at(name, cluster.urls[gone], settled), "who asks at the broker that came back is answered")
    like(nodes[0].stderr(), f"connection_lost .*{cluster.urls[gone].rpartition('@')[2]}", "the log names the broker that was lost")


with contextlib.ExitStack() as stack:
    cluster = Cluster(stack)
    equal(cluster.members(), str(MEMBERS), "three brokers are a cluster")
    name = farm()
    worker = (FILTER, "--prefetch", str(PREFETCH))
    start = lambda each: node(name, each, "--queue-type", "quorum", worker=worker, amqp=cluster.url())
    nodes = [stack.enter_context(start(each)) for each in "abc"]
    stack.callback(tell_on_failure, nodes)
    ok(status_at(name, cluster.urls[0], settled), "nodes of a farm are given all three")
    some_cannot_be_used(cluster, name)
    a_broker_is_killed_under_load(cluster, name, nodes)

done_testing()
