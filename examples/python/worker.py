#!/usr/bin/python3
"""A worker with pika that uses the scoreboard: it answers each event with its text in capitals. Put your own work into
the function `work`. Needs python3-pika, and winnow_scoreboard.py beside it.

    winnow-autoscaler --farm shop --capacity auto -- examples/python/worker.py
"""

import argparse
import collections
import concurrent.futures
import contextlib
import os
import signal
import sys
import time

import pika

from winnow_scoreboard import BLOCKED, DRAINING, SENDING, WORKING, Scoreboard, drain_timeout_s, fingerprint

PREFETCH = 10  # what one worker hoards, no other can take
IDLE_S = 0.2  # how soon a signal is noticed
RECONNECT_S = 0.5
NOT_COPIED = ("reply_to", "user_id", "expiration", "headers")
# RabbitMQ ends a channel or connection with one of these because of what was sent, or because work took too long.
BLAMED_CODES = {406, *range(501, 507), 530, 541}


def work(body, board):
    """Runs on a thread of its own, so that heartbeats go on. What it raises sends the event to FARM.dead."""
    return body.upper()


def queue_arguments():
    kind = os.environ.get("WINNOW_QUEUE_TYPE", "classic")
    return {"x-queue-type": "classic", "x-queue-version": 2} if kind == "classic-v2" else {"x-queue-type": kind}


class Worker:
    def __init__(self, results=None, rejects_dead=False):
        self.board = Scoreboard()
        self.farm = os.environ.get("WINNOW_FARM", "winnow")
        self.queue = os.environ.get("WINNOW_QUEUE") or f"{self.farm}.work"
        self.is_farms_own = self.queue == f"{self.farm}.work"
        self.results = results or (f"{self.farm}.results" if self.is_farms_own else "")
        self.rejects_dead = rejects_dead
        self.held = collections.deque()  # the event at hand first
        self.thread = concurrent.futures.ThreadPoolExecutor(1)
        self.job = None
        self.longest_s = 0
        self.drain_until_s = None
        signal.signal(signal.SIGTERM, self.drain)

    def drain(self, *_):
        self.drain_until_s = self.drain_until_s or time.monotonic() + drain_timeout_s()

    # ---- the connection ----

    def connect(self):
        self.connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
        self.channel = self.connection.channel()
        self.channel.basic_qos(prefetch_count=PREFETCH)
        self.channel.confirm_delivery()  # publishing returns when the broker has it
        self.tag = self.channel.basic_consume(self.queue, lambda _, *event: self.hold(*event, time.monotonic_ns()))

    def look(self, seconds):
        """Takes in what has come, answers heartbeats, and notices a signal."""
        self.connection.process_data_events(seconds)
        if self.drain_until_s and self.tag:
            self.channel.basic_cancel(self.tag)  # what has not come in here yet goes back to the queue
            self.tag = None

    def wake(self):
        with contextlib.suppress(pika.exceptions.AMQPError):
            self.connection.add_callback_threadsafe(lambda: None)

    def lose(self, error):
        """Everything held comes back. What the answer to an event has cost counts against it, when this worker ends."""
        if getattr(error, "reply_code", None) in BLAMED_CODES and self.held:
            os._exit(1)
        with contextlib.suppress(pika.exceptions.AMQPError):
            self.connection.close()  # an error may have closed the channel alone
        if self.job:
            concurrent.futures.wait([self.job])  # as long as it lasts, nobody else takes up its event
        self.board.set_state(BLOCKED)
        self.board.put_down()
        self.held.clear()
        self.board.set_in_flight(0)

    def connect_again(self):
        while not self.drain_until_s:
            with contextlib.suppress(pika.exceptions.AMQPError):
                return self.connect()
            self.board.progress()
            time.sleep(RECONNECT_S)
        self.tag = None

    # ---- an event ----

    def hold(self, *event):
        self.held.append(event)
        self.board.set_in_flight(len(self.held))

    def let_go(self):
        self.held.popleft()
        self.board.set_in_flight(len(self.held))

    def do(self, body):
        """The work, while the connection is served."""
        self.job = self.thread.submit(work, body, self.board)
        self.job.add_done_callback(lambda _: self.wake())
        while not self.job.done():
            self.look(IDLE_S)
        return self.job.result()

    def send(self, exchange, key, body, properties, headers):
        """What the broker cannot route or refuses is an exception. A direct reply-to is returned even when it arrives."""
        copied = {name: value for name, value in vars(properties).items() if name not in NOT_COPIED}
        copied["correlation_id"] = properties.correlation_id or properties.message_id
        result = pika.BasicProperties(**copied, headers=headers)
        self.channel.basic_publish(exchange, key, body, result, not key.startswith("amq.rabbitmq.reply-to"))

    def bury(self, properties, body, reason):
        """To FARM.dead, which is there before it is needed only where the farm has a queue of its own."""
        self.board.count_dead()
        dead = f"{self.farm}.dead"
        if not self.is_farms_own:
            self.channel.exchange_declare(dead, "fanout", durable=True)
            self.channel.queue_declare(dead, durable=True, arguments=queue_arguments())
            self.channel.queue_bind(dead, dead)
        self.send(dead, "", body, properties, {"winnow-reason": reason.encode()[:399].decode(errors="ignore")})

    def answer(self, redelivered, properties, body, delivered_ns):
        """None, or what is dead of it and why."""
        event = fingerprint(vars(properties), body)
        if redelivered:
            self.board.wait_for_last_worker(event, delivered_ns, self.connection.sleep)
            if self.board.is_poison(event):
                return body, "poison: it crashed or hung its workers too often"
        self.board.take_up(event)
        try:
            result = self.do(body)
        except pika.exceptions.AMQPError:
            raise
        except Exception as error:
            return body, f"the work failed: {error!r}"
        self.board.set_state(SENDING)
        key = properties.reply_to or self.results
        try:
            if key:
                self.send("", key, result, properties, {"winnow-redelivered": True} if redelivered else None)
        except (pika.exceptions.UnroutableError, pika.exceptions.NackError) as error:
            return result, f"unroutable result: {error!r}"

    def handle(self, method, properties, body, delivered_ns):
        began_s = time.monotonic()
        dead = self.answer(method.redelivered, properties, body, delivered_ns)
        if dead and self.rejects_dead:
            print(f"worker.py: rejected: {dead[1]}", file=sys.stderr)
            self.channel.basic_reject(method.delivery_tag, requeue=False)
        else:
            if dead:
                self.bury(properties, *dead)
            self.channel.basic_ack(method.delivery_tag)
        self.let_go()
        self.board.answered()
        self.board.set_state(DRAINING if self.drain_until_s else WORKING)
        self.longest_s = max(self.longest_s, time.monotonic() - began_s)

    def give_back(self, method, *_):
        self.channel.basic_nack(method.delivery_tag)
        self.let_go()
        self.board.count_given_back(1)

    # ---- all of them ----

    def serve(self):
        self.board.set_state(WORKING)
        self.board.tell_ready()
        while self.held or not self.drain_until_s:
            self.look(0 if self.held else IDLE_S)
            self.board.progress()
            if self.held:
                late = self.drain_until_s and time.monotonic() + self.longest_s > self.drain_until_s
                (self.give_back if late else self.handle)(*self.held[0])
        self.connection.close()
        self.tag = None

    def run(self):
        self.connect()
        while self.tag:
            try:
                self.serve()
            except pika.exceptions.AMQPError as error:
                print(f"worker.py: {error!r}", file=sys.stderr)
                self.lose(error)
                self.connect_again()


def main():
    parser = argparse.ArgumentParser(description="Answers each event with its text in capitals.")
    parser.add_argument("--results", metavar="QUEUE", help="where results go whose event has no reply_to")
    parser.add_argument("--dead", choices=["farm", "reject"], help="what is dead goes to FARM.dead (default) or is rejected")
    options = parser.parse_args()
    Worker(options.results, options.dead == "reject").run()


if __name__ == "__main__":
    main()
