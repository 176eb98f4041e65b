#!/usr/bin/python3
# quiet: what is claimed of time here is what a processor spends
# slow: half a minute or more
"""winnow-page under those who mean it no good, and under many who mean well: slow clients, readers that read nothing,
more connections than there is room for, slowhttptest; and what fifty streams cost."""

import contextlib
import http.client
import json
import os
import re
import select
import socket
import subprocess
import sys
import threading
import time

import pika

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/system"))
from control import Leader
from scaler import FILTER, autoscaler, wait_for_row
from tap import *
from web import *

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


def connections(web, count, text):
    """So many, each of which has sent that."""
    opened = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", web.port), timeout=PATIENCE_S)
        with contextlib.suppress(OSError):
            connection.sendall(text)
        opened.append(connection)
    return opened


def is_broken_off(connection, seconds):
    connection.settimeout(seconds)
    try:
        while connection.recv(65536):
            pass
        return True
    except TimeoutError:
        return False
    except OSError:
        return True


def answers(web):
    try:
        return web.get("/healthz").status == 200
    except OSError as error:
        return diag(error)


def serves_in_a_crowd(web):
    for about, text in (("say nothing", b""), ("send half a request", GET), ("send a request a byte at a time", GET[:5])):
        crowd = connections(web, 500, text)
        ok(answers(web), f"500 who {about} keep nobody out")
        ok(web.status()["health"] == "ok", "... of what is going on")
        ended = time.monotonic() + 60
        ok(all(is_broken_off(each, max(1, ended - time.monotonic())) for each in crowd), "... and are broken off")
        for each in crowd:
            each.close()


def serves_beside_readers_that_read_nothing(web):
    path = web.path("stream").encode()
    deaf = connections(web, 64, b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    full = lambda: web.request("GET", "stream").code() == (503, "full")
    ok(wait_until(full, 20), "64 streams are the most")
    ok(answers(web), "... and others are served")
    for each in deaf:
        each.close()
    with contextlib.ExitStack() as stack:
        stream = wait_until(lambda: begins(web, stack), 30)
        ok(stream and stream.wait_for("status"), "when they have gone, another one may watch")


def begins(web, stack):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", web.port, timeout=PATIENCE_S)) as probe:
        probe.request("GET", web.path("stream"))
        if probe.getresponse().status != 200:
            return None
    return stack.enter_context(web.stream())


def answers_that_nobody_takes(web):
    """Of one that asks and asks, and takes nothing."""
    connection = socket.create_connection(("127.0.0.1", web.port))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    ask = b"GET " + web.path("status").encode() + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
    ended = time.monotonic() + 60
    broken = False
    while not broken and time.monotonic() < ended:
        try:
            connection.send(ask)
        except BlockingIOError:
            time.sleep(0.1)
        except OSError:
            broken = True
    ok(broken, "who takes no answer is broken off")
    ok(answers(web), "... and others are served")


def stands_slowhttptest(web):
    status = web.path("status")
    for mode in ("-H", "-B", "-X", "-R"):
        command = ["slowhttptest", mode, "-c", "400", "-r", "200", "-i", "2", "-l", "15", "-p", "5", "-u", f"http://127.0.0.1:{web.port}{status}"]
        command += ["-w", "1", "-y", "8", "-n", "1", "-z", "4", "-k", "3"] if mode == "-X" else ["-x", "24"]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
        ok(re.search(r"service available:\W.*YES", ran.stdout), f"slowhttptest {mode} finds it serving") or diag(ran.stdout[-2000:])
        ok(answers(web), "... and so do we")


def memory(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def busy_s(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Reader(threading.Thread):
    """Reads what comes on all of them and throws it away."""

    def __init__(self, web, count):
        super().__init__(daemon=True)
        self.sockets = connections(web, count, b"GET " + web.path("stream").encode() + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.bytes, self.ending = 0, False

    def run(self):
        poll = select.poll()
        for each in self.sockets:
            poll.register(each, select.POLLIN)
        by_fd = {each.fileno(): each for each in self.sockets}
        while not self.ending:
            for fd, _ in poll.poll(100):
                self.bytes += len(by_fd[fd].recv(262144))


def fifty_streams_cost_little():
    """Two snapshots a second of 200 workers, from a leader that is made up."""
    name = farm()
    status = None
    with autoscaler(name, "--interval", "200ms", "--min", "1", "--", FILTER), page(name) as web:
        status = web.healthy()["status"]
    worker = status["workers"][0]
    name = farm()
    status |= {"farm": name, "running": 200, "workers": [worker | {"slot": slot, "pid": 10000 + slot} for slot in range(200)]}
    with page(name) as web, Leader(name, lambda command: []) as leader, contextlib.closing(connect()) as connection:
        channel = connection.channel()
        reader = Reader(web, 50)
        reader.start()

        def publish(seconds):
            begun = time.monotonic()
            for tick in range(int(2 * seconds)):
                status["sequence"] += 1
                channel.basic_publish(f"{name}.control", "status", json.dumps(status), pika.BasicProperties(type="status"))
                time.sleep(max(0, begun + (tick + 1) / 2 - time.monotonic()))

        publish(5)
        before_s, bytes_before = busy_s(web.program.pid), reader.bytes
        publish(30)
        share = (busy_s(web.program.pid) - before_s) / 30
        pss_kib, got = memory(web.program.pid), reader.bytes - bytes_before
        diag(f"50 streams, 200 workers, 2 a second: {100 * share:.2f} % of a core, {pss_kib} KiB, {got / 30 / 50 / 2:.0f} bytes a snapshot")
        ok(got > 30 * 50 * 2 * 20000 * 0.9, "each stream is sent every snapshot")
        ok(share < 0.03, f"... for under 3 % of a core: {100 * share:.2f} %")
        ok(pss_kib < 16384, f"... and 16 MiB: {pss_kib} KiB")
        reader.ending = True
        reader.join()


name = farm()
with autoscaler(name, "--interval", "200ms", "--min", "2", "--", FILTER):
    ok(wait_for_row(name, lambda row: row["running_workers"] == "2", 20), "two workers run")
    with page(name) as web:
        ok(web.healthy(), "all is well")
        before_kib = memory(web.program.pid)
        serves_in_a_crowd(web)
        serves_beside_readers_that_read_nothing(web)
        answers_that_nobody_takes(web)
        stands_slowhttptest(web)
        ok(web.healthy(), "all is well after all of that")
        ok(memory(web.program.pid) < before_kib + 8192, f"... and it has hardly grown: {before_kib} to {memory(web.program.pid)} KiB")
        equal(web.program.end(), 0, "it ends when it is told to")
fifty_streams_cost_little()
done_testing()
