"""A storm of scale-downs: workers come and go as fast as the autoscaler can decide, under load, with winnow-run
while somebody pulls the limits up and down every second too. Nothing may be lost, answered twice or redelivered."""

import os
import random
import re
import subprocess
import time

from broker import Broker
from farm import WORKERS, Farm, Isolation, Load
from proxy import Proxy

MOST = 12
# A horizon of two intervals: the number of workers follows every whim of the arrivals.
SCALING = ["--interval", "20ms", "--horizon", "40ms", "--capacity", "2", "--min", "1", "--max", str(MOST)]
RATE_PER_S = 300
LONGEST_S = 7200


def counts(farm):
    rows = farm.active.rows()
    return [sum(int(row[name]) for row in rows) for name in ("spawned", "stopped", "crashed")]


def given_back(log):
    """Events that a worker left to others as the one at hand took long: so does every one on a busy machine."""
    return sum(map(int, re.findall(r'event=given_back events=(\d+) why="the event at hand takes long"', log)))


def pull(farm, url, chance):
    """Other limits from now on; what does not arrive is told by winnow-ctl itself."""
    low = chance.randint(1, MOST)
    limits = [f"min={low}", f"max={chance.randint(low, MOST)}"]
    command = [f"{farm.binaries}/winnow-ctl", "--farm", farm.name, "--amqp", url, "--wait", "20s", "set", *limits]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def run(binaries, out, downs, seed, worker=WORKERS["filter"], url=None, seconds=LONGEST_S, say=print):
    """0 when all is well. Without a url, on a broker of its own."""
    broker = proxy = farm = load = None
    began = time.monotonic()
    try:
        if not url:
            broker = Broker(out)
            url = broker.start()
        port = int(url.rsplit(":", 1)[1])
        proxy = Proxy(port)
        through = f"{url.rsplit(':', 1)[0]}:{proxy.port}"
        isolation = Isolation()
        isolation.mounts = isolation.user = False
        farm = Farm(f"storm-{os.getpid()}", binaries, out, through, isolation)
        pulls = not worker.censors
        farm.start(*SCALING, *(["--log-level", "debug"] if pulls else []), worker=worker.command(binaries, "--service-time", "1ms", "--prefetch", "20"))
        began = time.monotonic()
        options = ["--arrival", "poisson", "--seed", str(seed), "--log-level", "warn", *worker.load_options()]
        load = Load(farm, url, [(seconds, int(RATE_PER_S * worker.share))], "storm", *options)
        told = pulled = time.monotonic()
        chance = random.Random(seed)
        while time.monotonic() < began + seconds - 5 and load.process.poll() is None:
            time.sleep(0.2)
            if counts(farm)[1] >= downs:
                break
            if pulls and time.monotonic() - pulled > 1:
                pulled = time.monotonic()
                pull(farm, url, chance)
            if time.monotonic() - told > 30:
                told = time.monotonic()
                say(f"{told - began:7.1f} s  {counts(farm)[1]} scale-downs")
        load.stop()
        summary = load.wait(60)
        took = time.monotonic() - began
        farm.active.end()
        spawned, stopped, crashed = counts(farm)
        deliveries, redelivered = proxy.redelivered()
        given = given_back(farm.active.log()) if pulls else 0
        say(
            f"{stopped} scale-downs of {spawned} workers in {took:.0f} s ({stopped / took:.0f} a second), "
            f"{crashed} crashed; published {summary['published']} lost {summary['lost']} "
            f"duplicates {summary['duplicates']} corrupted {summary['corrupted']}; "
            f"{redelivered} of {deliveries} deliveries were redeliveries, {given} given back beside a slow event"
        )
        good = (
            stopped >= downs
            and not crashed
            and summary["exit"] == 0
            and not (summary["lost"] or summary["duplicates"] or summary["corrupted"])
            and redelivered <= given
            and deliveries >= summary["published"] > 0
        )
        if not good:
            say(f"not as it should be: {summary}\n{farm.active.log()[-3000:]}")
        return 0 if good else 1
    finally:
        try:
            if load:
                load.end()
            if farm:
                farm.stop()
            if proxy:
                proxy.close()
        finally:
            if broker:
                broker.end()


