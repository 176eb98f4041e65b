#!/usr/bin/python3
# quiet: no claim about time
"""winnow-run, with a program started for each event: what it gets, what becomes of what it does, and what is left of
it afterwards: nothing."""

import json
import os
import signal
import stat
import subprocess

from client import Client, ctl
from tap import BIN, URL, Program, diag, done_testing, equal, farm, like, ok, script, spawn, wait_until


def dead(client, body, **properties):
    """The reason for which an event is dead."""
    client.publish(body, reply_to=client.replies, **properties)
    message = client.get(client.dead, 60)
    if message[2] != (body.encode() if isinstance(body, str) else body):
        raise RuntimeError(f"{message[2]!r} is dead, not {body!r}")
    return message[1].headers["winnow-reason"]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(") ")[2][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


# ---- a program ----


def results(client):
    _, properties, body = client.ask("hello", content_type="a/b", content_encoding="gzip", headers={"x": 1})
    equal(body, b"hello", "what the program writes is the result")
    equal((properties.content_type, properties.content_encoding), ("a/b", "gzip"), "of the event's type")
    equal(properties.headers["x"], 1, "with its headers")
    equal(client.ask(b"\xff\0\x80")[2], b"\xff\0\x80", "whatever bytes it is")
    equal(client.ask(b"")[2], b"", "also none")
    big = os.urandom(1 << 20)
    equal(client.ask(big)[2] == big, True, "and more than a pipe takes")


def each_event_has_its_program():
    name = farm()
    with spawn("winnow-run", "--", "cat", farm=name) as worker, Client(name) as client:
        results(client)
        client.publish_many(50, "many", reply_to=client.replies)
        answers = [client.get(client.replies)[1].message_id for _ in range(50)]
        equal(answers, [str(number) for number in range(50)], "events are answered one after the other")
        ok(wait_until(lambda: client.held() == (0, 0), 20), "and acknowledged")
        equal(worker.end(), 0, "a worker that is told to go drains")
        equal(worker.stderr().count("level=warn"), 0, "without a complaint")
    name = farm()
    with spawn("winnow-run", "--content-type", "text/x", "--", "tr", "a-z ", "A-Z_", farm=name), Client(name) as client:
        _, properties, body = client.ask("a b", content_type="a/b", content_encoding="gzip")
        equal(body, b"A_B", "arguments are passed on as they are")
        equal((properties.content_type, properties.content_encoding), ("text/x", None), "--content-type is the result's")
    name = farm()
    with spawn("winnow-run", "--pass-url", "--", "printenv", "AMQP_URL", farm=name, env={"AMQP_URL": URL}):
        with Client(name) as client:
            equal(client.ask("x")[2].decode(), f"{URL}\n", "--pass-url hands the broker's address on")


# ---- types ----

TYPES = ("--type", "shell=sh {}", "--type", "python=/usr/bin/python3 {}", "--type", "echo=printf '%s|' 'a  b' {} $HOME")


def properties_are_variables(client):
    show = "env | sed -n 's/^WINNOW_\\(MESSAGE\\|CORR\\|CONTENT\\|TYPE\\|REDEL\\|ATTEMPT\\|HEADERS\\)/&/p' | sort"
    said = client.ask(show, type="shell", message_id="m\n$(id)", content_type="a/b", headers={"x": [1, "é"]})[2].decode()
    equal(
        said.splitlines(),
        ["$(id)", "WINNOW_ATTEMPT=1"][1:]
        + ["WINNOW_CONTENT_TYPE=a/b", f"WINNOW_CORRELATION_ID={said.split('CORRELATION_ID=')[1].splitlines()[0]}"]
        + ['WINNOW_HEADERS={"x":[1,"é"]}', "WINNOW_MESSAGE_ID=m", "WINNOW_REDELIVERED=false", "WINNOW_TYPE=shell"],
        "properties are variables",
    )
    equal(client.ask('printf %s "$WINNOW_MESSAGE_ID"', type="shell", message_id="m\n$(id)")[2], b"m\n$(id)", "as they are")
    equal(client.ask("printf %s ${WINNOW_MESSAGE_ID-none}", type="shell")[2], b"none", "one that is absent is unset")
    equal(client.ask("printf %s \"$WINNOW_HEADERS\"", type="shell")[2], b"{}", "no headers are an empty object")
    like(dead(client, "true", type="shell", message_id="a\0b"), "NUL.*WINNOW_MESSAGE_ID", "a NUL cannot be in one")
    # Every byte becomes six: more than the kernel takes of one variable, 128 KiB.
    said = client.ask("printf '%s %s' ${WINNOW_HEADERS-none} $WINNOW_HEADERS_DROPPED; cat", type="shell",
                      headers={"x": "\x01" * 100000})[2]
    equal(said, b"none true", "headers that are too long for a variable are left out, which is said")
    for variable in ("WINNOW_SCOREBOARD_FD", "WINNOW_SLOT", "WINNOW_READY_FD"):
        equal(client.ask(f"printf %s ${{{variable}-none}}", type="shell")[2], b"none", f"{variable} is not handed on")
    equal(client.ask("printf %s ${AMQP_URL-none}", type="shell")[2], b"none", "nor is the broker's password")


def types_choose(client):
    equal(client.ask("echo $((6 * 7))", type="shell")[2], b"42\n", "an event of a type runs its command")
    equal(client.ask("print(6 * 7)", type="python")[2], b"42\n", "another type, another command")
    equal(client.ask("x", type="echo")[2], b"a  b|/proc/self/fd/3|$HOME|", "whose words are split, and nothing is expanded")
    equal(client.ask("cat; echo read", type="shell")[2], b"read\n", "with the body as a file standard input is empty")
    like(dead(client, "true", type="other"), "no --type 'other'", "an event of another type is dead")
    like(dead(client, "true", type="shel"), "no --type 'shel'", "also when it begins like one")
    like(dead(client, "true", type="shell\0"), "no --type 'shell", "or goes on behind a NUL")
    like(dead(client, "true"), "no type", "or has none")


def ends_are_verdicts(client):
    equal(dead(client, "echo one >&2; echo '  '; echo 'two\twords' >&2; echo >&2; exit 3", type="shell"),
          "exited with 3: two\\twords", "an exit code is the reason, with the last line of standard error")
    equal(dead(client, "exit 255", type="shell"), "exited with 255", "without one the code alone")
    equal(dead(client, "kill -SEGV $$", type="shell"), "killed by signal 11 (SIGSEGV)", "so is a signal")
    equal(dead(client, "printf 'caf\\351' >&2; exit 1", type="shell"), "exited with 1: caf\\xe9", "the reason is text")
    equal(dead(client, "head -c 100000 /dev/zero | tr '\\0' x >&2; exit 1", type="shell")[:20], "exited with 1: xxxxx",
          "of a line without end its beginning")
    equal(dead(client, "echo once >>tries; echo busy >&2; exit 75", type="shell"), "attempt 3: exited with 75: busy",
          "75 for ever is dead after as many attempts as are allowed")
    with open("tries", encoding="utf-8") as file:
        equal(file.read(), "once\n" * 3, "each of which was made")
    redelivered = 'test $WINNOW_ATTEMPT = 2 && printf "%s $WINNOW_ATTEMPT" "$WINNOW_REDELIVERED" || exit 75'
    equal(client.ask(redelivered, type="shell")[2], b"true 2", "75 once is answered at the second attempt")
    equal(dead(client, "yes", type="shell"), "result of more than --max-result 1000000 bytes", "an endless result is dead")
    equal(len(client.ask("head -c 1000000 /dev/zero", type="shell")[2]), 1000000, "the longest allowed is not")
    equal(dead(client, "head -c 1000001 /dev/zero", type="shell"), "result of more than --max-result 1000000 bytes",
          "one byte more is, and not cut")
    equal(client.ask("exec >&-; sleep 0.2; exit 0", type="shell")[2], b"", "a program may close its output, and goes on")
    equal(dead(client, "exec >&- 2>&-; sleep 0.1; exit 9", type="shell"), "exited with 9", "and is waited for")


def nothing_is_left(client, worker):
    pids = client.ask("sleep 600 & echo $!; (setsid sleep 600 >/dev/null & echo $!); setsid sleep 600 & echo $!; exec sleep 0",
                      type="shell")[2].split()
    equal([len(pids), [pid for pid in pids if alive(int(pid))]], [3, []],
          "what a program leaves running is killed, also what has a session of its own, and not waited for")
    reason = dead(client, "(setsid sleep 600 & echo $! >&2); echo $$ >&2; sleep 600", type="shell")
    like(reason, r"^took longer than --timeout 2s: \d+$", "a program that does not end is killed after --timeout")
    said = [line.split('line="')[1].split('"')[0] for line in worker.stderr().splitlines() if "program_said" in line]
    equal([pid for pid in said[-2:] if alive(int(pid))], [], "with all that it has started")


def types():
    name = farm()
    limits = ("--timeout", "2s", "--max-result", "1000000")
    with spawn("winnow-run", *TYPES, *limits, farm=name, env={"AMQP_URL": URL}) as worker:
        with Client(name) as client:
            types_choose(client)
            properties_are_variables(client)
            ends_are_verdicts(client)
            nothing_is_left(client, worker)
            ok(wait_until(lambda: client.held() == (0, 0), 20), "all are acknowledged")
        equal(worker.end(), 0, "and the worker drains")
        like(worker.stderr(), 'event=program_said child=\\d+ line="busy"', "standard error is logged, line by line")
        lines = [line for line in worker.stderr().splitlines() if "program_said" in line]
        ok(all(len(line) < 700 for line in lines), "long lines are cut")


def what_cannot_be_killed_holds_nobody_up():
    """Whoever had children before it became a worker does not know which of them a program has started."""
    name = farm()
    command = [os.path.join(BIN, "winnow-run"), "--amqp", URL, "--farm", name, "--type", "shell=sh {}"]
    worker = Program(["sh", "-c", 'sleep 600 & echo $! >earlier; exec "$@"', "sh", *command], dict(os.environ))
    earlier = None
    try:
        with Client(name) as client:
            with open("earlier", encoding="utf-8") as file:
                earlier = int(file.read())
            flood = client.ask("setsid yes flood >&2 & echo $!; sleep 0.2", type="shell")
            ok(flood, "what writes to a standard error of its own session for ever, is not waited for")
            ok(flood and wait_until(lambda: not alive(int(flood[2])), 20), "and nobody reads it any more")
            equal(client.ask("echo next", type="shell")[2], b"next\n", "the next event is answered")
            ok(alive(earlier), "an earlier child is left alone")
        equal(worker.end(20), 0, "and the worker drains")
    finally:
        worker.end()
        if earlier:
            os.kill(earlier, signal.SIGKILL)


def what_stops_its_worker_is_poison():
    name = farm()
    limits = ("--min", "1", "--max", "1", "--interval", "200ms", "--hang-timeout", "1s", "--max-attempts", "2")
    command = (os.path.join(BIN, "winnow-run"), "--timeout", "1h", "--type", "shell=sh {}")
    with spawn("winnow-autoscaler", *limits, "--", *command, farm=name) as scaler, Client(name) as client:
        like(dead(client, "kill -STOP $PPID; sleep 600", type="shell"), "^poison: ",
             "an event that stops its worker is poison, however long it might take")
        equal(client.ask("echo next", 60, type="shell")[2], b"next\n", "and the next one is answered")
        equal(scaler.stderr().count("event=worker_hung"), 2, "each time the worker was replaced")


# ---- inputs that nobody takes ----


def bodies_are_nobodys_to_read():
    half = script("half", "#!/usr/bin/python3\nimport sys\nprint(len(sys.stdin.buffer.read(5 << 20)))\n")
    name = farm()
    with spawn("winnow-run", "--max-body", "16MiB", "--", half, farm=name) as worker, Client(name) as client:
        equal(client.ask(b"x" * (10 << 20))[2], b"5242880\n", "a program may read half of 10 MB")
        equal(worker.end(), 0, "...")
    name = farm()
    with spawn("winnow-run", "--", "true", farm=name) as worker, Client(name) as client:
        equal(client.ask(b"x" * (1 << 20))[2], b"", "or nothing")
        equal(worker.end(), 0, "...")


# ---- programs that cannot be run ----


def refused(reason, *args, code=78):
    run = subprocess.run([os.path.join(BIN, "winnow-run"), "--amqp", URL, "--farm", farm(), *args], text=True,
                         capture_output=True, stdin=subprocess.DEVNULL, timeout=20, check=False)
    equal(run.returncode, code, f"{' '.join(args)!r} ends with {code}")
    like(run.stderr, f"winnow-run: .*{reason}", "... saying so")


def programs_are_looked_at_first():
    refused("no such program in .PATH", "--", "winnow-no-such-program")
    refused("No such file", "--", "/no/such/program")
    refused("Permission denied", "--", script("closed", "#!/bin/sh\n", 0o644))
    refused("Is a directory", "--", "/tmp")
    refused("interpreter .* is missing", "--", script("lost", "#!/no/such/interpreter\n"))
    refused("neither a program .* nor a script", "--", script("plain", "echo hello\n"))
    refused("no such program", "--type", "a=true", "--type", "b=winnow-no-such-program {}")
    elf = bytearray(open("/bin/true", "rb").read().replace(b"/lib64/ld-linux", b"/lib64/no-linux"))
    with open("loaderless", "wb") as file:
        file.write(elf)
    os.chmod("loaderless", stat.S_IRWXU)
    refused("interpreter .* is missing", "--", "./loaderless")
    refused("program is missing", code=64)
    refused("either a PROGRAM or --type", "--type", "a=true", "--", "cat", code=64)
    refused("'a' is given twice", "--type", "a=true", "--type", "a=cat", code=64)
    refused("a quote does not end", "--type", "a=sh -c 'x", code=64)
    refused("expected NAME=COMMAND", "--type", "true", code=64)
    refused("begins with {}", "--type", "a={}", code=64)


# ---- the worker's own end ----


def children_of(pid):
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                if file.read().rpartition(") ")[2].split()[1] == str(pid):
                    found.append(int(entry))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def a_drain_waits(how):
    name = farm()
    with spawn("winnow-run", "--", "sh", "-c", "touch begun; until [ -e go ]; do sleep 0.02; done; cat", farm=name) as worker:
        with Client(name) as client:
            client.publish("patience", reply_to=client.replies)
            ok(wait_until(lambda: os.path.exists("begun"), 20), "a program runs")
            worker.signal(how)
            ok(wait_until(lambda: "event=draining" in worker.stderr(), 20), "when its worker is told to go")
            open("go", "w").close()
            equal(client.get(client.replies)[2], b"patience", "the drain waits for its result")
            equal(worker.wait(20), 0, "and then ends")
    os.remove("begun")
    os.remove("go")


def nothing_outlives_the_worker():
    name = farm()
    with spawn("winnow-run", "--", "sh", "-c", "sleep 600 & echo $! >pid.$WINNOW_ATTEMPT; wait", farm=name) as worker:
        with Client(name) as client:
            client.publish("long", reply_to=client.replies)
            pid = wait_until(lambda: os.path.exists("pid.1") and open("pid.1", encoding="utf-8").read().strip(), 20)
            worker.process.kill()
            worker.wait(20)
            ok(wait_until(lambda: not alive(int(pid)), 20), "what a program has started ends with a worker that is killed")


def a_late_drain_gives_back():
    name = farm()
    command = ("winnow-run", "--drain-timeout", "300ms", "--", "sh", "-c", "echo $$ >drained; exec sleep 600")
    with spawn(*command, farm=name) as worker, Client(name) as client:
        client.publish("long", reply_to=client.replies)
        pid = wait_until(lambda: os.path.exists("drained") and open("drained", encoding="utf-8").read().strip(), 20)
        equal(worker.end(20), 0, "a drain that runs out of time ends")
        ok(wait_until(lambda: client.held() == (1, 0), 20), "gives the event back")
        ok(wait_until(lambda: not alive(int(pid)), 20), "and ends the program")


each_event_has_its_program()
types()
what_cannot_be_killed_holds_nobody_up()
what_stops_its_worker_is_poison()
bodies_are_nobodys_to_read()
programs_are_looked_at_first()
a_drain_waits(signal.SIGTERM)
a_drain_waits(signal.SIGHUP)
nothing_outlives_the_worker()
a_late_drain_gives_back()
done_testing()
