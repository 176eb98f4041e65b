"""What tests of the control plane share: somebody who listens to a farm, and tells it what to do.

    from control import *
    with Control(name) as control:
        control.status()
        equal(control.set(max=4), ("done", ""), "max is set")
"""

import json
import threading
import time

import pika

from tap import connect, wait_until

PATIENCE_S = 20


class Control:
    """Listens to FARM.control and takes answers, all in one queue of its own."""

    def __init__(self, farm, url=None, listens=True, queue="", declares=True):
        self.farm = farm
        self.connection = connect(url)
        self.channel = self.connection.channel()
        self.returned = []
        self.channel.add_on_return_callback(lambda channel, method, properties, body: self.returned.append(body))
        self.queue = self.channel.queue_declare(queue, exclusive=True).method.queue
        self.last = None  # status
        self.taken = []  # (type, correlation_id, message), in the order in which they came
        self._number = 0
        if declares:
            self.channel.exchange_declare(f"{farm}.control", "topic", auto_delete=True)
        if listens:
            self.listen()
        self.channel.basic_consume(self.queue, self._take, auto_ack=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.connection.is_open:
            self.connection.close()

    def listen(self, *keys):
        for key in keys or ("status", "log"):
            self.channel.queue_bind(self.queue, f"{self.farm}.control", key)

    def _take(self, channel, method, properties, body):
        message = json.loads(body)
        if properties.type == "status":
            self.last = message
        self.taken.append((properties.type, properties.correlation_id, message))

    def send(self, body, exchange=None, key="command", **properties):
        """Publishes bytes, or members as a message; returns its correlation_id."""
        self._number += 1
        if not isinstance(body, bytes):
            head = {"v": 1, "farm": self.farm, "from": "test/here/1", "clock": 1, "time": "2026-01-31T12:00:00.000Z"}
            body = json.dumps({**head, **body}).encode()
        properties = {"reply_to": self.queue, "correlation_id": str(self._number), "type": "command", **properties}
        properties = pika.BasicProperties(**{key: value for key, value in properties.items() if value is not None})
        self.channel.basic_publish(f"{self.farm}.control" if exchange is None else exchange, key, body, properties, mandatory=True)
        return str(self._number)

    def wait(self, condition, seconds=PATIENCE_S):
        """Takes what comes until the condition holds of what was taken; returns its value."""

        deadline = time.monotonic() + seconds
        while not (result := condition()) and time.monotonic() < deadline:
            self.connection.process_data_events(0.02)
        return result

    def answer(self, number, seconds=PATIENCE_S):
        """The answer to a message; None after the deadline."""
        return self.wait(
            lambda: next((message for _, own, message in self.taken if own == number), None), seconds
        )

    def seen(self):
        return {member: self.last[member] for member in ("epoch", "sequence")}

    def ask(self, body, **properties):
        """(outcome, reason) of a message that is answered."""
        said = self.answer(self.send(body, **properties)) or {}
        return said.get("outcome"), said.get("reason")

    def tell(self, verb, key="command", **members):
        return self.ask({"verb": verb, "seen": self.seen(), **members}, key=key)

    def status(self, seconds=PATIENCE_S, **members):
        return self.answer(self.send({"verb": "status", **members}), seconds)

    def run(self, seconds=15):
        """Waits until the farm answers, from its start on."""
        return wait_until(lambda: self.status(0.2), seconds)

    def notices(self, event):
        return [message for kind, _, message in self.taken if kind == "log" and message["event"] == event]


# ---- an autoscaler that is made up ----


class Leader:
    """Answers commands as it is told. `answers` is a function from a command to a list of (type, message)."""

    def __init__(self, name, answers, connection=None):
        self.name, self.answers, self.heard = name, answers, []
        self.connection = connection or connect()
        channel = self.connection.channel()
        channel.exchange_declare(f"{name}.control", "topic", durable=False, auto_delete=True)
        queue = channel.queue_declare("", exclusive=True).method.queue
        for key in ("command", "ask"):
            channel.queue_bind(queue, f"{name}.control", key)
        channel.basic_consume(queue, self._take, auto_ack=True)
        self.ending = False
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        while not self.ending:
            self.connection.process_data_events(0.05)
        self.connection.close()

    def _take(self, channel, _, properties, body):
        command = json.loads(body)
        self.heard.append(command)
        for kind, message in self.answers(command):
            answer = pika.BasicProperties(type=kind, correlation_id=properties.correlation_id)
            channel.basic_publish("", properties.reply_to, message, answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ending = True
        self.thread.join()


def message(name, **members):
    envelope = {"v": 1, "farm": name, "from": "winnow-autoscaler/far/7", "clock": 5, "time": "2026-01-31T12:00:00.123Z"}
    return json.dumps(envelope | members)


def answer(name, outcome, reason=""):
    return ("answer", message(name, outcome=outcome, reason=reason))
