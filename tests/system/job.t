#!/usr/bin/python3
# quiet: what is claimed of time here is far from what a busy machine takes
"""What a job can say of an event, and jobs that take long: neither heartbeats nor signals wait for them, nor do the
events beside them; the autoscaler finds those hung that report nothing."""

import os
import signal
import time

from client import Client, Line, ctl
from scaler import autoscaler, children
from tap import BIN, diag, done_testing, equal, farm, like, ok, spawn, wait_until

PATIENT = os.path.join(BIN, "../tests/system/patient_worker")


def threads(worker):
    return len(os.listdir(f"/proc/{worker.pid}/task"))


def by(worker):
    """The end of winnow-worker in what this worker has answered."""
    return f"/{worker.pid}"


def warmed_up(client):
    """Teaches the worker that its events are quick, so that it holds many; the results are taken."""
    client.publish_many(100, "quick")
    ok(wait_until(lambda: client.ready(client.results) == 100, 20), "a worker learns that its events are quick")
    client.get_ready(client.results)


# ---- what a job can say ----


def verdicts(*args):
    """On the loop's thread and on one of the job's own."""
    where = "on its own thread" if not args else "on the loop's"
    name = farm()
    with spawn(PATIENT, *args, farm=name) as worker, Client(name) as client:
        client.ask("anything")
        equal(threads(worker), 1 if args else 2, f"a job {where}: the worker has as many threads as it needs")

        _, properties, body = client.ask("BINARY", content_type="text/plain", content_encoding="utf-8", headers={"x": 1})
        equal(body, b"\0\xff\x80\n", "a result is any bytes")
        equal((properties.content_type, properties.content_encoding), ("image/x-none", None), "of any type")
        own = {key: value for key, value in properties.headers.items() if key != "winnow-worker"}
        equal(own, {"x": 1, "winnow-answer": 42, "winnow-by": "a job"}, "with headers of the job's beside the event's")

        _, properties, body = client.ask(b"\xff\xfe", content_type="a/b", content_encoding="gzip")
        equal(
            (body, properties.content_type, properties.content_encoding),
            (b"\xff\xfe", "a/b", "gzip"),
            "an event that stays as it is has its bytes, type and encoding, whatever they are",
        )

        headers = {"number": 7}
        _, properties, body = client.ask("PROPERTIES", content_type="a/b", message_id="m", headers=headers)
        equal(body.decode(), f"a/b - m {client.replies} 7 0", "a job sees the event's properties and headers")
        equal((properties.content_type, properties.content_encoding), ("text/x-seen", "x-none"), "and gives its own")

        client.publish("DEAD too fou\xfc".encode("latin-1"), message_id="d", headers={"x": 1}, reply_to=client.replies)
        _, properties, body = client.get(client.dead)
        equal(body, b"DEAD too fou\xfc", "what a job says is dead goes to FARM.dead unchanged")
        equal(properties.headers["winnow-reason"], "too fou?", "for the job's reason, as text")
        equal((properties.message_id, properties.reply_to), ("d", client.replies), "with its properties")

        client.publish("OVERLONG", content_type="a/b", reply_to=client.replies)
        _, properties, body = client.get(client.dead)
        equal((body, properties.content_type), (b"OVERLONG", "a/b"), "so does one whose result cannot be sent")
        like(properties.headers["winnow-reason"], "255 bytes", "which the reason says")
        equal(properties.reply_to, client.replies, "also with its properties")

        client.publish("BINARY", reply_to="no.such.queue", headers={"x": 1})
        _, properties, body = client.get(client.dead)
        equal((body, properties.headers.get("winnow-answer")), (b"\0\xff\x80\n", 42), "a result that no queue takes stays")
        like(properties.headers["winnow-reason"], "no.such.queue", "as it is, with the reason")

        ok(wait_until(lambda: client.held() == (0, 0), 20), "all are acknowledged")
        equal(worker.end(), 0, "and the worker drains")


def an_event_for_later_waits_alone():
    name = farm()
    with spawn(PATIENT, farm=name) as worker, Client(name) as client:
        # At first a worker holds one event only; here it is the one that waits.
        begin = time.monotonic()
        client.publish("LATER 1", reply_to=client.replies)
        client.publish_many(50, "quick", reply_to=client.replies)
        answers = [client.get(client.replies) for _ in range(51)]
        took = time.monotonic() - begin
        ok(all(answers), "events beside one for later are answered")
        answer = answers[-1]
        ok(answer and answer[2] == b"LATER 1", "before that comes back, and so is that")
        ok(1 <= took < 4, f"after a second ({took:.2f} s)")
        equal(answer and answer[1].headers.get("winnow-redelivered"), True, "as an event that comes again")
        ok(wait_until(lambda: client.held() == (0, 0), 20), "and each event is acknowledged, no less and no more")
        equal(client.ready(client.replies), 0, "once")
        ok("connection_lost" not in worker.stderr(), "on one connection")


def a_worker_full_of_events_for_later_takes_more():
    name = farm()
    with spawn(PATIENT, "--prefetch", "20", farm=name) as worker, Client(name) as client:
        client.publish_many(15, "LATER 15")
        client.publish("quick")
        answers = [client.get(client.results) for _ in range(16)]
        ok(all(answers), "fifteen events for later are answered, and one behind them")
        equal(answers[0] and answers[0][2], b"quick", "which does not wait until any of them goes back")
        ok(wait_until(lambda: client.held() == (0, 0), 20), "and acknowledged")
        equal(worker.end(), 0, "the worker drains")


def a_sigterm_gives_back_what_waits():
    name = farm()
    # Whoever only waited for the event's second would not be done in time.
    with spawn(PATIENT, "--drain-timeout", "300ms", farm=name) as worker, Client(name) as client:
        client.publish("LATER 1000")
        client.publish("quick")
        ok(client.get(client.results), "one event waits, another is answered")
        worker.signal(signal.SIGTERM)
        equal(worker.wait(5), 0, "a worker that is told to go then ends with 0")
        method, _, body = client.get(client.work)
        equal((body, method.redelivered), (b"LATER 1000", True), "and the event is in the queue again")
        ok("given_back" not in worker.stderr(), "though no time-out has passed")


def later_is_no_attempt():
    name = farm()
    limits = ("--min", "1", "--max", "1", "--max-attempts", "1", "--log-level", "debug")
    with autoscaler(name, *limits, "--", PATIENT) as scaler, Client(name) as client:
        client.publish("LATER 2", message_id="1", reply_to=client.replies)
        ok(client.get(client.replies), "an event that comes again and again is no poison to one who allows one attempt")
        laters = scaler.stderr().count("event=later")
        equal(laters, 2, "each time is told of")
        client.publish("LATER 1000")
        ok(wait_until(lambda: scaler.stderr().count("event=later") > laters, 20), "another waits")
        (pid,) = children(scaler.pid)
        os.kill(pid, signal.SIGKILL)
        ok(wait_until(lambda: "event=worker_crashed" in scaler.stderr(), 20), "while its worker is killed")
        equal(scaler.end(), 0, "the autoscaler ends as ever")
        ok("attempt_failed" not in scaler.stderr(), "and has counted no attempt")


# ---- jobs that take long ----


def a_long_event_costs_nothing_else():
    name = farm()
    first = spawn(PATIENT, "--heartbeat", "1", "--drain-timeout", "20s", farm=name)
    with first as worker, Client(name) as client:
        warmed_up(client)
        timeouts = [row[0] for row in ctl("list_connections", "timeout", "client_properties") if by(worker) in row[1]]
        equal(timeouts, ["1"], "it has a heartbeat of a second")
        begin = time.monotonic()
        client.publish("LONG 6000", reply_to=client.replies, message_id="long")
        client.publish_many(20, "quick")
        ok(wait_until(lambda: client.ready(client.work) == 20, 5), "the events beside a long one are in the queue")
        with spawn(PATIENT, farm=name) as other:
            ok(wait_until(lambda: client.ready(client.results) == 20, 5), "where another worker finds them")
            results = client.get_ready(client.results)
            ok(all(p.headers["winnow-worker"].endswith(by(other)) for _, p, _ in results), "and answers them")
            marked = [p.headers.get("winnow-redelivered") for _, p, _ in results]
            ok(True in marked, f"some had been held beside the long one ({marked.count(True)})")
        wait_until(lambda: time.monotonic() > begin + 3, 5)
        worker.signal(signal.SIGTERM)
        ok(wait_until(lambda: "event=draining" in worker.stderr(), 1), "in the middle of it a signal is heard")
        equal(client.ready(client.replies), 0, "before it is done")
        equal(worker.wait(20), 0, "the worker ends with 0")
        took = time.monotonic() - begin
        ok(6 <= took < 12, f"after six heartbeats ({took:.1f} s)")
        answers = client.get_ready(client.replies)
        equal([body for _, _, body in answers], [b"LONG 6000"], "having answered the event, once")
        ok(answers and "winnow-redelivered" not in answers[0][1].headers, "as it came")
        equal(client.held(), (0, 0), "and acknowledged it")
        log = worker.stderr()
        ok("connection_lost" not in log and "handled=101" in log, "over one connection") or diag(log)


def a_worker_takes_more_after_a_long_event():
    name = farm()
    with spawn(PATIENT, farm=name) as worker, Client(name) as client:
        warmed_up(client)
        for _ in range(2):
            client.publish("LONG 600", reply_to=client.replies)
            client.publish_many(20, "quick")
            ok(client.get(client.replies), "a long event is answered")
            ok(wait_until(lambda: client.ready(client.results) == 20, 20), "and what was beside it after it")
            client.get_ready(client.results)
        equal(worker.end(), 0, "by the same worker")


def a_drain_gives_back_what_takes_too_long():
    name = farm()
    with spawn(PATIENT, "--drain-timeout", "700ms", farm=name) as worker, Client(name) as client:
        client.publish("SILENT 60000")
        wait_until(lambda: threads(worker) == 2, 20)
        # By then nothing but a signal wakes the worker for more than a second.
        started = time.monotonic()
        wait_until(lambda: time.monotonic() > started + 0.5, 5)
        begin = time.monotonic()
        worker.signal(signal.SIGTERM)
        ok(wait_until(lambda: "event=draining" in worker.stderr(), 0.6), "a signal is heard beside a job at once")
        equal(worker.wait(20), 0, "a worker whose event takes longer than its drain may ends with 0")
        took = time.monotonic() - begin
        ok(0.6 < took < 5, f"in time ({took:.2f} s)")
        like(worker.stderr(), "event=given_back .*events=1 ", "it says what it gave back")
        method, _, body = client.get(client.work)
        equal((body, method.redelivered), (b"SILENT 60000", True), "and that is in the queue again")


def a_job_learns_that_nobody_waits():
    name = farm()
    with Line() as line, spawn(PATIENT, farm=name, amqp=line.url) as worker, Client(name) as client:
        client.publish("UNWANTED", reply_to=client.replies)
        wait_until(lambda: threads(worker) == 2, 20)
        line.cut()
        answer = client.get(client.replies)
        ok(answer and answer[2] == b"UNWANTED", "an event whose connection is lost is given up and answered anew")
        equal(answer and answer[1].headers.get("winnow-redelivered"), True, "when it comes again")
        ok(wait_until(lambda: client.held() == (0, 0), 20), "and acknowledged")
        equal(client.ready(client.replies), 0, "once")
        equal(worker.end(), 0, "by the same worker")


def who_reports_nothing_hangs():
    name = farm()
    limits = ("--min", "1", "--max", "1", "--hang-timeout", "1s", "--max-attempts", "1")
    with autoscaler(name, *limits, "--", PATIENT) as scaler, Client(name) as client:
        for text, what in (("LONG 3000", "reports progress"), ("LIMIT 3000", "states its limit")):
            client.publish(text, message_id=text, reply_to=client.replies)
            answer = client.get(client.replies)
            equal(answer and answer[2].decode(), text, f"an event that {what} outlives --hang-timeout")
        ok("event=worker_hung" not in scaler.stderr(), "and its worker does not hang")
        client.publish("SILENT 60000", message_id="silent")
        answer = client.get(client.dead)
        ok(answer and "poison" in answer[1].headers["winnow-reason"], "one that says nothing is poison")
        equal(scaler.stderr().count("event=worker_hung"), 1, "because its worker hung")
        equal(scaler.end(), 0, "the autoscaler ends as ever")


verdicts()
verdicts("--quick")
an_event_for_later_waits_alone()
a_worker_full_of_events_for_later_takes_more()
a_sigterm_gives_back_what_waits()
later_is_no_attempt()
a_long_event_costs_nothing_else()
a_worker_takes_more_after_a_long_event()
a_drain_gives_back_what_takes_too_long()
a_job_learns_that_nobody_waits()
who_reports_nothing_hangs()
done_testing()
