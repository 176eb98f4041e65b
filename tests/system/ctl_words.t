#!/usr/bin/python3
# quiet: no claim about time
"""winnow-ctl words: the word service from a shell, and what is said when it refuses or is not there."""

import json
import os
import subprocess

from client import Line
from tap import BIN, URL, done_testing, equal, farm, like, ok, spawn, wait_until
from words import Words, service

STORE = os.path.abspath("words.db")


def run(name, *args, text=b"", amqp=URL):
    command = [os.path.join(BIN, "winnow-ctl"), "--amqp", amqp, "--farm", name, "--wait", "60s", "words", *args]
    ended = subprocess.run(command, input=text, capture_output=True, timeout=120, check=False)
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


def says(name, want, *args, text=b""):
    equal(run(name, *args, text=text), (0, want, ""), f"words {' '.join(args)!a}"[:60])


def refuses(name, code, pattern, *args, **more):
    got, out, err = run(name, *args, **more)
    equal((got, out), (code, ""), f"words {' '.join(args)!a}"[:60] + f" ends with {code}")
    like(err, pattern, "... and says why")


def write(path, text):
    with open(path, "wb") as file:
        file.write(text)
    return path


def entries_come_and_go(name):
    says(name, "", "list")
    says(name, "", "random")
    says(name, "added 2, known 0, version 1\n", "add", "fool", "bad egg")
    says(name, "added 1, known 1, version 2\n", "add", "fool", "damn\t3")
    says(name, "added 2, known 0, version 3\n", "add", text=b"# a comment\n!Scunthorpe\ntwit")
    says(name, "added 1, known 0, version 4\n", "add", "#1")
    says(name, "!Scunthorpe\n\\#1\nbad egg\ndamn\t3\nfool\ntwit\n", "list")
    says(name, "damn\t3\n", "list", "d")
    says(name, "", "list", "nothing begins so")
    says(name, "removed 2, unknown 1, version 5\n", "remove", "twit", "\\#1", "nobody")
    first = write("first.txt", b"\xef\xbb\xbfoaf\nnitwit")
    second = write("second.txt", b"\xef\xbb\xbfoaf\nlout\n")
    says(name, "added 4, known 1, version 6\n", "add", "--file", first, "--file", second, "prat")
    says(name, "removed 3, unknown 0, version 7\n", "remove", "--file", first, "-", text=b"prat\n")
    says(name, "removed 1, unknown 0, version 8\n", "remove", "--", "lout")
    drawn = run(name, "random", "1000")[1].splitlines()
    equal(sorted(drawn), ["bad egg", "damn\t3", "fool"], "as many at random as there are, each once")


def a_list_is_one_that_a_filter_takes(name):
    listed = write("listed.txt", run(name, "list")[1].encode())
    censor = subprocess.run([os.path.join(BIN, "winnow-censor"), "--words", listed], input=b"fool, Scunthorpe, bad  egg\n",
                            capture_output=True, timeout=120, check=False)
    equal(censor.stdout, b"CENSORED, Scunthorpe, CENSORED\n", "a list is one that a filter takes")
    version = json.loads(run(name, "list", "--json")[1])["version"]
    says(name, f"added 0, known 4, version {version}\n", "add", "--file", listed)


def answers_are_json_if_wanted(name):
    equal(json.loads(run(name, "--json", "add", "fool")[1])["known"], 1, "an answer as it came")
    listed = json.loads(run(name, "list", "--json", "da")[1])
    equal((listed["entries"], listed["more"]), ([{"entry": "damn", "severity": 3}], False), "... a list, too")
    code, out, err = run(name, "add", "--json", "***")
    equal((code, json.loads(out)["error"]["line"]), (1, 1), "... and an error")
    like(err, "that stands beside no word", "... which is said as well")


def refusals_say_where(name):
    before = run(name, "list")
    refuses(name, 1, r"^winnow-ctl: a \* that stands beside no word", "add", "good", "***")
    list_ = write("broken.txt", b"good\n\n\xff\n")
    refuses(name, 1, r"^winnow-ctl: broken\.txt:3: .*UTF-8", "add", "good", "--file", list_)
    refuses(name, 1, r"^winnow-ctl: standard input:2: ", "add", text=b"good\n***\n")
    refuses(name, 1, "no entry; expected words", "add", text=b"")
    refuses(name, 1, "no entry; expected words", "remove", text=b"# a comment\n")
    refuses(name, 1, "expected 1 to 1000", "random", "many")
    refuses(name, 1, "prefix", "list", "\udcff")
    equal(run(name, "list"), before, "and nothing of it is stored")
    refuses(name, 78, "cannot read 'nowhere.txt': No such file", "add", "--file", "nowhere.txt")
    refuses(name, 78, "cannot read '.': Is a directory", "add", "--file", ".")
    refuses(name, 64, "'insult' is not a verb; expected add, remove", "insult")
    refuses(name, 64, "unexpected argument 'twice'", "broadcast", "twice")
    refuses(name, 64, "unexpected argument 'y'", "list", "x", "y")
    refuses(name, 64, "--file: expected words add", "list", "--file", list_)
    refuses(name, 64, "expected add, remove, list")


def long_lists_are_sent_in_pieces(name):
    many = write("many.txt", b"".join(b"a long list's word number %d\n" % number for number in range(40_000)))
    like(run(name, "add", "--file", many)[1], r"^added 40000, known 0, ", "a list of several requests is added")
    equal(run(name, "list", "a long list's")[1].count("\n"), 40_000, "... listed")
    like(run(name, "remove", "--file", many)[1], r"^removed 40000, unknown 0, ", "... and removed")
    comments = b"# a comment of a list that has far more to say than words\n" * 20_000
    like(run(name, "add", text=comments + b"fool\n" + comments)[1], "^added 0, known 1, ", "... comments do not count")
    with open(many, "ab") as file:
        file.write(b"***\n")
    refuses(name, 1, r"many\.txt:40001: .*\(\d+ of the lines before it were added\)$", "add", "--file", many)
    run(name, "remove", text=run(name, "list", "a long list's")[1].encode())
    refuses(name, 1, "standard input:2: a line of more than 1 MiB", "add", text=b"# nothing\n" + b"x" * (1 << 20))


def broadcasts_are_heard(name):
    says(name, "not broadcasting\n", "broadcast")
    says(name, "broadcasting every 0.05 s\n", "broadcast", "start")
    with spawn("winnow-ctl", "words", "follow", farm=name) as follower:
        ok(wait_until(lambda: follower.stdout().count("\n") >= 3, 20), "broadcasts are heard")
        equal(set(follower.stdout().split("\n")[:3]) - {"fool", "bad egg", "damn"}, set(), "... each an entry")
        equal(follower.end(), 0, "... until it is told to end")
    with spawn("winnow-ctl", "words", "follow", "--json", farm=name) as follower:
        ok(wait_until(lambda: "\n" in follower.stdout(), 20), "... as JSON, too")
        heard = json.loads(follower.stdout().splitlines()[0])
        equal(sorted(heard), ["entry", "from", "message_id", "severity", "version"], "... with what its message says")
    with Line() as line, spawn("winnow-ctl", "words", "follow", farm=name, amqp=line.url) as follower:
        ok(wait_until(lambda: "\n" in follower.stdout(), 20), "... also after its connection was lost:")
        line.cut()
        ok(wait_until(lambda: "event=farm_heard" in follower.stderr(), 20), "... it comes back")
        heard = follower.stdout().count("\n")
        ok(wait_until(lambda: follower.stdout().count("\n") > heard, 20), "... and goes on")
    says(name, "not broadcasting\n", "broadcast", "stop")


def waiting(words, queue):
    return words.channel.queue_declare(queue, passive=True).method.message_count


def nobody_answers():
    name = farm()
    refuses(name, 75, "no word service has been started for the farm", "list", "--wait", "100ms")
    refuses(name, 75, "no word service has been started for the farm", "follow", "--wait", "100ms")
    with service(name, store=os.path.abspath("other.db")), Words(name) as words:
        says(name, "added 1, known 0, version 1\n", "add", "fool")
    with Words(name) as words:
        queue = f"{name}.words"
        with Line() as line, spawn("winnow-ctl", "--wait", "60s", "words", "remove", "fool", farm=name, amqp=line.url) as cut:
            ok(wait_until(lambda: waiting(words, queue) == 1, 20), "a request waits for a service")
            line.cut()
            equal(cut.wait(20), 69, "... and when its connection is lost it ends with 69")
            like(cut.stderr(), "^winnow-ctl: ", "... saying so")
        words.channel.queue_purge(queue)
        refuses(name, 75, "answered within 100ms; is winnow-words running", "add", "late", "--wait", "100ms")
        with service(name, store=os.path.abspath("other.db")):
            says(name, "fool\n", "list")
        equal(waiting(words, queue), 0, "what came too late is gone")
    refuses(name, 69, "the broker at 127.0.0.1:1 ", "list", "--connect-timeout", "0", amqp="amqp://127.0.0.1:1")


def main():
    name = farm()
    with service(name, "--broadcast-every", "50ms", store=STORE):
        entries_come_and_go(name)
        a_list_is_one_that_a_filter_takes(name)
        answers_are_json_if_wanted(name)
        refusals_say_where(name)
        broadcasts_are_heard(name)
        long_lists_are_sent_in_pieces(name)
    nobody_answers()


main()
done_testing()
