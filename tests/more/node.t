#!/usr/bin/python3
# quiet: no claim about time
# slow: half a minute or more
"""A worker in Node on a queue that a topic exchange feeds: Winnow scales it, and counts what arrives at the exchange. One
that uses the scoreboard tells what it does."""

import os
import shutil

import pika

from amqplib import EXAMPLE, install_amqplib
from yours import JOBS, PATIENCE_S, Place
from scaler import rows, wait_for_row
from tap import BIN, Program, diag, done_testing, equal, ok, skip, wait_until

MILLISECONDS = 40
LONG_JOBS = 300  # so many that six workers are wanted


def scales(place):
    def burst(first, last, milliseconds=MILLISECONDS):
        with place.channel() as connection:
            channel = connection.channel()
            properties = pika.BasicProperties(delivery_mode=2, headers={"milliseconds": milliseconds})
            for number in range(first, last):
                channel.basic_publish("orders", "order.new", str(number), properties)
                channel.basic_publish("orders", "offer.new", str(number), properties)  # is not for this queue
            channel.close()  # answered after all of them

    with place.channel() as connection:
        channel = connection.channel()
        channel.exchange_declare("orders", "topic", durable=True)
        channel.queue_declare("billing", durable=True)
        channel.queue_bind("billing", "orders", "order.*")
    with place.scaled("billing", "--count-from", "orders:order.*", "--", "./worker.js", place.log) as scaler:
        ok(wait_for_row("scaled", lambda row: row["arrival_per_s"], PATIENCE_S), "the queue is watched, and what it gets")
        place.rises_and_falls(scaler, "a burst", lambda: burst(0, JOBS // 2))
        place.rises_and_falls(scaler, "another", lambda: burst(JOBS // 2, JOBS))
        ticks = [row["arrived_msgs"] for row in rows("scaled") if row["trigger"] == "tick"]
        counted = sum(int(arrived or 0) for arrived in ticks)
        # When it was not let run for a second, it does not know, and says so.
        known = all(ticks[next(at for at, arrived in enumerate(ticks) if arrived):])
        ok(counted == JOBS if known else counted <= JOBS, "each arrival was counted, once, and nothing else") or diag(counted)
        place.done_once()
        place.ended_in_its_middle(scaler, "billing", lambda: burst(JOBS, JOBS + LONG_JOBS, 3000), LONG_JOBS)


def tells_what_it_does(place):
    """A worker with the scoreboard, as docs/protocol.md describes it."""
    shutil.copy(os.path.join(os.path.dirname(os.path.abspath(__file__)), "board.js"), "board.js")
    options = ("--queue", "told", "--min", "1", "--max", "1", "--interval", "200ms", "--capacity", "auto")
    command = [os.path.join(BIN, "winnow-autoscaler"), *options, "--hang-timeout", "2s", "--history", "told.csv"]
    environment = dict(os.environ, AMQP_URL=place.url)
    with place.channel() as connection:
        channel = connection.channel()
        channel.queue_declare("told", durable=True)
        for text in ["1000"] + 99 * ["10"]:
            channel.basic_publish("", "told", text)
        scaler = Program(command + ["--", "node", "board.js"], environment)
        try:
            held = lambda row: row["in_flight_msgs"] == "10" and row["ready_msgs"] == "90"
            ok(wait_for_row("told", held, PATIENCE_S), "with the scoreboard it is known what it holds")
            done = lambda row: row["in_flight_msgs"] == "0" and row["ready_msgs"] == "0" and row["capacity_msgs"]
            row = wait_for_row("told", done, PATIENCE_S)
            ok(row and 0 < float(row["capacity_msgs"]) <= 200, "its capacity is measured") or diag(scaler.stderr())
            channel.basic_publish("", "told", "hang")
            ok(wait_until(lambda: "event=worker_hung" in scaler.stderr(), PATIENCE_S), "it is killed when it hangs")
            counted = lambda: "event=attempt_failed" in scaler.stderr()
            ok(wait_until(counted, PATIENCE_S), "and that counts against the event")
        finally:
            scaler.end()
        ok("event=worker_silent" not in scaler.stderr(), "nothing of it is unknown")


reason = install_amqplib()
if reason:
    skip("a worker in Node scales", f"amqplib cannot be installed here: {' '.join(reason.split())[:200]}")
else:
    shutil.copy(os.path.join(EXAMPLE, "worker.js"), "worker.js")
    with Place() as place:
        scales(place)
        tells_what_it_does(place)
done_testing()
