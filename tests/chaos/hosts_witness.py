"""What may never be in a farm over several hosts, looked at all the time: too many workers on a node or in the farm,
two leaders under one epoch, a node that obeys an order older than the last.

Who leads and who obeys is read from the wire, as the autoscalers' own connections carry it. Workers are processes:
a node's are the children of its program, but for those that it has said in its log to drain or kill. The children are
looked at before the log, so that a worker that has moved from a node to another is never counted on both."""

import collections
import math
import re
import threading
import time

from farm import children
from hosts_farm import MAX, NODE_MAX

LOOK_S = 0.02
LOGGED = re.compile(r"event=(worker_started|worker_draining|worker_killed|leading) (?:worker|epoch)=(\d+)")

# Who connects again too late counts as lost, and others have been given its share. So long after that is said the farm
# may have too many, as after another silence.
LOST = re.compile(r"event=node_lost node=\S+ left=false")
LOST_S = 5.0

Order = collections.namedtuple("Order", "at stamp pid node workers")


class Log:
    """A log that grows."""

    def __init__(self, path):
        self.file = open(path, errors="replace")
        self.rest = ""

    def lines(self):
        *lines, self.rest = (self.rest + self.file.read()).split("\n")
        return lines


class Ledger:
    """What was heard on the wire. `wrong` gets what must not be."""

    def __init__(self, wrong):
        self.wrong = wrong
        self.leaders = {}  # epoch -> who gave orders under it
        self.stamps = set()
        self.obeyed = {}  # boot -> stamp of the last order that it took
        self.reports = {}  # node -> (when, the last)
        self.last = {}  # node -> its last order
        self.orders = collections.deque(maxlen=100000)

    def hear(self, at, key, message):
        stamp = (message["epoch"], message["sequence"])
        if key.startswith("target."):
            self._order(at, stamp, message)
        else:
            self._report(at, stamp, message)

    def claim(self, epoch, who):
        if self.leaders.setdefault(epoch, who) != who:
            self.wrong.append(f"two leaders under the epoch {epoch}: {self.leaders[epoch]} and {who}")

    def _order(self, at, stamp, message):
        pid = int(message["from"].rsplit("/", 1)[1])
        self.claim(stamp[0], pid)
        if stamp in self.stamps:
            self.wrong.append(f"two orders are stamped {stamp}")
        self.stamps.add(stamp)
        order = Order(at, stamp, pid, message["node"], message["workers"])
        self.orders.append(order)
        self.last[order.node] = order

    def _report(self, at, stamp, message):
        node, boot = message["node"], message["boot"]
        if stamp < self.obeyed.get(boot, stamp):
            self.wrong.append(f"node {node} obeyed {stamp} after {self.obeyed[boot]}")
        self.obeyed[boot] = stamp
        self.reports[node] = (at, message)
        if message["starting"] + message["running"] > NODE_MAX:
            self.wrong.append(f"node {node} reports {message['starting']} + {message['running']} workers")


class Witness:
    def __init__(self, farm):
        self.farm = farm
        self.wrong = []
        self.wire = Ledger(self.wrong)
        self.excused_until = self.lost_until = -math.inf
        self.excess_s, self.most = 0.0, 0  # of more workers than the farm may have, since they were last asked for
        self.looks = 0
        self._logs, self._draining = {}, {}
        self._over = {}  # node, or None for the farm -> the last look at which it had too many
        self._looked = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self):
        self._ended.set()
        self._thread.join()

    def _run(self):
        while not self._ended.wait(LOOK_S):
            try:
                self.look()
            except Exception as error:
                self.wrong.append(f"the witness: {error!r}")
                return

    def look(self):
        programs = [(host.node, host.active) for host in self.farm.hosts if host.active]
        looked, self._looked = self._looked, time.monotonic()
        present = {node: children(program.pid) for node, program in programs}
        for node, program in programs:
            self._read_log(program)
        working = {
            node: [pid for pid in present[node] if pid not in self._draining[program]] for node, program in programs
        }
        for node, pids in working.items():
            if len(pids) > NODE_MAX:
                self._complain(node, f"{len(pids)} workers on the node {node}, which may have {NODE_MAX}")
        count = sum(map(len, working.values()))
        if count > MAX:
            self.excess_s += self._looked - looked
            self.most = max(self.most, count)
            if self._looked > max(self.excused_until, self.lost_until):
                spread = " ".join(f"{node}:{len(pids)}" for node, pids in working.items())
                self._complain(None, f"{count} workers in the farm, which may have {MAX} ({spread})")
        self.hear()
        self.looks += 1

    def _complain(self, whose, text):
        """Once for looks on end."""
        if self.looks - self._over.get(whose, -2) > 1:
            self.wrong.append(text)
        self._over[whose] = self.looks

    def _read_log(self, program):
        if program not in self._logs:
            self._logs[program], self._draining[program] = Log(program.log_path), set()
        for line in self._logs[program].lines():
            if LOST.search(line):
                self.lost_until = self._looked + LOST_S
            if found := LOGGED.search(line):
                event, number = found[1], int(found[2])
                if event == "leading":
                    self.wire.claim(number, program.pid)
                elif event == "worker_started":
                    self._draining[program].discard(number)
                else:
                    self._draining[program].add(number)

    def hear(self):
        heard = [each for host in self.farm.hosts for each in host.proxy.heard()]
        for at, key, message in sorted(heard, key=lambda each: each[0]):
            self.wire.hear(at, key, message)

    # ---- what faults ask ----

    def excuse(self, seconds=math.inf):
        """The farm may have too many workers from now on, for so long."""
        self.excused_until = time.monotonic() + seconds

    def excess(self):
        """For how long there were too many workers in the farm since the last call, and how many at most."""
        seconds, most = self.excess_s, self.most
        self.excess_s, self.most = 0.0, 0
        return seconds, most

    def take(self):
        """What was wrong since the last call."""
        wrong = self.wrong[:]
        del self.wrong[: len(wrong)]
        return wrong

    def leader(self):
        """The host whose program gave the last order; None while nobody does."""
        orders = self.wire.orders
        if not orders or orders[-1].at < time.monotonic() - 3:
            return None
        return next((host for host in self.farm.hosts if host.active.pid == orders[-1].pid), None)

    def first_order(self, since, but=None):
        """The first order after that, of any program but one."""
        later = []
        for order in reversed(list(self.wire.orders)):
            if order.at <= since:
                break
            if order.pid != but:
                later.append(order)
        return later[-1] if later else None

    def unsettled(self):
        """What is not yet as it should be when nothing is wrong; empty when all is."""
        leader, now = self.leader(), time.monotonic()
        if not leader:
            return "nobody leads"
        for host in self.farm.hosts:
            at, report = self.wire.reports.get(host.node, (0, None))
            if now - at > 1.5:
                return f"node {host.node} does not report"
            if self.wire.leaders.get(report["epoch"]) != leader.active.pid:
                return f"node {host.node} does not obey the leader"
            if report["starting"] + report["running"] != report["target"]:
                return f"node {host.node} does not run what it was ordered"
        return ""

    def tell(self):
        return (
            f"looked {self.looks} times; {len(self.wire.stamps)} orders under {len(self.wire.leaders)} epochs "
            f"of {len(set(self.wire.leaders.values()))} leaders"
        )
