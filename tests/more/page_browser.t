#!/usr/bin/python3
"""The page in a real browser, under load: its numbers are those of the history, each button does what it says, and
everybody can use it."""

import datetime
import decimal
import itertools
import json
import math
import os
import secrets

from browser import BROWSER, DRIVER, PATIENCE_S, Browser, By, install, page
from scaler import FILTER, autoscaler, lives, number, rows, wait_for_row
from tap import diag, done_testing, equal, farm, like, ok, skip, spawn, wait_until

OPTIONS = ("--interval", "500ms", "--max", "6", "--capacity", "100", "--", FILTER, "--service-time", "5ms")
MARKUP = "<img src=x onerror=alert(1)>&amp;\"'"  # may be a farm's name
AXE = "axe-core@4.10.3"
WIDTHS = (360, 1280, 2560)
# What was measured is far less; a machine that is busy with other things may take longer.
FIRST_PICTURE_MS = 5000
# So many at least, as a machine that is busy with other things keeps the rest waiting; how many were is told. A pause of
# 100 ms on the way would delay all of them, one until the next of two looks a second four in five.
SHOWN_MS = 100
IN_TIME = 0.5
DECISIONS = 40

SHOWN = """
const text = (id) => document.getElementById(id).textContent;
const cells = [...document.querySelectorAll("#decision-rows tbody tr")].map((row) => Array.from(row.cells, (cell) => cell.textContent));
return [Object.fromEntries(cells), {wanted: text("wanted"), arrivals: text("arrivals"), backlog: text("backlog"), readout: text("readout")}];
"""

# When each decision is shown, by the wall clock. The first row is drawn because the table is opened, long after its
# decision: it says nothing about how soon, and is left out.
WATCH = """
window.shown = [];
let last = null;
document.getElementById("why").open = true;
new MutationObserver(() => {
    const [row] = [...document.querySelectorAll("#decision-rows tr")].filter((one) => one.cells[0].textContent === "time_s");
    const time = row && Number(row.cells[1].textContent);
    if (!row || time === last) return;
    if (last !== null) window.shown.push([time, Date.now()]);
    last = time;
}).observe(document.getElementById("decision-rows"), {subtree: true, childList: true, characterData: true});
"""


def moment_ms(row):
    return datetime.datetime.fromisoformat(row["timestamp"].replace("Z", "+00:00")).timestamp() * 1000


def shown(value):
    """A number as the page writes it."""
    if value is None:
        return "?"
    if abs(value) < 9.95 and abs(value - round(value)) >= 0.05:
        return f"{value:.1f}"
    return f"{decimal.Decimal(value).quantize(decimal.Decimal(1), decimal.ROUND_HALF_UP):,}"


def differences(row, decision, texts):
    """Where a decision that the page shows is not that of the history."""
    text = lambda name: (float(decision[name]) if name in decision else None, number(row, name))
    words = {"policy", "params", "reason", "farm", "trigger", "arrival_source"}
    columns = set(row) - words - {"timestamp", "run"}
    wrong = [name for name in columns if len(set(text(name))) > 1]
    wrong += [name for name in words if name in decision and decision[name] != row[name]]
    want = {
        "wanted": shown(number(row, "desired_workers")),
        "arrivals": shown(number(row, "arrival_per_s")),
        "backlog": shown(number(row, "backlog_msgs")),
    }
    wrong += [name for name in want if texts[name] != want[name]]
    end = f"{want['wanted']} wanted, {want['arrivals']} events/s, backlog {want['backlog']}"
    return wrong if texts["readout"].endswith(end) else wrong + ["readout"]


def shown_soon(later):
    """later: how many ms after it was made each decision was shown."""
    ok(len(later) >= DECISIONS, f"{DECISIONS} decisions are shown") or diag(len(later))
    at = lambda share: sorted(later)[int((len(later) - 1) * share)] if later else math.inf
    diag(f"shown after {at(0.5):.0f} ms in the middle, p95 {at(0.95):.0f}, p99 {at(0.99):.0f}, {at(1):.0f} at most")
    ok(at(IN_TIME) < SHOWN_MS, f"... within {SHOWN_MS} ms of when they were made") or diag(sorted(round(ms) for ms in later))


def numbers(browser, name):
    seen = {}

    def look():
        decision, texts = browser.do(SHOWN)
        if decision:
            seen[float(decision["time_s"])] = (decision, texts)
        return len(seen) >= 8

    soon = f"window.shown.length >= {DECISIONS} && window.shown"
    browser.do(WATCH)
    ok(wait_until(look, PATIENCE_S), "decisions are shown as they are made") or diag(len(seen))
    later = browser.wait_for(soon, 2 * PATIENCE_S) or []
    told = lambda: {number(row, "time_s"): row for row in rows(name)}
    ok(wait_until(lambda: set(seen) <= set(told()), PATIENCE_S), "each of them is in the history") or diag(set(seen) - set(told()))
    table = told()
    wrong = {time: differences(table[time], *seen[time]) for time in seen if time in table}
    equal({time: names for time, names in wrong.items() if names}, {}, "... with every number of it")
    ok(any(texts["arrivals"] not in ("0", "?") for _, texts in seen.values()), "... under load")
    shown_soon([at - moment_ms(table[time]) for time, at in later if time in table])
    browser.do("document.getElementById('minutes').open = true")
    ok(browser.wait_for("document.querySelectorAll('#minute-rows tbody tr').length"), "a table stands for the picture")


def give_token(browser, token, keep=False):
    ok(browser.wait_for("document.getElementById('token').open"), "a token is asked for")
    browser.find("#token-value").send_keys(token)
    if keep:
        browser.press("#token-keep")
    browser.press("#token .main")


def confirm(browser, button, **fields):
    browser.press(button)
    browser.wait_for("document.getElementById('ask').open")
    for name, value in fields.items():
        browser.do("document.getElementById(arguments[0]).value = arguments[1]", f"ask-{name}", value)
    browser.press("#ask-do")


def steered(browser, name, button, reason, pattern="^[0-9:]+ Done: ", **fields):
    since = len(rows(name))
    confirm(browser, button, **fields)
    browser.wait("said", pattern)
    made = wait_for_row(name, lambda row: row["reason"] == reason if reason else row["reason"] not in ("paused", "fixed"), PATIENCE_S, since)
    return ok(made, f"{button} does what it says: {reason or 'decided by the load'}") and made


def buttons(browser, name, token):
    browser.press("#pause")
    browser.wait_for("document.getElementById('ask').open")
    browser.find("#ask-do").send_keys("\ue00c")  # Escape
    ok(browser.wait_for("!document.getElementById('ask').open"), "a question can be left")
    equal(browser.text("said"), "", "... and nothing is done then")

    confirm(browser, "#pause")
    give_token(browser, "x" * 40)
    browser.wait("said", "Not done: ")
    give_token(browser, token)
    ok(browser.wait("said", "Done: paused"), "the right token after a wrong one is enough")
    ok(browser.wait("health", "^Paused$"), "the page says that the farm is paused")
    ok(wait_for_row(name, lambda row: row["reason"] == "paused", PATIENCE_S), "... and the history")
    steered(browser, name, "#pause", None)
    fixed = steered(browser, name, "#fix", "fixed", replicas=3)
    equal(fixed and fixed["desired_workers"], "3", "... at the number that was given")
    confirm(browser, "#limits", min=4, max=5)
    ok(browser.wait("said", "Not done: "), "what the farm refuses is said")
    steered(browser, name, "#fix", None)
    confirm(browser, "#limits", min=2, max=5)
    limits = lambda row: (row["min_workers"], row["max_workers"]) == ("2", "5")
    ok(wait_for_row(name, limits, PATIENCE_S), "limits are set")
    stop(browser)


def stop(browser):
    """A worker that runs; its row goes with it."""
    row = "document.querySelector('#worker-rows button:not([hidden])')?.closest('tr')"
    pid = browser.wait_for(f"{row}?.cells[7].textContent")
    confirm(browser, "#worker-rows button:not([hidden])")
    browser.wait("said", "Done: ")
    listed = "return Array.from(document.querySelectorAll('#worker-rows tbody tr'), (row) => row.cells[7].textContent)"
    ok(wait_until(lambda: pid not in browser.do(listed), PATIENCE_S) and not lives(int(pid)), "a worker is stopped") or diag(pid)


def tokens(browser, url, token):
    """Where a token is, and where not."""
    kept = "return JSON.stringify([Object.values(sessionStorage), Object.values(localStorage), document.cookie, location.href])"
    ok(token not in browser.do(kept), "the token is in memory alone")
    browser.driver.get(url)
    browser.wait("health", "OK|Full")
    confirm(browser, "#pause")
    give_token(browser, token, keep=True)
    browser.wait("said", "Done: ")
    stored = json.loads(browser.do(kept))
    equal((stored[0], stored[1:3]), ([token], [[], ""]), "... but for the tab's own storage, where that is wanted")
    browser.driver.refresh()
    browser.wait("health", "Paused")
    confirm(browser, "#pause")
    ok(browser.wait("said", "Done: "), "then it outlives a reload")


def keyboard(browser):
    """From the top of the page with the keyboard alone."""
    browser.do("document.activeElement.blur()")
    reached = []
    for _ in range(30):
        browser.driver.switch_to.active_element.send_keys("\ue004")  # Tab
        reached.append(browser.do("return document.activeElement.id"))
        if reached[-1] == "limits":
            break
    browser.driver.switch_to.active_element.send_keys("\ue007")  # Enter
    ok(browser.wait_for("document.activeElement.id === 'ask-min'"), "the keyboard leads into a dialog") or diag(reached)
    browser.driver.switch_to.active_element.send_keys("\ue00c")
    ok(browser.wait_for("document.activeElement.id === 'limits'"), "... and back to where it was")


def farms(browser, name, other):
    links = lambda: browser.do("return Array.from(document.querySelectorAll('nav a'), (link) => link.textContent)")
    equal(wait_until(lambda: [text.rpartition(":")[0] for text in links()], PATIENCE_S), [name, other], "both farms are listed")
    browser.driver.find_elements(By.CSS_SELECTOR, "nav a")[1].click()
    ok(wait_until(lambda: browser.text("farm") == other, PATIENCE_S), "another farm is shown, with its name as it is")
    ok(browser.wait("health", "OK|Full"), "... and how it does")
    equal(browser.do("return document.querySelectorAll('main img').length"), 0, "markup in a name is text")
    browser.driver.find_elements(By.CSS_SELECTOR, "nav a")[0].click()
    ok(wait_until(lambda: browser.text("farm") == name, PATIENCE_S), "and back")


def reading(browser, name, token):
    with page(name, options=("--read-token", "token")) as server:
        browser.driver.get(server.url)
        give_token(browser, "y" * 40)
        ok(browser.wait("health", "^Locked$"), "whoever has not the token to read is shown nothing")
        give_token(browser, token)
        ok(browser.wait("health", "OK|Full|Paused"), "... and who has it is shown the farm")
        ok(browser.wait_for("document.getElementById('controls').hidden"), "... without buttons")
        browser.driver.get("about:blank")


def looks(browser):
    """On every width, in both schemes, with a dialog open and without."""
    for width in WIDTHS:
        browser.look(width)
        fits = "document.scrollingElement.scrollWidth <= innerWidth"
        ok(browser.wait_for(fits), f"the page fits a width of {width}") or diag(browser.do("return document.scrollingElement.scrollWidth"))
    browser.look(zone="Asia/Kolkata")
    browser.driver.refresh()
    ok(browser.wait("zone", "Asia/Calcutta|Asia/Kolkata"), "the time is local, and its zone is shown")
    browser.look()


def accessible(browser):
    said = install(AXE)
    if said:
        return skip("axe-core finds nothing", f"it cannot be installed here: {' '.join(said.split())[:200]}")
    with open("node_modules/axe-core/axe.min.js") as file:
        axe = file.read()
    for scheme, width, dialog in itertools.product(("light", "dark"), (360, 1280), (False, True)):
        browser.look(width, scheme=scheme)
        if dialog:
            browser.press("#limits")
        # By the browser's own means: the page allows no script from elsewhere.
        browser.devtools("Runtime.evaluate", expression=axe + ";0")
        run = "axe.run().then(({violations}) => JSON.stringify(violations.map(({id, nodes}) => [id, nodes.map(({html, failureSummary}) => [html, failureSummary])])))"
        found = browser.devtools("Runtime.evaluate", expression=run, awaitPromise=True)
        equal(found["result"].get("value"), "[]", f"axe-core finds nothing: {scheme}, {width} wide{', in a dialog' if dialog else ''}")
        if dialog:
            browser.press("#ask button[formnovalidate]")
    browser.look()


def quickly(browser):
    """How soon there is something to see, and that what is there stays where it is."""
    entry = "performance.getEntriesByName('{}')[0]?.startTime"
    times = []
    for _ in range(3):
        browser.driver.refresh()
        times.append([browser.wait_for(entry.format(name)) for name in ("told", "first-contentful-paint")])
    told, paint = min(times)
    diag(f"first picture after {paint:.0f} ms, the farm's numbers after {told:.0f} ms")
    ok(told < FIRST_PICTURE_MS, "the first picture comes soon")
    shifts = "new PerformanceObserver((list) => list.getEntries().forEach(({value}) => window.shifted += value))"
    browser.do(f"window.shifted = 0; {shifts}.observe({{type: 'layout-shift'}})")
    return lambda: browser.do("return window.shifted")


def run():
    name, other = farm(), farm() + MARKUP
    token = secrets.token_urlsafe(32)
    with open(os.open("token", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(token + "\n")
    load = spawn("winnow-loadgen", "--phase=75s@300", farm=name)
    with autoscaler(name, *OPTIONS), autoscaler(other, *OPTIONS), page(name, other, options=("--control-token", "token")) as server, load:
        ok(wait_for_row(name, lambda row: row["running_workers"] != "0", PATIENCE_S), "a farm runs")
        with Browser(server.url) as browser:
            browser.look()
            ok(browser.wait("health", "OK|Full"), "the page says how it does")
            like(browser.text("sentence"), r"^\d+ workers?[:,] ", "... and how many workers there are to be, and why")
            shifted = quickly(browser)
            numbers(browser, name)
            ok(shifted() < 0.1, "nothing jumps about") or diag(shifted())
            buttons(browser, name, token)
            tokens(browser, server.url, token)
            keyboard(browser)
            farms(browser, name, other)
            looks(browser)
            accessible(browser)
            reading(browser, name, token)
            # That a token is not the right one is told by a status, which the browser writes down.
            equal(browser.complained(r"status of 40[139]"), [], "the browser has nothing to complain of")
        ok(token not in server.stderr(), "the token is in no log")


if BROWSER and DRIVER:
    run()
else:
    skip("the page in a browser", "there is no chromium with its chromedriver")
done_testing()
