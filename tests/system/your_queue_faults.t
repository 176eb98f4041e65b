#!/usr/bin/python3
# quiet: what is claimed of time here is far from what a busy machine takes
# slow: half a minute or more
"""--queue, where the queue, an exchange or a name is missing, taken or forbidden, and where two want the same."""

import contextlib
import os
import re
import subprocess

from foreign import *
from scaler import *
from tap import *

QUICK = ("--interval", "200ms")


def refused(code, pattern, what, *args, program="winnow-autoscaler", worker=("--", "sleep", "100"), url=None):
    """A program that ends by itself, with that code and such a message; an autoscaler has some worker."""
    environment = dict(os.environ, AMQP_URL=url or URL)
    worker = worker if program == "winnow-autoscaler" else ()
    run = subprocess.run(
        [os.path.join(BIN, program), *args, *worker], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    ok(run.returncode == code and re.search(pattern, run.stderr), what) or diag(f"{run.returncode}: {run.stderr}")
    return run.stderr


def what_cannot_be_is_refused_at_once(connection, channel):
    name = farm()
    counted = ("--queue", name, "--count-from")
    for text in ("", ":key", "amq.default"):
        refused(64, "default exchange.*backlog only", f"--count-from '{text}': why, and what happens", *counted, text)
    refused(64, "'x{256}' is not an exchange", "an exchange with too long a name", *counted, "x" * 256)
    refused(64, "at most 32", "more exchanges than anybody has", "--queue", name, *["--count-from=x"] * 33)
    refused(64, "only for a queue that is there", "--count-from without --queue", "--count-from", "x")
    refused(64, "--count-from", "a policy of arrivals without arrivals", "--queue", name, "--policy", "erlang")
    refused(64, "needs a worker", "no worker: the default would eat what is in the queue", "--queue", name, worker=())
    refused(64, "'' is not a queue's name", "an empty name", "--queue", "")
    refused(64, "farm's name", "a name that no farm may have, without --farm", "--queue", "amq.gen-x")
    refused(64, "--results", "--results without --queue", "--results", "x", program="winnow-filter")
    refused(64, "--dead", "a --dead that is not known", "--queue", name, "--dead", "x", program="winnow-filter")
    channel.queue_declare(f"{name}.stream", durable=True, arguments={"x-queue-type": "stream"})
    for program in ("winnow-autoscaler", "winnow-filter"):
        refused(78, "is a stream", f"a stream, for {program}", "--queue", f"{name}.stream", program=program)
    ok(declared(connection, f"{name}.stream") == 0, "the stream is there")
    channel.queue_declare(f"{name}.mine", exclusive=True)
    for program in ("winnow-autoscaler", "winnow-filter"):
        with contextlib.closing(connect()):
            refused(78, "exclusive", f"another's exclusive queue, for {program}", "--queue", f"{name}.mine", program=program)


def a_queue_that_is_missing_is_waited_for(connection, channel):
    name = farm()
    for program in ("winnow-autoscaler", "winnow-filter"):
        text = refused(
            78, f"no queue '{name}'", f"{program} gives up", "--queue", name, "--connect-timeout", "3s", program=program
        )
        like(text, "event=entity_missing .*waiting for it", "having said what it waits for")
    options = ("--count-from", f"{name}.feed", "--min", 1, *QUICK, "--", FILTER)
    replies = channel.queue_declare("", exclusive=True).method.queue
    answered = pika.BasicProperties(reply_to=replies)
    with on_queue(name, *options) as scaler:
        ok(wait_until(lambda: "entity_missing" in scaler.stderr(), WAIT_S), "the queue is waited for at the start")
        channel.queue_declare(name)
        ok(wait_until(lambda: f"no exchange '{name}.feed'" in scaler.stderr(), WAIT_S), "and then the exchange")
        channel.exchange_declare(f"{name}.feed", "fanout")
        channel.queue_bind(name, f"{name}.feed")
        ok(wait_for_row(name, lambda row: row["running_workers"] == "1", WAIT_S), "when both are there, it runs")
        channel.queue_delete(name)
        held = wait_for_row(name, lambda row: row["reason"] == "held: backlog unknown", WAIT_S)
        ok(held and held["desired_workers"] == "1", "while the queue is gone, the workers are kept")
        ok(declared(connection, name) is None, "and nobody makes it anew")
        since = len(rows(name))
        channel.queue_declare(name)
        channel.queue_bind(name, f"{name}.feed")
        channel.basic_publish(f"{name}.feed", "", b"fool", answered)
        ok(take(channel, replies), "the workers find the new one")
        ok(
            wait_for_row(name, lambda row: not row["reason"].startswith("held"), WAIT_S, since),
            "and so does the autoscaler",
        )
        channel.exchange_delete(f"{name}.feed")
        held = wait_for_row(name, lambda row: row["reason"] == "held: arrival rate unknown", WAIT_S)
        ok(held, "without the exchange, the arrival rate is unknown, not 0")
        channel.exchange_declare(f"{name}.feed", "topic")
        since = len(rows(name))
        ok(
            wait_for_row(name, lambda row: not row["reason"].startswith("held"), WAIT_S, since),
            "until there is one, of whatever kind",
        )
    ok(declared(connection, f"{name}.dead") is None, "no notice of it was made: the queue was its owner's to delete")


def one_queue_has_one_autoscaler(connection, channel):
    name = farm()
    channel.queue_declare(name)
    with on_queue(name, *QUICK, "--", "sleep", 100) as scaler:
        ok(wait_for_row(name, seconds=WAIT_S), "an autoscaler runs the queue") or diag(scaler.stderr())
        again = ("--queue", name)
        refused(75, f"another autoscaler runs the queue '{name}'", "a second one is told so", *again)
        refused(75, f"the queue '{name}'", "under another farm's name too", "--farm", f"{name}-2", *again)
        channel.queue_declare(f"{name}-3")
        refused(
            75, f"called '{name}'", "and one of another queue under this farm's name", "--farm", name, "--queue", f"{name}-3"
        )
        with on_queue(name, "--standby", *QUICK, "--farm", name, "--", "sleep", 100) as standby:
            ok(wait_until(lambda: "event=standby" in standby.stderr(), WAIT_S), "one on standby waits")
            scaler.end()
            since = len(rows(name))
            ok(wait_for_row(name, seconds=WAIT_S, since=since), "and takes over")
    with start("winnow-autoscaler", "--farm", name, "--history", "own.csv", *QUICK):
        ok(wait_until(lambda: rows("own"), WAIT_S), "an autoscaler runs a farm of its own")
        refused(75, "another autoscaler", "whose queue is not free for --queue either", "--queue", f"{name}.work")
    ok(declared(connection, f"{name}.lock") is None, "at the end no lock is left")


def a_name_that_is_taken_is_named(channel):
    name = farm()
    channel.queue_declare(name)
    for part in ("count", "lock"):
        channel.queue_declare(f"{name}.{part}", durable=True)
        refused(75, f"queue called .*'{name}.{part}'.* somebody else's", f"somebody's {part} queue", "--queue", name)
        channel.queue_delete(f"{name}.{part}")
    for part in ("dead", "control"):
        channel.exchange_declare(f"{name}.{part}", "direct")
    with on_queue(name, *QUICK, "--max", 1, "--", FILTER) as scaler:
        ok(wait_until(lambda: "event=control_refused" in scaler.stderr(), WAIT_S), "another's FARM.control is said")
        channel.basic_publish("", name, b"\xff")
        said = wait_until(lambda: re.search("connection_lost.*", scaler.stderr()), WAIT_S)
        ok(said and f"exchange '{name}.dead'" in said[0], "another's FARM.dead too") or diag(scaler.stderr())
        ok(scaler.wait(0) is None, "and the farm runs on")
        channel.exchange_delete(f"{name}.dead")
        got = wait_until(lambda: dead_of(channel, name), WAIT_S)
        ok(got, "the event is not lost: it is dead when it can be") or diag(scaler.stderr())


def dead_of(channel, name):
    with contextlib.closing(connect()) as connection:
        return declared(connection, f"{name}.dead") and take(channel, f"{name}.dead")


def permissions_that_are_missing_are_named(channel):
    name = farm()
    channel.queue_declare(name, durable=True)
    channel.exchange_declare(f"{name}.feed", "fanout", durable=True)
    ctl("add_user", name, "secret")
    ctl("set_permissions", name, "^$", ".*", ".*")
    parameters = pika.URLParameters(URL)
    url = f"amqp://{name}:secret@{parameters.host}:{parameters.port}"
    needed = f"configure on '{name}.lock' and '{name}.count', write on '{name}.count', read on '{name}.count' and '{name}.feed'"
    try:
        refused(
            77, needed, "a user who may configure nothing is told what it takes", "--queue", name, "--count-from",
            f"{name}.feed", url=url,
        )  # fmt: skip
        with start("winnow-filter", "--queue", name, url=url) as worker:
            channel.basic_publish("", name, b"fine")
            channel.basic_publish("", name, b"\xff")
            ok(worker.wait(WAIT_S) == 77, "a worker may do without, until an event is dead")
            like(worker.stderr(), f"configure, write and read on '{name}.dead'", "then it is told as well")
        ctl("set_permissions", name, rf"^{name}\.(lock|count)$", rf"^{name}\.count$", rf"^{name}\.(count|feed)$")
        with on_queue(name, "--count-from", f"{name}.feed", *QUICK, "--", "sleep", 100, url=url) as scaler:
            ok(wait_for_row(name, lambda row: row["arrived_msgs"] == "0", WAIT_S), "with what was named it runs")
            ok(wait_until(lambda: "control_refused" in scaler.stderr(), WAIT_S), "but for being asked and told")
        ctl("set_permissions", name, "^$", "^$", f"^{name}$")
        with start("winnow-filter", "--queue", name, "--dead", "reject", url=url) as worker:
            ok(wait_until(lambda: "event=dead" in worker.stderr(), WAIT_S), "and with --dead reject to read is enough")
    finally:
        ctl("delete_user", name)


def main():
    with contextlib.closing(connect()) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        what_cannot_be_is_refused_at_once(connection, channel)
        a_queue_that_is_missing_is_waited_for(connection, channel)
        one_queue_has_one_autoscaler(connection, channel)
        a_name_that_is_taken_is_named(channel)
        permissions_that_are_missing_are_named(channel)
    done_testing()


main()
