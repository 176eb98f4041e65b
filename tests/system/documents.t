#!/usr/bin/python3
# quiet: no claim about time
"""What the documents say of the sources is so: log events, files, functions, options, links."""

import glob
import os
import re
import subprocess

from tap import BIN, diag, done_testing, equal, ok

TOP = os.environ["WINNOW_TOP"]
PARTS = ("src", "filter", "workers", "autoscaler", "loadgen", "plots", "ctl", "words", "page")


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def paths(pattern):
    return sorted(os.path.relpath(path, TOP) for path in glob.glob(os.path.join(TOP, pattern), recursive=True))


DOCUMENTS = paths("*.md") + paths("docs/*.md")
SOURCES = [path for part in PARTS for path in paths(part + "/**/*.[ch]")]


def tables(text):
    """The rows of the tables under each heading of a document, as lists of cells."""
    found, heading = {}, ""
    for line in text.splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("|") and not line.startswith("|---"):
            found.setdefault(heading, []).append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def codes(text):
    return re.findall(r"`([^`]+)`", text)


# ---- docs/operations.md ----

# Which table tells of what a folder logs.
LOGGED_IN = {
    "winnow-autoscaler": "autoscaler",
    "Workers": "workers",
    "Word lists, in winnow-filter and winnow-censor": "filter",
    "winnow-loadgen": "loadgen",
    "winnow-ctl": "ctl",
    "winnow-words": "words",
    "winnow-page": "page",
    "All programs": "src",
}


def logged(folder):
    """(event, level) of each call; the level is empty where it is not a constant."""
    calls = set()
    for path in SOURCES:
        if path.startswith(folder + "/"):
            for level, event in re.findall(r'log_event\(\s*(\w+),\s*"(\w+)"', read(path)):
                calls.add((event, level.removeprefix("LOG_").lower() if level.startswith("LOG_") else ""))
    return calls


def log_events():
    found = tables(read("docs/operations.md"))
    for heading, folder in LOGGED_IN.items():
        rows = found.get(heading, [])[1:]
        told = {event: row for row in rows for event in codes(row[0])}
        calls = logged(folder)
        ok(calls, f"{folder} logs something")
        events = {event for event, _ in calls}
        differ = (sorted(events - set(told)), sorted(set(told) - events))
        equal(differ, ([], []), f"the table {heading} has each event, and no other")
        wrong = [(event, level) for event, level in calls if event in told and level not in told[event][1]]
        equal(wrong, [], "... with its level")
        equal([row[0] for row in rows if len(row) != 4 or not all(row)], [], "... and with what to do")
    calls = sum(len(re.findall(r"\blog_event\(", read(path))) for path in SOURCES if not path.startswith("src/log."))
    named = sum(len(re.findall(r'\blog_event\(\s*\w+,\s*"', read(path))) for path in SOURCES)
    equal(named, calls, "every event has its name where it is logged")


# ---- ARCHITECTURE.md ----


def exists(path):
    return bool(paths(re.sub(r"\{(\w),(\w)\}$", r"[\1\2]", path)))


def map_of_the_sources():
    text = read("ARCHITECTURE.md")
    named = set()
    for row in tables(text)["The modules"][1:]:
        folder = codes(row[0])[0] if row[0] else folder
        named |= {folder + name for name in codes(row[1])}
    modules = {os.path.splitext(path)[0] for path in SOURCES}
    equal((sorted(modules - named), sorted(named - modules)), ([], []), "every module has its line, and no other")
    for row in tables(text)["To change X, look in Y"][1:]:
        files = [name for name in codes(row[1]) if re.search(r"/$|\.\w+$|\.\{", name)]
        equal([name for name in files if not exists(name)], [], f"to change {row[0]}: the files are there")
        content = "".join(read(path) for name in files for path in paths(name) if path.endswith((".c", ".h")))
        functions = [name for name in codes(row[1]) if re.fullmatch(r"\w+\(\)", name)]
        equal([name for name in functions if not re.search(r"^\w.*\b" + re.escape(name[:-1]), content, re.M)], [],
              "... with the functions")


# ---- all of them ----


def anchors(text):
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links():
    for document in DOCUMENTS:
        broken = []
        for target in re.findall(r"\]\(([^)\s]+)\)", read(document)):
            if re.match(r"\w+:", target):
                continue
            path, _, anchor = target.partition("#")
            path = os.path.normpath(os.path.join(os.path.dirname(document), path)) if path else document
            if not os.path.exists(os.path.join(TOP, path)) or (anchor and anchor not in anchors(read(path))):
                broken.append(target)
        equal(broken, [], f"each link of {document} leads somewhere")


def options():
    """Every option that a document speaks of is one of a program, a tool or a command that it names."""
    known = set()
    for program in paths(os.path.join(BIN, "winnow-*")):
        said = subprocess.run([os.path.join(TOP, program), "--help"], capture_output=True, text=True, check=True).stdout
        known |= set(re.findall(r"--[a-z][a-z0-9-]+", said))
    for tool in paths("tools/*") + paths("tests/run"):
        known |= set(re.findall(r"--[a-z][a-z0-9-]+", read(tool)))
    for document in DOCUMENTS:
        unknown = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", read(document))) - known
        equal(sorted(unknown), [], f"each option in {document} exists")


def targets():
    rules = set(re.findall(r"^([a-z][a-z-]*):", read("Makefile"), re.M))
    for document in DOCUMENTS:
        said = set(re.findall(r"(?:`|^    )make ([a-z][a-z-]*)", read(document), re.M))
        equal(sorted(said - rules), [], f"each make target in {document} exists")


def readme():
    lines = read("README.md").splitlines()
    ok(len(lines) <= 150, "README.md has at most 150 lines") or diag(len(lines))
    equal([n for n, line in enumerate(lines, 1) if len(line) > 120], [], "... of at most 120 columns")


def page():
    """The page is small, comes from one place, and takes what a farm says as text."""
    files = {path: read(path) for path in paths("page/site/*")}
    size = sum(len(text.encode()) for text in files.values())
    ok(0 < size <= 60_000, "the page's files have at most 60 kB in all") or diag(size)
    for path, text in files.items():
        elsewhere = set(re.findall(r"\w+://[^\s\"'>)]+", text)) - {"http://www.w3.org/2000/svg"}
        equal(sorted(elsewhere), [], f"{path} asks nobody else")
        inline = re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|\bstyle=|\bon\w+=", text)
        equal(inline, [], "... and has neither markup made of texts nor scripts and styles in its markup")
        if path.endswith(".js"):
            equal([n for n, line in enumerate(text.splitlines(), 1) if len(line) > 100], [], "... nor lines over 100 columns")


log_events()
map_of_the_sources()
links()
options()
targets()
readme()
page()
done_testing()
