"""The faults of a farm over several hosts; what they owe is described in faults.py. Recovery is the time until a leader
gives orders again, or, where none was struck, until events are handled again."""

import contextlib
import time

from farm import PREFETCH, alive, wait_until
from faults import FAULTS, LONGER, Seen, fault, owed
from hosts_farm import send

TABLE = {}

# Of a leader that is gone; of one that stands still, as docs/protocol.md says; of a program that comes back.
KILLED_S = 5.0
SILENT_S = 20.0
BACK_S = 5.0

PATIENCE_S = 40
SILENT = ((1, 500), (18, 850))


def of_hosts(name, limit, duplicates="none", phases=LONGER):
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


def kill(world, host, until):
    """Its workers drain by themselves; then it comes back."""
    workers = host.workers()
    at = time.monotonic()
    host.kill()
    recovery = until(at)
    gone(workers)
    world.farm.restart(host)
    return Seen(recovery, f"node {host.node}, {len(workers)} workers drained by themselves")


@of_hosts("leader SIGKILL", KILLED_S)
def kill_leader(world):
    host = leader_of(world)
    return kill(world, host, lambda at: succeeded(world, host, at))


@of_hosts("leader SIGSTOP", SILENT_S, phases=SILENT)
def stop_leader(world):
    host, said = leader_of(world), []
    with may_be_too_many(world, said):
        at = time.monotonic()
        with host.stopped(workers=False):
            recovery = succeeded(world, host, at)
            time.sleep(2 + world.random.random() * 3)
    return Seen(recovery, f"node {host.node}; {'; '.join(said)}")
