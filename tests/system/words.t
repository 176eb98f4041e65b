#!/usr/bin/python3
# quiet: no claim about time
"""winnow-words on a real broker: what it keeps, what it answers, and what it refuses."""

import contextlib
import json
import os
import signal
import sqlite3

from tap import done_testing, equal, farm, like, ok, spawn, wait_until
from words import Words, service

STORE = os.path.abspath("words.db")


# ---- the original's conversation ----


def insults_are_stored_once(words):
    for insult in ("fool", "bad egg", "twit", "nitwit", "oaf"):
        answer = words.ask("add", insult)
        equal((answer["added"], answer["known"]), (1, 0), f"'{insult}' is added")
    answer = words.ask("add", "twit")
    equal(answer, {"added": 0, "known": 1, "version": 5}, "one that is there is known, and the version stays")
    listed = words.ask("list")
    equal(
        listed,
        {
            "version": 5,
            "entries": [{"entry": entry, "severity": 1} for entry in ("bad egg", "fool", "nitwit", "oaf", "twit")],
            "more": False,
        },
        "the list has each once, in order",
    )
    seen = {words.ask("random")["entries"][0]["entry"] for _ in range(60)}
    equal(seen, {"fool", "bad egg", "twit", "nitwit", "oaf"}, "at random each comes sooner or later")


def broadcasting_is_started_twice_and_stopped_twice(words):
    queue = words.channel.queue_declare("", exclusive=True).method.queue
    words.channel.queue_bind(queue, f"{words.farm}.insults")
    heard = []
    words.channel.basic_consume(queue, lambda _c, _m, properties, body: heard.append((properties, body)), auto_ack=True)
    equal(words.ask("broadcast"), {"broadcast": False, "every_s": 0.05}, "nothing is broadcast at first")
    for _ in range(2):
        equal(words.ask("broadcast", "start")["broadcast"], True, "broadcasting is started")
    words.until(lambda: len(heard) >= 10)
    ok(len(heard) >= 10, "insults are heard")
    properties, body = heard[0]
    ok(all(body.decode() in ("fool", "bad egg", "twit", "nitwit", "oaf") for _, body in heard), "each is of the list")
    equal(properties.type, "insult", "a broadcast says what it is")
    equal(properties.headers["winnow-version"], 5, "... of which version")
    ok(properties.timestamp, "... and when it was sent")
    equal(len({properties.message_id for properties, _ in heard}), len(heard), "no two have one name")
    for _ in range(2):
        equal(words.ask("broadcast", "stop")["broadcast"], False, "broadcasting is stopped")
    equal(words.ask("broadcast")["broadcast"], False, "it is off")


# ---- requests ----


def requests_are_whole_or_nothing(words):
    before = words.ask("list")
    answer = words.ask("add", "good one\n***\nanother\n")
    equal(answer["error"]["line"], 2, "an entry that no list may have is refused with its line")
    like(answer["error"]["reason"], r"^a \* that stands beside no word", "... and the reason alone")
    equal(words.ask("list"), before, "and nothing of that request is stored")
    answer = words.ask("add", b"ok\nb\xc3\n")
    equal(answer["error"]["line"], 2, "what is not UTF-8 is refused with its line")
    for kind, body in (("add", ""), ("add", "# nothing\n\n"), ("remove", ""), ("random", "many"), ("random", "0"),
                       ("random", "1001"), ("broadcast", "begin"), ("list", "[]"), ("list", '{"limit":0}'),
                       ("list", '{"prefix":1}'), ("list", "{"), ("insult", "x"), ("", ""), (None, "fool")):
        answer = words.ask(kind, body)
        ok("reason" in answer["error"] and "line" not in answer["error"], f"{kind} {body!r} is refused")
    equal(words.ask("list"), before, "and nothing has changed")


def entries_have_one_form(words):
    answer = words.ask("add", "two   words\t3\n two words\t7\n*any*\n!Two Words\n\\#1\nC#\n\\*x\n")
    equal((answer["added"], answer["known"]), (6, 1), "an entry twice in one request is added once")
    listed = {entry["entry"]: entry["severity"] for entry in words.ask("list")["entries"]}
    equal(listed.get("two words"), 7, "the higher severity counts")
    ok({"*any*", "!Two Words", "\\#1", "C#", "\\*x"} <= set(listed), "each is listed as a word list has it")
    version = words.ask("add", "two words\t2")["version"]
    answer = words.ask("add", "two words\t8")
    equal((answer["known"], answer["version"]), (1, version + 1), "a higher severity is a change")
    answer = words.ask("remove", "two words\nnot there\n*any*\n!Two Words\n\\#1\nC#\n\\*x\n")
    equal((answer["removed"], answer["unknown"]), (6, 1), "what is not there cannot be removed, which is no error")
    equal(words.ask("remove", "not there")["version"], answer["version"], "... and no change")


def lists_have_pages(words):
    words.ask("add", "\n".join(f"page {number:03}" for number in range(50)))
    got, after = [], ""
    while True:
        answer = words.ask("list", json.dumps({"prefix": "page", "limit": 7, "after": after}))
        got += [entry["entry"] for entry in answer["entries"]]
        if not answer["more"]:
            break
        after = got[-1]
    equal(got, [f"page {number:03}" for number in range(50)], "a list in pages is the list")
    equal(words.entries(prefix="page 04", after="page 045"), [f"page 04{n}" for n in "6789"], "prefix and after")
    equal(words.entries(prefix="fool"), ["fool"], "a prefix may be a whole entry")
    equal(words.entries(prefix="zz"), [], "nothing begins so")
    equal(words.entries(prefix="page", after="zz"), [], "nothing comes behind")
    equal(words.entries(prefix="page 04", after="a", limit=1), ["page 040"], "what is before the prefix is not meant")
    answer = words.ask("random", "40")["entries"]
    equal(len({entry["entry"] for entry in answer}), 40, "so many at random are so many different ones")
    equal(len(words.ask("random", "1000")["entries"]), 55, "... or all")
    words.ask("remove", "\n".join(f"page {number:03}" for number in range(50)))


def large_requests_are_taken(words):
    answer = words.ask("add", "\n".join(f"w{number}" for number in range(100_000)))
    equal(answer["added"], 100_000, "100,000 lines are added at once")
    equal(len(words.entries()), 100_005, "... and listed")
    answer = words.ask("remove", "\n".join(f"w{number}" for number in range(100_000)))
    equal(answer["removed"], 100_000, "... and removed")
    equal(words.ask("add", "#" * (1 << 20))["error"]["reason"][:8], "no entry", "a body of 1 MiB is read")
    words.send("add", "#" * ((1 << 20) + 1))
    like(words.dead()[0], "more than 1 MiB", "a larger one goes to FARM.dead")


# ---- answers ----


def answers_find_those_who_asked(words):
    properties, _ = words.message(words.send("random"))
    equal((properties.type, properties.content_type), ("random", "application/json"), "an answer says what it is")
    equal(properties.correlation_id, str(words.number), "... and to what")
    properties, _ = words.message(words.send("random", correlation_id=None, message_id=str(words.number + 1)))
    ok(properties, "a message_id will do to find it")
    version = words.ask("list")["version"]
    words.send("add", "silent", reply_to=None)
    ok(wait_until(lambda: words.ask("list")["version"] == version + 1, 20), "without a reply_to the work is done all the same")
    words.send("add", "***", reply_to=None)
    reason, body = words.dead()
    like(reason, r"^line 1: a \*", "what nobody can be told of goes to FARM.dead with its reason")
    equal(body, b"***", "... as it came")
    words.send("remove", "silent", reply_to=f"{words.farm}.work")
    like(words.dead()[0], "reply_to", "nor may an answer go to the farm's own queues")
    words.send("remove", "silent", reply_to="nobody-has-this-queue")
    ok(wait_until(lambda: "silent" not in words.entries(), 20), "where a reply_to is gone the work is done all the same")
    arguments = {"x-max-length": 0, "x-overflow": "reject-publish"}
    full = words.channel.queue_declare("", exclusive=True, arguments=arguments).method.queue
    words.send("add", "refused", reply_to=full)
    ok(wait_until(lambda: "refused" in words.entries(), 20), "... and where it refuses")
    words.ask("remove", "refused")


def one_of_fifty_adds(name):
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Words(name)) for _ in range(10)]
        numbers = [[client.send("add", "contested") for _ in range(5)] for client in clients]
        answers = [client.message(number)[1] for client, own in zip(clients, numbers) for number in own]
        equal(sum(answer["added"] for answer in answers), 1, "of fifty who add one word at once one adds it")
        equal(sum(answer["known"] for answer in answers), 49, "... and all others know it")
        clients[0].ask("remove", "contested")


# ---- the store ----


def stores_are_refused(name):
    def refused(pattern, store, description, farm_name=name, code=78):
        with spawn("winnow-words", "--store", store, farm=farm_name) as other:
            equal(other.wait(20), code, description)
            like(other.stderr(), pattern, "... and says so")

    refused(r"the words of the farm '.*', not of 'other'", STORE, "another farm's store is refused", "other")
    with contextlib.closing(sqlite3.connect("foreign.db")) as database:
        database.execute("CREATE TABLE mine(x)")
        database.commit()
    refused("a database of another program", "foreign.db", "another program's database is refused")
    with open("text.db", "w") as file:
        file.write("this is no database " * 100)
    refused("not a database", "text.db", "a file that is no database is refused")
    refused("unable to open", "no/such/folder.db", "so is one that cannot be made")
    with contextlib.closing(sqlite3.connect(STORE)) as source, contextlib.closing(sqlite3.connect("later.db")) as to:
        source.backup(to)
        to.execute("PRAGMA user_version = 1000")
    refused("of schema 1000", "later.db", "a store of a later version is refused")


def imports_are_taken(name):
    with open("list.txt", "w") as file:
        file.write("# a list\nfool\nimported\n")
    with spawn("winnow-words", "--store", STORE, "--import", "list.txt", farm=name) as run:
        equal(run.wait(20), 0, "a list is imported")
        like(run.stdout(), "added 1, known 1", "... and it is told what was new")
    with open("list.txt", "a") as file:
        file.write("***\n")
    with spawn("winnow-words", "--store", STORE, "--import", "list.txt", farm=name) as run:
        equal(run.wait(20), 78, "a list with an error is not")
        like(run.stderr(), r"list.txt:4: a \*", "... and the line is named")


def run():
    name = farm()
    with service(name, "--broadcast-every", "50ms", store=STORE) as first, Words(name) as words:
        insults_are_stored_once(words)
        broadcasting_is_started_twice_and_stopped_twice(words)
        requests_are_whole_or_nothing(words)
        entries_have_one_form(words)
        lists_have_pages(words)
        large_requests_are_taken(words)
        answers_find_those_who_asked(words)
        one_of_fifty_adds(name)
        stores_are_refused(name)
        imports_are_taken(name)
        before = words.ask("list")
        ok("imported" in words.entries(), "a running service answers with what was imported")
        first.signal(signal.SIGHUP)
        equal(first.wait(20), 0, "SIGHUP drains the service, as SIGTERM does")
        left = words.channel.queue_declare(f"{name}.words", passive=True).method.message_count
        equal(left, 0, "... and every request was acknowledged")
        with service(name, store=STORE):
            equal(words.ask("list"), before, "another one has all that was answered")


run()
done_testing()
