"""The faults that can be repeated. Each injects itself into a farm under load and says what was seen.

A fault is a function of the world (chaos: broker, farm, proxy, load, random) that returns Seen. Its decorator says
what the farm owes:

limit       the longest recovery in seconds, None: reported only
duplicates  "none", "windows": at most one prefetch window for each worker concerned, "quorum": that with quorum
            queues, else reported
loss        events may be destroyed with what was deleted: Seen.destroyed is then the most that can be
phases      the load while it lasts
"""

import collections
import contextlib
import os
import signal
import time

from farm import HANG_S, PREFETCH, alive, wait_until

Fault = collections.namedtuple("Fault", "name run limit duplicates loss phases")
FAULTS = {}

DEATH_S = 0.1  # others never stop, or nearly: the first restart is at once
HANG_LIMIT_S = HANG_S + 0.1
BROKER_S = 1.0
TAKEOVER_S = 2.0
PERMISSION_S = 30.0
HEARTBEAT_S = 5.0

SHORT = ((0.8, 500), (1.3, 1400), (0.9, 700))
LONGER = ((1, 600), (3, 1100), (2, 700))


class Seen:
    """recovery in seconds; workers that ended or whose connection broke; resent: the publisher's broke too, so that it
    sent again what was not confirmed."""

    def __init__(self, recovery, text="", workers=0, destroyed=0, resent=False):
        self.recovery, self.text, self.workers = recovery, text, workers
        self.destroyed, self.resent = destroyed, resent


class Unseen(Exception):
    """The farm did not do what it owes, beyond the numbers."""


def fault(name, limit, duplicates="none", loss=False, phases=SHORT, table=FAULTS):
    def register(run):
        table[name] = Fault(name, run, limit, duplicates, loss, phases)
        return run

    return register


def owed(condition, text):
    if not condition:
        raise Unseen(text)


# ---- workers ----


@fault("worker SIGKILL", DEATH_S, "windows")
def kill_worker(world):
    pid = world.farm.busy_worker()
    at = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    return Seen(world.farm.silence(at, 1), f"worker {pid}", workers=1)


@fault("worker SIGSTOP", HANG_LIMIT_S, "windows")
def stop_worker(world):
    for _ in range(50):
        pid = world.farm.busy_worker()
        at = time.monotonic()
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.005)
        # Only one that stands in the middle of an event is hung; an idle one looks for work every heartbeat.
        if any(slot[0] == pid and slot[3] for slot in world.farm.watch.slots()):
            break
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: not alive(pid), HANG_S + 10, 0.002)
    gone = time.monotonic() - at
    silence = world.farm.silence(at, 1)
    owed(silence <= DEATH_S * world.slack, f"the others stopped for {silence * 1000:.0f} ms")
    return Seen(gone, f"worker {pid} replaced; others silent for {silence * 1000:.0f} ms", workers=1)


# ---- the broker ----


def come_back(world, end):
    farm, workers = world.farm, len(world.farm.workers())
    end()
    accepts = world.broker.when_it_accepts()
    down = time.monotonic()
    world.broker.start()
    accepted = accepts()
    text = f"away for {accepted - down:.1f} s, {workers} workers"
    return Seen(farm.first(accepted, 60), text, workers=workers, resent=True)


@fault("broker restart", BROKER_S, "windows", phases=LONGER)
def restart_broker(world):
    return come_back(world, world.broker.stop)


@fault("broker SIGKILL", BROKER_S, "quorum", phases=LONGER)
def kill_broker(world):
    return come_back(world, world.broker.kill)


def raise_alarm(world, kind):
    before = world.farm.watch.total
    ended = world.broker.alarm(kind, 1.5)
    return Seen(world.farm.first(ended, 30), f"{world.farm.watch.total - before} handled since it began")


@fault("memory alarm", BROKER_S, phases=LONGER)
def memory_alarm(world):
    return raise_alarm(world, "memory")


@fault("disk alarm", BROKER_S, phases=LONGER)
def disk_alarm(world):
    return raise_alarm(world, "disk")


@fault("permissions removed", PERMISSION_S, "windows", phases=((1.5, 500), (34, 300)))
def remove_permissions(world):
    world.permissions_removed = getattr(world, "permissions_removed", 0) + 1
    everything = world.permissions_removed % 2 == 1
    workers = len(world.farm.workers())
    world.broker.forbid_farm(everything)
    # What a connection was allowed before, the broker remembers for a while.
    world.proxy.reset()
    stopped = wait_until(lambda: time.monotonic() - world.farm.watch.handled[-1].at > 1, 20)
    owed(stopped, "events are handled without permission")
    world.broker.allow_farm()
    returned = time.monotonic()
    how = "all" if everything else "read, write and configure"
    return Seen(world.farm.first(returned, PERMISSION_S + 20), f"{how}, {workers} workers", workers=workers)


# ---- the line ----


def farm_lines(world, pid=None):
    return [line for line in world.proxy.lines(pid) if line["pid"] and not line["pulled"]]


@fault("TCP reset of a worker", DEATH_S, "windows")
def reset_worker(world):
    pid = world.farm.busy_worker()
    at = time.monotonic()
    world.proxy.reset(*[line["id"] for line in farm_lines(world, pid)])
    silence = world.farm.silence(at, 1)
    # It may be the one that goes as the load changes; any other end is a crash.
    owed(f"worker_crashed worker={pid} " not in world.farm.active.log(), f"worker {pid} ended")
    return Seen(silence, f"worker {pid}", workers=1)


@fault("TCP reset of all", BROKER_S, "windows")
def reset_all(world):
    workers = len(world.farm.workers())
    at = time.monotonic()
    count = world.proxy.reset()
    return Seen(world.farm.silence(at, 1.5), f"{count} connections, {workers} workers", workers=workers)


@fault("half-open worker", 3 * HEARTBEAT_S + 1, "windows", phases=((1.5, 500), (13, 1100)))
def pull_worker(world):
    pid = world.farm.busy_worker()
    at = time.monotonic()
    pulled = [line["id"] for line in farm_lines(world, pid)]
    world.proxy.pull(*pulled)
    silence = world.farm.silence(at, 1)
    owed(silence <= DEATH_S * world.slack, f"the others stopped for {silence * 1000:.0f} ms")
    # It may be the one that goes as the load changes; then it needs no line any more.
    back = wait_until(lambda: not alive(pid) or farm_lines(world, pid), 3 * HEARTBEAT_S + 30)
    took = time.monotonic() - at
    owed(back, f"worker {pid} still trusts its dead line")
    how = "reconnected" if alive(pid) else "gone"
    world.proxy.reset(*pulled)
    return Seen(took, f"worker {pid} {how}; others silent for {silence * 1000:.0f} ms", workers=1)


@fault("half-open autoscaler", 3 * HEARTBEAT_S + 2, phases=((1.5, 500), (13, 1100)))
def pull_autoscaler(world):
    pid = world.farm.active.pid
    before = len(world.farm.active.rows())
    at = time.monotonic()
    pulled = [line["id"] for line in farm_lines(world, pid)]
    world.proxy.pull(*pulled)
    silence = world.farm.silence(at, 1)
    owed(silence <= DEATH_S * world.slack, f"the workers stopped for {silence * 1000:.0f} ms")

    def knows_again():
        rows = world.farm.active.rows()[before:]
        unknown = [row for row in rows if row["arrival_per_s"] == ""]
        return unknown and rows[-1]["arrival_per_s"] != "" and rows[-1]["ready_msgs"] != ""

    wait_until(knows_again, 3 * HEARTBEAT_S + 30, 0.1)
    took = time.monotonic() - at
    world.proxy.reset(*pulled)
    return Seen(took, f"{len(pulled)} connections; until it knows the arrival rate again")


# ---- entities ----


@fault("work queue deleted", None, "windows", loss=True)
def delete_work_queue(world):
    workers = len(world.farm.workers())
    at = time.monotonic()
    ready = world.channel().queue_delete(f"{world.farm.name}.work").method.message_count
    first = world.farm.first(time.monotonic(), 30)
    bound = ready + workers * PREFETCH + int(world.load.greatest_rate * (first + time.monotonic() - at))
    return Seen(first, f"{ready} ready in it, {workers} workers", workers=workers, destroyed=bound)


@fault("exchange deleted", None, "windows", loss=True)
def delete_exchange(world):
    workers = len(world.farm.workers())
    at = time.monotonic()
    world.channel().exchange_delete(f"{world.farm.name}.events")
    silence = world.farm.silence(at, 1.5)
    # One silence or several: it may be bound anew after a check of a second at most.
    bound = int(world.load.greatest_rate * (silence + 1))
    return Seen(silence, f"{workers} workers", destroyed=bound, resent=True)


@fault("results queue deleted", None)
def delete_results_queue(world):
    with world.publisher() as publisher:
        results = f"{world.farm.name}.results"
        publisher.channel.queue_purge(results)
        at = time.monotonic()
        publisher.channel.queue_delete(results)
        for number in range(200):
            publisher.publish(b"no reply_to", message_id=f"results-{number}")
            time.sleep(0.005)
        # Those that came too early are dead with a reason, all others results: none is nowhere.
        dead = publisher.dead_of("results-", lambda dead: len(dead) + publisher.count(results) >= 200, 10)
        count = publisher.count(results)
        owed(len(dead) + count == 200, f"of 200 events {count} are results and {len(dead)} dead")
        publisher.channel.queue_purge(results)
        return Seen(world.farm.silence(at, 1), f"of 200 events {count} answered, {len(dead)} dead with a reason")


@fault("results consumer gone", DEATH_S)
def results_consumer_gone(world):
    with world.publisher() as publisher:
        gone = publisher.channel.queue_declare("", exclusive=True).method.queue
        at = time.monotonic()
        for number in range(100):
            publisher.publish(b"nobody will read this", message_id=f"gone-{number}", reply_to=gone)
            if number == 50:
                publisher.channel.queue_delete(gone)
        silence = world.farm.silence(at, 1)
        dead = publisher.dead_of("gone-", lambda dead: len(dead) >= 49, 5)
        owed(49 <= len(dead) <= 100, f"{len(dead)} of 49 to 100 events are dead")
        owed(all("unroutable" in reason for reason in dead.values()), f"reasons: {set(dead.values())}")
        return Seen(silence, f"{len(dead)} results dead, as unroutable")


@fault("results consumer slow", DEATH_S)
def results_consumer_slow(world):
    with world.publisher() as publisher:
        slow = publisher.channel.queue_declare("", exclusive=True).method.queue
        taken = []
        publisher.channel.basic_consume(slow, lambda _c, _m, properties, _b: taken.append(properties.message_id), True)
        at = time.monotonic()
        # This connection is not read: what the broker pushes fills it.
        with world.publisher() as other:
            for number in range(300):
                other.publish(b"x" * 20000, message_id=f"slow-{number}", reply_to=slow)
        silence = world.farm.silence(at, 1)
        wait_until(lambda: publisher.connection.process_data_events(0.02) or len(set(taken)) == 300, 20)
        owed(len(set(taken)) == 300, f"{len(set(taken))} of 300 results arrived")
        return Seen(silence, "300 results of 20 kB read late")


# ---- bodies ----

LIMIT = 1 << 20
BODIES = {
    "malformed JSON": (b'{"text": "you fool"', "application/json", "JSON"),
    "JSON without text": (b'{"texts": "you fool"}', "application/json", "text"),
    "over the limit": (b"a" * (LIMIT + 1), "text/plain", "body of"),
    "131063 bytes": (b"b" * 131063, "text/plain", None),
    "131064 bytes": (b"c" * 131064, "text/plain", None),
    "131065 bytes": (b"d" * 131065, "text/plain", None),
    "invalid UTF-8": (b"fool \xff\xfe", "text/plain", "UTF-8"),
    "NUL bytes": (b"you\0fool\0", "text/plain", None),
    "empty": (b"", "text/plain", None),
}


def answer_bodies(publisher, bodies, seconds):
    """Publishes each and returns what is wrong with the answers."""
    replies = publisher.channel.queue_declare("", exclusive=True).method.queue
    for name, (body, content_type, _) in bodies.items():
        publisher.publish(body, message_id=f"body-{name}", content_type=content_type, reply_to=replies)
    results = {}

    def complete(dead):
        for properties, body in publisher.take(replies):
            results[properties.message_id] = body
        return len(dead) + len(results) >= len(bodies)

    dead = publisher.dead_of("body-", complete, seconds)
    wrong = []
    for name, (body, _, reason) in bodies.items():
        key = f"body-{name}"
        if reason and reason not in dead.get(key, ""):
            wrong.append(f"{name}: dead for {dead.get(key)!r}, expected '{reason}'; {key in results=}")
        if not reason and (key not in results or len(results[key]) < len(body) - 8):
            wrong.append(f"{name}: no result, {dead.get(key)!r}")
    return wrong


@fault("odd bodies", DEATH_S)
def odd_bodies(world):
    with world.publisher() as publisher:
        at = time.monotonic()
        # Whoever does not read texts finds nothing wrong with them.
        refused = (None, "body of") if not world.worker.censors else ()
        may = lambda why: why if not refused or why in refused else None
        bodies = {name: (*body, may(why)) for name, (*body, why) in BODIES.items()}
        wrong = answer_bodies(publisher, bodies, 10)
        owed(not wrong, "; ".join(wrong))
        return Seen(world.farm.silence(at, 1), f"{len(BODIES)} bodies, each answered or dead with its reason")


@fault("body of 100 MiB", None, phases=LONGER)
def huge_body(world):
    with world.publisher() as publisher:
        at = time.monotonic()
        wrong = answer_bodies(publisher, {"huge": (b"e" * (100 << 20), "text/plain", "body of")}, 30)
        owed(not wrong, "; ".join(wrong))
        took = time.monotonic() - at
        publisher.channel.queue_purge(f"{world.farm.name}.dead")
        return Seen(world.farm.silence(at, 2), f"dead with its reason after {took:.1f} s")


# ---- autoscalers ----


@fault("autoscaler SIGKILL", TAKEOVER_S, phases=LONGER)
def kill_autoscaler(world):
    farm = world.farm
    farm.start_standby()
    old, old_workers, old_watch = farm.active, farm.workers(), farm.watch
    at = time.monotonic()
    old.process.kill()
    old.process.wait()
    farm.active, farm.standby, farm.watch = farm.standby, None, None
    farm.follow()
    took = farm.first(at, 30)
    left = lambda: [pid for pid in old_workers if alive(pid)]
    wait_until(lambda: not left(), 40)
    old_watch.close()
    owed(not left(), f"workers of the old autoscaler still run: {left()}")
    return Seen(took, f"{len(old_workers)} workers drained by themselves")


@fault("two autoscalers", DEATH_S)
def second_autoscaler(world):
    farm = world.farm
    at = time.monotonic()
    second = farm.autoscaler()
    code = second.process.wait(20)
    owed(code == 75, f"the second one ended with {code}")
    owed(farm.name in second.log(), f"it does not name the farm: {second.log()}")
    return Seen(farm.silence(at, 1), "the second one ended with 75")


# ---- the host ----


@fault("wall clock stepped", DEATH_S)
def step_clock(world):
    if not world.farm.clock_library:
        return None
    farm = world.farm
    before = len(farm.active.rows())
    at = time.monotonic()
    shifts = (world.random.randint(60, 86400 * 400), -world.random.randint(60, 86400 * 400), 0)
    for shift in shifts:
        farm.step_clock(shift)
        time.sleep(0.5)
    silence = farm.silence(at, 1.5)
    rows = farm.active.rows()[before:]
    owed(len(rows) >= 4, f"{len(rows)} decisions in {time.monotonic() - at:.1f} s")
    odd = [row["interval_s"] for row in rows if not 0.05 < float(row["interval_s"]) < 1 * world.slack]
    owed(not odd, f"intervals of {odd} s")
    owed(len({row["timestamp"][:4] for row in rows}) > 1 or max(map(abs, shifts)) < 3e7, "the steps were not seen")
    return Seen(silence, f"by {shifts[0] / 86400:+.1f} and {shifts[1] / 86400:+.1f} days")


def starve(world, what, soft):
    """No worker can be started for a while, and one is needed: only one of those that there are is left."""
    farm = world.farm
    left = farm.busy_worker()
    others = [pid for pid in farm.workers() if pid != left]
    lines = farm.active.log().count("worker_not_started")
    farm.active.limit(what, soft)
    at = time.monotonic()
    try:
        for pid in others:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        refused = wait_until(lambda: farm.active.log().count("worker_not_started") > lines, 35)
        silence = farm.silence(at, 1)
    finally:
        farm.active.limit(what, None)
    owed(refused, "no start was refused, or none is told of")
    began = time.monotonic()

    def complete():
        row = farm.active.rows()[-1]
        return int(row["running_workers"]) >= int(row["desired_workers"])

    owed(wait_until(complete, 40, 0.05), "the workers that are wanted were not started after it")
    return Seen(silence, f"all workers run {time.monotonic() - began:.2f} s after it", workers=len(others))


@fault("fork failing", DEATH_S, "windows")
def fork_fails(world):
    if not world.farm.isolation.user:
        return None
    return starve(world, "processes", 1)


@fault("descriptor limit", DEATH_S, "windows")
def no_descriptors(world):
    # Fewer than it has, as the killed worker's come free.
    return starve(world, "descriptors", world.farm.active.descriptors() - 4)


@fault("disk full", DEATH_S)
def disk_full(world):
    farm = world.farm
    if not farm.isolation.mounts:
        return None
    told = farm.active.log().count("history_not_written")
    rows, decisions = len(farm.active.rows()), farm.active.decisions()
    filler = os.path.join(os.path.dirname(farm.active.history_path()), "filler")
    at = time.monotonic()
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            pass
    refused = wait_until(lambda: farm.active.log().count("history_not_written") > told, 10)
    silence = farm.silence(at, 1)
    went_on = farm.active.decisions() - decisions
    os.unlink(filler)
    owed(refused, "no row was refused")
    kept = len(farm.active.rows())
    owed(wait_until(lambda: len(farm.active.rows()) > kept, 10), "no row was written after it")
    return Seen(silence, f"{went_on} decisions, {kept - rows} rows of them, none torn")
