"""A storm of scale-downs: workers come and go as fast as the autoscaler can decide, under load, and nothing may be
lost, answered twice or redelivered."""

import os
import time

from broker import Broker
from farm import Farm, Isolation, Load
from proxy import Proxy

# A horizon of two intervals: the number of workers follows every whim of the arrivals.
SCALING = ["--interval", "20ms", "--horizon", "40ms", "--capacity", "2", "--min", "1", "--max", "12"]
RATE_PER_S = 300
LONGEST_S = 7200


def counts(farm):
    rows = farm.active.rows()
    return [sum(int(row[name]) for row in rows) for name in ("spawned", "stopped", "crashed")]


def run(binaries, out, downs, seed, url=None, seconds=LONGEST_S, say=print):
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
        farm.start(*SCALING, worker=[f"{binaries}/winnow-filter", "--service-time", "1ms", "--prefetch", "20"])
        began = time.monotonic()
        options = ["--arrival", "poisson", "--seed", str(seed), "--log-level", "warn"]
        load = Load(farm, url, [(seconds, RATE_PER_S)], "storm", *options)
        told = time.monotonic()
        while time.monotonic() < began + seconds - 5 and load.process.poll() is None:
            time.sleep(0.2)
            if counts(farm)[1] >= downs:
                break
            if time.monotonic() - told > 30:
                told = time.monotonic()
                say(f"{told - began:7.1f} s  {counts(farm)[1]} scale-downs")
        load.stop()
        summary = load.wait(60)
        took = time.monotonic() - began
        farm.active.end()
        spawned, stopped, crashed = counts(farm)
        deliveries, redelivered = proxy.redelivered()
        say(
            f"{stopped} scale-downs of {spawned} workers in {took:.0f} s ({stopped / took:.0f} a second), "
            f"{crashed} crashed; published {summary['published']} lost {summary['lost']} "
            f"duplicates {summary['duplicates']} corrupted {summary['corrupted']}; "
            f"{redelivered} of {deliveries} deliveries were redeliveries"
        )
        good = (
            stopped >= downs
            and not crashed
            and summary["exit"] == 0
            and not (summary["lost"] or summary["duplicates"] or summary["corrupted"] or redelivered)
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


