#!/usr/bin/python3
# quiet: no claim about time
"""The load generator's accounts are true: against real workers, against workers that lie, and for what it is given."""

import re

import pika

from loadgen import *
from tap import *


def events_are_as_promised():
    name = new_farm()
    body = write("body.txt", "\ufefffirst line\r\n\n   \nsecond — línia\nthird, without an end")
    code, running = loadgen("--phase", "60ms@100", "--body", body, name=name)
    equal(code, 0, "a run that nobody answers ends well without --verify")
    messages = take_all(name)
    equal(
        [text.decode() for _, text in messages],
        ["first line", "second — línia", "third, without an end"] * 2,
        "the lines of the file are sent in turn, without the blank ones",
    )
    first = messages[0][0]
    equal(
        (first.delivery_mode, first.content_type, first.correlation_id, first.reply_to, first.headers),
        (2, "text/plain", None, None, None),
        "events are persistent plain text, for FARM.results",
    )
    like(first.message_id, r"^[0-9a-f]{16}\.0\.[0-9a-f]+$", "the message_id names run, event and time")
    unknown = dict.fromkeys(["results", "dead", "destroyed", "lost", "duplicates", "corrupted"])
    equal(counts(*unknown), unknown, "what was not looked at is unknown, not zero")
    equal(summary()["end_to_end_ms"], dict.fromkeys(PERCENTILES), "nor has it percentiles")

    table = write("body.csv", 'id,text\n1,"one, two"\n2,\n3,"two\nlines"\n')
    loadgen("--phase", "20ms@100", "--body", f"{table}:text", name=name)
    equal([text for _, text in take_all(name)], [b"one, two", b"two\nlines"], "a column of a table is sent")


def events_are_shaped_as_asked():
    name = new_farm()
    args = ["--phase", "1h@1k", "--events", "40", "--body-size", "20..50", "--transient"]
    code, running = loadgen(*args, "--header", "tenant=a=b", "--header", "empty=", "--hdr", "out", name=name)
    equal(code, 0, "a run ends after the events it was to send") or diag(running.stderr())
    messages = take_all(name)
    equal(len(messages), 40, "so many were sent")
    sizes = {len(body) for _, body in messages}
    ok(min(sizes) >= 20 and max(sizes) <= 50 and len(sizes) > 10, "bodies have drawn sizes")
    equal(
        {(properties.delivery_mode, str(properties.headers)) for properties, _ in messages},
        {(1, str({"tenant": "a=b", "empty": ""}))},
        "events are transient and have their headers",
    )
    for kind in "lag", "confirm", "end_to_end":
        with open(f"out.{kind}.hdr") as file:
            like(file.read(), r"^ +Value +Percentile TotalCount 1/\(1-Percentile\)\n\n", f"{kind} is there for plotters")
    like(open("out.lag.hdr").read(), r"Total count    = +40\]", "with all events in it")


def a_trace_is_replayed():
    name = new_farm()
    trace = write("trace.csv", "n,when\n20,2024-02-29 23:59:58\n0,2024-02-29 23:59:59\n30,2024-03-01 00:00:01\n")
    loadgen("--trace", f"{trace}:when,n", "--speed", "10", "--timeline", "timeline.csv", name=name)
    times_ms = [int(properties.message_id.split(".")[2], 16) / 1e6 for properties, _ in take_all(name)]
    wanted = [2.5 + 5 * k for k in range(20)] + [300 + 200 / 30 * (k + 0.5) for k in range(30)]
    ok(len(times_ms) == 50 and all(abs(a - b) < 0.001 for a, b in zip(times_ms, wanted)), "each event at its time")
    ok(abs(summary()["offered_per_s"] - 100) < 0.1, "for as long as the trace says")


def a_new_farm_is_warned_of():
    name = farm()
    _, running = loadgen("--phase", "10ms@0", name=name)
    like(running.stderr(), f"event=new_farm farm={name} .*is --farm right", "a farm that was not there is warned of")
    _, running = loadgen("--phase", "10ms@0", name=name)
    ok("new_farm" not in running.stderr(), "one that was is not")


def poisson_times_repeat():
    name = new_farm()
    times = []
    for seed in 7, 7, 8:
        loadgen("--phase", "300ms@200", "--arrival", "poisson", "--seed", seed, name=name)
        times.append([properties.message_id.split(".")[2] for properties, _ in take_all(name)])
    ok(len(times[0]) > 20 and times[0] == times[1], "the same seed makes the same times")
    ok(times[0] != times[2], "another seed makes others")


def dead_letters_are_answers_where_they_are_expected():
    name = farm()
    body = write("bad.txt", b"good\n\xff\xfe not UTF-8\n")
    args = ["--phase", "500ms@100", "--body", body, "--verify"]
    with spawn("winnow-filter", farm=name):
        code, running = loadgen(*args, name=name)
        equal(code, 1, "events that end in FARM.dead are not answered")
        want = dict(confirmed=50, results=25, dead=25, lost=0)
        equal(counts(*want), want, "and counted apart from results and from what is lost")
        like(running.stdout(), "verdict +bad: 25 dead", "and the verdict says so")
        code, running = loadgen(*args, "--expect-dead", name=name)
        equal((code, counts(*want)), (0, want), "unless that was expected")
        like(running.stdout(), "verdict +good: .*or a dead letter", "and the verdict says so")


def a_lost_event_is_found():
    name = new_farm()

    def steal_each_tenth(channel, number, properties, body):
        if number % 10 != 3:
            reply(channel, properties, body)

    code, running = loadgen(
        "--phase", "500ms@100", "--verify", "--verify-timeout", "5s", name=name, serve=worker(name, steal_each_tenth)
    )
    equal(code, 1, "a run with lost events ends badly")
    want = dict(published=50, confirmed=50, results=45, dead=0, lost=5, duplicates=0, corrupted=0)
    equal(counts(*want), want, "exactly the stolen events are lost")
    like(running.stdout(), "verdict +bad: 5 lost", "and the verdict says so")
    like(running.stderr(), "event=lost sequence=3 ", "and which")
    equal(queues_of_run(name), [], "the queues are gone after a bad run too")


def what_waits_is_not_said_to_be_gone():
    name = new_farm()
    args = ["--phase", "100ms@100", "--verify", "--verify-timeout", "200ms"]
    code, running = loadgen(*args, name=name)
    equal(code, 1, "a run without workers ends badly")
    want = dict(lost=10, unanswered=10, waiting=10)
    equal(counts(*want), want, "unanswered events that wait are counted")
    like(running.stdout(), "10 events still wait in the work queue, which has 0 consumers", "and spoken of")
    code, running = loadgen(*args, "--transient", name=name)
    want = dict(lost=0, unanswered=10, waiting=20)
    equal((code, counts(*want)), (1, want), "transient events are unanswered, but nobody promised to keep them")


def a_wrong_answer_is_found():
    name = new_farm()
    body = write("fool.txt", "you fool!\n")
    other = pika.BasicProperties(message_id="0123456789abcdef.0.0", correlation_id="0123456789abcdef.0.0")

    def lie(channel, number, properties, text):
        right = b"you CENSORED!"
        if number == 0:
            reply(channel, properties, b"You CENSORED!", 1)
        elif number == 1:
            reply(channel, properties, right, 2)
        elif number == 2:
            reply(channel, properties, right, None)
        elif number == 3:
            reply(channel, properties, right, "1")
        elif number == 4:
            reply(channel, properties, right, 1, correlation_id=None)
        elif number == 5:
            reply(channel, properties, right, 1, message_id=None)
        elif number == 6:
            reply(channel, properties, right, 1)
            reply(channel, properties, right, 1)
        elif number == 7:
            for message in other, pika.BasicProperties(), pika.BasicProperties(message_id="\u00e9"):
                channel.basic_publish("", properties.reply_to, right, message)
                channel.basic_publish(f"{name}.dead", "", right, message)
            reply(channel, properties, text, 0)
        else:
            reply(channel, properties, right, 1)

    code, running = loadgen(
        "--phase", "200ms@100", "--body", body, "--verify", "--verify-timeout", "2s", name=name, serve=worker(name, lie)
    )
    equal(code, 1, "a run with corrupted results ends badly")
    want = dict(confirmed=20, results=20, dead=0, lost=0, duplicates=1, corrupted=6)
    equal(counts(*want), want, "what is not the event's own text with its masks is corrupted")
    like(running.stdout(), "6 messages were not of this run", "messages of others are not counted as ours")
    equal(summary()["foreign"], 6, "but on their own")


def another_mask_can_be_verified():
    name = farm()
    body = write("masks.txt", "*** you fool *** tonto\n")
    with spawn("winnow-filter", "--mask", "***", farm=name):
        code, _ = loadgen("--phase", "50ms@100", "--body", body, "--verify", "--mask", "***", name=name)
        equal((code, summary()["corrupted"]), (0, 0), "a mask that the text holds already is no mistake")
        code, _ = loadgen("--phase", "50ms@100", "--body", body, "--verify", name=name)
        equal((code, summary()["corrupted"]), (1, 5), "another mask than the workers' is")


def an_answer_may_be_the_text_itself():
    name = farm()
    body = write("same.txt", "you fool\n")
    args = ["--phase", "50ms@100", "--body", body, "--verify"]
    with spawn("winnow-run", "--", "cat", farm=name):
        code, _ = loadgen(*args, "--expect-same", name=name)
        equal((code, summary()["results"], summary()["corrupted"]), (0, 5, 0), "workers may send the text back")
        code, _ = loadgen(*args, name=name)
        equal((code, summary()["corrupted"]), (1, 5), "which has to be expected")
    with spawn("winnow-filter", farm=name):
        code, _ = loadgen(*args, "--expect-same", name=name)
        equal((code, summary()["corrupted"]), (1, 5), "and then anything else is corrupted")


def an_unroutable_event_is_found():
    name = farm()
    with channel_of() as channel:
        channel.exchange_declare(f"{name}.events", "fanout", durable=True)
        dropped, _ = loadgen("--phase", "100ms@100", "--no-mandatory", name=name)
        code, running = loadgen("--phase", "100ms@100", name=name)
        channel.exchange_delete(f"{name}.events")
    equal(code, 1, "a run whose events nobody takes ends badly")
    want = dict(published=10, confirmed=0, returned=10, nacked=0)
    equal(counts(*want), want, "a returned event is not confirmed")
    equal(dropped, 0, "unless the broker may drop what nobody takes")


def a_refused_event_is_sent_again():
    name = new_farm()
    with channel_of() as channel:
        channel.queue_declare(
            f"{name}.small", exclusive=True, arguments={"x-max-length": 1, "x-overflow": "reject-publish"}
        )
        channel.queue_bind(f"{name}.small", f"{name}.events")

        def drain(running):
            while running.wait(0.05) is None:
                channel.basic_get(f"{name}.small", auto_ack=True)

        code, _ = loadgen("--phase", "10ms@1k", name=name, serve=drain)
    equal(code, 0, "events that the broker refuses at first get there in the end")
    want = dict(published=10, confirmed=10)
    equal(counts(*want), want, "each is confirmed once")
    ok(summary()["nacked"] > 0, "and the refusals are counted")


def bad_input_is_refused():
    name = farm()
    one = ["--phase", "1s@1"]
    empty = write("empty.txt", "\n  \n")
    table = write("table.csv", "a,b\n1,2\n")
    trace = write("trace.csv", "when\n2\n1\n")
    binary = write("binary.txt", "a\n\0\n")
    rows = write("rows.csv", "duration_s,from_per_s,to_per_s\n1,2,3\n1,-2,3\n")
    cases = [
        (64, [], "nothing to send"),
        (64, [*one, "--schedule", rows], "cannot be combined"),
        (64, ["--phase", "1@1"], "--phase: phase '1@1': duration '1'"),
        (64, ["--phase", "1s"], "--phase: phase '1s': no rate"),
        (64, ["--phase", "1s@5..x"], "rate 'x'"),
        (64, [*one, "--arrival", "regular"], "--arrival: 'regular'.* constant or poisson"),
        (64, [*one, "--connections", "0"], "--connections: '0'"),
        (64, [*one, "--confirm-window", "many"], "--confirm-window: 'many'"),
        (64, [*one, "--expect-dead"], "--expect-dead: expected --verify"),
        (64, [*one, "--expect-same"], "--expect-same: expected --verify"),
        (64, [*one, "--verify-timeout", "5"], "--verify-timeout: '5'"),
        (64, [*one, "--trace", "t.csv"], "--phase, --schedule and --trace cannot be combined"),
        (64, [*one, "--speed", "2"], "--speed is for a --trace"),
        (64, ["--trace", "t.csv", "--speed", "0"], "--speed: '0'.* more than 0"),
        (64, [*one, "--events", "0"], "--events: '0'"),
        (64, [*one, "--body-size", "5..2"], "--body-size: '5..2'.* BYTES, FROM..TO or exp:MEAN"),
        (64, [*one, "--header", "=x"], "--header: '=x' is not a header; expected NAME=VALUE"),
        (78, ["--trace", "missing.csv"], "--trace: missing.csv: No such file"),
        (78, ["--trace", f"{trace}:when"], "trace.csv:3: column 'when': '1' is earlier than the row before"),
        (78, [*one, "--hdr", "missing/x"], "--hdr: cannot write 'missing/x.lag.hdr'"),
        (78, [*one, "--body", binary], "--body: 'binary.txt' is not a text: a NUL byte in line 2"),
        (64, [*one, "more"], "unexpected argument 'more'"),
        (78, ["--schedule", "missing.csv"], "missing.csv: No such file"),
        (78, ["--schedule", rows], "rows.csv:3: column 'from_per_s': -2 is negative"),
        (78, ["--schedule", table], "table.csv:1: no column 'duration_s'"),
        (78, [*one, "--body", "missing.txt"], "--body: cannot read 'missing.txt': No such file"),
        (78, [*one, "--body", "."], "--body: cannot read '.': Is a directory"),
        (78, [*one, "--body", empty], "--body: 'empty.txt' has no text in it"),
        (78, [*one, "--body", table], "--body: 'table.csv': which column"),
        (78, [*one, "--body", f"{table}:c"], "--body: table.csv:1: no column 'c'"),
        (78, [*one, "--summary", "missing/s.json"], "--summary: cannot write 'missing/s.json'"),
        (78, [*one, "--timeline", "."], r"--timeline: cannot write '\.'"),
    ]
    # Nobody answers there: what is refused is refused before anything is sent.
    for code, args, message in cases:
        with spawn(LOADGEN, *args, farm=name, amqp="amqp://127.0.0.1:1") as running:
            got = running.wait(20)
            ok(
                got == code and re.search(message, running.stderr()), f"refused: {' '.join(args) or 'no arguments'}"
            ) or diag(f"{got}: {running.stderr()}")
    with spawn(LOADGEN, *one, "--connect-timeout", "200ms", farm=name, amqp="amqp://127.0.0.1:1") as running:
        equal(running.wait(20), 69, "without a broker it ends with 69")


events_are_as_promised()
events_are_shaped_as_asked()
a_trace_is_replayed()
a_new_farm_is_warned_of()
poisson_times_repeat()
dead_letters_are_answers_where_they_are_expected()
a_lost_event_is_found()
what_waits_is_not_said_to_be_gone()
a_wrong_answer_is_found()
another_mask_can_be_verified()
an_answer_may_be_the_text_itself()
an_unroutable_event_is_found()
a_refused_event_is_sent_again()
bad_input_is_refused()
done_testing()
