#!/usr/bin/python3
"""winnow-censor from end to end: files and pipes, masks, the report, files that cannot be read and
outputs that cannot be written."""

import json
import os
import random
import re
import select
import subprocess

from tap import BIN, done_testing, equal, like, ok

CENSOR = os.path.join(BIN, "winnow-censor")


def censor(*arguments, data=b"", env=None):
    ran = subprocess.run(
        [CENSOR, *arguments], input=data, capture_output=True, timeout=60, env=dict(os.environ, **(env or {}))
    )
    return ran.returncode, ran.stdout, ran.stderr.decode()


def write(name, content):
    with open(name, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    return name


def files_and_pipes():
    equal(censor(data=b"an airhead!")[:2], (0, b"an CENSORED!"), "standard input, the built-in lists")
    one, two = write("one.txt", "a fool\n"), write("two.txt", "no foolish fool")
    words = write("words.txt", "fool\n")
    equal(censor("--words", words, one, "-", two, data=b"FOOL;")[1], b"a CENSORED\nCENSORED;no foolish CENSORED",
          "files one after the other, - is standard input")
    equal(censor("--words", words, data=b"")[:2], (0, b""), "nothing gives nothing")
    code, out, err = censor("--words", words, one, "no-such.txt", "/", two)
    equal((code, out), (66, b"a CENSORED\nno foolish CENSORED"), "what cannot be read is left out, the others are filtered, the exit code is 66")
    like(err, r"winnow-censor: cannot read 'no-such\.txt': No such file", "... the file is named")
    like(err, r"winnow-censor: cannot read '/': Is a directory", "... and the other")
    equal(censor("--words", words, "--match", "none", data=b"a fool")[1], b"a fool", "--match none changes nothing")
    binary = bytes(range(256)) * 50
    equal(censor("--words", words, data=binary + b" fool " + binary)[1], binary + b" CENSORED " + binary,
          "bytes that are no text come out as they were")
    code, _, err = censor("--words", write("bad.txt", b"fool\n\xff\n"), data=b"")
    equal(code, 78, "a broken list ends with 78")
    like(err, r"bad\.txt:2: .*UTF-8", "... naming file and line")


def options_wherever_they_stand():
    words, text = write("own.txt", "bar\n"), write("text.txt", "a fool bar")
    for arguments in (
        (text, f"--words={words}"),
        (text, "--words", words, text),
        (text, "--match", "exact", "-", "--words", words),
    ):
        for env in (None, {**os.environ, "POSIXLY_CORRECT": "1"}):
            code, out, err = censor(*arguments, env=env)
            ok((code, err) == (0, "") and set(out.split(b"a fool ")) <= {b"", b"CENSORED"}, f"options count in {arguments}")
    equal(censor(text, "--wrods", words)[0], 64, "an option that is not known is none of the files")
    write("--words=x", "fool")
    equal(censor("--words", words, "--", "--words=x", text)[:2], (0, b"foola fool CENSORED"), "after -- all are files")
    like(censor("--", "--mask")[2], "cannot read '--mask'", "... whether they are there or not")


def masks_and_lists():
    words = write("list.txt", "fool\t3\nidiot*\n*tard\n!mustard\nbad egg\t5\n\\#1\n")
    text = "A fool, idiotic bastard, mustard, bad\negg, #1.".encode()
    equal(censor("--words", words, data=text)[1], b"A CENSORED, CENSOREDic basCENSORED, mustard, CENSORED, CENSORED.",
          "open ends, allowed words, phrases and escapes")
    equal(censor("--words", words, "--mask-char", "*", data=text)[1], b"A ****, *****ic bas****, mustard, ***\n***, **.",
          "--mask-char keeps length and lines")
    equal(censor("--words", words, "--mask-char", "█", "--mask-keep-first", data="fool é".encode())[1].decode(), "f███ é",
          "--mask-keep-first keeps the first character")
    equal(censor("--words", words, "--min-severity", "3", data=text)[1], b"A CENSORED, idiotic bastard, mustard, CENSORED, #1.",
          "--min-severity leaves out what is milder")


def report():
    one, two = write("one.txt", "You fool,\nyou Bad  egg"), write("two.txt", "é fool")
    words, more = write("words.txt", "# mine\nfool\t3\n"), write("more.txt", "bad egg\n")
    code, out, _ = censor("--words", words, "--words", more, "--report", "json", one, two)
    found = [json.loads(line) for line in out.splitlines()]
    expected = [
        {"file": "one.txt", "offset": 4, "length": 4, "text": "fool", "entry": "fool", "list": "words.txt", "line": 2, "severity": 3},
        {"file": "one.txt", "offset": 14, "length": 8, "text": "Bad  egg", "entry": "bad egg", "list": "more.txt", "line": 1, "severity": 1},
        {"file": "two.txt", "offset": 3, "length": 4, "text": "fool", "entry": "fool", "list": "words.txt", "line": 2, "severity": 3},
    ]
    equal((code, found), (0, expected), "the report has an object a match, with offsets in bytes")
    code, out, err = censor("--report", "xml")
    equal((code, out), (64, b""), "another form is refused")
    like(err, "--report: 'xml' .*expected json", "... by name")


def pieces_and_pipes():
    """A text of more than a buffer in pieces of any size comes out as the whole does."""
    random.seed(4)
    words = write("words.txt", "fool\nbad egg\negg sandwich\n!egg sandwich bar\n")
    lines = [b"a fool and a bad", b"egg sandwich bar", b"nothing to see", b"bad egg egg sandwich", b"\xff\xfe\0 fool"]
    text = b"\n".join(random.choice(lines) for _ in range(400000))
    whole = write("whole.txt", text)
    want = censor("--words", words, whole)[1]
    found = len(re.findall(b"CENSORED", want))
    process = subprocess.Popen([CENSOR, "--words", words, "-"], stdin=subprocess.PIPE, stdout=open("pieces.out", "wb"))
    at = 0
    while at < len(text):
        size = random.choice([1, 100, 70000, 1 << 20])
        process.stdin.write(text[at : at + size])
        process.stdin.flush()
        at += size
    process.stdin.close()
    equal(process.wait(60), 0, "a long text through a pipe")
    with open("pieces.out", "rb") as file:
        ok(file.read() == want and found > 300000, f"gives the same however it comes ({found} matches)")
    # The sanitizers reserve terabytes of addresses.
    if os.environ["WINNOW_BUILD"] != "asan":
        status = subprocess.run(
            ["bash", "-c", f"ulimit -v 400000; {CENSOR} --words words.txt whole.txt whole.txt whole.txt | wc -c"],
            capture_output=True, text=True, timeout=60)
        equal(status.stdout.strip(), str(3 * len(want)), "in bounded memory")
    process = subprocess.Popen([CENSOR, "--words", words, whole, whole], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(10)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    ok(process.wait(60) != 0 and err == b"", "a reader that goes away ends it quietly")
    with open("/dev/full", "wb") as full:
        ran = subprocess.run([CENSOR, "--words", words, whole], stdout=full, stderr=subprocess.PIPE, timeout=60)
    equal(ran.returncode, 74, "an output that is full ends it with 74")
    like(ran.stderr.decode(), "standard output: No space left", "... and says so")


def lines_come_out_as_they_come():
    words = write("words.txt", "fool\nbad egg\n")
    process = subprocess.Popen([CENSOR, "--words", words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    for line, comes in ((b"a fool\n", b"a CENSORED\n"), (b"one\nbad\n", b"one\n"), (b"egg\n", b"CENSORED\n")):
        process.stdin.write(line)
        came = b""
        while len(came) < len(comes) and select.select([process.stdout], [], [], 20)[0]:
            came += os.read(process.stdout.fileno(), 100)
        equal(came, comes, f"what is settled of {line!r} comes out though the input goes on")
    process.stdin.write(b"bad")
    process.stdin.close()
    equal((process.stdout.read(), process.wait(20)), (b"bad", 0), "... and the rest at its end")
    process.stdout.close()


def compiled_lists_are_shared():
    os.mkdir("cache", 0o700)
    env = {"WINNOW_CACHE": os.path.abspath("cache")}
    words = write("words.txt", "fool\nfool\n")
    run = lambda **more: censor("--words", words, data=b"a fool", env=dict(env, **more))
    code, out, err = run()
    like(err, r"words\.txt:2: 'fool' is there already", "who compiles a list tells what is odd in it")
    images = os.listdir("cache")
    ok(len(images) == 1 and images[0].endswith(".image"), "and keeps what was compiled")
    before = os.stat(f"cache/{images[0]}").st_ino
    equal(run(), (0, b"a CENSORED", ""), "the next one uses it")
    path = f"cache/{images[0]}"
    with open(path, "r+b") as image:
        image.seek(200)
        image.write(b"\xff\xff\xff\xff")
    code, out, err = run()
    equal((code, out), (0, b"a CENSORED"), "a damaged one is not used")
    like(err, "cache_not_used.*checksum", "... but told of")
    ok(os.stat(path).st_ino != before and run()[2] == "", "... and made anew")
    os.chmod("cache", 0o777)
    code, out, err = run()
    equal((code, out), (0, b"a CENSORED"), "a directory that others may write to is not used")
    like(err, "others may write", "... but told of")


files_and_pipes()
options_wherever_they_stand()
masks_and_lists()
report()
pieces_and_pipes()
lines_come_out_as_they_come()
compiled_lists_are_shared()
done_testing()
