#!/usr/bin/python3
# quiet: no claim about time but for broadcasts
# slow: half a minute or more
"""Three instances of winnow-words, of which one is killed every ten seconds, 20 clients of several kinds, a broker that
restarts.

Every change that was answered is there at the end, and no other; the version never falls in any client's eyes; and
broadcasts keep their time. WORDS_CHAOS_SECONDS (40) is how long, on each store that there is.
"""

import os
import random
import shutil
import signal
import sys
import threading
import time

import pika

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/system"))

from amqplib import install_amqplib
from own_broker import OwnBroker, tool
from tap import diag, done_testing, equal, farm, ok, skip, spawn, wait_until
from word_clients import PATIENCE_S, CtlClient, DirectClient, NodeClient, PikaClient
from words import Redis

SECONDS = int(os.environ.get("WORDS_CHAOS_SECONDS", "40"))
SEED = int(os.environ.get("WORDS_CHAOS_SEED", "1"))
KINDS = 6 * [PikaClient] + 6 * [DirectClient] + 4 * [CtlClient] + 4 * [NodeClient]
INSTANCES = 3
KILL_EVERY_S = 10
EVERY_S = 5


class Chaos:
    """What all threads share."""

    def __init__(self, url, name):
        self.url, self.name, self.seed = url, name, SEED
        self.over = threading.Event()
        self.kills, self.down = [], []  # times; (from, to)
        # A short run is one of several tests at once.
        self.pause_s = 0.05 if SECONDS >= 100 else 0.3
        self.faults = []


class Subscriber(threading.Thread):
    def __init__(self, chaos):
        super().__init__(daemon=True)
        self.chaos = chaos
        self.heard = []

    def run(self):
        while not self.chaos.over.is_set():
            try:
                connection = pika.BlockingConnection(pika.URLParameters(self.chaos.url + "?heartbeat=0"))
                channel = connection.channel()
                queue = channel.queue_declare("", exclusive=True).method.queue
                channel.queue_bind(queue, f"{self.chaos.name}.insults")
                channel.basic_consume(queue, lambda *_: self.heard.append(time.monotonic()), auto_ack=True)
                while not self.chaos.over.is_set():
                    connection.process_data_events(0.1)
            except (pika.exceptions.AMQPError, OSError):
                time.sleep(0.2)

    def gaps(self):
        """(from, to) between broadcasts while the broker was there, which takes a moment until all are connected."""
        for before, after in zip(self.heard, self.heard[1:]):
            if not any(begin < after and end + EVERY_S + PATIENCE_S > before for begin, end in self.chaos.down):
                yield before, after


def restart(chaos, broker):
    begin = time.monotonic()
    tool("ctl", broker.directory, "-q", "stop_app")
    tool("ctl", broker.directory, "-q", "start_app")
    chaos.down.append((begin, time.monotonic()))


def trouble(chaos, broker, start, running):
    """Kills and restarts until the time is over, which stands still while the broker restarts."""
    dice = random.Random(SEED)
    begin = time.monotonic()

    def elapsed():
        return time.monotonic() - begin - sum(up - down for down, up in chaos.down)

    # Broadcasts need some time in between to be judged.
    restarts = [SECONDS / 3, 2 * SECONDS / 3] if SECONDS >= 100 else [SECONDS / 4]
    kill_at = KILL_EVERY_S / 2
    while elapsed() < SECONDS:
        if restarts and elapsed() >= restarts[0]:
            restarts.pop(0)
            restart(chaos, broker)
        if elapsed() >= kill_at:
            kill_at += KILL_EVERY_S
            victim = dice.randrange(INSTANCES)
            chaos.kills.append(time.monotonic())
            running[victim].signal(signal.SIGKILL)
            running[victim].wait(20)
            running[victim] = start()
        time.sleep(0.05)


def check_broadcasts(chaos, subscriber):
    gaps = [(before, after, after - before) for before, after in subscriber.gaps()]
    ok(gaps, "broadcasts were heard") or diag((subscriber.heard, chaos.down))
    late = [gap for _, _, gap in gaps if gap > 6.5]
    equal(late, [], "no broadcast came later than 6.5 s after the one before")
    early = [gap for before, _, gap in gaps if gap < 4.5 and not any(before - 6 < kill < before + 6 for kill in chaos.kills)]
    equal(early, [], "nor, but for a kill, sooner than 4.5 s")


def check_words(chaos, clients):
    equal(chaos.faults[:5], [], "no answer is wrong, and no version has fallen")
    for client in clients:
        client.join(60)
    equal([client.number for client in clients if client.is_alive()], [], "every client has its last answer")
    want = {word for client in clients for word, there in client.words.items() if there}
    answer, _ = clients[0].ask("list")
    got = {entry["entry"] for entry in answer["entries"]}
    equal(sorted(got ^ want), [], "every change that was answered is there, and no other")
    answered = sum(client.answered for client in clients)
    ok(answered > len(clients), f"{answered} answers, {sum(client.repeated for client in clients)} asked again")
    kinds = {}
    for client in clients:
        kinds[type(client).__name__] = kinds.get(type(client).__name__, 0) + client.answered
    ok(all(client.answered for client in clients), "... to each client") or diag(kinds)
    diag(f"answers {kinds}, {len(chaos.kills)} kills, {len(want)} words, version {answer['version']}")


def run_chaos(broker, store, kinds):
    chaos = Chaos(broker.url, farm())
    programs, clients = [], []

    def start():
        options = ("--store", store, "--broadcast-every", f"{EVERY_S}s")
        context = spawn("winnow-words", *options, farm=chaos.name, amqp=broker.url)
        programs.append(context)
        return context.__enter__()

    running = [start() for _ in range(INSTANCES)]
    try:
        clients = [kind(chaos, number) for number, kind in enumerate(kinds)]
        ok(wait_until(lambda: all("event=consuming" in program.stderr() for program in running), 60), "all consume") or diag(
            [program.stderr() for program in running]
        )
        subscriber = Subscriber(chaos)
        for thread in (*clients, subscriber):
            thread.start()
        start_broadcast(chaos)
        trouble(chaos, broker, start, running)
        chaos.over.set()
        check_words(chaos, clients)
        check_broadcasts(chaos, subscriber)
        equal([program.end() for program in running], [0] * INSTANCES, "what still runs drains")
    finally:
        chaos.over.set()
        for client in clients:
            client.end()
        for context in programs:
            context.__exit__(None, None, None)


def start_broadcast(chaos):
    connection = pika.BlockingConnection(pika.URLParameters(chaos.url + "?heartbeat=0"))
    connection.channel().basic_publish("", f"{chaos.name}.words", b"start", pika.BasicProperties(type="broadcast"))
    connection.close()


def main():
    reason = install_amqplib()
    if reason:
        skip("clients in Node", f"amqplib cannot be installed here: {' '.join(reason.split())[:200]}")
    kinds = [PikaClient if reason and kind is NodeClient else kind for kind in KINDS]
    with OwnBroker() as broker:
        run_chaos(broker, os.path.abspath("words.db"), kinds)
        if shutil.which("redis-server"):
            with Redis() as redis:
                run_chaos(broker, redis.url, kinds)
        else:
            skip("the same on Redis", "redis-server is not installed")


main()
done_testing()
