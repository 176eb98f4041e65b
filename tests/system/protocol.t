#!/usr/bin/python3
# quiet: no claim about time
"""docs/protocol.md: the scoreboard's layout is that of the header, a worker gets what is said, and the worker in it
works."""

import csv
import json
import math
import os
import re
import subprocess
import sys

from client import Client
from tap import URL, diag, done_testing, equal, farm, like, ok, spawn, wait_until

TOP = os.environ["WINNOW_TOP"]
sys.path.insert(0, os.path.join(TOP, "examples/python"))
import winnow_scoreboard  # noqa: E402

# The structs of src/scoreboard.h, and the first column of the table that has their fields.
STRUCTS = {"header": "scoreboard_layout", "slot": "scoreboard_slot", "attempt": "scoreboard_attempt"}


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


PROTOCOL = read("docs/protocol.md")
HEADER = re.sub(r"/\*.*?\*/", "", read("src/scoreboard.h"), flags=re.S)


def rows_of(first_column):
    """The rows of the table whose first column is called so, as lists of cells."""
    table = re.search(rf"^\| {first_column} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PROTOCOL, re.M)[1]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in table.splitlines()]


# ---- the layout ----


def fields_of(struct):
    body = re.search(rf"struct {struct} \{{(.*?)\}};", HEADER, re.S)[1]
    names = [name for field in body.split(";") for name in re.sub(r"\[\w*\]", "", field).split(",")]
    return [name.split()[-1] for name in names if name.strip()]


def layout_of_the_header():
    """What the compiler says, as (table, offset, bytes, field); the flexible array at the end has no size."""
    lines = []
    for table, struct in STRUCTS.items():
        for field in fields_of(struct):
            place = f"offsetof(struct {struct}, {field})"
            size = "(size_t)0" if field == "slot" else f"sizeof ((struct {struct} *)0)->{field}"
            lines.append(f'printf("{table} %zu %zu {field}\\n", {place}, {size});')
    lines.append('printf("magic %.8s\\n", (const char *)&(uint64_t){SCOREBOARD_MAGIC});')
    lines.append('for (int i = 0; i < TIME_CLASSES; i++) printf("bound %s\\n", time_classes_bound(i));')
    with open("layout.c", "w", encoding="utf-8") as file:
        file.write('#include "scoreboard.h"\n#include <stdio.h>\nint main(void) {' + "\n".join(lines) + "}\n")
    source = os.path.join(TOP, "src")
    subprocess.run(["gcc", "-std=gnu17", "-I", source, "-o", "layout", "layout.c", f"{source}/time_classes.c", "-lm"], check=True)
    return subprocess.run(["./layout"], capture_output=True, text=True, check=True).stdout.splitlines()


def layout_of_the_module():
    structs = {"header": winnow_scoreboard.Header, "slot": winnow_scoreboard.Slot}
    fields = [(table, struct, name) for table, struct in structs.items() for name, _ in struct._fields_]
    places = [(table, getattr(struct, name), name) for table, struct, name in fields if (table, name) != ("slot", "unused")]
    return [f"{table} {place.offset} {place.size} {name}" for table, place, name in places]


def layout():
    said = layout_of_the_header()
    for table, struct in STRUCTS.items():
        written = [f"{table} {row[0]} {row[1] or 0} {row[2]}" for row in rows_of(f"{table} offset")]
        compiled = [line for line in said if line.startswith(table)]
        equal(written, compiled, f"the table has every field of {struct}, in its place")
    others = ("magic", "bound", "attempt ", "header 155776")
    equal(layout_of_the_module(), [line for line in said if not line.startswith(others)],
          "so has the module for Python")
    magic = next(line.split()[1] for line in said if line.startswith("magic"))
    like(rows_of("header offset")[0][3], rf"{magic}.* and a zero byte", "it has the magic")
    bounds = [float(line.split()[1]) for line in said if line.startswith("bound")]
    written = [float(number) * {"µs": 1e-6, "ms": 1e-3, "s": 1}[unit] for number, unit in
               (cell.split() for cell in re.search(r"^\| bound \|(.*)\|$", PROTOCOL, re.M)[1].split("|"))]
    for of, own in (("it", written), ("the module for Python", [ns / 1e9 for ns in winnow_scoreboard.BOUNDS_NS])):
        ok(len(own) == len(bounds) - 1 and all(map(math.isclose, own, bounds)), f"{of} has every class of time") or diag(own)
    states = re.findall(r"SCOREBOARD_([A-Z]+)\b", re.search(r"enum scoreboard_state \{(.*?)\}", HEADER, re.S)[1])
    equal([row[:2] for row in rows_of("`state`")], [[str(i), name.lower()] for i, name in enumerate(states)],
          "it has every state")
    for name in ("ATTEMPTS", "PROBES"):
        number = re.search(rf"#define SCOREBOARD_{name}\s+(\d+)", HEADER)[1]
        like(PROTOCOL, rf"\b{number} (entries|from number)", f"it has the number of {name.lower()}")


# ---- workers ----


def write(name, text):
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)
    return name


def history(path):
    try:
        with open(path, encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        return []


def environment():
    tell = write("tell.py", "import json, os, sys, time\n"
                 "json.dump(dict(os.environ), open('environment.new', 'w'))\n"
                 "os.rename('environment.new', 'environment')\ntime.sleep(60)\n")
    tls = {f"WINNOW_TLS_{name}": "unused" for name in ("CA", "CERT", "KEY")}
    kept = ("--results-type", "stream", "--results-max-age", "1h")
    with spawn("winnow-autoscaler", "--min", "1", "--quiet", *kept, "--", sys.executable, tell, farm=farm(), env=tls):
        ok(wait_until(lambda: os.path.exists("environment"), 20), "a worker is started")
    with open("environment", encoding="utf-8") as file:
        got = json.load(file)
    told = set(re.findall(r"^\| (`[A-Z].*?) \|", re.search(r"## What a worker gets.*?\n## ", PROTOCOL, re.S)[0], re.M))
    told = {name for cell in told for name in re.findall(r"`(\w+)`", cell)}
    ours = {name for name in got if name == "AMQP_URL" or name.startswith("WINNOW_")} - set(os.environ) | {"AMQP_URL"}
    equal(sorted(told), sorted(ours), "a worker gets the variables in the table, and no other")


def plain_worker():
    name = farm()
    code = re.search(r"<!-- example: plain worker -->\n```python\n(.*?)```", PROTOCOL, re.S)[1]
    worker = write("plain.py", code)
    options = ["--min", "1", "--interval", "200ms", "--history", "plain.csv"]
    with spawn("winnow-autoscaler", *options, "--", sys.executable, worker, farm=name) as scaler:
        ok(wait_until(lambda: len(history("plain.csv")) > 1, 20), "the plain worker is started")
        with Client(name) as client:
            method, properties, body = client.ask(b"you fool", correlation_id="42")
            equal((body, properties.correlation_id), (b"YOU FOOL", "42"), "the plain worker answers")
        ok(wait_until(lambda: "event=worker_silent" in scaler.stderr(), 20), "what it holds is said to be unknown")
        equal(scaler.end(), 0, "it drains")
    equal({row["crashed"] for row in history("plain.csv")}, {"0"}, "it never crashed")
    equal(history("plain.csv")[-1]["in_flight_msgs"], "", "the history says of what it holds that it is unknown")


def publisher():
    name = farm()
    code = re.search(r"```python\n(.*?)```", read("docs/protocol.md"), re.S)[1]
    client = write("client.py", code.replace("shop.", name + "."))
    with spawn("winnow-filter", farm=name), Client(name):
        environment = dict(os.environ, AMQP_URL=URL)
        ran = subprocess.run([sys.executable, client], env=environment, capture_output=True, text=True, timeout=20)
    want = re.search(r"print\(.*?\)  # (.*)", code)[1]
    equal((ran.stdout, ran.stderr), (want + "\n", ""), "the publisher in the protocol prints what it says")


layout()
environment()
publisher()
plain_worker()
done_testing()
