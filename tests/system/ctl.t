#!/usr/bin/python3
"""winnow-ctl against the real autoscaler: every verb, every exit code, what it prints; and against one that is made up,
which says what no real one says."""

import contextlib
import copy
import json
import os
import re
import signal
import subprocess
import threading

import pika

from client import Line, ctl, port_of
from control import Leader, answer, message
from scaler import FILTER, autoscaler, lives, wait_for_row
from tap import *
from terminal import Terminal

CTL = os.path.join(BIN, "winnow-ctl")
VERBS = (
    ("status",),
    ("workers",),
    ("explain",),
    ("set", "max=3"),
    ("pause",),
    ("resume",),
    ("fix", "1"),
    ("unfix",),
    ("stop", "0"),
    ("farms",),
)
# A reader of the answer may be slow under sanitizers.
PATIENCE = ("--wait", "20s")


def environment(**more):
    return os.environ | {"TERM": "xterm", "LC_ALL": "C.UTF-8"} | more


def ran_to_its_end(name, *args, url=URL):
    command = [CTL, "--amqp", url, "--farm", name, *args]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, env=environment()
    )


def run(name, *args, url=URL, code=0, said=None, about=None):
    """Runs it to its end and returns what it printed; said: on standard error."""
    about = about or f"winnow-ctl {' '.join(args)}"
    ran = ran_to_its_end(name, *args, url=url)
    equal(ran.returncode, code, f"{about} ends with {code}") or diag(ran.stderr + ran.stdout)
    if said:
        like(ran.stderr, said, f"... and says {said}")
    ok("\x1b" not in ran.stdout + ran.stderr, "... without a sequence for terminals")
    return ran.stdout


def json_of(name, *args):
    """The one message that is printed."""
    (line,) = ran_to_its_end(name, *args, "--json", *PATIENCE).stdout.splitlines()
    return json.loads(line)


def workers_of(name):
    """The pids of those that run, by slot."""
    return {each["slot"]: each["pid"] for each in json_of(name, "status")["workers"] if each["state"] == "running"}


# ---- without a farm ----


def says_what_was_expected():
    for args, said in (
        ((), "the verb is missing; expected status"),
        (("hold",), "'hold' is not a verb; expected status"),
        (("status", "now"), "status: unexpected argument 'now'; expected no argument"),
        (("set",), "an argument is missing; expected min=N"),
        (("set", "min"), "'min' is no limit; expected min=N, max=N"),
        (("set", "min=x"), "min: 'x' is not a count"),
        (("set", "max=1001"), "max: '1001' is not in range; expected 1 to 1000"),
        (("set", "max=8", "max=9"), "set: max is given twice"),
        (("set", "replicas=none", "replicas=2"), "set: replicas is given twice"),
        (("set", "min=3", "max=2"), "expected min <= max"),
        (("fix",), "expected the number of workers"),
        (("fix", "-1"), "winnow-ctl: "),
        (("stop", "a"), "stop: 'a' is not a count"),
        (("log",), "expected --follow, or log files"),
        (("log", "x", "--json"), "is not JSON; expected log --follow --json"),
        (("workers", "--watch"), "expected status --watch"),
        (("status", "--follow"), "expected log --follow"),
        (("status", "--wait", "5"), "--wait: '5' is not a duration"),
    ):
        run("winnow", *args, code=64, said=said)


def says_that_nobody_is_there():
    name = farm()
    for verb in VERBS:
        if verb[0] != "farms":  # of which other tests may have some
            run(name, *verb, "--wait", "150ms", code=69, said=f"nobody runs the farm '{name}'.*winnow-autoscaler")
    nobody = "amqp://127.0.0.1:1"
    for verb in VERBS + (("log", "--follow"), ("status", "--watch")):
        run(name, *verb, "--connect-timeout", "0", url=nobody, code=69, said="127.0.0.1:1")


# ---- against one that is made up ----


def waits_no_longer_than_it_was_told():
    name = farm()
    with Leader(name, lambda command: []):
        run(name, "status", "--wait", "100ms", code=75, said="did not answer within 100ms")
        run(name, "set", "max=3", "--wait", "100ms", code=75)


def waits_a_moment_for_an_autoscaler(status):
    """That is not connected again yet, as after a restart of the broker."""
    name, connection = farm(), connect()
    with lines_of(name, "status", *PATIENCE) as asking:
        early = asking.wait(0.3)
        with Leader(name, lambda command: [("status", json.dumps(status))], connection) as leader:
            asked = equal((early, asking.wait(20)), (None, 0), "a command that nobody takes is tried again for a moment")
            asked or diag([asking.stderr(), leader.heard, leader.thread.is_alive()])
            like(asking.stdout(), "^Farm ", "... and then answered")


def tells_a_refusal(status):
    name = farm()
    status = json.dumps(status)
    for outcome, reason, said in (
        ("refused", "too many", "the command was refused: too many"),
        ("stale", "too old", "come too late: too old"),
        ("malformed", "bad\x1b[2J", r"not understood: bad\\x1b\[2J"),
    ):
        answers = lambda command: [("status", status) if command["verb"] == "status" else answer(name, outcome, reason)]
        with Leader(name, answers) as leader:
            run(name, "set", "max=3", *PATIENCE, code=1, said=said)
            equal(leader.heard[1]["seen"], {"epoch": 1, "sequence": 42}, "a command names the status that was seen")
            said = json.loads(run(name, "pause", "--json", *PATIENCE, code=1))
            equal(said["outcome"], outcome, "--json has the answer all the same")


def reads_what_another_version_says(status):
    name = farm()
    newer = status | {"v": 2}
    with Leader(name, lambda command: [("status", json.dumps(newer))]):
        run(name, "status", "--wait", "200ms", code=75, said="message_ignored.*version 2")
    less = {key: value for key, value in status.items() if key != "limits"}
    with Leader(name, lambda command: [("status", json.dumps(less))]):
        run(name, "status", *PATIENCE, code=78, said="another version: .*limits")
    more = status | {"moon": {"phase": 3}}
    with Leader(name, lambda command: [("rumour", "x"), ("status", "{"), ("status", json.dumps(more))]):
        run(name, "status", *PATIENCE, about="what nobody knows is left out, and winnow-ctl status")


def shows_many_workers(status):
    name = farm()
    worker = {"pid": 1, "state": "running", "since_s": 1e9, "tells": True, "blocked": True, "handled_msgs": 2**53}
    worker |= {"in_flight_msgs": 65535, "busy_share": 0.5}
    many = status | {"running": 1000, "workers": [worker | {"slot": slot} for slot in range(1000)]}
    with Leader(name, lambda command: [("status", json.dumps(many))]):
        lines = run(name, "workers", *PATIENCE).splitlines()
        equal(len(lines), 1001, "workers lists a thousand")
        equal(len({len(line) for line in lines[1:]}), 1, "... aligned, whatever the numbers")
        text = run(name, "status", *PATIENCE)
        ok(text.count("\n") <= 24 and "... and 990 more\n" in text, "status stays on one screen")


def shows_that_no_worker_runs(status):
    name = farm()
    none = status | {"running": 0, "workers": []}
    with Leader(name, lambda command: [("status", json.dumps(none))]):
        equal(run(name, "workers", *PATIENCE), "No worker runs.\n", "workers says that there is none")
        equal(json.loads(run(name, "workers", "--json", *PATIENCE)), none, "... but for --json")


def shows_strange_names_as_text(status):
    name = farm()
    evil = "a\x1b[2Jb\r\n\u009bc\u202ed"
    status = copy.deepcopy(status)
    status["from"] = status["limits"]["by"] = status["limits"]["at"] = evil[:20]
    status["limits"]["paused"] = True
    status["decision"]["reason"] = status["decision"]["policy"] = evil
    status["workers"][0]["state"] = evil[:6]
    with Leader(name, lambda command: [("status", json.dumps(status, ensure_ascii=False))]):
        for verb in ("status", "workers", "explain", "status --json"):
            shown = run(name, *verb.split(), *PATIENCE)
            ok(not any(mark in shown for mark in "\r\u009b\u202e"), f"{verb} shows strange names as text")
        equal(json.loads(shown), status, "and --json says the same as the message")
        with Terminal(24, 80, [CTL, "--amqp", URL, "--farm", name, "status", "--watch"], environment()) as terminal:
            ok(terminal.wait_for(lambda screen: "Paused" in screen.text(), 20), "so does the screen")
            terminal.end()
            equal(terminal.screen.errors, [], "which knows each sequence")


def lets_some_only_ask(name):
    user = f"reader-{name}"
    url = f"amqp://{user}:secret@127.0.0.1:{port_of(URL)}"
    own = rf"^{name}\.(ctl\..*|control)$"
    ctl("add_user", user, "secret")
    with contextlib.ExitStack() as stack:
        stack.callback(ctl, "delete_user", user)
        ctl("set_permissions", user, own, own, own)
        ctl("set_topic_permissions", user, f"{name}.control", "^ask$", "^(status|log)$")
        run(name, "status", url=url, about="one who may only ask: winnow-ctl status")
        with lines_of(name, "status", "--watch", url=url) as plain:
            ok(wait_until(lambda: plain.stdout().count("\n") > 2, 20), "... may watch")
        run(name, "pause", url=url, code=77, said="ACCESS_REFUSED.*'command'", about="... and may not pause")
        run(name, "farms", url=url, code=77, said="ACCESS_REFUSED.*amq.topic", about="... nor ask all farms")
        run("shop", "status", url=url, code=77, said="ACCESS_REFUSED.*shop.ctl", about="... nor ask another one")


# ---- the real one ----


@contextlib.contextmanager
def busy_farm(*args):
    """Two workers, decided upon five times a second."""
    name = farm()
    with autoscaler(name, "--interval", "200ms", "--min", "2", "--max", "4", *args, "--", FILTER) as scaler:
        ok(wait_for_row(name, lambda row: row["running_workers"] == "2", 20), "two workers run")
        yield name, scaler


def shows_a_farm(name):
    status = json_of(name, "status")
    equal((status["farm"], status["limits"]["max_workers"], len(status["workers"])), (name, 4, 2), "status --json is the message")
    text = run(name, "status", *PATIENCE)
    like(text, f"^Farm {name}, run for .* by winnow-autoscaler/", "status names the farm and who runs it")
    like(text, r"\n2 workers, the minimum: the load needs only 0\.\n", "... what goes on, in a sentence")
    like(text, r"\nworkers   2 wanted \(2 to 4\): 2 running, 0 starting, 0 draining\n", "... the numbers")
    lines = run(name, "workers", *PATIENCE).splitlines()
    equal(len(lines), 3, "workers has a line for each")
    equal({int(line.split()[1]) for line in lines[1:]}, {worker["pid"] for worker in status["workers"]}, "... with its pid")
    equal(len({len(line) for line in lines}), 1, "... aligned")
    text = run(name, "explain", *PATIENCE)
    for term in ("B ", "λ ", "T ", "C ", "needed ", "limits ", "decided .*what bound it: min", "others .*erlang says"):
        like(text, f"\n  {term}", f"explain has the term {term}")
    return status


def steers(name):
    equal(run(name, "set", "max=3", *PATIENCE), "max is now 3 (was 4)\n", "set says what it changed")
    equal(json_of(name, "status")["limits"]["max_workers"], 3, "... and the status says so too")
    equal(json_of(name, "set", "min=1")["outcome"], "done", "set --json is the answer")
    like(run(name, "pause", *PATIENCE), r"^paused: the number of workers stays at [12]\n$", "pause says at what")
    like(run(name, "status", *PATIENCE), r"\nPaused: .* \(last command \S+ s ago, by winnow-ctl/\S+\)\.\n", "status says so, who and when")
    run(name, "resume", *PATIENCE)
    run(name, "fix", "3", *PATIENCE)
    ok(wait_for_row(name, lambda row: row["reason"] == "fixed" and row["desired_workers"] == "3", 20), "fix fixes")
    like(run(name, "status", *PATIENCE), r"\nFixed: 3 workers, whatever the load", "... and status says so")
    run(name, "set", "max=2", code=1, said="refused: ")
    run(name, "unfix", *PATIENCE)
    limits = json_of(name, "status")["limits"]
    equal((limits["paused"], limits["replicas"], limits["min_workers"]), (False, None, 1), "unfix and resume leave nothing")
    ok(wait_until(lambda: json_of(name, "status")["running"] == 1, 20), "and it is decided again")


def stops_one(name):
    ((slot, pid),) = workers_of(name).items()
    said = run(name, "stop", str(slot), *PATIENCE)
    equal(said, f"the worker in slot {slot} (pid {pid}) finishes what it holds and ends\n", "stop says who")
    ok(wait_until(lambda: not lives(pid), 20), "that worker ends")
    ok(wait_until(lambda: workers_of(name).keys() and pid not in workers_of(name).values(), 20), "another takes its place")
    run(name, "stop", "77", code=1, said="slot 77")


def lists_farms(name):
    with busy_farm() as (other, _):
        lines = run(name, "farms", "--wait", "500ms").splitlines()
        found = {line.split()[0]: line.split()[1:] for line in lines[1:]}
        ok({name, other} <= found.keys(), "farms lists both")
        like(found[other][0], "^winnow-autoscaler/.*/[0-9]+$", "... who runs each")
        equal(found[other][1:3] + found[other][4:], ["2", "0", "running", "min"], "... and how it is")
        messages = [json.loads(line) for line in run(name, "farms", "--json", "--wait", "500ms").splitlines()]
        ok({name, other} <= {each["farm"] for each in messages}, "farms --json has a line for each")


@contextlib.contextmanager
def lines_of(name, *args, url=URL):
    running = Program([CTL, "--amqp", url, "--farm", name, *args], environment())
    try:
        yield running
    finally:
        running.end()


def watches_in_a_pipe(name):
    with lines_of(name, "status", "--watch") as plain, lines_of(name, "status", "--watch", "--json") as whole:
        ok(wait_until(lambda: plain.stdout().count("\n") > 3 and whole.stdout().count("\n") > 3, 20), "a line each time")
        plain.signal(signal.SIGINT)
        equal((plain.wait(10), whole.end()), (0, 0), "both end well when they are told to")
        like(plain.stdout(), r"^\d\d:\d\d:\d\d  arrivals 0/s  backlog 0  wanted 1  running \d", "... for people")
        ok("\x1b" not in plain.stdout(), "... without a sequence for terminals")
        names = [json.loads(line)["sequence"] for line in whole.stdout().splitlines()]
        equal(names, sorted(set(names)), "... or as they came, each once")
    with subprocess.Popen([CTL, "--amqp", URL, "--farm", name, "status", "--watch"], stdout=subprocess.PIPE) as closed:
        closed.stdout.readline()
        closed.stdout.close()
        equal(closed.wait(20), 71, "when nobody reads any more it ends, and says so in its code")


def says_that_the_broker_takes_nothing(name):
    with contextlib.ExitStack() as stack:
        ctl("set_vm_memory_high_watermark", "absolute", "1")
        stack.callback(ctl, "set_vm_memory_high_watermark", "0.6")
        asked = lambda: ran_to_its_end(name, "status", "--wait", "300ms")
        blocked = wait_until(lambda: next((ran for ran in [asked()] if ran.returncode == 75), None), 20)
        like(blocked.stderr, "the broker runs short of memory or disk", "a broker that takes nothing is named")
    ok(wait_until(lambda: asked().returncode == 0, 20), "... and it takes commands again")


# ---- the screen ----


def watch(name, rows_, columns, url=URL, **env):
    return Terminal(rows_, columns, [CTL, "--amqp", url, "--farm", name, "status", "--watch"], environment(**env))


def draws_a_screen(name):
    for rows_, columns in ((24, 80), (50, 200), (10, 40)):
        with watch(name, rows_, columns) as terminal:
            shown = lambda screen: "1 worker, the minimum" in screen.text() and "  running  " in screen.text()
            ok(terminal.wait_for(shown, 20), f"{columns} by {rows_}: the sentence and a worker are there")
            like(terminal.screen.text(), rf"^Farm {name[:10]}.* old\n", "... and the age")
            equal("now" in terminal.screen.text().split("\n")[-4:] or "█" in terminal.screen.text(), rows_ > 10, "... a graph")
            equal(terminal.end(), 0, "... it ends well")
            equal((terminal.screen.alternate, terminal.screen.cursor), (False, True), "... and gives the terminal back")
            equal(terminal.screen.errors, [], "... each sequence is one that is known")
    with watch(name, 24, 80, LC_ALL="C") as terminal:
        ok(terminal.wait_for(lambda screen: "#" in screen.text(), 20), "in ASCII where the locale has no more")
        ok(terminal.screen.text().isascii(), "... and nothing else")
        terminal.resize(40, 120)
        ok(terminal.wait_for(lambda screen: screen.lines()[0].endswith(" old") and len(screen.lines()[0]) == 120, 20), "it follows the size")
        for _ in range(2):
            terminal.type("\x1a")
            stopped = lambda: open(f"/proc/{terminal.process.pid}/stat").read().rpartition(")")[2].split()[0] == "T"
            ok(terminal.wait_for(lambda screen: not screen.alternate and stopped(), 10), "Ctrl-Z gives the terminal back and stops it")
            terminal.process.send_signal(signal.SIGCONT)
            drawn = lambda screen: screen.alternate and screen.lines()[0].endswith(" old")
            ok(terminal.wait_for(drawn, 10), "... and it draws anew when it goes on")
        terminal.type("\x03")
        equal(terminal.process.wait(10), 0, "Ctrl-C ends it")
    dumb = subprocess.run(["timeout", "1", CTL, "--amqp", URL, "--farm", name, "status", "--watch"], env=environment(TERM="dumb"), capture_output=True)
    like(dumb.stdout.decode(), "^..:..:..  arrivals", "a terminal that cannot do it gets lines")


def stays_open(scaler, name):
    """While the autoscaler goes and comes, and the broker."""
    with Line() as line, watch(name, 24, 80, url=line.url) as terminal:
        ok(terminal.wait_for(lambda screen: "1 worker" in screen.text(), 20), "a farm is seen")
        line.mode = "silent"
        line.cut()
        ok(terminal.wait_for(lambda screen: "THE BROKER HAS BEEN AWAY for" in screen.text(), 20), "the broker goes: that is said")
        ok("1 worker" in terminal.screen.text(), "... and what was known is still there")
        line.mode = "pass"
        line.cut()
        ok(terminal.wait_for(lambda screen: "AWAY" not in screen.text() and "0.0 s old" in screen.text(), 20), "it is back")
        scaler.end()
        ok(terminal.wait_for(lambda screen: "NOBODY RUNS THE FARM" in screen.text(), 20), "so is the end of the autoscaler said")
        with busy_farm() as (_, _), autoscaler(name, "--interval", "200ms", "--min", "1", "--", FILTER):
            seen = lambda screen: "NOBODY" not in screen.text() and "0.0 s old" in screen.text()
            ok(terminal.wait_for(seen, 20), "and its return")
        equal((terminal.end(), terminal.screen.errors), (0, []), "it ends well")


def stands_a_flood():
    """Of messages that anybody may publish who may write to the exchange."""
    name = farm()
    ending = threading.Event()

    def flood(connection=connect()):
        channel = connection.channel()
        # The exchange goes with the last who listens.
        with contextlib.suppress(pika.exceptions.ChannelClosedByBroker):
            while not ending.is_set():
                channel.basic_publish(f"{name}.control", "status", b"{" * 1000, pika.BasicProperties(type="status"))
        connection.close()

    with watch(name, 24, 80) as terminal:
        ok(terminal.wait_for(lambda screen: "NOBODY RUNS" in screen.text(), 20), "a farm is watched that nobody runs")
        thread = threading.Thread(target=flood)
        thread.start()
        terminal.resize(24, 60)
        ok(terminal.wait_for(lambda screen: "NOBODY RUNS" in screen.text(), 20), "in a flood of messages it goes on drawing")
        equal(terminal.end(), 0, "... and ends when it is told to")
        ending.set()
        thread.join()


# ---- the log ----


def merges_logs():
    with open("a.log", "w") as a, open("b.log", "w") as b:
        a.write("level=info clock=1 event=a\nlevel=info clock=4 event=b\n  and more\n")
        b.write("level=info clock=3 event=c\nlevel=info clock=5 event=d")
    want = "level=info clock=1 event=a\nlevel=info clock=3 event=c\nlevel=info clock=4 event=b\n  and more\nlevel=info clock=5 event=d\n"
    equal(run("x", "log", "a.log", "b.log", url="amqp://127.0.0.1:1"), want, "logs come in the order of the clock")
    got = run("x", "log", "a.log", "none.log", "/", code=66, said="'none.log'.*\n.*'/'")
    equal(got, open("a.log").read(), "... and one that is missing does not hide the others")
    got = run("x", "log", "/dev/zero", "a.log", code=66, said="'/dev/zero': line 1 is longer than 65536 bytes; expected a log")
    equal(got, open("a.log").read(), "... nor does one that is no log, and whose line has no end")
    with open("/dev/full", "w") as full:
        equal(subprocess.run([CTL, "log", "a.log"], stdout=full, stderr=subprocess.PIPE).returncode, 71, "a full disk is an error")
    piped = subprocess.run([CTL, "log", "-", "b.log"], stdin=open("a.log"), capture_output=True, text=True)
    equal(piped.stdout, want, "- is standard input")


def follows_the_log(name):
    with lines_of(name, "log", "--follow") as plain, lines_of(name, "log", "--follow", "--json") as whole:
        changes = iter(range(5, 1000))
        change = lambda: ran_to_its_end(name, "set", f"max={next(changes)}") and "limits_changed" in plain.stdout()
        ok(wait_until(change, 20), "a change is told")
        (pid,) = workers_of(name).values()
        os.kill(pid, signal.SIGKILL)
        told = lambda: "event=worker_crashed" in plain.stdout() and "worker_crashed" in whole.stdout()
        ok(wait_until(told, 20), "so is a worker that crashed")
        like(plain.stdout(), rf"time=\S+Z level=warn from=winnow-autoscaler/\S+ clock=\d+ event=worker_crashed worker={pid} ", "... as a line of the log")
        ok(all(json.loads(line)["event"] for line in whole.stdout().splitlines()), "... or as a message")
        equal((plain.end(), whole.end()), (0, 0), "both end well")


def says_who_it_is(name, scaler):
    """Wherever it has the farm's name from."""
    told = {"AMQP_URL": URL, "WINNOW_FARM": name}
    equal(subprocess.run([CTL, "set", "min=1"], capture_output=True, timeout=60, env=environment(**told)).returncode, 0, "a farm of the environment's is told")
    changed = re.compile(r"event=limits_changed min=1 .* by=winnow-ctl/[^/\s]+/\d+\n")
    ok(wait_until(lambda: changed.search(scaler.stderr()), 20), "... and its log says by whom") or diag(scaler.stderr())


def tells_each_line_once():
    """After a lost connection each sender tells again what may not have arrived, the senders in turns."""
    name = farm()
    line = lambda sender, clock: (
        "log",
        message(name, level="info", event="said", text=f"line={sender}{clock}", clock=clock, **{"from": f"x/{sender}/1"}),
    )
    told = [line("a", 5), line("b", 9), line("a", 5), line("b", 8), line("b", 9), line("a", 6), line("b", 10)]
    with Leader(name, lambda command: told), lines_of(name, "log", "--follow") as following:
        ok(wait_until(lambda: "line=b10" in following.stdout(), 20), "the last line is told")
        lines = [text.split("line=")[1] for text in following.stdout().splitlines()]
        equal(lines, ["a5", "b9", "a6", "b10"], "a line that a sender repeats is told once, whoever spoke between")
        equal(following.end(), 0, "it ends well")


says_what_was_expected()
says_that_nobody_is_there()
waits_no_longer_than_it_was_told()
merges_logs()
with busy_farm() as (name, scaler):
    status = shows_a_farm(name)
    lists_farms(name)
    lets_some_only_ask(name)
    made_up = status | {"epoch": 1, "sequence": 42}
    waits_a_moment_for_an_autoscaler(made_up)
    tells_a_refusal(made_up)
    reads_what_another_version_says(made_up)
    shows_many_workers(made_up)
    shows_that_no_worker_runs(made_up)
    shows_strange_names_as_text(made_up)
    steers(name)
    stops_one(name)
    watches_in_a_pipe(name)
    says_that_the_broker_takes_nothing(name)
    follows_the_log(name)
    draws_a_screen(name)
    says_who_it_is(name, scaler)
    stays_open(scaler, name)
stands_a_flood()
tells_each_line_once()
done_testing()
