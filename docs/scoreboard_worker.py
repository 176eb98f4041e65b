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

# Where things are, in bytes: the attempts and the slots in the memory, the fields in a slot.
ATTEMPTS, SLOTS, SLOT_BYTES = 32, 155776, 128
STATE, PID, HANDLED, IN_FLIGHT, BUSY, PROGRESS = 0, 4, 8, 16, 32, 40
FINGERPRINT_HIGH, FINGERPRINT_LOW, STARTED, DUE = 64, 72, 80, 88
WORKING, SENDING, DRAINING = 1, 2, 4


def work(body):
    return body.upper()


class Scoreboard:
    def __init__(self):
        memory = mmap.mmap(int(os.environ["WINNOW_SCOREBOARD_FD"]), 0)
        if memory[:8] != b"WINNOW6\0":
            sys.exit(64)
        # Reading or writing one item of these is one access of 8 or 4 bytes.
        self.longs, self.ints = memoryview(memory).cast("Q"), memoryview(memory).cast("I")
        self.own = SLOTS + SLOT_BYTES * int(os.environ["WINNOW_SLOT"])
        self.hang_timeout_ns, self.max_attempts = self.longs[2], self.ints[6]
        self.ints[(self.own + PID) // 4] = os.getpid()

    def get(self, slot, field):
        return self.longs[(slot + field) // 8]

    def set(self, field, value):
        self.longs[(self.own + field) // 8] = value

    def add(self, field, value):
        self.set(field, self.get(self.own, field) + value)

    def progress(self):
        self.set(PROGRESS, time.monotonic_ns())

    def set_state(self, state):
        self.progress()
        self.ints[(self.own + STATE) // 4] = state

    def take_up(self, event):
        self.progress()
        self.set(STARTED, time.monotonic_ns())
        self.set(DUE, 0)
        self.set(FINGERPRINT_HIGH, event[0])
        self.set(FINGERPRINT_LOW, event[1])

    def put_down(self):
        """No event is at hand any more."""
        self.set(FINGERPRINT_HIGH, 0)
        self.set(FINGERPRINT_LOW, 0)

    def is_elsewhere(self, event, since_ns):
        """Another worker has been on the event since then, or died of it and is not counted yet."""
        slots = (SLOTS + SLOT_BYTES * i for i in range(self.longs[1]))
        return any(
            slot != self.own
            and self.get(slot, FINGERPRINT_LOW) == event[1]
            and self.get(slot, FINGERPRINT_HIGH) == event[0]
            and self.get(slot, STARTED) <= since_ns
            for slot in slots
        )

    def is_poison(self, event):
        for probe in range(16):
            word = self.get(ATTEMPTS + 16 * ((event[0] + probe) % 8192), 0)
            if word >> 13 == event[1] >> 13 and word % 4096 >= self.max_attempts:
                return True
        return False


def fingerprint(properties, body):
    names = [properties.message_id, properties.correlation_id, properties.reply_to, properties.type]
    digest = hashlib.blake2b(repr(names).encode() + body, digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little") | 1


class Worker:
    def __init__(self):
        self.board = Scoreboard()
        self.farm = os.environ["WINNOW_FARM"]
        self.connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
        self.channel = self.connection.channel()
        self.channel.basic_qos(prefetch_count=10)
        self.channel.confirm_delivery()
        self.held = collections.deque()
        self.stopping = False
        signal.signal(signal.SIGTERM, self.stop)

    def stop(self, *_):
        self.stopping = True

    def wait_for_last_worker(self, event):
        since_ns = time.monotonic_ns()
        until_ns = since_ns + self.board.hang_timeout_ns + 200_000_000
        while self.board.is_elsewhere(event, since_ns) and time.monotonic_ns() < until_ns:
            self.connection.sleep(0.02)
            self.board.progress()

    def answer(self, method, properties, body):
        event = fingerprint(properties, body)
        exchange, key, headers = "", properties.reply_to or f"{self.farm}.results", {}
        if method.redelivered:
            headers["winnow-redelivered"] = True
            self.wait_for_last_worker(event)
        if method.redelivered and self.board.is_poison(event):
            exchange, key = f"{self.farm}.dead", ""
            headers["winnow-reason"] = "poison: it crashed or hung its workers too often"
        else:
            self.board.take_up(event)
            body = work(body)
            self.board.add(BUSY, time.monotonic_ns() - self.board.get(self.board.own, STARTED))
        self.board.set_state(SENDING)
        result = pika.BasicProperties(
            message_id=properties.message_id,
            correlation_id=properties.correlation_id or properties.message_id,
            headers=headers,
            delivery_mode=properties.delivery_mode,
        )
        self.channel.basic_publish(exchange, key, body, result)  # returns when it is confirmed
        self.channel.basic_ack(method.delivery_tag)
        self.board.put_down()
        self.board.add(HANDLED, 1)
        self.board.set_state(DRAINING if self.stopping else WORKING)

    def run(self):
        tag = self.channel.basic_consume(f"{self.farm}.work", lambda _, *event: self.held.append(event))
        self.board.set_state(WORKING)
        os.write(int(os.environ["WINNOW_READY_FD"]), b"r")
        os.close(int(os.environ["WINNOW_READY_FD"]))
        while self.held or not self.stopping:
            self.connection.process_data_events(time_limit=0 if self.held else 0.2)
            self.board.set(IN_FLIGHT, len(self.held))
            self.board.progress()
            if self.held:
                self.answer(*self.held.popleft())
            if self.stopping and tag:
                self.board.set_state(DRAINING)
                self.channel.basic_cancel(tag)  # what has not come in here yet goes back to the queue
                tag = None
        self.connection.close()


if __name__ == "__main__":
    Worker().run()
