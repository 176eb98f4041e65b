#!/usr/bin/python3
# quiet: no claim about time
"""A farm that is asked and told while it runs: every verb, whatever else comes in, and what happens to the exchange."""

import json
import os
import re
import signal
import subprocess
import time

import pika

from client import Line, ctl, evaluate
from control import *
from scaler import *
from tap import *

QUICK = ("--interval", "200ms")


def replays(name):
    ran = subprocess.run([os.path.join(BIN, "winnow-simulate"), "--replay", f"{name}.csv"], capture_output=True, text=True)
    equal(ran.returncode, 0, "decided again from the history, all is the same") or diag(ran.stdout)


def limits(row):
    return row["min_workers"], row["max_workers"], row["desired_workers"], row["reason"]


# ---- every verb ----


def a_status_says_how_the_farm_is(control, name):
    status = control.run()
    equal(status["farm"], name, "a status says which farm it is of")
    like(status["from"], r"^winnow-autoscaler/[^/]+/\d+$", "and from whom")
    equal(status["state"], "running", "that it runs")
    equal([status["limits"][key] for key in ("min_workers", "max_workers", "paused", "replicas", "by")],
          [1, 32, False, None, ""], "its limits, which nobody has changed")
    equal(status["broker_away_s"], None, "that the broker is there")
    control.wait(lambda: control.last["decision"] and control.last["running"] == 1)
    status = control.last
    equal(status["decision"].get("desired_workers"), 1, "the last decision")
    equal(status["decision"].get("reason"), "min", "its reason")
    ok(0 <= status["decided_s"] < 5 and status["counters"]["decisions"] > 0, "and when it was made")
    worker = status["workers"][0]
    equal((worker["slot"], worker["state"], worker["tells"]), (0, "running", True), "each worker")
    ok(lives(worker["pid"]), "by its process")
    return status


def what_is_set_holds_at_once(control, name):
    since = len(rows(name))
    equal(control.tell("set", min=2, max=4), ("done", ""), "limits are set")
    row = wait_for_row(name, lambda row: row["trigger"] == "react", since=since)
    ok(row, "a decision waits for no tick")
    equal(row and limits(row), ("2", "4", "2", "min"), "and is by them, as the history says")
    ok(control.wait(lambda: control.last["limits"]["max_workers"] == 4), "a status is published")
    equal(control.last["limits"]["by"], "test/here/1", "that says who has set them")
    like(control.last["limits"]["at"], r"^\d{4}-\d\d-\d\dT[0-9:.]+Z$", "and when")
    ok(control.wait(lambda: control.last["running"] == 2), "workers follow")
    ok(control.wait(lambda: control.notices("limits_changed")), "the log tells whoever follows it")
    like(control.notices("limits_changed")[0]["text"], "^min=2 max=4 paused=false replicas=none by=test/here/1$",
         "who has changed what")


def the_same_again_is_harmless(control, scaler):
    equal(control.tell("set", min=2, max=4), ("done", ""), "the same command twice is done")
    equal(scaler.stderr().count("event=limits_changed"), 1, "and changes nothing")


def a_number_is_fixed(control, name):
    equal(control.tell("set", replicas=3), ("done", ""), "a number is fixed")
    equal(json.dumps(control.status()["limits"]["replicas"]), "3", "as a whole number")
    ok(control.wait(lambda: control.last["running"] == 3), "so many workers run")
    row = wait_for_row(name, lambda row: row["reason"] == "fixed")
    equal(json.loads(row["params"])["replicas"], 3, "the history says so")
    equal(control.tell("set", replicas=5), ("refused", "replicas is 5; expected 2 to 4, the limits"),
          "one out of range is refused, with the range")
    outcome, reason = control.tell("set", max=2)
    equal(outcome, "refused", "limits that exclude it are refused")
    like(reason, "fixed at 3", "and why")
    equal(control.tell("set", min=3, max=2)[0], "malformed", "so is a min over the max")
    equal(control.tell("set", min=5)[0], "refused", "whichever of the two is said")


def a_pause_holds_what_there_is(control, name):
    equal(control.tell("pause"), ("done", ""), "the farm is paused")
    equal(control.tell("set", replicas=None), ("done", ""), "and its number no longer fixed")
    row = wait_for_new_row(name)
    equal(limits(row), ("2", "4", "3", "paused"), "the number stays")
    equal(control.tell("set", max=2), ("done", ""), "new limits hold in a pause, too")
    ok(control.wait(lambda: control.last["limits"]["max_workers"] == 2 and control.last["running"] == 2), "it obeys them")
    equal(control.tell("resume"), ("done", ""), "it goes on")
    ok(wait_for_row(name, lambda row: limits(row) == ("2", "2", "2", "min")), "and decides again")


def max_may_be_more_than_at_the_start(control):
    equal(control.tell("set", max=1000), ("done", ""), "max may be more than --max")
    equal(control.tell("set", max=1001)[0], "malformed", "but not more than any farm can have")
    equal(control.tell("set", min=34)[0], "done", "workers beyond --max")
    ok(control.wait(lambda: control.last["running"] == 34, 30), "are started")
    equal(control.tell("set", min=2, max=4)[0], "done", "and drained again")
    ok(control.wait(lambda: len(control.last["workers"]) == 2, 30), "when they are not wanted")


def a_worker_is_stopped(control, scaler):
    before = {worker["slot"]: worker["pid"] for worker in control.last["workers"]}
    numbers = [control.send({"verb": "stop", "seen": control.seen(), "slot": slot}) for slot in before]
    equal([control.answer(number)["outcome"] for number in numbers], ["done", "done"], "two workers are told to stop at once")
    ok(wait_until(lambda: not any(lives(pid) for pid in before.values()), 20), "they end")
    ok(control.wait(lambda: control.last["running"] == 2 and not set(before.values()) & {
        worker["pid"] for worker in control.last["workers"]}), "and others take their place")
    equal(control.last["counters"]["crashed"], 0, "which is no crash")
    for slot, pid in before.items():
        like(scaler.stderr(), rf"event=worker_told_to_stop worker={pid} slot={slot} by=test/here/1", "the log says which, and who wanted it")
    equal(control.tell("stop", slot=2000), ("refused", "there is no worker in slot 2000; expected one that is"),
          "a slot without a worker is refused")


def clocks_go_on(control):
    equal(control.tell("resume", clock=1000000), ("done", ""), "whatever the clock of what is heard")
    ok(control.taken[-1][2]["clock"] > 1000000, "what is said then has a later one")
    clocks = [message["clock"] for kind, number, message in control.taken if kind == "answer"]
    equal(clocks, sorted(clocks), "the clock only rises")


def verbs():
    name = farm()
    with autoscaler(name, *QUICK, "--min", "1", "--", FILTER) as scaler, Control(name) as control:
        a_status_says_how_the_farm_is(control, name)
        what_is_set_holds_at_once(control, name)
        the_same_again_is_harmless(control, scaler)
        a_number_is_fixed(control, name)
        a_pause_holds_what_there_is(control, name)
        max_may_be_more_than_at_the_start(control)
        a_worker_is_stopped(control, scaler)
        clocks_go_on(control)
        bad_commands(control, scaler, name)
    replays(name)


# ---- whatever else comes in ----


def refuses(control, body, pattern, description, outcome="malformed"):
    got, reason = control.ask(body)
    equal(got, outcome, f"refused: {description}")
    like(reason or "", pattern, "with what was expected")


def bad_commands(control, scaler, name):
    control.status()
    now = control.seen()
    pause = {"verb": "pause", "seen": now}
    refuses(control, {**pause, "seen": {**now, "sequence": now["sequence"] + 1000}}, "no such status yet", "from the future", "stale")
    refuses(control, {**pause, "seen": {**now, "sequence": 2**62}}, "no such status yet", "from far in the future", "stale")
    refuses(control, {**pause, "seen": {**now, "epoch": now["epoch"] - 1}}, "another run", "said to another leader", "stale")
    refuses(control, {"verb": "pause"}, '"seen" is missing', "without a status")
    refuses(control, {**pause, "farm": "other"}, "for the farm 'other'; this is", "for another farm")
    refuses(control, {**pause, "farm": "ä" * 60}, "for the farm 'ä+", "for one with a long name")
    refuses(control, {**pause, "from": "ä" * 199, "v": "ä" * 15}, '"v" is "ä+"; expected', "letters of any language")
    refuses(control, {**pause, "farm": "*"}, "for the farm '\\*'", "for all farms")
    refuses(control, {**pause, "verb": "explode"}, "expected status, set, pause, resume or stop", "an unknown verb")
    refuses(control, {**pause, "v": 2}, "version 2; this program speaks version 1", "of another version")
    refuses(control, {**pause, "verb": "set", "max": "8"}, '"max" is "8"; expected a whole number', "wrong types")
    refuses(control, {**pause, "verb": "set", "max": 1.5}, '"max" is 1.5', "broken numbers")
    refuses(control, {**pause, "verb": "set", "min": -1}, '"min" is -1', "negative ones")
    refuses(control, {**pause, "seen": [1]}, '"seen" is \\[1\\]; expected an object', "an array for an object")
    refuses(control, {**pause, "clock": 2**63 - 1}, '"clock"', "a clock that nobody could count on from")
    refuses(control, b"not JSON", "not JSON", "not JSON")
    refuses(control, b"", "not JSON", "nothing at all")
    refuses(control, b'"\xff\xfe"', "not JSON", "what is no UTF-8")
    refuses(control, b"[" * 4000 + b"]" * 4000, "nested more than", "nested deeply")
    refuses(control, b'{"a":"' + b"x" * (1 << 20) + b'"}', "expected at most 8192", "1 MiB")
    refuses(control, {**pause, "x": "y" * 9000}, "expected at most 8192", "more than a command can say")
    equal(control.tell("resume", later={"than": "this"}), ("done", ""), "what is not known is ignored")
    numbers = [control.send({"verb": "status", "farm": meant}, exchange="amq.topic", key="winnow.command") for meant in ("other", "*")]
    ok(control.answer(numbers[1]), "what is said to all farms is answered")
    equal(control.answer(numbers[0], 0), None, "and what is meant for another there is not")
    equal(control.tell("pause", key="ask")[0], "malformed", "by the key of those who may only ask nothing is told")
    pause = {"verb": "pause", "seen": control.seen()}
    outcome, _ = control.ask(pause, exchange="amq.topic", key="winnow.command")
    equal(outcome, "malformed", "nor where all farms are asked")
    for queue in (row[0] for row in ctl("list_queues", "name") if row[0].startswith(f"{control.farm}.control/")):
        control.send(pause, exchange="", key=queue)
    ok(control.status() and not control.last["limits"]["paused"], "nor is one obeyed who writes to the queue by himself")
    ok(control.answer(control.send({"verb": "status"}, key="ask")), "and a status is given")
    answers_that_go_nowhere(control, scaler, name)
    contradictions(control)
    equal(control.status()["limits"]["paused"], False, "nothing of all that was carried out")


def answers_that_go_nowhere(control, scaler, name):
    for reply_to in ("nobody", "x" * 255, "amq.rabbitmq.reply-to.g1h2AA", "ä\x01 ", None, ""):
        control.send({"verb": "resume", "seen": control.seen()}, reply_to=reply_to)
    for queue in ("work", "results", "dead", "count"):
        control.send({"verb": "pause", "seen": control.seen()}, reply_to=f"{name}.{queue}")
    control.send({"verb": "pause", "seen": control.seen()}, reply_to="another-farm.work")
    ok(control.status(), "answers to nobody, and to what is no queue, are lost")
    equal([ready(name, queue) for queue in ("work", "results", "dead")], [0, 0, 0], "none becomes an event")
    equal(scaler.stderr().count("event=answer_withheld"), 1, "which is said once")
    ok("event=connection_lost" not in scaler.stderr(), "the connection stands")


def contradictions(control):
    control.status()
    numbers = [control.send({"verb": "set", "seen": control.seen(), "min": n, "max": n}) for n in (3, 2)]
    equal([control.answer(number)["outcome"] for number in numbers], ["done", "done"], "two that contradict are both answered")
    ok(control.wait(lambda: control.last["limits"]["max_workers"] == 2), "the later one counts")


# ---- the exchange ----


def a_deleted_exchange_comes_back(control, scaler):
    control.run()
    control.channel.exchange_delete(f"{control.farm}.control")
    ok(wait_until(lambda: "event=entity_missing" in scaler.stderr(), 20), "a deleted exchange is noticed")

    def answers():
        with Control(control.farm) as other:
            return other.status(0.5)

    ok(wait_until(answers, 20), "and declared anew")
    equal(scaler.stderr().count("event=entity_missing"), 1, "which is said once")


def exchanges():
    plain, fanout, *forbidden = (farm() for _ in range(4))
    with contextlib.closing(connect()) as connection, Control(plain) as control:
        channel = connection.channel()
        channel.exchange_declare(f"{fanout}.control", "fanout")
        users = add_users(forbidden, ("configure", "read"))
        with autoscaler(plain, *QUICK, "--min", "1", "--", FILTER) as one, \
                autoscaler(fanout, *QUICK, "--min", "1", "--", FILTER) as two, \
                autoscaler(forbidden[0], *QUICK, "--min", "1", amqp=users[0]) as three, \
                autoscaler(forbidden[1], *QUICK, "--min", "1", amqp=users[1]) as four:
            runs_on_without_it((two, three, four), (fanout, *forbidden))
            a_deleted_exchange_comes_back(control, one)
            one_who_may_only_ask(plain)
            seen = control.seen()
            channel.exchange_delete(f"{fanout}.control")
            allow(forbidden)
            for scaler, name in zip((two, three, four), (fanout, *forbidden)):
                with Control(name) as other:
                    ok(other.run(20), "when it may, the desk is there by itself")
                ok(wait_until(lambda: "event=control_back" in scaler.stderr(), 20), "and the log says so")
            what_was_said_to_an_old_status_is_stale(plain, seen)


def one_who_may_only_ask(name):
    reader = Control(name, add_reader(name), queue="reader.own", declares=False)
    status = reader.answer(reader.send({"verb": "status"}, key="ask"))
    ok(status, "one who may only ask is answered")
    ok(reader.wait(lambda: len([kind for kind, *_ in reader.taken if kind == "status"]) > 2), "and told what follows")
    reader.send({"verb": "pause", "seen": reader.seen()})
    ok(reader.wait(lambda: not reader.channel.is_open), "but when he commands, the broker ends it")
    reader.connection.close()


def what_was_said_to_an_old_status_is_stale(name, seen):
    with Control(name) as control:
        wait_until(lambda: control.status()["sequence"] > seen["sequence"] + 10100, 30)
        outcome, reason = control.ask({"verb": "pause", "seen": seen})
        equal(outcome, "stale", "what was said to an old status is stale")
        like(reason, r"that status is \d\d s old; expected one of the last 10 s", "with what was expected")


def runs_on_without_it(scalers, names):
    for scaler, name, why in zip(scalers, names, ("inequivalent arg 'type' for exchange", "refused", "refused")):
        ok(wait_until(lambda: "event=control_refused" in scaler.stderr(), 20), "without the exchange it says so")
        like(scaler.stderr(), f"event=control_refused .*{why}", "and why")
        ok(wait_for_row(name, lambda row: row["running_workers"] == "1"), "and its workers run")
        ok(wait_for_new_row(name), "and it decides on")
        equal(scaler.stderr().count("event=control_refused"), 1, "it says so once")


# ---- users ----


def call(function, *texts):
    """A call of the broker's own function, in Erlang."""
    return f"rabbit_auth_backend_internal:{function}(" + ", ".join(
        '<<"' + text.replace("\\", "\\\\") + '">>' for text in (*texts, "test")) + ")"


def add_users(farms, forbidden):
    """A user of each farm's name who may not do one thing with its control exchange; their URLs."""
    calls = []
    for name, permission in zip(farms, forbidden):
        all_but_it = f"^{name}\\.(control.+|[^c].*|count.*)$"
        may = {kind: all_but_it if kind == permission else ".*" for kind in ("configure", "write", "read")}
        calls += [call("add_user", name, "secret"), call("set_permissions", name, "/", *may.values())]
    evaluate(", ".join(calls) + ".")
    return [url_of(name) for name in farms]


def url_of(user):
    return URL.replace("guest:guest", f"{user}:secret")


def add_reader(farm):
    """A user who may ask a farm and not command it, as docs/operations.md has it."""
    evaluate(", ".join((
        call("add_user", "reader", "secret"),
        call("set_permissions", "reader", "/", "^reader\\.", f"^(reader\\..*|{farm}\\.control)$", f"^(reader\\..*|{farm}\\.control)$"),
        call("set_topic_permissions", "reader", "/", f"{farm}.control", "^ask$", "^(status|log)$"))) + ".")
    return url_of("reader")


def allow(users):
    evaluate(", ".join(call("set_permissions", name, "/", ".*", ".*", ".*") for name in users) + ".")


# ---- the end, and no broker ----


def the_end():
    name = farm()
    with autoscaler(name, *QUICK, "--min", "1", "--", FILTER, "--service-time", "6s") as scaler, Control(name) as control:
        control.run()
        publish(name, 1)
        ok(control.wait(lambda: control.last["workers"] and control.last["workers"][0]["in_flight_msgs"] == 1), "a worker is at work")
        scaler.signal(signal.SIGTERM)
        ok(wait_until(lambda: control.status()["state"] == "draining", 5), "while it drains, it is asked all the same")
        outcome, reason = control.tell("set", max=3)
        equal(outcome, "refused", "and told nothing any more")
        like(reason, "drains its workers", "as it says")
        equal(scaler.wait(20), 0, "it ends as ever")
        control.send({"verb": "status"})
        ok(control.wait(lambda: control.returned), "then a command comes back: nobody runs the farm")


def no_broker():
    name = farm()
    with Line() as line, autoscaler(name, *QUICK, "--min", "1", "--", FILTER, amqp=line.url) as scaler, Control(name) as control:
        control.run()
        control.wait(lambda: control.last["running"] == 1)
        line.mode = "silent"
        line.cut()
        lost = lambda: {"for=control", "for=count", "for=backlog"} <= set(re.findall(r"connection_lost (for=\w+)", scaler.stderr()))
        ok(wait_until(lost, 20), "the broker is lost") or diag(scaler.stderr())
        control.send({"verb": "pause", "seen": control.seen()})
        ok(control.wait(lambda: control.returned), "a command comes back")
        line.mode = "pass"
        status = control.run()
        ok(status, "when the broker is there again, the farm answers")
        equal(status["limits"]["paused"], False, "and what was told meanwhile is not carried out")
        ok(control.wait(lambda: control.notices("connection_lost")), "what happened meanwhile is told afterwards") or diag([scaler.stderr(), control.taken[-20:]])


def who_answers(control):
    """From whom an answer comes, while one autoscaler after the other is asked."""
    status = control.status(0.3)
    return status and status["from"]


def one_answers_at_a_time():
    name = farm()
    standby = ("winnow-autoscaler", *QUICK, "--standby", "--quiet", "--min", "1", "--", FILTER)
    with autoscaler(name, *QUICK, "--min", "1", "--", FILTER) as first, Control(name) as control:
        epoch = control.run()["epoch"]
        with spawn(*standby, farm=name) as second:
            wait_until(lambda: "event=standby" in second.stderr(), 20)
            number = control.send({"verb": "status"})
            control.answer(number)
            control.status()
            equal([own for _, own, _ in control.taken].count(number), 1, "who waits to take over says nothing")
            equal(control.tell("set", max=2), ("done", ""), "the one that runs the farm is told")
            seen = control.seen()
            first.signal(signal.SIGTERM)
            ok(control.wait(lambda: (who_answers(control) or "").endswith(f"/{second.pid}"), 30), "the next one answers when it has taken over")
            ok(control.last["epoch"] > epoch, "it is another run")
            equal(control.last["limits"]["max_workers"], 32, "with limits of its own")
            equal(control.ask({"verb": "pause", "seen": seen})[0], "stale", "and obeys nothing that was said to the one before")


verbs()
exchanges()
one_answers_at_a_time()
the_end()
no_broker()
done_testing()
