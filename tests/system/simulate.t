#!/usr/bin/python3
# quiet: no claim about time
"""winnow-simulate: against a second, naive implementation of its model, digit for digit; against queueing theory; what
it writes, replays and recommends; and what it says of input that it cannot use."""

import csv
import math
import operator
import os
import random
import subprocess

from tap import BIN, diag, done_testing, equal, like, ok

MASK = (1 << 64) - 1


def run(*args, code=0):
    ran = subprocess.run([os.path.join(BIN, "winnow-simulate"), *map(str, args)], capture_output=True, timeout=60)
    if ran.returncode != code:
        diag(f"{args} ended with {ran.returncode}\n{ran.stdout.decode()}{ran.stderr.decode()}")
    return ran.returncode, ran.stdout.decode(), ran.stderr.decode()


def scores(*args):
    run(*args, "--scores", "scores.csv")
    with open("scores.csv", encoding="utf-8") as file:
        return {row["policy"]: row for row in csv.DictReader(file)}


# ---- the model again, as simulation.h has it, without any cleverness ----


class Random:
    """splitmix64, as random.h has it."""

    def __init__(self, seed):
        self.state = seed & MASK

    def uniform(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        bits = self.state
        bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & MASK
        return ((bits ^ (bits >> 31)) >> 11) * 2.0**-53

    def exponential(self):
        return -math.log1p(-self.uniform())


def spread(rows, length_s, seed):
    """Counts of intervals as times, as arrivals.h has it."""
    numbers, times = Random(seed), []
    for start_s, count in rows:
        at = 0.0
        for left in range(count, 0, -1):
            at += (1 - at) * -math.expm1(-numbers.exponential() / left)
            times.append(int((start_s + at * length_s) * 1e9))
    return times


def simulate(times, end_ns, service, startup_ns, interval_ns, decide):
    """Every worker is [slot, started, state, until]; every moment looks at all of them."""
    workers, queue, waits, work = [], [], [], 0
    lifetime = arrived = handled = starts = now = 0
    times = list(times)
    next_tick, wanted = 0, 0
    before = (0, 0)

    def free_slot():
        taken = {w["slot"] for w in workers}
        return next(i for i in range(10000) if i not in taken)

    def take(worker):
        nonlocal work
        arrived_ns = queue.pop(0)
        waits.append(now - arrived_ns)
        took = service()
        work += took
        worker.update(state="busy", until=now + took)

    def end(worker):
        nonlocal lifetime
        lifetime += now - worker["started"]
        workers.remove(worker)

    while True:
        ahead = [(w["until"], 0, w["slot"]) for w in workers if w["state"] in ("starting", "busy")]
        if times:
            ahead.append((times[0], 1, 0))
        elif not queue and not any(w["state"] == "busy" for w in workers):
            ahead.append((max(end_ns, now), 2, 0))
        ahead.append((next_tick, 3, 0))
        now, kind, slot = min(ahead)
        if kind == 0:
            worker = next(w for w in workers if w["slot"] == slot)
            handled += worker["state"] == "busy"
            worker["state"] = "free"
            if worker["drains"]:
                end(worker)
            elif queue:
                take(worker)
        elif kind == 1:
            queue.append(times.pop(0))
            arrived += 1
            free = sorted((w for w in workers if w["state"] == "free"), key=lambda w: w["slot"])
            if free:
                take(free[0])
        elif kind == 2:
            break
        else:
            live = [w for w in workers if not w["drains"]]
            if now > 0:
                held = sum(w["state"] == "busy" for w in live)
                interval_s = (now - before[0]) / 1e9
                wanted = decide(len(queue) + held, (arrived - before[1]) / interval_s)
                before = (now, arrived)
            for worker in sorted(live, key=lambda w: (w["started"], w["slot"]))[: max(len(live) - wanted, 0)]:
                worker["drains"] = True
                if worker["state"] == "free":
                    end(worker)
            for _ in range(wanted - len(live)):
                workers.append(
                    {"slot": free_slot(), "started": now, "state": "starting", "until": now + startup_ns, "drains": False}
                )
                starts += 1
            next_tick += interval_ns
    lifetime += sum(now - w["started"] for w in workers)
    return {"waits": waits, "worker_s": lifetime / 1e9, "starts": starts, "work_s": work / 1e9, "end_s": now / 1e9}


def second_implementation():
    numbers = random.Random(7)
    for case in range(6):
        rows = [(second, numbers.choice([0, 3, 40, 200])) for second in range(40)]
        with open("counts.csv", "w", encoding="utf-8") as file:
            file.write("time_s,count\n" + "".join(f"{s},{n}\n" for s, n in rows))
        seed, service_ns = case + 1, numbers.choice([5000000, 30000000])
        exponential, startup_ns = case % 2, numbers.choice([0, 20000000, 900000000])
        capacity = 2e9 / service_ns
        times, drawn = spread(rows, 1.0, seed), Random(~seed)

        def service():
            return int(service_ns * drawn.exponential() + 0.5) if exponential else service_ns

        def formula(backlog, arrival_per_s):
            return min(math.ceil((backlog + arrival_per_s * 2.0) / capacity), 9)

        model = simulate(times, 40 * 10**9, service, startup_ns, 2 * 10**9, formula)
        got = scores(
            "--trace", "counts.csv", "--service-time", f"{'exp:' * exponential}{service_ns}ns", "--seed", seed,
            "--startup", f"{startup_ns}ns", "--policy", "formula", "--max", 9, "--no-oracle",
        )["formula"]
        waits = sorted(model["waits"])
        equal(
            (int(got["events"]), float(got["worker_s"]), float(got["wait_max_s"]), float(got["duration_s"])),
            (len(waits), model["worker_s"], waits[-1] / 1e9, model["end_s"]),
            f"case {case}: events, worker-seconds, longest wait and end are those of the second implementation",
        )
        equal(round(float(got["starts_per_h"]) * model["end_s"] / 3600), model["starts"], "... and the starts")
        ok(math.isclose(float(got["worker_s"]) / float(got["work_ratio"]), model["work_s"], rel_tol=1e-9), "... and the work")
        p95 = waits[math.ceil(0.95 * len(waits)) - 1] / 1e9
        ok(abs(float(got["wait_p95_s"]) - p95) <= p95 / 1024 + 1e-9, "... and p95, as exact as the histogram")


# ---- theory ----


def erlang_wait(servers, load, share):
    """The wait in units of the service time that the share of events do not exceed in M/M/c."""
    b = 1.0
    for k in range(1, servers + 1):
        b = load * b / (k + load * b)
    waits = b * servers / (servers - load * (1 - b))
    return max(math.log(waits / (1 - share)) / (servers - load), 0)


def theory():
    numbers = random.Random(99)
    with open("poisson.csv", "w", encoding="utf-8") as file:
        file.write("time_s,count\n")
        for second in range(60000):
            count, product = 0, numbers.random()
            while product > math.exp(-20):
                count, product = count + 1, product * numbers.random()
            file.write(f"{second},{count}\n")
    cases = (1, 0.7, 0.95, "wait_p95_s"), (4, 3.0, 0.99, "wait_p99_s"), (10, 7.5, 0.95, "wait_p95_s")
    for servers, load, share, column in cases:
        got = scores("--trace", "poisson.csv", "--service-time", f"exp:{load * 50:g}ms", "--policy", f"fixed:{servers}",
                     "--no-oracle", "--startup", "0s")
        want = erlang_wait(servers, load, share) * load / 20
        have = float(got[f"fixed:{servers}"][column])
        ok(abs(have - want) <= 0.03 * want,
           f"M/M/{servers} at {load / servers:.0%}: {column} within 3 % of theory") or diag(f"{have} against {want}")


# ---- the program ----


def program():
    with open("load.csv", "w", encoding="utf-8") as file:
        file.write("time_s,count\n" + "".join(f"{s},{60 if 60 <= s < 90 else 20}\n" for s in range(240)))
    load = ("--trace", "load.csv", "--service-time", "exp:100ms")
    names = "formula,erlang,erlang-quiet,hpa,kpa,horizon,celery,target,phpfpm,spring,fixed:4,work,oracle:10"
    got = scores(*load, "--policy", names, "--history", "history.csv")
    equal(",".join(got), names, "the scores have a row for every policy, in order")
    with open("scores.csv", encoding="utf-8") as file:
        columns = ("policy,wait_p50_s,wait_p95_s,wait_p99_s,wait_max_s,worker_s,oracle_ratio,under_share,over_share,"
                   "reversals_per_h,starts_per_h,peak_workers")
        ok(file.readline().startswith(columns), "... and the columns by which scripts call them")
    equal(float(got["oracle:10"]["oracle_ratio"]), 1.0, "oracle:10 is its own measure")
    ok(float(got["oracle:10"]["wait_p95_s"]) <= 0.2, "... and meets the target")
    least = float(got["work"]["worker_s"])
    ok(all(float(row["worker_s"]) >= least for row in got.values()), "nobody needs less than the work")
    equal(len({row["events"] for row in got.values()}), 1, "all served the same events")
    again = scores(*load, "--policy", names)
    equal(again, got, "the same seed gives the same scores")
    other = scores(*load, "--policy", names, "--seed", 2)
    ok(other["erlang"]["worker_s"] != got["erlang"]["worker_s"], "another seed gives others")

    code, out, _ = run("--replay", "history.csv")
    equal(code, 0, "the history it wrote comes out the same when it is decided again")
    like(out, r"run 1: 120 decisions", "... all of it")
    with open("history.csv", encoding="utf-8") as file:
        lines = file.read().splitlines()
    cells = next(csv.reader([lines[60]]))
    desired = lines[0].split(",").index("desired_workers")
    cells[desired] = str(int(cells[desired]) + 1)
    with open("forged.csv", "w", encoding="utf-8", newline="") as file:
        file.write("\n".join(lines[:60]) + "\n")
        csv.writer(file, lineterminator="\n").writerow(cells)
        file.write("\n".join(lines[61:]) + "\n")
    code, out, _ = run("--replay", "forged.csv", code=1)
    equal(code, 1, "a decision that was changed ends the replay with 1")
    like(out, r"^forged\.csv:61: ", "... and its row")
    code, out, _ = run("--explain", "history.csv")
    ok(code == 0 and out.count("\n") >= 122 and "worker-seconds" in out, "--explain has a line a decision, and the cost")
    with open("history.csv", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    spans = [float(later["time_s"]) - float(row["time_s"]) for row, later in zip(table, table[1:])]
    alive = [sum(int(row[f"{kind}_workers"]) for kind in ("running", "starting", "draining")) for row in table]
    cost = [sum(map(operator.mul, workers, spans)) for workers in (alive, [int(row["desired_workers"]) for row in table])]
    like(out, "worker-seconds: {:.0f} were spent; .* formula would have asked for {:.0f},".format(*cost), "which is right")
    shown = [line.split() for line in out.splitlines()[1 : len(table) + 1]]
    equal(
        [(words[6], words[7]) for words in shown],
        [(row["desired_workers"], row["desired_workers"]) for row in table],
        "beside what the policy decided stands what it decides",
    )
    equal(run("--explain", "forged.csv", code=1)[0], 1, "a decision that was changed ends it with 1 as well")
    code, _, _ = run("--trace", "history.csv", "--service-time", "100ms")
    equal(code, 0, "a history is a load as well")
    run(*load, "--policy", "erlang", "--history", "erlang.csv")
    equal(run("--replay", "erlang.csv")[0], 0, "erlang's history comes out the same as well")
    code, out, _ = run(*load, "--until", "60s", "--wait-p95", "1s", "--recommend")
    equal(code, 0, "--recommend finds what meets a target that can be met")
    like(out, r"winnow-autoscaler --policy \w+", "... and prints a command line")


LOAD = ("--trace", "load.csv", "--service-time", "exp:100ms")


def yardstick():
    """The oracle is as cheap as its target allows, and no cheaper."""
    costs = []
    for target in ("50ms", "200ms", "1s"):
        got = scores(*LOAD, "--wait-p95", target, "--policy", "oracle:10")["oracle:10"]
        late = float(got["late_share"])
        ok(0.02 <= late <= 0.05, f"of the oracle with a target of {target} nearly 5 % wait longer ({late:.1%})")
        costs.append(float(got["worker_s"]))
    ok(costs == sorted(costs, reverse=True), "a longer wait costs less") or diag(costs)


def peers():
    """Other systems' policies, as their defaults are."""
    names = (("hpa", "hpa:20"), ("kpa", "kpa:1"), ("celery", "celery:4"), ("phpfpm", "phpfpm:1:3"), ("fixed", "fixed:1"))
    got = scores(*LOAD, "--no-oracle", "--policy", ",".join(f"{bare},{full}" for bare, full in names))
    for bare, full in names:
        equal(dict(got[bare], policy=full), got[full], f"{bare} is {full}")
    with open("one.csv", "w", encoding="utf-8") as file:
        file.write("time_s,count\n0,1\n100,0\n")
    got = scores("--trace", "one.csv", "--service-time", "100ms", "--startup", "0s", "--no-oracle",
                 "--policy", "kpa,celery,formula")
    for name in ("kpa", "celery"):
        equal(float(got[name]["wait_max_s"]), 0, f"{name} starts a worker when an event arrives")
    ok(float(got["formula"]["wait_max_s"]) > 0, "unlike one that decides at intervals")


def slow_starts():
    """Workers that take long until their first event: what is made of the time that they need."""
    for name, times in ("starts", (3, 3, 3)), ("mixed", (1, 2, 9)):
        with open(f"{name}.csv", "w", encoding="utf-8") as file:
            file.write("seconds\n" + "".join(f"{t}\n" for t in times))
    policies = ("--policy", "erlang,erlang:startup_s=3,formula", "--no-oracle")
    constant = scores(*LOAD, "--startup", "3s", *policies)
    equal(scores(*LOAD, "--startup", "starts.csv:seconds", *policies), constant, "start-up times are drawn from a column")
    mixed = scores(*LOAD, "--startup", "mixed.csv:seconds", *policies)
    ok(mixed != constant and mixed == scores(*LOAD, "--startup", "mixed.csv:seconds", *policies), "... by the seed")

    quick, slow = (scores(*LOAD, "--startup", d, "--policy", "oracle:10")["oracle:10"] for d in ("0s", "2s"))
    ok(float(slow["late_share"]) <= 0.05, "the oracle starts its workers in time") or diag(slow)
    ok(float(quick["worker_s"]) < float(slow["worker_s"]) < 2 * float(quick["worker_s"]), "... and pays for it")
    _, out, _ = run(*LOAD, "--startup", "30s", "--until", "60s", "--wait-p95", "10ms", "--recommend", code=1)
    like(out, r"Workers start in 30 s", "--recommend says when no policy can help")

    run(*LOAD, "--startup", "3s", "--no-oracle", "--policy", "erlang:few_starts=1", "--history", "slow.csv")
    _, out, _ = run("--replay", "slow.csv")
    like(out, r"all the same again", "what was learnt of slow starts is learnt again in a replay")
    with open("slow.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    equal(rows[-1]["startup_s"], "3", "the history has the start-up time, as it was measured")
    ok(any(int(row["starting_before"]) for row in rows), "... and how many were starting")
    like(run("--explain", "slow.csv")[1], r" 3s .*keeps what was needed lately", "--explain tells of both")


def recommendation():
    _, out, _ = run(*LOAD, "--until", "120s", "--wait-p95", "1s", "--recommend")
    tables = [part.splitlines() for part in out.split("policy ")[1:]]
    tried = [line.split()[0] for line in tables[0][1:] if "ms " in line]
    first, second = (
        scores(*LOAD, "--wait-p95", "1s", "--no-oracle", "--policy", ",".join(tried), *part)
        for part in (("--until", "60s"), ("--from", "60s", "--until", "120s"))
    )
    good = [
        name for name in tried if float(first[name]["late_share"]) <= 0.05 and float(first[name]["starts_per_h"]) <= 2000
    ]
    best = min(good, key=lambda name: float(first[name]["worker_s"]))
    chosen = tables[1][1].split()
    equal(chosen[0], best, "--recommend takes the cheapest that meets the target in the first half, with few starts")
    equal(chosen[5], f"{float(second[best]['worker_s']):.0f}", "and tries it on the second half")
    like(out, rf"\n  winnow-autoscaler --policy {best.split(':')[0]} --interval \S+ --horizon 2s ", "and says how to run it")


def recorded():
    """Two runs of a farm as an autoscaler wrote them down before this test was: what it wrote is read for good."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "recorded_history.csv")
    for number, decisions in (1, 17), (2, 18):
        code, out, _ = run("--replay", path, "--run", number)
        equal((code, out), (0, f"run {number}: {decisions} decisions, all the same again\n"), f"run {number} of a recorded history")
    with open(path, encoding="utf-8") as file:
        header = file.readline()
    run("--trace", "load.csv", "--service-time", "1ms", "--policy", "formula", "--no-oracle", "--history", "new.csv")
    with open("new.csv", encoding="utf-8") as file:
        ok(file.readline().startswith(header.rstrip() + ","), "its columns are the first of those that are written today")


def refusals():
    def fails(code, pattern, *args):
        got, out, err = run(*args, code=code)
        equal((got, out), (code, ""), f"{' '.join(map(str, args)) or 'nothing'} ends with {code}")
        like(err, f"winnow-simulate: .*{pattern}", f"... and says {pattern}")

    load = ("--trace", "load.csv", "--service-time", "1ms")
    with open("empty.csv", "w", encoding="utf-8") as file:
        file.write("time_s\n")
    with open("unsorted.csv", "w", encoding="utf-8") as file:
        file.write("time_s\n1\n3\n2\n")
    fails(64, "--trace is missing")
    fails(64, "--service-time is missing", "--trace", "load.csv")
    fails(64, "--service-time: 'soon'", "--trace", "load.csv", "--service-time", "soon")
    fails(78, "no-such.csv", "--trace", "no-such.csv", "--service-time", "1ms")
    fails(78, "empty.csv: no events", "--trace", "empty.csv", "--service-time", "1ms")
    fails(78, r"unsorted.csv:4: column 'time_s': '2'", "--trace", "unsorted.csv", "--service-time", "1ms")
    fails(64, "'best' is not a policy; expected one of formula, erlang", *load, "--policy", "best")
    fails(64, "'phpfpm:1:2:3': expected phpfpm", *load, "--policy", "phpfpm:1:2:3")
    fails(64, "erlang:epsilon=2: epsilon cannot be 2; it is the share", *load, "--policy", "erlang:epsilon=2")
    fails(64, "'epsilon' is not a parameter of formula", *load, "--policy", "formula:epsilon=0.1")
    fails(64, "interval_s is not in range", *load, "--policy", "formula:interval_s=0")
    fails(64, "expected oracle:SECONDS", *load, "--policy", "oracle:0")
    fails(64, "--max: '0'", *load, "--max", "0")
    fails(64, "--min 5 is more than --max 4", *load, "--min", 5, "--max", 4)
    fails(64, "--wait-p95: 'x'", *load, "--wait-p95", "x")
    fails(78, "not a history of this version", "--replay", "load.csv")
    fails(78, "load.csv:1: no column 'seconds'", "--trace", "load.csv", "--service-time", "load.csv:seconds")
    fails(78, "--startup: load.csv:1: no column 'seconds'", *load, "--startup", "load.csv:seconds")
    fails(64, "--startup: 'soon'", *load, "--startup", "soon")


second_implementation()
theory()
program()
yardstick()
peers()
slow_starts()
recommendation()
recorded()
refusals()
done_testing()
