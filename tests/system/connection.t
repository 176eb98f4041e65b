#!/usr/bin/python3
# quiet: what is claimed of time here is far from what a busy machine takes
"""A connection that comes back: nobody waits for the broker, and when that is there again so is the connection."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time

from own_broker import OwnBroker
from tap import BIN, URL, Machine, connect, diag, done_testing, equal, farm, ok, spawn, wait_until

PROGRAM = os.path.join(os.path.dirname(BIN), "tests/system/reconnecting")
# Far less than the 2 s that an attempt gives the broker.
SHORT_MS = 1000
machine = Machine().__enter__()


def expect(running, pattern, count, what):
    ok(wait_until(lambda: len(re.findall(pattern, running.stdout(), re.M)) >= count, 30), what)


def expect_no_wait(running):
    equal(running.end(), 0, "it ends when it is told to")
    longest = re.search(r"longest step (\d+) ms", running.stdout())
    ok(longest and int(longest[1]) < SHORT_MS + 1e3 * machine.late_s, "no step has waited") or diag(longest and longest[0])


def declared(queue, url):
    with contextlib.closing(connect(url)) as connection:
        connection.channel().queue_declare(queue, passive=True)
        return True


def silent(scheme):
    """A listener that takes a connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"{scheme}://guest:guest@127.0.0.1:{listener.getsockname()[1]}"
        with spawn(PROGRAM, farm=farm(), amqp=url) as running:
            listener.settimeout(30)
            with listener.accept()[0]:
                told = time.monotonic()
                running.signal(signal.SIGTERM)
                equal(running.wait(20), 0, f"{scheme}: an attempt that runs ends with the program")
                ok(time.monotonic() - told < SHORT_MS / 1e3 + machine.late_s, "and holds it up no time")
                ok("failed" not in running.stdout(), "and was not waited for")


silent("amqp")
silent("amqps")

with socket.create_server(("127.0.0.1", 0)) as refusing:
    address = refusing.getsockname()[1]
with spawn(PROGRAM, farm=farm(), amqp=f"amqp://127.0.0.1:{address}") as running:
    expect(running, "^failed broker unavailable: no broker answers at 127.0.0.1", 3, "where nobody listens it tries on")
    expect_no_wait(running)

# What is missing is told by its name, whatever that is.
name = "it's a caf\u00e9' in vhost '/" + farm()
with spawn(PROGRAM, farm=name) as running, contextlib.closing(connect()) as connection:
    expect(running, "^opened", 1, "it connects")
    channel = connection.channel()
    for number, (delete, what) in enumerate(
        ((channel.queue_delete, f"queue '{name}.work'"), (channel.exchange_delete, f"exchange '{name}.events'")), 2
    ):
        delete(what.split("'", 1)[1][:-1])
        running.signal(signal.SIGHUP)
        expect(running, f"^lost {re.escape(what)}: ", 1, f"a missing {what.split()[0]} is named")
        expect(running, "^opened", number, "and declared anew")

with OwnBroker() as broker:
    name = farm()
    with spawn(PROGRAM, farm=name, amqp=broker.url) as running:
        expect(running, "^opened", 1, "it connects")
        ok(declared(f"{name}.work", broker.url), "what its user needs was declared")
        broker.kill()
        expect(running, "^lost", 1, "a broker is killed under it")
        expect(running, "^failed broker unavailable", 2, "attempts fail while it is gone")
        broker.start()
        expect(running, "^opened", 2, "with the broker the connection comes back")
        expect_no_wait(running)

    with open(os.path.join(broker.directory, "node.pid"), encoding="ascii") as file:
        node = int(file.read())
    name = farm()
    os.kill(node, signal.SIGSTOP)
    try:
        with spawn(PROGRAM, farm=name, amqp=broker.url) as running:
            expect(running, "^failed", 1, "a broker that stands still is given up ...")
            expect(running, "^failed broker unavailable: .*127.0.0.1", 1, "... for now, and named")
            os.kill(node, signal.SIGCONT)
            expect(running, "^opened", 1, "when it goes on it gets its connection")
            ok(declared(f"{name}.work", broker.url), "set up as ever")
            expect_no_wait(running)
    finally:
        os.kill(node, signal.SIGCONT)

# One of several brokers is enough, for a farm, its workers and its clients.
with socket.create_server(("127.0.0.1", 0)) as server:
    away = f"amqp://127.0.0.1:{server.getsockname()[1]}"
for urls in f"{away},{URL}", f"{URL},{away}":
    name = farm()
    send = (os.path.join(BIN, "winnow-ctl"), "--amqp", urls, "--farm", name, "send", "--wait", "20s", "You fool!")
    answer = lambda: subprocess.run(send, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False).stdout
    with spawn("winnow-autoscaler", "--min", "1", "--max", "1", farm=name, amqp=urls) as scaler:
        ok(wait_until(lambda: answer() == "You CENSORED!", 20), "a broker beside one that is away is found")
        equal(scaler.end(60), 0, "... and the farm ends well")

done_testing()
