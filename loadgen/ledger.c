#include "ledger.h"

#include <stdlib.h>
#include <string.h>

enum { CONFIRMED = 1, RETURNED = 2, ANSWERED = 4 };

/* ---- the name of an event ---- */

static char *put_hex(char *at, uint64_t value, int digits)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        if (shift < 4 * digits || value >> shift)
            *at++ = "0123456789abcdef"[value >> shift & 15];
    return at;
}

size_t ledger_format_id(uint64_t run, const struct ledger_id *id, char text[LEDGER_ID_SIZE])
{
    char *at = put_hex(text, run, 16);

    *at++ = '.';
    at = put_hex(at, id->sequence, 1);
    *at++ = '.';
    at = put_hex(at, (uint64_t)id->intended_ns, 1);
    *at = '\0';
    return (size_t)(at - text);
}

/* Only what put_hex writes: one text for a number. */
static bool take_hex(const char **at, const char *end, int digits, uint64_t *value)
{
    const char *start = *at;
    uint64_t taken = 0;

    for (; *at < end && **at != '.'; (*at)++) {
        char c = **at;
        if (*at - start == 16)
            return false;
        if (c >= '0' && c <= '9')
            taken = taken << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            taken = taken << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    if (*at - start < digits || (*at - start > digits && *start == '0'))
        return false;
    *value = taken;
    return true;
}

static bool take_dot(const char **at, const char *end)
{
    return *at < end && *(*at)++ == '.';
}

bool ledger_parse_id(uint64_t run, struct broker_bytes text, struct ledger_id *id)
{
    const char *at = text.bytes, *end = text.bytes + text.length;
    uint64_t of_run, sequence, intended;

    if (!text.length || !take_hex(&at, end, 16, &of_run) || of_run != run || !take_dot(&at, end) ||
        !take_hex(&at, end, 1, &sequence) || !take_dot(&at, end) ||
        !take_hex(&at, end, 1, &intended) || at != end || intended > INT64_MAX)
        return false;
    *id = (struct ledger_id){sequence, (int64_t)intended};
    return true;
}

/* ---- the text of a result ---- */

static bool same(struct broker_bytes a, struct broker_bytes b)
{
    return a.length == b.length && (!a.length || memcmp(a.bytes, b.bytes, a.length) == 0);
}

/* Where `mask` starts in `text` at or after `from`, or SIZE_MAX. */
static size_t find(struct broker_bytes text, struct broker_bytes mask, size_t from)
{
    const char *found = memmem(text.bytes + from, text.length - from, mask.bytes, mask.length);

    return found ? (size_t)(found - text.bytes) : SIZE_MAX;
}

static bool only_removes(struct broker_bytes original, struct broker_bytes result, size_t least)
{
    size_t kept = 0;

    for (size_t i = 0; i < original.length && kept < result.length; i++)
        kept += original.bytes[i] == result.bytes[kept];
    return kept == result.length && original.length - result.length >= least;
}

struct matcher {
    struct broker_bytes original, result, mask;
    size_t *starts; /* of every mask in the result, overlapping ones too */
    size_t start_count;
    size_t steps_left;
};

/* Charges for work; false when it has become too much. */
static bool spend(struct matcher *matcher, size_t steps)
{
    if (steps > matcher->steps_left)
        return false;
    matcher->steps_left -= steps;
    return true;
}

/* `from` bytes of the original at least are used, and the result is used up to `used`. The least
 * that can be used of the original when the mask at `start` stands for its next replaced stretch;
 * SIZE_MAX: it cannot. Using more is always possible, because a stretch may be longer: so the least
 * is enough to know. */
static size_t replace(struct matcher *matcher, size_t from, size_t used, size_t start)
{
    struct broker_bytes between = {matcher->result.bytes + used, start - used};
    size_t at = find(matcher->original, between, from);
    size_t end = at == SIZE_MAX ? matcher->original.length : at + between.length;

    if (!spend(matcher, end - from + 1) || at == SIZE_MAX || end == matcher->original.length)
        return SIZE_MAX;
    return end + 1;
}

/* Chooses `count` of the masks in the result to be the replacements, the others being part of the
 * original. Row by row: least[skipped] is the least of the original used when the count-th
 * replacement is the mask number count - 1 + skipped. */
static bool choose(struct matcher *matcher, size_t count, size_t *least, size_t *next)
{
    const size_t *starts = matcher->starts;
    size_t width = matcher->start_count - count + 1;
    struct broker_bytes original = matcher->original, result = matcher->result;

    for (size_t s = 0; s < width; s++)
        least[s] = starts[s] < original.length && spend(matcher, starts[s]) &&
                           memcmp(original.bytes, result.bytes, starts[s]) == 0
                       ? starts[s] + 1
                       : SIZE_MAX;
    for (size_t done = 1; done < count; done++) {
        for (size_t to = 0; to < width; to++) {
            next[to] = SIZE_MAX;
            for (size_t s = 0; s <= to; s++) {
                size_t used = starts[done - 1 + s] + matcher->mask.length;
                if (!spend(matcher, 1))
                    return false;
                if (least[s] == SIZE_MAX || used > starts[done + to])
                    continue;
                size_t reached = replace(matcher, least[s], used, starts[done + to]);
                if (reached < next[to])
                    next[to] = reached;
            }
        }
        memcpy(least, next, width * sizeof *least);
    }
    for (size_t s = 0; s < width; s++) {
        size_t used = starts[count - 1 + s] + matcher->mask.length;
        size_t rest = result.length - used;
        if (least[s] != SIZE_MAX && rest <= original.length && original.length - rest >= least[s] &&
            spend(matcher, rest) &&
            memcmp(original.bytes + original.length - rest, result.bytes + used, rest) == 0)
            return true;
    }
    return false;
}

bool ledger_text_matches(struct broker_bytes original, struct broker_bytes result,
                         struct broker_bytes mask, int64_t matches)
{
    struct matcher matcher = {
        .original = original, .result = result, .mask = mask, .steps_left = (size_t)1 << 26};

    if (matches <= 0)
        return matches == 0 && same(original, result);
    size_t count = (size_t)matches;
    if (count > original.length)
        return false;
    if (!mask.length)
        return only_removes(original, result, count);
    if (count > result.length / mask.length)
        return false;

    for (size_t at = 0; at < result.length && (at = find(result, mask, at)) != SIZE_MAX; at++)
        matcher.start_count++;
    if (matcher.start_count < count)
        return false;
    size_t width = matcher.start_count - count + 1;
    size_t *memory = reallocarray(NULL, matcher.start_count + 2 * width, sizeof *memory);
    if (!memory)
        return false;
    matcher.starts = memory;
    size_t filled = 0;
    for (size_t at = 0; filled < matcher.start_count; at++)
        matcher.starts[filled++] = at = find(result, mask, at);
    bool right =
        choose(&matcher, count, memory + matcher.start_count, memory + matcher.start_count + width);
    free(memory);
    return right;
}

/* ---- the accounts ---- */

int ledger_open(uint64_t run, struct broker_bytes mask, bool answers, struct ledger **out)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);

    if (!ledger)
        return -ERR_MEMORY;
    ledger->run = run;
    ledger->mask = mask;
    ledger->answers = answers;
    histogram_init(&ledger->lag);
    histogram_init(&ledger->confirm);
    histogram_init(&ledger->end_to_end);
    *out = ledger;
    return 0;
}

void ledger_close(struct ledger *ledger)
{
    if (!ledger)
        return;
    for (size_t i = 0; i < ledger->page_count; i++)
        free(ledger->pages[i].events);
    free(ledger->pages);
    free(ledger);
}

static uint8_t done_mask(const struct ledger *ledger)
{
    return ledger->answers ? CONFIRMED | ANSWERED : CONFIRMED;
}

/* The byte of a sent event; NULL when there is no such. */
static uint8_t *find_event(struct ledger *ledger, uint64_t sequence)
{
    if (sequence >= ledger->counts.published)
        return NULL;
    struct ledger_page *page = &ledger->pages[sequence / LEDGER_PAGE_EVENTS];
    ledger->done = done_mask(ledger);
    return page->events ? &page->events[sequence % LEDGER_PAGE_EVENTS] : &ledger->done;
}

/* Sets a bit of an event that may thereby be done, and its page with it. */
static void mark(struct ledger *ledger, uint64_t sequence, uint8_t *event, uint8_t bit)
{
    struct ledger_page *page = &ledger->pages[sequence / LEDGER_PAGE_EVENTS];

    *event |= bit;
    if ((*event & done_mask(ledger)) != done_mask(ledger) || ++page->done < LEDGER_PAGE_EVENTS)
        return;
    free(page->events);
    page->events = NULL;
}

/* Pages instead of one array: growing never copies the events, which would hold up the sending. */
int ledger_sent(struct ledger *ledger)
{
    if (ledger->counts.published / LEDGER_PAGE_EVENTS == ledger->page_count) {
        struct ledger_page *moved =
            reallocarray(ledger->pages, ledger->page_count + 1, sizeof *ledger->pages);
        if (!moved)
            return -ERR_MEMORY;
        ledger->pages = moved;
        moved[ledger->page_count] = (struct ledger_page){.events = calloc(LEDGER_PAGE_EVENTS, 1)};
        if (!moved[ledger->page_count].events)
            return -ERR_MEMORY;
        ledger->page_count++;
    }
    ledger->counts.published++;
    return 0;
}

void ledger_lag(struct ledger *ledger, int64_t lag_ns)
{
    histogram_record(&ledger->lag, lag_ns);
}

void ledger_sent_again(struct ledger *ledger, uint64_t sequence)
{
    uint8_t *event = find_event(ledger, sequence);

    if (event && *event & RETURNED) {
        *event &= (uint8_t)~RETURNED;
        ledger->counts.returned--;
    }
}

void ledger_confirmed(struct ledger *ledger, uint64_t sequence, int64_t latency_ns)
{
    uint8_t *event = find_event(ledger, sequence);

    if (!event || *event & (CONFIRMED | RETURNED))
        return;
    ledger->counts.confirmed++;
    if (!(*event & ANSWERED))
        ledger->counts.lost++;
    mark(ledger, sequence, event, CONFIRMED);
    histogram_record(&ledger->confirm, latency_ns);
}

void ledger_nacked(struct ledger *ledger, uint64_t sequence)
{
    if (find_event(ledger, sequence))
        ledger->counts.nacked++;
}

void ledger_returned(struct ledger *ledger, uint64_t sequence)
{
    uint8_t *event = find_event(ledger, sequence);

    if (!event || *event & (CONFIRMED | RETURNED))
        return;
    *event |= RETURNED;
    ledger->counts.returned++;
}

bool ledger_find(struct ledger *ledger, struct broker_bytes message_id,
                 struct broker_bytes correlation_id, struct ledger_id *id)
{
    struct ledger_id found;

    if ((ledger_parse_id(ledger->run, message_id, &found) && find_event(ledger, found.sequence)) ||
        (ledger_parse_id(ledger->run, correlation_id, &found) &&
         find_event(ledger, found.sequence))) {
        *id = found;
        return true;
    }
    ledger->counts.foreign++;
    return false;
}

/* Takes note of an answer: true when it is the event's first. */
static bool answer(struct ledger *ledger, uint64_t sequence, uint8_t *event)
{
    if (*event & ANSWERED) {
        ledger->counts.duplicates++;
        return false;
    }
    if (*event & CONFIRMED)
        ledger->counts.lost--;
    mark(ledger, sequence, event, ANSWERED);
    return true;
}

const char *ledger_result(struct ledger *ledger, const struct ledger_id *id,
                          const struct ledger_answer *result, struct broker_bytes original,
                          int64_t latency_ns)
{
    uint8_t *event = find_event(ledger, id->sequence);

    if (!event || (result->redelivered && *event & ANSWERED))
        return NULL;
    if (answer(ledger, id->sequence, event)) {
        ledger->counts.results++;
        histogram_record(&ledger->end_to_end, latency_ns);
    }

    const char *wrong = NULL;
    if (!result->message_id.bytes || !result->correlation_id.bytes ||
        !same(result->message_id, result->correlation_id))
        wrong = "correlation_id is not the event's message_id";
    else if (!result->has_matches)
        wrong = "no integer header winnow-matches";
    else if (!ledger_text_matches(original, result->body, ledger->mask, result->matches))
        wrong = "the body is not the event's text with winnow-matches masks in it";
    ledger->counts.corrupted += wrong != NULL;
    return wrong;
}

void ledger_dead(struct ledger *ledger, const struct ledger_id *id, bool redelivered)
{
    uint8_t *event = find_event(ledger, id->sequence);

    if (event && !(redelivered && *event & ANSWERED) && answer(ledger, id->sequence, event))
        ledger->counts.dead++;
}

void ledger_notice(struct ledger *ledger)
{
    ledger->destroyed_below = ledger->counts.published;
}

void ledger_settle(struct ledger *ledger)
{
    for (uint64_t sequence = 0; ledger_next_lost(ledger, &sequence); sequence++) {
        if (sequence >= ledger->destroyed_below)
            return;
        /* As good as answered: it is lost no more. */
        mark(ledger, sequence, find_event(ledger, sequence), ANSWERED);
        ledger->counts.lost--;
        ledger->counts.destroyed++;
    }
}

bool ledger_next_lost(const struct ledger *ledger, uint64_t *sequence)
{
    for (uint64_t each = *sequence; each < ledger->counts.published; each++) {
        const struct ledger_page *page = &ledger->pages[each / LEDGER_PAGE_EVENTS];
        if (!page->events) {
            each |= LEDGER_PAGE_EVENTS - 1;
        } else if ((page->events[each % LEDGER_PAGE_EVENTS] & (CONFIRMED | ANSWERED)) ==
                   CONFIRMED) {
            *sequence = each;
            return true;
        }
    }
    return false;
}
