/* show.js - puts texts into the page. Whatever a farm says becomes text, never markup. A node is
 * touched only where it differs: what is selected stays so, and nothing is laid out for nothing. */

export const byId = (id) => document.getElementById(id);

export function say(node, text) {
    if (node.textContent !== text) node.textContent = text;
}

/* By their ids. */
export function sayAll(texts) {
    for (const [id, text] of Object.entries(texts)) say(byId(id), text);
}

export function set(node, key, value) {
    if (node.getAttribute(key) !== String(value)) node.setAttribute(key, value);
}

export const mark = (node, name, value) => set(node, `data-${name}`, value);

/* What has the focus has it again when the result is called, unless it has been moved since; where
 * it is gone, its neighbour. */
export function holdFocus() {
    const held = document.activeElement;
    const region = held.closest(".scroll");
    const buttons = () => [...region?.querySelectorAll("button:not([hidden])") ?? []];
    const place = buttons().indexOf(held);
    const isGone = (node) => node.disabled || !node.getClientRects().length;
    return () => {
        const active = document.activeElement;
        if (active !== document.body && !isGone(active)) return;
        const near = buttons().slice(0, place + 1).pop() ?? region ?? byId("token-open");
        (isGone(held) ? near : held).focus();
    };
}

export function element(name, className) {
    const made = document.createElement(name);
    if (className) made.className = className;
    return made;
}

export function drawn(name, attributes) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
}
