#!/usr/bin/python3
"""Disguised words, and how many of them the matcher finds at the level loose.

usage: disguises.py FIND_SPANS LIST...

The words are the entries of the lists that are one word of three letters or more. A disguise hides
one to half of the letters by stars, writes letters for letters, repeats letters, or puts a
separator between them."""

import random
import re
import sys
import unicodedata

import matcher_oracle as oracle

COUNT = 2000
LETTERS = {"u": "v", "t": "7", "i": "1l!", "l": "1", "a": "@4", "o": "@0", "s": "5$", "e": "3", "c": "¢", "f": ("ph",)}
SEPARATORS = [".", "-", "_", " ", "\u2011", "\u00b7", "\u2022", "\u2013"]


def hide(chance, word):
    letters = list(word)
    for at in chance.sample(range(len(word)), chance.randint(1, len(word) // 2)):
        letters[at] = "*"
    return "".join(letters)


def replace(chance, word):
    places = [at for at, letter in enumerate(word) if letter in LETTERS
              and not (letter in "il" and at == len(word) - 1)]
    if not places:
        return None
    # A word with f is written with ph in each place or in none.
    chosen = chance.sample(places, chance.randint(1, len(places)))
    with_ph = any(word[at] == "f" for at in chosen)
    if with_ph:
        word = re.sub("f+", "\0", word)
        chosen = [at for at in range(len(word)) if word[at] == "\0" or (word[at] in LETTERS and at < len(word) - 1)]
    letters = list(word)
    for at in chosen:
        letters[at] = "ph" if letters[at] == "\0" else chance.choice(LETTERS[letters[at]])
    return "".join(letters)


def repeat(chance, word):
    at = chance.randrange(len(word))
    return word[:at] + word[at] * chance.randint(2, 5) + word[at + 1:]


def separate(chance, word):
    return chance.choice(SEPARATORS).join(word)


DISGUISES = {"stars": hide, "letters": replace, "repeats": repeat, "separators": separate}


def words_of(paths):
    words = set()
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file:
                word = unicodedata.normalize("NFC", line.split("\t")[0].strip().strip("*").lower())
                if len(word) >= 3 and line[0] not in "#!" and word.isalpha():
                    words.add(word)
    return sorted(words)


def disguised(words, seed=1):
    """COUNT pairs: the name of a disguise, and a word in it."""
    chance, made = random.Random(seed), []
    while len(made) < COUNT:
        name = list(DISGUISES)[len(made) % len(DISGUISES)]
        word = DISGUISES[name](chance, chance.choice(words))
        if word:
            made.append((name, word))
    return made


def measure(program, paths, seed=1):
    """By disguise: how many there are, and which of them are not found as a whole."""
    made = disguised(words_of(paths), seed)
    texts = [f"so {word}, you".encode() for _, word in made]
    result = {name: [0, []] for name in DISGUISES}
    for (name, word), text, spans in zip(made, texts, oracle.run(program, "loose", paths, texts)):
        result[name][0] += 1
        if not any(start <= 3 and start + length >= len(text) - len(", you") for start, length, _ in spans):
            result[name][1].append(word)
    return result


def main():
    program, *paths = sys.argv[1:]
    result = measure(program, paths)
    for name, (count, missed) in result.items():
        print(f"{name}: {count - len(missed)} of {count} found; missed: {', '.join(missed[:12])}")
    print(f"{100 - 100 * sum(len(missed) for _, missed in result.values()) / COUNT:.2f} % found")


if __name__ == "__main__":
    main()
