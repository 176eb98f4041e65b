#!/usr/bin/python3
"""A worker that uses the scoreboard, as docs/protocol.md has it: answers each event with its text in capitals.

    winnow-autoscaler --farm shop --capacity auto -- docs/scoreboard_worker.py
"""

import collections
import hashlib
import mmap
import os
import signal
import sys
import time

import pika

ATTEMPTS, SLOTS, SLOT_BYTES = 32, 98432, 128
STATE, PID, HANDLED, IN_FLIGHT, BUSY, PROGRESS = 0, 4, 8, 16, 32, 40
FINGERPRINT_HIGH, FINGERPRINT_LOW, STARTED, DUE = 64, 72, 80, 88
WORKING, SENDING, DRAINING = 1, 2, 4


def work(body):
    return body.upper()


class Scoreboard:
    def __init__(self):
        memory = mmap.mmap(int(os.environ["WINNOW_SCOREBOARD_FD"]), 0)
        if memory[:8] != b"WINNOW5\0":
            sys.exit(64)
        # Reading or writing an item of these is one access of 8 or 4 bytes.
        self.longs, self.ints = memoryview(memory).cast("Q"), memoryview(memory).cast("I")
        self.own = SLOTS + SLOT_BYTES * int(os.environ["WINNOW_SLOT"])
        self.hang_timeout_ns, self.max_attempts = self.longs[2], self.ints[6]
        self.ints[(self.own + PID) // 4] = os.getpid()

    def set(self, field, value):
        self.longs[(self.own + field) // 8] = value

    def add(self, field, value):
        self.longs[(self.own + field) // 8] += value

    def set_state(self, state):
        self.set(PROGRESS, time.monotonic_ns())
        self.ints[(self.own + STATE) // 4] = state

    def take_up(self, high, low):
        self.set(PROGRESS, time.monotonic_ns())
        self.set(STARTED, time.monotonic_ns())
        self.set(DUE, 0)
        self.set(FINGERPRINT_HIGH, high)
        self.set(FINGERPRINT_LOW, low)

    def put_down(self):
        self.set(FINGERPRINT_HIGH, 0)
        self.set(FINGERPRINT_LOW, 0)

    def is_elsewhere(self, high, low, since):
        for i in range(self.longs[1]):
            slot = SLOTS + SLOT_BYTES * i
            shown = [self.longs[(slot + field) // 8] for field in (FINGERPRINT_LOW, FINGERPRINT_HIGH, STARTED)]
            if slot != self.own and shown[:2] == [low, high] and shown[2] <= since:
                return True
        return False

    def is_poison(self, high, low):
        for probe in range(16):
            entry = ATTEMPTS + 24 * ((high + probe) % 4096)
            count = self.ints[(entry + 16) // 4]
            if count >= self.max_attempts and [self.longs[entry // 8], self.longs[entry // 8 + 1]] == [high, low]:
                return True
        return False


def fingerprint(properties, body):
    digest = hashlib.blake2b(properties.message_id.encode() if properties.message_id else body, digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little") | 1


def handle(channel, method, properties, body):
    event = fingerprint(properties, body)
    exchange, queue = "", properties.reply_to or f"{farm}.results"
    headers = {}
    since = time.monotonic_ns()
    if method.redelivered:
        headers["winnow-redelivered"] = True
        while board.is_elsewhere(*event, since) and time.monotonic_ns() < since + board.hang_timeout_ns + 200_000_000:
            connection.sleep(0.02)
            board.set(PROGRESS, time.monotonic_ns())
    if method.redelivered and board.is_poison(*event):
        exchange, queue, headers["winnow-reason"] = f"{farm}.dead", "", "poison: it crashed or hung its workers"
    else:
        board.take_up(*event)
        started = time.monotonic_ns()
        body = work(body)
        board.put_down()
        board.add(BUSY, time.monotonic_ns() - started)
    board.set_state(SENDING)
    result = pika.BasicProperties(
        message_id=properties.message_id,
        correlation_id=properties.correlation_id or properties.message_id,
        headers=headers,
        delivery_mode=properties.delivery_mode,
    )
    channel.basic_publish(exchange, queue, body, result)
    channel.basic_ack(method.delivery_tag)
    board.add(HANDLED, 1)
    board.set_state(DRAINING if stopping else WORKING)


stopping = False


def stop(*_):
    global stopping
    stopping = True


signal.signal(signal.SIGTERM, stop)
board = Scoreboard()
farm = os.environ["WINNOW_FARM"]
connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.basic_qos(prefetch_count=10)
channel.confirm_delivery()
held = collections.deque()
tag = channel.basic_consume(f"{farm}.work", lambda *delivery: held.append(delivery))
board.set_state(WORKING)
os.write(int(os.environ["WINNOW_READY_FD"]), b"r")
os.close(int(os.environ["WINNOW_READY_FD"]))
while not stopping or tag or held:
    if stopping and tag:
        board.set_state(DRAINING)
        channel.basic_cancel(tag)
        tag = None
    connection.process_data_events(time_limit=0 if held else 0.2)
    board.set(IN_FLIGHT, len(held))
    board.set(PROGRESS, time.monotonic_ns())
    if held:
        handle(*held.popleft())
connection.close()
