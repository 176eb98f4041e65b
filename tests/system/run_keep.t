#!/usr/bin/python3
# quiet: no claim about time
"""winnow-run --keep: one program for many events, and what becomes of them when it does not keep to its lines."""

import contextlib
import json
import os
import re

from client import Client
from tap import done_testing, equal, farm, like, ok, spawn, wait_until

# A program that does what the event's text says, and else echoes it.
PROGRAM = os.path.abspath("program")
with open(PROGRAM, "w", encoding="utf-8") as program:
    program.write(
        """#!/usr/bin/python3
import base64, json, os, signal, subprocess, sys, time
print("begun", file=sys.stderr, flush=True)
held = None
for line in sys.stdin:
    event = json.loads(line)
    text, number = event.get("text", ""), event["id"]
    def say(**members):
        print(json.dumps(members), flush=True)
    if text == "show": say(id=number, text=json.dumps(event))
    elif text == "bytes": say(id=number, base64=base64.b64encode(bytes(range(256))).decode(), content_type="x/y")
    elif text == "dead": say(id=number, dead="too b\\u00e4d")
    elif text == "later": say(id=number, later="busy")
    elif text == "once": say(id=number, **({"text": "twice"} if event["attempt"] == 2 else {"later": "not yet"}))
    elif text == "exit": print("last words", file=sys.stderr, flush=True); sys.exit(3)
    elif text == "kill": os.kill(os.getpid(), signal.SIGKILL)
    elif text == "answer and exit": say(id=number, text="bye"); sys.exit(0)
    elif text == "twice": sys.stdout.write('{"id":%d,"text":"1"}\\n{"id":%d,"text":"2"}\\n' % (number, number)); sys.stdout.flush()
    elif text == "twice, later": say(id=number, text="1"); time.sleep(0.2); say(id=number, text="2")
    elif text == "other": say(id=number - 1, text="x")
    elif text == "future": say(id=number + 1, text="x")
    elif text == "silent": time.sleep(600)
    elif text == "close": sys.stdout.close(); os.close(1); time.sleep(600)
    elif text == "long": print("x" * (1 << 21), flush=True)
    elif text == "much": say(id=number, text="x" * 200001)
    elif text == "most": say(id=number, text="\\u0001" * 200000)
    elif text == "fork": say(id=number, text=str(subprocess.Popen(["setsid", "sleep", "600"], stdout=subprocess.DEVNULL).pid))
    elif text.startswith("RAW "): print(text[4:].replace("ID", str(number)), flush=True)
    elif "text" in event: say(id=number, text=text)
    else: say(id=number, base64=event["base64"])
"""
    )
os.chmod(PROGRAM, 0o755)


def dead(client, body, **properties):
    client.publish(body, reply_to=client.replies, **properties)
    message = client.get(client.dead)
    equal(message[2], body.encode(), f"{body[:20]!r} is dead")
    return message[1].headers["winnow-reason"]


def begun(worker):
    return worker.stderr().count('line="begun"')


def answers(client, worker):
    equal(client.ask("hello")[2], b"hello", "a program that lives on answers")
    equal(client.ask("é\n\"\\\0\x7f")[2], "é\n\"\\\0\x7f".encode(), "any text")
    equal(client.ask(b"\xff\0\n")[2], b"\xff\0\n", "any bytes")
    equal(client.ask("")[2], b"", "and nothing")
    big = os.urandom(200000)
    equal(client.ask(big)[2] == big, True, "also more than a pipe takes")
    equal(client.ask("most")[2], b"\1" * 200000, "also when each byte takes six")
    headers = {"x": [None, {"y": 1}]}
    event = json.loads(client.ask("show", message_id="m\0", type="t", content_type="a/b", headers=headers)[2])
    correlation = event.pop("correlation_id")
    like(correlation, "^ask-", "it sees the event's properties")
    number = event.pop("id")
    equal(event, {"text": "show", "message_id": "m\0", "type": "t", "content_type": "a/b", "redelivered": False,
                  "attempt": 1, "headers": headers}, "all of them")
    equal(json.loads(client.ask("show")[2])["id"], number + 1, "an id is a number more than the last one")
    _, properties, body = client.ask("bytes", content_type="a/b", content_encoding="c")
    equal((body, properties.content_type, properties.content_encoding), (bytes(range(256)), "x/y", None),
          "it answers with bytes of a type of their own")
    _, properties, _ = client.ask("hello", content_type="a/b", content_encoding="c")
    equal((properties.content_type, properties.content_encoding), ("a/b", "c"), "or the event's")
    _, _, body = client.ask('RAW {"id": ID, "text": "x", "more": [1, {"text": 99999999999999999999}]}')
    equal(body, b"x", "what else it says does not count")
    equal(dead(client, "dead"), "too bäd", "it may call an event dead")
    equal(dead(client, 'RAW {"id": ID, "dead": "a\\u0000b\\u001b[2J\\n"}'), "a\\x00b\\x1b[2J\\n", "in words that move no cursor")
    equal(dead(client, 'RAW {"id": ID, "dead": "%s"}' % ("é" * 1000)), "é" * 149, "of which many are cut between two")
    equal(client.ask("once")[2], b"twice", "each attempt has its number")
    equal(dead(client, "much"), "result of more than --max-result 200000 bytes", "a result that is too long is dead")
    equal(begun(worker), 1, "and all that is one program's work")


def three_attempts():
    """Each with a worker of its own, side by side: they take seconds."""
    cases = (
        ("later", "busy", "an event that it wants later"),
        ("exit", "exited with 3: last words", "one at which it ends"),
        ("kill", "killed by signal 9 .SIGKILL.: begun", "one at which it is killed"),
        ("RAW hello", "not an answer: no JSON object", "one that it answers with something else"),
        ('RAW {"id": ID}', "not an answer: not one of", "one that it answers with nothing"),
        ("future", "the answer to event [0-9]+ came in place of that to event", "one in whose place another is answered"),
        ("other", "the answer to event [0-9]+ came in place of that to event", "before it or after it"),
        ("close", "it closed its standard output", "one at which it falls silent"),
    )
    with contextlib.ExitStack() as stack:
        workers, clients = [], []
        for text, _, _ in cases:
            name = farm()
            workers.append(stack.enter_context(spawn("winnow-run", "--keep", "--", PROGRAM, farm=name)))
            clients.append(stack.enter_context(Client(name)))
            clients[-1].publish(text)
        for client, (_, reason, what) in zip(clients, cases):
            message = client.get(client.dead)
            like(message[1].headers["winnow-reason"], f"^attempt 3: {reason}", f"{what} is dead after three attempts")
            equal(client.ask("hello")[2], b"hello", "and the next one has the next program")
        like(workers[1].stderr(), 'event=program_restarted .*why="exited with 3: last words"', "which is logged")
        pauses = [int(text) for text in re.findall("after_ms=([0-9]+)", workers[1].stderr())]
        equal(pauses, [0, 100, 200], "pauses grow")


def twice(client, worker):
    equal(client.ask("hello")[2], b"hello", "a worker answers")
    ok(wait_until(lambda: begun(worker) == 1, 20), "with one program")
    equal(client.ask("answer and exit")[2], b"bye", "a program may answer and then end")
    equal(client.ask("hello")[2], b"hello", "there is another for the next event")
    equal(client.ask("twice")[2], b"1", "of two answers the first counts")
    equal(client.ask("hello")[2], b"hello", "and the second is nobody else's")
    equal(client.ask("twice, later")[2], b"1", "also when it comes later")
    equal([client.ask(str(number))[2] for number in range(5)], [b"%d" % number for number in range(5)],
          "no event is answered with another's")
    ok(wait_until(lambda: client.ask("hello")[2] == b"hello" and begun(worker) >= 4, 20), "each time another program is started")
    ok("winnow-reason" not in str(client.get_ready(client.dead)), "and none is dead for it")


def endless_line(client):
    like(dead(client, "long"), "^(result of more than|not an answer|attempt)", "a line without an end is not waited for")


def patience(client):
    like(dead(client, "silent"), "^took longer than --timeout 1s", "an event without an answer is dead after --timeout")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(") ")[2][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


name = farm()
with spawn("winnow-run", "--keep", "--max-result", "200000", "--", PROGRAM, farm=name) as worker, Client(name) as client:
    answers(client, worker)
    ok(wait_until(lambda: client.held() == (0, 0), 20), "all are acknowledged")
    child = int(client.ask("fork")[2])
    ok(alive(child), "what a program starts lives on with it")
    equal(worker.end(), 0, "a worker that is told to go drains")
    ok(not alive(child), "and nothing of its program is left")
three_attempts()
name = farm()
with spawn("winnow-run", "--keep", "--", PROGRAM, farm=name) as worker, Client(name) as client:
    twice(client, worker)
name = farm()
with spawn("winnow-run", "--keep", "--max-result", "1000", "--", PROGRAM, farm=name), Client(name) as client:
    endless_line(client)
name = farm()
with spawn("winnow-run", "--keep", "--timeout", "1s", "--", PROGRAM, farm=name), Client(name) as client:
    patience(client)
done_testing()
