#!/usr/bin/python3
# quiet: no claim about time
"""--watch: a word list that changes counts from then on, whatever has changed it; and never for the worse."""

import contextlib
import os
import shutil
import signal
import subprocess

from client import Client
from tap import BIN, done_testing, equal, farm, like, ok, spawn, wait_until


def put(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def renamed_over(path, text):
    put(path + ".new", text)
    os.rename(path + ".new", path)


class Censor:
    """winnow-censor as somebody has it in a pipe."""

    def __init__(self, path, *args):
        self.log = open("censor.log", "w+", encoding="utf-8")
        self.process = subprocess.Popen([os.path.join(BIN, "winnow-censor"), "--words", path, "--watch", *args],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)

    def ask(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().decode().rstrip("\n")

    def learns(self, word, how):
        ok(wait_until(lambda: self.ask(word) == "CENSORED", 20), how)

    def text(self):
        with open("censor.log", encoding="utf-8") as file:
            return file.read()

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(20)


@contextlib.contextmanager
def censor(path, *args):
    one = Censor(path, *args)
    try:
        yield one
    finally:
        equal(one.end(), 0, "winnow-censor ends as ever")
        one.log.close()


def a_file_of_its_own():
    os.makedirs("own")
    path = "own/words.txt"
    put(path, "fool\n")
    with censor(path) as one:
        equal(one.ask("fool moron"), "CENSORED moron", "the list at the start")
        renamed_over(path, "renamed\n")
        one.learns("renamed", "a rename over the file")
        equal(one.ask("fool"), "fool", "... in place of the old list")
        put(path, "inplace\n")
        one.learns("inplace", "a file that is written in place")
        with open(path, "a", encoding="utf-8") as file:
            file.write("appended\n")
        one.learns("appended", "one that is appended to")
        os.link(path, "own/backup")
        renamed_over(path, "linked\n")
        one.learns("linked", "one that has another name too")
        with open(path, encoding="utf-8"):
            renamed_over(path, "opened\n")
            one.learns("opened", "one that somebody reads")
        os.unlink(path)
        ok(wait_until(lambda: "No such file" in one.text(), 20), "one that is deleted is said")
        equal(one.ask("opened"), "CENSORED", "... and its list stays")
        put(path, "again\n")
        one.learns("again", "... until it is made again")
        put(path, "broken\n\xff\0\n")
        ok(wait_until(lambda: "words.txt:2: " in one.text(), 20), "a broken one is said, with its line")
        equal(one.ask("again"), "CENSORED", "... and the old list stays")
        put(path, "mended\n")
        one.learns("mended", "... until it is mended")
        for number in range(200):
            renamed_over(path, f"many{number}\n")
        one.learns("many199", "the last of many changes")
        with open(path, "w", encoding="utf-8") as file:
            file.write("half\n")
            file.flush()
            equal(one.ask("many199"), "CENSORED", "a file that is being written is waited for")
        one.learns("half", "... until it is closed")


def a_folder_that_goes():
    os.makedirs("deep/est")
    path = os.path.abspath("deep/est/words.txt")
    put(path, "fool\n")
    with censor(path) as one:
        os.makedirs("other/est")
        put("other/est/words.txt", "moved\n")
        os.rename("deep", "gone")
        os.rename("other", "deep")
        one.learns("moved", "another folder in its place")
        shutil.rmtree("deep")
        ok(wait_until(lambda: "No such file" in one.text(), 20), "a folder that is deleted is said")
        os.makedirs("deep/est")
        put(path, "remade\n")
        one.learns("remade", "... until it is made again, with the file")
        renamed_over(path, "after\n")
        one.learns("after", "... and is watched as before")


def links():
    for name, word in (("one", "fool"), ("two", "swapped"), ("three", "third")):
        os.makedirs(f"map/..{name}")
        put(f"map/..{name}/words.txt", word + "\n")
    os.symlink("..one", "map/..data")
    os.symlink("..data/words.txt", "map/words.txt")
    os.symlink(os.path.abspath("map"), "current")
    with censor("current//words.txt") as one:
        equal(one.ask("fool"), "CENSORED", "a list behind three links")
        os.symlink("..two", "map/..data_tmp")
        os.rename("map/..data_tmp", "map/..data")
        one.learns("swapped", "as Kubernetes swaps a configuration")
        subprocess.run(["ln", "-sfn", "..three", "map/..data"], check=True)
        one.learns("third", "as ln -sfn swaps a folder")
        renamed_over("map/..three/words.txt", "behind\n")
        one.learns("behind", "a file behind the links")
        os.makedirs("map2")
        put("map2/words.txt", "elsewhere\n")
        subprocess.run(["ln", "-sfn", "map2", "current"], check=True)
        one.learns("elsewhere", "a link on the way, in another folder")
        os.unlink("current")
        os.symlink("current", "current")
        ok(wait_until(lambda: "lists_not_loaded" in one.text(), 20), "a link in a circle is said")
        os.unlink("current")
        os.symlink("map", "current")
        one.learns("behind", "... until it leads somewhere")


def several_files():
    put("first.txt", "fool\n")
    put("second.txt", "moron\n")
    with censor("first.txt", "--words", "second.txt", "--report", "json") as one:
        like(one.ask("moron"), '"list": ?"second.txt"', "a report names the list")
        renamed_over("first.txt", "twit\n")
        ok(wait_until(lambda: "lists_loaded entries=2" in one.text(), 20), "one of two files has changed")
        like(one.ask("twit"), '"list": ?"first.txt"', "... and counts beside the other")


def a_worker():
    name = farm()
    put("words.txt", "fool\n")
    with spawn("winnow-filter", "--words", "words.txt", "--watch", farm=name) as worker, Client(name) as client:
        equal(client.ask("fool moron")[2], b"CENSORED moron", "a worker has the list")
        renamed_over("words.txt", "moron\n")
        ok(wait_until(lambda: client.ask("fool moron")[2] == b"fool CENSORED", 20), "and learns the new one")
        equal(worker.end(), 0, "it drains")


def one_that_comes_later():
    path = "later/words.txt"
    with censor(path) as one:
        one.process.stdin.write(b"a fool\n")
        one.process.stdin.flush()
        ok(wait_until(lambda: f'list_awaited file="{path}"' in one.text(), 20), "a list that is not there yet is waited for")
        os.makedirs("later")
        with open(path, "w", encoding="utf-8") as file:
            file.write("moron\nfo")
            file.flush()
            file.write("ol\n")
        equal(one.process.stdout.readline(), b"a CENSORED\n", "... and all of it, before any text is let through")
        renamed_over(path, "after\n")
        one.learns("after", "... and is watched from then on")
    started = ("winnow-filter", "--words", "never.txt", "--watch", "--connect-timeout")
    with spawn(*started, "300ms", farm=farm()) as worker:
        equal(worker.wait(20), 78, "a worker does not wait for ever")
        like(worker.stderr(), "never.txt' is not there, and has not come within 300ms", "... it says so")
    with spawn(*started, "1h", farm=farm()) as worker:
        ok(wait_until(lambda: "list_awaited" in worker.stderr(), 20), "one that waits")
        worker.signal(signal.SIGTERM)
        equal(worker.wait(20), -signal.SIGTERM, "... can be told to go")
    with spawn(*started[:-2], "--connect-timeout", "1h", farm=farm()) as worker:
        equal(worker.wait(20), 78, "a list that nobody watches has to be there")


def refused():
    for program in ("winnow-censor", "winnow-filter"):
        ran = subprocess.run([os.path.join(BIN, program), "--watch"], input="", capture_output=True, text=True, timeout=20)
        equal(ran.returncode, 64, f"{program}: there is nothing to watch in the built-in lists")
        like(ran.stderr, "--watch: expected --words FILE", "... it says so")


a_file_of_its_own()
a_folder_that_goes()
links()
several_files()
one_that_comes_later()
a_worker()
refused()
done_testing()
