#!/usr/bin/python3
"""Workers of a farm share its events evenly, as the broker hands them out in turn."""

import collections
import contextlib

from client import Client
from tap import done_testing, equal, farm, ok, spawn, wait_until

WORKERS, EVENTS = 4, 4000

name = farm()
with contextlib.ExitStack() as stack:
    workers = [
        stack.enter_context(spawn("winnow-filter", "--service-time", "2ms", farm=name)) for _ in range(WORKERS)
    ]
    client = stack.enter_context(Client(name))
    ok(wait_until(lambda: client.consumers(client.work) == WORKERS, 20), f"{WORKERS} workers consume")
    # Each begins with one event at a time and takes more once it has measured some.
    client.publish_many(40 * WORKERS)
    wait_until(lambda: client.ready(client.results) == 40 * WORKERS, 20)
    client.get_ready(client.results)

    client.publish_many(EVENTS)
    ok(wait_until(lambda: client.ready(client.results) == EVENTS, 40), f"they answer {EVENTS} events")
    results = client.get_ready(client.results)
    equal(
        sorted(int(properties.correlation_id) for _, properties, _ in results),
        list(range(EVENTS)),
        "each of them once",
    )
    share = collections.Counter(properties.headers["winnow-worker"] for _, properties, _ in results)
    equal(
        sorted(int(who.rsplit("/", 1)[1]) for who in share),
        sorted(worker.pid for worker in workers),
        "all of them work",
    )
    for who, count in sorted(share.items()):
        share_of = count / EVENTS
        ok(abs(share_of - 1 / WORKERS) <= 0.05, f"a worker handles 25 % +- 5 of them: {100 * share_of:.1f} %")
    for worker in workers:
        worker.signal(15)
    equal([worker.wait(10) for worker in workers], [0] * WORKERS, "and then they drain")
done_testing()
