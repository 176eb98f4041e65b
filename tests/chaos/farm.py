"""A farm under test: its autoscalers, its workers, what they handle, and the load generator."""

import collections
import csv
import glob
import json
import os
import signal
import subprocess
import sys
import threading
import time

HANG_S = 1.0
PREFETCH = 100
CONFIRM_WINDOW = 100
NOBODY = 65534
HERE = os.path.dirname(os.path.abspath(__file__))


def wait_until(fn, seconds, step=0.01):
    deadline = time.monotonic() + seconds
    while True:
        result = fn()
        if result or time.monotonic() >= deadline:
            return result
        time.sleep(step)


def children(pid):
    """Processes whose parent it is, and that have not ended."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [child for child in map(int, file.read().split()) if alive(child)]
    except OSError:
        return []


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def started(pid):
    """When a process began, in ticks since the machine did; 0 when it has ended."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return int(file.read().rsplit(")", 1)[1].split()[19])
    except OSError:
        return 0


def private_kib(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            for line in file:
                if line.startswith("Anonymous:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return None


class Worker:
    """What the workers are and how they are judged.

    censors  as winnow-filter does; else their answer is the event's own text
    share    of the load: to start a program for each event costs a processor more than the event itself
    slack    so many times as long it may take to come back: a busy machine is slow to start programs"""

    def __init__(self, program, *arguments, censors=False, share=1, slack=1):
        self.program, self.arguments = program, arguments
        self.censors, self.share, self.slack = censors, share, slack

    def command(self, binaries, *options):
        at = lambda word: word.format(binaries=binaries)
        return [f"{binaries}/{self.program}", *options, *map(at, self.arguments)]

    def load_options(self):
        return [] if self.censors else ["--expect-same"]


WORKERS = {
    "filter": Worker("winnow-filter", censors=True),
    "run": Worker("winnow-run", "--", "cat", share=0.2, slack=5),
    "keep": Worker("winnow-run", "--keep", "--", "{binaries}/../tests/bench/echo_lines", slack=5),
}

Handled = collections.namedtuple("Handled", "before at pid events")


class Watch:
    """What the workers of one autoscaler handle, as their scoreboard says."""

    def __init__(self, binaries, pid):
        self.pid = pid
        self.handled = collections.deque(maxlen=200000)
        self.total = 0
        self._table, self._answered = [], threading.Event()
        fd = os.open(scoreboard_of(pid), os.O_RDWR)
        self._process = subprocess.Popen(
            [os.path.join(binaries, "../tests/chaos/watch")],
            env=dict(os.environ, WINNOW_SCOREBOARD_FD=str(fd), WINNOW_SLOT="0"),
            pass_fds=[fd],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        os.close(fd)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        table = []
        for line in self._process.stdout:
            kind, *rest = line.split()
            if kind == "H":
                before, at, pid, events = map(int, rest)
                self.handled.append(Handled(before / 1e9, at / 1e9, pid, events))
                self.total += events
            elif kind == "S":
                table.append(tuple(map(int, rest)))
            else:
                self._table, table = table, []
                self._answered.set()

    def slots(self):
        """(pid, state, in flight, on an event) of every worker that uses the scoreboard."""
        self._answered.clear()
        self._process.stdin.write("slots\n")
        self._process.stdin.flush()
        self._answered.wait(5)
        return self._table

    def since(self, start):
        out = []
        for each in reversed(list(self.handled)):
            if each.at <= start:
                break
            out.append(each)
        return out[::-1]

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._reader.join()


def scoreboard_of(pid):
    """Where the autoscaler's shared memory can be opened; None when it has none yet."""
    descriptors = glob.glob(f"/proc/{pid}/fd/*")
    return next((fd for fd in descriptors if _link(fd).startswith("/memfd:winnow-scoreboard")), None)


def _link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


class Autoscaler:
    """A winnow-autoscaler in a mount namespace of its own, its history on a file system that can be filled; as root
    it runs as another user, so that limits on processes hold for it."""

    def __init__(self, farm, name, *args, worker=()):
        self.farm = farm
        self.log_path = os.path.join(farm.out, f"{name}.log")
        self.decisions_path = os.path.join(farm.out, f"{name}.out")
        self.mount = os.path.join(farm.out, "history")
        os.makedirs(self.mount, exist_ok=True)
        command = [os.path.join(farm.binaries, "winnow-autoscaler")]
        command += ["--farm", farm.name, "--queue-type", farm.queue_type]
        command += ["--history", f"{self.mount}/history.csv", *map(str, args)]
        command += ["--", *worker] if worker else []
        self.command = command
        environment = dict(os.environ, AMQP_URL=farm.url, TMPDIR=farm.out)
        prefix = farm.isolation.prefix(self.mount)
        if farm.clock_library:
            environment["WALLCLOCK_FILE"] = farm.clock_file
            # The sanitizer would rather be loaded first.
            environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
            prefix += ["env", f"LD_PRELOAD={farm.clock_library}"]
        self.process = subprocess.Popen(
            prefix + command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=open(self.decisions_path, "ab"),
            stderr=open(self.log_path, "ab"),
        )
        self.pid = self.process.pid
        self.limited = {}

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def decisions(self):
        with open(self.decisions_path, errors="replace") as file:
            return sum(1 for line in file if " = " in line and "=" in line[20:])

    def history_path(self):
        path = f"{self.mount}/history.csv"
        return f"/proc/{self.pid}/root{path}" if self.farm.isolation.mounts else path

    def rows(self):
        """The history's whole rows as dicts; raises when one is torn."""
        with open(self.history_path(), newline="") as file:
            text = file.read()
        rows = list(csv.reader(text.splitlines()))
        torn = [row for row in rows if len(row) != len(rows[0])]
        if torn or not text.endswith("\n"):
            raise AssertionError(f"torn rows in the history: {torn[:3] or text[-80:]!r}")
        return [dict(zip(rows[0], row)) for row in rows[1:]]

    def limit(self, what, soft):
        """Sets a soft limit of the running process; None puts back what it was."""
        row, option = {"processes": ("Max processes", "--nproc"), "descriptors": ("Max open files", "--nofile")}[what]
        if soft is None:
            soft = self.limited.pop(what)
        else:
            with open(f"/proc/{self.pid}/limits") as file:
                self.limited[what] = next(line[26:].split()[0] for line in file if line.startswith(row))
        # Another user's limits may not be set, not even by root everywhere.
        command = ["prlimit", f"--pid={self.pid}", f"{option}={soft}:"]
        subprocess.run(self.farm.isolation.as_user() + command, check=True)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def end(self, seconds=40):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()


class Isolation:
    """What this machine lets a test do with a process of its own."""

    def __init__(self):
        self.root = os.geteuid() == 0
        self.mounts = self._can(self._unshare() + ["sh", "-c", "mount -t tmpfs none /mnt"])
        # Root's processes are not counted, so a limit on them holds for another user only.
        self.user = self._can(self.as_user() + ["true"]) if self.root else True

    def _unshare(self):
        return ["unshare", "-m"] if self.root else ["unshare", "-r", "-m"]

    @staticmethod
    def _can(command):
        try:
            return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0
        except OSError:
            return False

    def as_user(self):
        """Another user who may read what root may."""
        if not self.root:
            return []
        return ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"] + [
            "--inh-caps=-all,+dac_override",
            "--ambient-caps=+dac_override",
        ]

    def prefix(self, mount):
        command = []
        if self.mounts:
            script = f'mount -t tmpfs -o size=4m,mode=777 winnow-test "{mount}" && exec "$@"'
            command += self._unshare() + ["sh", "-c", script, "sh"]
        if self.root and self.user:
            command += self.as_user()
        return command


class Farm:
    """One farm: its name, where its files go, how it reaches the broker, the type of its queues."""

    def __init__(self, name, binaries, out, url, isolation, clock_library=None, queue_type="classic"):
        self.name, self.binaries, self.out, self.url = name, os.path.abspath(binaries), out, url
        self.queue_type = queue_type
        self.isolation = isolation
        self.clock_library = clock_library
        self.clock_file = os.path.join(out, "clock-shift")
        self.step_clock(0)
        self.numbers = 0
        self.active = self.standby = self.watch = None
        self.memory = []  # (time, role, memory of its own in KiB)
        self.arguments = ()
        self.worker = ()

    def step_clock(self, seconds):
        with open(self.clock_file + ".new", "w") as file:
            file.write(str(int(seconds)))
        os.rename(self.clock_file + ".new", self.clock_file)

    def autoscaler(self, *args):
        self.numbers += 1
        return Autoscaler(self, f"autoscaler-{self.numbers}", *self.arguments, *args, worker=self.worker)

    def start(self, *args, worker=()):
        self.arguments, self.worker = args, worker
        self.active = self.autoscaler()
        self.follow()

    def start_standby(self):
        self.standby = self.autoscaler("--standby")
        if not wait_until(lambda: "standby" in self.standby.log(), 10):
            raise RuntimeError(f"no standby: {self.standby.log()}")

    def follow(self):
        """Watches the workers of the active autoscaler, which has some."""
        if not wait_until(lambda: scoreboard_of(self.active.pid) and children(self.active.pid), 20, 0.002):
            raise RuntimeError(f"autoscaler {self.active.pid} starts no workers: {self.active.log()[-2000:]}")
        if self.watch:
            self.watch.close()
        self.watch = Watch(self.binaries, self.active.pid)

    def workers(self):
        return children(self.active.pid)

    def busy_worker(self, seconds=5):
        """The youngest worker that is on an event and has handled one a moment ago: the oldest is the first to go."""

        def find():
            now = time.monotonic()
            recent = {each.pid for each in self.watch.since(now - 0.1)}
            busy = [pid for pid, state, _, handling in self.watch.slots() if state == 1 and handling and pid in recent]
            return max(busy, key=started) if busy else None

        pid = wait_until(find, seconds)
        if not pid:
            raise RuntimeError("no worker is busy")
        return pid

    def silence(self, since, span):
        """The longest time without a handled event that began in the span, at the least: what was not looked at
        does not count as silent. Waits for the span to pass."""
        time.sleep(max(0, since + span - time.monotonic()))
        wait_until(lambda: any(each.at > since + span for each in self.watch.since(since)), 30)
        longest, last = 0.0, since
        for each in self.watch.since(since):
            longest = max(longest, each.before - last)
            last = each.at
            if last > since + span:
                break
        else:
            longest = max(longest, time.monotonic() - last)
        return longest

    def first(self, since, timeout, watch=None):
        """How long after `since` an event was handled; infinite when none was."""
        watch = watch or self.watch
        if not wait_until(lambda: watch.since(since), since + timeout - time.monotonic(), 0.005):
            return float("inf")
        return max(0.0, watch.since(since)[0].at - since)

    def sample_memory(self, now):
        if not self.active:
            return
        value = private_kib(self.active.pid)
        if value:
            self.memory.append((now, "autoscaler", value))
        for pid in self.workers():
            value = private_kib(pid)
            if value:
                self.memory.append((now, "worker", value))

    def stop(self):
        codes = [each.end() for each in (self.standby, self.active) if each]
        if self.watch:
            self.watch.close()
        return codes


class Load:
    """A run of winnow-loadgen --verify. phases: [(seconds, events per second), ...]"""

    def __init__(self, farm, url, phases, name, *args):
        self.summary_path = os.path.join(farm.out, f"{name}.json")
        self.log_path = os.path.join(farm.out, f"{name}.log")
        self.seconds = sum(seconds for seconds, _ in phases)
        self.greatest_rate = max(rate for _, rate in phases)
        command = [os.path.join(farm.binaries, "winnow-loadgen"), "--farm", farm.name, "--verify", "--expect-dead"]
        command += ["--queue-type", farm.queue_type, "--connect-timeout", "2m", "--summary", self.summary_path]
        command += ["--confirm-window", str(CONFIRM_WINDOW)]
        for seconds, rate in phases:
            command += ["--phase", f"{int(seconds * 1000)}ms@{rate}"]
        self.process = subprocess.Popen(
            command + list(args),
            env=dict(os.environ, AMQP_URL=url),
            stdin=subprocess.DEVNULL,
            stdout=open(self.log_path, "wb"),
            stderr=subprocess.STDOUT,
        )

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def wait(self, seconds):
        """The summary, with the exit code in it; a run that does not end is ended."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        try:
            with open(self.summary_path) as file:
                summary = json.load(file)
        except (OSError, ValueError):
            summary = {}
        # Under faults it may end behind its schedule; where that alone is bad, nothing is wrong with the farm.
        faults = ("lost", "corrupted", "returned", "unconfirmed")
        if code == 1 and summary.get("behind_s", 0) > 0.5 and not any(summary.get(fault) for fault in faults):
            code = 0
        summary["exit"] = code
        return summary

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def build_clock(directory):
    """The library that steps the wall clock; None when there is no compiler."""
    library = os.path.join(directory, "wallclock.so")
    compiler = os.environ.get("CC", "gcc")
    try:
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-O2", "-o", library, os.path.join(HERE, "wallclock.c")], check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"the wall clock cannot be stepped: {error}", file=sys.stderr)
        return None
    return library
