#!/usr/bin/python3
# quiet: no claim about time, but for a wide one
"""A node whose cable is cut goes on with its own work, the leader above all: it says goodbye to nobody who is silent."""

import contextlib
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/system"))
sys.path.insert(0, os.path.join(os.environ["WINNOW_TOP"], "tests/chaos"))
sys.dont_write_bytecode = True
from control import Control  # noqa: E402
from nodes import node, running, tell_on_failure  # noqa: E402
from proxy import Proxy  # noqa: E402
from scaler import children  # noqa: E402
from tap import URL, done_testing, farm, ok, wait_until  # noqa: E402

LEASE_S = 20  # until it must have stopped leading
CLOSING_S = 2  # what a goodbye to a silent broker may take, for each of a leader's four connections

name = farm()
address, port = URL.rsplit(":", 1)
with contextlib.ExitStack() as stack:
    proxy = Proxy(int(port.split("/")[0]))
    stack.callback(proxy.close)
    cut = stack.enter_context(node(name, "a", amqp=f"{address}:{proxy.port}"))
    stack.callback(tell_on_failure, [cut])
    with Control(name) as control:
        ok(running(control, a=4), "a node behind a cable leads and runs four workers")
    proxy.unplug()
    ok(wait_until(lambda: "event=leading_ended" in cut.stderr(), LEASE_S), "its cable is cut, and it leads no more")
    began = time.monotonic()
    victim = next(pid for pid in children(cut.pid) if "winnow-filter" in open(f"/proc/{pid}/cmdline").read())
    os.kill(victim, signal.SIGKILL)
    ok(wait_until(lambda: f"event=worker_crashed worker={victim} " in cut.stderr(), 20), "a worker of it is killed, which it notices")
    took = time.monotonic() - began
    ok(took < 2 * CLOSING_S, f"after {took:.1f} s: it waits for no goodbye")
    ok("worker_disbelieved" not in cut.stderr(), "and goes on to believe its workers")
    proxy.mend()

done_testing()
