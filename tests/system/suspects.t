#!/usr/bin/python3
"""One event that costs its worker the connection: it ends in FARM.dead with the broker's words, and all others are
answered meanwhile."""

import base64
import contextlib
import decimal
import os
import re
import struct
import subprocess
import time

import pika

from client import TOOL, Client
from tap import *

FRAME_MAX = 4 << 20
CONFIG = f"""frame_max = {FRAME_MAX}
max_message_size = 1200
consumer_timeout = 1000
"""
ADVANCED = "[{rabbit, [{channel_tick_interval, 200}]}]."  # how often it looks for what is late
GOOD = 30  # events around each guilty one
KIB = 1024
pika.spec.FRAME_MAX_SIZE = FRAME_MAX  # pika itself has no more than 128 KiB

# A direct reply-to, as another node of a cluster that is gone has made it: a process identifier and a key.
OTHER_NODE = b"\x83gd\x00\x0drabbit@other1" + struct.pack(">II", 100, 0) + b"\x01"
OLD_REPLY_TO = f"amq.rabbitmq.reply-to.{base64.b64encode(OTHER_NODE).decode()}.k"


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

    def complete(self, seconds=15):
        def done():
            self.look()
            return len(set(self.answered)) == self.number

        return wait_until(done, seconds)

    def reason(self, name, seconds=15):
        def done():
            self.look()
            return name in self.dead

        wait_until(done, seconds)
        return self.dead[name][0][0].get("winnow-reason", "") if name in self.dead else None


@contextlib.contextmanager
def private_broker():
    directory = subprocess.run([TOOL, "directory"], capture_output=True, text=True, check=True).stdout.strip()
    with open("broker.conf", "w") as file:
        file.write(CONFIG)
    with open(os.path.join(directory, "advanced.config"), "w") as file:
        file.write(ADVANCED)
    start = [TOOL, "start", directory, "--config", "broker.conf"]
    try:
        yield subprocess.run(start, capture_output=True, text=True, check=True).stdout.strip()
    finally:
        subprocess.run([TOOL, "stop", directory], check=True)


def autoscaler(name, url, *args, **more):
    scaler_args = ("--interval", "200ms", "--min", "2", "--max", "2", *args)
    return spawn("winnow-autoscaler", *scaler_args, "--", os.path.join(BIN, "winnow-filter"), farm=name, amqp=url, **more)


def lines_of(program):
    return len(program.stderr().splitlines())


def guilty_events(url, kind):
    name = farm()
    with autoscaler(name, url, "--queue-type", kind) as scaler, LargeFrames(name, url) as client:
        client.channel.queue_declare(
            f"{name}.stream", durable=True, arguments={"x-queue-type": "stream"}
        )
        answers = Answers(client)
        cases = {
            "old-reply": ("a fool", {"reply_to": OLD_REPLY_TO}, "INTERNAL_ERROR"),
            "too-large": ("fool " * 200, {"reply_to": client.replies}, "message size .* larger"),
            "stream": ("a fool", {"reply_to": f"{name}.stream", "headers": {"d": decimal.Decimal("1.5")}}, ""),
        }
        for case, (body, properties, words) in cases.items():
            begin, before = time.monotonic(), lines_of(scaler)
            answers.publish()
            client.publish(body, message_id=case, **properties)
            answers.publish()
            ok(answers.complete(), f"{kind}, {case}: all others are answered")
            reason = answers.reason(case) 
            like(str(reason), f"^poison: its answer cost its worker the connection: .*{words}", f"{kind}, {case}: it is dead, with the broker's words")
            diag(f"{kind} {case}: {time.monotonic() - begin:.2f} s, {lines_of(scaler) - before} lines, {len(answers.answered)} of {answers.number}")
            diag(reason)
        diag(scaler.stderr())


with private_broker() as url:
    for kind in ("classic", "quorum"):
        guilty_events(url, kind)
done_testing()
