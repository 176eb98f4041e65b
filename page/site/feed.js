/* feed.js - reads the stream of a farm, and comes back with growing pauses when it is lost. */

import { openStream, Refusal } from "./api.js";

const FIRST_PAUSE_MS = 500;
const LAST_PAUSE_MS = 15000;
const SILENCE_MS = 15000; // winnow-page says something every 5 s
const MOST_CHARACTERS = 8 << 20; // of one event

/* told.opened()             the stream is there
 * told.event(kind, value)   something came
 * told.lost(refusal, ms)    it was lost, and is tried again after so long; refusal: what
 *                           winnow-page said, or null */
export class Feed {
    #stopped = false;
    #failed = 0; // times on end
    #attempt = new AbortController();
    #wake = () => {};

    constructor(farm, told) {
        Object.assign(this, { farm, told });
        this.#run();
    }

    stop() {
        this.#stopped = true;
        this.#attempt.abort();
        this.#wake();
    }

    /* At once, not after the pause. */
    retry() {
        this.#wake();
    }

    async #run() {
        while (!this.#stopped) {
            const error = await this.#read().catch((caught) => caught);
            this.#attempt.abort();
            if (this.#stopped) return;
            const longest = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failed++);
            const ms = longest * (0.75 + Math.random() / 4);
            this.told.lost(error instanceof Refusal ? error : null, ms);
            await new Promise((resolve) => {
                this.#wake = resolve;
                setTimeout(resolve, ms);
            });
        }
    }

    /* Until the connection ends, or nothing comes for too long. */
    async #read() {
        const attempt = (this.#attempt = new AbortController());
        let silence = setTimeout(() => attempt.abort(), SILENCE_MS);
        try {
            const body = await openStream(this.farm, attempt.signal);
            const reader = body.pipeThrough(new TextDecoderStream()).getReader();
            this.told.opened();
            let rest = "";
            for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
                clearTimeout(silence);
                silence = setTimeout(() => attempt.abort(), SILENCE_MS);
                const events = (rest + piece.value).split("\n\n");
                rest = events.pop();
                if (rest.length > MOST_CHARACTERS) throw new Error("an event that does not end");
                for (const event of events) this.#take(event);
            }
        } finally {
            clearTimeout(silence);
        }
    }

    #take(event) {
        const [, kind] = /^event: ?(.*)$/m.exec(event) ?? [];
        const [, data] = /^data: ?(.*)$/m.exec(event) ?? [];
        if (this.#stopped || !data) return;
        this.#failed = 0;
        this.told.event(kind, JSON.parse(data));
    }
}
