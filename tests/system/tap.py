"""TAP for Python tests, and what they need of the broker and the programs.

    from tap import *
    name = farm()
    with spawn("winnow-filter", "--prefetch", "10", farm=name) as worker:
        ...
        ok(worker.wait(5) == 0, "a worker that was asked to drain ends with 0")
    done_testing()
"""

import contextlib
import itertools
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

import pika

URL = os.environ["WINNOW_TEST_URL"]
BIN = os.environ["WINNOW_BIN"]

# The runner ends a test by SIGTERM; as an exception it runs through every `with` on its way.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

_count = 0
_failed = 0
_farms = itertools.count(1)


def script(path, text, mode=0o755):
    """A program of this text; its whole path."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    return os.path.abspath(path)


def diag(text):
    for line in str(text).splitlines():
        print("#", line, file=sys.stderr, flush=True)


def ok(condition, description):
    global _count, _failed
    _count += 1
    if condition:
        print(f"ok {_count} - {description}", flush=True)
    else:
        _failed += 1
        print(f"not ok {_count} - {description}", flush=True)
        diag(f"failed, line {sys._getframe(1).f_lineno} of {sys._getframe(1).f_code.co_name}: {description}")
    return bool(condition)


def failed():
    """Whether some claim has not held so far."""
    return _failed > 0


def equal(got, want, description):
    return ok(got == want, description) or diag(f"got  {got!r}\nwant {want!r}")


def like(text, pattern, description):
    """Text of None matches nothing."""
    found = text is not None and re.search(pattern, text)
    return ok(found, description) or diag(f"{text!r}\ndoes not match {pattern!r}")


def skip(description, reason):
    global _count
    _count += 1
    print(f"ok {_count} - {description} # SKIP {reason}", flush=True)


def done_testing():
    print(f"1..{_count}", flush=True)
    sys.exit(1 if _failed else 0)


def wait_until(fn, seconds):
    """Calls fn until its result is true, and returns that result; after the deadline, the last one."""
    deadline = time.monotonic() + seconds
    while True:
        result = fn()
        if result or time.monotonic() >= deadline:
            return result
        time.sleep(0.02)


class Machine:
    """How late this machine wakes somebody who only waits, as a busy one does: what a program is late by on top of that
    is its own.

        with Machine() as machine:
            ...
        ok(late_s < 0.1 + machine.late_s, "on time")
    """

    def __init__(self):
        self.late_s = 0.0  # at most, so far
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def _look(self):
        began = time.monotonic()
        while not self._ended.wait(0.005):
            now = time.monotonic()
            self.late_s = max(self.late_s, now - began - 0.005)
            began = now

    def __enter__(self):
        self._watch.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._watch.join()


def farm():
    """A farm name that no other test uses."""
    test = os.path.basename(sys.argv[0]).removesuffix(".t")
    return f"{test}-{os.getpid()}-{next(_farms)}"


def connect(url=None):
    """A pika connection to the private broker. It answers no heartbeats between calls, so it has none."""
    parameters = pika.URLParameters(url or URL)
    parameters.heartbeat = 0
    return pika.BlockingConnection(parameters)


def get_message(queue, seconds):
    """The next message of the queue, acknowledged, as (method, properties, body); None after the deadline."""
    with contextlib.closing(connect()) as connection:
        channel = connection.channel()
        message = wait_until(lambda: _get(channel, queue), seconds)
        return message or None


def _get(channel, queue):
    method, properties, body = channel.basic_get(queue, auto_ack=True)
    return (method, properties, body) if method else None


class Program:
    """A running program. Its output goes to files: it never blocks on a full pipe, and the runner can look
    through them for the sanitizers' complaints."""

    def __init__(self, command, env):
        self._stdout = tempfile.NamedTemporaryFile(delete=False)
        self._stderr = tempfile.NamedTemporaryFile(delete=False)
        self.process = subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, stdout=self._stdout, stderr=self._stderr
        )
        self.pid = self.process.pid

    @staticmethod
    def _text(file):
        # Not by reading: the position is shared with the program that is still writing.
        return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode(errors="replace")

    def stdout(self):
        return self._text(self._stdout)

    def stderr(self):
        return self._text(self._stderr)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds):
        """The exit code (negative: the signal that ended it), or None when it still runs."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def end(self, seconds=20):
        """Asks it to end, then makes it; returns as wait does."""
        if self.wait(0) is None:
            self.signal(signal.SIGTERM)
            if self.wait(seconds) is None:
                diag(f"{self.process.args[0]} did not end within {seconds} s of SIGTERM:\n{self.stderr()}")
                self.process.kill()
        return self.process.wait()


@contextlib.contextmanager
def spawn(program, *args, farm, amqp=None, env=None):
    """Starts a program of the build on the farm; it has ended when the block is left.

    env     added to the environment; a value of None removes the variable
    """
    environment = dict(os.environ, **(env or {}))
    environment = {name: value for name, value in environment.items() if value is not None}
    path = os.path.join(BIN, program)
    # The arguments come last: an autoscaler's may end in `-- WORKER ARG...`.
    running = Program([path, "--amqp", amqp or URL, "--farm", farm, *map(str, args)], environment)
    try:
        yield running
    finally:
        running.end()
