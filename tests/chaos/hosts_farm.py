"""A farm over several hosts: nodes of one machine, each behind a cable of its own to the broker."""

import contextlib
import os
import signal

from farm import Farm, Isolation, Watch, alive, scoreboard_of, wait_until
from proxy import Proxy

NODES = ("a", "b", "c")
NODE_MAX = 4
MAX = 10


class Host(Farm):
    """One node: its program, its workers, and the proxy through which they all reach the broker."""

    def __init__(self, node, farm, broker):
        out = os.path.join(farm.out, node)
        os.makedirs(out)
        self.node, self.proxy = node, Proxy(broker.port)
        isolation = Isolation()
        isolation.mounts = isolation.user = False
        super().__init__(farm.name, farm.binaries, out, broker.farm_url(self.proxy.port), isolation, None, farm.queue_type)

    def start(self):
        """Begins, or comes back as another process under the same name."""
        self.active = self.autoscaler()
        if not wait_until(lambda: scoreboard_of(self.active.pid), 20, 0.002):
            raise RuntimeError(f"node {self.node} does not begin: {self.active.log()[-2000:]}")
        watch, self.watch = self.watch, Watch(self.binaries, self.active.pid)
        return watch

    def kill(self):
        """The program alone: its workers drain then."""
        self.active.process.kill()
        self.active.process.wait()

    @contextlib.contextmanager
    def stopped(self, workers):
        """The program stands still, and with it its workers, as on a host that is frozen."""
        self.active.process.send_signal(signal.SIGSTOP)
        pids = self.workers() if workers else []
        try:
            for pid in pids:
                send(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in pids:
                send(pid, signal.SIGCONT)
            self.active.process.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def without_cable(self, end):
        end()
        try:
            yield
        finally:
            self.proxy.mend()


def send(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


class Watches:
    """What the workers of all nodes handle; also of programs that are gone."""

    def __init__(self, hosts):
        self.hosts, self.past = hosts, []

    def _all(self):
        return self.past + [host.watch for host in self.hosts if host.watch]

    @property
    def total(self):
        return sum(watch.total for watch in self._all())

    def since(self, start):
        return sorted((each for watch in self._all() for each in watch.since(start)), key=lambda each: each.at)

    def slots(self):
        return [slot for host in self.hosts if alive(host.active.pid) for slot in host.watch.slots()]


class Hosts(Farm):
    """All nodes as one farm."""

    def __init__(self, name, binaries, out, broker, queue_type):
        super().__init__(name, binaries, out, None, None, None, queue_type)
        self.hosts = [Host(node, self, broker) for node in NODES]
        self.watch = Watches(self.hosts)

    def start(self, *args, worker=()):
        for host in self.hosts:
            host.arguments, host.worker = (*args, "--node", host.node, "--node-max", NODE_MAX), worker
            host.start()

    def restart(self, host):
        before = host.start()
        self.watch.past.append(before)
        before.close()

    def workers(self):
        return [pid for host in self.hosts for pid in host.workers()]

    def sample_memory(self, now):
        for host in self.hosts:
            host.sample_memory(now)
        self.memory = sorted(sample for host in self.hosts for sample in host.memory)

    def stop(self, last=None):
        """One after the other, the leader last, if it is known: so none has to wait until it is missed."""
        return [code for host in sorted(self.hosts, key=lambda host: host is last) for code in host.stop()]

    def close(self):
        for host in self.hosts:
            host.proxy.close()
