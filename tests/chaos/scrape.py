"""Prometheus beside a farm under faults: scrapes winnow-page every second, and knows no counter that may fall."""

import http.client
import os
import re
import socket
import subprocess
import threading
import time

COUNTER = re.compile(r"\w+_(total|bucket|sum|count)\{")
EPOCH = "winnow_epoch{"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def series(text):
    """{name and labels: value} of an exposition."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found = {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}
    if len(found) != len(lines):
        raise AssertionError("a series is there twice")
    return found


class Counters:
    """What one farm's counters were last, and where they fell within one autoscaler."""

    def __init__(self):
        self.last, self.epoch, self.epochs, self.fell = {}, None, 0, []

    def take(self, found):
        epoch = next((value for name, value in found.items() if name.startswith(EPOCH)), None)
        if epoch is None:  # nothing is known of the farm now
            return
        if epoch != self.epoch:
            self.last, self.epoch, self.epochs = {}, epoch, self.epochs + 1
        for name, value in found.items():
            if COUNTER.match(name):
                if value < self.last.get(name, 0):
                    self.fell.append(f"{name} fell from {self.last[name]:.17g} to {value:.17g}")
                self.last[name] = value


class Scraper:
    """A winnow-page of a farm, and whoever reads it every second. When it has ended, `wrong` says what was."""

    def __init__(self, farm):
        self.counters, self.scrapes, self.known, self.wrong = Counters(), 0, 0, []
        self.port = free_port()
        self._ended = threading.Event()
        command = [os.path.join(farm.binaries, "winnow-page")]
        command += ["--farm", farm.name, "--listen", f"127.0.0.1:{self.port}"]
        environment = dict(os.environ, AMQP_URL=farm.url)
        with open(os.path.join(farm.out, "page.log"), "wb") as log:
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def read(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", "/metrics")
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status != 200:
            raise AssertionError(f"/metrics answers {answer.status}")
        return series(text)

    def _run(self):
        due = time.monotonic()
        while not self._ended.wait(max(0, due - time.monotonic())):
            due += 1
            try:
                found = self.read()
            except ConnectionRefusedError:
                if self.scrapes:
                    self.wrong.append("the page is gone")
                continue
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.wrong.append(f"scrape {self.scrapes}: {error!r}")
                continue
            self.scrapes += 1
            self.known += any(name.startswith(EPOCH) for name in found)
            self.counters.take(found)

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()
        self.process.terminate()
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.wrong += self.counters.fell
        self.wrong += [f"winnow-page ended with {code}"] if code else []
        self.wrong += [] if self.known else ["no scrape knew anything of the farm"]

    def tell(self):
        return (f"{self.scrapes} scrapes, {self.known} of them with a status, {self.counters.epochs} autoscalers, "
                f"{len(self.counters.last)} series of counters")
