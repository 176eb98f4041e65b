#!/usr/bin/python3
# quiet: no claim about time
"""A farm on several nodes in a real browser: what the buttons of nodes and workers do, and what is shown when the node
that leads is killed."""

import re
import secrets
import signal

from browser import BROWSER, DRIVER, PATIENCE_S, Browser, os, page
from nodes import Control, contextlib, node, running, states, tell_on_failure, when
from scaler import lives
from tap import diag, done_testing, equal, farm, ok, skip, wait_until

ROWS = "return Array.from(document.querySelectorAll('{} tbody tr'), (row) => Array.from(row.cells, (cell) => cell.textContent))"


def nodes_shown(browser):
    """Each node's state, as it is written, and how long ago it was heard."""
    return {row[0]: (row[1], row[7]) for row in browser.do(ROWS.format("#node-rows"))}


def shows(browser, name, pattern):
    shown = lambda: re.search(pattern, nodes_shown(browser).get(name, ("", ""))[0])
    return wait_until(shown, PATIENCE_S) or diag(nodes_shown(browser))


def confirm(browser, label):
    """Presses the button that is called so, and the one of the question."""
    browser.press(f'button[aria-label="{label}"]:not([hidden])')
    browser.press("#ask-do")


def drains(browser, control, name):
    confirm(browser, f"Drain the node {name}")
    ok(browser.wait("said", "Done: "), "a node is drained by its button")
    ok(when(control, lambda status: states(status)[name] == "drained"), "... and is drained")
    ok(shows(browser, name, "^drained"), "... which is shown")
    confirm(browser, f"Undrain the node {name}")
    ok(when(control, lambda status: states(status)[name] == "up"), "... and back by the other")
    ok(shows(browser, name, "^up"), "... which is shown, too")


def stops(browser, control, name):
    """A worker on a node that does not lead."""
    told = when(control, lambda status: any(one["node"] == name and one["state"] == "running" for one in status["workers"]))
    worker = next(one for one in told["workers"] if one["node"] == name and one["state"] == "running")
    confirm(browser, f"Stop the worker in slot {worker['slot']} of {name}")
    ok(browser.wait("said", f"Done: .*pid {worker['pid']}"), "a worker of a node that does not lead is stopped")
    ok(wait_until(lambda: not lives(worker["pid"]), PATIENCE_S), "... and ends")
    pids = lambda: [row[7] for row in browser.do(ROWS.format("#worker-rows"))]
    ok(wait_until(lambda: str(worker["pid"]) not in pids(), PATIENCE_S), "... which is shown")


def loses_a_node(browser, name, killed):
    """One that does not lead: a new leader would not know of the old one."""
    killed.signal(signal.SIGKILL)
    ok(shows(browser, name, "^lost"), "a node that was killed is shown as lost")
    heard = lambda: nodes_shown(browser)[name][1]
    first = heard()
    ok(re.search(r"^\d+ (s|min)", first) and wait_until(lambda: heard() != first, PATIENCE_S), "... with how long ago it was heard") or diag(first)


def loses_its_leader(browser, control, led, nodes):
    lost = led["leader"]
    ok(shows(browser, lost, ", leads$"), "the page shows who leads")
    nodes[lost].signal(signal.SIGKILL)
    after = when(control, lambda status: status["epoch"] > led["epoch"] and status["leader"] not in (None, lost), 2 * PATIENCE_S)
    if ok(after, "it was killed: another leads, under a higher epoch"):
        ok(shows(browser, after["leader"], ", leads$"), "... which the page shows")
        ok(browser.wait("source", rf"/{nodes[after['leader']].pid}\.$"), "... and who tells")


def run():
    name, token = farm(), secrets.token_urlsafe(32)
    with open(os.open("token", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(token + "\n")
    with contextlib.ExitStack() as stack:
        nodes = {each: stack.enter_context(node(name, each, "--history", f"{each}.csv")) for each in "abc"}
        control = stack.enter_context(Control(name))
        led = when(control, lambda status: len(status["nodes"]) == 3 and status["running"] == 4 and status.get("leader"))
        ok(led, "three nodes run a farm")
        server = stack.enter_context(page(name, options=("--control-token", "token")))
        browser = stack.enter_context(Browser(server.url))
        browser.look()
        ok(wait_until(lambda: sorted(nodes_shown(browser)) == ["a", "b", "c"], PATIENCE_S), "the page shows them")
        browser.press("#token-open")
        browser.find("#token-value").send_keys(token)
        browser.press("#token .main")
        other, third = (each for each in nodes if each != led["leader"])
        drains(browser, control, other)
        stops(browser, control, other)
        loses_a_node(browser, third, nodes[third])
        loses_its_leader(browser, control, led, nodes)
        equal(browser.complained(), [], "the browser has nothing to complain of")
        tell_on_failure(nodes.values())


if BROWSER and DRIVER:
    run()
else:
    skip("nodes on the page", "there is no chromium with its chromedriver")
done_testing()
