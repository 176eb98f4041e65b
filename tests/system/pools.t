#!/usr/bin/python3
# quiet: no claim about time
"""winnow-autoscaler --config: several pools in one process, what they share, and files that cannot be used."""

import contextlib
import os
import signal
import subprocess

from client import ctl
from scaler import FILTER, children, number, publish, rows, wait_for_new_row, wait_for_row
from tap import *

AUTOSCALER = os.path.join(BIN, "winnow-autoscaler")
COMMON = ("--amqp", URL, "--interval", "200ms", "--quiet")


def write(text, path="pools.conf"):
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())


def check(path="pools.conf"):
    """What --check says: exit code, standard output, standard error."""
    ran = subprocess.run([AUTOSCALER, "--check", "--config", path], capture_output=True, text=True, timeout=60)
    return ran.returncode, ran.stdout, ran.stderr


@contextlib.contextmanager
def pools(*arguments, env=None):
    running = Program([AUTOSCALER, "--config", "pools.conf", *COMMON, *arguments], {**os.environ, **(env or {})})
    try:
        yield running
    finally:
        running.end(20)


def section(name, *entries):
    return "\n".join([f"[pool {name}]", f"history = {name}.csv", f"worker = {FILTER}", *entries, ""])


def runs(count):
    return lambda row: row["running_workers"] == str(count)


def what_is_wrong_is_said_with_its_line():
    wrong = [
        ("[pool a]\nfoo = 1\n", 2, "foo: not a key"),
        ("[pool a]\ninter = 1s\n", 2, "inter: not a key"),
        ("[pool a]\nconfig = x\n", 2, "config: not a key"),
        ("[pool a]\nnode = x\n", 2, "node: not a key"),
        ("[pool a]\nmin = 1\nmax = 2\nmin = 1\n", 4, "min: given in line 2"),
        ("[pool a]\n[pool b]\n[pool a]\n", 3, "begins in line 1"),
        ("[autoscaler]\n[pool a]\n[autoscaler]\n", 3, "second section"),
        ("[autoscaler]\ntotal-max = 1\ntotal-max = 1\n", 3, "given in line 2"),
        ("[autoscaler]\ntotal-max = 0\n[pool a]\n", 2, "not in range"),
        ("[autoscaler]\nmax = 1\n[pool a]\n", 2, "max: not a key"),
        ("[autoscaler]\ntotal-max = 3\n[pool a]\nmin = 2\n[pool b]\nmin = 2\n", 2, "3 is less than the min"),
        ("[pool a]\nqueue = q\nworker = cat\n[pool b]\nqueue = q\nworker = cat\n", 4, "its queue is that of the pool 'a' in line 1"),
        ("[pool a]\n[pool b]\nfarm = a\n", 2, "is that of the pool 'a'"),
        ("[pool a]\n[pool b]\nqueue = a.work\nworker = cat\n", 2, "its queue is that of the pool 'a'"),
        ("[pool a]\nhistory = h\n[pool b]\nhistory = h\n", 3, "its history"),
        ("[pool a]\nquiet = yes\nmax = 1001\n", 3, "max: '1001' is not in range; expected 1 to 1000"),
        ("[pool a]\ninterval = 5\n", 2, "interval: '5' is not a duration"),
        ("[pool a]\nmin = 1 ; two\n", 2, "not a count"),
        ("[pool a]\nmin = 9\nmax = 3\n", 1, "min 9 is more than"),
        ("[pool a]\nresults-type = x\n", 1, "'x' is not a type"),
        ("[pool a]\nwait = 1s\n", 1, "for --policy erlang"),
        ("[pool a]\npolicy = x\n", 2, "'x' is not a policy"),
        ("[pool a]\nquiet = maybe\n", 2, "neither yes nor no"),
        ("[pool a]\nmin =\n", 2, "without a value"),
        ("[pool a]\nworker = sh -c 'x\n", 2, "a quote that does not end"),
        ("[pool a]\nworker = /nowhere/worker\n", 1, "cannot execute"),
        ("[pool a]\nqueue = q\ncount-from = x\ncount-from = :k\n", 4, "the default exchange"),
        ("[pool a]\nqueue = q\n", 1, "needs a worker"),
        ("[pool amq.a]\n", 1, "not a farm's name"),
        ("[pool]\n", 1, "without a name"),
        ("[pools a]\n", 1, "no section is called 'pools'"),
        ("min = 1\n", 1, "outside of a section"),
        (b"[pool a]\nmin = 1\0\n", 2, "0x00"),
        ("".join(f"[pool p{i}]\n" for i in range(1000)), 129, "more than 128 pools"),
    ]
    for text, line, said in wrong:
        write(text)
        code, out, err = check()
        shown = text[:60].decode() if isinstance(text, bytes) else text[:60]
        ok(
            code == 78 and not out and err.startswith(f"winnow-autoscaler: pools.conf:{line}: ") and said in err,
            f"refused with its line: {shown!r}: {err.strip()[:200]}",
        )
    write("[pool a]\namqp = amqp://user:se:cret@host:x/\n")
    code, _, err = check()
    ok(code == 78 and "cret" not in err, "no password is said")


def a_file_that_is_none_is_refused():
    os.mkfifo("pipe")
    write(b"#" * 10_000_000, "large")
    write("", "empty")
    for path, said in [
        (".", "directory"),
        ("pipe", "not a regular file"),
        ("large", "more than 1 MiB"),
        ("nowhere", "No such file"),
        ("empty", "no pool"),
    ]:
        code, _, err = check(path)
        ok(code == 78 and said in err and path in err, f"{path}: {err.strip()}")
    ran = subprocess.run([AUTOSCALER, "--check"], capture_output=True, text=True)
    ok(ran.returncode == 64 and "--config" in ran.stderr, "--check wants a file")
    write("[pool a]\n")
    ran = subprocess.run([AUTOSCALER, "--config", "pools.conf", "--history", "x"], capture_output=True, text=True)
    ok(ran.returncode == 64 and "--history" in ran.stderr, "what is of one farm is not taken for all")


def what_would_run_is_said():
    write("\ufeff[autoscaler]\r\ntotal-max = 5\r\n\r\n[pool a b]\r\nmin = 1\r\n# x\r\n[pool b]\r\nqueue = jobs\r\nworker = cat\r\nmax = 3")
    code, out, err = check()
    equal((code, err), (0, ""), "another system's file is read the same")
    like(out, r"pool a b: formula, 1 to 32 workers of \S+winnow-filter on the queue a b\.work\n", "a farm of its own")
    like(out, r"pool b: formula, 0 to 3 workers of \S+ on the queue jobs\nat most 5 workers in all\n", "a queue")


def results_are_kept_as_each_pool_says():
    streams, queues = farm(), farm()
    write(
        section(streams, "min = 1", "results-type = stream", "results-max-bytes = 10MiB", "results-max-age = 1h")
        + section(queues, "min = 1")
    )
    with pools():
        ok(wait_for_row(streams, runs(1), 20) and wait_for_row(queues, runs(1), 20), "workers declare the results alike")
        kinds = dict(ctl("list_queues", "name", "type"))
        kept = [kinds.get(f"{name}.results") for name in (streams, queues)]
        equal(kept, ["stream", "classic"], "of one pool as a stream, of the other as a queue")


def three_pools_share_a_number():
    names = [farm() for _ in range(3)]
    write("[autoscaler]\ntotal-max = 12\n" + "".join(section(name, "min = 1", "max = 10", "capacity = 40") for name in names))
    with pools() as running:
        for name in names:
            ok(wait_for_row(name, runs(1), 20), "a pool runs its least")
        loads = [
            Program([os.path.join(BIN, "winnow-loadgen"), "--amqp", URL, "--farm", name, *phases], dict(os.environ))
            for name, phases in zip(
                names,
                (
                    ("--phase", "3s@200", "--phase", "6s@20"),
                    ("--phase", "2s@20", "--phase", "3s@200", "--phase", "4s@20"),
                    ("--phase", "4s@20", "--phase", "3s@200", "--phase", "2s@20"),
                ),
            )
        ]
        most = 0

        def all_have_ended():
            nonlocal most
            most = max(most, len(children(running.process.pid)))
            return all(load.process.poll() is not None for load in loads)

        ok(wait_until(all_have_ended, 60), "three loads one after the other")
        ok(0 < most <= 12, f"never more than 12 workers, at most {most} at once")
        shared = lambda row: row["reason"] == "total-max" and '"total_allowed":' in row["params"]
        ok(any(shared(row) for name in names for row in rows(name)), "a row says where the number bound, and what it was")
        for name in names:
            ok(max(number(row, "desired_workers") for row in rows(name)) >= 5, "each had more while others needed less")
            ok(all(number(row, "desired_workers") >= 1 for row in rows(name)), "and its least at any time")
            ok(wait_for_new_row(name, lambda row: row["reason"] == "min", 20), "and it comes back to that")
        running.signal(signal.SIGTERM)
        equal(running.wait(30), 0, "all pools drain when the process is told to end")
    for name in names:
        ran = subprocess.run([os.path.join(BIN, "winnow-simulate"), "--replay", f"{name}.csv"], capture_output=True, text=True)
        ok(ran.returncode == 0 and "all the same again" in ran.stdout, f"its history replays: {ran.stdout}{ran.stderr}")


def one_that_cannot_run_is_given_up():
    good, refused = farm(), farm()
    denied = URL.replace("//guest:guest@", "//guest:wrong@")
    write(section(good, "min = 1") + section(refused, f"amqp = {denied}"))
    with pools() as running:
        ok(wait_for_row(good, runs(1), 20), "a pool runs beside one whose user is refused")
        said = lambda: f"event=pool_given_up farm={refused} code=77" in running.stderr()
        ok(wait_until(said, 20), "which is given up and said")
        ok(wait_for_new_row(good, runs(1), 20), "and the other goes on")
        running.signal(signal.SIGTERM)
        equal(running.wait(20), 0, "the end that was asked for is none of its")
    write(section(refused, f"amqp = {denied}"))
    with pools() as running:
        equal(running.wait(30), 77, "when it is the only one the process ends with its code")
    with contextlib.closing(connect()) as connection:
        connection.channel().queue_declare(f"{refused}.work", durable=True, arguments={"x-max-length": 5})
    write(section(refused))
    with pools() as running:
        equal(running.wait(30), 78, "so it does when a queue is another than it would declare")


def a_file_is_read_anew_whole_or_not_at_all():
    stays, goes, comes = farm(), farm(), farm()
    write(section(stays, "min = 1") + section(goes, "min = 1"))
    with pools() as running:
        ok(wait_for_row(stays, runs(1), 20) and wait_for_row(goes, runs(1), 20), "two pools run")
        pid = children(running.process.pid)

        write(section(stays, "min = 2") + "[pool x]\nfoo = 1\n")
        running.signal(signal.SIGHUP)
        refused = lambda: 'event=configuration_refused why="pools.conf:6: foo' in running.stderr()
        ok(wait_until(refused, 20), "a file that is wrong is refused with its line")
        ok(wait_for_new_row(stays, runs(1), 20) and children(running.process.pid) == pid, "and nothing changes")

        write("# limits first\n" + section(comes, "min = 2") + section(stays, "min = 3"))
        running.signal(signal.SIGHUP)
        ok(wait_for_row(stays, runs(3), 20), "limits change at once")
        ok(pid & children(running.process.pid), "with the workers that are there")
        ok(wait_for_row(comes, runs(2), 20), "a new pool starts")
        ok(wait_until(lambda: len(children(running.process.pid)) == 5, 20), "one that is there no more drains")
        told = rf"event=limits_changed farm={stays} min=3 max=32 paused=false replicas=none by=configuration"
        like(running.stderr(), told, "the log says who changed the limits")

        before = children(running.process.pid)
        write(section(comes, "min = 2") + section(stays, "min = 3", "hang-timeout = 30s"))
        running.signal(signal.SIGHUP)
        anew = lambda: len(children(running.process.pid)) == 5 and len(children(running.process.pid) - before) == 3
        ok(wait_until(anew, 30), "a pool with other settings starts anew when its workers have drained")
        ok(wait_for_row(stays, lambda row: row["run"] == "2" and runs(3)(row), 20), "as a run of its own")
        running.signal(signal.SIGTERM)
        equal(running.wait(30), 0, "all end")


def a_pool_that_was_given_up_is_tried_again():
    good, missing = farm(), farm()
    publish_to = f"{missing}.work"
    with contextlib.closing(connect()) as connection:
        channel = connection.channel()
        channel.queue_declare(publish_to, durable=True, arguments={"x-max-length": 5})
        write(section(good, "min = 1") + section(missing, "min = 1"))
        with pools() as running:
            given_up = lambda: f"event=pool_given_up farm={missing} code=78" in running.stderr()
            ok(wait_until(given_up, 20), "a pool whose queue is another is given up")
            channel.queue_delete(publish_to)
            running.signal(signal.SIGHUP)
            ok(wait_for_row(missing, runs(1), 20), "and SIGHUP tries it again")
            ok(wait_for_new_row(good, runs(1), 20), "beside the other")


what_is_wrong_is_said_with_its_line()
a_file_that_is_none_is_refused()
what_would_run_is_said()
results_are_kept_as_each_pool_says()
three_pools_share_a_number()
one_that_cannot_run_is_given_up()
a_file_is_read_anew_whole_or_not_at_all()
a_pool_that_was_given_up_is_tried_again()
done_testing()
