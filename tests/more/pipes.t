#!/usr/bin/python3
# quiet: no claim about time but for a wide one
"""A pipe where a file is expected: it is read, or it is said what is expected; nobody waits for ever for its writer."""

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/system"))
from tap import BIN, done_testing, equal, like, ok  # noqa: E402

HISTORY = "run,time_s,interval_s,arrived_msgs\n1,2,2,5\n"
NOBODY, AGAIN = "a pipe into which nobody writes", "one that can be read more than once"


def write(name, text):
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)
    return name


def start(pipe, *command):
    return subprocess.Popen(
        [os.path.join(BIN, command[0]), *command[1:]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=[pipe] if pipe is not None else [],
    )


words, history = write("words.txt", "fool\n"), write("history.csv", HISTORY)
text = write("text.txt", "a fool")
once = ("--phase", "10ms@0", "--connect-timeout", "0")
tls = ("--amqp", "amqps://127.0.0.1:1", "--connect-timeout", "20s")
CASES = (
    (78, NOBODY, "winnow-censor", "--words", "{}", text),
    (66, NOBODY, "winnow-censor", "--words", words, "{}"),
    (78, NOBODY, "winnow-filter", "--words", "{}", "--connect-timeout", "0"),
    (78, NOBODY, "winnow-loadgen", *once, "--body", "{}"),
    (78, NOBODY, "winnow-loadgen", *once, "--body", "{}.csv:text"),
    (78, NOBODY, "winnow-loadgen", "--schedule", "{}", "--connect-timeout", "0"),
    (78, AGAIN, "winnow-loadgen", "--trace", "{}", "--connect-timeout", "0"),
    (78, AGAIN, "winnow-simulate", "--trace", "{}", "--service-time", "20ms"),
    (78, NOBODY, "winnow-simulate", "--trace", history, "--service-time", "{}.csv:x"),
    (78, AGAIN, "winnow-simulate", "--replay", "{}"),
    (78, AGAIN, "winnow-plot", "scaling", "{}"),
    (78, NOBODY, "winnow-plot", "policies", "{}"),
    (66, NOBODY, "winnow-ctl", "log", "{}"),
    (78, AGAIN, "winnow-filter", *tls, "--tls-ca", "{}"),
)
begin = time.monotonic()
running = []
for number, (code, pattern, *command) in enumerate(CASES):
    # "pipe" or, where the name has an ending, "pipe.csv".
    name = f"pipe{number}"
    command = [part.replace("{}", name) for part in command]
    os.mkfifo(name + ".csv" if any(name + ".csv" in part for part in command) else name)
    running.append((code, pattern, command, start(None, *command)))
for code, pattern, command, process in running:
    _, err = process.communicate(timeout=60)
    equal(process.returncode, code, f"{' '.join(command)} ends with {code}")
    like(err, pattern, "... and says so")
took = time.monotonic() - begin
ok(took < 30, f"all of them within half a minute ({took:.1f} s)")

read_end, write_end = os.pipe()
os.write(write_end, b"fool\n")
os.close(write_end)
process = start(read_end, "winnow-censor", "--words", f"/dev/fd/{read_end}", text)
equal((process.communicate(timeout=60), process.returncode), (("a CENSORED", ""), 0), "a pipe with a writer is read")
os.close(read_end)

os.mkfifo("late")
process = start(None, "winnow-censor", "--words", "late", text)
with open("late", "w", encoding="utf-8") as writer:
    writer.write("fo")
    writer.flush()
    time.sleep(0.2)
    writer.write("ol\n")
equal((process.communicate(timeout=60), process.returncode), (("a CENSORED", ""), 0), "when it comes late and slowly, too")
done_testing()
