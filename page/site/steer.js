/* steer.js - buttons that ask before they act, and say what came of it; and the token for it. */

import { hasToken, isKept, tell, useToken } from "./api.js";
import { byId, element, holdFocus, mark, say, sayAll } from "./show.js";
import { clock, count } from "./words.js";

/* Shows a dialog; the value of the button that closed it, "" for Escape. */
async function open(dialog) {
    if (dialog.open) return "";
    const giveBack = holdFocus();
    dialog.returnValue = "";
    dialog.showModal();
    await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
    giveBack();
    return dialog.returnValue;
}

/* ---- the token ---- */

/* Whether there is another one now; whoever reads begins anew with "token". */
export async function askForToken(why) {
    const field = byId("token-value");
    say(byId("token-text"), why);
    byId("token-forget").hidden = !hasToken();
    byId("token-keep").checked = isKept();
    const answer = await open(byId("token"));
    const text = answer === "do" ? field.value.trim() : "";
    field.value = "";
    if (!answer) return false;
    useToken(text, byId("token-keep").checked);
    dispatchEvent(new Event("token"));
    return hasToken();
}

/* ---- questions ---- */

function numberField({ name, label, value, low }) {
    const field = element("label", "field");
    const limits = { type: "number", min: low, max: 1000, required: true };
    const input = Object.assign(element("input"), { ...limits, id: `ask-${name}`, name, value });
    field.append(label, input);
    return field;
}

/* The numbers in the fields; null when it is not to be done. */
async function ask({ title, text, fields = [], act }) {
    sayAll({ "ask-title": title, "ask-text": text, "ask-do": act });
    byId("ask-fields").replaceChildren(...fields.map(numberField));
    if (await open(byId("ask")) !== "do") return null;
    const inputs = byId("ask-fields").querySelectorAll("input");
    return Object.fromEntries(Array.from(inputs, (input) => [input.name, input.valueAsNumber]));
}

/* ---- what came of it ---- */

export function report(level, text) {
    mark(byId("said"), "level", level);
    say(byId("said"), text && `${clock(Date.now())} ${text}`);
}

async function send(farm, { method, names, body }) {
    report("none", "Asking the autoscaler…");
    try {
        report("good", `Done: ${await tell(farm, method, names, body)}.`);
    } catch ({ message, status }) {
        report("bad", `Not done: ${message}.`);
        if (status === 401 && await askForToken(`To steer: ${message}.`))
            await send(farm, { method, names, body });
    }
}

/* Asks, then for a token where there is none, then does it. The command names the status that the
 * person has before the eyes. request(values) is null when there is nothing left to do it to. */
async function carryOut(view, question, request) {
    const values = await ask(question);
    if (!values) return;
    const why = "To steer takes the token that winnow-page was given with --control-token.";
    if (!hasToken() && !await askForToken(why)) return;
    const command = view.seen() && request(values);
    if (!command) return report("care", "Not done: it is not there any more.");
    await send(view.farm, { ...command, body: { ...command.body, seen: view.seen() } });
}

const put = (spec) => ({ method: "PUT", names: ["scale"], body: { spec } });
const post = (...names) => ({ method: "POST", names, body: {} });

export const pause = (view) => carryOut(view, {
    title: `Pause ${view.farm}?`,
    text: `The number of workers stays at ${view.desired}, whatever the load, until somebody `
        + "resumes. A worker that crashes is replaced.",
    act: "Pause",
}, () => post("pause"));

export const resume = (view) => carryOut(view, {
    title: `Resume ${view.farm}?`,
    text: "The number of workers follows the load again.",
    act: "Resume",
}, () => post("resume"));

export const fix = (view) => carryOut(view, {
    title: `Fix the number of workers of ${view.farm}?`,
    text: "It stays so, whatever the load, until somebody lets it be decided again. The limits "
        + `allow ${view.min} to ${view.max}.`,
    fields: [{ name: "replicas", label: "Workers", value: view.desired, low: 0 }],
    act: "Fix it",
}, put);

export const unfix = (view) => carryOut(view, {
    title: `Let the workers of ${view.farm} be decided again?`,
    text: "Their number follows the load again, within the limits.",
    act: "Decide again",
}, () => put({ replicas: null }));

export const limits = (view) => carryOut(view, {
    title: `Set the limits of ${view.farm}?`,
    text: "They hold at once, and until the autoscaler ends.",
    fields: [
        { name: "min", label: "At least", value: view.min, low: 0 },
        { name: "max", label: "At most", value: view.max, low: 1 },
    ],
    act: "Set them",
}, put);

export const stop = (view, { node, slot, pid }) => carryOut(view, {
    title: `Stop the worker in slot ${slot}?`,
    text: `Process ${pid} on ${node} finishes what it holds, and ends. Another one takes its place `
        + "if the load asks for it.",
    act: "Stop it",
}, () => view.lives() && post("workers", node, String(slot), "stop"));

export function drain(view, { name, state, running }) {
    const back = state === "drained";
    return carryOut(view, {
        title: `${back ? "Undrain" : "Drain"} the node ${name}?`,
        text: back ? "It may run workers again." : `${count(running, "worker")} there finish what `
            + "they hold, and the other nodes take its share.",
        act: back ? "Undrain" : "Drain",
    }, () => post("nodes", name, back ? "undrain" : "drain"));
}
