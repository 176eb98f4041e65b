#!/usr/bin/python3
# quiet
"""Three candidates on a real broker: whatever fails, one leads soon, and nobody who was succeeded is obeyed."""

import contextlib
import signal

from candidates import PATIENCE_S, Candidates, stood, three
from tap import *


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


with three() as candidates:
    a_leader_that_is_killed_is_succeeded(candidates)
    a_leader_that_stood_still_changes_nothing(candidates)
    the_queue_is_nobodys_end(candidates)
    what_is_no_token_is_dropped(candidates)
    the_highest_rank_is_preferred(candidates)
a_queue_of_other_arguments_is_told_of()
done_testing()
