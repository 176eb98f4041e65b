#!/usr/bin/python3
# quiet: no claim about time but for broadcasts
"""Three instances of winnow-words, of which one is killed every ten seconds, 20 clients, a broker that restarts.

Every change that was answered is there at the end, and no other; the version never falls in any client's eyes; and
broadcasts keep their time. WORDS_CHAOS_SECONDS (40) is how long, on each store that there is.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

import pika

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/system"))

from tap import diag, done_testing, equal, farm, ok, skip, spawn, wait_until
from words import Redis

SECONDS = int(os.environ.get("WORDS_CHAOS_SECONDS", "40"))
SEED = int(os.environ.get("WORDS_CHAOS_SEED", "1"))
TOOL = os.path.join(os.environ["WINNOW_TOP"], "tools", "private-broker")
CLIENTS, INSTANCES = 20, 3
KILL_EVERY_S = 10
EVERY_S = 5
PATIENCE_S = 3


def tool(*words):
    return subprocess.run([TOOL, *words], check=True, capture_output=True, text=True).stdout.strip()


class Chaos:
    """What all threads share."""

    def __init__(self, url, name):
        self.url, self.name = url, name
        self.over = threading.Event()
        self.kills, self.down = [], []  # times; (from, to)
        self.faults = []


class Client(threading.Thread):
    """Changes words of its own, one after the other, and asks until it is answered. A word is left alone once an
    answer has not come in time: a copy of that request may still be carried out."""

    def __init__(self, chaos, number):
        super().__init__(daemon=True)
        self.chaos, self.number = chaos, number
        self.random = random.Random(f"{SEED} {number}")
        self.words = {}  # word: whether it is there
        self.retired = set()
        self.version = self.answered = self.repeated = 0
        self.channel = None

    def _connect(self):
        parameters = pika.URLParameters(self.chaos.url)
        parameters.heartbeat, parameters.blocked_connection_timeout = 0, 10
        self.channel = pika.BlockingConnection(parameters).channel()
        # Half of them use direct reply-to.
        self.reply_to = "amq.rabbitmq.reply-to"
        if self.number % 2:
            self.reply_to = self.channel.queue_declare("", exclusive=True).method.queue
        self.answers = {}
        self.channel.basic_consume(
            self.reply_to, lambda _c, _m, p, body: self.answers.__setitem__(p.correlation_id, (p, body)), auto_ack=True
        )

    def _ask_once(self, kind, body):
        if not self.channel:
            self._connect()
        own = str(self.random.random())
        properties = pika.BasicProperties(
            type=kind, reply_to=self.reply_to, correlation_id=own, expiration=str(PATIENCE_S * 1000), delivery_mode=2
        )
        self.channel.basic_publish("", f"{self.chaos.name}.words", body.encode(), properties)
        deadline = time.monotonic() + PATIENCE_S
        while own not in self.answers and time.monotonic() < deadline:
            self.channel.connection.process_data_events(0.2)
        if own not in self.answers:
            return None
        properties, answer = self.answers.pop(own)
        # Another instance may have done it, and died before it answered.
        return {"redelivered": "winnow-redelivered" in properties.headers, **json.loads(answer)}

    def ask(self, kind, body=""):
        """(answer, whether the first one came)."""
        first = True
        while True:
            try:
                answer = self._ask_once(kind, body)
            except (pika.exceptions.AMQPError, OSError):
                self.channel, answer = None, None
                time.sleep(0.2)
            if answer and "error" not in answer:
                self.answered += 1
                if answer["version"] < self.version:
                    self.chaos.faults.append(f"client {self.number}: version {answer['version']} after {self.version}")
                self.version = answer["version"]
                return answer, first
            self.repeated += 1
            first = False

    def _change(self):
        word = f"client {self.number} word {self.random.randrange(200)}"
        if word in self.retired:
            return
        adds = not self.words.get(word)
        answer, first = self.ask("add" if adds else "remove", word)
        counts = (answer["added"], answer["known"]) if adds else (answer["removed"], answer["unknown"])
        if counts != (1, 0) and ((first and not answer["redelivered"]) or counts != (0, 1)):
            self.chaos.faults.append(f"'{word}' {'added' if adds else 'removed'}: {answer}")
        self.words[word] = adds
        if not first:
            self.retired.add(word)

    def _read(self):
        if self.random.random() < 0.7:
            self.ask("random", "3")
            return
        prefix = f"client {self.number} word"
        answer, _ = self.ask("list", json.dumps({"prefix": prefix}))
        got = {entry["entry"] for entry in answer["entries"]}
        want = {word for word, there in self.words.items() if there}
        if got != want:
            self.chaos.faults.append(f"client {self.number}: {sorted(got ^ want)} differ")

    def run(self):
        while not self.chaos.over.is_set():
            if self.random.random() < 0.7:
                self._change()
            else:
                self._read()
            time.sleep(self.random.random() * 0.05)


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
    tool("ctl", broker, "-q", "stop_app")
    tool("ctl", broker, "-q", "start_app")
    chaos.down.append((begin, time.monotonic()))


def trouble(chaos, broker, start, running):
    """Kills and restarts until the time is over."""
    dice = random.Random(SEED)
    begin = time.monotonic()
    # Broadcasts need some time in between to be judged.
    restarts = [begin + SECONDS / 3, begin + 2 * SECONDS / 3] if SECONDS >= 100 else [begin + SECONDS / 4]
    kill_at = begin + KILL_EVERY_S / 2
    while time.monotonic() < begin + SECONDS:
        if restarts and time.monotonic() >= restarts[0]:
            restarts.pop(0)
            restart(chaos, broker)
        if time.monotonic() >= kill_at:
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
    ok(answered > CLIENTS, f"{answered} answers, {sum(client.repeated for client in clients)} asked again")
    diag(f"{answered} answers, {len(chaos.kills)} kills, {len(want)} words, version {answer['version']}")


def run_chaos(broker, url, store):
    chaos = Chaos(url, farm())
    programs = []

    def start():
        context = spawn("winnow-words", "--store", store, "--broadcast-every", f"{EVERY_S}s", farm=chaos.name, amqp=url)
        programs.append(context)
        return context.__enter__()

    running = [start() for _ in range(INSTANCES)]
    try:
        clients = [Client(chaos, number) for number in range(CLIENTS)]
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
        for context in programs:
            context.__exit__(None, None, None)


def start_broadcast(chaos):
    connection = pika.BlockingConnection(pika.URLParameters(chaos.url + "?heartbeat=0"))
    connection.channel().basic_publish("", f"{chaos.name}.words", b"start", pika.BasicProperties(type="broadcast"))
    connection.close()


def main():
    broker = os.path.abspath("broker")
    url = tool("start", broker)
    try:
        run_chaos(broker, url, os.path.abspath("words.db"))
        if shutil.which("redis-server"):
            with Redis() as redis:
                run_chaos(broker, url, redis.url)
        else:
            skip("the same on Redis", "redis-server is not installed")
    finally:
        tool("stop", broker)


main()
done_testing()
