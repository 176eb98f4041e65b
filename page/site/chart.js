/* chart.js - the picture that `winnow-plot scaling` draws, live: workers and arrival rate over
 * time, and below them the backlog. Its nodes are made once; drawing changes what they say. */

import { SPAN_MS } from "./series.js";
import { drawn, say, set } from "./show.js";
import { clock, count, minute, number } from "./words.js";

const SPANS_MIN = [2, 5, 10, SPAN_MS / 60000]; // the least that shows all there is
const STEPS_MIN = [0.5, 1, 2, 5, 10, 15];
const MOST_LABELS = 8;
const PATHS = [
    "unknown rate", "unknown depth", "grid", "arrival-area", "backlog-area", "arrival", "backlog",
    "workers", "desired", "base", "cursor",
];
const tenths = (value) => Math.round(value * 10) / 10;

/* An axis from 0 whose steps are round numbers, so many of them that the top is on it. */
function makeAxis(top, steps, least, from, to) {
    const rough = Math.max(top / steps, least);
    const power = 10 ** Math.floor(Math.log10(rough));
    const round = least ? [1, 2, 5, 10] : [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];
    const step = round.find((factor) => factor * power >= rough * 0.999) * power;
    const used = Math.max(2, Math.ceil(top / step - 1e-9));
    const y = (value) => tenths(from + (value / (step * used)) * (to - from));
    return { used, y, values: Array.from({ length: used + 1 }, (_, i) => i * step) };
}

const most = (points, name) => points.reduce((top, point) => Math.max(top, point[name] ?? 0), 0);

/* Long numbers would not fit beside an axis: 250,000 becomes 250K. */
const short = { notation: "compact", maximumSignificantDigits: 3 };
const axisNumber = new Intl.NumberFormat("en", short).format;

/* The line of a series, the area below it, and what is unknown, as paths. How a value lies in time:
 *   "until"   a number of workers stays until the next point
 *   "since"   an arrival rate is the mean since the point before
 *   "moment"  a backlog is as it was when it was read */
function makePaths(points, name, lies, x, y, top, base) {
    const made = { line: "", area: "", unknown: "" };
    let start = null; // of the piece of line that goes on
    const end = () => {
        if (start !== null) made.area += `V${base}H${start}Z`;
        start = null;
    };
    points.forEach((point, i) => {
        const own = x(point.ms);
        const from = lies === "since" ? x(points[Math.max(i - 1, 0)].ms) : own;
        const after = x(points[Math.min(i + 1, points.length - 1)].ms);
        const to = lies === "until" ? after : own;
        if (point[name] === null) {
            end();
            const next = lies === "since" ? own : after;
            if (next > from) made.unknown += `M${from} ${top}H${next}V${base}H${from}Z`;
            return;
        }
        const height = y(point[name]);
        const ahead = to > from ? `H${to}` : "";
        if (start === null) {
            start = from;
            made.line += `M${from} ${height}${ahead}`;
            made.area += `M${from} ${base}V${height}${ahead}`;
        } else {
            const on = (lies === "moment" ? `L${from} ${height}` : `V${height}`) + ahead;
            made.line += on;
            made.area += on;
        }
    });
    end();
    return made;
}

export class Chart {
    #points = [];
    #pointer = null; // pixels from the left
    #paths = {};
    #labels = {}; // texts that are empty while they are not needed

    constructor(svg, title, readout) {
        Object.assign(this, { svg, title, readout });
        for (const name of PATHS)
            this.#paths[name] = svg.appendChild(drawn("path", { class: name }));
        for (const name of ["middle", "workers end", "arrival", "backlog end", "head"]) {
            const make = () => svg.appendChild(drawn("text", { class: name }));
            this.#labels[name] = Array.from({ length: 2 * MOST_LABELS }, make);
        }
        new ResizeObserver(() => this.draw(this.#points)).observe(svg);
        const point = (x) => { this.#pointer = x; this.#read(); };
        svg.addEventListener("pointermove", ({ offsetX }) => point(offsetX));
        svg.addEventListener("pointerleave", () => point(null));
    }

    draw(points) {
        const { clientWidth: width, clientHeight: height } = this.svg;
        this.#points = points;
        if (!width) return;
        this.#layOut(width, height);
        this.grid = "";
        this.#drawWorkers(points);
        this.#drawBacklog(points);
        this.#drawTime();
        this.#path("grid", this.grid);
        this.#read();
    }

    #path(name, d) {
        set(this.#paths[name], "d", d);
    }

    /* [x, y, text] of each */
    #label(name, labels) {
        this.#labels[name].forEach((node, i) => {
            const [x, y, text] = labels[i] ?? [0, 0, ""];
            say(node, text);
            set(node, "x", tenths(x));
            set(node, "y", tenths(y));
        });
    }

    #layOut(width, height) {
        const em = parseFloat(getComputedStyle(this.svg).fontSize);
        const [left, right, top, foot] = [3.6 * em, width - 3.6 * em, 1.5 * em, height - 1.6 * em];
        const split = top + (foot - top) * 0.58;
        const now = Date.now();
        const ageMin = (now - (this.#points[0]?.ms ?? now)) / 60000;
        const spanMin = SPANS_MIN.find((span) => ageMin <= span) ?? SPANS_MIN.at(-1);
        const scale = (right - left) / (spanMin * 60000);
        set(this.svg, "viewBox", `0 0 ${width} ${height}`);
        say(this.title, `The last ${spanMin} minutes`);
        this.x = (ms) => tenths(Math.max(left, right - (now - ms) * scale));
        this.at = (x) => now - (right - x) / scale;
        this.below = split + 2 * em;
        Object.assign(this, { em, left, right, top, split, foot, now, spanMin });
        this.#label("head", [
            [0, em * 0.8, "workers"],
            [width - 8.3 * em, em * 0.8, "arrivals, events/s"],
            [0, this.below - em * 0.7, "backlog, events"],
        ]);
    }

    /* Its numbers on one side, and its lines, which may be another's as well. */
    #drawAxis(name, { values, y }, x, lines) {
        const label = (value) => [x, y(value) + this.em * 0.33, axisNumber(value)];
        this.#label(name, values.map(label));
        const line = (value) => `M${this.left} ${y(value)}H${this.right}`;
        if (lines) this.grid += values.map(line).join("");
    }

    #drawWorkers(points) {
        const { left, right, top, split, em, x } = this;
        const highest = Math.max(most(points, "workers"), most(points, "desired"), 1);
        const workers = makeAxis(highest, 4, 1, split, top);
        const rate = makeAxis(Math.max(most(points, "arrival"), 1), workers.used, 0, split, top);
        const scale = (top - split) / (rate.values[1] * workers.used);
        const y = (value) => tenths(split + value * scale);
        const arrival = makePaths(points, "arrival", "since", x, y, top, tenths(split));
        this.#path("arrival", arrival.line);
        this.#path("arrival-area", arrival.area);
        this.#path("unknown rate", arrival.unknown);
        for (const name of ["workers", "desired"])
            this.#path(name, makePaths(points, name, "until", x, workers.y, top, split).line);
        const values = workers.values.map((_, i) => i * rate.values[1]);
        this.#drawAxis("workers end", workers, left - em * 0.5, true);
        this.#drawAxis("arrival", { values, y }, right + em * 0.5, false);
    }

    #drawBacklog(points) {
        const { left, below, foot, em, x } = this;
        const axis = makeAxis(Math.max(most(points, "backlog"), 1), 3, 1, foot, below);
        const backlog = makePaths(points, "backlog", "moment", x, axis.y, below, tenths(foot));
        this.#path("backlog", backlog.line);
        this.#path("backlog-area", backlog.area);
        this.#path("unknown depth", backlog.unknown);
        this.#drawAxis("backlog end", axis, left - em * 0.5, true);
    }

    /* Lines at whole minutes of local time. */
    #drawTime() {
        const { left, right, top, split, below, foot, em, spanMin } = this;
        const room = Math.min((right - left) / (5 * em), MOST_LABELS);
        const stepMs = 60000 * (STEPS_MIN.find((step) => spanMin / step <= room) ?? 15);
        const zoneMs = new Date(this.now).getTimezoneOffset() * 60000;
        const labels = [];
        let ms = Math.floor((this.now - zoneMs) / stepMs) * stepMs + zoneMs;
        for (; ms > this.at(left); ms -= stepMs) {
            const x = this.x(ms);
            this.grid += `M${x} ${top}V${split}M${x} ${below}V${foot}`;
            labels.push([x, foot + em * 1.3, stepMs < 60000 ? clock(ms) : minute(ms)]);
        }
        this.#label("middle", labels);
        this.#path("base", `M${left} ${tenths(split)}H${right}M${left} ${tenths(foot)}H${right}`);
    }

    /* The numbers under the pointer, or the newest. */
    #read() {
        const { left, right, top, foot } = this;
        const pointed = this.#pointer !== null && this.#pointer >= left && this.#pointer <= right;
        const ms = pointed ? this.at(this.#pointer) : Infinity;
        const off = (point) => Math.abs(point.ms - ms);
        const nearer = (best, point) => (off(point) <= off(best) ? point : best);
        const near = this.#points.length ? this.#points.reduce(nearer) : null;
        this.#path("cursor", near && pointed ? `M${this.x(near.ms)} ${top}V${foot}` : "");
        say(this.readout, near ? `${clock(near.ms)}: ${count(near.workers, "worker")} of `
            + `${number(near.desired)} wanted, ${number(near.arrival)} events/s, `
            + `backlog ${number(near.backlog)}` : "");
    }
}
