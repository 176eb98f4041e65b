"""Clients of the word service, each in a thread of its own, of several kinds: pika with a queue for its answers or by
direct reply-to, winnow-ctl, and amqplib in Node.

Each changes words of its own and knows what must come of it, whatever happens to instances and broker meanwhile.
"""

import json
import os
import random
import subprocess
import threading
import time

import pika

from tap import BIN

PATIENCE_S = 3


class Client(threading.Thread):
    """Changes words of its own, one after the other, and asks until it is answered. A word is left alone once an
    answer has not come in time: a copy of that request may still be carried out."""

    def __init__(self, chaos, number):
        super().__init__(daemon=True)
        self.chaos, self.number = chaos, number
        self.random = random.Random(f"{chaos.seed} {number}")
        self.words = {}  # word: whether it is there
        self.retired = set()
        self.version = self.answered = self.repeated = 0

    def ask_once(self, kind, body):
        """The answer, with "redelivered": whether an instance may have done it before and died; None when none came in
        time, or the connection broke."""
        raise NotImplementedError

    def end(self):
        """Releases what outlives the thread."""

    def ask(self, kind, body=""):
        """(answer, whether the first one came)."""
        first = True
        while True:
            answer = self.ask_once(kind, body)
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
            time.sleep(self.random.random() * self.chaos.pause_s)


class PikaClient(Client):
    """With a queue of its own for the answers."""

    channel = None
    direct = None

    def _connect(self):
        parameters = pika.URLParameters(self.chaos.url)
        parameters.heartbeat, parameters.blocked_connection_timeout = 0, 10
        self.channel = pika.BlockingConnection(parameters).channel()
        self.reply_to = self.direct or self.channel.queue_declare("", exclusive=True).method.queue
        self.answers = {}
        self.channel.basic_consume(
            self.reply_to, lambda _c, _m, p, body: self.answers.__setitem__(p.correlation_id, (p, body)), auto_ack=True
        )

    def ask_once(self, kind, body):
        try:
            return self._ask(kind, body)
        except (pika.exceptions.AMQPError, OSError):
            self.channel = None
            time.sleep(0.2)

    def _ask(self, kind, body):
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
        return {"redelivered": "winnow-redelivered" in properties.headers, **json.loads(answer)}


class DirectClient(PikaClient):
    direct = "amq.rabbitmq.reply-to"


class CtlClient(Client):
    """winnow-ctl, started for each request. What it prints does not tell whether an answer is a second one."""

    def ask_once(self, kind, body):
        if kind == "list":
            body = json.loads(body)["prefix"] if body else ""
        command = [os.path.join(BIN, "winnow-ctl"), "--amqp", self.chaos.url, "--farm", self.chaos.name, "--connect-timeout",
                   "1s", "--wait", f"{PATIENCE_S}s", "--json", "words", kind, *([body] if body else [])]
        run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        if run.returncode:
            time.sleep(0.2)
            return None
        return {"redelivered": True, **json.loads(run.stdout)}


class NodeClient(Client):
    """tests/more/ask_words.js, which ends when its connection does."""

    process = None

    def _start(self):
        command = ["node", os.path.join(os.path.dirname(os.path.abspath(__file__)), "ask_words.js")]
        environment = {**os.environ, "AMQP_URL": self.chaos.url, "WINNOW_FARM": self.chaos.name, "NODE_PATH": "node_modules",
                       "PATIENCE_MS": str(PATIENCE_S * 1000)}
        self.process = subprocess.Popen(command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)

    def ask_once(self, kind, body):
        if not self.process:
            self._start()
        try:
            self.process.stdin.write(json.dumps({"type": kind, "body": body}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except OSError:
            line = ""
        if line:
            return json.loads(line)
        self.end()
        time.sleep(0.2)
        return None

    def end(self):
        if self.process:
            self.process.kill()
            self.process.communicate()
        self.process = None
