"""A program on a terminal of its own, and what is on its screen.

    with Terminal(24, 80, [path, "status", "--watch"], env) as terminal:
        ok(terminal.wait_for(lambda screen: "5 workers" in screen.text(), 10), "...")

It knows the few sequences that winnow-ctl may use; whatever else comes is an error.
"""

import codecs
import fcntl
import os
import re
import signal
import struct
import subprocess
import termios
import threading

from tap import wait_until

SEQUENCE = re.compile(r"\x1b\[(\?)?([0-9;]*)([A-Za-z])")


class Screen:
    """Lines of characters, and the sequences that change them. Nothing scrolls: a newline on the last line, and a
    character beyond the last column, are errors."""

    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.cells = [[" "] * columns for _ in range(rows)]
        self.row = self.column = 0
        self.full = False  # the cursor stands on the last column, which has just been written
        self.alternate, self.cursor = False, True
        self.before = ""  # what was written outside of the alternate screen
        self.errors = []
        self._rest = ""

    def lines(self):
        return ["".join(line).rstrip() for line in self.cells]

    def text(self):
        return "\n".join(self.lines()).rstrip("\n")

    def feed(self, text):
        text, self._rest = self._rest + text, ""
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                found = SEQUENCE.match(text, at)
                if not found:
                    if len(text) - at > 16:
                        self.errors.append(f"unknown: {text[at:at + 16]!r}")
                    self._rest = text[at:]
                    return
                self._obey(found[1], found[2], found[3], found[0])
                at = found.end()
            else:
                self._put(text[at])
                at += 1

    def _put(self, character):
        if not self.alternate:
            self.before += character
        elif ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0:
            self.errors.append(f"control character {character!r}")
        elif self.full:
            self.errors.append(f"{character!r} behind the last column of line {self.row}")
        else:
            self.cells[self.row][self.column] = character
            self.full = self.column == self.columns - 1
            self.column = min(self.column + 1, self.columns - 1)

    def _obey(self, private, numbers, letter, whole):
        if private and letter in "hl" and numbers == "1049":
            self.alternate = letter == "h"
            self.cells = [[" "] * self.columns for _ in range(self.rows)]
        elif private and letter in "hl" and numbers == "25":
            self.cursor = letter == "h"
        elif letter == "H":
            self.row, self.column = (int(number) - 1 for number in numbers.split(";"))
            self.full = False
            if not (0 <= self.row < self.rows and 0 <= self.column < self.columns):
                self.errors.append(f"the cursor leaves the screen: {whole!r}")
                self.row = self.column = 0
        elif letter in "KJ" and not numbers:
            if self.full:
                self.errors.append(f"{whole!r} clears the last column of line {self.row}")
            self.cells[self.row][self.column :] = [" "] * (self.columns - self.column)
            if letter == "J":
                self.cells[self.row + 1 :] = [[" "] * self.columns for _ in range(self.rows - self.row - 1)]
        else:
            self.errors.append(f"unknown: {whole!r}")


class Terminal:
    def __init__(self, rows, columns, command, env):
        self.screen = Screen(rows, columns)
        self.lock = threading.Lock()
        self._master, slave = os.openpty()
        self.slave = slave
        self._set_size(rows, columns)
        self.process = subprocess.Popen(
            command, env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, preexec_fn=self._control
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _control(self):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def _set_size(self, rows, columns):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self):
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        try:
            while data := os.read(self._master, 65536):
                with self.lock:
                    self.screen.feed(decoder.decode(data))
        except OSError:
            pass

    def resize(self, rows, columns):
        """A fresh screen. What is still on its way was drawn for the other size, and may be in error on this one."""
        with self.lock:
            fresh = Screen(rows, columns)
            fresh.alternate, fresh.cursor = self.screen.alternate, self.screen.cursor
            self.screen = fresh
        self._set_size(rows, columns)

    def type(self, text):
        os.write(self._master, text.encode())

    def wait_for(self, condition, seconds):
        def look():
            with self.lock:
                return condition(self.screen)

        return wait_until(look, seconds)

    def end(self, number=signal.SIGTERM, seconds=10):
        """The exit code. What it wrote last is waited for, as long as the screen is not given back."""
        self.process.send_signal(number)
        code = self.process.wait(seconds)
        self.wait_for(lambda screen: not screen.alternate and screen.cursor, seconds)
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.slave)  # the last one: the reader comes to the end
        self._reader.join()
        os.close(self._master)
