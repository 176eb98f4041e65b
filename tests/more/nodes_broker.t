#!/usr/bin/python3
# quiet: no claim about time
# slow: half a minute or more
"""Three nodes on a broker that is not kind to them: one loses its permissions, somebody puts something else in the place of
the farm's exchange and of the leader's queue, memory runs short, and the broker is started anew. All go on."""

import contextlib
import json
import os
import re
import signal
import sys
import time

import pika

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/system"))
from client import Client, ctl  # noqa: E402
from control import Control  # noqa: E402
from nodes import node, states, tell_on_failure, when  # noqa: E402
from own_broker import OwnBroker  # noqa: E402
from scaler import lives  # noqa: E402
from tap import connect, diag, done_testing, equal, farm, like, ok, spawn, wait_until  # noqa: E402

PATIENCE_S = 40
STEADY_S = 3
GUARDED = "c"  # the node that has a user of its own


class Place:
    """A farm of three nodes."""

    def __init__(self, stack, broker):
        self.name, self.url, self.stack, self.broker = farm(), broker.url, stack, broker
        self.manage("add_user", GUARDED, GUARDED)
        self.permit(".*", ".*", ".*")
        self.nodes, self.started = {}, []
        for each in ("a", "b", GUARDED):
            self.start(each)
        stack.callback(lambda: tell_on_failure(self.started))

    def manage(self, *command):
        ctl(*command, directory=self.broker.directory)

    def permit(self, *permissions):
        self.manage("set_permissions", GUARDED, *permissions)

    def start(self, each):
        user = GUARDED if each == GUARDED else "guest"
        url = self.url.replace("guest:guest", f"{user}:{user}")
        self.nodes[each] = self.stack.enter_context(node(self.name, each, amqp=url))
        self.started.append(self.nodes[each])

    def control(self):
        return Control(self.name, self.url)

    def counts(self, event):
        return {each: running.stderr().count(f"event={event} ") for each, running in self.nodes.items()}

    def shared(self, names=("a", "b", GUARDED), text=""):
        """The nodes run the farm's four workers, and the others none; the status that says so. For a while these are
        the same: a leader that hears one node after the other moves workers, and a report is up to a second old."""
        found = []  # the pids, and since when

        def holds(status):
            up = {each["name"]: each for each in status["nodes"] if each["state"] == "up"}
            as_ordered = all(each["running"] == each["target"] > 0 for each in up.values())
            total = sum(each["running"] for each in up.values())
            return sorted(up) == sorted(names) and as_ordered and total == 4 and not status["draining"]

        def steady(status):
            pids = holds(status) and {worker["pid"] for worker in status["workers"]}
            if [pids] != found[:1]:
                found[:] = [pids, time.monotonic()]
            return pids and time.monotonic() - found[1] > STEADY_S

        with self.control() as control:
            status = when(control, steady, PATIENCE_S)
        ok(status, text)
        return status

    def workers(self, text):
        return [worker["pid"] for worker in (self.shared(text=text) or {"workers": []})["workers"]]

    def works(self, text):
        with Client(self.name, self.url) as client:
            answer = client.ask("you fool")
        like(answer[2].decode() if answer else "", "CENSORED", text)


def replace(place, remove, declare):
    """Puts something else in the place of what the nodes have declared, who are quick to declare it anew."""

    def put():
        with contextlib.closing(connect(place.url)) as connection:
            channel = connection.channel()
            with contextlib.suppress(pika.exceptions.ChannelClosedByBroker):
                remove(channel)
                declare(channel)
                return True

    ok(wait_until(put, PATIENCE_S), "somebody puts something else there")


def one_loses_its_permissions(place):
    guarded = place.nodes[GUARDED]
    place.permit("^$", "^$", "^$")
    place.manage("close_all_user_connections", GUARDED, "a test")
    place.shared(("a", "b"), "a node that may do nothing any more is lost, and the others run all workers")
    refused = lambda: re.search("leadership_refused why=.*ACCESS_REFUSED", guarded.stderr())
    ok(wait_until(refused, PATIENCE_S), "it says that it is refused")
    ok(guarded.wait(0) is None, "and tries on")
    place.permit(".*", ".*", ".*")


def works_without(place, workers, remove):
    """The workers go on, until what was put in the way is removed."""
    place.works("the workers work on")
    ok(all(lives(pid) for pid in workers), "and none has ended")
    with contextlib.closing(connect(place.url)) as connection:
        remove(connection.channel())


def the_exchange_is_another_kind(place):
    workers = place.workers(text="three nodes share four workers")
    name = f"{place.name}.control"
    direct = lambda channel: channel.exchange_declare(name, "direct")
    replace(place, lambda channel: channel.exchange_delete(name), direct)
    cut = lambda: all(place.counts("connection_lost").values())
    ok(wait_until(cut, PATIENCE_S), "with an exchange of another kind all say that they do not hear each other")
    works_without(place, workers, lambda channel: channel.exchange_delete(name))


def the_leaders_queue_is_of_other_arguments(place):
    workers = place.workers(text="once it is gone, all hear each other")
    name = f"{place.name}.leader"
    replace(place, lambda channel: channel.queue_delete(name), lambda channel: channel.queue_declare(name, durable=True))
    ok(wait_until(lambda: all(place.counts("leadership_refused").values()), PATIENCE_S), "with a queue of other arguments all say that they cannot stand")
    ok(wait_until(lambda: sum(place.counts("leading_ended").values()), PATIENCE_S), "and the leader leads no more")
    works_without(place, workers, lambda channel: channel.queue_delete(name))


def memory_runs_short(place):
    status = place.shared(text="once it is gone, one leads")
    leader = status["leader"]
    pids = {worker["pid"] for worker in status["workers"] if worker["node"] != leader}
    place.manage("set_vm_memory_high_watermark", "0.00001")
    ended = lambda: "event=leading_ended" in place.nodes[leader].stderr()
    ok(wait_until(ended, PATIENCE_S), "in an alarm of the broker nobody leads")
    place.nodes[leader].signal(signal.SIGKILL)
    place.nodes[leader].wait(5)
    ok(all(lives(pid) for pid in pids), "the workers of the others run on")
    place.manage("set_vm_memory_high_watermark", "0.4")
    rest = [each for each in place.nodes if each != leader]
    place.shared(rest, "after it somebody leads, though the leader was killed meanwhile")
    place.start(leader)


def the_broker_is_started_anew(place):
    options = ["--phase", "8s@100", "--verify", "--connect-timeout", "60s", "--summary", "summary.json"]
    with spawn("winnow-loadgen", *options, farm=place.name, amqp=place.url) as load:
        ok(wait_until(lambda: " 1.0 " in load.stderr() or load.wait(0) is not None, 20), "under load")
        place.broker.stop()
        place.broker.start()
        equal(load.wait(90), 0, "the broker is started anew, and nothing is lost") or diag(load.stderr())
    with open("summary.json") as file:
        summary = json.load(file)
    equal((summary["published"], summary["lost"], summary["corrupted"]), (800, 0, 0), "of all that was published")
    # A worker that was refused is tried again after 28 s, and not waited for.
    ordered = lambda status: set(states(status).values()) == {"up"} and sum(each["target"] for each in status["nodes"]) == 4
    with place.control() as control:
        ok(when(control, ordered, PATIENCE_S), "no node is left out, nor the one that may do everything again")
    ok(all(each.wait(0) is None for each in place.nodes.values()), "all go on")


with OwnBroker() as broker, contextlib.ExitStack() as stack:
    place = Place(stack, broker)
    the_exchange_is_another_kind(place)
    the_leaders_queue_is_of_other_arguments(place)
    memory_runs_short(place)
    place.shared(text="three nodes share four workers again")
    one_loses_its_permissions(place)
    the_broker_is_started_anew(place)
    for each in place.nodes.values():
        each.signal(signal.SIGTERM)
done_testing()
