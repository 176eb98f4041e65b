/* tables.js - workers, nodes, the log, the minutes and the last decision. Rows stay while they are
 * about the same thing: a button keeps its focus when its worker is told of anew. */

import { byId, drawn, element, mark, say, set } from "./show.js";
import { age, clock, isNumber, minute, number, percent } from "./words.js";

const MOST_ROWS = 500; // more nobody reads
const MOST_LOG = 200;

/* A column: its title, the class of its cells, and make(cell), which returns what shows an item. */
const column = (title, text, name = "") => ({
    title,
    name,
    make: (cell) => (item) => say(cell, text(item)),
});

/* A text, and a mark by which it is drawn. */
const marked = (title, name, value, text) => ({
    title,
    name,
    make: (cell) => (item) => {
        mark(cell, name, value(item));
        say(cell, text(item));
    },
});

const numbers = (title, text) => column(title, text, "n");

/* A column of buttons. word(item) is what one says, or null for none; about(item) is of what. */
const action = (title, word, about, press) => ({
    title,
    name: "act",
    make(cell) {
        const button = cell.appendChild(element("button"));
        let pressed = null;
        button.addEventListener("click", () => press(pressed));
        return (item) => {
            pressed = item;
            button.hidden = !word(item);
            say(button, `${word(item)}…`);
            set(button, "aria-label", `${word(item)} ${about(item)}`);
        };
    },
});

/* In a region that scrolls. Its rows are about items that keyOf tells apart. */
class Table {
    #rows = new Map();

    constructor(id, caption, columns, keyOf) {
        Object.assign(this, { columns, keyOf });
        const region = byId(id);
        const named = { class: "scroll", tabindex: 0, role: "region", "aria-label": caption };
        for (const [key, value] of Object.entries(named)) set(region, key, value);
        const table = region.appendChild(element("table"));
        Object.assign(table.createCaption(), { className: "unseen", textContent: caption });
        const head = table.createTHead().insertRow();
        for (const { title, name } of columns)
            head.appendChild(element("th", name)).textContent = title;
        this.body = table.createTBody();
    }

    /* What is gone goes first: to move a row would take the focus from what is in it. */
    show(items) {
        const shown = items.slice(0, MOST_ROWS);
        const keys = new Set(shown.map(this.keyOf));
        for (const [key, { row }] of this.#rows) {
            if (keys.has(key)) continue;
            row.remove();
            this.#rows.delete(key);
        }
        let place = this.body.firstElementChild;
        for (const item of shown) {
            const made = this.#rows.get(this.keyOf(item)) ?? this.#add(this.keyOf(item));
            if (made.row === place) place = place.nextElementSibling;
            else this.body.insertBefore(made.row, place);
            for (const show of made.cells) show(item);
        }
    }

    /* The first cell is the row's heading. */
    #add(key) {
        const row = element("tr");
        const cells = this.columns.map(({ name, make }, i) =>
            make(row.appendChild(element(i ? "td" : "th", name))));
        this.#rows.set(key, { row, cells });
        return { row, cells };
    }
}

function makeBusy(cell) {
    const box = { class: "share", viewBox: "0 0 100 10", preserveAspectRatio: "none" };
    const bar = cell.appendChild(drawn("svg", { ...box, "aria-hidden": "true" }));
    const filled = bar.appendChild(drawn("rect", { height: 10, width: 0 }));
    const text = cell.appendChild(element("span"));
    return ({ tells, busy_share: share }) => {
        const known = tells && isNumber(share);
        set(filled, "width", known ? Math.round(100 * share) : 0);
        say(text, percent(known ? share : null).padStart(4, "\u2007")); // spaces as wide as a digit
    };
}

/* stop(worker), drain(node): what the buttons do */
export const workerKey = ({ node, slot, pid }) => `${node}/${slot}/${pid}`;

export const workerTable = (stop) => new Table("worker-rows", "Workers", [
    column("Node", ({ node }) => node),
    numbers("Slot", ({ slot }) => String(slot)),
    marked("State", "state", ({ state }) => state,
        ({ state, blocked }) => (blocked ? `${state}, blocked` : state)),
    { title: "Busy", name: "n", make: makeBusy },
    numbers("Holds", ({ tells, in_flight_msgs }) => number(tells ? in_flight_msgs : null)),
    numbers("Handled", ({ tells, handled_msgs }) => number(tells ? handled_msgs : null)),
    numbers("For", ({ since_s }) => age(since_s)),
    numbers("Pid", ({ pid }) => String(pid)),
    action("Stop", ({ steered, state }) => steered && /^(start|runn)ing$/.test(state) && "Stop",
        ({ node, slot }) => `the worker in slot ${slot} of ${node}`, stop),
], workerKey);

const ORDERS = { up: "Drain", drained: "Undrain" }; // by its state

export const nodeTable = (drain) => new Table("node-rows", "Nodes", [
    column("Node", ({ name }) => name),
    column("State", ({ state, leads }) => (leads ? `${state}, leads` : state)),
    ...["Target", "Running", "Starting", "Draining", "Capacity"].map((title) =>
        numbers(title, (node) => number(node[title.toLowerCase()]))),
    numbers("Heard", ({ age_s }) => age(age_s)),
    action("Drain", ({ steered, state }) => steered && ORDERS[state],
        ({ name }) => `the node ${name}`, drain),
], ({ name }) => name);

/* ---- the log, newest first ---- */

const LEVELS = { error: "bad", warn: "care" };

export class LogTable {
    #lines = [];
    #number = 0;
    #heard = new Map(); // the last clock of each sender: a new stream tells the last lines again
    #table = new Table("log-rows", "Log", [
        column("Time", ({ time }) => clock(Date.parse(time))),
        marked("Level", "level", ({ level }) => LEVELS[level] ?? "none", ({ level }) => level),
        column("Event", ({ event }) => event),
        column("What", ({ text }) => text, "long"),
    ], ({ number: own }) => own);

    clear() {
        this.#lines = [];
        this.#heard.clear();
    }

    add(line) {
        if (line.clock <= (this.#heard.get(line.from) ?? -1)) return;
        this.#heard.delete(line.from);
        this.#heard.set(line.from, line.clock);
        if (this.#heard.size > MOST_LOG) this.#heard.delete(this.#heard.keys().next().value);
        this.#lines.unshift({ ...line, number: this.#number++ });
        this.#lines.length = Math.min(this.#lines.length, MOST_LOG);
    }

    show() {
        this.#table.show(this.#lines);
        byId("log-note").hidden = this.#lines.length > 0;
    }
}

/* ---- what is filled while it is open ---- */

function range(values) {
    if (!values.length) return number(null);
    const [low, high] = [number(Math.min(...values)), number(Math.max(...values))];
    return low === high ? low : `${low} to ${high}`;
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

export const minuteTable = () => new Table("minute-rows", "Minute by minute", [
    column("Minute", ({ ms }) => minute(ms)),
    numbers("Arrivals, mean/s", ({ arrival }) => number(mean(arrival))),
    numbers("Workers that run", ({ workers }) => range(workers)),
    numbers("Wanted", ({ desired }) => range(desired)),
    numbers("Backlog, most", ({ backlog }) => number(Math.max(...backlog))),
], ({ ms }) => ms);

/* Every number as it came: this is what can be compared with the file. */
export const decisionTable = () => new Table("decision-rows", "The last decision", [
    column("Column of the history", ([name]) => name),
    column("Value", ([, value]) => String(value), "long"),
], ([name]) => name);
