#!/usr/bin/python3
# quiet: no claim about time
"""The page without a mouse and without eyes: by keyboard, as a screen reader is told of it, enlarged, and without
motion. The farm is made up, so that it does what the test needs next."""

import contextlib
import json
import os
import re
import secrets

import pika
from browser import BROWSER, DRIVER, PATIENCE_S, Browser, page
from control import Control, Leader, answer
from scaler import FILTER, autoscaler
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from tap import connect, diag, done_testing, equal, farm, ok, skip, wait_until

LEAST_CONTRAST = 3
NODE = {"state": "up", "capacity": 4, "rank": 0, "target": 2, "starting": 0, "running": 2, "draining": 0, "age_s": 0.5}
STOP = "Stop the worker in slot {} of {}"

# As it is read out; of a link to a farm without how that does, which is another matter.
NAME = "const nameOf = (node) => node.ariaLabel ?? node.textContent.replace(/: \\w+$/, '');"

# What has the focus: its name, how it shows that, and how far this stands out from what is behind it.
FOCUSED = NAME + """
const light = (text) => {
    const [r, g, b] = text.match(/[\\d.]+/g).map((part) => part / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const held = document.activeElement;
const { outlineStyle: style, outlineWidth: width, outlineColor: color } = getComputedStyle(held);
const opaque = (node) => !/, 0\\)$|^transparent$/.test(getComputedStyle(node).backgroundColor);
let behind = held.parentElement;
while (behind && !opaque(behind)) behind = behind.parentElement;
const [low, high] = [light(color), light(getComputedStyle(behind ?? held).backgroundColor)].sort((a, b) => a - b);
const box = held.getBoundingClientRect();
const top = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height / 2, 5));
return {
    name: held === document.body ? "" : nameOf(held),
    id: held.id,
    outline: style === "none" ? 0 : parseFloat(width),
    contrast: (high + 0.05) / (low + 0.05),
    dialog: held.closest("dialog")?.id ?? "",
    seen: held.contains(top) || top?.contains(held),
};
"""
# What can take the focus, in the order of the document.
RESTING = NAME + """
const all = document.querySelectorAll("a[href], button, input, summary, [tabindex]");
return Array.from(all).filter((node) => node.checkVisibility() && !node.disabled)
    .map((node) => [nameOf(node), getComputedStyle(node).outlineStyle]);
"""
# How often what is read aloud by itself was another.
LISTEN = """
window.said = [];
const observer = new MutationObserver((list) => list.forEach(({ target }) =>
    window.said.push((target.closest?.("[id]") ?? target.parentElement.closest("[id]")).textContent)));
for (const node of document.querySelectorAll("[aria-live], [role=status], [role=alert], [role=log], [role=timer], output, marquee"))
    observer.observe(node, { subtree: true, childList: true, characterData: true });
"""
# What is cut off, or reaches out of the window; a table scrolls within itself.
CUT = """
const out = [];
for (const node of document.body.querySelectorAll("*")) {
    const box = node.getBoundingClientRect();
    if (!box.width || node.closest(".unseen, .scroll, .shapes, dialog:not([open])")) continue;
    const clips = !node.ownerSVGElement && /hidden|clip/.test(getComputedStyle(node).overflowX);
    if (box.right > innerWidth + 1 || box.left < -1 || (clips && node.scrollWidth > node.clientWidth + 1))
        out.push(`${node.tagName} ${node.id || node.className} ${Math.round(box.left)} to ${Math.round(box.right)}`);
}
if (document.scrollingElement.scrollWidth > innerWidth) out.push(`the page: ${document.scrollingElement.scrollWidth}`);
return out;
"""


class Made:
    """A farm on nodes a and b, each with workers in slots 0 to 2 and the same processes, as containers have them."""

    def __init__(self, name, status):
        worker = status["workers"][0] | {"state": "running"}
        workers = [worker | {"node": node, "slot": slot, "pid": 11 + slot} for node in "ab" for slot in range(3)]
        nodes = [NODE | {"name": "a"}, NODE | {"name": "b", "state": "drained"}]
        self.name, self.status = name, status | {"farm": name, "sequence": 1000, "leader": "a", "nodes": nodes, "workers": workers}
        self.leader = Leader(name, self._answer)
        self.connection = connect()
        self.channel = self.connection.channel()

    def _answer(self, command):
        status = command["verb"] == "status"
        return [("status", json.dumps(self.status)) if status else answer(self.name, "done")]

    def __enter__(self):
        self.leader.__enter__()
        return self

    def __exit__(self, *how):
        self.leader.__exit__(*how)
        self.connection.close()

    def told(self):
        """What it was told to do."""
        return [(each["verb"], each.get("node"), each.get("slot")) for each in list(self.leader.heard) if each["verb"] != "status"]

    def become(self, browser, **changed):
        """Says how it is now; returns when that is shown."""
        self.status = {**self.status, **changed, "sequence": self.status["sequence"] + 1}
        self.status["decision"] = self.status["decision"] | {"tick": self.status["sequence"]}
        self.channel.basic_publish(f"{self.name}.control", "status", json.dumps(self.status), pika.BasicProperties(type="status"))
        browser.do("document.getElementById('why').open = true")
        shown = f"[...document.querySelectorAll('#decision-rows tr')].some((row) => row.textContent === 'tick{self.status['sequence']}')"
        if not browser.wait_for(shown):
            raise RuntimeError("a status is not shown")

    def workers(self, *without, **changed):
        """All but those of a, by slot; `changed` is of slot 1 there."""
        of_a = lambda worker, slots: worker["node"] == "a" and worker["slot"] in slots
        return [each | (changed if of_a(each, (1,)) else {}) for each in self.status["workers"] if not of_a(each, without)]


def press(browser, *keys):
    chain = ActionChains(browser.driver, duration=0)
    for key in keys:
        chain.send_keys(key)
    chain.perform()


def back(browser):
    ActionChains(browser.driver, duration=0).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()


def focused(browser):
    return browser.do(FOCUSED)


def is_focused(browser, name):
    return wait_until(lambda: focused(browser)["name"] == name, PATIENCE_S) or diag(f"the focus is on {focused(browser)}")


def focus(browser, name):
    """Of what Tab reaches."""
    all_of_them = "[...document.querySelectorAll('a[href], button, summary, .scroll')]"
    found = f"(() => {{ {NAME} return {all_of_them}.find((node) => nameOf(node) === {json.dumps(name)} && node.checkVisibility() && !node.disabled); }})()"
    browser.wait_for(f"Boolean({found})")
    browser.do(f"{found}.focus()")


def is_open(browser, dialog):
    return browser.wait_for(f"document.getElementById({dialog!r}).open")


def is_closed(browser, dialog):
    return browser.wait_for(f"!document.getElementById({dialog!r}).open")


# ---- the keyboard ----


def everything_is_reached(browser, farms, scheme):
    browser.driver.refresh()
    browser.wait("health", "^OK$")
    wait_until(lambda: len(browser.do(RESTING)) >= 19, PATIENCE_S)
    at_rest = browser.do(RESTING)
    stops = [STOP.format(slot, node) for node in "ab" for slot in range(3)]
    want = [*farms, "Token…", "Pause…", "Fix the number…", "Limits…", "The same as a table, minute by minute"]
    want += ["How the last decision came about", "Workers", *stops, "Nodes", "Drain the node a", "Undrain the node b", "Log"]
    reached = []
    for _ in range(len(want)):
        press(browser, Keys.TAB)
        reached.append(focused(browser))
    equal([each["name"] for each in reached], want, f"{scheme}: Tab reaches everything in its order")
    equal([name for name, _ in at_rest], want, "... and there is nothing else")
    equal({style for _, style in at_rest}, {"none"}, "... nothing of which looks as if it had the focus")
    pale = [each for each in reached if each["outline"] < 2 or each["contrast"] < LEAST_CONTRAST or not each["seen"]]
    equal(pale, [], f"... but what has it, with a contrast of {min(each['contrast'] for each in reached):.1f}")


def everything_is_operated(browser, made, farms):
    for key, about in ((Keys.ENTER, "Enter"), (Keys.SPACE, "Space")):
        for name, dialog in (("Token…", "token"), ("Pause…", "ask"), ("Fix the number…", "ask"), ("Limits…", "ask"),
                             (STOP.format(1, "b"), "ask"), ("Drain the node a", "ask"), ("Undrain the node b", "ask")):
            focus(browser, name)
            press(browser, key)
            ok(is_open(browser, dialog) and focused(browser)["dialog"] == dialog, f"{about} presses {name!r}, and what opens has the focus")
            press(browser, Keys.ESCAPE)
            ok(is_closed(browser, dialog) and is_focused(browser, name), "... which Escape gives back")
        focus(browser, "How the last decision came about")
        was = browser.do("return document.getElementById('why').open")
        press(browser, key)
        ok(browser.wait_for(f"document.getElementById('why').open === {str(not was).lower()}"), f"{about} opens and closes what is below")
    focus(browser, "Pause…")
    press(browser, Keys.ENTER)
    is_open(browser, "ask")
    # A dialog says later that it is closed; who is quick is elsewhere by then.
    browser.do("const dialog = document.getElementById('ask'); dialog.addEventListener('close', () => setTimeout(() => (dialog.said = true)));"
               "dialog.close(); document.getElementById('token-open').focus()")
    ok(browser.wait_for("document.getElementById('ask').said") and focused(browser)["name"] == "Token…", "who moves the focus at once keeps it")
    equal(made.told(), [], "nothing was done by any of that")
    for name in reversed(farms):
        focus(browser, name)
        press(browser, Keys.ENTER)
        ok(browser.wait("farm", f"^{re.escape(name)}$"), f"Enter follows the link to {name!r}")
    ok(browser.wait("health", "^OK$"), "... and back")


def a_dialog_keeps_the_focus(browser):
    """The browser's own controls may come between the last and the first."""
    for name, dialog, wanted in (("Limits…", "ask", 4), ("Token…", "token", 4), (STOP.format(0, "a"), "ask", 2)):
        for step, about in ((lambda: press(browser, Keys.TAB), "Tab"), (lambda: back(browser), "Shift and Tab")):
            focus(browser, name)
            press(browser, Keys.ENTER)
            is_open(browser, dialog)
            held = [focused(browser)]
            for _ in range(2 * wanted + 2):
                step()
                held.append(focused(browser))
            within = [each for each in held if each["dialog"] == dialog]
            equal({each["name"] for each in held if not each["dialog"]} - {""}, set(), f"{name}: {about} stays in its dialog")
            ok(len({each["id"] + each["name"] for each in within}) == wanted, "... and goes round there") or diag(held)
            pale = [each for each in within if each["outline"] < 2 or each["contrast"] < LEAST_CONTRAST]
            equal(pale, [], "... where the focus is seen as well")
            press(browser, Keys.ESCAPE)
            ok(is_closed(browser, dialog) and is_focused(browser, name), "... and comes back from any of it")


def the_focus_stays(browser, made):
    all_of_them = made.status["workers"]
    held = STOP.format(1, "a")
    focus(browser, held)
    made.become(browser, workers=made.workers(handled_msgs=4321))
    ok(is_focused(browser, held), "the focus stays when its row says something else")
    made.become(browser, workers=made.workers(0))
    ok(is_focused(browser, held), "... when the row before it goes")
    made.become(browser, workers=all_of_them)
    ok(is_focused(browser, held), "... and comes")
    made.become(browser, workers=list(reversed(all_of_them)), nodes=list(reversed(made.status["nodes"])))
    ok(is_focused(browser, held), "... and when all of them are told in another order")
    drain = "Drain the node a"
    focus(browser, drain)
    made.become(browser, workers=all_of_them, nodes=list(reversed(made.status["nodes"])))
    ok(is_focused(browser, drain), "... also on a node")

    focus(browser, held)
    made.become(browser, workers=made.workers(state="draining"))
    ok(is_focused(browser, STOP.format(2, "a")), "when its worker drains, the next one has it")
    made.become(browser, workers=made.workers(1, 2))
    ok(is_focused(browser, STOP.format(0, "b")), "... and when that is gone, the next")
    focus(browser, STOP.format(2, "b"))
    made.become(browser, workers=made.status["workers"][:-1])
    ok(is_focused(browser, STOP.format(1, "b")), "... of the last one, the one before")
    press(browser, Keys.ENTER)
    is_open(browser, "ask")
    made.become(browser, workers=made.status["workers"][:-1])
    ok(focused(browser)["dialog"] == "ask", "a question goes on without its worker")
    press(browser, Keys.ESCAPE)
    ok(is_closed(browser, "ask") and is_focused(browser, STOP.format(0, "b")), "... and its neighbour has the focus then")
    made.become(browser, workers=[])
    ok(is_focused(browser, "Workers"), "where no worker is left, the table has it")
    made.become(browser, workers=all_of_them)
    ok(is_focused(browser, "Workers"), "... and keeps it")


# ---- what is meant ----


def give_token(browser, token):
    focus(browser, "Token…")
    press(browser, Keys.ENTER)
    is_open(browser, "token")
    press(browser, token, Keys.ENTER)
    ok(is_closed(browser, "token"), "a token is given by keyboard")


def a_worker_is_told_by_its_node(browser, made):
    """While it is asked about, a worker of b ends; the one of a in the same slot with the same process is another."""
    focus(browser, STOP.format(1, "b"))
    press(browser, Keys.ENTER)
    is_open(browser, "ask")
    all_of_them = made.status["workers"]
    made.become(browser, workers=[each for each in all_of_them if (each["node"], each["slot"]) != ("b", 1)])
    press(browser, Keys.ENTER)
    ok(browser.wait("said", "Not done: it is not there any more"), "a worker that has ended meanwhile is not stopped")
    equal(made.told(), [], "... nor the one of another node that looks alike")
    made.become(browser, workers=all_of_them)
    focus(browser, STOP.format(1, "b"))
    press(browser, Keys.ENTER)
    is_open(browser, "ask")
    press(browser, Keys.ENTER)
    ok(browser.wait("said", "Done: "), "a worker is stopped by keyboard")
    equal(made.told(), [("stop", "b", 1)], "... the one that is meant")


# ---- what a screen reader is told ----


def read_aloud(browser):
    """But for that the machine was so busy that the farm was not heard for a while."""
    return [text for text in browser.do("return window.said") if not re.search(r": (Silent|OK|Unknown)\b", text)]


def is_told_what_matters(browser, made):
    browser.do(LISTEN)
    limits = made.status["limits"]
    for i in range(4):
        numbers = made.status["decision"] | {"backlog_msgs": 100 + i, "arrival_per_s": 200 + i}
        made.become(browser, decision=numbers, workers=made.workers(handled_msgs=5000 + i), age_s=made.status["age_s"] + 1)
    was = browser.text("clock")
    ok(wait_until(lambda: browser.text("clock") != was, PATIENCE_S), "numbers and the time go on")
    equal(read_aloud(browser), [], "... and are not read aloud")
    made.become(browser, limits=limits | {"paused": True})
    said = wait_until(lambda: read_aloud(browser), PATIENCE_S)
    ok(len(said) == 1 and re.search(f"^{made.name}: Paused\\. ", said[0]), "another word for how the farm does is, once") or diag(said)
    made.become(browser, limits=limits)
    browser.wait("announced", ": OK")
    browser.do("window.said.length = 0")
    focus(browser, "Limits…")
    press(browser, Keys.ENTER)
    is_open(browser, "ask")
    press(browser, Keys.ENTER)
    ok(browser.wait_for("window.said.some((text) => /Done: /.test(text))"), "and so is what came of an action") or diag(browser.do("return window.said"))


def accessible_nodes(browser):
    nodes = browser.devtools("Accessibility.getFullAXTree")["nodes"]
    value = lambda node, key: node.get(key, {}).get("value", "")
    return [(value(node, "role"), value(node, "name"), value(node, "description")) for node in nodes if not node.get("ignored")]


def has_names(browser):
    browser.do("for (const each of ['why', 'minutes']) document.getElementById(each).open = true")
    browser.wait_for("document.querySelectorAll('#minute-rows tbody tr').length")
    nodes = accessible_nodes(browser)
    named = lambda *roles: [name for role, name, _ in nodes if role in roles]
    buttons = named("button")
    equal([name for name in buttons if buttons.count(name) > 1 or not name.strip()], [], "each button has a name of its own")
    ok(set(STOP.format(slot, node) for node in "ab" for slot in range(3)) <= set(buttons), "... those of workers with slot and node")
    ok({"Workers", "Nodes", "Log", "The last decision", "Minute by minute"} <= set(named("table")), "each table has a name") or diag(named("table"))
    headers = named("columnheader")
    ok({"Node", "Slot", "State", "Busy", "Time", "Level", "Minute", "Wanted", "Value"} <= set(headers), "... and headings of its columns") or diag(headers)
    rows = named("rowheader")
    ok({"a", "b", "tick"} <= set(rows), "... and of its rows") or diag(rows)
    headings = named("heading")
    ok({"Workers", "Nodes", "Log"} <= set(headings) and len(headings) >= 5, "there are headings") or diag(headings)
    pictures = [(name, about) for role, name, about in nodes if role in ("image", "img")]
    picture = next((about for name, about in pictures if re.search(r"^The last \d+ minutes$", name)), "")
    ok(re.search(r"\d+ workers? of \d+ wanted, .* events/s, backlog", picture), "the picture has a name, and its newest numbers as a text") or diag(pictures)
    ok({"banner", "main", "navigation", "contentinfo"} <= {role for role, _, _ in nodes}, "the page has its landmarks")


# ---- what is seen ----


def does_not_move(browser):
    browser.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    ok(browser.do("return matchMedia('(prefers-reduced-motion: reduce)').matches"), "less motion is wanted")
    moving = """return [...document.querySelectorAll("*")].flatMap((node) => [node, "::before", "::after", "::backdrop"].map((part) =>
        getComputedStyle(node, part === node ? null : part))).filter(({ transitionDuration: change, animationName: name, scrollBehavior: scroll }) =>
        change !== "0s" || name !== "none" || scroll === "smooth").length"""
    for about, dialog in (("the page", False), ("a dialog", True)):
        if dialog:
            browser.press("#limits")
            is_open(browser, "ask")
        equal((browser.do(moving), browser.do("return document.getAnimations().length")), (0, 0), f"... and nothing of {about} moves")
    press(browser, Keys.ESCAPE)


def fits_when_enlarged(browser):
    """1,280 pixels at 200 % and at 400 %."""
    for width in (640, 320):
        for dialog in (None, "limits", "token-open"):
            browser.look(width, 450)
            if dialog:
                browser.press(f"#{dialog}")
            equal(browser.do(CUT), [], f"nothing is cut off at {width} pixels{f', with {dialog} open' if dialog else ''}")
            if dialog:
                press(browser, Keys.ESCAPE)
    browser.look()


def true_status():
    """Of a farm that runs, for the one that is made up."""
    name = farm()
    with autoscaler(name, "--interval", "200ms", "--min", "1", "--", FILTER), Control(name) as control:
        control.run()
        told = lambda: control.last and control.last["decision"] and control.last["running"] and control.last
        return control.wait(told, PATIENCE_S)


def run():
    name, other = farm(), farm()
    token = secrets.token_urlsafe(32)
    with open(os.open("token", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(token + "\n")
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(Made(name, true_status()))
        server = stack.enter_context(page(name, other, options=("--control-token", "token")))
        browser = stack.enter_context(Browser(server.url))
        browser.look()
        farms = [name, other]
        shown = lambda: browser.do("return Array.from(document.querySelectorAll('nav a'), (link) => link.textContent)")
        ok(wait_until(lambda: shown() == [f"{name}: OK", f"{other}: Unled"], PATIENCE_S), "two farms are shown")
        browser.wait("health", "^OK$")
        for scheme in ("dark", "light"):
            browser.look(scheme=scheme)
            everything_is_reached(browser, farms, scheme)
        everything_is_operated(browser, made, farms)
        a_dialog_keeps_the_focus(browser)
        the_focus_stays(browser, made)
        give_token(browser, token)
        a_worker_is_told_by_its_node(browser, made)
        is_told_what_matters(browser, made)
        has_names(browser)
        fits_when_enlarged(browser)
        does_not_move(browser)
        equal(browser.complained(), [], "the browser has nothing to complain of")


if BROWSER and DRIVER:
    run()
else:
    skip("the page without a mouse", "there is no chromium with its chromedriver")
done_testing()
