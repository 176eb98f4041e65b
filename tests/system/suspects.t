#!/usr/bin/python3
# quiet: what is claimed of time here is far from what a busy machine takes
# slow: half a minute or more
"""One event that costs its worker the connection: it ends in FARM.dead with the broker's words, and all others are
answered meanwhile."""

import base64
import contextlib
import decimal
import os
import re
import resource
import signal
import struct
import sys
import time

import pika

from client import Client, evaluate
from own_broker import OwnBroker
from tap import *

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/chaos"))
from farm import children

FRAME_MAX = 4 << 20
MOST_BYTES = 1200
CONFIG = f"""frame_max = {FRAME_MAX}
max_message_size = {MOST_BYTES}
consumer_timeout = 1000
"""
ADVANCED = "[{rabbit, [{channel_tick_interval, 200}]}]."  # how often it looks for what is late
FULL_FRAME = 131072 - 8 - 12 - 60  # less what else is in it
GOOD = 30  # events around each guilty one
PREFETCH = 50
pika.spec.FRAME_MAX_SIZE = FRAME_MAX  # pika itself has no more than 128 KiB

# A direct reply-to, as another node of a cluster that is gone has made it: a process identifier and a key.
OTHER_NODE = b"\x83gd\x00\x0drabbit@other1" + struct.pack(">II", 100, 0) + b"\x01"
OLD_REPLY_TO = f"amq.rabbitmq.reply-to.{base64.b64encode(OTHER_NODE).decode()}.k"


_encode_table = pika.data.encode_table


def _encode_raw_table_too(pieces, table):
    if not isinstance(table, bytes):
        return _encode_table(pieces, table)
    pieces.append(struct.pack(">I", len(table)) + table)
    return 4 + len(table)


pika.data.encode_table = _encode_raw_table_too


class LargeFrames(Client):
    """A client that may send headers of megabytes."""

    def __init__(self, farm, url):
        super().__init__(farm, url)
        parameters = pika.URLParameters(url)
        parameters.frame_max, parameters.heartbeat = FRAME_MAX, 0
        self.large = pika.BlockingConnection(parameters)
        self.large_channel = self.large.channel()
        self.large_channel.confirm_delivery()

    def publish_large(self, body, **properties):
        self.large_channel.basic_publish(f"{self.farm}.events", "", body.encode(), pika.BasicProperties(**properties))


class Answers:
    """Good events around guilty ones, and what became of all of them."""

    def __init__(self, client):
        self.client, self.number, self.answered, self.dead = client, 0, [], {}

    def publish(self, count=GOOD):
        for _ in range(count):
            self.number += 1
            self.client.publish("a fool", message_id=f"good-{self.number}", reply_to=self.client.replies)

    def look(self):
        self.answered += [properties.message_id for _, properties, _ in self.client.get_ready(self.client.replies)]
        for _, properties, body in self.client.get_ready(self.client.dead):
            self.dead.setdefault(properties.message_id, []).append((properties.headers, body, properties))

    def duplicates(self):
        return len(self.answered) - len(set(self.answered))

    def complete(self, seconds=60):
        def done():
            self.look()
            return len(set(self.answered)) == self.number

        return wait_until(done, seconds)

    def reason(self, name, seconds=60):
        def done():
            self.look()
            return name in self.dead

        wait_until(done, seconds)
        return self.dead[name][0][0].get("winnow-reason", "") if name in self.dead else None


@contextlib.contextmanager
def private_broker():
    broker = OwnBroker()
    with open("broker.conf", "w") as file:
        file.write(CONFIG)
    with open(os.path.join(broker.directory, "advanced.config"), "w") as file:
        file.write(ADVANCED)
    try:
        yield broker.start("--config", "broker.conf"), broker.directory
    finally:
        broker.stop()


def autoscaler(name, url, *args, worker=()):
    args = ("--interval", "200ms", "--min", "2", "--max", "2", *args)
    worker = (os.path.join(BIN, "winnow-filter"), "--prefetch", PREFETCH, *worker)
    return spawn("winnow-autoscaler", *args, "--", *worker, farm=name, amqp=url)


def lines_of(program):
    return len(program.stderr().splitlines())


def guilty_events(client, scaler, answers, kind):
    """Each costs whoever answers it the connection."""
    stream = f"{client.farm}.stream"
    client.channel.queue_declare(stream, durable=True, arguments={"x-queue-type": "stream"})
    cases = {
        "an old direct reply-to": ("a fool", {"reply_to": OLD_REPLY_TO}, "INTERNAL_ERROR"),
        "a result over max_message_size": ("fool " * 200, {"reply_to": client.replies}, "message size 1800 is larger"),
        "a decimal to a stream": ("a fool", {"reply_to": stream, "headers": {"d": decimal.Decimal("1.5")}}, ""),
    }
    for case, (body, properties, words) in cases.items():
        begin, lines = time.monotonic(), lines_of(scaler)
        answers.publish()
        client.publish(body, message_id=case, **properties)
        answers.publish()
        ok(answers.complete(), f"{kind}, {case}: all others are answered")
        reason = f"^poison: its answer cost its worker the connection: .*{words}"
        like(answers.reason(case), reason, "... it is dead, with the broker's words")
        ok(lines_of(scaler) - lines <= 10, "... for a few lines of log")
        diag(f"{kind}, {case}: {time.monotonic() - begin:.2f} s, {answers.duplicates()} duplicates so far")
    ok(answers.duplicates() <= 9 * PREFETCH, f"{kind}: few events are answered twice")


def costly_burial(url):
    """Even FARM.dead costs the connection: the event loses the properties. The worker has no autoscaler."""
    name = farm()
    with spawn("winnow-filter", farm=name, amqp=url) as worker, LargeFrames(name, url) as client:
        stream = f"{name}.stream"
        client.channel.queue_declare(stream, durable=True, arguments={"x-queue-type": "stream"})
        client.channel.queue_bind(stream, client.dead)
        answers = Answers(client)
        properties = {"headers": {"d": decimal.Decimal("1.5")}, "app_id": "an app", "delivery_mode": 2}
        answers.publish()
        client.publish("a fool", message_id="guilty", reply_to=stream, **properties)
        answers.publish()
        ok(answers.complete(), "a burial that costs the connection: all others are answered")

        def bare():
            answers.look()
            return [each for each in answers.dead.get("guilty", []) if "winnow-properties-dropped" in each[0]]

        buried = wait_until(bare, 20)
        ok(buried and "d" not in buried[0][0], "... the event is dead without its headers")
        ok(buried and buried[0][1] == b"a fool" and "winnow-body-dropped" not in buried[0][0], "... with its body")
        ok(buried and buried[0][2].app_id is None and buried[0][2].delivery_mode == 2, "... and no other property")
        ok(buried and buried[0][0]["winnow-reason"].startswith("poison: "), "... and its reason")


def limit_messages(directory, size):
    evaluate(f"application:set_env(rabbit, max_message_size, {size}).", directory=directory)


def a_body_that_costs_its_burial(url, directory):
    """The broker took it once and does so no more: the event loses even its body."""
    name = farm()
    with spawn("winnow-filter", farm=name, amqp=url) as worker, Client(name, url):
        worker.signal(signal.SIGTERM)
        equal(worker.wait(10), 0, "a farm without workers")
    with contextlib.closing(connect(url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_publish(f"{name}.events", "", b"x" * 1000, pika.BasicProperties(message_id="guilty"))
    limit_messages(directory, 600)
    try:
        with spawn("winnow-filter", farm=name, amqp=url), Client(name, url) as client:
            answers = Answers(client)
            answers.publish()
            ok(answers.complete(), "a body that is let in nowhere any more: all others are answered")
            like(answers.reason(None), "^poison: .*message size", "... the event is dead, with the broker's reason")
            headers, body, _ = answers.dead.get(None, [({}, b"none", None)])[0]
            ok(headers.get("winnow-body-dropped") and body == b"", "... without its body, which is said")
            equal(client.ready(client.work), 0, "... and is tried no more")
    finally:
        limit_messages(directory, MOST_BYTES)


def a_burst(url):
    """Many guilty events at once, before those of others. Each costs three connections or more."""
    name = farm()
    with autoscaler(name, url) as scaler, Client(name, url) as client:
        answers = Answers(client)
        answers.publish()
        ok(answers.complete(), "before a burst of guilty events all are answered")
        for number in range(150):
            client.publish("a fool", message_id=f"guilty-{number}", reply_to=OLD_REPLY_TO)
        begin = time.monotonic()
        answers.publish(100)
        ok(answers.complete(), "... and after it all, too")
        ok(len(answers.dead) <= 30, f"... long before all of the guilty are tried: when {len(answers.dead)} are")
        diag(f"a burst of guilty events: {time.monotonic() - begin:.2f} s")
        ok(wait_until(lambda: "event=connection_lost" in scaler.stderr(), 20), "... which are being tried")
        ok(answers.duplicates() <= 2 * PREFETCH, "... and few are answered twice")


def large_headers(client, scaler, answers, kind):
    """What other publishers' frames allow, and what the broker adds to."""
    for case, size in (("that fill a frame", 131000), ("of 200 kB", 200_000), ("of 1 MB", 1_000_000)):
        answers.publish()
        client.publish_large("a fool", message_id=case, reply_to=client.replies, headers={"h": "x" * size})
        answers.publish()
        answers.number += 1  # it is answered like any other
        ok(answers.complete(), f"{kind}, headers {case}: all are answered")
    answers.publish()
    client.publish_large("a fool", message_id="huge", headers={"h": "x" * (2 << 20)})
    answers.publish()
    ok(answers.complete(), f"{kind}, headers of 2 MiB: all others are answered")
    ok(answers.reason("huge") is not None, "... and the event is dead, by the broker's dead-lettering")


def killed_with_a_full_frame(client, scaler, answers, kind):
    """The broker counts deliveries in a header that does not fit the frame any more."""
    client.publish_large("a fool", message_id="full", reply_to=client.replies, headers={"h": "x" * FULL_FRAME})
    answers.number += 1
    ok(answers.complete(), f"{kind}: an event that fills its frame is answered")
    os.kill(children(scaler.pid)[0], signal.SIGSTOP)
    os.kill(children(scaler.pid)[1], signal.SIGSTOP)
    client.publish_large("a fool", message_id="redelivered", reply_to=client.replies, headers={"h": "x" * FULL_FRAME})
    answers.number += 1
    answers.publish(10)
    kill_workers(scaler)
    ok(answers.complete(), f"{kind}: and answered when it comes again")


def kill_workers(scaler):
    for pid in children(scaler.pid):
        with contextlib.suppress(ProcessLookupError):  # one that ends by itself meanwhile
            os.kill(pid, signal.SIGKILL)


def the_same_name(client, scaler, answers, kind):
    """Many events of one message_id, among them twins, and workers that are killed."""
    for number in range(600):
        twin = str(number % 300)
        client.publish(f"a fool {twin}", message_id="same", correlation_id=twin, reply_to=client.replies)
    for _ in range(4):
        wait_until(lambda: len(children(scaler.pid)) == 2, 20)
        kill_workers(scaler)
    got = set()

    def look():
        for _, properties, _ in client.get_ready(client.replies):
            if properties.message_id == "same":
                got.add(properties.correlation_id)
        return len(got) == 300 and client.ready(client.work) == 0

    ok(wait_until(look, 20), f"{kind}: events that share a message_id are answered when workers are killed")
    answers.look()
    equal(len(answers.dead.get("same", [])), 0, "... and none of them is poison")


def too_late(url, kind):
    name = farm()
    slow = ("--service-time", "6s")  # a busy broker looks late: an event that is done by then is not dead
    with autoscaler(name, url, "--queue-type", kind, worker=slow), Client(name, url) as client:
        answers = Answers(client)
        client.publish("a fool", message_id="slow", reply_to=client.replies)
        reason = "^poison: it was not done within the broker's time-out: .*1000 ms"
        like(answers.reason("slow"), reason, f"{kind}: an event that takes longer than consumer_timeout is dead")
        if failed():
            diag(f"answered: {answers.answered}, and the autoscaler says:\n{scaler.stderr()}")


def nested(kind, count):
    """Headers of so many tables or arrays in each other, as they stand in the frame."""
    before, size = (b"\0F", 6) if kind == "tables" else (b"A", 5)
    inner = b"".join(before + struct.pack(">I", size * left) for left in reversed(range(count)))
    return inner if kind == "tables" else b"\0" + inner


def deep(url):
    """rabbitmq-c decodes them by recursion, in the worker and in the autoscaler."""
    name = farm()
    limits = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, limits[1]))
    with autoscaler(name, url) as scaler, LargeFrames(name, url) as client:
        resource.setrlimit(resource.RLIMIT_STACK, limits)
        answers = Answers(client)
        lost = lambda: len(re.findall("program=winnow-filter .*event=connection_lost", scaler.stderr()))
        for number, (kind, count) in enumerate((("tables", 21000), ("tables", 170000), ("arrays", 200000)), 1):
            client.publish_large("a fool", headers=nested(kind, count))
            answers.publish()
            ok(answers.complete(), f"a stack of 1 MiB, {count} {kind} in each other: all others are answered")
            # Twice, at most, where a worker lost its connection before the broker had its acknowledgement.
            answered = wait_until(lambda: number <= client.ready(client.results) <= number + lost(), 60)
            ok(answered, "... and so is the event") or diag(f"{client.ready(client.results)} of {number} results, {lost()} lost")
        ok("worker_crashed" not in scaler.stderr(), "... and nobody crashes")


with private_broker() as (url, directory):
    for kind in ("classic", "quorum"):
        name = farm()
        with autoscaler(name, url, "--queue-type", kind) as scaler, LargeFrames(name, url) as client:
            answers = Answers(client)
            guilty_events(client, scaler, answers, kind)
            large_headers(client, scaler, answers, kind)
            killed_with_a_full_frame(client, scaler, answers, kind)
            the_same_name(client, scaler, answers, kind)
    a_burst(url)
    costly_burial(url)
    a_body_that_costs_its_burial(url, directory)
    too_late(url, "classic")
    deep(url)
done_testing()
