#!/usr/bin/python3
"""What the matcher has to find, by a slow and independent implementation of its rules.

usage: matcher_oracle.py FIND_SPANS LEVEL TEXTS WORDS...

compares find_spans with it over the lines of a file, or over the records of a CSV file with a column
comment_text. Unicode is Python's own. The tables of look-alikes and invisible characters are read
from the sources, because they are Winnow's choice.
"""

import csv
import functools
import os
import re
import subprocess
import sys
import unicodedata

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def source(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


LOOK_ALIKES = {chr(int(a, 16)): b for a, b in re.findall(r'\{(0x[0-9a-f]+), "(\w+)"\}', source("filter/look_alikes.h"))}
INVISIBLE = [(int(a, 16), int(b, 16)) for a, b in
             re.findall(r"\{(0x\w+), (0x\w+)\}",
                        re.search(r"invisibles\[\] = \{(.*?)\n\};", source("filter/character.c"), re.S)[1])]
# White_Space of Unicode; str.isspace has a few separators more.
SPACES = set("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {chr(c) for c in range(0x2000, 0x200B)}
# By how Unicode names their characters.
UNSPACED = ("CJK UNIFIED", "CJK COMPATIBILITY IDEOGRAPH", "CJK RADICAL", "KANGXI", "IDEOGRAPHIC ITERATION",
            "IDEOGRAPHIC CLOSING", "IDEOGRAPHIC NUMBER ZERO", "VERTICAL IDEOGRAPHIC ITERATION", "HANGZHOU NUMERAL",
            "HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA", "HENTAIGANA", "COMBINING KATAKANA", "VERTICAL KANA",
            "MASU MARK", "BOPOMOFO", "THAI", "LAO ", "KHMER", "MYANMAR", "TAI LE", "NEW TAI LUE", "TAI THAM", "TAI VIET")
HANGUL = ("HANGUL", "HALFWIDTH HANGUL")


def is_invisible(char):
    return any(low <= ord(char) <= high for low, high in INVISIBLE)


@functools.lru_cache(maxsize=None)
def continues(char):
    point = ord(char)
    return (unicodedata.category(char)[0] == "M" or 0x1160 <= point <= 0x11FF or 0xD7B0 <= point <= 0xD7C6
            or 0xD7CB <= point <= 0xD7FB or point in (0xFF9E, 0xFF9F))


@functools.lru_cache(maxsize=None)
def class_of(char):
    if char != "_" and unicodedata.category(char)[0] not in "LMN":
        return "other"
    name = unicodedata.name(char, "")
    return "unspaced" if name.startswith(UNSPACED) else "hangul" if name.startswith(HANGUL) else "word"


def class_of_unit(unit):
    """Of a character with its marks; marks that have no letter are part of a word by themselves."""
    return next((c for c in map(class_of, unit) if c != "other"), "other")


def units_of(text, level):
    """Characters with all that continues them."""
    units = []
    for char in text:
        if units and (continues(char) or (level != "exact" and is_invisible(char))):
            units[-1] += char
        else:
            units.append(char)
    return units


def undress(char):
    if class_of(char) == "other":
        return char
    plain = unicodedata.normalize("NFKD", char)
    return char if len(plain) > 4 or plain.startswith(" ") else plain


def is_diacritic(char):
    combining = unicodedata.combining(char)
    return unicodedata.category(char)[0] == "M" and (combining == 1 or 10 <= combining <= 36 or combining >= 200)


@functools.lru_cache(maxsize=None)
def fold(unit, level):
    if unit[0] in SPACES and len(unit) == 1:
        return " "
    if level == "folded":
        unit = "".join(c for c in unicodedata.normalize("NFD", "".join(map(undress, unit))) if not is_diacritic(c))
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFD", unit).casefold()).replace("\u2019", "'")
    if level == "folded":
        text = "".join(LOOK_ALIKES.get(c, c) for c in text if not is_diacritic(c) and not is_invisible(c))
    return text


@functools.lru_cache(maxsize=None)
def readings(unit, level):
    """The foldings of a unit of a text: a capital I is also read as the Turkish alphabet has it."""
    found = {fold(unit, level)}
    if level == "exact":
        decomposed = unicodedata.normalize("NFD", unit)
        if decomposed.startswith("I\u0307"):
            found.add(fold("i" + decomposed[2:], level))
        elif decomposed.startswith("I"):
            found.add(fold("\u0131" + decomposed[1:], level))
    return found


def stands_alone(char):
    return class_of(char) == "unspaced" or unicodedata.category(char) == "So"


class Entry:
    def __init__(self, line, index, level):
        text, _, severity = line.partition("\t")
        self.index, self.severity = index, int(severity or 1)
        self.allowed = text.startswith("!")
        text = text.removeprefix("!")
        self.open_start, self.open_end = text.startswith("*"), text.endswith("*")
        text = " ".join(text.strip("*").split())
        self.text = text
        units = units_of(text, level)
        self.folded = re.sub(" +", " ", "".join(fold(unit, level) for unit in units))
        first, last = text[0], [u for u in text if not continues(u) and not is_invisible(u)][-1:] or text[-1]
        self.open_start = not continues(first) and (self.open_start or stands_alone(first))
        self.open_end |= stands_alone(last[0]) or class_of(last[0]) == "hangul"


def ends_of(units, begin, entry, level):
    """After how many units from here the entry ends, one number for each way to get there."""
    states, ends = {0}, []
    for at in range(begin, len(units)):
        if at > begin and units[at] in SPACES and units[at - 1] in SPACES:
            following = states  # a run of white space is one
        else:
            following = set()
            for state in states:
                for reading in readings(units[at], level):
                    if entry.folded.startswith(reading, state):
                        following.add(state + len(reading))
        states = following
        if not states:
            break
        if len(entry.folded) in states:
            ends.append(at + 1)
    return ends


def find(raw, entries, level):
    """Spans as (start, length, entry), in bytes of the text."""
    text = raw.decode("utf-8", "surrogateescape")
    units = units_of(text, level)
    classes = [class_of_unit(unit) for unit in units]
    offsets = [0]
    for unit in units:
        offsets.append(offsets[-1] + len(unit.encode("utf-8", "surrogateescape")))
    by_letter = {}
    for entry in entries:
        if entry.folded:
            by_letter.setdefault(entry.folded[0], []).append(entry)

    matches = []
    for begin, unit in enumerate(units):
        candidates = {e.index: e for r in readings(unit, level) for e in by_letter.get(r[:1], [])}
        for entry in candidates.values():
            before = classes[begin - 1] if begin > 0 else "other"
            if begin > 0 and before == "other" and any(class_of(c) != "other" for c in units[begin - 1]):
                before = "word"
            if not entry.open_start and before not in ("other", "unspaced"):
                continue
            for end in ends_of(units, begin, entry, level):
                after = class_of(units[end][0]) if end < len(units) else "other"
                # Invisible characters and the rest of a run of white space belong to what is before
                # them.
                if entry.open_end or after != "word":
                    matches.append((offsets[begin], offsets[end], entry))
    allowed = [(start, end) for start, end, entry in matches if entry.allowed]
    matches = [m for m in matches if not m[2].allowed
               and not any(start <= m[0] and m[1] <= end for start, end in allowed)]
    matches.sort(key=lambda m: (m[0], -m[1], -m[2].severity, m[2].index))
    spans, taken = [], 0
    for start, end, entry in matches:
        if start >= taken:
            spans.append((start, end - start, entry.index))
            taken = end
    return spans


def read_entries(paths, level):
    lines, seen = [], set()
    for path in paths:
        with open(path, encoding="utf-8") as words:
            for line in words:
                line = " ".join(line.strip().split(" "))
                if line and not line.startswith("#") and line not in seen:
                    seen.add(line)
                    lines.append(line)
    return entries_of(lines, level)


def entries_of(lines, level):
    return [Entry(line, index, level) for index, line in enumerate(lines)]


def run(program, level, paths, texts):
    """What find_spans finds, in the oracle's form."""
    output = subprocess.run([program, level, *paths], input=b"".join(text + b"\0" for text in texts), check=True,
                            capture_output=True).stdout.decode()
    return [[tuple(map(int, span.split())) for span in line.split(", ") if span] for line in output.split("\n")[:-1]]


def differences(program, level, paths, texts, entries):
    """Where matcher and oracle differ, as (text, what the matcher finds, what the oracle finds); and
    how many spans there are."""
    found = run(program, level, paths, texts)
    assert len(found) == len(texts), f"{len(found)} answers to {len(texts)} texts"
    wanted = [find(text, entries, level) for text in texts]
    return ([(t, f, w) for t, f, w in zip(texts, found, wanted) if f != w],
            sum(len(spans) for spans in wanted))


def main():
    program, level, path, *words = sys.argv[1:]
    if path.endswith(".csv"):
        with open(path, encoding="utf-8", newline="") as records:
            texts = [record["comment_text"].encode() for record in csv.DictReader(records)]
    else:
        with open(path, "rb") as lines:
            texts = [line.rstrip(b"\n") for line in lines]
    wrong, spans = differences(program, level, words, [text.replace(b"\0", b" ") for text in texts],
                               read_entries(words, level))
    for text, found, wanted in wrong[:10]:
        print(f"{text!r}\n  found  {found}\n  wanted {wanted}")
    print(f"{level}: {len(texts)} texts, {spans} spans, {len(wrong)} texts differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
