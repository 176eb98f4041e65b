#!/usr/bin/python3
# quiet: no claim about time
"""The matcher against the oracle, over words of many languages in many dresses."""

import os
import random
import unicodedata

import matcher_oracle as oracle
from tap import done_testing, equal, ok

PROGRAM = os.path.join(os.environ["WINNOW_BIN"], "../tests/system/find_spans")

# An entry and a sentence that has it, as its language writes.
SENTENCES = {
    "English": ("fool", "What a fool, said the other fool's friend."),
    "Spanish": ("tontería", "Eso es una tontería enorme."),
    "German": ("straßenköter", "Du bist ein Straßenköter!"),
    "French": ("œuf pourri", "C'est un œuf\npourri, n'est-ce pas?"),
    "Turkish": ("kırık ışık", "Bu bir kırık ışık değil mi?"),
    "Turkish, dotted": ("iğrenç biri", "Ne kadar iğrenç biri bu."),
    "Greek": ("ανόητος", "Είσαι ανόητος, φίλε."),
    "Russian": ("дурачьё", "Вот дурачьё какое."),
    "Ukrainian": ("їжак", "Це їжак."),
    "Polish": ("źdźbło", "To jest źdźbło."),
    "Vietnamese": ("đồ ngốc", "Mày là đồ ngốc."),
    "Arabic": ("أحمق", "أنت أحمق، يا صديقي."),
    "Hebrew": ("טיפש", "אתה טיפש."),
    "Hindi": ("मूर्ख", "तुम मूर्ख हो।"),
    "Thai": ("คนโง่", "เขาเป็นคนโง่มาก"),
    "Japanese": ("ばか者", "このばか者め。"),
    "Japanese, katakana": ("バカヤロー", "なんだバカヤローと言った"),
    "Chinese": ("笨蛋", "你是个笨蛋啊。"),
    "Korean": ("바보", "너는 바보가 아니야."),
    "Armenian": ("հիմար", "Դու հիմար ես։"),
    "Georgian": ("სულელი", "შენ სულელი ხარ."),
}
MORE = ["bad egg", "don't", "*tard", "!mustard", "idiot*", "*assin*", "!assassin", "sik", "sık", "İT", "maß", "#1 fan", "c++x",
        "a", "über", "한국", "ﬁsh", "Ω mega", "ß", "x\u0301y", "１２", "か", "3p", "_u_"]
DRESSES = [str, str.upper, str.lower, str.title, str.swapcase,
           lambda s: unicodedata.normalize("NFD", s), lambda s: unicodedata.normalize("NFD", s.upper()),
           lambda s: unicodedata.normalize("NFKC", s), lambda s: s.replace(" ", "\u00a0\t\n"),
           lambda s: s.replace("'", "\u2019"), lambda s: s[1:], lambda s: s[:-1], lambda s: s + s[-1],
           lambda s: "\u200d".join(s), lambda s: s.replace("o", "о").replace("a", "ａ"), lambda s: s + "\u0301",
           lambda s: s.replace("i", "ı"), lambda s: s.replace("i", "İ"), lambda s: s.replace("e", "é")]
JOINERS = ["", " ", "  ", ".", ", ", "-", "_", "'", "\u2019", "1", "x", "é", "の", "ก", "한", "\u0301", "\u200b", "\u00ad", "!",
           "\u3000", "ー", "\u0345", "\u0323\u0307", "\udcff", "\udcc3", "\udce2\udc80", "\U0001f595", "ſ", "\u212a", "ǅ"]


def made_text(chance, words):
    text = ""
    for _ in range(chance.randrange(1, 8)):
        text += chance.choice(DRESSES)(chance.choice(words)) + chance.choice(JOINERS) * chance.choice([1, 1, 1, 2])
    return text.encode("utf-8", "surrogateescape").replace(b"\0", b"")


# What an enemy of the filter would try: stars, signs, separators, pictures, invisible characters.
HOSTILE_LIST = ["fool", "bad egg", "till", "*uck*", "!stuck", "ass", "shit\t3", "shot", "cunt", "idiot*", "*tard", "faff", "lool",
                "дурак", "\U0001f595", "\u2620\ufe0f", "\U0001f1e6\U0001f1e8", "x", "oo", "*bil*", "l00t", "_u_", "vul*", "bass"]
HOSTILE = (list("fool") * 3 + list("aslitcuvo01!@$*_-. ") * 2 + ["*"] * 8
           + ["fool", "f*ol", "bad ", "egg", "sh", "it", "ph", "till", "uck", "tard", "idi*t", "дурак", "д*рак", "\U0001f595",
              "\U0001f3fd", "\u2620", "\ufe0f", "\u200d", "\U0001f1e6", "\U0001f1e8", "\U0001f1ea", "é", "\u0301", "\u3164",
              "\u200b", "¢", "\U000e006f", "\u2011", "·", "l·l", "ñ", "漢", "~", "'"])


def hostile_texts(chance, count):
    return ["".join(chance.choices(HOSTILE, k=chance.randrange(1, 14))).encode() for _ in range(count)]


def main():
    lines = [entry for entry, _ in SENTENCES.values()] + MORE
    with open("words.txt", "w", encoding="utf-8") as file:
        file.write("\n".join("\\" + line if line[0] == "#" else line for line in lines) + "\n")
    words = [line.strip("*!") for line in lines]

    for level in ("exact", "folded", "loose"):
        for dress, change in (("as written", str), ("in capitals", str.upper),
                              ("decomposed", lambda s: unicodedata.normalize("NFD", s))):
            texts = [change(sentence).encode() for _, sentence in SENTENCES.values()]
            found = oracle.run(PROGRAM, level, ["words.txt"], texts)
            missed = [language for index, language in enumerate(SENTENCES)
                      if not any(span[2] == index for span in found[index])]
            equal(missed, [], f"{level}: the word of each language is found in its sentence {dress}")

    seed = int(os.environ.get("SEED", 1))
    chance = random.Random(seed)
    texts = [made_text(chance, words) for _ in range(int(os.environ.get("TEXTS", 3000)))]
    for level in ("exact", "folded", "loose"):
        entries = oracle.entries_of(lines, level)
        wrong, spans = oracle.differences(PROGRAM, level, ["words.txt"], texts, entries)
        equal(wrong[:3], [], f"{level}: matcher and oracle agree (seed {seed})")
        ok(spans > len(texts), f"{level}: on more than one span a text")

    with open("hostile.txt", "w", encoding="utf-8") as file:
        file.write("\n".join(HOSTILE_LIST) + "\n")
    texts = hostile_texts(chance, len(texts))
    for level in ("exact", "folded", "loose"):
        wrong, spans = oracle.differences(PROGRAM, level, ["hostile.txt"], texts, oracle.entries_of(HOSTILE_LIST, level))
        equal(wrong[:3], [], f"{level}: they agree on hostile texts too (seed {seed})")
        ok(spans > len(texts) // 5, f"{level}: of which many have a span")
    done_testing()


main()
