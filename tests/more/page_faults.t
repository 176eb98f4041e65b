#!/usr/bin/python3
# quiet: no claim about time
# slow: half a minute or more
"""The page while things fail before its eyes: its autoscaler is killed and another takes over, also while a button
waits; the broker restarts; winnow-page itself is killed and comes back."""

import contextlib
import os
import secrets
import signal

from browser import BROWSER, DRIVER, PATIENCE_S, Browser, page
from own_broker import OwnBroker, tool
from scaler import FILTER, autoscaler, wait_for_row
from tap import done_testing, equal, farm, ok, skip, wait_until

OPTIONS = ("--interval", "500ms", "--min", "2", "--max", "4", "--quiet", "--standby", "--", FILTER)
WELL = "^(OK|Full)$"
BROKER_S = 60  # one that starts while the machine is busy


def stale(browser):
    return browser.do("return document.body.hasAttribute('data-stale')")


def is_new(browser):
    return wait_until(lambda: not stale(browser), PATIENCE_S)


def runs(browser, pid):
    return browser.wait("source", rf"/{pid}\.$") and browser.wait("health", WELL)


def standby(start):
    """One alone, so that it is known who takes over."""
    running = start()
    ok(wait_until(lambda: "event=standby" in running.stderr(), PATIENCE_S), "another autoscaler stands by")
    return running


def killed(browser, first, second):
    ok(runs(browser, first.pid), "the page shows who runs the farm")
    first.signal(signal.SIGKILL)
    ok(runs(browser, second.pid), "it was killed: the page shows who has taken over")
    ok(is_new(browser), "... and that this is new")
    worker = browser.wait_for(f"document.querySelector('#worker-rows [data-state=running]')?.closest('tr').cells[7].textContent")
    os.kill(int(worker), signal.SIGKILL)
    ok(browser.wait("log-rows", rf"worker_crashed.*\b{worker}\b"), "... and the log tells what happens under it")


def killed_while_asked(browser, second, third, token):
    """SIGSTOP holds it, so that the command is on its way when it dies; not for long, or it is succeeded and answered for."""
    browser.press("#token-open")
    browser.find("#token-value").send_keys(token)
    browser.press("#token .main")
    browser.press("#pause")
    browser.wait_for("document.getElementById('ask').open")
    second.signal(signal.SIGSTOP)
    browser.press("#ask-do")
    browser.wait("said", "Asking")
    second.signal(signal.SIGKILL)
    ok(browser.wait("said", "Not done: ."), "killed while a button waits: the page says that nothing is known to be done")
    ok(runs(browser, third.pid), "... and goes on with the next")
    browser.press("#pause")
    browser.press("#ask-do")
    ok(browser.wait("said", "Done: paused") and browser.wait("health", "^Paused$"), "... which does what it is told")
    browser.press("#pause")
    browser.press("#ask-do")
    ok(browser.wait("health", WELL), "... and the opposite")


def broker_away(browser, broker):
    broker.stop()
    ok(browser.wait("health", "^Away$"), "the broker is away: the page says so")
    ok(wait_until(lambda: stale(browser), PATIENCE_S), "... and its numbers look old")
    ok(browser.wait("heard", r"Heard \d+ s ago"), "... with their age")
    broker.start()
    ok(browser.wait("health", WELL, BROKER_S) and is_new(browser), "it is back, and so is the farm")


def page_away(browser, name, server, url, port, options):
    server.signal(signal.SIGKILL)
    ok(browser.wait("health", "^Offline$"), "winnow-page was killed: the page says so")
    ok(stale(browser) and browser.wait("heard", r"trying again in \d+ s"), "... and tries again")
    browser.press("#limits")
    browser.press("#ask-do")
    ok(browser.wait("said", "Not done: "), "... and that a button did nothing")
    with page(name, port=port, amqp=url, options=options):
        ok(browser.wait("health", WELL) and is_new(browser), "it is back without a reload")


def run(broker):
    name, token = farm(), secrets.token_urlsafe(32)
    with open(os.open("token", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(token + "\n")
    with contextlib.ExitStack() as stack:
        start = lambda: stack.enter_context(autoscaler(name, *OPTIONS, amqp=broker.url))
        first = start()
        ok(wait_for_row(name, seconds=PATIENCE_S), "an autoscaler runs the farm")
        port = tool("port")
        options = ("--control-token", "token")
        server = stack.enter_context(page(name, port=port, amqp=broker.url, options=options))
        browser = stack.enter_context(Browser(server.url))
        browser.look()
        second = standby(start)
        killed(browser, first, second)
        third = standby(start)
        killed_while_asked(browser, second, third, token)
        broker_away(browser, broker)
        page_away(browser, name, server, broker.url, port, options)
        # Connections that are cut and requests that are refused are written down by the browser itself.
        equal(browser.complained("ERR_|status of"), [], "the browser has nothing to complain of")


if BROWSER and DRIVER:
    with OwnBroker() as broker:
        run(broker)
else:
    skip("the page while things fail", "there is no chromium with its chromedriver")
done_testing()
