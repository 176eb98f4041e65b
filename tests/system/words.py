"""A client of the word service, and instances of it.

    from words import *
    with service(name, store="words.db"), Words(name) as words:
        equal(words.ask("add", "fool")["added"], 1, "a word is added")
"""

import contextlib
import json
import os
import socket
import subprocess
import time

import pika

from tap import connect, diag, ok, spawn, wait_until


class Words:
    """Asks the service of a farm, from pika as anybody would."""

    def __init__(self, name, url=None):
        self.farm = name
        self.connection = connect(url)
        self.channel = self.connection.channel()
        self.replies = self.channel.queue_declare("", exclusive=True).method.queue
        self.taken = {}
        self.number = 0
        self.channel.basic_consume(self.replies, self._take, auto_ack=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.connection.is_open:
            self.connection.close()

    def _take(self, channel, method, properties, body):
        self.taken[properties.correlation_id] = (properties, json.loads(body))

    def send(self, kind, body="", **properties):
        self.number += 1
        properties = {"reply_to": self.replies, "correlation_id": str(self.number), "type": kind, **properties}
        properties = pika.BasicProperties(**{key: value for key, value in properties.items() if value is not None})
        body = body if isinstance(body, bytes) else body.encode()
        self.channel.basic_publish("", f"{self.farm}.words", body, properties)
        return str(self.number)

    def message(self, number, seconds=20):
        """(properties, answer) to a request; (None, None) after the deadline."""
        self.until(lambda: number in self.taken, seconds)
        return self.taken.pop(number, (None, None))

    def until(self, condition, seconds=20):
        """Takes what comes until the condition holds; whether it does."""
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            self.connection.process_data_events(0.1)
        return condition()

    def ask(self, kind, body="", **properties):
        return self.message(self.send(kind, body, **properties))[1]

    def entries(self, **members):
        answer = self.ask("list", json.dumps(members) if members else "")
        return [entry["entry"] for entry in answer["entries"]]

    def dead(self):
        """The next message of FARM.dead, as (reason, body)."""
        got = wait_until(lambda: self._get(f"{self.farm}.dead"), 20)
        return got and (got[1].headers["winnow-reason"], got[2])

    def _get(self, queue):
        method, properties, body = self.channel.basic_get(queue, auto_ack=True)
        return (method, properties, body) if method else None


@contextlib.contextmanager
def service(name, *args, store="words.db", **kwargs):
    with spawn("winnow-words", "--store", store, *args, farm=name, **kwargs) as running:
        ok(wait_until(lambda: "event=consuming" in running.stderr(), 20), "the service consumes") or diag(running.stderr())
        yield running


def free_port():
    """None of those that the kernel or tools/private-broker gives to somebody, and another in each process."""
    for port in range(10000 + os.getpid() % 10000, 20100):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise RuntimeError("no port is free")


class Redis:
    """A Redis of our own, which keeps its data in the working directory."""

    def __init__(self, *args):
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._args = ["--port", self.port, "--appendonly", "yes", "--appendfsync", "always", "--save", "", *args]
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        command = ["redis-server", "--bind", "127.0.0.1", *map(str, self._args)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        if not wait_until(self._answers, 20):
            raise RuntimeError("redis-server does not answer")

    def _answers(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(100).startswith(b"+PONG")

    def stop(self):
        self.process.kill()
        self.process.wait()
