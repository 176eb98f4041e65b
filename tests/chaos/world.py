"""Where faults are injected: a broker, a farm, a load for each fault; and what is judged of each."""

import contextlib
import random
import sys
import threading
import time

import pika

import faults
import report
from broker import Broker
from farm import CONFIRM_WINDOW, HANG_S, PREFETCH, Farm, Isolation, Load, build_clock, wait_until
from proxy import Proxy

SERVICE_TIME = "4ms"
SCALING = ["--interval", "200ms", "--horizon", "2s", "--capacity", "400", "--min", "2", "--max", "8"]
SUPERVISION = ["--hang-timeout", f"{int(HANG_S * 1000)}ms", "--drain-timeout", "10s", "--log-level", "debug"]
# RabbitMQ writes the name of a new quorum queue to disk up to a second after it has confirmed events in it. Killed
# before, it starts that queue empty and without a leader (mended by https://github.com/rabbitmq/ra/pull/443).
QUORUM_SETTLES_S = 3


class Publisher:
    """Events of the test's own, beside the load, and where their dead letters go."""

    def __init__(self, world):
        self.farm = world.farm.name
        self.connection = world.broker.connect()
        self.channel = self.connection.channel()
        self.dead_queue = self.channel.queue_declare("", exclusive=True).method.queue
        self.channel.queue_bind(self.dead_queue, f"{self.farm}.dead")
        self.channel.confirm_delivery()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(pika.exceptions.AMQPError):
            self.connection.close()

    def publish(self, body, **properties):
        self.channel.basic_publish(
            f"{self.farm}.events", "", body, pika.BasicProperties(delivery_mode=2, **properties)
        )

    def take(self, queue):
        while True:
            method, properties, body = self.channel.basic_get(queue, auto_ack=True)
            if not method:
                return
            yield properties, body

    def count(self, queue):
        """Messages in a queue that may be away for a moment."""
        with contextlib.suppress(pika.exceptions.ChannelClosedByBroker):
            with contextlib.closing(self.connection.channel()) as channel:
                return channel.queue_declare(queue, passive=True).method.message_count
        return 0

    def dead_of(self, prefix, complete, seconds):
        """message_id -> reason of the dead letters so far, once they are complete."""
        dead = {}

        def look():
            for properties, _ in self.take(self.dead_queue):
                if (properties.message_id or "").startswith(prefix):
                    dead[properties.message_id] = (properties.headers or {}).get("winnow-reason", "")
            return complete(dead)

        wait_until(look, seconds, 0.02)
        return dead


class World:
    """What faults are injected into."""

    def __init__(self, binaries, out, seed, slack, queue_type, worker, tell=print):
        self.binaries, self.out, self.slack, self.queue_type = binaries, out, slack, queue_type
        self.worker = worker
        self.random = random.Random(seed)
        self.broker = self.proxy = self.farm = self.load = None
        self.records, self.skipped = [], []
        self.tell = tell
        self.began = time.monotonic()
        self._connections = []
        self._ended = threading.Event()

    def __enter__(self):
        try:
            return self._start()
        except BaseException:
            self.__exit__()
            raise

    def _start(self):
        self.broker = self.start_broker()
        options = ["--service-time", SERVICE_TIME, "--prefetch", str(PREFETCH)]
        self.start_farm(self.worker.command(self.binaries, *options))
        threading.Thread(target=self._sample_memory, daemon=True).start()
        if self.queue_type == "quorum":
            time.sleep(QUORUM_SETTLES_S)
        self.began = time.monotonic()
        return self

    def start_broker(self):
        broker = Broker(self.out)
        broker.start()
        broker.add_farm_user()
        return broker

    def start_farm(self, worker):
        self.proxy = Proxy(self.broker.port)
        clock = build_clock(self.out)
        url = self.broker.farm_url(self.proxy.port)
        self.farm = Farm("chaos", self.binaries, self.out, url, Isolation(), clock, self.queue_type)
        self.farm.start(*SCALING, *SUPERVISION, worker=worker)

    def __exit__(self, *_):
        self._ended.set()
        try:
            for step in (
                lambda: self.load and self.load.end(),
                lambda: self.farm and self.farm.stop(),
                lambda: self.proxy and self.proxy.close(),
            ):
                try:
                    step()
                except Exception as error:
                    print(f"while ending: {error!r}", file=sys.stderr)
        finally:
            if self.broker:
                self.broker.end()

    def _sample_memory(self):
        while not self._ended.wait(1):
            try:
                self.farm.sample_memory(time.monotonic())
            except (OSError, AttributeError):
                pass

    def now(self):
        return time.monotonic() - self.began

    def channel(self):
        self._connections = [self.broker.connect()]
        return self._connections[0].channel()

    def publisher(self):
        return Publisher(self)

    def inject(self, fault):
        """One fault under a load of its own; None when it cannot be injected here."""
        name = f"load-{len(self.records) + 1}"
        # What a deleted queue destroyed is known when nothing has come for so long.
        patience = "3s" if fault.loss else "60s"
        seed = str(self.random.randint(1, 1 << 30))
        phases = [(seconds, int(rate * self.worker.share)) for seconds, rate in fault.phases]
        options = ["--seed", seed, "--verify-timeout", patience, *self.worker.load_options()]
        self.load = Load(self.farm, self.broker.url, phases, name, *options)
        complaints, seen = [], None
        try:
            flowing = time.monotonic()
            if self.farm.first(flowing + 0.3, 30) == float("inf"):
                raise faults.Unseen("nothing is handled before the fault")
            time.sleep(0.3 + self.random.random() * 0.7)
            seen = fault.run(self)
            if seen is None:
                self.tell(f"{self.now():7.1f} s  {fault.name:<22} not possible here")
                self.skipped.append(fault.name)
                return None
            self.settle()
        except (faults.Unseen, AssertionError) as error:
            complaints.append(str(error))
        except Exception as error:
            complaints.append(f"{type(error).__name__}: {error}")
        finally:
            summary = self.load.wait(self.load.seconds + 150)
        complaints += self.judge(fault, seen, summary)
        allowed = self.allowed(fault, seen)
        record = report.Record(fault, seen, summary, allowed, complaints)
        self.records.append(record)
        self.tell(report.line(record, self.now()))
        return record

    def settle(self):
        """Waits until the farm is as it was before the fault, where a fault does not do so itself."""

    def allowed(self, fault, seen):
        if fault.duplicates == "quorum" and self.queue_type != "quorum":
            return None
        if not seen or fault.duplicates == "none":
            return 0
        return PREFETCH * seen.workers + (CONFIRM_WINDOW if seen.resent else 0)

    def judge(self, fault, seen, summary):
        wrong = []
        if "published" not in summary:
            return [f"the load generator ended with {summary['exit']}: {self.load.log()[-500:]}"]
        if summary["lost"]:
            wrong.append(f"lost {summary['lost']}")
        destroyed = seen.destroyed if seen and fault.loss else 0
        gone = (summary.get("destroyed") or 0) + summary["returned"]
        if gone > destroyed:
            wrong.append(f"destroyed or returned {gone}, at most {destroyed} can be explained")
        if summary["corrupted"]:
            wrong.append(f"corrupted {summary['corrupted']}")
        if summary["exit"] not in (0, 1) or (summary["exit"] == 1 and not fault.loss and not wrong):
            wrong.append(f"the load generator ended with {summary['exit']}: {self.load.log()[-300:]}")
        allowed = self.allowed(fault, seen)
        if seen and allowed is not None and summary["duplicates"] > allowed:
            wrong.append(f"duplicates {summary['duplicates']}, at most {allowed} can be explained")
        if seen and seen.recovery == float("inf"):
            wrong.append("did not recover")
        elif seen and None not in (seen.recovery, fault.limit) and seen.recovery > fault.limit * self.slack:
            wrong.append(f"recovered after {seen.recovery * 1000:.0f} ms, {fault.limit * 1000:.0f} ms are allowed")
        return wrong


def schedule(world, table, chosen, duration, rounds):
    """The faults in rounds of a seeded order; with a duration, as long as what comes next fits."""
    impossible = set()
    number = 0
    while rounds is None or number < rounds:
        number += 1
        order = list(chosen)
        world.random.shuffle(order)
        injected = False
        for name in order:
            fault = table[name]
            needs = sum(seconds for seconds, _ in fault.phases) + 4
            if name in impossible or (rounds is None and world.now() + needs > duration):
                continue
            injected = True
            if world.inject(fault) is None:
                impossible.add(name)
        if not injected:
            return
