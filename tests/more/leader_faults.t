#!/usr/bin/python3
# quiet: it tells how long something took, and claims nothing of it
# slow: half a minute or more
"""Candidates on a broker that fails: it is killed and started anew, and runs short of memory; and how long a leader that
stands still is waited for, with the heartbeats that everybody has. Given two ways to a broker, one takes the other when
nothing is answered."""

import contextlib
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/system"))

from candidates import PATIENCE_S, Candidates, stood, three
from client import Line, ctl
from own_broker import OwnBroker
from tap import diag, done_testing, equal, farm, like, ok, wait_until


def settled(candidates):
    """A queue whose broker is killed within a second of its declaration comes back without a leader."""
    seen = len(candidates.obeyed())
    return wait_until(lambda: len(candidates.obeyed()) > seen + 30, PATIENCE_S)


def a_broker_that_is_started_anew_is_no_end(broker, candidates):
    ok(settled(candidates), "on a broker of their own one leads")
    broker.kill()
    ended = lambda: all(candidates.says(name, "connection_lost") for name in candidates.running)
    ok(wait_until(ended, PATIENCE_S), "it is killed")
    broker.start()
    found, after_s = candidates.next_leader()
    ok(found, "and started anew: one leads")
    diag(f"after {after_s * 1000:.0f} ms")


def an_alarm_ends_the_lease_and_no_more(broker, candidates):
    leader = stood(candidates)
    ctl("set_vm_memory_high_watermark", "0.00001", directory=broker.directory)
    ok(wait_until(lambda: candidates.says(leader, "leading_ended"), PATIENCE_S), "while memory runs short nobody leads")
    candidates.running.pop(leader).process.kill()
    ctl("set_vm_memory_high_watermark", "0.4", directory=broker.directory)
    found, after_s = candidates.next_leader(but=[leader])
    ok(found, "after it somebody does, though the leader was killed meanwhile")
    diag(f"{after_s:.1f} s after it")
    candidates.start(leader)


def one_who_may_not_publish_is_told_and_harms_nobody(broker, candidates):
    everything, nothing = (".*", ".*", ".*"), (".*", "^$", ".*")
    ctl("add_user", "muted", "muted", directory=broker.directory)
    ctl("set_permissions", "muted", *nothing, directory=broker.directory)
    candidates.start("muted", url=candidates.url.replace("guest:guest", "muted:muted"))
    refused = lambda: candidates.says("muted", "leadership_refused")
    ok(wait_until(refused, PATIENCE_S), "one who may not publish says that he cannot stand")
    ok(candidates.next_leader(but=["muted"])[0], "and somebody leads")
    ctl("set_permissions", "muted", *everything, directory=broker.directory)
    ok(wait_until(lambda: candidates.says("muted", "leadership_back"), 2 * PATIENCE_S), "allowed to, he says that he can")
    equal(refused(), 1, "and each is said once")
    candidates.running.pop("muted").end()


def a_leader_that_stands_still_is_succeeded(candidates):
    leader = stood(candidates)
    candidates.running[leader].signal(signal.SIGSTOP)
    found, after_s = candidates.next_leader(but=[leader])
    ok(found, "a leader that stands still is succeeded")
    diag(f"after {after_s:.1f} s")
    candidates.running[leader].signal(signal.SIGCONT)
    ok(wait_until(lambda: candidates.says(leader, "leading_ended"), PATIENCE_S), "and leads no more when it wakes")


def a_broker_that_answers_nothing_is_left_for_another(url):
    # Without heartbeats for so long, that nothing else tells the candidate.
    with Line(url) as one, Line(url) as other, contextlib.ExitStack() as stack:
        candidates = Candidates(farm(), f"{one.url},{other.url}", heartbeat_s=300)
        stack.callback(candidates.end)
        candidates.start("a")
        ok(stood(candidates), "given two brokers one leads")
        equal([one.used(), other.used()].count(True), 1, "by one of them")
        used, unused = (one, other) if one.used() else (other, one)
        used.mode = "silent"
        ok(wait_until(unused.used, PATIENCE_S), "when that answers nothing, he takes the other")
        ok(stood(candidates), "and leads by it")
        said = candidates.running["a"].stderr()
        like(said, 'queue_without_leader .*doing="trying another broker"', "which the log says")
        equal(said.count("event=queue_without_leader"), 1, "once")


with OwnBroker() as broker:
    a_broker_that_answers_nothing_is_left_for_another(broker.url)
    with three(broker.url, heartbeat_s=5) as candidates:
        a_broker_that_is_started_anew_is_no_end(broker, candidates)
        an_alarm_ends_the_lease_and_no_more(broker, candidates)
        one_who_may_not_publish_is_told_and_harms_nobody(broker, candidates)
        a_leader_that_stands_still_is_succeeded(candidates)
done_testing()
