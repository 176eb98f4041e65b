"""What the bench and the experiments share: a private broker, a farm on it, and measuring its programs."""
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import pika

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PATIENCE_S = 120


def cpu_s(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def pss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        return next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))


def conditions():
    return (f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start; RabbitMQ of its own on the"
            " same machine, loopback; persistent events of about 60 bytes")


def end(process):
    process.terminate()
    if process.wait(30) not in (0, -15):
        sys.exit(f"{process.args[0]} ended with {process.returncode}")


@contextlib.contextmanager
def private_broker_in(directory):
    """The URL of a broker that lives as long as the block, or until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    tool = os.path.join(TOP, "tools", "private-broker")
    try:
        yield subprocess.run([tool, "start", directory], check=True, capture_output=True, text=True).stdout.strip()
    finally:
        subprocess.run([tool, "stop", directory], check=False)


@contextlib.contextmanager
def private_broker():
    with tempfile.TemporaryDirectory(prefix="winnow-bench.") as work:
        with private_broker_in(os.path.join(work, "broker")) as url:
            yield url


class Farm:
    def __init__(self, url, binaries, name, queue_type="classic", declare=True):
        self.binaries, self.name = binaries, name
        self.bare = os.path.join(os.path.dirname(binaries), "tests", "bench", "bare")
        self.environment = dict(os.environ, AMQP_URL=url, WINNOW_FARM=name, WINNOW_QUEUE_TYPE=queue_type,
                                WINNOW_LOG_LEVEL="warn")
        self.channel = pika.BlockingConnection(pika.URLParameters(f"{url}?heartbeat=0")).channel()
        if declare:
            self.loadgen("1ms@1000")
            self.empty()

    def command(self, *words):
        """A program of ours by its name, anything else by its path."""
        program = os.path.join(self.binaries, words[0]) if words[0].startswith("winnow-") else words[0]
        return [program, *(str(word) for word in words[1:])]

    def start(self, *words):
        return subprocess.Popen(self.command(*words), env=self.environment, stdout=subprocess.DEVNULL)

    def output_of(self, *words):
        return subprocess.run(self.command(*words), env=self.environment, check=True,
                              stdout=subprocess.PIPE, text=True).stdout

    def loadgen(self, *phases, arguments=(), verdicts=(0, 1)):
        """Its summary. A rate beyond its reach makes it end with 1; that is what some measure."""
        with tempfile.NamedTemporaryFile() as summary:
            phases = [word for phase in phases for word in ("--phase", phase)]
            command = self.command("winnow-loadgen", *phases, "--summary", summary.name, *arguments)
            code = subprocess.run(command, env=self.environment, check=False, stdout=subprocess.DEVNULL).returncode
            found = json.load(summary) if code in verdicts else {}
            if not found or found["confirmed"] != found["published"]:
                sys.exit(f"{' '.join(command)} ended with {code}")
            return found

    def publish(self, events):
        """Events/s of a bare publisher."""
        return events / float(self.output_of(self.bare, "publish", f"{self.name}.events", events))

    def length(self, queue):
        return self.channel.queue_declare(f"{self.name}.{queue}", passive=True).method.message_count

    def empty(self):
        for queue in ("work", "results", "dead"):
            self.channel.queue_purge(f"{self.name}.{queue}")

    def wait_for_results(self, events, patience_s=PATIENCE_S):
        deadline = time.monotonic() + patience_s
        while self.length("results") < events:
            time.sleep(0.01)
            if time.monotonic() > deadline:
                sys.exit(f"{self.length('results')} of {events} results after {patience_s} s")

    def work_off(self, events, *commands):
        """Fills the queue, then starts the workers. Events/s from then to the last result, processor microseconds
        an event in the workers, and the KiB (PSS) of each."""
        self.publish(events)
        started = time.monotonic()
        processes = [self.start(*command) for command in commands]
        self.wait_for_results(events)
        took_s = time.monotonic() - started
        used_us = sum(cpu_s(process.pid) for process in processes) / events * 1e6
        memory = [pss_kib(process.pid) for process in processes]
        for process in processes:
            end(process)
        self.empty()
        return events / took_s, used_us, memory

    def bare_work(self, events, how="work", *more):
        """Events/s of the bare worker for the same, its start included too; `answer` makes results like ours, and
        `spawn` has them made by a program."""
        self.publish(events)
        started = time.monotonic()
        process = self.start(self.bare, how, f"{self.name}.work", f"{self.name}.results", events, *more)
        self.wait_for_results(events)
        took_s = time.monotonic() - started
        if process.wait(30):
            sys.exit("the bare worker failed")
        self.empty()
        return events / took_s

    def first_result_ms(self, *command):
        """From starting a worker to its first result."""
        self.channel.basic_publish(f"{self.name}.events", "", "Hola tonto")
        started = time.monotonic()
        process = self.start(*command)
        for method, _, _ in self.channel.consume(f"{self.name}.results", auto_ack=True,
                                                 inactivity_timeout=PATIENCE_S):
            if method is None:
                sys.exit(f"no result within {PATIENCE_S} s")
            took_s = time.monotonic() - started
            break
        self.channel.cancel()
        end(process)
        return took_s * 1e3


def median(values):
    return statistics.median(values)
