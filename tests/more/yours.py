"""What the tests of other people's workers share: a virtual host of a test's own, where somebody has a queue and
workers, and Winnow starts and drains these. Each job is a number, and notes that it began and ended.

    with Place() as place:
        declare and publish something
        with place.scaled("celery", "--", "celery", ...) as scaler:
            place.rises_and_falls(scaler, "a burst", publish)
"""

import collections
import contextlib
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/system"))
from client import ctl  # noqa: E402
from scaler import BIN, URL, connect, rows, wait_for_row, wait_until  # noqa: E402
from tap import Program, diag, equal, farm, ok  # noqa: E402

EXAMPLES = os.path.join(os.environ["WINNOW_TOP"], "examples")
JOBS = 2000
WORKERS = 6
PATIENCE_S = 100
LISTS = (
    ("list_queues", "name", "durable", "auto_delete", "arguments", "type"),
    ("list_exchanges", "name", "type", "durable", "auto_delete", "arguments"),
    ("list_bindings", "destination_name", "source_name", "routing_key", "arguments"),
)


class Place:
    """not_listed: names that are not looked at"""

    def __init__(self, not_listed="$."):
        self.not_listed = not_listed
        self.host = farm()
        self.url = f"{URL}/{self.host}"
        self.log = os.path.abspath("jobs")

    def __enter__(self):
        ctl("add_vhost", self.host)
        ctl("set_permissions", "-p", self.host, "guest", ".*", ".*", ".*")
        return self

    def __exit__(self, *_):
        ctl("delete_vhost", self.host)

    def entities(self):
        """What rabbitmqctl lists there: each with what it is and its name first; a binding's name is its queue's."""
        ask = lambda what, *columns: ctl(what, "-p", self.host, "--no-table-headers", *columns)
        listed = [(what, *row) for what, *columns in LISTS for row in ask(what, *columns)]
        return sorted(row for row in listed if not re.search(self.not_listed, row[1]))

    def channel(self):
        return contextlib.closing(connect(self.url))

    @contextlib.contextmanager
    def scaled(self, queue, *args, env=None):
        """An autoscaler of 0 to 6 workers on a queue that is there; what there was stays as it was."""
        before = self.entities()
        limits = ("--max", WORKERS, "--capacity", 50, "--interval", "250ms", "--scale-down-delay", "8s")
        # As patient as the tests are: of a worker that takes its time it is not said that it had to be killed.
        limits += ("--drain-timeout", f"{PATIENCE_S}s")
        options = ("--queue", queue, *limits, "--history", "scaled.csv", "--quiet", *args)
        command = [os.path.join(BIN, "winnow-autoscaler"), *map(str, options)]
        scaler = Program(command, dict(os.environ, AMQP_URL=self.url, **(env or {})))
        try:
            yield scaler
            equal(scaler.end(2 * PATIENCE_S), 0, "the autoscaler ends")
        finally:
            scaler.end()
        said = scaler.stderr()
        bad = [event for event in ("worker_crashed", "worker_killed", "worker_hung") if event in said]
        equal(bad, [], "no worker crashed or had to be killed") or diag(said)
        same = wait_until(lambda: self.entities() == before, PATIENCE_S)
        ok(same, "all is as it was before") or diag(f"{before}\n{self.entities()}")

    @staticmethod
    def rises_and_falls(scaler, burst, publish):
        """From no worker to six, and when everything is done back to none."""
        since = len(rows("scaled"))
        publish()
        most = lambda row: row["running_workers"] == str(WORKERS)
        none = lambda row: [row[f"{state}_workers"] for state in ("running", "starting", "draining")] == ["0"] * 3
        began = time.monotonic()
        risen = ok(wait_for_row("scaled", most, PATIENCE_S, since), f"{burst}: six workers run")
        fallen = ok(wait_for_row("scaled", none, PATIENCE_S, len(rows("scaled"))), "... and then none")
        diag(f"{burst} took {time.monotonic() - began:.0f} s")
        (risen and fallen) or diag(scaler.stderr())

    def noted(self):
        """What began and what ended, as lists of numbers."""
        text = ""
        with contextlib.suppress(FileNotFoundError), open(self.log) as file:
            text = file.read()
        return [re.findall(rf"^{what} (\d+)$", text, re.M) for what in ("began", "ended")]

    def done_once(self):
        for what, numbers in zip(("begins", "ends"), self.noted()):
            times = collections.Counter(numbers)
            equal((len(times), max(times.values(), default=0)), (JOBS, 1), f"each of {JOBS} jobs {what} once")

    def ended_in_its_middle(self, scaler, queue, publish, jobs):
        """When the autoscaler is asked to end, no job is: what has begun is finished, the rest stays in the queue."""
        publish()
        ok(wait_until(lambda: len(self.noted()[0]) >= JOBS + WORKERS, PATIENCE_S), "six workers have a long job")
        equal(scaler.end(PATIENCE_S), 0, "the autoscaler is asked to end, and does")
        began, ended = self.noted()
        equal(sorted(began), sorted(ended), "each job that had begun was finished, once")
        with self.channel() as connection:
            ask = lambda: connection.channel().queue_declare(queue, passive=True).method.message_count
            equal(wait_until(lambda: ask() == JOBS + jobs - len(ended), PATIENCE_S), True, "the others are in the queue")
