#!/usr/bin/python3
# quiet: no claim about time
"""A word that is added is filtered by every worker that watches the service's export; how soon, it only tells."""

import contextlib
import os
import statistics
import subprocess
import time

from client import Client
from tap import BIN, URL, diag, done_testing, equal, farm, ok, spawn, wait_until
from words import Words, service

ENTRIES = int(os.environ.get("LIVE_WORDS_ENTRIES", "1000"))
ROUNDS = 20
WORKERS = 2


def ctl(name, *args):
    command = [os.path.join(BIN, "winnow-ctl"), "--amqp", URL, "--farm", name, "words", *args]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)


def is_censored(client, word):
    return client.ask(f"a {word} b")[2] == b"a CENSORED b"


def censored_by_all(client, word, tries=4 * WORKERS):
    """The workers take turns, so that several answers in a row are of both."""
    return all(is_censored(client, word) for _ in range(tries))


def measure(words, client):
    took_ms = []
    for number in range(ROUNDS):
        words.ask("add", f"sudden{number}")
        answered = time.monotonic()
        ok(wait_until(lambda number=number: is_censored(client, f"sudden{number}"), 20), "a word that was added is censored")
        took_ms.append((time.monotonic() - answered) * 1000)
    diag(f"from the answer to the first censored result: median {statistics.median(took_ms):.0f} ms, "
         f"at most {max(took_ms):.0f} ms, {ENTRIES} entries, {ROUNDS} words")


def run():
    name = farm()
    export = os.path.abspath("live.txt")
    with contextlib.ExitStack() as stack:
        stack.enter_context(service(name, "--export", export))
        words = stack.enter_context(Words(name))
        words.ask("add", "\n".join(f"word{number}" for number in range(ENTRIES)))
        ok(wait_until(lambda: os.path.exists(export), 20), "the service writes its list")
        workers = [stack.enter_context(spawn("winnow-filter", "--words", export, "--watch", farm=name)) for _ in range(WORKERS)]
        client = stack.enter_context(Client(name))
        ok(wait_until(lambda: client.consumers(client.work) == WORKERS, 20), "workers watch it")
        equal(client.ask("a fool b")[2], b"a fool b", "a word that nobody has added is let through")
        added = ctl(name, "add", "fool")
        equal((added.returncode, added.stdout), (0, "added 1, known 0, version 2\n"), "it is added")
        ok(wait_until(lambda: censored_by_all(client, "fool"), 20), "... and censored by all workers")
        measure(words, client)
        equal(ctl(name, "remove", "fool").returncode, 0, "it is removed")
        ok(wait_until(lambda: not any(is_censored(client, "fool") for _ in range(4 * WORKERS)), 20), "... and let through by all")
        ok(censored_by_all(client, f"word{ENTRIES - 1}"), "the others are censored as before")
        for worker in workers:
            ok("connection_lost" not in worker.stderr() and "not_loaded" not in worker.stderr(), "without a fault on the way")


def from_nothing():
    """A farm whose service is yet to come, and its first word, and whose last one goes."""
    name = farm()
    export = os.path.abspath("first.txt")
    with spawn("winnow-filter", "--words", export, "--watch", farm=name) as worker:
        ok(wait_until(lambda: "event=list_awaited" in worker.stderr(), 20), "a worker waits for the list")
        ok("event=consuming" not in worker.stderr(), "... and takes no event without it")
        with service(name, "--export", export, store="first.db"), Client(name) as client:
            equal(client.ask("a fool b")[2], b"a fool b", "a service without words writes its list, which lets all through")
            equal(ctl(name, "add", "fool").returncode, 0, "the first word is added")
            ok(wait_until(lambda: is_censored(client, "fool"), 20), "... and censored")
            equal(ctl(name, "remove", "fool").returncode, 0, "the last word is removed")
            ok(wait_until(lambda: not is_censored(client, "fool"), 20), "... and let through")
            ok("not_loaded" not in worker.stderr(), "without a fault on the way")


run()
from_nothing()
done_testing()
