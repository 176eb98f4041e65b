#!/usr/bin/python3
# quiet: no claim about time
"""winnow-words when something breaks: the disk, the store, the connection, an instance; and several of them."""

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess

from client import Line
from tap import BIN, connect, diag, done_testing, equal, farm, like, ok, skip, spawn, wait_until
from words import Redis, Words, service


def said(program, pattern):
    return wait_until(lambda: re.search(pattern, program.stderr()), 20)


def read(path):
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
        return file.read()
    return ""


# ---- the store ----


def a_locked_store_is_waited_for(name, program, words):
    with contextlib.closing(sqlite3.connect("words.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        number = words.send("add", "patience")
        other.execute("COMMIT")
        equal(words.message(number)[1].get("added"), 1, "a lock that goes away delays an answer")
        other.execute("BEGIN IMMEDIATE")
        like(words.ask("add", "locked")["error"]["reason"], "locked", "one that stays is told")
        ok(said(program, "event=store_failed"), "... and logged")
        equal(words.entries(prefix="patience"), ["patience"], "who only reads waits for nobody")
        with spawn("winnow-words", "--store", "words.db", farm=name) as late:
            equal(late.wait(20), 75, "an instance that is started meanwhile ends with 75")
            like(late.stderr(), "words.db: .*locked", "... and says why")
        other.execute("COMMIT")
    equal(words.ask("add", "locked")["added"], 1, "afterwards it works")
    ok(said(program, "event=store_back"), "... which is logged")


def a_full_disk_loses_nothing(program, words):
    before = words.ask("list")
    limits = resource.prlimit(program.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (os.path.getsize("words.db-wal"), limits[1]))
    large = "\n".join(f"large {number} {'x' * 500}" for number in range(1500))
    answers = [words.ask("add", large) for _ in range(3)]
    resource.prlimit(program.pid, resource.RLIMIT_FSIZE, limits)
    ok(all("error" in answer for answer in answers), "what does not fit on the disk is refused") or diag(answers)
    equal(words.ask("list"), before, "... and nothing of it is stored")
    equal(words.ask("add", large)["added"], 1500, "with room again it is")
    words.ask("remove", large)


def a_removed_file_is_noticed(name):
    with service(name, store="removed.db"), Words(name) as words:
        words.ask("add", "one")
        os.remove("removed.db")
        like(words.ask("add", "two")["error"]["reason"], "removed or replaced", "a store that was removed takes nothing")


# ---- instances ----


def confirms_come_before_acknowledgements(name):
    """The broker's confirms are held back, so the request is answered and not acknowledged when its instance dies."""
    line = Line(mode="hold")
    with Words(name) as words:
        with service(name, store="words.db", amqp=line.url) as doomed:
            number = words.send("add", "once")
            equal(words.message(number)[1]["added"], 1, "a request is answered")
            doomed.signal(signal.SIGKILL)
            doomed.wait(20)
        line.close()
        with service(name, store="words.db"):
            answer = words.message(number)[1]
            equal((answer["added"], answer["known"]), (0, 1), "the next instance gets it again, and knows the word")
            equal(words.entries(prefix="once"), ["once"], "which is there once")


def a_lost_connection_is_made_anew(name):
    line = Line()
    with service(name, store="words.db", amqp=line.url) as program, Words(name) as words:
        numbers = [words.send("add", f"cut {number}") for number in range(200)]
        line.cut()
        ok(said(program, "event=connection_lost"), "a broken line is noticed")
        answers = [words.message(number)[1] for number in numbers]
        ok(all(answer and "version" in answer for answer in answers), "every request is answered over the next one")
        equal(len(words.entries(prefix="cut ")), 200, "... and done once")
        words.ask("remove", "\n".join(f"cut {number}" for number in range(200)))
        words.channel.queue_delete(f"{name}.words")
        ok(said(program, "connection_lost why=.a queue"), "a deleted queue is noticed")
        ok(wait_until(lambda: answers_again(name), 20), "... and declared anew")


def answers_again(name):
    with Words(name) as words:
        return words.message(words.send("random"), 1)[1]


def instances_take_turns(name):
    with contextlib.ExitStack() as stack:
        running = [
            stack.enter_context(service(name, "--broadcast-every", "300ms", store="words.db")) for _ in range(3)
        ]
        words = stack.enter_context(Words(name))
        answered = {words.message(words.send("random"))[0].headers["winnow-worker"].split("/")[1] for _ in range(30)}
        equal(answered, {str(program.pid) for program in running}, "each instance gets requests")

        heard = []
        queue = words.channel.queue_declare("", exclusive=True).method.queue
        words.channel.queue_bind(queue, f"{name}.insults")
        words.channel.basic_consume(queue, lambda _c, _m, p, _b: heard.append(p.headers["winnow-worker"]), auto_ack=True)
        words.ask("broadcast", "start")
        words.until(lambda: len(heard) >= 3)
        pids = {str(program.pid): program for program in running}
        first = pids[heard[-1].split("/")[1]]
        first.signal(signal.SIGKILL)
        first.wait(20)
        ok(words.until(lambda: heard[-1].split("/")[1] != str(first.pid)), "when the sender dies another goes on")
        second = pids[heard[-1].split("/")[1]]
        equal(second.end(), 0, "when that one is told to end")
        ok(words.until(lambda: heard[-1].split("/")[1] not in (str(first.pid), str(second.pid))), "... the third does")
        words.ask("broadcast", "stop")
        words.ask("remove", "\n".join(words.entries()))
        words.ask("broadcast", "start")
        count = len(heard)
        words.ask("add", "!allowed only")
        equal(words.ask("random")["entries"], [], "a list without insults has none at random")
        words.until(lambda: False, 1)
        ok(len(heard) <= count + 1, "... and sends none")
        words.ask("broadcast", "stop")


def an_autoscaler_runs_instances(name):
    command = [os.path.join(BIN, "winnow-words"), "--store", "words.db"]
    with spawn("winnow-autoscaler", "--min", 2, "--max", 2, "--quiet", "--", *command, farm=name) as autoscaler:
        with Words(name) as words:
            ok(wait_until(lambda: answers_again(name), 20), "instances under an autoscaler answer")
            words.ask("add", "scaled")
        equal(autoscaler.end(20), 0, "they drain with it")
        ok("worker_crashed" not in autoscaler.stderr(), "... and none has crashed") or diag(autoscaler.stderr())


# ---- exports ----


def exports_follow_the_list(name):
    os.mkdir("exports")
    with contextlib.ExitStack() as stack:
        paths = ["exports/words.txt", "exports/words.txt", "other.txt"]
        running = [stack.enter_context(service(name, "--export", path, store="words.db")) for path in paths]
        words = stack.enter_context(Words(name))
        ok(read("other.txt").startswith(f"# winnow-words version="), "an export is there from the start")
        words.ask("add", "exported word\t3\n!exported\n*part*")
        version = words.ask("list")["version"]
        for path in set(paths):
            ok(wait_until(lambda: f"version={version} farm={name}\n" in read(path), 20), f"{path} has the new version")
            ok("exported word\t3\n" in read(path), "... and the word")
        run = subprocess.run(
            [os.path.join(BIN, "winnow-censor"), "--words", "other.txt"],
            input="an exported  word", capture_output=True, text=True, timeout=60, check=False,
        )
        equal(run.stdout, "an CENSORED", "the filter takes it")

        os.rename("exports", "away")
        words.ask("add", "unwritable")
        ok(said(running[0], "event=export_failed"), "a folder that is gone is said")
        ok(words.ask("list")["version"] > version, "... while requests are answered")
        os.rename("away", "exports")
        version = words.ask("list")["version"]
        ok(wait_until(lambda: f"version={version} " in read("exports/words.txt"), 20), "when it is back, so is the list")

    with open("own.txt", "w", encoding="utf-8") as file:
        file.write("my own words\n")
    for path, pattern in (("own.txt", "not overwritten"), ("exports", "cannot be"), ("no/folder/x", "its folder")):
        with spawn("winnow-words", "--store", "words.db", "--export", path, farm=name) as refused:
            equal(refused.wait(20), 78, f"--export {path} is refused")
            like(refused.stderr(), f"--export: {path}: .*{pattern}", "... and says why")
    equal(read("own.txt"), "my own words\n", "somebody's own list stays")

    newer = re.sub(r"version=\d+", "version=999999", read("other.txt"))
    with open("other.txt", "w", encoding="utf-8") as file:
        file.write(newer)
    with service(name, "--export", "other.txt", store="words.db") as program:
        ok(said(program, "event=export_failed why=.*has version 999999"), "a later version is not overwritten")
        equal(read("other.txt"), newer, "... at all")


# ---- Redis ----


def redis_serves_several_hosts(name):
    if not shutil.which("redis-server"):
        skip("words are kept in Redis", "redis-server is not installed")
        return
    with Redis() as redis, contextlib.ExitStack() as stack:
        with spawn("winnow-words", "--store", redis.url, "--import", "other.txt", farm=name) as run:
            equal(run.wait(20), 0, "a list is imported into Redis") or diag(run.stderr())
        running = [
            stack.enter_context(service(name, "--export", f"redis{i}.txt", "--broadcast-every", "100ms", store=redis.url))
            for i in range(2)
        ]
        words = stack.enter_context(Words(name))
        equal(words.ask("add", "in redis\nexported word")["known"], 1, "words are kept in Redis")
        version = words.ask("list")["version"]
        for i in range(2):
            ok(wait_until(lambda: f"version={version} " in read(f"redis{i}.txt"), 20), "every instance has the new version")
        redis_broadcasts(words)
        redis.stop()
        like(words.ask("add", "away")["error"]["reason"], "redis://", "while it is away requests are refused")
        redis.start()
        ok(wait_until(lambda: "added" in words.ask("add", "back"), 20), "when it is back they are answered")
        equal(words.entries(prefix="in redis"), ["in redis"], "... from what was there")
        ok(words.ask("list")["version"] > version, "... and the version has gone on")
    with Redis("--appendfsync", "everysec") as redis:
        with spawn("winnow-words", "--store", redis.url, farm=name) as refused:
            equal(refused.wait(20), 78, "a Redis that may lose what it answered is refused")
            like(refused.stderr(), "--redis-relaxed", "... and how to take it all the same is said")


def redis_broadcasts(words):
    queue = words.channel.queue_declare("", exclusive=True).method.queue
    words.channel.queue_bind(queue, f"{words.farm}.insults")
    heard = []
    words.channel.basic_consume(queue, lambda _c, _m, _p, body: heard.append(body.decode()), auto_ack=True)
    words.ask("broadcast", "start")
    ok(words.until(lambda: len(heard) >= 4), "insults are broadcast from it")
    words.ask("broadcast", "stop")


def run():
    name = farm()
    with service(name, store="words.db") as program, Words(name) as words:
        words.ask("add", "fool\ntwit")
        a_locked_store_is_waited_for(name, program, words)
        a_full_disk_loses_nothing(program, words)
    a_removed_file_is_noticed(farm())
    confirms_come_before_acknowledgements(name)
    a_lost_connection_is_made_anew(name)
    exports_follow_the_list(name)
    redis_serves_several_hosts(farm())
    an_autoscaler_runs_instances(name)
    instances_take_turns(name)


run()
done_testing()
