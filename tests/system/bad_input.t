#!/usr/bin/python3
# quiet: no claim about time, but for a wide one
# slow: half a minute or more
"""What winnow-filter says of flags, files, brokers and permissions that it cannot work with."""

import os
import re
import socket
import subprocess
import threading
import time

import pika

from client import Client, ctl
from own_broker import OwnBroker, tool
from tap import BIN, URL, connect, diag, done_testing, equal, farm, like, ok, skip, spawn, wait_until

SECRET = "pa55w0rd-of-a-test"


def run(*args, env=None):
    """(exit code, stdout, stderr) of a run that is expected to end by itself."""
    environment = {name: value for name, value in dict(os.environ, **(env or {})).items() if value is not None}
    ran = subprocess.run(
        [os.path.join(BIN, "winnow-filter"), *args],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )
    return ran.returncode, ran.stdout.decode(), ran.stderr.decode(errors="backslashreplace")


def fails(code, patterns, *args, env=None, what=None):
    what = what or " ".join(repr(arg) if not arg or " " in arg else arg for arg in args)
    what = what.replace("#", "%").replace("\n", "\\n").replace(SECRET, "...")
    what = re.sub(r"\S*://\S*@\S*", "URL", what)[:120] if "URL" not in what else what
    got, out, err = run(*args, env=env)
    equal(got, code, f"{what} ends with {code}")
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        like(err, pattern, f"... and the message has {pattern.replace('#', '%')}")
    own = [line for line in err.splitlines() if line.startswith("winnow-filter: ")]
    ok(len(own) >= 1 and out == "", "... on stderr, naming the program")
    codes = f"{SECRET}|AMQP_STATUS|ERR_|errno|librabbitmq|rabbitmq-c"
    if not ok(not re.search(codes, out + err), "... in plain words, without a password"):
        diag(err)


def help_and_version():
    for flag in ("--help", "--usage", "--version"):
        code, out, err = run(flag)
        equal((code, err), (0, ""), f"{flag} ends with 0 and says nothing on stderr")
    like(run("--version")[1], r"^winnow \d+\.\d+", "--version names the version")
    text = run("--help")[1]
    flags = "words max-words match min-severity mask mask-char mask-keep-first prefetch max-body service-time drain-timeout amqp farm queue-type tls-ca tls-cert tls-key"
    missing = [f for f in f"{flags} connect-timeout log-level help version".split() if f"--{f}" not in text]
    equal(missing, [], "--help shows every flag")
    ok(max(map(len, text.splitlines())) <= 80, "in lines of at most 80 characters")


def flags():
    fails(64, "--frobnicate", "--frobnicate")
    fails(64, "'extra'", "extra")
    fails(64, "requires an argument", "--prefetch")
    for flag in ("--service-time", "--drain-timeout", "--connect-timeout"):
        for text in ("2x", "-1", "-1s", "", " 2s", "2s ", "1e3s", "nan", "inf", "99999999999h", "2", "0x2s"):
            fails(64, [f"{flag}: '{re.escape(text)}'", "expected .*250ms"], f"{flag}={text}")
    fails(64, ["--service-time: '61m'", "expected .*1h"], "--service-time=61m")
    for text in ("2x", "-1", "", "1.5", "99999999999999999999", "0x10", "ten", "1 0"):
        fails(64, [f"--prefetch: '{re.escape(text)}'", "expected .*10k"], f"--prefetch={text}")
    for text in ("0", "65536", "100k"):
        fails(64, [f"--prefetch: '{text}'", "expected 1 to 65535"], f"--prefetch={text}")
    for text in ("2x", "-1", "", "1.5", "1MB", "99999999999999999999", "99999999999GiB"):
        fails(64, [f"--max-body: '{re.escape(text)}'", "expected .*1MiB"], f"--max-body={text}")
    fails(64, ["--max-body: '1GiB'", "expected 0 to 536870912"], "--max-body=1GiB")
    for text in ("loud", "", "WARN"):
        fails(64, [f"--log-level: '{text}'", "expected .*debug"], f"--log-level={text}")
    fails(64, ["--queue-type: 'stream'", "classic, classic-v2 or quorum"], "--queue-type=stream")
    fails(64, "--mask: .*UTF-8", "--mask", os.fsdecode(b"\xff"))
    fails(64, "--mask and --mask-char", "--mask", "x", "--mask-char", "*")
    fails(64, "--mask-char: 'xy' .*expected one", "--mask-char", "xy")
    fails(64, "--mask-keep-first: expected --mask-char", "--mask-keep-first")
    fails(64, "--match: 'fuzzy' .*expected exact", "--match", "fuzzy")
    fails(64, "--min-severity: '-1' .*expected", "--min-severity=-1")
    for name in ("amq.mine", "", "a" * 101, "a\nb"):
        fails(64, ["--farm", "expected 1 to 100 printable"], f"--farm={name}")


def variables():
    fails(64, [r"\$WINNOW_QUEUE_TYPE: 'x'", "classic-v2 or quorum"], env={"WINNOW_QUEUE_TYPE": "x"}, what="a bad type")
    fails(64, [r"\$WINNOW_FARM", "expected"], env={"WINNOW_FARM": "amq.x"}, what="a bad farm in the environment")
    fails(64, [r"\$WINNOW_LOG_LEVEL: 'x'", "expected"], env={"WINNOW_LOG_LEVEL": "x"}, what="a bad level")
    fails(64, [r"\$WINNOW_DRAIN_TIMEOUT: '5'", "expected"], env={"WINNOW_DRAIN_TIMEOUT": "5"}, what="a bad time-out")
    fails(64, [r"\$AMQP_URL", "expected"], env={"AMQP_URL": f"amqp//u:{SECRET}@h"}, what="a bad URL in the environment")


def urls():
    bad = [
        ("", "begin"),
        ("localhost", "begin"),
        (f"http://u:{SECRET}@localhost", "begin"),
        (f"amqp:/u:{SECRET}@localhost", "begin"),
        (f"amqp://u:{SECRET}@localhost:notaport", "port"),
        (f"amqp://u:{SECRET}@localhost:5672/a/b", "virtual host"),
        (f"amqp://u:{SECRET}@localhost:99999", "port"),
        (f"amqp://u:{SECRET}@localhost:0", "port"),
        (f"amqp://u:{SECRET}%zz@localhost", "hexadecimal"),
        (f"amqp://u:{SECRET}@@localhost", "password.*%40"),
        (f"amqp://u:/{SECRET}@localhost", "password.*%2F"),
    ]
    for url, mistake in bad:
        shown = url.replace(SECRET, "...")
        pattern = ["--amqp", f"malformed AMQP URL: .*{mistake}", "expected amqp://USER:PASSWORD@HOST:PORT/VHOST"]
        fails(64, pattern, "--amqp", url, "--connect-timeout=0", what=f"URL '{shown}'")
    fails(64, "query part", "--amqp", f"amqp://u:{SECRET}@localhost?heartbeat=5", what="a URL with a query part")


def word_lists():
    def list_of(name, content):
        with open(name, "wb") as file:
            file.write(content)
        return name

    fails(78, r"no-such\.txt.*No such file", "--words", "no-such.txt")
    fails(78, "'/'.*Is a directory", "--words", "/")
    os.chmod(list_of("secret.txt", b"fool\n"), 0)
    if os.geteuid() == 0:
        skip("a word list that may not be read", "root may read everything")
    else:
        fails(78, r"secret\.txt.*Permission denied", "--words", "secret.txt")
    for content in (b"", b"\n\n", b"# nothing but a comment\n"):
        fails(78, [r"empty\.txt", "no entry"], "--words", list_of("empty.txt", content))
    fails(78, r"bad\.txt:3: .*UTF-8", "--words", list_of("bad.txt", b"fool\n# x\nbad \xff\n"))
    fails(78, r"bad\.txt:2: .*control character U\+0000", "--words", list_of("bad.txt", b"fool\na\0b\n"))
    fails(78, r"bad\.txt:1: .*without a letter", "--words", list_of("bad.txt", b"!?!\nfool\n"))
    fails(78, r"bad\.txt:2: .*10241 bytes.*10240", "--words", list_of("bad.txt", b"fool\n" + b"x" * 10241))
    fails(78, r"bad\.txt:2: 'high' .*expected a whole number", "--words", list_of("bad.txt", b"fool\nidiot\thigh\n"))
    fails(78, r"bad\.txt:1: a \* .*expected", "--words", list_of("bad.txt", b"* fool\n"))
    fails(78, [r"mild\.txt", "severity 5"], "--words", list_of("mild.txt", b"fool\t4\n"), "--min-severity", "5")
    list_of("good.txt", b"fool\n")
    fails(78, r"bad\.txt:1: ", "--words", "good.txt", "--words", list_of("bad.txt", b"?\n"))
    # What has no end is read up to the limit.
    fails(78, ["/dev/zero", "more than 67108864 bytes", "--max-words"], "--words", "/dev/zero")
    fails(78, ["good.txt", "more than 9 bytes"], *("--words", "good.txt") * 2, "--max-words", "9")
    fails(78, r"bad\.txt:1: ", *("--words", "good.txt") * 2, "--words", "bad.txt", "--max-words", "12")
    for size in ("-1", "5GiB", "x"):
        fails(64, f"--max-words: '{size}'", f"--max-words={size}")


# ---- the broker ----


def no_broker():
    port = tool("port")
    url = f"amqp://guest:{SECRET}@127.0.0.1:{port}"
    start = time.monotonic()
    fails(69, [f"127.0.0.1:{port}", "is it running"], "--amqp", url, "--connect-timeout", "700ms", what="no broker")
    took = time.monotonic() - start
    ok(0.7 <= took < 10, f"after having tried for --connect-timeout ({took:.2f} s)")
    url = f"amqp://u:{SECRET}@localhost.invalid"
    fails(69, "localhost.invalid", "--amqp", url, "--connect-timeout", "100ms", what="an unknown host")
    # A port where somebody accepts and says nothing, and one where it is not AMQP that is spoken.
    with socket.create_server(("127.0.0.1", 0)) as mute:
        at = f"127.0.0.1:{mute.getsockname()[1]}"
        fails(69, at, "--amqp", f"amqp://u:{SECRET}@{at}", "--connect-timeout", "0", what="a mute broker")
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer():
            while True:
                try:
                    connection, _ = other.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n")
                    connection.recv(100)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        at = f"127.0.0.1:{other.getsockname()[1]}"
        fails(69, at, "--amqp", f"amqp://u:{SECRET}@{at}", "--connect-timeout", "100ms", what="somebody else's port")
        other.shutdown(socket.SHUT_RDWR)
        thread.join()

    with OwnBroker() as late:
        late.stop()
        name = farm()
        with spawn("winnow-filter", "--connect-timeout", "60s", farm=name, amqp=late.url) as worker:
            ok(worker.wait(0.5) is None, "a worker waits for a broker that is not there yet")
            late.start()
            ok(wait_until(lambda: "event=consuming" in worker.stderr(), 30), "and consumes when it appears")
            with Client(name, late.url) as client:
                ok(client.ask("an airhead"), "and answers")
                client.channel.close()
            equal(worker.end(), 0, "and drains")
        with spawn("winnow-filter", "--connect-timeout", "60s", farm=name, amqp=late.url) as worker:
            wait_until(lambda: "event=consuming" in worker.stderr(), 30)
            late.kill()
            ok(wait_until(lambda: "connection_lost" in worker.stderr(), 20), "a broker is killed under a worker")
            ok(worker.wait(0.5) is None, "which goes on trying")
            late.start()
            ok(wait_until(lambda: worker.stderr().count("event=consuming") == 2, 30), "and finds it again")
            with Client(name, late.url) as client:
                ok(client.ask("an airhead"), "and answers")
            if not ok(not re.search("AMQP_STATUS|guest", worker.stderr()), "its log has no password in it"):
                diag(worker.stderr())


def refused():
    port = pika.URLParameters(URL).port
    at = f"127.0.0.1:{port}"
    fails(77, [at, "user 'guest'", "password"], "--amqp", f"amqp://guest:{SECRET}@{at}", what="a wrong password")
    fails(77, [at, "user 'nobody'"], "--amqp", f"amqp://nobody:{SECRET}@{at}", what="an unknown user")
    fails(77, [at, "virtual host 'no-such'"], "--amqp", f"{URL}/no-such", what="an unknown virtual host")
    fails(77, [at, "empty name", "slash"], "--amqp", f"{URL}/", what="a trailing slash")

    user, name = farm(), farm()
    ctl("add_user", user, SECRET)
    try:
        url = URL.replace("guest:guest", f"{user}:{SECRET}")
        as_user = ("--amqp", url, "--farm", name)
        fails(77, [at, user, "virtual host '/'"], *as_user, what="a user without this virtual host")
        ctl("set_permissions", user, "", ".*", ".*")
        fails(77, [re.escape(name), "refused"], *as_user, what="a user without configure")
        with spawn("winnow-filter", farm=name), Client(name):
            pass
        ctl("set_permissions", user, ".*", ".*", "")
        fails(77, [re.escape(name)], *as_user, what="a user who may not read")
    finally:
        ctl("delete_user", user)


def others_entities():
    """Entities of a farm's names that somebody else declared otherwise."""
    with connect() as connection:
        for part, arguments, what in (
            ("work", {"x-queue-type": "classic"}, "x-dead-letter-exchange"),
            ("work", {"x-queue-type": "quorum"}, "x-dead-letter-exchange|x-queue-type"),
            ("results", {"x-queue-type": "quorum"}, "x-queue-type"),
            ("dead", {"x-queue-type": "classic", "x-max-length": 5}, "x-max-length"),
        ):
            name = farm()
            channel = connection.channel()
            channel.queue_declare(f"{name}.{part}", durable=True, arguments=arguments)
            pattern = ["exists with other arguments", f"queue '{re.escape(name)}.{part}'", what]
            fails(78, pattern, "--amqp", URL, "--farm", name, what=f"FARM.{part} with other arguments")
            channel.queue_delete(f"{name}.{part}")
            channel.close()
        name = farm()
        channel = connection.channel()
        channel.queue_declare(f"{name}.work", durable=False, auto_delete=True)
        pattern = [f"queue '{re.escape(name)}.work'", "durable"]
        fails(78, pattern, "--amqp", URL, "--farm", name, what="a transient FARM.work")
        channel.queue_delete(f"{name}.work")
        for part in ("events", "dead"):
            name = farm()
            channel.exchange_declare(f"{name}.{part}", "topic", durable=True)
            pattern = [f"exchange '{re.escape(name)}.{part}'", "type"]
            fails(78, pattern, "--amqp", URL, "--farm", name, what=f"FARM.{part} of another type")
            channel.exchange_delete(f"{name}.{part}")
        name = farm()
        with spawn("winnow-filter", farm=name), Client(name):
            pattern = ["exists with other arguments", f"queue '{re.escape(name)}.dead'", "x-queue-type"]
            fails(78, pattern, "--amqp", URL, "--farm", name, "--queue-type", "quorum", what="another --queue-type")
        name = farm()
        channel.queue_declare(f"{name}.work", exclusive=True, durable=True)
        fails(75, f"{re.escape(name)}.work", "--amqp", URL, "--farm", name, what="a FARM.work that is locked")


help_and_version()
flags()
variables()
urls()
word_lists()
no_broker()
refused()
others_entities()
done_testing()
