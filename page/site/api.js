/* api.js - requests to winnow-page, with the token. A token is in memory, and in the tab's
 * sessionStorage where its owner wants that; it is sent in a header and nowhere else. */

const KEPT = "winnow-token";
const PATIENCE_MS = 20000;
let token = sessionStorage.getItem(KEPT) ?? "";

export const hasToken = () => token !== "";
export const isKept = () => sessionStorage.getItem(KEPT) !== null;

export function useToken(text, keep) {
    token = text;
    if (keep && token) sessionStorage.setItem(KEPT, token);
    else sessionStorage.removeItem(KEPT);
}

/* What winnow-page refused; status is 0 where it did not answer. */
export class Refusal extends Error {
    constructor(status, code, detail) {
        super(detail);
        Object.assign(this, { status, code });
    }
}

/* names: the parts of the path, as they are called */
async function request(names, options) {
    const path = ["api", "v1", ...names].map(encodeURIComponent).join("/");
    const own = { Authorization: `Bearer ${token}` };
    const headers = { ...options.headers, ...(token ? own : {}) };
    const response = await fetch(path, { credentials: "omit", ...options, headers });
    if (response.ok) return response;
    const { code, detail } = await response.json().catch(() => ({}));
    throw new Refusal(response.status, code, detail ?? `winnow-page answered ${response.status}`);
}

async function get(...names) {
    return (await request(names, { signal: AbortSignal.timeout(PATIENCE_MS) })).json();
}

export const listFarms = () => get("farms");
export const getHistory = (farm) => get("farms", farm, "history");

/* A stream of bytes that goes on until the signal. */
export async function openStream(farm, signal) {
    return (await request(["farms", farm, "stream"], { signal })).body;
}

/* What came of it, in words; throws a Refusal. */
export async function tell(farm, method, names, body) {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const headers = { "Content-Type": "application/json" };
    const options = { method, headers, body: JSON.stringify(body), signal };
    try {
        const response = await request(["farms", farm, ...names], options);
        return (await response.json()).said;
    } catch (error) {
        if (error instanceof Refusal) throw error;
        throw new Refusal(0, "", "no answer; the next status tells whether it was done");
    }
}
