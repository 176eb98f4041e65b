/* series.js - the last half hour of a farm, a point a second at most. */

import { isNumber } from "./words.js";

export const SPAN_MS = 30 * 60 * 1000;
const SLOT_MS = 1000;
const SILENCE_MS = 6000; // nothing for longer is a gap, as in the history of winnow-page
export const NAMES = ["arrival", "workers", "desired", "backlog"];

/* {ms, arrival, workers, desired, backlog}; null is unknown. */
function makePoint(ms, values) {
    const point = { ms };
    for (const name of NAMES) point[name] = isNumber(values[name]) ? values[name] : null;
    return point;
}

export class Series {
    points = []; // oldest first

    /* In place of what was before, what winnow-page has heard; its clock may be another. */
    replace({ now_ms, time_ms, arrival_per_s, workers, desired, backlog_msgs }) {
        const shift = Date.now() - now_ms;
        const live = this.points.at(-1);
        this.points = time_ms.map((ms, i) => makePoint(ms + shift, {
            arrival: arrival_per_s[i],
            workers: workers[i],
            desired: desired[i],
            backlog: backlog_msgs[i],
        }));
        if (live) this.add(live.ms, live);
    }

    add(ms, values) {
        const last = this.points.at(-1) ?? { ms: -Infinity };
        if (ms < last.ms) return;
        if (ms - last.ms > SILENCE_MS && isNumber(last.ms))
            this.points.push(makePoint(last.ms + SILENCE_MS, {}));
        if (Math.floor(ms / SLOT_MS) === Math.floor(last.ms / SLOT_MS)) this.points.pop();
        this.points.push(makePoint(ms, values));
        this.forget(); // also in a tab that is hidden, and never drawn
    }

    /* What is over. */
    forget() {
        const from = Date.now() - SPAN_MS;
        const kept = this.points.findIndex(({ ms }) => ms >= from);
        this.points.splice(0, kept < 0 ? this.points.length : kept);
    }

    /* The known values of each minute, {ms, arrival: [...], ...}, newest first. */
    minutes() {
        const rows = new Map();
        for (const point of this.points) {
            const ms = Math.floor(point.ms / 60000) * 60000;
            const row = rows.get(ms) ?? { ms, arrival: [], workers: [], desired: [], backlog: [] };
            rows.set(ms, row);
            for (const name of NAMES) if (point[name] !== null) row[name].push(point[name]);
        }
        return [...rows.values()].reverse();
    }
}
