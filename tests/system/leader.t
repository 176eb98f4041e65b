#!/usr/bin/python3
"""Three candidates on a real broker: whatever fails, one leads soon, and nobody who was succeeded is obeyed."""

import contextlib
import os
import signal
import subprocess
import time

from tap import *

CANDIDATE = os.path.join(os.environ["WINNOW_TOP"], "build", os.environ["WINNOW_BUILD"], "tests/system/candidate")
BROKER = os.path.join(os.environ["WINNOW_TOP"], "tools/private-broker")
PATIENCE_S = 20


class Candidates:
    """Processes that stand for leader, and the file in which all of them write what they order."""

    def __init__(self, farm, url=None, heartbeat_s=2):
        self.farm, self.url, self.heartbeat_s = farm, url or URL, heartbeat_s
        self.file = os.path.abspath(f"{farm}.said")
        self.running = {}

    def start(self, *names, rank=0):
        for name in names:
            command = [CANDIDATE, "--amqp", self.url, "--farm", self.farm, "--node", name, "--rank", str(rank)]
            command += ["--heartbeat", str(self.heartbeat_s), "--file", self.file]
            self.running[name] = Program(command, dict(os.environ))

    def orders(self):
        """Every whole line of an order: (name, epoch, sequence)."""
        with contextlib.suppress(FileNotFoundError):
            with open(self.file) as file:
                lines = file.read()
            lines = [line.split() for line in lines[: lines.rfind("\n") + 1].splitlines()]
            return [(line[1], int(line[2]), int(line[3])) for line in lines if line[0] == "order"]
        return []

    def obeyed(self):
        """The orders that a node would obey."""
        last, obeyed = (0, 0), []
        for name, *stamp in self.orders():
            if tuple(stamp) > last:
                last = tuple(stamp)
                obeyed.append((name, *stamp))
        return obeyed

    def next_leader(self, but=()):
        """Who is obeyed from now on, and is none of those; and after how long."""
        seen, begun = len(self.obeyed()), time.monotonic()
        found = wait_until(lambda: next((o[0] for o in self.obeyed()[seen:] if o[0] not in but), None), PATIENCE_S)
        return found, time.monotonic() - begun

    def epochs_of_several(self):
        owners = {}
        for name, epoch, _ in self.orders():
            owners.setdefault(epoch, set()).add(name)
        return {epoch: names for epoch, names in owners.items() if len(names) > 1}

    def says(self, name, event):
        return self.running[name].stderr().count(f"event={event} ")

    def end(self):
        for running in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                running.signal(signal.SIGCONT)
            running.end()
        self.running = {}


@contextlib.contextmanager
def three(url=None):
    candidates = Candidates(farm(), url)
    try:
        candidates.start("a", "b", "c")
        yield candidates
        equal(candidates.epochs_of_several(), {}, "and no epoch has ever had two leaders")
    finally:
        candidates.end()


def stood(candidates):
    return candidates.next_leader()[0]


def a_leader_that_is_killed_is_succeeded(candidates):
    leader = stood(candidates)
    ok(leader, "of three that stand, one leads")
    candidates.running[leader].process.kill()
    candidates.running[leader].wait(PATIENCE_S)
    successor, after_s = candidates.next_leader(but=[leader])
    ok(successor, "killed, it is succeeded")
    diag(f"a killed leader was succeeded after {after_s * 1000:.0f} ms")
    candidates.start(leader)
    ok(wait_until(lambda: f"stands {leader} " in open(candidates.file).read(), PATIENCE_S), "it may come back")


def a_leader_that_stood_still_changes_nothing(candidates):
    leader = stood(candidates)
    stands = candidates.running[leader]
    stands.signal(signal.SIGSTOP)
    successor, after_s = candidates.next_leader(but=[leader])
    ok(successor, "stopped, it is succeeded")
    diag(f"a stopped leader was succeeded after {after_s:.1f} s, with heartbeats every {candidates.heartbeat_s} s")
    ended = candidates.says(leader, "leading_ended")
    obeyed = len(candidates.obeyed())
    stands.signal(signal.SIGCONT)
    ok(wait_until(lambda: candidates.says(leader, "leading_ended") > ended, PATIENCE_S), "woken, it says that it leads no more")
    ok(wait_until(lambda: candidates.says(leader, "connected"), PATIENCE_S), "and stands again")
    wait_until(lambda: len(candidates.obeyed()) > obeyed + 10, PATIENCE_S)
    ok(leader not in {order[0] for order in candidates.obeyed()[obeyed:]}, "and nobody has obeyed it")


def the_queue_is_nobodys_end(candidates):
    with contextlib.closing(connect(candidates.url)) as connection:
        channel = connection.channel()
        for what, do in (("purged", channel.queue_purge), ("deleted", channel.queue_delete)):
            stood(candidates)
            do(f"{candidates.farm}.leader")
            leader, after_s = candidates.next_leader()
            ok(leader, f"with the queue {what} somebody leads")
            diag(f"{what}: the next order came after {after_s * 1000:.0f} ms")
        # Purged of everything while nobody holds it, it is as silent as if it were new.
        leader = stood(candidates)
        others = [name for name in candidates.running if name != leader]
        for name in others:
            candidates.running[name].end()
        candidates.running[leader].process.kill()
        candidates.running[leader].wait(PATIENCE_S)
        emptied = lambda: channel.queue_purge(f"{candidates.farm}.leader").method.message_count
        ok(wait_until(emptied, PATIENCE_S), "the token of one who is gone is in the queue")
        candidates.start(*others)
        ok(candidates.next_leader(but=[leader])[0], "and without it, somebody leads as well")
        candidates.start(leader)


def what_is_no_token_is_dropped(candidates):
    leader = stood(candidates)
    with contextlib.closing(connect(candidates.url)) as connection:
        channel = connection.channel()
        envelope = '{"v":%d,"farm":"%s","from":"x","clock":1,"time":"",%s}'
        own = candidates.farm
        for body in (
            b"",
            b"\xff" * 1000,
            b"[" * 1000,
            (envelope % (2, own, '"kind":"token","epoch":1,"owner":"x"')).encode(),
            (envelope % (1, "other", '"kind":"token","epoch":1,"owner":"x"')).encode(),
            (envelope % (1, own, '"kind":"token","epoch":1e300,"owner":"x"')).encode(),
            (envelope % (1, own, '"kind":"crown","epoch":1,"owner":"x"')).encode(),
            (envelope % (1, own, '"kind":"token","epoch":1,"owner":"stale"')).encode(),
        ):
            channel.basic_publish("", f"{own}.leader", body)
        ok(wait_until(lambda: candidates.says(leader, "token_unreadable"), PATIENCE_S), "what is no token is told of")
        before = candidates.obeyed()[-1]
        equal(candidates.next_leader()[0], before[0], "and the leader goes on")
        # From far ahead: it is surpassed.
        ahead = before[1] + 1000 * 3600 * 1000
        channel.basic_publish("", f"{own}.leader", envelope % (1, own, f'"kind":"token","epoch":{ahead},"owner":"x"'))
        passed = wait_until(lambda: candidates.obeyed()[-1][1] > ahead, PATIENCE_S)
        ok(passed, "an epoch from an hour ahead is surpassed")


def the_highest_rank_is_preferred(candidates):
    leader = stood(candidates)
    candidates.start("high", rank=5)
    said = lambda: "stands high 5" in open(candidates.file).read()
    ok(wait_until(said, PATIENCE_S), "one of higher rank stands beside them")
    equal(candidates.next_leader()[0], leader, "the leader goes on")
    # One that has not heard of it for a while may lead in its place, once.
    for _ in range(2):
        if leader != "high":
            candidates.running.pop(leader).process.kill()
            leader = candidates.next_leader(but=[leader])[0]
    equal(leader, "high", "and is succeeded by the one of highest rank")


def a_queue_of_other_arguments_is_told_of():
    name = farm()
    candidates = Candidates(name)
    with contextlib.closing(connect()) as connection:
        channel = connection.channel()
        channel.queue_declare(f"{name}.leader", durable=True)
        try:
            candidates.start("a")
            refused = lambda: candidates.says("a", "leadership_refused")
            ok(wait_until(refused, PATIENCE_S), "a queue that somebody declared with other arguments is told of")
            like(candidates.running["a"].stderr(), rf"leadership_refused why=.*{name}\.leader", "by its name")
            equal(candidates.orders(), [], "and nobody leads by it")
            channel.queue_delete(f"{name}.leader")
            ok(candidates.next_leader()[0], "once it is gone, one leads")
            ok(candidates.says("a", "leadership_back"), "and says that it could stand")
        finally:
            candidates.end()


def a_broker_that_is_started_anew_is_no_end():
    directory = os.path.abspath("broker")
    run = lambda *command: subprocess.run([BROKER, *command, directory], check=True, capture_output=True, text=True)
    url = run("start").stdout.strip()
    try:
        with three(url) as candidates:
            # A queue whose broker is killed within a second of its declaration comes back without a leader.
            settled = wait_until(lambda: len(candidates.obeyed()) > 30, PATIENCE_S)
            ok(settled, "on a broker of their own one leads")
            run("kill")
            ended = lambda: all(candidates.says(name, "connection_lost") for name in candidates.running)
            ok(wait_until(ended, PATIENCE_S), "it is killed")
            run("start")
            found, after_s = candidates.next_leader()
            ok(found, "and started anew: one leads")
            diag(f"after {after_s * 1000:.0f} ms")
    finally:
        run("stop")


with three() as candidates:
    a_leader_that_is_killed_is_succeeded(candidates)
    a_leader_that_stood_still_changes_nothing(candidates)
    the_queue_is_nobodys_end(candidates)
    what_is_no_token_is_dropped(candidates)
    the_highest_rank_is_preferred(candidates)
a_queue_of_other_arguments_is_told_of()
a_broker_that_is_started_anew_is_no_end()
done_testing()
