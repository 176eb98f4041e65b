#!/usr/bin/python3
# quiet: no claim about time
"""The words' programs beside a broker that restarts, or takes nothing: results are read on where they were, and requests
that cannot be answered do not fill the memory."""

import contextlib
import os
import re
import signal
import subprocess

from client import Client, ctl, port_of
from own_broker import OwnBroker
from tap import BIN, connect, diag, done_testing, equal, farm, ok, spawn, wait_until
from words import Words, service

MIB = 1 << 20
LARGE = 120


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Reader:
    """winnow-ctl results, with what it has printed so far."""

    def __init__(self, url, name, *args):
        self.path = f"{name}.{'.'.join(args) or 'all'}"
        with open(self.path, "w", encoding="utf-8") as out, open(self.path + ".log", "w", encoding="utf-8") as log:
            command = [os.path.join(BIN, "winnow-ctl"), "--amqp", url, "--farm", name, "results", *args]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def lines(self):
        return read(self.path).splitlines()

    def log(self):
        return read(self.path + ".log")


def results_are_read_on_after_a_restart(broker, url):
    name = farm()
    with contextlib.ExitStack() as stack:
        worker = stack.enter_context(spawn("winnow-filter", "--results-type", "stream", farm=name, amqp=url))
        publish(name, url, range(5))
        ok(wait_until(lambda: len(results(url, name)) == 5, 20), "there are results")
        idle = stack.enter_context(Reader(url, name, "--follow", "--last", "0"))
        reader = stack.enter_context(Reader(url, name, "--follow", "--last", "2"))
        whole = stack.enter_context(Reader(url, name, "--follow"))
        readers = (idle, reader, whole)
        ok(wait_until(lambda: (len(reader.lines()), len(whole.lines())) == (2, 5), 20), "somebody follows them")
        ctl("stop_app", directory=broker)
        ctl("start_app", directory=broker)
        ok(wait_until(lambda: all("farm_silent" in one.log() for one in readers), 20), "it is said that the broker went")
        ok(wait_until(lambda: worker.stderr().count("event=consuming") == 2, 30), "the worker is back")
        publish(name, url, range(5, 8))
        ok(wait_until(lambda: len(idle.lines() + reader.lines() + whole.lines()) >= 3 + 5 + 8, 30), "it goes on") or diag(
            [one.log() for one in readers]
        )
        every = [f"CENSORED {number}" for number in range(8)]
        equal(reader.lines(), every[3:], "... behind the last one, without a gap or a second one")
        equal(whole.lines(), every, "... of all of them")
        equal(idle.lines(), every[5:], "... also where there was none yet")
        ok(all("farm_heard" in one.log() for one in readers), "... which is said")
        with contextlib.closing(connect(url)) as connection:
            connection.channel().queue_delete(f"{name}.results")
        for one in readers:
            equal(one.process.wait(20), 78, "when the stream is deleted it ends")
            ok("no queue" in one.log(), "... and says why") or diag(one.log())


def publish(name, url, numbers):
    with Client(name, url) as client:
        for number in numbers:
            client.publish(f"fool {number}")


def results(url, name):
    command = [os.path.join(BIN, "winnow-ctl"), "--amqp", url, "--farm", name, "results"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout.splitlines()


def peak_mib(program):
    return int(re.search(r"VmHWM:\s+(\d+)", read(f"/proc/{program.pid}/status")).group(1)) / 1024


def large_requests_do_not_fill_the_memory(broker, url):
    """The broker takes no answer, for its memory alarm, and hands out one request after the other."""
    name = farm()
    with service(name, amqp=url) as program, Words(name, url) as words:
        words.ask("add", "fool")  # a connection is blocked once it has published
        program.signal(signal.SIGSTOP)
        body = b"word\n" + b"\n" * (MIB - 5)
        numbers = [words.send("add", body) for _ in range(LARGE)]
        ok(wait_until(lambda: ready(url, name) == 0, 60), "many large requests are handed out")
        ctl("set_vm_memory_high_watermark", "absolute", "1", directory=broker)
        program.signal(signal.SIGCONT)
        looks = []
        taken = wait_until(lambda: looks.append(under_way(url)) or looks[-20:] == 20 * [0], 60)
        ok(taken, "an instance that cannot answer takes them") or diag(looks[-20:])
        peak = peak_mib(program)
        ctl("set_vm_memory_high_watermark", "0.6", directory=broker)
        answers = [words.message(number, 60)[1] for number in numbers]
        ok(all(answer and answer["added"] + answer["known"] == 1 for answer in answers), "all of them are answered in the end")
        equal(sum(answer["added"] for answer in answers if answer), 1, "... and one has added the word")
        for what, mib in (("while the broker reads nothing", peak), ("afterwards", peak_mib(program))):
            ok(mib < 64 or os.environ["WINNOW_BUILD"] == "asan", f"{LARGE} MiB of requests do not fill the memory {what}")
            diag(f"{mib:.1f} MiB at most")


def ready(url, name):
    with contextlib.closing(connect(url)) as connection:
        return connection.channel().queue_declare(f"{name}.words", passive=True).method.message_count


def under_way(url):
    """How many bytes from the broker wait in the kernel for one of its connections to take them."""
    port = f":{port_of(url):04X}"
    waiting = 0
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        for _, local, remote, state, queues, *_ in map(str.split, read(path).splitlines()[1:]):
            sent, received = (int(half, 16) for half in queues.split(":"))
            if state == "01":
                waiting += sent * local.endswith(port) + received * remote.endswith(port)
    return waiting


with OwnBroker() as own:
    results_are_read_on_after_a_restart(own.directory, own.url)
    large_requests_do_not_fill_the_memory(own.directory, own.url)
done_testing()
