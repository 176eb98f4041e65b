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


def ranges(name):
    text = re.search(name + r"\[\] = \{(.*?)\n\};", source("filter/unicode_ranges.h"), re.S)[1]
    return [(int(a, 16), int(b, 16)) for a, b in re.findall(r"\{(0x\w+), (0x\w+)\}", text)]


INVISIBLE = ranges("invisibles")
PLAIN_SIGNS = {chr(point): sign for name, sign in (("dashes", "-"), ("dots", "."), ("stars", "*"))
               for low, high in ranges(name) for point in range(low, high + 1)}
PLAIN_SIGNS |= {chr(int(a, 16)): b for a, b in re.findall(r"\{(0x\w+), '(\w)'\}", source("filter/disguises.h"))}
DISGUISES = dict(re.findall(r"\['(.)'\] = \"(\w+)\"", source("filter/disguises.h")))
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


def is_presentation(char):
    return 0xFE00 <= ord(char) <= 0xFE0F


@functools.lru_cache(maxsize=None)
def continues(char):
    point = ord(char)
    return (unicodedata.category(char)[0] == "M" or 0x1160 <= point <= 0x11FF or 0xD7B0 <= point <= 0xD7C6
            or 0xD7CB <= point <= 0xD7FB or point in (0xFF9E, 0xFF9F))


@functools.lru_cache(maxsize=None)
def class_of(char):
    if char != "_" and (unicodedata.category(char)[0] not in "LMN" or is_invisible(char)):
        return "other"
    name = unicodedata.name(char, "")
    return "unspaced" if name.startswith(UNSPACED) else "hangul" if name.startswith(HANGUL) else "word"


def is_flying_dot(units, at):
    """Whether the unit there is the dot of Catalan's l·l, which is part of the word."""
    return (0 < at < len(units) - 1 and units[at] == "\u00b7" and units[at - 1] in ("l", "L")
            and units[at + 1][0] in "lL")


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
    if level != "exact":
        unit = "".join(c for c in unicodedata.normalize("NFD", "".join(map(undress, unit))) if not is_diacritic(c))
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFD", unit).casefold()).replace("\u2019", "'")
    if level == "exact":
        return "".join(c for c in text if not is_presentation(c))
    text = "".join(LOOK_ALIKES.get(c, c) for c in text if not is_diacritic(c) and not is_invisible(c))
    return text if level == "folded" else "".join(PLAIN_SIGNS.get(c, c) for c in text)


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
        self.folded = self.folded.strip(" ") if level == "loose" else self.folded
        if level == "loose":
            self.folded = "".join(map(small, self.folded))
        self.spellings = {self.folded, re.sub("f+", "ph", self.folded)} - {""}
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


def plain_matches(units, classes, entries, level):
    """Matches as (first unit, end, entry) at the levels exact and folded."""
    by_letter = {}
    for entry in entries:
        if entry.folded:
            by_letter.setdefault(entry.folded[0], []).append(entry)
    for begin, unit in enumerate(units):
        candidates = {e.index: e for r in readings(unit, level) for e in by_letter.get(r[:1], [])}
        for entry in candidates.values():
            if not entry.open_start and class_before(units, classes, begin) not in ("other", "unspaced"):
                continue
            for end in ends_of(units, begin, entry, level):
                after = class_of(units[end][0]) if end < len(units) else "other"
                after = "word" if is_flying_dot(units, end) else after
                # Invisible characters and the rest of a run of white space belong to what is before
                # them.
                if entry.open_end or after != "word":
                    yield begin, end, entry


def class_before(units, classes, begin):
    if begin == 0:
        return "other"
    if is_flying_dot(units, begin - 1):
        return "word"
    if classes[begin - 1] == "other" and any(class_of(c) != "other" for c in units[begin - 1]):
        return "word"
    return classes[begin - 1]


# ---- the level loose ----

def small(char):
    return char.lower() if char.isascii() else char


def letter_class(char):
    """Letters of one class may stand for one another."""
    return DISGUISES.get(small(char), small(char))[0]


def stands_for(char, wanted, is_last):
    if is_last and char == "!":
        return wanted == "!"
    return small(char) == wanted or wanted in DISGUISES.get(small(char), "")


class Letters:
    """A text as the level loose reads it: its folded characters, and the unit of each."""

    def __init__(self, chars, owners):
        self.chars, self.owners = chars, owners

    @classmethod
    def of(cls, units):
        chars, owners = [], []
        for number, unit in enumerate(units):
            for char in fold(unit, "loose"):
                if not (char == " " and chars and chars[-1] == " "):
                    chars.append(char)
                    owners.append(number)
        return cls(chars, owners)

    def is_end(self, at):
        return at in (0, len(self.chars)) or self.owners[at] != self.owners[at - 1]

    def hides(self, at):
        """Whether the star here hides a letter: those on both sides of a word emphasise it."""
        def is_of_word(char):
            return not char.isascii() or char.isalnum() or char in "@$!*"
        first, end = at, at + 1
        while first > 0 and is_of_word(self.chars[first - 1]):
            first -= 1
        while end < len(self.chars) and is_of_word(self.chars[end]):
            end += 1
        word = "".join(self.chars[first:end])
        if not (word[0] == word[-1] == "*"):
            return True
        return bool(word[:at - first].strip("*")) and bool(word[at - first:].strip("*"))


def ways(text, begin, end, wanted, stars):
    """Whether the characters are the entry's letters, each letter for one character or more, and each
    hidden one for one star: a set of booleans, whether @ was read as o on the way."""
    states = {(0, False)}
    for at in range(begin, end):
        following, char = set(), text.chars[at]
        for read, is_o in states:
            for state in {read, read + 1} if at not in stars else {read + 1}:
                if 0 < state <= len(wanted) and (
                        wanted[state - 1] != " " if at in stars
                        else stands_for(char, wanted[state - 1], at + 1 == end)):
                    following.add((state, is_o or (char == "@" and wanted[state - 1] == "o")))
        states = following
    return {is_o for read, is_o in states if read == len(wanted)}


def is_match(text, begin, end, wanted, stars):
    found = ways(text, begin, end, wanted, stars)
    letters = len(wanted.replace(" ", ""))
    # Nothing begins with a character that only repeats the one before it.
    repeats = begin > 0 and letter_class(text.chars[begin]) == letter_class(text.chars[begin - 1])
    if not found or (repeats and begin not in stars):
        return False
    return not (stars or found == {True}) or (letters >= 3 and 2 * len(stars) <= letters)


def loose_matches(text, class_at, entries, limit=64):
    """class_at(place) gives the classes before and after a place in the text."""
    hidden = [at for at, char in enumerate(text.chars) if char == "*" and text.hides(at)]
    for begin in range(len(text.chars)):
        if not text.is_end(begin):
            continue
        for entry, wanted in ((e, w) for e in entries for w in e.spellings):
            if begin not in hidden and not stands_for(text.chars[begin], wanted[0], False):
                continue
            if not entry.open_start and class_at(begin)[0] not in ("other", "unspaced"):
                continue
            for end in range(begin + len(wanted), len(text.chars) + 1):
                stars = [at for at in hidden if begin <= at < end]
                if stars and len("".join(text.chars[begin:end]).encode("utf-8", "surrogateescape")) > limit:
                    break
                if not text.is_end(end) or not (entry.open_end or class_at(end)[1] != "word"):
                    continue
                if is_match(text, begin, end, wanted, stars):
                    yield begin, end, entry


def spelled_out(text, class_at):
    """Stretches of letters with the same separator between each two, each as the places of its
    letters: pairs of begin and end."""
    count = len(text.chars)

    def is_letter(at):
        char = text.chars[at]
        return (char.isalnum() or char in "@$!") if char.isascii() else class_at(at)[1] != "other"

    def letter_end(at):
        at += 1
        while not text.is_end(at):
            at += 1
        return at

    at = 0
    while at < count:
        if not (is_letter(at) and text.chars[at] not in "@$!" and text.is_end(at) and class_at(at)[0] == "other"):
            at += 1
            continue
        letters, separator, place = [], None, at
        following = at + 1
        while place < count and is_letter(place):
            end = letter_end(place)
            if end < count and is_letter(end):
                break
            letters.append((place, end))
            following = end
            if end == count or not text.chars[end].isascii():
                break
            found = text.chars[end]
            after = end
            while after < count and text.chars[after] == found:
                after += 1
            if separator and found != separator:
                following = place
                break
            separator, place = found, after
        if len(letters) >= 3:
            yield letters
        at = max(following, at + 1)


def find_loose(units, classes, entries):
    """Matches as (first unit, end, entry)."""
    def class_of_place(text, at):
        before = "other"
        if at > 0:
            # What folds to nothing between two characters is seen by the second.
            first = text.owners[at - 1]
            last = text.owners[at] if at < len(text.chars) else len(units)
            seen = [loose_class(c) for unit in units[first:last] for c in unit]
            before = next((c for c in seen if c != "other"), "other")
        elif at < len(text.chars):
            seen = [loose_class(c) for unit in units[:text.owners[at]] for c in unit]
            before = next((c for c in seen if c != "other"), "other")
        after = loose_class(units[text.owners[at]][0]) if at < len(text.chars) else "other"
        if at > 0 and is_flying_dot(units, text.owners[at - 1]):
            before = "word"
        if at < len(text.chars) and is_flying_dot(units, text.owners[at]):
            after = "word"
        return before, after

    def loose_class(char):
        return "other" if char == "_" else class_of(char)

    def unit_end(text, end):
        return text.owners[end] if end < len(text.chars) else len(units)

    text = Letters.of(units)
    for begin, end, entry in loose_matches(text, lambda at: class_of_place(text, at), entries):
        yield text.owners[begin], unit_end(text, end), entry
    for letters in spelled_out(text, lambda at: class_of_place(text, at)):
        chars = [char for begin, end in letters for char in text.chars[begin:end]]
        owners = [number for number, (begin, end) in enumerate(letters) for _ in range(begin, end)]
        stretch = Letters(chars, owners)
        for begin, end, entry in loose_matches(stretch, lambda at: ("other", "other"), entries, 0):
            spelling = [letter_class(char) for char in entry.folded]
            if " " in spelling or sum(a != b for a, b in zip(spelling, [None] + spelling)) < 3:
                continue
            first, last = letters[owners[begin]], letters[owners[end - 1]]
            yield text.owners[first[0]], unit_end(text, last[1]), entry


# ---- what counts ----

def is_joined(text, at):
    """Whether a person counts what is before and behind this place as one character."""
    before, after = text[at - 1], text[at]
    if before == "\r" and after == "\n":
        return True
    if unicodedata.category(before) in ("Cc", "Zl", "Zp") or before in "\u200b\u00ad\u2060\ufeff":
        return False
    if unicodedata.category(after)[0] == "M" or after in "\u200c\u200d\uff9e\uff9f" or "\U0001f3fb" <= after <= "\U0001f3ff" or (
            "\U000e0020" <= after <= "\U000e007f"):
        return True
    if before == "\u200d" and unicodedata.category(after) == "So":
        base = text[:at].rstrip("\u200d\u200c\ufe0e\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")
        return unicodedata.category(base[-1:] or " ") == "So" and not is_half_flag(base[-1])
    if is_half_flag(before) and is_half_flag(after):
        run = len(text[:at]) - len(text[:at].rstrip("".join(map(chr, range(0x1F1E6, 0x1F200)))))
        return run % 2 == 1
    return ("\u1100" <= before <= "\u115f" and ("\u1100" <= after <= "\u11a7" or "\uac00" <= after <= "\ud7a3")) or (
        ("\u1160" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7a3") and "\u1160" <= after <= "\u11ff")


def is_half_flag(char):
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def widen(text, start, end):
    """To whole characters; None when the start takes a flag apart."""
    while 0 < end < len(text) and is_joined(text, end):
        end += 1
    if 0 < start and is_joined(text, start) and is_half_flag(text[start]) and is_half_flag(text[start - 1]):
        return None
    while start > 0 and is_joined(text, start):
        start -= 1
    return start, end


def find(raw, entries, level):
    """Spans as (start, length, entry), in bytes of the text."""
    text = raw.decode("utf-8", "surrogateescape")
    units = units_of(text, level)
    classes = [class_of_unit(unit) for unit in units]
    offsets = [0]
    for unit in units:
        offsets.append(offsets[-1] + len(unit))
    found = find_loose(units, classes, entries) if level == "loose" else plain_matches(units, classes, entries, level)
    matches = [(offsets[begin], offsets[end], entry) for begin, end, entry in found]
    allowed = [(start, end) for start, end, entry in matches if entry.allowed]
    matches = [m for m in matches if not m[2].allowed
               and not any(start <= m[0] and m[1] <= end for start, end in allowed)]
    matches.sort(key=lambda m: (m[0], -m[1], -m[2].severity, m[2].index))
    spans, taken = [], 0
    for start, end, entry in matches:
        whole = widen(text, start, end) if start >= taken else None
        if whole:
            before, inside = text[:whole[0]], text[whole[0]:whole[1]]
            spans.append((len(before.encode("utf-8", "surrogateescape")),
                          len(inside.encode("utf-8", "surrogateescape")), entry.index))
            taken = whole[1]
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
