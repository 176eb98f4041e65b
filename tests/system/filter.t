#!/usr/bin/python3
# quiet: no claim about time
"""winnow-filter on a real broker: what it answers, what it copies, and what it cannot handle."""

import datetime
import decimal
import json
import re
import socket

import pika

from client import Client, ctl
from tap import URL, connect, done_testing, equal, farm, like, ok, spawn, wait_until

MIB = 1 << 20
FRAME_MAX = 131072


def write_file(name, text):
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)
    return name


WORDS = write_file("words.txt", "fool\nson of a gun\nÀVI\n")
MORE_WORDS = write_file("more.txt", "# comment\n\nbad egg\n")


# ---- what an event is answered with ----


def text_is_censored(client, worker):
    method, properties, body = client.ask("You fool, you foolish man")
    equal(body, b"You CENSORED, you foolish man", "a plain text comes back censored, whole words only")
    equal(properties.headers["winnow-matches"], 1, "with the number of matches")
    equal(properties.headers["winnow-worker"], f"{socket.gethostname()}/{worker.pid}", "and who answered it")
    ok("winnow-redelivered" not in properties.headers, "a first delivery is not called a redelivered one")
    equal(properties.reply_to, None, "a result has no reply_to")

    _, properties, body = client.ask("a kind word")
    equal((body, properties.headers["winnow-matches"]), (b"a kind word", 0), "a text without a match stays as it is")

    _, properties, body = client.ask("FOOL's gold, Son  of\na GUN; fool-like, àvi, fool_, a son of a")
    equal(
        body.decode(),
        "CENSORED's gold, CENSORED; CENSORED-like, CENSORED, fool_, a son of a",
        "phrases over any white space, any case, with accents",
    )
    equal(properties.headers["winnow-matches"], 4, "each match counts")
    _, _, body = client.ask("one bad egg")
    equal(body, b"one CENSORED", "several --words files add up")
    _, _, body = client.ask(b"fool\0fool\0")
    equal(body, b"CENSORED\0CENSORED\0", "NUL bytes are characters like others")


def json_is_censored(client):
    def asked(body, content_type="application/json"):
        return client.ask(body, content_type=content_type)[2]

    equal(asked('{"text":"you fool"}'), b'{"text":"you CENSORED"}', "the text of a JSON event is censored")
    event = (
        ' {\r\n\t"big" : 123456789012345678901234567890, "f":1.10e+2 ,"u":"\\u00e9\\/\\n", "n":null,'
        '"twice":1,"twice":2,"nested":{"text":"you fool","a":[{"text":["fool"]},"]}\\""]} ,\n'
        '"text" :  %s  , "é":"fool" ,"":{},"last":[ ] }\n '
    )
    equal(
        asked(event % '"A \\u0066ool\\u0021 \\"x\\" \\u00e9"').decode(),
        event % '"A CENSORED! \\"x\\" é"',
        "every other member, number and space comes back byte for byte, nested ones called text too",
    )
    untouched = event % '"\\u0041 kind \\/ word"'
    equal(asked(untouched).decode(), untouched, "without a match even the text's escapes stay")
    equal(asked('{"\\u0074ext":"fool"}'), b'{"\\u0074ext":"CENSORED"}', "an escaped key is the same key")
    answer = asked('{"text":"fool\\u0000fool\\ud83d\\ude00"}')
    equal(json.loads(answer), {"text": "CENSORED\0CENSORED😀"}, "NUL and characters beyond 16 bits in a JSON text")
    equal(asked('{"text":""}'), b'{"text":""}', "an empty text is a text")
    for content_type in ("application/json; charset=utf-8", "Application/JSON", "application/vnd.x+json;v=1"):
        equal(asked('{"text":"fool"}', content_type), b'{"text":"CENSORED"}', f"{content_type} is JSON")
    equal(asked('{"fool":"fool"}', "text/plain"), b'{"CENSORED":"CENSORED"}', "text/plain is no JSON")


def answers_go_where_they_are_asked_for(client):
    client.publish("a fool", message_id="m-1")
    _, properties, body = client.get(client.results)
    equal(body, b"a CENSORED", "without reply_to a result goes to FARM.results")
    equal((properties.message_id, properties.correlation_id), ("m-1", "m-1"), "answered for its message_id")
    client.publish("a fool", message_id="m-2", correlation_id="c-2", reply_to="")
    _, properties, _ = client.get(client.results)
    equal((properties.message_id, properties.correlation_id), ("m-2", "c-2"), "a correlation_id of its own is kept")
    client.publish("a fool")
    _, properties, _ = client.get(client.results)
    equal((properties.message_id, properties.correlation_id), (None, None), "without either there is neither")
    client.publish("a fool", reply_to=client.results)
    equal(client.get(client.results)[2], b"a CENSORED", "FARM.results may be named as reply_to")


def direct_reply_to_works(client):
    with connect() as connection:
        channel = connection.channel()
        answers = []
        channel.basic_consume(
            "amq.rabbitmq.reply-to", lambda _c, _m, properties, body: answers.append((properties, body)), auto_ack=True
        )
        for number in range(3):
            channel.basic_publish(
                f"{client.farm}.events",
                "",
                b"you fool",
                pika.BasicProperties(reply_to="amq.rabbitmq.reply-to", correlation_id=f"d-{number}"),
            )
        wait_until(lambda: connection.process_data_events(0.1) or len(answers) >= 3, 20)
        equal(
            [(properties.correlation_id, body) for properties, body in answers],
            [(f"d-{number}", b"you CENSORED") for number in range(3)],
            "direct reply-to gets its answers",
        )
        # What was published is known to be confirmed only when a later one is answered.
        client.ask("later")
        equal(client.get_ready(client.dead), [], "and what was answered directly is not dead as well")


# ---- what is copied ----


def properties_are_copied(client):
    now = datetime.datetime(2031, 5, 6, 7, 8, 9)
    headers = {
        "text": "a fool é",
        "bytes": b"\x00\xff\x80",
        "int": -7,
        "large": 1 << 40,
        "yes": True,
        "no": False,
        "float": 0.1,
        "decimal": decimal.Decimal("3.14"),
        "time": now,
        "none": None,
        "list": [1, "two", [3.5, None], {"four": b"4"}],
        "table": {"a": {"b": {"c": [True]}}, "CC": ["x"], "winnow-x": 1},
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "cc": "not the CC that is obeyed",
    }
    sent = {
        "content_type": "text/plain; charset=utf-8",
        "content_encoding": "UTF-8",
        "delivery_mode": 2,
        "priority": 3,
        "correlation_id": "c" * 255,
        "message_id": "m" * 255,
        "timestamp": 1700000000,
        "type": "a type",
        "app_id": "an app",
        "cluster_id": "a cluster",
    }
    _, properties, body = client.ask("a fool", headers=headers, expiration="3600000", **sent)
    equal(body, b"a CENSORED", "an event with every property is answered")
    equal({name: getattr(properties, name) for name in sent}, sent, "all properties are copied")
    copied = {name: value for name, value in properties.headers.items() if not name.startswith("winnow-")}
    equal(copied, headers, "headers of every kind are copied")
    equal(list(properties.headers)[: len(headers)], list(headers), "in their order")
    equal(properties.expiration, None, "expiration is not copied")

    _, properties, _ = client.ask("a fool", delivery_mode=1)
    equal(properties.delivery_mode, 1, "a transient event has a transient result")
    _, properties, _ = client.ask("a fool")
    equal(
        [name for name in sent if name != "correlation_id" and getattr(properties, name) is not None],
        [],
        "what an event does not have its result does not get",
    )


def some_headers_are_not_copied(client):
    trap = client.channel.queue_declare("", exclusive=True).method.queue
    headers = {
        "CC": [trap],
        "BCC": [trap],
        "x-death": [{"queue": "q", "count": 3, "reason": "expired"}],
        "x-first-death-queue": "q",
        "x-first-death-reason": "expired",
        "x-first-death-exchange": "e",
        "winnow-matches": 99,
        "winnow-worker": "nobody/0",
        "winnow-redelivered": True,
        "winnow-headers-dropped": True,
        "winnow-anything": "x",
        "x-other": "kept",
    }
    _, properties, body = client.ask("a fool", headers=headers)
    own = {name: value for name, value in properties.headers.items() if name not in ("winnow-worker",)}
    equal(own, {"x-other": "kept", "winnow-matches": 1}, "CC, BCC, x-death and winnow-* are not copied")
    ok(properties.headers["winnow-worker"] != "nobody/0", "winnow-worker is the worker's own")
    client.publish("not UTF-8 \xff".encode("latin-1"), headers=headers)
    _, properties, _ = client.get(client.dead)
    equal(
        sorted(properties.headers), ["winnow-reason", "winnow-worker", "x-other"], "nor are they copied to FARM.dead"
    )
    client.ask("later")
    equal(client.ready(trap), 0, "CC and BCC are not obeyed")


def another_users_id_does_not_close_the_channel():
    user = farm()
    ctl("add_user", user, "s3cret-of-user")
    ctl("set_permissions", user, ".*", ".*", ".*")
    try:
        url = URL.replace("guest:guest", f"{user}:s3cret-of-user")
        name = farm()
        with spawn("winnow-filter", "--words", WORDS, farm=name, amqp=url) as worker, Client(name) as client:
            _, properties, body = client.ask("a fool", user_id="guest")
            equal((body, properties.user_id), (b"a CENSORED", None), "another user's user_id is not copied")
            client.publish(b"\xff", user_id="guest")
            equal(client.get(client.dead)[1].user_id, None, "nor is it to FARM.dead")
            ok("connection_lost" not in worker.stderr(), "and the connection survives it")
            with open(f"/proc/{worker.pid}/cmdline", "rb") as file:
                arguments = file.read().split(b"\0")
            ok(b"--farm" in arguments and b"s3cret" not in b" ".join(arguments), "no password in the argument list")
            ok("s3cret" not in worker.stderr(), "nor in the log")
    finally:
        ctl("delete_user", user)


# ---- what cannot be handled ----


def the_dead_are_kept_with_their_reason(client):
    def dies(body, reason, what, **properties):
        body = body.encode() if isinstance(body, str) else body
        client.publish(body, message_id=what[:200], type="t", **properties)
        message = client.get(client.dead)
        if not ok(message, f"{what} goes to FARM.dead"):
            return
        _, got, got_body = message
        ok(got_body == body, f"... with its body unchanged ({what})")
        like(got.headers.get("winnow-reason", ""), reason, f"... and says why ({what})")
        equal((got.message_id, got.type), (what[:200], "t"), f"... and keeps its properties ({what})")
        equal(got.reply_to, properties.get("reply_to"), f"... and its reply_to ({what})")

    as_json = {"content_type": "application/json", "reply_to": client.replies}
    dies('{"text":"fool"', "invalid JSON", "broken JSON", **as_json)
    dies('{"text":"fool"} x', "invalid JSON", "JSON with something behind it", **as_json)
    dies("", "invalid JSON", "an empty JSON body", **as_json)
    dies("you fool", "invalid JSON", "text that says it is JSON", **as_json)
    dies(b'{"text":"fool \xff"}', "invalid JSON.*0xff", "JSON that is not UTF-8", **as_json)
    dies('["fool"]', "not an object", "a JSON array", **as_json)
    dies('"fool"', "not an object", "a JSON string", **as_json)
    dies('{"txet":"fool"}', 'no member "text"', "JSON without a text", **as_json)
    for value in ("null", "1", "true", '["fool"]', '{"text":"fool"}'):
        dies(f'{{"text":{value}}}', "not a string", f"a text that is {value}", **as_json)
    dies('{"text":"fool","text":"fool"}', "more than one", "a text that is there twice", **as_json)
    dies('{"text":"fool","t\\u0065xt":1}', "not a string|more than one", "one of them escaped", **as_json)
    dies(b"a fool \xc3", "not valid UTF-8 at byte 7", "text that is cut within a character", reply_to=client.replies)
    dies(b"a fool \xed\xa0\x80", "not valid UTF-8", "a surrogate", reply_to=client.replies)
    dies("fool", "content_encoding 'gzip'", "a gzip body", content_encoding="gzip", reply_to=client.replies)
    dies("fool", "content_encoding 'g\\?p'", "an encoding that is not UTF-8", content_encoding=b"g\xffp")
    utf16 = "fool".encode("utf-16le")
    for charset in ("utf-16le", '"UTF-16LE"', "utf-8; charset=utf-16le"):
        kind = f"text/plain; charset={charset}"
        dies(utf16, f"content_type '{re.escape(kind)}'", f"the charset {charset}", content_type=kind)
    dies('{"text":"fool"}', "content_type", "JSON in Latin-1", content_type="application/json; charset=latin1")
    dies(utf16, "UTF-16", "UTF-16 that nobody declared", reply_to=client.replies)
    for queue in ("work", "count", "dead"):
        name = f"{client.farm}.{queue}"
        dies("fool", re.escape(name), f"a reply_to that names FARM.{queue}", reply_to=name)
    for rest in ("", "x", ".k", "eHk=.", "e y.k"):
        name = f"amq.rabbitmq.reply-to.{rest}"
        dies("fool", "no direct reply-to", f"a direct reply-to that RabbitMQ never made, '{rest}'", reply_to=name)

    client.publish("a fool", reply_to="no.such.queue", message_id="u", headers={"x": 1})
    _, got, body = client.get(client.dead)
    equal(body, b"a CENSORED", "a result that no queue takes goes to FARM.dead as the result")
    like(got.headers["winnow-reason"], "no.such.queue", "naming the queue")
    equal((got.headers["winnow-matches"], got.headers["x"]), (1, 1), "with what a result says")
    equal(got.correlation_id, "u", "and whose answer it was")
    ok(client.ask("later"), "and the next event is answered")
    equal((client.ready(client.replies), client.get_ready(client.dead)), (0, []), "each of them went there alone")


def a_body_over_the_limit_is_dead():
    name = farm()
    with spawn("winnow-filter", "--words", WORDS, "--max-body", "10", farm=name), Client(name) as client:
        equal(client.ask("fool 67890")[2], b"CENSORED 67890", "a body as long as --max-body is handled")
        client.publish("fool 678901")
        _, properties, body = client.get(client.dead)
        equal(body, b"fool 678901", "a longer one is dead")
        like(properties.headers["winnow-reason"], r"\b11\b.*\b10\b", "and says how long it was and may be")


def bodies_of_every_length(client):
    # A body frame takes 131064 bytes.
    for length in (0, 1, 4, FRAME_MAX - 9, FRAME_MAX - 8, FRAME_MAX - 7, 2 * (FRAME_MAX - 8), MIB):
        for head, censored in ((b"fool ", b"CENSORED "), (b"", b"")):
            if length and length < len(head):
                continue
            body = (head + b"0123456789abcde " * (length // 16 + 1))[:length]
            want = body.replace(head, censored, 1) if length else b""
            answer = client.ask(body)
            ok(answer and answer[2] == want, f"a body of {length} bytes{' with a match' if head else ''}")
    answer = client.ask(b'{"text":"' + b"fool " * 200000 + b'"}', content_type="application/json")
    ok(answer[2] == b'{"text":"' + b"CENSORED " * 200000 + b'"}', "a large JSON text that grows")
    client.publish(b"x" * (MIB + 1))
    answer = client.get(client.dead)
    ok(answer and answer[2] == b"x" * (MIB + 1), "a body of 1 MiB and a byte is dead, unchanged")


def event_of(size, **properties):
    """Properties that take so many bytes of a header frame: a header pads them."""

    def event(length):
        return dict(properties, headers={"i": 1, "h": "x" * length})

    def size_of(length):
        return sum(map(len, pika.BasicProperties(**event(length)).encode()))

    return event(size - size_of(0))


# What a header frame has for properties, beside its own 8 bytes and 12 of class and body size.
PROPERTIES_MAX = FRAME_MAX - 8 - 12


def headers_near_the_frame_size(client, worker):
    def asked(size):
        properties = event_of(size, reply_to=client.replies, correlation_id="near")
        client.publish("a fool", **properties)
        return properties["headers"]["h"], client.get(client.replies)

    _, answer = asked(PROPERTIES_MAX)
    if not ok(answer, "an event whose headers fill a frame is answered"):
        return
    headers = answer[1].headers
    headers.pop("winnow-worker")
    equal(headers, {"winnow-matches": 1, "winnow-headers-dropped": True}, "without them, which the result says")
    equal((answer[1].correlation_id, answer[2]), ("near", b"a CENSORED"), "and all else as ever")
    client.publish(b"\xff", **event_of(PROPERTIES_MAX, message_id="near"))
    _, properties, _ = client.get(client.dead)
    equal(
        (properties.message_id, sorted(properties.headers)),
        ("near", ["winnow-headers-dropped", "winnow-reason", "winnow-worker"]),
        "so it is with one that goes to FARM.dead",
    )
    for size in (PROPERTIES_MAX, PROPERTIES_MAX - 80):
        client.publish("a fool", **event_of(size, reply_to="no.such.queue"))
        _, properties, body = client.get(client.dead)
        equal(
            (body, properties.headers.get("winnow-headers-dropped"), properties.headers.get("winnow-matches")),
            (b"a CENSORED", True, 1),
            "and with a result that no queue takes",
        )
    # Some of these fit with ours to the byte, some are one over.
    wrong, seen = [], set()
    for size in range(PROPERTIES_MAX - 70, PROPERTIES_MAX + 1):
        padding, answer = asked(size)
        headers = answer[1].headers if answer else {}
        dropped = "winnow-headers-dropped" in headers
        seen.add(dropped)
        if not answer or (headers.get("h") == padding) == dropped or len(headers) != (3 if dropped else 4):
            wrong.append(size)
    equal((wrong, seen), ([], {True, False}), "headers of any size are copied whole, or dropped and it says so")
    ok("connection_lost" not in worker.stderr(), "and the connection survives them all")


def messages():
    name = farm()
    with spawn("winnow-filter", "--words", WORDS, "--words", MORE_WORDS, farm=name) as worker, Client(name) as client:
        text_is_censored(client, worker)
        json_is_censored(client)
        answers_go_where_they_are_asked_for(client)
        direct_reply_to_works(client)
        properties_are_copied(client)
        some_headers_are_not_copied(client)
        the_dead_are_kept_with_their_reason(client)
        bodies_of_every_length(client)
        headers_near_the_frame_size(client, worker)

        equal(wait_until(lambda: client.held() == (0, 0), 20), True, "in the end everything is acknowledged")
        equal(client.ready(client.results), 0, "and nothing was sent twice")
        ok("connection_lost" not in worker.stderr(), "on one connection")
        equal(worker.end(), 0, "the worker drains when it is asked to")
    another_users_id_does_not_close_the_channel()
    a_body_over_the_limit_is_dead()


def words_and_mask():
    name = farm()
    with spawn("winnow-filter", "--mask", "[béèp]", farm=name), Client(name) as client:
        equal(client.ask("an airhead")[2].decode(), "an [béèp]", "--mask replaces; the built-in list is there")
        answer = client.ask('{"text":"airhead"}', content_type="application/json")
        equal(json.loads(answer[2]), {"text": "[béèp]"}, "in JSON too")
    name = farm()
    with spawn("winnow-filter", "--mask", "", farm=name), Client(name) as client:
        equal(client.ask("an airhead!")[2], b"an !", "an empty mask deletes matches")
    name = farm()
    options = ("--words", WORDS, MORE_WORDS, "--match", "loose", "--mask-char", "*", "--mask-keep-first")
    with spawn("winnow-filter", *options, farm=name), Client(name) as client:
        equal(client.ask("A fool, a bad egg")[2], b"A f***, a b** ***", "several files after --words, a mask of their length")
        for letter in "f", "o", " ", "é", "\u0301":
            text = letter * (MIB // len(letter.encode()))
            equal(client.ask(text, seconds=60)[2] == text.encode(), True, f"1 MiB of U+{ord(letter):04X} comes back")
        for event in '{"text":"fool \\ud800"}', '{"text":"\\udc00 fool"}':
            client.publish(event, content_type="application/json")
            method, properties, body = client.get(client.dead)
            equal(body.decode(), event, "an unpaired surrogate in JSON is dead, unchanged")
            like(properties.headers["winnow-reason"], "JSON|UTF-8|surrogate", "... with the reason")
        equal(client.ask("")[2], b"", "a text of no bytes comes back")
    name = farm()
    with spawn("winnow-filter", "--match", "none", farm=name), Client(name) as client:
        equal(client.ask("an airhead")[2], b"an airhead", "--match none looks for nothing")


# By level, what it finds and the level before it does not.
DISGUISES = {
    "exact": ["\u2620\ufe0f", "\U0001f595", "\U0001f595\U0001f3fd", "\U0001f469\u200d\U0001f595", "fool\u200d"],
    "folded": ["fo\u3164ol", "fo\U000e006fol", "fool\U000e0100"],
    "loose": ["f*ol", "f**l", "sh*t", "c*nt", "@ss", "fvck", "phuck", "5hit", "b1tch", "b!tch", "fu\u00a2k",
              "f\u2011o\u2011o\u2011l", "f\u00b7o\u00b7o\u00b7l"],
}


def disguises():
    with open("disguised", "w", encoding="utf-8") as words:
        words.write("\u2620\n\U0001f595\nfool\nshit\ncunt\nass\nfuck\nbitch\n")
    found = []
    for level, disguised in DISGUISES.items():
        name = farm()
        options = ("--words", "disguised", "--match", level)
        with spawn("winnow-filter", *options, farm=name) as _, Client(name) as client:
            left = [text for text in disguised if client.ask(f"a {text}, b")[2] != b"a CENSORED, b"]
            equal(left, [], f"{level}: what is disguised is found, and masked as a whole")
            if found:
                found = [text for text in found if client.ask(f"a {text}, b")[2] != b"a CENSORED, b"]
                equal(found, [], f"{level}: and so is what the level before it finds")
            found += disguised
            if level == "loose":
                equal(client.ask("_fool_")[2], b"_CENSORED_", "an underscore parts words")
                text = "*" * MIB
                equal(client.ask(text, seconds=60)[2] == text.encode(), True, "a MiB of stars comes back")


def names_tell_who_is_who():
    name = farm()
    with spawn("winnow-filter", farm=name) as worker, Client(name):
        who = f"{name}/winnow-filter/{socket.gethostname()}/{worker.pid}"
        connections = [row for row in ctl("list_connections", "pid", "client_properties") if who in row[1]]
        equal(len(connections), 1, "the connection is named FARM/program/host/pid")
        consumers = [row for row in ctl("list_consumers", "queue_name", "consumer_tag") if row[0] == f"{name}.work"]
        ok(len(consumers) == 1 and consumers[0][1].startswith(who), f"and so is the consumer: {consumers}")


messages()
words_and_mask()
disguises()
names_tell_who_is_who()
done_testing()
