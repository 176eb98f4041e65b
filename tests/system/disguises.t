#!/usr/bin/python3
# quiet: no claim about time
"""Disguised words are found, and innocent ones are not."""

import glob
import os

import disguises
import matcher_oracle as oracle
from tap import done_testing, equal, ok

PROGRAM = os.path.join(os.environ["WINNOW_BIN"], "../tests/system/find_spans")
LISTS = sorted(glob.glob(os.path.join(os.environ["WINNOW_TOP"], "filter/words/*.txt")))
DICTIONARY = "/usr/share/dict/american-english"


def hit(level, words):
    found = oracle.run(PROGRAM, level, LISTS, [word.encode() for word in words])
    return {word for word, spans in zip(words, found) if spans}


def main():
    for name, (count, missed) in disguises.measure(PROGRAM, LISTS).items():
        ok(len(missed) <= count // 10, f"{name}: nine of ten words are found ({count - len(missed)} of {count})")
        ok(count == disguises.COUNT / len(disguises.DISGUISES), "... of as many as were made")
    missed = sum(len(words) for _, words in disguises.measure(PROGRAM, LISTS, seed=2).values())
    ok(missed <= disguises.COUNT * 5 // 100, f"and 95 of 100 of all ({disguises.COUNT - missed} of {disguises.COUNT})")

    with open(DICTIONARY, encoding="utf-8") as file:
        words = file.read().split()
    exact = hit("exact", words)
    for level, most in (("folded", 5), ("loose", 20)):
        innocent = hit(level, words) - exact
        ok(len(innocent) <= most, f"{level}: at most {most} innocent words of a dictionary are hit ({len(innocent)})")
        equal(sorted(exact - hit(level, words)), [], f"{level}: what exact finds is found")
    done_testing()


main()
