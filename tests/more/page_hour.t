#!/usr/bin/python3
# quiet: no claim about time
"""An hour of the page in seconds: its clock is made fast, and a stand-in for winnow-page tells it a snapshot every two of
its seconds. What it keeps does not grow."""

import http.server
import json
import math
import os
import threading
import time

from browser import BROWSER, DRIVER, Browser
from tap import diag, done_testing, equal, ok, skip, wait_until

SITE = os.path.join(os.environ["WINNOW_TOP"], "page/site")
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
SPEED = 360  # of the browser's clock
EVERY_S = 0.005
HALF_AN_HOUR = 600  # snapshots
PATIENCE_S = 90
MOST_GROWTH_BYTES = 500_000  # one snapshot kept a time would be 5 MB
FAST = f"const begun = Date.now(); const real = Date.now; Date.now = () => begun + (real() - begun) * {SPEED};"


def snapshot(number):
    """Workers come and go, so that rows are made and forgotten."""
    count = 8 + round(6 * math.sin(number / 20))
    worker = {"state": "running", "since_s": number, "tells": True, "blocked": False, "handled_msgs": number}
    load = {"in_flight_msgs": number % 7, "busy_share": number % 10 / 10}
    workers = [{"slot": slot, "pid": number // 50 * 100 + slot, **worker, **load} for slot in range(count)]
    decision = {"time_s": number, "arrival_per_s": number % 100, "backlog_msgs": number % 1000, "desired_workers": count}
    status = {
        "from": "winnow-autoscaler/host/1", "epoch": 1, "sequence": number, "age_s": number, "running": count,
        "starting": 0, "draining": 0, "decision": decision, "workers": workers,
        "limits": {"min_workers": 0, "max_workers": 20, "paused": False, "replicas": None},
        "counters": {"handled_msgs": number, "spawned": number, "crashed": 0},
    }
    health = {"health": "ok", "level": "good", "health_reason": "", "health_s": number}
    texts = {"sentence": f"{count} workers: it is snapshot {number}.", "details": [], "terms": [f"N {count}"]}
    return {"farm": "shop", **health, **texts, "received_age_s": 0, "status": status}


class StandIn(http.server.BaseHTTPRequestHandler):
    sent = 0
    flows = threading.Event()

    def log_message(self, *_):
        pass

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        while StandIn.flows.wait():
            number = StandIn.sent
            line = {"time": "2026-01-31T12:00:00Z", "level": "warn", "event": "worker_crashed", "text": f"worker={number}"}
            line |= {"from": f"winnow-autoscaler/host/{number // 10}", "clock": number}
            for kind, value in ("log", line), ("status", snapshot(number)):
                self.wfile.write(f"event: {kind}\ndata: {json.dumps(value)}\n\n".encode())
            StandIn.sent += 1
            time.sleep(EVERY_S)

    def do_GET(self):
        name = self.path.lstrip("/") or "index.html"
        if name.endswith("/stream"):
            try:
                self.stream()
            except OSError:
                pass
        elif name.startswith("api/"):
            history = {key: [] for key in ("time_ms", "arrival_per_s", "workers", "desired", "backlog_msgs")}
            value = {"farms": [{"farm": "shop", "health": "ok", "level": "good"}], "control": True, "now_ms": 0, **history}
            self.answer(json.dumps(value).encode(), "application/json")
        else:
            with open(os.path.join(SITE, name), "rb") as file:
                self.answer(file.read(), TYPES[name.rpartition(".")[2]])


def half_an_hour(browser):
    until, at = StandIn.sent + HALF_AN_HOUR, browser.do("return Date.now()") + 31 * 60 * 1000
    return wait_until(lambda: StandIn.sent >= until and browser.do("return Date.now()") >= at, PATIENCE_S)


def kept(browser):
    """What is in use after all that is not was collected: bytes, nodes, listeners. Nothing comes meanwhile, for what has
    come and waits to be shown is in use, too."""
    StandIn.flows.clear()
    time.sleep(10 * EVERY_S)
    ok(browser.wait_for(f"document.body.textContent.includes('it is snapshot {StandIn.sent - 1}.')"), "all is shown")
    for _ in range(3):
        browser.devtools("HeapProfiler.collectGarbage")
    counters = browser.devtools("Memory.getDOMCounters")
    size = browser.devtools("Runtime.getHeapUsage")["usedSize"]
    StandIn.flows.set()
    return size, counters["nodes"], counters["jsEventListeners"]


def run(url):
    with Browser(url, FAST) as browser:
        browser.look()
        browser.do("for (const one of document.querySelectorAll('details')) one.open = true")
        ok(half_an_hour(browser), "half an hour goes by")
        before = kept(browser)
        ok(half_an_hour(browser), "and another")
        after = kept(browser)
        diag(f"bytes, nodes, listeners: {before}, then {after}, of {StandIn.sent} snapshots")
        ok(after[0] - before[0] < MOST_GROWTH_BYTES, "the page keeps no more than before")
        ok(after[1] - before[1] < 1000 and after[2] - before[2] < 100, "... and has no more nodes and listeners")
        ok(browser.wait_for("document.querySelectorAll('#log-rows tbody tr').length === 200"), "the log has its last lines")
        ok(browser.wait_for("document.querySelectorAll('#minute-rows tbody tr').length <= 31"), "... and the table its minutes")
        equal(browser.complained(), [], "the browser has nothing to complain of")


if BROWSER and DRIVER:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    server.daemon_threads = True
    StandIn.flows.set()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    run(f"http://127.0.0.1:{server.server_port}/")
else:
    skip("an hour of the page", "there is no chromium with its chromedriver")
done_testing()
