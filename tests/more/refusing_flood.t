#!/usr/bin/python3
"""A client that sends 100,000 events and lets none of their results in costs the others nothing but the broker's time:
they wait no longer than beside a client that takes as many results. The 100,000 are kept lazily, as docs/operations.md
advises: else the broker itself stands still for up to half a second whenever it collects the memory of that queue."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time

import pika

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/system"))
from client import Client, evaluate  # noqa: E402
from tap import URL, connect, diag, done_testing, equal, farm, ok, spawn, wait_until  # noqa: E402

FLOOD = 100_000
FLOOD_PER_S = 3000
INNOCENTS_PER_S = 100
QUEUES = {
    "takes": {"x-max-length": 1, "x-overflow": "drop-head"},
    "refuses": {"x-max-length": 0, "x-overflow": "reject-publish"},
}

# A process of its own, so that it does not take the time of whoever measures.
FLOODER = """
import json, sys, time, pika
url, exchange, queue, count, rate, arguments = json.loads(sys.argv[1])
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.queue_declare(queue, exclusive=True, arguments=arguments)
properties = pika.BasicProperties(reply_to=queue)
start = time.monotonic()
for number in range(count):
    channel.basic_publish(exchange, "", b"you fool", properties)
    ahead = number / rate - (time.monotonic() - start)
    if ahead > 0.01:
        connection.process_data_events(ahead)
print("sent", flush=True)
while sys.stdin.read(1):
    pass
connection.close()
"""


def flooder(client, kind):
    queue = f"{client.farm}-{kind}"
    task = [URL, f"{client.farm}.events", queue, FLOOD, FLOOD_PER_S, QUEUES[kind]]
    return subprocess.Popen(
        [sys.executable, "-c", FLOODER, json.dumps(task)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def innocents(client, busy):
    """The seconds that each of their events took, sent evenly as long as busy says so."""
    connection = connect()
    channel = connection.channel()
    replies = channel.queue_declare("", exclusive=True).method.queue
    sent, took = [], {}
    channel.basic_consume(
        replies, lambda _c, _m, p, _b: took.setdefault(int(p.message_id), time.monotonic()), auto_ack=True
    )
    start = time.monotonic()
    while busy():
        properties = pika.BasicProperties(message_id=str(len(sent)), reply_to=replies)
        sent.append(time.monotonic())
        channel.basic_publish(f"{client.farm}.events", "", b"an innocent text", properties)
        while (left := start + len(sent) / INNOCENTS_PER_S - time.monotonic()) > 0:
            connection.process_data_events(left)
    wait_until(lambda: connection.process_data_events(0) or len(took) == len(sent), 60)
    connection.close()
    equal(len(took), len(sent), "all innocents were answered")
    return sorted(took[number] - at for number, at in enumerate(sent))


def memory_kib(worker):
    with open(f"/proc/{worker.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


@contextlib.contextmanager
def lazily(queue):
    definition = '[{<<"queue-mode">>, <<"lazy">>}], 0, <<"queues">>, <<"a test">>'
    evaluate(f'ok = rabbit_policy:set(<<"/">>, <<"{queue}">>, <<"^{queue}$">>, {definition}).')
    try:
        yield
    finally:
        evaluate(f'ok = rabbit_policy:delete(<<"/">>, <<"{queue}">>, <<"a test">>).')


def run(kind):
    name = farm()
    with lazily(f"{name}.dead"):
        return run_farm(name, kind)


def run_farm(name, kind):
    with spawn("winnow-filter", farm=name) as one, spawn("winnow-filter", farm=name) as two, Client(name) as client:
        flood = flooder(client, kind)
        sent = threading.Event()
        threading.Thread(target=lambda: flood.stdout.readline() and sent.set(), daemon=True).start()
        start = time.monotonic()
        waits = innocents(client, lambda: not sent.is_set())
        diag(f"a client that {kind}: {len(waits)} innocents beside {FLOOD} events in {time.monotonic() - start:.1f} s: "
             f"p50 {waits[len(waits) // 2] * 1000:.1f} ms, p99 {waits[len(waits) * 99 // 100] * 1000:.1f} ms, "
             f"most {waits[-1] * 1000:.1f} ms; workers' memory {memory_kib(one)} and {memory_kib(two)} KiB")
        ok(wait_until(lambda: client.held() == (0, 0), 60), "nothing of the flood is held any more")
        if kind == "refuses":
            dead = client.channel.queue_declare(client.dead, passive=True).method.message_count
            equal(dead, FLOOD, "all that was refused is dead, and nothing is lost")
        lines = sum(worker.stderr().count("\n") for worker in (one, two))
        seconds = time.monotonic() - start
        ok(lines < 10 * seconds, f"the log grows by less than ten lines a second ({lines} in {seconds:.0f} s)")
        flood.stdin.close()
        equal(flood.wait(10), 0, "the flooder ends")
        client.channel.queue_purge(client.dead)
        return waits[len(waits) * 99 // 100]


calm = run("takes")
flooded = run("refuses")
ok(flooded <= 2.5 * calm + 0.100, f"p99 of the innocents: {calm * 1000:.0f} ms and {flooded * 1000:.0f} ms")
done_testing()
