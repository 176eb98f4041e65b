#!/usr/bin/python3
# quiet: what is claimed of time here is far from what a busy machine takes
"""examples/python: of a worker in Python that uses the scoreboard everything is known that is known of winnow-filter,
and it loses nothing."""

import collections
import contextlib
import ctypes
import json
import os
import struct
import subprocess
import sys
import time

import pika

from client import Client, Line
from scaler import autoscaler, children, number, rows, wait_for_row
from tap import *

EXAMPLES = os.path.join(os.environ["WINNOW_TOP"], "examples/python")
PATIENCE_S = 30
ONE = ("--min", "1", "--max", "1", "--interval", "200ms")

sys.path.insert(0, EXAMPLES)
import winnow_scoreboard  # noqa: E402

# The example's worker with work of the test's own.
JOB = f"""
import os, sys, time
sys.path.insert(0, {EXAMPLES!r})
import worker

def work(body, board):
    if body == b"die":
        os.kill(os.getpid(), 9)
    if body == b"hang":
        time.sleep(600)
    if body == b"raise":
        raise ValueError("no such fool")
    if body == b"report":
        for _ in range(15):
            board.progress()
            time.sleep(0.1)
    if body == b"expect":
        board.expect(600)
        time.sleep(1.5)
    if body == b"long":
        time.sleep(1)
    while body == b"wait" and not os.path.exists("go"):
        board.progress()
        time.sleep(0.02)
    time.sleep(0.01)
    return body.upper()

worker.work = work
worker.main()
"""
with open("job.py", "w") as file:
    file.write(JOB)
WORKER = (sys.executable, os.path.abspath("job.py"))


def runs(name, workers=1):
    running = lambda row: row["running_workers"] == str(workers)
    return ok(wait_for_row(name, running, PATIENCE_S), f"{workers} run, by their ready byte")


def worker_of(name):
    """What the status says of the only worker; empty while there is no answer."""
    command = [os.path.join(BIN, "winnow-ctl"), "--amqp", URL, "--farm", name, "status", "--json"]
    said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    workers = json.loads(said.stdout)["workers"] if said.returncode == 0 else []
    return workers[0] if len(workers) == 1 else {}


def tells_what_it_does():
    name = farm()
    with autoscaler(name, *ONE, "--capacity", "auto", "--", *WORKER) as scaler:
        runs(name)
        with Client(name) as client:
            for text in ("wait", "fool", "fool"):
                client.publish(text)
            held = lambda row: row["in_flight_msgs"] == "3" and row["ready_msgs"] == "0"
            ok(wait_for_row(name, held, PATIENCE_S), "what came in while it works is known to be held")
            busy = lambda: (worker_of(name).get("busy_share") or 0) > 0.5
            with open("go", "w"):
                pass
            ok(wait_until(lambda: worker_of(name).get("handled_msgs") == 3, PATIENCE_S), "what it has handled is known")
            for _ in range(150):
                client.publish("fool")
            ok(wait_until(busy, PATIENCE_S), "it is known to be busy")
            done = lambda row: row["in_flight_msgs"] == "0" and row["ready_msgs"] == "0" and row["capacity_msgs"]
            row = wait_for_row(name, done, PATIENCE_S, len(rows(name)))
            # Two seconds of work that takes 10 ms at the least.
            ok(row and 0 < number(row, "capacity_msgs") <= 200, "its capacity is measured")
        equal(scaler.end(PATIENCE_S), 0, "it drains")
    ok("worker_silent" not in scaler.stderr(), "nothing of it is unknown") or diag(scaler.stderr())


def is_killed_for_hanging_alone():
    """Nobody dies of work that takes long and says so."""
    name = farm()
    options = (*ONE, "--hang-timeout", "1s")
    with autoscaler(name, *options, "--", *WORKER) as scaler, Client(name, seconds=PATIENCE_S) as client:
        for text in ("report", "expect"):
            answer = client.ask(text, seconds=PATIENCE_S)
            equal(answer and answer[2], text.upper().encode(), f"work that takes long and says so ({text}) is answered")
        equal(scaler.stderr().count("event=worker_hung"), 0, "neither was taken for hung")
        client.publish("hang")
        ok(wait_until(lambda: "event=worker_hung" in scaler.stderr(), PATIENCE_S), "one that is silent is killed")


def buries_what_it_cannot_do():
    name = farm()
    options = ("--min", "2", "--max", "2", "--interval", "200ms", "--hang-timeout", "1s", "--max-attempts", "2")
    with autoscaler(name, *options, "--", *WORKER) as scaler:
        runs(name, 2)
        with Client(name) as client:
            for number in range(200):
                client.publish(f"fool {number}", message_id=f"fine {number}")
            for deadly in ("die", "hang"):
                client.publish(deadly, message_id=deadly, reply_to=client.replies)
                dead = client.get(client.dead, PATIENCE_S)
                equal(dead and dead[2], deadly.encode(), f"an event that makes workers {deadly} goes to FARM.dead")
                like(str(dead and dead[1].headers), "winnow-reason.*poison", "... with the reason")
                attempts = scaler.stderr().count("event=attempt_failed")
                equal(attempts, 2 if deadly == "die" else 4, "... after two attempts")
            client.publish("raise")
            dead = client.get(client.dead, PATIENCE_S)
            like(str(dead and dead[1].headers), "no such fool", "one that its work refuses, for its reason")
            client.publish("fool", reply_to="no.such.queue")
            dead = client.get(client.dead, PATIENCE_S)
            equal(dead and dead[2], b"FOOL", "a result for which there is no queue is kept")
            ok(wait_until(lambda: client.ready(client.results) == 200, PATIENCE_S), "all others are answered")
        equal(scaler.end(PATIENCE_S), 0, "they drain")
    said = scaler.stderr()
    ends = (said.count("event=worker_crashed"), said.count("event=worker_hung"))
    equal(ends, (4, 2), "two died and two hung") or diag(said)


def answered(client):
    """How often each message_id is among the results."""
    return collections.Counter(properties.message_id for _, properties, _ in client.get_ready(client.results))


def loses_nothing_when_it_drains():
    """In the middle of its work, with more events held than it may finish."""
    name = farm()
    count = 400
    options = ("--min", "2", "--max", "2", "--interval", "200ms", "--drain-timeout", "2s")
    with autoscaler(name, *options, "--", *WORKER) as scaler:
        runs(name, 2)
        with Client(name) as client:
            client.publish_many(count)
            ok(wait_until(lambda: client.ready(client.results) > 20, PATIENCE_S), "two workers are at work")
            equal(scaler.end(PATIENCE_S), 0, "they drain in its middle")
            ok("worker_killed" not in scaler.stderr(), "none had to be killed") or diag(scaler.stderr())
            left = client.ready(client.work)
            ok(left > 0, "events are left in the queue")
            results = answered(client)
            equal((len(results) + left, max(results.values())), (count, 1), "each is there or answered, none twice")


def gives_back_what_would_take_too_long():
    name = farm()
    options = (*ONE, "--drain-timeout", "3s")
    with autoscaler(name, *options, "--", *WORKER) as scaler, Client(name, seconds=PATIENCE_S) as client:
        client.publish_many(10, "long")
        ok(wait_until(lambda: client.ready(client.results) > 0, PATIENCE_S), "a worker holds ten seconds of work")
        equal(scaler.end(PATIENCE_S), 0, "it drains")
        ok("worker_killed" not in scaler.stderr(), "in three") or diag(scaler.stderr())
        left = client.ready(client.work)
        results = answered(client)
        equal((len(results) + left, max(results.values())), (10, 1), "each is answered once or given back")


def works_on_a_queue_that_is_there():
    name = farm()
    mine, dead = f"{name}-mine", f"{name}.dead"
    with contextlib.closing(connect()) as connection:
        channel = connection.channel()
        channel.queue_declare(mine, durable=True)
        replies = channel.queue_declare("", exclusive=True).method.queue
        for text, reply_to in (("raise", None), ("fool", None), ("fool", replies)):
            channel.basic_publish("", mine, text, pika.BasicProperties(reply_to=reply_to))
        with autoscaler(name, *ONE, "--queue", mine, "--", *WORKER) as scaler:
            answer = wait_until(lambda: channel.basic_get(replies, auto_ack=True)[2], PATIENCE_S)
            equal(answer, b"FOOL", "on a queue that is there, who asks for an answer gets one")
            buried = get_message(dead, PATIENCE_S)
            equal(buried and buried[2], b"raise", "what is dead goes to FARM.dead, which the worker declares then")
            equal(scaler.end(PATIENCE_S), 0, "it drains")
        equal(channel.queue_declare(mine, passive=True).method.message_count, 0, "nothing is left in the queue")


def obeys_what_workers_are_told():
    """--results and --dead, as winnow-filter."""
    name = farm()
    mine, results, rejected = (f"{name}-{part}" for part in ("mine", "results", "rejected"))
    dead_letters = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": rejected}
    with contextlib.closing(connect()) as connection:
        channel = connection.channel()
        for queue, arguments in ((mine, dead_letters), (results, None), (rejected, None)):
            channel.queue_declare(queue, durable=True, arguments=arguments)
        unroutable = pika.BasicProperties(reply_to="no.such.queue")
        for text, properties in (("raise", None), ("fool", unroutable), ("fool", None)):
            channel.basic_publish("", mine, text, properties)
        told = ("--results", results, "--dead", "reject")
        with autoscaler(name, *ONE, "--queue", mine, "--", *WORKER, *told) as scaler:
            answer = get_message(results, PATIENCE_S)
            equal(answer and answer[2], b"FOOL", "the result of who asks for no answer goes to --results")
            for text, why in (("raise", "cannot be handled"), ("fool", "cannot be answered")):
                letter = get_message(rejected, PATIENCE_S)
                equal(letter and letter[2], text.encode(), f"what {why} is rejected to the queue's own dead letters")
            equal(scaler.end(PATIENCE_S), 0, "it drains")
        like(scaler.stderr(), "rejected: .*no such fool", "for a reason that is said")
        equal(channel.queue_declare(mine, passive=True).method.message_count, 0, "nothing is left in the queue")


def needs_no_autoscaler_and_the_right_one():
    name = farm()
    with spawn("winnow-filter", farm=name), Client(name) as client:
        by_hand = Program(WORKER, dict(os.environ, AMQP_URL=URL, WINNOW_FARM=name))
        ok(wait_until(lambda: client.consumers(client.work) == 2, PATIENCE_S), "started by hand it consumes")
        equal(by_hand.end(PATIENCE_S), 0, "and it drains")
    empty = os.memfd_create("another layout", 0)
    os.truncate(empty, 1 << 20)
    environment = dict(os.environ, AMQP_URL=URL, WINNOW_SCOREBOARD_FD=str(empty), WINNOW_SLOT="0")
    ran = subprocess.run(WORKER, env=environment, pass_fds=[empty], capture_output=True, text=True, timeout=60)
    equal((ran.returncode, ran.stderr.count("another layout")), (64, 1), "it writes into no memory of another layout")


def comes_back_from_a_lost_connection():
    name = farm()
    with Line() as line, autoscaler(name, *ONE, "--", *WORKER, amqp=line.url) as scaler:
        runs(name)
        with Client(name) as client:
            (pid,) = children(scaler.pid)
            client.publish_many(40)
            ok(wait_until(lambda: client.ready(client.results) > 5, PATIENCE_S), "it is at work")
            line.cut()
            results = collections.Counter()
            everything = lambda: results.update(answered(client)) or len(results) == 40
            ok(wait_until(everything, PATIENCE_S), "after its connection was cut it answers everything")
            equal(children(scaler.pid), {pid}, "by the same process")
        equal(scaler.stderr().count("event=attempt_failed"), 0, "and nothing is held against any event")


def reads_what_others_write():
    """Two workers' views of one memory, and a table of attempts as others leave it."""
    header = winnow_scoreboard.Header
    descriptor = os.memfd_create("two slots", 0)
    os.truncate(descriptor, ctypes.sizeof(header) + 2 * ctypes.sizeof(winnow_scoreboard.Slot))
    os.pwrite(descriptor, b"WINNOW8\0", 0)
    os.pwrite(descriptor, struct.pack("=QqI", 2, 300_000_000, 3), header.slots.offset)
    boards = []
    for slot in ("0", "1"):
        os.environ.update(WINNOW_SCOREBOARD_FD=str(descriptor), WINNOW_SLOT=slot)
        boards.append(winnow_scoreboard.Scoreboard())
    del os.environ["WINNOW_SCOREBOARD_FD"], os.environ["WINNOW_SLOT"]
    one, other = boards

    event, before = (8190, 0x123456789ABCDEF1), time.monotonic_ns()
    one.take_up(event)
    after = time.monotonic_ns()
    seen = [board.is_elsewhere(event, at) for board, at in ((other, after), (other, before), (one, after))]
    equal(seen, [True, False, False], "an event is elsewhere when another has had it since then")
    waited = []
    other.wait_for_last_worker(event, after, lambda seconds: waited.append(seconds) or time.sleep(seconds))
    ok(waited and time.monotonic_ns() - after > 500_000_000, "that is waited for, for as long as a hang takes")
    other.wait_for_last_worker(event, after, lambda seconds: one.put_down())
    equal(other.is_elsewhere(event, after), False, "or until it is put down")
    other.header.settle_ns, delivered = 300_000_000, time.monotonic_ns()
    other.wait_for_last_worker(event, delivered, time.sleep)
    ok(time.monotonic_ns() >= delivered + 300_000_000, "what other hosts have counted is waited for, too")

    one.take_up(event)
    one.slot.started_ns -= 2_000_000_000
    for _ in range(2):  # the second was not taken up
        one.answered()
    told = (one.slot.handled_msgs, one.slot.handled_within[0], one.slot.handled_within[11], sum(one.slot.handled_within))
    equal(told, (2, 1, 1, 2), "what was answered is counted by how long it took")

    tag = event[1] >> 17 << 17
    one.header.attempts[8190][0] = (tag ^ 1 << 20) | 3
    equal((one.attempts(event), one.is_poison(event)), (0, False), "another event's attempts are not this one's")
    one.header.attempts[4][0] = tag | 6 << 13 | 1 << 12 | 3
    equal((one.attempts(event), one.is_poison(event)), (3, True), "its own are, from its place on, round the end")
    one.header.attempts[4][0], one.header.attempts[14][0] = 0, tag | 15 << 13 | 3
    equal(one.attempts(event), 0, "but no further than 16 entries")


def looks_the_same_when_it_comes_again():
    look = lambda body=b"x", headers=None, **more: winnow_scoreboard.fingerprint({"headers": headers, **more}, body)
    again = {"b": 2, "a": 1, "x-delivery-count": 1, "x-death": [{}], "x-first-death-queue": "q", "x-acquired-count": 2}
    equal(look(headers=again), look(headers={"a": 1, "b": 2}), "what a broker adds or reorders changes no fingerprint")
    others = [look(), look(b"y"), look(message_id="1"), look(type="1")]
    others += [look(headers={"a": 1}), look(headers={"a": "1"})]
    equal(len({*others}), 6, "all else does")
    equal({low % 2 for _, low in others}, {1}, "none is 0")


reads_what_others_write()
looks_the_same_when_it_comes_again()
tells_what_it_does()
is_killed_for_hanging_alone()
buries_what_it_cannot_do()
loses_nothing_when_it_drains()
gives_back_what_would_take_too_long()
works_on_a_queue_that_is_there()
obeys_what_workers_are_told()
needs_no_autoscaler_and_the_right_one()
comes_back_from_a_lost_connection()
done_testing()
