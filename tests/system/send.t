#!/usr/bin/python3
# quiet: no claim about time
"""winnow-ctl send: an event from a shell, its result, and what is said when there is none."""

import os
import subprocess

from client import GOODBYE, UNBIND, Client, Line, ctl
from tap import BIN, URL, connect, done_testing, equal, farm, like, ok, spawn, wait_until
from terminal import Terminal


def send(name, *args, text=b"", amqp=URL):
    return subprocess.run([os.path.join(BIN, "winnow-ctl"), "--amqp", amqp, *(("--farm", name) if name else ()), *args],
                          input=text, capture_output=True, timeout=60, check=False)


def said(name, code, pattern, *args, **more):
    run = send(name, "send", *args, **more)
    equal((run.returncode, run.stdout), (code, b""), f"send {' '.join(args)} ends with {code}")
    like(run.stderr.decode(), pattern, "... saying so")


def events_get_there(name, client):
    run = send(name, "send", "--type", "t", "hello")
    equal((run.returncode, run.stdout, run.stderr), (0, b"", b""), "an event is sent, without a word")
    _, properties, body = client.get(client.results)
    equal((body, properties.type, properties.delivery_mode), (b"hello", "t", 2), "with its type, and persistent")
    ok(properties.message_id, "and a name of its own")
    send(name, "send", text=b"a\0\xff\n")
    equal(client.get(client.results)[2], b"a\0\xff\n", "standard input is sent as it is")
    send(name, "send", "-", text=b"x" * 1000000)
    equal(len(client.get(client.results)[2]), 1000000, "also when it is long")
    send(name, "send", "")
    equal(client.get(client.results)[2], b"", "an empty text is a text")


def results_come_back(name):
    equal(send(name, "send", "--wait", "hello").stdout, b"hello", "--wait writes the result")
    equal(send(name, "send", "--wait", "20s", "hello").stdout, b"hello", "with a patience")
    equal(send(name, "send", "--wait=20s", "5s").stdout, b"5s", "also for a text that reads like one")
    equal(send(name, "send", "--wait", "--", "--wait").stdout, b"--wait", "or like an option")
    equal(send(name, "send", "--wait", text=b"a\0\xff\n").stdout, b"a\0\xff\n", "byte by byte")
    equal(send(name, "send", "5s", "--wait").stdout, b"5s", "wherever it stands")


def copies_end_before_their_queue_does(name):
    """What the broker delivers to a queue at the moment in which that ends it refuses, though FARM.dead has it too."""
    with Line(records=True) as line:
        equal(send(name, "send", "--wait", "hello", amqp=line.url).stdout, b"hello", "over a line that listens, too")
        equal([each[-2:] for each in line.methods()], [[UNBIND, GOODBYE]], "whoever leaves asks for no more copies first")


def a_terminal_gets_whole_lines(name):
    for text in ("hello", "hello\n"):
        command = [os.path.join(BIN, "winnow-ctl"), "--amqp", URL, "--farm", name, "send", "--wait", text]
        with Terminal(24, 80, command, dict(os.environ)) as terminal:
            equal(terminal.process.wait(60), 0, f"{text!r} is answered on a terminal")
        equal(terminal.screen.before, "hello\r\n", "... with one line")


def failures_are_told():
    name = farm()
    types = ("--type", "fail=sh -c 'echo no >&2; exit 3'", "--type", "hang=sleep 600", "--type", "cat=cat")
    with spawn("winnow-run", "--drain-timeout", "200ms", *types, farm=name), Client(name) as client:
        said(name, 1, "^winnow-ctl: the event is dead: exited with 3: no\n$", "--wait", "--type", "fail", "x")
        said(name, 1, "dead: it has no type", "--wait", "x")
        equal(send(name, "send", "--wait", "--type", "cat", "x").stdout, b"x", "what is dead of others is nobody's concern")
        said(name, 75, "no result within 100ms", "--wait=100ms", "--type", "hang", "x")
        ok(wait_until(lambda: client.held()[0] == 0, 20), "...")
    said(name, 64, "expected at most 255 bytes", "--type", "x" * 256, "x")
    said(name, 64, "unexpected argument 'y'", "x", "y")
    said(farm(), 69, "nobody|no queue takes events", "x")
    said(name, 69, "the broker at 127.0.0.1:1 ", "--connect-timeout", "0", "x", amqp="amqp://127.0.0.1:1")
    equal(send(name, "status", "--wait").returncode, 64, "other verbs want to know how long to wait")


def queues_that_are_there():
    with connect() as connection:
        channel = connection.channel()
        name = channel.queue_declare(farm() + ".jobs", exclusive=True).method.queue
        equal(send(None, "--queue", name, "send", "hello").returncode, 0, "a queue may be named")
        body = wait_until(lambda: channel.basic_get(name, auto_ack=True)[2], 20)
        equal(body, b"hello", "the event is in it")
    said(None, 69, "there is no queue", "--queue", name, "hello")
    equal([row for row in ctl("list_exchanges", "name") if name in row[0]], [], "and nothing was declared")


name = farm()
with spawn("winnow-run", "--", "cat", farm=name), Client(name) as client:
    events_get_there(name, client)
    results_come_back(name)
    copies_end_before_their_queue_does(name)
    a_terminal_gets_whole_lines(name)
    equal([row for row in ctl("list_queues", "name") if f"{name}.send" in row[0]], [], "no queue is left behind")
failures_are_told()
queues_that_are_there()
done_testing()
