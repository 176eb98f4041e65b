#!/usr/bin/python3
# quiet: no claim about time
"""winnow-page against a real farm: what it shows, what its buttons do, what it says when something is away; and that
whoever has no business there gets nothing."""

import json
import os
import re
import signal
import stat
import subprocess
import threading

import pika

from client import GOODBYE, UNBIND, Line, ctl, port_of
from control import Leader, answer, message
from scaler import FILTER, autoscaler, children, wait_for_row
from tap import *
from web import *

SITE = os.path.join(os.environ["WINNOW_TOP"], "page/site")
SECURE = {
    "Content-Security-Policy": r"^default-src 'none'; (?!.*unsafe)",
    "X-Content-Type-Options": "^nosniff$",
    "Referrer-Policy": "^no-referrer$",
    "Cross-Origin-Resource-Policy": "^same-origin$",
    "Cache-Control": "^no-store$",
}
READ = ("/", "/healthz", "/readyz", "/metrics", "/api/v1/farms", "status", "history", "stream", "scale")
WRITTEN = ("events", "pause", "resume", "workers/a/0/stop", "nodes/a/drain", "nodes/a/undrain")
ROUTES = [("GET", path) for path in READ] + [("PUT", "scale")] + [("POST", path) for path in WRITTEN]
MARKER = "shown-nowhere"  # in the environment of all workers


# ---- looking ----


def serves_its_files(web):
    index = web.get("/", Host="localhost:1")
    equal((index.status, index.headers["Content-Type"]), (200, "text/html; charset=utf-8"), "the page is served")
    for name, pattern in SECURE.items():
        like(index.headers[name] or "", pattern, f"... with {name}")
    equal(index.headers["Access-Control-Allow-Origin"], None, "... and lets no other page read it")
    equal(re.findall(rb"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=", index.body), [], "nothing in it is inline")
    total = 0
    for name in sorted(os.listdir(SITE)):
        got = web.get("/" if name == "index.html" else f"/{name}")
        equal(got.body, open(os.path.join(SITE, name), "rb").read(), f"{name} is served as it is")
        total += len(got.body)
    ok(total <= 60000, f"all of it is at most 60 kB: {total} bytes")
    for path in ("/", "status", "stream"):
        head = web.request("HEAD", path)
        equal((head.status, head.body), (200, b""), f"HEAD {path} has no body")
    equal(web.get("/healthz").body, b"ok\n", "the process answers")
    equal(web.get("/readyz").status, 200, "... and is ready")


def shows_the_farm(web, name):
    status = web.healthy()
    ok(status, "all is well with the farm") or diag(web.status())
    equal((status["farm"], status["level"], status["broker_away_s"]), (name, "good", None), "its name, a level, no outage")
    said = subprocess.run([os.path.join(BIN, "winnow-ctl"), "--amqp", URL, "--farm", name, "status"], capture_output=True, text=True)
    ok(status["sentence"] in said.stdout, "the sentence is that of winnow-ctl") or diag((status["sentence"], said.stdout))
    like(" ".join(status["terms"]), "^B .* λ .* decided ", "the terms are those of explain")
    equal({worker["state"] for worker in status["status"]["workers"]}, {"running"}, "its workers are there")
    ok(0 <= status["received_age_s"] < 10, "... with the age of it all")
    equal(web.get("/api/v1/farms").json(), {"farms": [{"farm": name, "health": "ok", "level": "good"}], "control": True}, "the farms are listed")
    scale = web.get("scale").json()
    equal(scale["spec"], {"min": 2, "max": 4, "paused": False, "replicas": None}, "scale has the limits")
    equal(scale["status"], {"desired": 2, "running": 2, "starting": 0, "draining": 0, "reason": "min", "known": True}, "... and the number")
    history = wait_until(lambda: (h := web.get("history").json())["workers"][-1:] == [2] and h, 20)
    lists = ("time_ms", "arrival_per_s", "workers", "desired", "backlog_msgs")
    equal(len({len(history[each]) for each in lists}), 1, "the history has lists of one length")
    ok(history["time_ms"] == sorted(history["time_ms"]) and history["time_ms"][-1] <= history["now_ms"], "... in order")


def streams(web):
    with web.stream() as stream, web.stream() as other:
        equal(stream.response.headers["Content-Type"], "text/event-stream", "a stream begins")
        first = stream.wait_for("status")
        ok(first and first["status"], "with what is known")
        count = len(stream.events)
        web.tell("scale", {"spec": {"max": 7}}, "PUT")
        told = stream.wait_for("status", lambda status: status["status"]["limits"]["max_workers"] == 7)
        ok(told, "a change is told")
        ok(other.wait_for("status", lambda status: status["status"]["limits"]["max_workers"] == 7), "... to all who watch")
        ok(stream.wait_for("log", lambda log: log["event"] == "limits_changed", since=count), "... and what happened")
        shown = [(data["status"]["epoch"], data["status"]["sequence"]) for kind, data in stream.events if kind == "status"]
        equal(shown, sorted(shown), "no snapshot comes after a newer one")
    with web.stream() as late:
        ok(late.wait_for("log", lambda log: log["event"] == "limits_changed"), "who comes later is told what has happened")
        kinds = [kind for kind, _ in late.events]
        ok("status" in kinds or late.wait_for("status"), "... and what is")


# ---- steering ----


def steers(web):
    done = lambda answer: (answer.status, answer.json().get("outcome"), answer.json().get("said"))
    limits = lambda: web.status()["status"]["limits"]
    equal(done(web.tell("scale", {"spec": {"max": 5, "min": 1}}, "PUT")), (200, "done", "min is now 1 (was 2), max is now 5 (was 7)"), "limits are set")
    ok(web.wait_for(lambda status: status["status"]["limits"]["max_workers"] == 5), "... and shown")
    equal(done(web.tell("pause"))[:2], (200, "done"), "the farm is paused")
    ok(web.healthy("paused"), "... which its health says")
    like(done(web.tell("pause"))[2] or "", "^paused already", "... twice, to no harm")
    for verb, says in (("resume", "^resumed"), ("resume", "^it was not"), ("pause", "^paused:")):
        like(done(web.tell(verb))[2] or "", says, f"... and {verb} says at once what it finds: {says}")
    equal(done(web.tell("resume"))[:2], (200, "done"), "... and resumed")
    ok(web.healthy(), "... and well again")
    both = web.tell("scale", {"spec": {"replicas": 2, "paused": True}}, "PUT")
    like(done(both)[2] or "", "^fixed at 2 workers.*, paused", "one request may fix and pause")
    ok(web.wait_for(lambda status: status["status"]["limits"]["paused"] and status["health"] == "fixed"), "... and both hold")
    read = web.get("scale").json()
    read["spec"] |= {"replicas": None, "paused": False}
    equal(done(web.tell("scale", read, "PUT"))[:2], (200, "done"), "what was read may be changed and sent back")
    ok(web.wait_for(lambda status: not status["status"]["limits"]["paused"] and status["status"]["limits"]["replicas"] is None), "... and holds")
    web.tell("scale", {"spec": {"min": 2, "max": 4}}, "PUT")


def does_once_what_is_said_twice(web):
    """By who clicks twice, or sends again what got no answer."""
    said = [web.tell("scale", {"spec": {"min": 2, "max": 4}}, "PUT") for _ in range(2)]
    equal([answer.status for answer in said], [200, 200], "limits may be set twice")
    limits = web.get("scale").json()["spec"]
    equal((limits["min"], limits["max"]), (2, 4), "... and are the same")

    status = web.wait_for(lambda status: status["status"]["running"] == 2 and len(status["status"]["workers"]) == 2)["status"]
    first, other = status["workers"]
    stop = lambda: web.tell(f"workers/local/{first['slot']}/stop", {"seen": {key: status[key] for key in ("epoch", "sequence")}})
    equal([stop().status, stop().code()[0] in (200, 409)], [200, True], "a worker may be told to stop twice")
    pids = lambda status: {worker["slot"]: worker["pid"] for worker in status["status"]["workers"]}
    ok(web.wait_for(lambda status: first["pid"] not in pids(status).values()), "... and ends")
    # Until another one has its slot.
    web.tell("scale", {"spec": {"min": 4}}, "PUT")
    full = web.wait_for(lambda status: status["status"]["running"] == 4 and first["slot"] in pids(status))
    said = stop()
    equal(said.code(), (409, "stale"), "... a third time as well, when its slot is another worker's")
    like(said.detail(), f"slot {first['slot']} is another worker's|that status is .* s old", "... which is said")
    equal(pids(web.status()), pids(full), "... and nobody else was stopped")
    ok(full["status"]["counters"]["stopped"] == status["counters"]["stopped"] + 1, "... in all, one")
    web.tell("scale", {"spec": {"min": 2}}, "PUT")


def stops_a_worker(web):
    status = web.wait_for(lambda status: status["status"]["running"] == 2 and status["status"]["limits"]["min_workers"] == 2)
    worker = status["status"]["workers"][0]
    host = status["status"]["from"].split("/")[1]
    equal(web.tell(f"workers/elsewhere/{worker['slot']}/stop").code(), (404, "missing"), "no worker of another node is stopped")
    said = web.tell(f"workers/{host}/{worker['slot']}/stop")
    equal(said.status, 200, "a worker is stopped")
    like(said.json()["said"], rf"slot {worker['slot']} \(pid {worker['pid']}\) finishes", "... which is named")
    others = lambda status: status["status"]["running"] == 2 and worker["pid"] not in {each["pid"] for each in status["status"]["workers"]}
    ok(web.wait_for(others), "... and another takes its place")
    equal(web.tell("workers/local/900/stop").code(), (409, "refused"), "there must be one in the slot")
    equal(web.tell("nodes/a/drain").code(), (409, "nodes"), "a farm without nodes drains none")


def says_what_it_does_not_do(web):
    seen = {key: web.status()["status"][key] for key in ("epoch", "sequence")}
    for about, path, body, code in (
        ("a number out of the farm's range", "scale", {"spec": {"replicas": 900}}, (409, "refused")),
        ("a status of another run", "pause", {"seen": {"epoch": 1, "sequence": 1}}, (409, "stale")),
        ("a status of the future", "pause", {"seen": seen | {"sequence": 2**53}}, (409, "stale")),
        ("no status", "pause", {"seen": 1}, (400, "malformed")),
        ("nothing", "scale", {}, (400, "malformed")),
        ("no limit", "scale", {"spec": {}}, (400, "malformed")),
        ("a limit that is text", "scale", {"spec": {"max": "4"}}, (400, "malformed")),
        ("a limit below zero", "scale", {"spec": {"min": -1}}, (400, "malformed")),
        ("a limit without end", "scale", {"spec": {"max": 10**30}}, (400, "malformed")),
        ("half a worker", "scale", {"spec": {"replicas": 1.5}}, (400, "malformed")),
        ("limits that contradict each other", "scale", {"spec": {"min": 3, "max": 2}}, (400, "malformed")),
        ("a pause that is a number", "scale", {"spec": {"paused": 1}}, (400, "malformed")),
        ("a list", "pause", [], (400, "malformed")),
        ("an empty body", "pause", b"", (400, "malformed")),
        ("half a body", "pause", b"{", (400, "malformed")),
        ("a member twice", "pause", b'{"a":1,"a":2}', (400, "malformed")),
        ("a NUL", "pause", b'{"a":"\0"}', (400, "malformed")),
        ("a NUL in disguise", "events", b'{"text":"\\u0000"}', (400, "malformed")),
        ("bytes that are no text", "events", b'{"text":"\xff"}', (400, "malformed")),
        ("depth", "pause", b"[" * 8000, (400, "malformed")),
        ("an event without a body", "events", {"type": "x"}, (400, "malformed")),
        ("two bodies", "events", {"text": "x", "json": {}}, (400, "malformed")),
        ("an event that is a number", "events", {"json": 1}, (400, "malformed")),
        ("too long a type", "events", {"text": "x", "type": "x" * 256}, (400, "malformed")),
        ("too long a wait", "events", {"text": "x", "wait_s": 61}, (400, "malformed")),
        ("too long a command", "pause", b" " * 8193, (413, "size")),
        ("too long an event", "events", b" " * (2**20 + 1), (413, "size")),
    ):
        method = "PUT" if path == "scale" else "POST"
        said = web.tell(path, body, method, Content_Type="application/json")
        equal(said.code(), code, f"{about}: {code[0]}, {code[1]}") or diag(said.body)
    equal(web.tell("pause", {"seen": seen, "more": 1}).status, 200, "what it does not know counts for nothing")
    web.tell("resume")


# ---- events ----


def sends_events(web, name):
    sent = web.tell("events", {"text": "you fool", "message_id": "a", "type": "t"})
    equal((sent.status, sent.json()), (202, {"message_id": "a"}), "an event is confirmed")
    found = wait_until(lambda: get_message(f"{name}.results", 1), 20)
    equal((found[2], found[1].message_id, found[1].type, found[1].delivery_mode), (b"you CENSORED", "a", "t", 2), "... and with the farm")
    waited = web.tell("events", {"text": "you fool", "wait_s": 20})
    equal((waited.status, waited.json()["result"]), (200, "you CENSORED"), "a result is waited for")
    ok(waited.json()["message_id"], "... of an event with a name of its own")
    whole = web.tell("events", {"json": {"text": "fool \u2028", "more": [1, None]}, "wait_s": 20}).json()["result"]
    equal(json.loads(whole), {"text": "CENSORED \u2028", "more": [1, None]}, "an event may be JSON")
    dead = web.tell("events", {"json": {"text": 1}, "wait_s": 20})
    equal(dead.code(), (422, "dead"), "what is dead is told")
    like(dead.detail(), "dead: .*text", "... with its reason")
    equal(web.tell("events", {"text": "", "wait_s": 20}).json()["result"], "", "an empty text is a text")
    answers = []
    threads = [threading.Thread(target=lambda i=i: answers.append((i, web.tell("events", {"text": f"n {i}", "message_id": "same", "wait_s": 20}).json()["result"]))) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(sorted(answers), [(i, f"n {i}") for i in range(8)], "each gets its own result, whatever the names")
    ok("you fool" not in web.program.stderr() and "you fool" not in json.dumps(web.status()), "no event is shown or logged")


def asks_for_no_more_copies_before_it_ends(name):
    """As whoever leaves does: the broker refuses what it delivers to a queue that ends at that moment."""
    with Line(records=True) as line, page(name, amqp=line.url) as web:
        equal(web.tell("events", {"text": "a fool", "wait_s": 20}).json()["result"], "a CENSORED", "a result comes over a line, too")
        equal(web.program.end(), 0, "... the page ends when it is told to")
        ends = [each[-2:] for each in line.methods()]
        equal(ends.count([UNBIND, GOODBYE]), 1, "... and asks for no more copies of what is dead first") or diag(ends)


# ---- who may ----


def keeps_others_out(web):
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.", "evil@127.0.0.1", ""):
        for path in ("/", "/healthz", "status", "/nothing"):
            equal(web.get(path, Host=host).code(), (421, "host"), f"{path} for the host {host!r}: 421")
    for method, path in ROUTES:
        equal(web.tell(path, method=method, Host="evil.example").code(), (421, "host"), f"{method} {path} by another name: 421")
    equal(web.raw(b"GET /healthz HTTP/1.0\r\n\r\n").split()[1], b"421", "one host is needed")
    twice = web.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
    ok(twice.split()[1] in (b"400", b"421"), "... and not two")
    own = f"http://{web.host}"
    for about, headers, code in (
        ("without a token", {"token": None}, (401, "token")),
        ("with another one", {"token": "x" * 48}, (401, "token")),
        ("with half of it", {"token": web.tokens["control"][:24]}, (401, "token")),
        ("from another page", {"Origin": "http://evil.example"}, (403, "origin")),
        ("from nowhere", {"Origin": "null"}, (403, "origin")),
        ("from another port", {"Origin": "http://127.0.0.1:1"}, (403, "origin")),
        ("as a form", {"Content_Type": "application/x-www-form-urlencoded"}, (415, "type")),
        ("as text", {"Content_Type": "text/plain"}, (415, "type")),
        ("as nothing", {"Content_Type": None}, (415, "type")),
    ):
        said = web.request("POST", "pause", b"{}", **{"token": "control", "Content_Type": "application/json", **headers})
        equal(said.code(), code, f"a command {about}: {code[0]}, {code[1]}")
        ok("Access-Control-Allow-Origin" not in said.headers, "... which no other page may read")
    said = web.request("POST", f"pause?token={web.tokens['control']}&access_token={web.tokens['control']}", {})
    equal(said.code(), (401, "token"), "a token in the URL is none")
    equal(said.headers["WWW-Authenticate"], "Bearer", "... and it is said how one is given")
    equal(web.request("OPTIONS", "pause", Origin="http://evil.example", Access_Control_Request_Method="POST").status, 405, "no other page is allowed to ask")
    ok(web.healthy(), "nothing was done")
    equal(web.tell("pause", Origin=own).status, 200, "the page's own is let in")
    web.tell("resume")
    for method, path in (("DELETE", "/"), ("POST", "status"), ("GET", "pause"), ("TRACE", "/healthz"), ("PUT", "events")):
        equal(web.tell(path, method=method).status, 405, f"{method} {path}: 405")
    like(web.tell("scale", method="DELETE").headers["Allow"], "GET, HEAD, PUT", "... with what there is")
    for path in ("/x", "/api/v1", "/../../etc/passwd", "/site/page.js", "/%2e%2e/", "/api/v1/farms/other/status", "/healthz%00"):
        equal(web.get(path).status, 404, f"{path}: 404")
    equal(web.get("/api/v1/farms/%00/status").status, 400, "a NUL in a name: 400")


def keeps_secrets(web):
    token = web.tokens["control"]
    command = open(f"/proc/{web.program.pid}/cmdline").read() + open(f"/proc/{web.program.pid}/environ").read()
    ok(token not in command, "the token is in no list of processes")
    ok(token not in web.program.stderr(), "... nor in the log")
    shown = json.dumps(web.status()) + web.get("/api/v1/farms").body.decode() + web.get("history").body.decode()
    shown += web.get("/metrics").body.decode() + web.get("scale").body.decode()
    ok(not re.search(r"amqp://|guest|AMQP_URL", shown), "no address of the broker is shown")
    pids = [worker["pid"] for worker in web.status()["status"]["workers"]]
    ok(any(MARKER in open(f"/proc/{pid}/environ").read() for pid in pids), "a worker has an environment")
    with web.stream() as stream:
        ok(stream.wait_for("status"), "... whom a stream tells of")
        shown += json.dumps(stream.events)
    ok(MARKER not in shown + web.program.stderr(), "... and it is shown nowhere")


def wants_a_token_to_look(name):
    with page(name, read=True) as web:
        for path in ("/api/v1/farms", "status", "history", "stream", "scale", "/metrics"):
            equal(web.get(path).code(), (401, "token"), f"{path} without a token: 401")
        equal(web.get("/").status, 200, "the page's files are for all")
        equal((web.get("/healthz").status, wait_until(lambda: web.get("/readyz").status == 200, 20)), (200, True), "... and whether it is up")
        equal({web.get("/api/v1/farms", token=token).status for token in ("read", "control")}, {200}, "who has one of the tokens may look")
        equal(web.request("POST", "pause", {}, token="read").code(), (403, "control"), "who may look may not steer")


def refuses_to_begin(name):
    token_file("good")
    open("same", "w").write(open("good").read())
    os.chmod("same", 0o600)
    token_file("open", mode=0o640)
    token_file("short", "abc")
    for args, code, said in (
        (("--listen", "0.0.0.0:0"), 64, "expected a loopback address, a Unix socket, or --read-token"),
        (("--listen", "[::]:0"), 64, "expected a loopback address"),
        (("--listen", "8672"), 64, "--listen: '8672' is no address; expected"),
        (("--listen", "localhost:99999"), 64, "expected HOST:PORT"),
        (("--listen", "unix:"), 64, "expected HOST:PORT"),
        (("--listen", "unix:/nowhere/page.sock"), 78, "cannot listen at /nowhere/page.sock"),
        (("--control-token", "open"), 78, "others may read or write the token; chmod 600"),
        (("--control-token", "short"), 78, "a token of 3 characters; expected 32"),
        (("--control-token", "none"), 78, "none: No such file"),
        (("--control-token", "good", "--read-token", "same"), 78, "have the same token"),
        (("--host", "a/b"), 64, "--host: 'a/b' is no name"),
        (("--farm", name), 64, f"--farm: '{name}' is given twice"),
        (("--farm", "amq.x"), 64, "'amq.x' is not a farm's name"),
    ):
        command = [os.path.join(BIN, "winnow-page"), "--amqp", URL, "--farm", name, "--listen", "127.0.0.1:0", *args]
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        equal(ran.returncode, code, f"winnow-page {' '.join(args)} ends with {code}") or diag(ran.stderr)
        like(ran.stderr, said, "... and says why")
    ok("abc" not in ran.stderr, "... not what is in the file")


def listens_elsewhere(name):
    with page(name) as web:
        command = [os.path.join(BIN, "winnow-page"), "--amqp", URL, "--farm", name, "--listen", web.host]
        equal(subprocess.run(command, capture_output=True, timeout=60).returncode, 78, "a place that is taken is told")
    open("precious", "w").write("kept")
    os.symlink("precious", "leads-there")
    os.mkfifo("pipe")
    for path in ("precious", "leads-there", "pipe"):
        command = [os.path.join(BIN, "winnow-page"), "--amqp", URL, "--farm", name, "--listen", f"unix:{os.getcwd()}/{path}"]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
        equal(ran.returncode, 78, f"{path}, which is no socket, is not served")
        like(ran.stderr, "Address already in use", "... and it is said why")
    equal((open("leads-there").read(), stat.S_ISFIFO(os.stat("pipe").st_mode)), ("kept", True), "... and all of them stay")
    for _ in range(2):
        with spawn("winnow-page", "--listen", f"unix:{os.getcwd()}/s", farm=name) as program:
            ok(wait_until(lambda: os.path.exists("s") and answers_at("s"), 20), "a Unix socket is served")
            equal(os.stat("s").st_mode & 0o777, 0o660, "... for its owner and group")
            program.signal(signal.SIGKILL)
            program.wait(20)
        ok(os.path.exists("s"), "... also where one was left behind")
    with spawn("winnow-page", "--listen", f"unix:{os.getcwd()}/s", farm=name) as program:
        ok(wait_until(lambda: answers_at("s"), 20), "... again")
        equal(program.end(), 0, "it ends well")
        ok(not os.path.exists("s"), "... and takes its socket with it")


def answers_at(path):
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(path)
        except OSError:
            return False
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return connection.makefile("rb").read().endswith(b"ok\n")


# ---- requests that are none ----


def stands_what_is_no_request(web):
    # A connection that stays open is waited for here.
    keep = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
    head = keep + b"Connection: close\r\n"
    post = f"POST {web.path('pause')} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer {web.tokens['control']}\r\nConnection: close\r\n".encode()
    for about, text, allowed in (
        ("nothing", b"", {b""}),
        ("half a request", head, {b""}),
        ("noise", os.urandom(4000).replace(b"\r", b"x"), {b"", b"400", b"405", b"414", b"431", b"505"}),
        ("another host before a NUL", b"GET /healthz HTTP/1.1\r\nConnection: close\r\nHost: evil.example\0localhost\r\n\r\n", {b"400", b"421"}),
        ("a NUL in the path", b"GET /heal\0thz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", {b"", b"400", b"404"}),
        ("1,000 headers", head + b"".join(b"X-%d: y\r\n" % i for i in range(1000)) + b"\r\n", {b"431", b"413", b""}),
        ("a header of 100 kB", head + b"X: " + b"y" * 100000 + b"\r\n\r\n", {b"431", b"413", b""}),
        ("a path of 100 kB", b"GET /" + b"y" * 100000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", {b"414", b"431", b""}),
        ("a body of 10 MB", post + b"Content-Length: 10000000\r\n\r\n" + b" " * 10000000, {b"413", b""}),
        ("a body of 10 MB in pieces", post + b"Transfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b" " * 65536 + b"\r\n" + b"0\r\n\r\n", {b"413"}),
        ("a body shorter than it says", post + b"Content-Length: 100\r\n\r\n{}", {b""}),
        ("a length that is none", post + b"Content-Length: x\r\n\r\n{}", {b"400", b""}),
        ("a length below zero", post + b"Content-Length: -1\r\n\r\n{}", {b"400", b"413", b""}),
        ("a length without end", post + b"Content-Length: 99999999999999999999999\r\n\r\n{}", {b"400", b"413", b""}),
    ):
        got = web.raw(text)
        ok((got.split() + [b"", b""])[1] in allowed, f"{about} is refused") or diag(got[:300])
        equal(web.get("/healthz").status, 200, "... and others are served")
    absolute_targets(web)
    two = web.raw(keep + b"\r\n" + head + b"\r\n")
    equal(two.count(b"HTTP/1.1 200 OK"), 2, "two requests in one go are two")
    smuggled = web.raw(post + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + head + b"\r\n")
    ok(smuggled.split()[1] == b"400", "a body with two lengths is refused") or diag(smuggled[:300])
    is_open = post.replace(b"Connection: close\r\n", b"")
    own, token = f"http://{web.host}".encode(), web.tokens["control"].encode()
    for line in (
        b"Content-Length: 0\r\nContent-Length: 2",
        b"Content-Length: 2\r\nContent-Length: 0",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: identity\r\nContent-Length: 2",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        b"Content-Type: text/plain\r\nContent-Length: 2",
        b"Authorization: Bearer x\r\nContent-Length: 2",
        b"Authorization: Bearer " + token + b"\r\nContent-Length: 2",
        b"Origin: http://localhost\r\nOrigin: " + own + b"\r\nContent-Length: 2",
    ):
        got = web.raw(is_open + line + b"\r\n\r\n{}" + keep + b"\r\n")
        about = line.replace(token, b"TOKEN").replace(b"\r\n", b", ").decode()
        equal((got.split() + [b"", b""])[1], b"400", f"{about}: 400") or diag(got[:300])
        equal(got.count(b"HTTP/1.1 "), 1, "... and nothing behind it is taken for a request")
    ok(web.healthy(), "none of them did anything")
    cut_by_a_nul(web)


def cut_by_a_nul(web):
    """The library cuts a header at a NUL, and the head where a line begins with one: that opens no door."""
    path, token, own = web.path("pause").encode(), web.tokens["control"].encode(), web.host.encode()
    headers = {b"Host": own, b"Content-Type": b"application/json", b"Authorization": b"Bearer " + token, b"Origin": b"http://" + own}

    def ask(**changed):
        lines = {**headers, **{name.replace("_", "-").encode(): value for name, value in changed.items()}}
        head = b"".join(b"%s: %s\r\n" % line for line in lines.items())
        return web.raw(b"POST " + path + b" HTTP/1.1\r\n" + head + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}")

    for name, value, status in (
        ("Host", b"evil.example\0" + own, b"421"),
        ("Host", b"\0" + own, b"421"),
        ("Origin", b"http://evil.example\0http://" + own, b"403"),
        ("Origin", b"\0http://" + own, b"403"),
        ("Authorization", b"Bearer \0" + token, b"401"),
        ("Authorization", b"Bearer " + token[:24] + b"\0" + token[24:], b"401"),
        ("Authorization", b"\0Bearer " + token, b"401"),
        ("Content-Type", b"text/plain\0application/json", b"415"),
        ("Content-Type", b"\0application/json", b"415"),
        # What follows the line that begins with it is the body, or a request that must have all that one needs.
        ("Host", own + b"\r\n\0: x", b"401"),
        ("X", b"x\r\n\0", b"400"),
    ):
        got = ask(**{name: value})
        about = f"{name}: {value!r}".replace(token[:24].decode(), "TOK").replace(token[24:].decode(), "EN").replace(own.decode(), "OWN")
        equal((got.split() + [b"", b""])[1], status, f"{about}: {status.decode()}") or diag(got[:300])
    ok(web.healthy(), "... and nothing was done")


def absolute_targets(web):
    """A target with scheme and host: its host counts, and not that of the header."""
    own = web.host
    for target, host, status in (
        (f"http://{own}/healthz", own, b"200"),
        (f"HTTPS://{own}/healthz?x", own, b"200"),
        (f"http://{own}", own, b"200"),
        (f"http://{own}?x", own, b"200"),
        (f"http://{own}/healthz", "evil.example", b"200"),
        ("http://evil.example/healthz", own, b"421"),
        ("http://evil.example", own, b"421"),
        (f"http://evil.example@{own}/healthz", own, b"421"),
        ("http:///healthz", own, b"421"),
        (f"http://{own}/nothing", own, b"404"),
        (f"ftp://{own}/healthz", own, b"404"),
        (f"//{own}/healthz", own, b"404"),
    ):
        got = web.raw(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        about = f"{target} with Host: {host}".replace(own, "OWN")
        equal((got.split() + [b"", b""])[1], status, f"{about}: {status.decode()}") or diag(got[:300])


class SlowClient:
    """Sends a byte each half second, for as long as it is let."""

    def __init__(self, web, text, seconds):
        self.connection = socket.create_connection(("127.0.0.1", web.port), timeout=seconds)
        self.ended = threading.Event()
        threading.Thread(target=self._run, args=(text,), daemon=True).start()

    def _run(self, text):
        with contextlib.suppress(OSError):
            for byte in text:
                self.connection.sendall(bytes([byte]))
                self.connection.settimeout(0.5)
                with contextlib.suppress(TimeoutError):
                    if not self.connection.recv(1):
                        break
        self.connection.close()
        self.ended.set()


def slow_clients(web):
    post = f"POST {web.path('pause')} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer {web.tokens['control']}\r\nContent-Length: 8000\r\n\r\n".encode()
    slow = [SlowClient(web, b"GET /" + b"x" * 10000, 60), SlowClient(web, b"GET / HTTP/1.1\r\nX: " + b"y" * 10000, 60)]
    slow.append(SlowClient(web, b" " * 10000, 60))
    slow[-1].connection.sendall(post)
    return slow


# ---- what is away ----


def says_that_nobody_runs_it():
    name = farm()
    with page(name) as web:
        ok(web.healthy("unled"), "it is told that nobody runs a farm")
        said = web.tell("pause")
        equal(said.code(), (409, "nobody"), "... and that nobody can be told anything")
        like(said.detail(), f"start winnow-autoscaler --farm '{name}'", "... with what to do")
        equal(web.get("scale").code(), (503, "unknown"), "nobody scales by it")
        equal(web.tell("events", {"text": "x"}).code(), (409, "nobody"), "... no event is taken")
        equal(web.tell("events", {"text": "x", "wait_s": 5}).code(), (409, "nobody"), "... nor waited for")
        equal((web.status()["status"], web.status()["sentence"]), (None, ""), "nothing is made up")


def says_that_the_broker_is_away(name):
    with Line() as line, page(name, amqp=line.url) as web, web.stream() as stream:
        ok(web.healthy(), "a farm is seen through a line")
        line.cut()
        steered = lambda: web.tell("resume").status == 200
        ok(wait_until(steered, 20), "after one that broke it can be steered again")
        line.close()
        ok(stream.wait_for("status", lambda status: status["health"] == "away"), "a line that breaks is told at once")
        status = web.wait_for(lambda status: status["broker_away_s"] is not None)
        ok(status and status["broker_why"] and status["status"], "... since when and why, beside what was known")
        equal(web.tell("pause").code(), (503, "away"), "... and nothing can be steered")
        equal(web.tell("events", {"text": "x"}).code(), (503, "away"), "... no event is taken")
        equal(web.get("/readyz").code(), (503, "away"), "it is not ready")
        equal(web.get("/healthz").status, 200, "... and answers all the same")
    with page(name, amqp="amqp://127.0.0.1:1") as web:
        ok(web.healthy("away"), "a broker that was never there is away, too")
        ok("127.0.0.1:1" in web.status()["broker_why"], "... with its address")


def lets_some_only_look(name):
    user, own = f"reader-{name}", rf"^{name}\.(ctl\..*|control)$"
    ctl("add_user", user, "secret")
    ctl("set_permissions", user, own, own, own)
    ctl("set_topic_permissions", user, f"{name}.control", "^ask$", "^(status|log)$")
    with page(name, amqp=f"amqp://{user}:secret@127.0.0.1:{port_of(URL)}") as web:
        ok(web.healthy(), "a user of the broker who may only ask sees the farm")
        said = web.tell("pause")
        equal(said.code(), (403, "permission"), "... and cannot pause it")
        ok("secret" not in json.dumps(said.json()) + web.program.stderr(), "... whose password is shown nowhere")
        ok(web.healthy(), "... and goes on seeing it")
        equal(web.tell("events", {"text": "x"}).code(), (403, "permission"), "... nor send an event")


def forgets_no_answer(name):
    """An autoscaler that is killed while a button waits, and one that never answers."""
    with autoscaler(name, "--interval", "200ms", "--min", "1", "--", FILTER) as scaler, page(name) as web:
        ok(web.healthy(), "another farm runs")
        scaler.signal(signal.SIGSTOP)
        answers = []
        thread = threading.Thread(target=lambda: answers.append(web.tell("pause").code()))
        thread.start()
        thread.join(0.3)
        scaler.signal(signal.SIGKILL)
        thread.join(30)
        ok(answers and answers[0] in ((409, "nobody"), (409, "stale"), (504, "late")), "a command is answered when nobody is left to do so") or diag(answers)
        ok(web.wait_for(lambda status: status["health"] in ("unled", "silent")), "... and the farm is not well")


# ---- what is said ----


def shows_strange_names_as_text(status):
    name = f"{farm()}<b>\"'&\\/%"
    evil = "</script><img src=x onerror=alert(1)>\u2028\"\\"
    strange = status | {"farm": name, "from": evil, "epoch": 7, "sequence": 1}
    strange["decision"] = status["decision"] | {"reason": evil, "policy": evil}
    strange["limits"] = status["limits"] | {"by": evil}
    text = json.dumps(strange, indent=1).replace("\n", "\r\n\r\nevent: status\r\n".replace("event: status", "") )
    with Leader(name, lambda command: [("status", text)]), page(name) as web:
        shown = web.wait_for(lambda status: status["status"])
        equal(shown["status"], strange, "a strange status is shown as it is")
        equal(shown["farm"], name, "... under the farm's strange name")
        with web.stream() as stream:
            equal(stream.wait_for("status")["status"], strange, "... and in a stream, where it is one event")
            equal({kind for kind, _ in stream.events}, {"status"}, "... and nothing but")
        equal(web.get("status").headers["Content-Type"], "application/json", "as JSON, which no browser takes for a page")


def reads_what_another_version_says(status):
    name = farm()
    versions = [{"v": 2}, {"limits": 1}, {"farm": "other"}, {"moon": {"phase": 3}}]
    told = [("status", json.dumps(status | {"farm": name, "sequence": 100 + i} | each)) for i, each in enumerate(versions)]
    with Leader(name, lambda command: told), page(name) as web:
        shown = web.wait_for(lambda status: status["status"])
        equal(shown["status"].get("moon"), {"phase": 3}, "what a newer version says beside is passed on")
        equal(shown["status"]["limits"], status["limits"], "... and what cannot be read is not")
        ok(web.program.stderr().count("event=message_ignored") >= 2, "... which is said")


def tells_a_refusal(status):
    name = farm()
    for outcome, code in (("refused", (409, "refused")), ("stale", (409, "stale")), ("malformed", (400, "malformed")), ("else", (409, "refused"))):
        said = lambda command: [("status", json.dumps(status | {"farm": name})) if command["verb"] == "status" else answer(name, outcome, "too <b>many")]
        with Leader(name, said) as leader, page(name) as web:
            web.wait_for(lambda status: status["status"])
            told = web.tell("pause")
            equal(told.code(), code, f"an answer that is {outcome}: {code}")
            if outcome != "else":
                equal(told.detail(), "too <b>many", "... with the autoscaler's reason")
            equal([each["seen"] for each in leader.heard if each["verb"] == "pause"], [{key: status[key] for key in ("epoch", "sequence")}], "a command names the status that was seen")


def steers_nodes(status):
    name = farm()
    node = {"state": "up", "capacity": 4, "rank": 0, "target": 1, "starting": 0, "running": 1, "draining": 0, "age_s": 0.5}
    worker = status["workers"][0]
    many = status | {"farm": name, "leader": "a.1", "nodes": [node | {"name": "a.1"}, node | {"name": "b"}]}
    many["workers"] = [worker | {"node": "a.1", "slot": 0, "pid": 11}, worker | {"node": "b", "slot": 0, "pid": 22}]
    said = lambda command: [("status", json.dumps(many)) if command["verb"] == "status" else answer(name, "done")]
    with Leader(name, said) as leader, page(name) as web:
        ok(web.wait_for(lambda status: status["status"]), "a farm on several hosts is seen")
        like(web.tell("workers/b/0/stop").json()["said"], r"slot 0 of b \(pid 22\) ", "a worker of one node is stopped")
        equal([web.tell(f"nodes/{each}").status for each in ("a.1/drain", "a.1/undrain")], [200, 200], "a node is drained, and back")
        told = [(each["verb"], each.get("node"), each.get("slot")) for each in leader.heard if each["verb"] != "status"]
        equal(told, [("stop", "b", 0), ("drain", "a.1", None), ("undrain", "a.1", None)], "... which is what the leader hears")
        for path in ("workers/local/0/stop", "workers/c/0/stop", "nodes/c/drain", "nodes/far/undrain"):
            equal(web.tell(path).code(), (404, "missing"), f"{path}: there is no such node")


def several_farms(name):
    other = farm()
    with page(name, "--farm", other) as web:
        listed = lambda: [(each["farm"], each["health"]) for each in web.get("/api/v1/farms").json()["farms"]]
        ok(wait_until(lambda: listed() == [(name, "ok"), (other, "unled")], 20), "several farms are on one page") or diag(listed())
        equal(web.get(f"/api/v1/farms/{other}/status").json()["farm"], other, "... each under its name")


name = farm()
os.environ["WINNOW_TEST_MARKER"] = MARKER
refuses_to_begin(name)
says_that_nobody_runs_it()
with autoscaler(name, "--interval", "200ms", "--min", "2", "--max", "4", "--", FILTER):
    ok(wait_for_row(name, lambda row: row["running_workers"] == "2", 20), "two workers run")
    with page(name) as web:
        slow = slow_clients(web)
        shows_the_farm(web, name)
        serves_its_files(web)
        streams(web)
        steers(web)
        does_once_what_is_said_twice(web)
        stops_a_worker(web)
        says_what_it_does_not_do(web)
        sends_events(web, name)
        asks_for_no_more_copies_before_it_ends(name)
        keeps_others_out(web)
        keeps_secrets(web)
        stands_what_is_no_request(web)
        status = web.status()["status"]
        several_farms(name)
        wants_a_token_to_look(name)
        lets_some_only_look(name)
        says_that_the_broker_is_away(name)
        listens_elsewhere(name)
        shows_strange_names_as_text(status)
        reads_what_another_version_says(status)
        tells_a_refusal(status)
        steers_nodes(status)
        for each in slow:
            ok(each.ended.wait(30), "who sends a byte each half second is not waited for")
        equal(web.program.end(), 0, "it ends when it is told to")
forgets_no_answer(farm())
done_testing()
