"""Faults in which single events cost a worker its connection, or their answers are refused, once a second among the
load's. Innocents of the run's own are timed before and meanwhile, one every 10 ms: nobody waits behind another."""

import base64
import contextlib
import struct
import threading
import time

import pika

from farm import PREFETCH, wait_until
from faults import Seen, fault, owed

GUILTY = 6  # events, one a second
CALM_S = 4
INNOCENT_EVERY_S = 0.01
# How much later than 2.5 times the calm time an innocent may be answered.
REFUSED_S = 0.020
CLOSED_S = 0.020 + 0.400
LOG_LINES_PER_S = 10
LOAD = ((CALM_S + GUILTY + 4, 500),)


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Innocents:
    """Events with a reply queue of their own, and how long each took."""

    def __init__(self, world):
        self.exchange = f"{world.farm.name}.events"
        self.connection = world.broker.connect()
        self.channel = self.connection.channel()
        self.replies = self.channel.queue_declare("", exclusive=True).method.queue
        self.channel.basic_consume(self.replies, self._answered, auto_ack=True)
        self.sent, self.took = {}, []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.connection.close()

    def _answered(self, _channel, _method, properties, _body):
        at = self.sent.get(properties.message_id)
        if at:
            self.took.append((at, properties.message_id, time.monotonic() - at))

    def _run(self):
        number, due = 0, time.monotonic()
        while not self.ended.is_set() or (len(self.took) < number and time.monotonic() < due + 10):
            if time.monotonic() >= due and not self.ended.is_set():
                number, due = number + 1, due + INNOCENT_EVERY_S
                properties = pika.BasicProperties(message_id=f"innocent-{number}", reply_to=self.replies)
                self.sent[properties.message_id] = time.monotonic()
                self.channel.basic_publish(self.exchange, "", b"an innocent text", properties)
            self.connection.process_data_events(max(0, min(INNOCENT_EVERY_S, due - time.monotonic())))

    def answered(self, until):
        """Whether all are that were sent before."""
        answered = {name for _, name, _ in list(self.took)}
        return all(name in answered for name, at in list(self.sent.items()) if at < until)

    def p99(self, since, until):
        """Of those sent within the time, once all are answered."""
        count = sum(since <= at < until for at in list(self.sent.values()))
        took = {}
        for at, name, seconds in list(self.took):
            if since <= at < until:
                took.setdefault(name, seconds)
        owed(len(took) == count, f"{count - len(took)} of {count} innocents were not answered")
        return percentile(list(took.values()), 0.99)


def log_lines(world):
    """Lines of the farm's log that a user would have."""
    return sum("level=debug" not in line for line in world.farm.active.log().splitlines())


def among_innocents(world, publish, extra_s, reason):
    """Guilty events, one a second, each of which ends as dead for that reason, or is answered when there is none."""
    with Innocents(world) as innocents, world.publisher() as publisher:
        calm = time.monotonic()
        time.sleep(CALM_S)
        lost_before = world.farm.active.log().count("event=connection_lost")
        lines_before, began = log_lines(world), time.monotonic()
        for number in range(GUILTY):
            publish(publisher, f"guilty-{number}")
            time.sleep(max(0, began + number + 1 - time.monotonic()))
        ended = time.monotonic()
        dead = {}
        if reason:
            dead = publisher.dead_of("guilty-", lambda dead: len(dead) == GUILTY, 30)
        lost = world.farm.active.log().count("event=connection_lost") - lost_before
        rate = (log_lines(world) - lines_before) / (time.monotonic() - began)
        wait_until(lambda: innocents.answered(ended), 10)
        before, meanwhile = innocents.p99(calm, began), innocents.p99(began, ended)
    owed(not reason or len(dead) == GUILTY, f"{len(dead)} of {GUILTY} guilty events are dead")
    strange = {why for why in dead.values() if reason not in why}
    owed(not strange, f"reasons: {strange}")
    owed(rate <= LOG_LINES_PER_S, f"{rate:.1f} lines of log a second")
    limit = (2.5 * before + extra_s) * world.slack
    owed(meanwhile <= limit, f"p99 of innocents {meanwhile * 1000:.0f} ms, {limit * 1000:.0f} ms are allowed")
    text = f"p99 of innocents {before * 1000:.0f} ms calm, {meanwhile * 1000:.0f} ms meanwhile; "
    return Seen(meanwhile, text + f"{lost} connections lost, {rate:.1f} lines a second", workers=lost)


# A direct reply-to of a node that is no more: an Erlang process, a dot and a key.
NODE = b"rabbit@other1"
GONE = b"\x83gd" + struct.pack(">H", len(NODE)) + NODE + struct.pack(">II", 100, 0) + b"\x01"
OLD_DIRECT_REPLY = "amq.rabbitmq.reply-to." + base64.b64encode(GONE).decode() + ".k"


@fault("guilty reply-to", None, "windows", phases=LOAD)
def guilty_reply_to(world):
    def publish(publisher, name):
        publisher.publish(b"you fool", message_id=name, reply_to=OLD_DIRECT_REPLY)

    return among_innocents(world, publish, CLOSED_S, "INTERNAL_ERROR")


@fault("result too large", None, "windows", phases=LOAD)
def result_too_large(world):
    if not world.worker.censors:
        return None  # an answer that is not longer than its event

    usual = world.broker.evaluate("{ok, Bytes} = application:get_env(rabbit, max_message_size), Bytes.")

    def publish(publisher, name):
        publisher.publish(b"fool " * 15000, message_id=name)

    def limit(size):
        # A channel reads it when it opens.
        world.broker.evaluate(f"application:set_env(rabbit, max_message_size, {size}).")
        world.proxy.reset()

    limit(100000)
    try:
        wait_until(lambda: world.farm.watch.since(time.monotonic() - 0.1), 10)
        return among_innocents(world, publish, CLOSED_S, "message size")
    finally:
        limit(usual)


@fault("headers over the frame", None, "windows", phases=LOAD)
def headers_over_the_frame(world):
    """As a broker makes them: what it adds when it hands an event on fits no more."""
    arguments = {"x-message-ttl": 0, "x-dead-letter-exchange": f"{world.farm.name}.events"}
    with world.publisher() as declarer:
        helper = declarer.channel.queue_declare("", exclusive=True, arguments=arguments).method.queue
        replies = declarer.channel.queue_declare("", exclusive=True).method.queue

        def publish(publisher, name):
            room = 131072 - 150 - len(replies) - len(name)
            properties = pika.BasicProperties(message_id=name, reply_to=replies, headers={"h": "x" * room})
            publisher.channel.basic_publish("", helper, b"you fool", properties)

        seen = among_innocents(world, publish, CLOSED_S, None)
        answers = {properties.message_id for properties, _ in declarer.take(replies)}
        owed(len(answers) == GUILTY, f"{len(answers)} of {GUILTY} events with long headers are answered")
        return seen


@fault("refused results", None, "none", phases=LOAD)
def refused_results(world):
    """A client's queue that takes nothing. A quorum queue takes one message before it refuses, which is in it."""
    kind = "quorum" if world.queue_type == "quorum" else "classic"
    arguments = {"x-max-length": 0, "x-overflow": "reject-publish", "x-queue-type": kind}
    with world.publisher() as declarer:
        full = f"{world.farm.name}-full"
        declarer.channel.queue_declare(full, durable=True, arguments=arguments)
        with contextlib.suppress(pika.exceptions.NackError):
            declarer.channel.basic_publish("", full, b"in it")

        def publish(publisher, name):
            publisher.publish(b"you fool", message_id=name, reply_to=full)

        try:
            return among_innocents(world, publish, REFUSED_S, f"refused by '{full}'")
        finally:
            declarer.channel.queue_delete(full)
