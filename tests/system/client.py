"""A program of another language that uses a farm, the broker's own tools, and a line that can be tampered with.

    from client import *
    with Client(name) as client:
        method, properties, body = client.ask(b"you fool", message_id="1")
"""

import contextlib
import itertools
import os
import queue
import re
import socket
import struct
import threading
import time

import pika
import pika.data

from own_broker import tool
from tap import URL, connect, spawn, wait_until

_encode_value, _decode_value = pika.data.encode_value, pika.data.decode_value


def _encode_floats_too(pieces, value):
    if not isinstance(value, float):
        return _encode_value(pieces, value)
    pieces.append(struct.pack(">cd", b"d", value))
    return 9


def _decode_floats_too(encoded, offset):
    if encoded[offset : offset + 1] != b"d":
        return _decode_value(encoded, offset)
    return struct.unpack_from(">d", encoded, offset + 1)[0], offset + 9


# pika cannot write floating-point headers and reads them as integers; other languages have no such trouble.
pika.data.encode_value, pika.data.decode_value = _encode_floats_too, _decode_floats_too

def port_of(url):
    return pika.URLParameters(url).port


def _tool(command, *args, directory=None):
    return tool(command, directory or os.environ["WINNOW_TEST_BROKER_DIR"], *args)


def _erlang(text):
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'<<"{escaped}">>'


def _call(function, *texts):
    return f"{function}({', '.join(map(_erlang, (*texts, 'a test')))})"


def _known(args):
    """The call in the broker to which a command comes, where that is known here: rabbitmqctl takes a second or two of a
    processor for any."""
    users = "rabbit_auth_backend_internal"
    match args:
        case ("add_user" | "delete_user" as command, *texts):
            return _call(f"{users}:{command}", *texts)
        case ("set_permissions", "-p", vhost, user, *may):
            return _call(f"{users}:set_permissions", user, vhost, *may)
        case ("set_permissions", user, *may):
            return _call(f"{users}:set_permissions", user, "/", *may)
        case ("add_vhost" | "delete_vhost" as command, vhost):
            return _call(f"rabbit_vhost:{command.partition('_')[0]}", vhost)
        case ("set_vm_memory_high_watermark" as command, "absolute", limit):
            return f"vm_memory_monitor:{command}({{absolute, {limit}}})"
        case ("set_vm_memory_high_watermark" as command, limit):
            return f"vm_memory_monitor:{command}({limit})"
    return None


def ctl(*args, directory=None):
    """What rabbitmqctl says, as rows of its columns."""
    if args == ("list_queues", "name"):
        text = '[binary_to_list(element(4, amqqueue:get_name(Q))) || Q <- rabbit_amqqueue:list(<<"/">>)].'
        return [[name] for name in re.findall(r'"([^"]*)"', evaluate(text, directory=directory))]
    known = _known(args)
    if known:
        said = evaluate(f"{known}.", directory=directory)
        if said != "ok":
            raise RuntimeError(f"{' '.join(args)}: {said}")
        return []
    return [line.split("\t") for line in _tool("ctl", "-q", *args, directory=directory).splitlines()]


def evaluate(text, directory=None):
    """What these expressions are in the broker, as Erlang writes it."""
    return _tool("eval", text, directory=directory)


class Client:
    """Publishes events to a farm that a worker has declared, and takes results."""

    def __init__(self, farm, url=None, seconds=20):
        self.farm = farm
        self.work, self.results, self.dead = (f"{farm}.{part}" for part in ("work", "results", "dead"))
        self._url = url
        self._numbers = itertools.count(1)
        self.connection = connect(url)
        self.channel = self.connection.channel()
        if not wait_until(self.declared, seconds):
            raise RuntimeError(f"nobody declared {farm}.events within {seconds} s")
        self.replies = self.channel.queue_declare("", exclusive=True).method.queue
        self.channel.confirm_delivery()

    def declared(self):
        """Whether a worker consumes: what it declares comes before that, and bindings cannot be asked for."""
        try:
            if not self.channel.is_open:
                self.channel = self.connection.channel()
            self.channel.exchange_declare(f"{self.farm}.events", passive=True)
            return self.channel.queue_declare(self.work, passive=True).method.consumer_count > 0
        except pika.exceptions.ChannelClosedByBroker:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.connection.is_open:
            self.connection.close()

    def publish(self, body, **properties):
        """One event, confirmed."""
        body = body.encode() if isinstance(body, str) else body
        self.channel.basic_publish(f"{self.farm}.events", "", body, pika.BasicProperties(**properties))

    def publish_many(self, count, text="you fool", **properties):
        """Events with the message_ids "0", "1", ... of which all have arrived at their queues when it returns."""
        channel = self.connection.channel()
        for number in range(count):
            channel.basic_publish(
                f"{self.farm}.events", "", text.encode(), pika.BasicProperties(message_id=str(number), **properties)
            )
        channel.close()  # answered after everything before it

    def get(self, queue, seconds=20):
        """The next message of a queue as (method, properties, body), acknowledged; None after the deadline."""
        return wait_until(lambda: self._get(queue), seconds) or None

    def _get(self, queue):
        method, properties, body = self.channel.basic_get(queue, auto_ack=True)
        return (method, properties, body) if method else None

    def get_ready(self, queue):
        """All that is in the queue now."""
        return list(iter(lambda: self._get(queue), None))

    def ask(self, body, seconds=20, **properties):
        """The answer to one event, which gets a reply_to and, unless given, a correlation_id."""
        correlation_id = properties.setdefault("correlation_id", f"ask-{next(self._numbers)}")
        self.publish(body, reply_to=self.replies, **properties)
        answer = self.get(self.replies, seconds)
        if answer and answer[1].correlation_id != correlation_id:
            raise RuntimeError(f"asked {correlation_id}, answered {answer[1].correlation_id}")
        return answer

    def ready(self, queue):
        """Messages in the queue that no consumer holds."""
        return self.channel.queue_declare(queue, passive=True).method.message_count

    def consumers(self, queue):
        return self.channel.queue_declare(queue, passive=True).method.consumer_count

    def held(self):
        """(ready, unacknowledged) of the work queue."""
        queue = f'rabbit_misc:r(<<"/">>, queue, {_erlang(self.work)})'
        counts = "rabbit_amqqueue:info(Q, [messages_ready, messages_unacknowledged])"
        text = f"case rabbit_amqqueue:lookup({queue}) of {{ok, Q}} -> [{{_, R}}, {{_, U}}] = {counts}, {{R, U}}; _ -> gone end."
        said = evaluate(text)
        return None if said == "gone" else tuple(map(int, said.strip("{}").split(",")))


@contextlib.contextmanager
def working(name, *args, amqp=None):
    """A worker of the farm and a client of it, who speaks to the broker itself."""
    with spawn("winnow-filter", *args, farm=name, amqp=amqp) as worker, Client(name) as client:
        yield worker, client


def numbers(messages):
    return [int(properties.correlation_id) for _, properties, _ in messages]


def redelivered(messages):
    return [method.redelivered for method, _, _ in messages].count(True)


UNBIND, GOODBYE = (50, 50), (10, 50)  # queue.unbind, connection.close


def _methods(data):
    while len(data) >= 7:
        kind, _, size = struct.unpack_from(">BHI", data)
        if kind == 1:
            yield struct.unpack_from(">HH", data, 7)
        data = data[size + 8 :]


class Line:
    """A TCP line to the broker that looks at the frames coming from it.

    url     goes through the line
    mode    "pass"; "hold": the broker's confirms never arrive; "refuse": they arrive as refusals;
            "silent": nothing goes either way, as when a cable is pulled
    delay_s what the broker sends comes so much later
    sent    what went to the broker, for each connection, while records is true
    """

    BASIC_ACK, BASIC_NACK = struct.pack(">HH", 60, 80), struct.pack(">HH", 60, 120)

    def __init__(self, url=URL, mode="pass", records=False):
        self.mode, self.delay_s = mode, 0
        self.records, self.sent = records, []
        self.confirms = 0
        self._ends = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._target = ("127.0.0.1", port_of(url))
        self.url = f"amqp://guest:guest@127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Breaks every connection, and takes no more."""
        # shutdown, not close alone: a thread in accept or recv would hold on to it.
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self.cut()

    def used(self):
        """Whether somebody has been connected by it since it was last cut."""
        return bool(self._ends)

    def cut(self):
        """Breaks every connection, without a word of AMQP."""
        for end in self._ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._ends = []

    def methods(self):
        """The (class, method) of each frame that was sent, in order, for each connection; see records."""
        return [list(_methods(bytes(each)[len(b"AMQP\0\0\x09\x01") :])) for each in self.sent]

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            self._ends += [near, far]
            threading.Thread(target=self._carry, args=(near, far, None), daemon=True).start()
            threading.Thread(target=self._carry, args=(far, near, self._tamper), daemon=True).start()

    def _carry(self, source, sink, tamper):
        pending = b""
        waiting = queue.SimpleQueue()
        sent = bytearray()
        if self.records and not tamper:
            self.sent.append(sent)
        if tamper:
            threading.Thread(target=self._deliver, args=(waiting, sink), daemon=True).start()
        try:
            while data := source.recv(65536):
                if tamper:
                    data, pending = tamper(pending + data)
                    waiting.put((time.monotonic() + self.delay_s, data))
                elif self.mode != "silent":
                    if self.records:
                        sent += data
                    sink.sendall(data)
        except OSError:
            pass
        waiting.put(None)
        # What the broker sent last still goes out.
        for end in (source,) if tamper else (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _deliver(self, waiting, sink):
        """What came from the broker, each when its time has come."""
        with contextlib.suppress(OSError):
            while (item := waiting.get()) is not None:
                due, data = item
                time.sleep(max(0, due - time.monotonic()))
                if self.mode != "silent":
                    sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def _tamper(self, data):
        """Whole frames, and what is left over. A frame: type, channel, size, payload, end."""
        out = []
        while len(data) >= 7:
            kind, _, size = struct.unpack(">BHI", data[:7])
            if len(data) < size + 8:
                break
            frame, data = data[: size + 8], data[size + 8 :]
            if kind == 1 and frame[7:11] == self.BASIC_ACK:
                self.confirms += 1
                if self.mode == "hold":
                    continue
                if self.mode == "refuse":
                    frame = frame[:7] + self.BASIC_NACK + frame[11:]
            out.append(frame)
        return b"".join(out), data
