#include "ledger.h"

#include <stdlib.h>

enum { CONFIRMED = 1, RETURNED = 2, ANSWERED = 4 };

int ledger_open(uint64_t run, bool answers, struct ledger **out)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);

    if (!ledger)
        return -ERR_MEMORY;
    ledger->run = run;
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

/* The bits of an event of which nothing more is expected. */
static uint8_t done_bits(const struct ledger *ledger)
{
    return ledger->answers ? CONFIRMED | ANSWERED : CONFIRMED;
}

/* The byte of a sent event; NULL when there is no such. */
static uint8_t *find_event(struct ledger *ledger, uint64_t sequence)
{
    if (sequence >= ledger->counts.published)
        return NULL;
    struct ledger_page *page = &ledger->pages[sequence / LEDGER_PAGE_EVENTS];
    ledger->done_event = done_bits(ledger);
    return page->events ? &page->events[sequence % LEDGER_PAGE_EVENTS] : &ledger->done_event;
}

/* Sets a bit of an event that may thereby be done, and its page with it. */
static void mark(struct ledger *ledger, uint64_t sequence, uint8_t *event, uint8_t bit)
{
    struct ledger_page *page = &ledger->pages[sequence / LEDGER_PAGE_EVENTS];

    *event |= bit;
    if ((*event & done_bits(ledger)) != done_bits(ledger) || ++page->done < LEDGER_PAGE_EVENTS)
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

void ledger_record_lag(struct ledger *ledger, int64_t lag_ns)
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

static bool is_sent(struct ledger *ledger, struct broker_bytes name, struct event_id *id)
{
    return event_id_parse(ledger->run, name, id) && find_event(ledger, id->sequence);
}

bool ledger_find(struct ledger *ledger, struct broker_bytes message_id,
                 struct broker_bytes correlation_id, struct event_id *id)
{
    if (is_sent(ledger, message_id, id) || is_sent(ledger, correlation_id, id))
        return true;
    ledger->counts.foreign++;
    return false;
}

/* A message that was handed out before may be the very answer that was counted then. */
static bool is_counted(const uint8_t *event, bool redelivered)
{
    return redelivered && *event & ANSWERED;
}

/* Takes note of an answer: true when it is the event's first. */
static bool count_answer(struct ledger *ledger, uint64_t sequence, uint8_t *event)
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

bool ledger_result(struct ledger *ledger, uint64_t sequence, bool right, bool redelivered,
                   int64_t latency_ns)
{
    uint8_t *event = find_event(ledger, sequence);

    if (!event || is_counted(event, redelivered))
        return false;
    if (count_answer(ledger, sequence, event)) {
        ledger->counts.results++;
        histogram_record(&ledger->end_to_end, latency_ns);
    }
    ledger->counts.corrupted += !right;
    return true;
}

void ledger_dead(struct ledger *ledger, uint64_t sequence, bool redelivered)
{
    uint8_t *event = find_event(ledger, sequence);

    if (event && !is_counted(event, redelivered) && count_answer(ledger, sequence, event))
        ledger->counts.dead++;
}

void ledger_queue_deleted(struct ledger *ledger)
{
    ledger->destroyed_below = ledger->counts.published;
}

void ledger_conclude(struct ledger *ledger)
{
    for (uint64_t sequence = 0; ledger_next_lost(ledger, &sequence); sequence++) {
        if (sequence >= ledger->destroyed_below)
            return;
        /* Marked as answered, it is not lost any more. */
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
