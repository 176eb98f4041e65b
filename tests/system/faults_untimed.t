#!/usr/bin/python3
# quiet: no claim about time
"""Faults that need a farm of their own: each survived. faults.t has those that are survived within a time."""

import os
import signal
import sys
import tempfile
import time

from tap import *
from client import Client, Line

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/chaos"))
import faults
from farm import alive, children

FILTER = os.path.join(BIN, "winnow-filter")


def autoscaler(name, *args, worker, **more):
    return spawn("winnow-autoscaler", "--interval", "200ms", *args, "--", *worker, farm=name, **more)


# Bodies.
name = farm()
with spawn("winnow-filter", farm=name):
    with Client(name) as client:

        class Publisher:
            """What tests/chaos/faults.py publishes with."""

            channel = client.channel
            dead_queue = client.channel.queue_declare("", exclusive=True).method.queue
            publish = staticmethod(client.publish)

            @staticmethod
            def take(queue):
                return [(properties, body) for _, properties, body in client.get_ready(queue)]

            @classmethod
            def dead_of(cls, prefix, complete, seconds):
                dead = {}

                def look():
                    for properties, _ in cls.take(cls.dead_queue):
                        dead[properties.message_id] = (properties.headers or {}).get("winnow-reason", "")
                    return complete(dead)

                wait_until(look, seconds)
                return dead

        client.channel.queue_bind(Publisher.dead_queue, f"{name}.dead")
        wrong = faults.answer_bodies(Publisher, faults.BODIES, 20)
        equal(wrong, [], "every odd body is answered, or dead with its reason")
        huge = {"huge": (b"e" * (100 << 20), "text/plain", "body of")}
        equal(faults.answer_bodies(Publisher, huge, 60), [], "so is one of 100 MiB")
        ok(client.ask("you fool", 10), "and the worker goes on")

# A worker that ends at once, whenever it is started.
name = farm()
with tempfile.TemporaryDirectory() as directory:
    crash = script(os.path.join(directory, "crash"), "#!/bin/sh\nexit 1\n")
    with autoscaler(name, "--min", "1", worker=[crash]) as scaler:
        crashes = lambda: scaler.stderr().count("worker_crashed")
        ok(wait_until(lambda: crashes() >= 3, 20), "a worker that crashes at its start is started again")
        time.sleep(1)
        ok(crashes() <= 8, "less and less often")

# One that waits for the broker is not hung, unless it is stopped.
name = farm()
with Line() as line:
    worker = ["/usr/bin/env", f"AMQP_URL={line.url}", FILTER]
    with autoscaler(name, "--min", "1", "--max", "1", "--hang-timeout", "1s", worker=worker) as scaler:
        with Client(name):  # waits for the worker
            line.close()
        ok(wait_until(lambda: "event=connection_lost" in scaler.stderr(), 20), "a worker loses its connection")
        (pid,) = children(scaler.pid)
        os.kill(pid, signal.SIGSTOP)
        ok(wait_until(lambda: pid not in children(scaler.pid), 20), "stopped then, it is replaced")
        ok("event=worker_hung" in scaler.stderr(), "as one that hangs")

# So is one on an event that may take long.
name = farm()
with tempfile.TemporaryDirectory() as directory:
    text = f"#!/bin/sh\ncd {directory}\necho $PPID $$ >new\nmv -n new pids\nexec sleep 3600\n"
    long = script(os.path.join(directory, "long"), text)
    limits = ["--min", "1", "--max", "1", "--hang-timeout", "2s", "--drain-timeout", "1s"]
    with autoscaler(name, *limits, worker=[os.path.join(BIN, "winnow-run"), "--", long]) as scaler:
        with Client(name) as client:
            client.publish("a long event")
            ok(wait_until(lambda: os.path.exists(f"{directory}/pids"), 20), "a program is at work")
            with open(f"{directory}/pids") as file:
                pid, program = map(int, file.read().split())
            ok(not wait_until(lambda: "event=worker_hung" in scaler.stderr(), 5), "for longer than --hang-timeout")
            os.kill(pid, signal.SIGSTOP)
            ok(wait_until(lambda: pid not in children(scaler.pid), 20), "its worker, stopped then, is replaced")
            ok(wait_until(lambda: not alive(program), 20), "and the program is gone with it")

done_testing()
