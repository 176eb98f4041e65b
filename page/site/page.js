/* page.js - the page: which farm is shown, what came over its stream, and when it is drawn. */

import { getHistory, listFarms } from "./api.js";
import { Chart } from "./chart.js";
import { Feed } from "./feed.js";
import { Series } from "./series.js";
import { byId, drawn, element, holdFocus, mark, say, sayAll, set } from "./show.js";
import * as steer from "./steer.js";
import {
    decisionTable, LogTable, minuteTable, nodeTable, workerKey, workerTable,
} from "./tables.js";
import { age, capital, clock, count, isNumber, number, zone } from "./words.js";

const FARMS_EVERY_MS = 5000;
const OLD_S = 10; // what was heard longer ago is shown as old

const series = new Series();
const log = new LogTable();
const chart = new Chart(byId("chart"), byId("picture-title"), byId("readout"));
const minutes = minuteTable();
const terms = decisionTable();
const workers = workerTable((worker) => steer.stop(stopView(worker), worker));
const nodes = nodeTable((node) => steer.drain(view(), node));

let farms = []; // {farm, health, level}
let mayControl = false;
let farm = null; // the name of the one that is shown
let feed = null;
let answer = null; // the last of winnow-page about it
let answeredMs = 0; // when that came, by performance.now()
let lost = null; // {word, why, againMs} while there is no stream

const status = () => answer?.status ?? null;
const sinceAnswer = () => (performance.now() - answeredMs) / 1000;

/* ---- what a person sees while asked ---- */

/* seen(): the name of the last status; null when another farm is shown. */
function view() {
    const shown = farm;
    const { limits, decision } = status();
    const { min_workers: min, max_workers: max } = limits;
    const seen = () => {
        const { epoch, sequence } = status() ?? {};
        return epoch && farm === shown ? { epoch, sequence } : null;
    };
    return { farm, seen, min, max, desired: decision.desired_workers ?? min };
}

/* Those of a farm on one host are where its autoscaler is. */
function pool() {
    const { from = "", workers: all = [] } = status() ?? {};
    return all.map((worker) => ({ node: from.split("/")[1], ...worker }));
}

/* lives(): by the time of the answer the slot may be another worker's, which is not meant. */
function stopView(worker) {
    const lives = () => pool().some((one) => workerKey(one) === workerKey(worker));
    return { ...view(), lives };
}

/* ---- what is heard ---- */

function takeStatus(told) {
    answer = told;
    answeredMs = performance.now();
    lost = null;
    if (!status()) return;
    const { running, decision } = status();
    series.add(Date.now() - told.received_age_s * 1000, {
        arrival: decision.arrival_per_s,
        workers: running,
        desired: decision.desired_workers,
        backlog: decision.backlog_msgs,
    });
}

function takeLoss(refused, ms) {
    const why = refused ? refused.message : "winnow-page does not answer";
    const locked = refused?.status === 401;
    lost = { word: locked ? "locked" : "offline", why, againMs: performance.now() + ms };
    if (locked) askToRead();
    drawSoon();
}

let asked = false; // for a token to read: who left that knows how to give one

function askToRead() {
    if (!asked) steer.askForToken("winnow-page wants a token to show its farms.");
    asked = true;
}

async function loadHistory(name) {
    const history = await getHistory(name).catch(() => null);
    if (history && name === farm) series.replace(history);
    drawSoon();
}

function show(name) {
    if (name === farm) return;
    feed?.stop();
    farm = name;
    answer = lost = null;
    series.points = [];
    log.clear();
    steer.report("none", "");
    feed = new Feed(name, {
        opened: () => loadHistory(name),
        event(kind, value) {
            if (kind === "status") takeStatus(value);
            if (kind === "log") log.add(value);
            drawSoon();
        },
        lost: takeLoss,
    });
}

/* ---- which farms there are ---- */

const address = (one) => `#${encodeURIComponent(one.farm)}`;

function chosen() {
    return (farms.find((one) => location.hash === address(one)) ?? farms[0]).farm;
}

async function askFarms() {
    try {
        ({ farms, control: mayControl } = await listFarms());
        if (farms.length) show(chosen());
    } catch (error) {
        if (!farm) takeLoss(error.status ? error : null, FARMS_EVERY_MS);
    }
    drawSoon();
}

function drawFarms() {
    const list = byId("farms");
    list.hidden = farms.length < 2;
    while (list.childElementCount > farms.length) list.lastElementChild.remove();
    while (list.childElementCount < farms.length) {
        const link = list.appendChild(element("li")).appendChild(element("a"));
        const sign = link.appendChild(drawn("svg", { class: "level", "aria-hidden": "true" }));
        sign.append(drawn("use", {}));
        link.append(element("span"));
    }
    farms.forEach((one, i) => {
        const name = one.farm;
        const { health, level } = name === farm ? verdict() : one;
        const link = list.children[i].firstElementChild;
        set(link, "href", address(one));
        set(link, "aria-current", name === farm ? "page" : "false");
        mark(link, "level", level);
        set(link.querySelector("use"), "href", `#${level}`);
        say(link.lastElementChild, `${name}: ${capital(health)}`);
    });
}

/* ---- the farm that is shown ---- */

function verdict() {
    if (lost) return { health: lost.word, level: "bad", health_reason: lost.why };
    const waits = "Waiting for the first answer of winnow-page";
    return answer ?? { health: "unknown", level: "care", health_reason: waits };
}

/* One word with its reason; the number of workers with its own. */
function drawVerdict() {
    const { health, level, health_reason: reason } = verdict();
    const word = capital(health);
    const desired = number(status()?.decision.desired_workers);
    mark(document.body, "level", level);
    set(byId("level"), "href", `#${level}`);
    if ((answer || lost) && byId("health").textContent !== word)
        say(byId("announced"), `${farm}: ${word}. ${reason}`);
    sayAll({
        health: word,
        "health-reason": reason && `${reason}.`,
        farm: farm ?? "No farm",
        wanted: desired,
        sentence: answer?.sentence ?? "",
        details: answer?.details.join(" ") ?? "",
    });
    document.title = `${word}, ${desired} workers: ${farm ?? "Winnow"}`;
}

const SOURCES = { accepted: "as the queue accepts them", none: "not measured here" };

function drawMeasures() {
    const { decision = {}, limits = {}, counters = {}, ...now } = status() ?? {};
    const told = (text) => (status() ? text : "");
    const { ready_msgs: ready, in_flight_msgs: held } = decision;
    const { min_workers: min, max_workers: max } = limits;
    const { spawned, crashed } = counters;
    sayAll({
        "workers-now": number(now.running),
        "workers-of": told(`${number(now.starting)} starting, ${number(now.draining)} draining; `
            + `${min} to ${max} allowed`),
        arrivals: number(decision.arrival_per_s),
        "arrivals-of": told(SOURCES[decision.arrival_source] ?? "as they are published"),
        backlog: number(decision.backlog_msgs),
        "backlog-of": told(`${number(ready)} ready, ${number(held)} held by workers`),
        handled: number(counters.handled_msgs),
        "handled-of": told(`in ${age(now.age_s)}; ${count(spawned, "worker")} started, `
            + `${number(crashed)} crashed`),
        source: told(`Run by ${now.from}.`),
    });
}

const isFixed = () => isNumber(status()?.limits.replicas);

function drawControls() {
    byId("controls").hidden = !mayControl;
    for (const name of ["pause", "fix", "limits"]) byId(name).disabled = !status();
    say(byId("pause"), status()?.limits.paused ? "Resume…" : "Pause…");
    say(byId("fix"), isFixed() ? "Decide again…" : "Fix the number…");
}

function drawPool() {
    const { nodes: hosts = [], leader } = status() ?? {};
    const all = pool().map((worker) => ({ ...worker, steered: mayControl }));
    all.sort((a, b) => a.node.localeCompare(b.node) || a.slot - b.slot);
    workers.show(all);
    say(byId("worker-note"), all.length ? "" : "No worker runs.");
    const leads = ({ name }) => name === leader;
    nodes.show(hosts.map((node) => ({ ...node, steered: mayControl, leads: leads(node) })));
    byId("nodes").hidden = !hosts.length;
}

function drawDetails() {
    if (byId("minutes").open) minutes.show(series.minutes());
    if (!byId("why").open) return;
    say(byId("terms"), answer?.terms.join("\n") ?? "");
    terms.show(Object.entries(status()?.decision ?? {}));
}

/* What changes by itself. */
function drawAges() {
    const received = answer?.received_age_s;
    const heard = isNumber(received) ? received + sinceAnswer() : null;
    const again = lost && Math.ceil(Math.max(0, lost.againMs - performance.now()) / 1000);
    document.body.toggleAttribute("data-stale", lost || heard === null || heard > OLD_S);
    const now = Date.now();
    sayAll({
        heard: (heard === null ? "Nothing heard yet" : `Heard ${age(heard)} ago`)
            + (lost ? `; trying again in ${again} s` : ""),
        "health-age": answer && !lost ? `So for ${age(answer.health_s + sinceAnswer())}` : "",
        clock: clock(now),
        zone: zone(now),
    });
}

function draw() {
    const giveBack = holdFocus();
    drawFarms();
    drawVerdict();
    drawMeasures();
    drawControls();
    drawAges();
    drawPool();
    log.show();
    series.forget();
    chart.draw(series.points);
    drawDetails();
    giveBack();
    if (answer && !performance.getEntriesByName("told").length) performance.mark("told");
}

let waiting = false;

function drawSoon() {
    if (!waiting) requestAnimationFrame(() => { waiting = false; draw(); });
    waiting = true;
}

/* ---- from the beginning ---- */

const onClick = (id, call) => byId(id).addEventListener("click", call);

onClick("pause", () => (status().limits.paused ? steer.resume : steer.pause)(view()));
onClick("fix", () => (isFixed() ? steer.unfix : steer.fix)(view()));
onClick("limits", () => steer.limits(view()));
onClick("token-open", () => steer.askForToken("It is sent to winnow-page, and nowhere else."));
for (const id of ["minutes", "why"]) byId(id).addEventListener("toggle", drawDetails);
for (const event of ["token", "online"]) {
    addEventListener(event, () => {
        asked = false;
        feed?.retry();
        askFarms();
    });
}
addEventListener("hashchange", () => farms.length && show(chosen()));
setInterval(drawAges, 1000);
setInterval(askFarms, FARMS_EVERY_MS);
askFarms();
