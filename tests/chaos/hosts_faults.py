"""The faults of a farm over several hosts; what they owe is described in faults.py. Recovery is the time until a leader
gives orders again, or, where none was struck, until events are handled again."""

import contextlib
import signal
import time

from farm import HANG_S, alive, wait_until
from faults import FAULTS, LONGER, SHORT, Seen, fault, owed
from hosts_farm import send

TABLE = {}

# Of a leader that is gone; of one that stands still, as docs/protocol.md says; of a program that comes back.
KILLED_S = 5.0
SILENT_S = 20.0
BACK_S = 5.0

PATIENCE_S = 40
LOST_S = 1.5  # each node gets an order twice a second
LONG = ((0.8, 500), (2, 1400), (2, 700))
SILENT = ((1, 500), (18, 850))


def of_hosts(name, limit, duplicates="none", phases=SHORT):
    return fault(name, limit, duplicates, phases=phases, table=TABLE)


def leader_of(world):
    leader = wait_until(world.witness.leader, PATIENCE_S)
    owed(leader, "nobody leads before the fault")
    return leader


def other_of(world):
    leader = leader_of(world)
    return world.random.choice([host for host in world.farm.hosts if host is not leader])


def succeeded(world, host, since):
    """How long after that another leads."""
    order = wait_until(lambda: world.witness.first_order(since, but=host.active.pid), PATIENCE_S)
    owed(order, f"nobody leads in place of {host.node}")
    return order.at - since


def handled(world, host, since):
    """How long after that an event is handled by a worker of another node."""
    others = [other.watch for other in world.farm.hosts if other is not host]
    owed(wait_until(lambda: any(watch.since(since) for watch in others), PATIENCE_S), "nobody handles anything")
    return min(watch.since(since)[0].at for watch in others if watch.since(since)) - since


def replaced(world, host, since):
    """How long after that the leader gave the node its last order: it counts as lost, and others get its share."""
    last = world.witness.wire.last

    def is_lost():
        newest = max(order.at for order in list(last.values()))
        return newest - last[host.node].at > LOST_S

    owed(wait_until(is_lost, PATIENCE_S), f"nobody replaces the workers of {host.node}")
    return max(0, last[host.node].at - since)


@contextlib.contextmanager
def may_be_too_many(world, said):
    """While it lasts the replacements of workers run beside them; then the farm has BACK_S to come down."""
    world.witness.excess()
    world.witness.excuse()
    try:
        yield
    finally:
        world.witness.excuse(BACK_S * world.slack)
    back = time.monotonic()
    world.settle()
    seconds, most = world.witness.excess()
    said.append(f"whole after {time.monotonic() - back:.1f} s")
    if most:
        said.append(f"up to {most} workers, too many for {seconds:.1f} s")


def gone(pids):
    owed(wait_until(lambda: not any(map(alive, pids)), PATIENCE_S), "workers outlive their node")


# ---- programs ----


def kill(world, host, recovered):
    """Its workers drain by themselves; then it comes back."""
    workers = host.workers()
    at = time.monotonic()
    host.kill()
    recovery = recovered(world, host, at)
    gone(workers)
    world.farm.restart(host)
    return Seen(recovery, f"node {host.node}, {len(workers)} workers drained by themselves")


@of_hosts("leader SIGKILL", KILLED_S)
def kill_leader(world):
    return kill(world, leader_of(world), succeeded)


@of_hosts("node SIGKILL", KILLED_S)
def kill_node(world):
    return kill(world, other_of(world), handled)


@of_hosts("host SIGKILL", KILLED_S, "windows")
def kill_host(world):
    """The program and its workers at once, as when a host loses its power."""
    host = world.random.choice(world.farm.hosts)
    workers = host.workers()
    at = time.monotonic()
    host.kill()
    for pid in workers:
        send(pid, signal.SIGKILL)
    recovery = handled(world, host, at)
    world.farm.restart(host)
    return Seen(recovery, f"node {host.node}, {len(workers)} workers", workers=len(workers))


@of_hosts("all nodes SIGKILL", 4 * KILLED_S, phases=LONGER)
def kill_all(world):
    """They are started again in any order, with pauses."""
    workers = world.farm.workers()
    for host in world.farm.hosts:
        host.kill()
    gone(workers)
    at = time.monotonic()
    order = world.random.sample(world.farm.hosts, len(world.farm.hosts))
    for host in order:
        world.farm.restart(host)
        time.sleep(world.random.random())
    return Seen(handled(world, None, at), "started again: " + " ".join(host.node for host in order))


def struck(world, host, workers, blow, recovered):
    """The node is out of the farm as long as the blow lasts, and must fit in again. With `recovered`, that is until
    others do its work; else not so long."""
    said = []
    with may_be_too_many(world, said):
        at = time.monotonic()
        with blow:
            recovery = recovered(world, host, at) if recovered else None
            time.sleep(1 + 3 * world.random.random())
        said.append(f"node {host.node} for {time.monotonic() - at:.1f} s")
    return Seen(recovery, "; ".join(said), workers=workers)


def perhaps(world, recovered):
    """What is noticed only after a time may be over before."""
    return recovered if world.random.random() < 0.7 else None


def stop(world, host, frozen, recovered):
    workers = len(host.workers()) if frozen else 0
    return struck(world, host, workers, host.stopped(frozen), perhaps(world, recovered))


@of_hosts("leader SIGSTOP", SILENT_S, phases=SILENT)
def stop_leader(world):
    return stop(world, leader_of(world), False, succeeded)


@of_hosts("node SIGSTOP", SILENT_S, phases=SILENT)
def stop_node(world):
    return stop(world, other_of(world), False, replaced)


@of_hosts("leader's host SIGSTOP", SILENT_S, "windows", phases=SILENT)
def freeze_leader(world):
    return stop(world, leader_of(world), True, succeeded)


@of_hosts("host SIGSTOP", SILENT_S, "windows", phases=SILENT)
def freeze_host(world):
    return stop(world, other_of(world), True, replaced)


# ---- cables ----


def cut(world, host, recovered):
    """Its connections are reset at once, and it gets no others."""
    return struck(world, host, len(host.workers()), host.without_cable(host.proxy.cut), recovered)


def unplug(world, host, recovered):
    """Nothing goes through any more, and nobody is told."""
    return struck(world, host, len(host.workers()), host.without_cable(host.proxy.unplug), perhaps(world, recovered))


@of_hosts("leader's cable cut", KILLED_S, "windows", phases=LONG)
def cut_leader(world):
    return cut(world, leader_of(world), succeeded)


@of_hosts("cable cut", KILLED_S, "windows", phases=LONG)
def cut_node(world):
    return cut(world, other_of(world), replaced)


@of_hosts("cable blinks", None, "windows")
def blink(world):
    """Its connections are reset, and it may make others at once."""
    host = world.random.choice(world.farm.hosts)
    workers = len(host.workers())
    at = time.monotonic()
    host.proxy.reset()
    return Seen(handled(world, host, at), f"node {host.node}, {workers} workers", workers=workers)


@of_hosts("leader's cable unplugged", SILENT_S, "windows", phases=SILENT)
def unplug_leader(world):
    return unplug(world, leader_of(world), succeeded)


@of_hosts("cable unplugged", SILENT_S, "windows", phases=SILENT)
def unplug_node(world):
    return unplug(world, other_of(world), replaced)


# ---- as on one host ----

# How soon others go on is measured there, by `make chaos`: here three nodes and their cables share a machine.
for name in ("worker SIGKILL", "broker restart", "broker SIGKILL"):
    TABLE[name] = FAULTS[name]._replace(limit=KILLED_S)


@of_hosts("worker SIGSTOP", KILLED_S, "windows")
def stop_worker(world):
    pid = world.farm.busy_worker()
    at = time.monotonic()
    send(pid, signal.SIGSTOP)
    # Only one that stands in the middle of an event is hung.
    replaced_s = wait_until(lambda: not alive(pid) and time.monotonic() - at, HANG_S + 2)
    send(pid, signal.SIGCONT)
    return Seen(replaced_s or None, f"worker {pid}{'' if replaced_s else ' was idle'}", workers=1)
