/* words.js - numbers, spans and times as people read them; what is unknown is "?", never 0. */

const UNKNOWN = "?";
const two = "2-digit";
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const second = new Intl.DateTimeFormat("en-GB", { hour: two, minute: two, second: two });
const minutes = new Intl.DateTimeFormat("en-GB", { hour: two, minute: two });
const named = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" });

export const isNumber = (value) => Number.isFinite(value); // of no other type either

/* "1,520", "9.9": rounded as winnow-ctl does. */
export function number(value) {
    if (!isNumber(value)) return UNKNOWN;
    const fraction = Math.abs(value) < 9.95 && Math.abs(value - Math.round(value)) >= 0.05;
    return fraction ? value.toFixed(1) : whole.format(value);
}

/* "1 worker", "8 workers". */
export function count(value, thing) {
    const text = number(value);
    return `${text} ${thing}${text === "1" ? "" : "s"}`;
}

/* "7 s", "3 min", "2 h 5 min", "4 days", whole, as it runs. */
export function age(seconds) {
    if (!isNumber(seconds)) return UNKNOWN;
    const whole = Math.floor(Math.max(seconds, 0));
    if (whole < 120) return `${whole} s`;
    if (whole < 2 * 3600) return `${Math.floor(whole / 60)} min`;
    const hours = Math.floor(whole / 3600);
    if (hours < 48) return `${hours} h ${Math.floor((whole % 3600) / 60)} min`;
    return `${Math.floor(hours / 24)} days`;
}

/* "87%" of a share of 0 to 1. */
export const percent = (share) =>
    isNumber(share) ? `${Math.round(100 * Math.min(Math.max(share, 0), 1))}%` : UNKNOWN;

/* Local times. */
export const clock = (ms) => (isNumber(ms) ? second.format(ms) : UNKNOWN);
export const minute = (ms) => minutes.format(ms);

/* "Europe/Madrid, CET": where local is. */
export function zone(ms) {
    const { timeZone } = named.resolvedOptions();
    const short = named.formatToParts(ms).find(({ type }) => type === "timeZoneName").value;
    return timeZone === short ? short : `${timeZone}, ${short}`;
}

export const capital = (word) => (word === "ok" ? "OK" : word[0].toUpperCase() + word.slice(1));
