#!/usr/bin/python3
# quiet: no claim about time
"""Words that are added through one instance of the service are live in the workers of two autoscalers that run beside
each other, as on two hosts: each beside an instance with an export of its own.

A queue has one autoscaler, so the second has a farm of its own; its workers take the words of the first one's service."""

import contextlib
import os

from client import Client
from scaler import FILTER
from tap import done_testing, equal, farm, ok, spawn, wait_until
from words import Words, service

WORKERS = 2  # of each autoscaler


def workers_that_say(client, text, want):
    """Those whose answer is the wanted one, of so many answers that each worker has its turn several times; none when
    one of them is another."""
    answers = [client.ask(text) for _ in range(4 * WORKERS)]
    if any(body != want for _, _, body in answers):
        return set()
    return {properties.headers["winnow-worker"] for _, properties, _ in answers}


def becomes(clients, word, want, description):
    """All workers of all farms say so."""
    text = f"a {word} b".encode()
    ok(all(wait_until(lambda client=client: len(workers_that_say(client, text, want)) == WORKERS, 20) for client in clients),
       description)


def live(words, clients):
    becomes(clients, "blockhead", b"a blockhead b", "a word that nobody has added is let through by all workers")
    instances = set()
    for number in range(4):
        answer, _ = words.message(words.send("add", f"blockhead{number}"))
        instances.add(answer.headers["winnow-worker"])
        becomes(clients, f"blockhead{number}", b"a CENSORED b", "one that was added is censored by all workers of both")
    equal(len(instances), 2, "words were added through one instance, and through the other")
    equal(words.ask("remove", "blockhead0")["removed"], 1, "one is removed")
    becomes(clients, "blockhead0", b"a blockhead0 b", "... and let through by all of them")


def has_the_first_word(export):
    with contextlib.suppress(FileNotFoundError), open(export, encoding="utf-8") as file:
        return "\nfool" in file.read()


def run():
    farms = [farm(), farm()]
    exports = [os.path.abspath(f"export{number}.txt") for number in (1, 2)]
    with contextlib.ExitStack() as stack:
        services = [stack.enter_context(service(farms[0], "--export", export)) for export in exports]
        words = stack.enter_context(Words(farms[0]))
        words.ask("add", "fool")  # a list without words is none that a worker starts with
        ok(wait_until(lambda: all(map(has_the_first_word, exports)), 20), "each instance writes an export of its own")
        scalers = [stack.enter_context(spawn("winnow-autoscaler", "--min", WORKERS, "--max", WORKERS, "--quiet", "--",
                                             FILTER, "--words", export, "--watch", farm=name))
                   for name, export in zip(farms, exports)]
        clients = [stack.enter_context(Client(name)) for name in farms]
        ok(wait_until(lambda: all(client.consumers(client.work) == WORKERS for client in clients), 20), "both farms work")
        live(words, clients)
        for running in services + scalers:
            equal(running.end(60), 0, "service and autoscaler end")


run()
done_testing()
