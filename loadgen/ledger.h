/* ledger.h - accounts for every event of a run: what was sent, what the broker took, what came
 * back. Pure.
 *
 * It knows an event by its sequence number and keeps one byte for it. Everything else it hears from
 * the publisher and the collector.
 *
 *      sent -+-> confirmed -+-> result      confirmed with neither: lost, until it comes
 *            |              +-> dead        the first answer counts, each further is a duplicate
 *            +-> returned                   nobody was there to take it: no answer is expected
 *            +-> nacked -> sent again */
#ifndef WINNOW_LEDGER_H
#define WINNOW_LEDGER_H

#include "broker/properties.h"
#include "error.h"
#include "event_id.h"
#include "histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ledger_counts {
    uint64_t published;  /* events sent at least once */
    uint64_t confirmed;  /* events the broker has taken and routed */
    uint64_t returned;   /* events that were unroutable when last sent */
    uint64_t nacked;     /* times that the broker refused one */
    uint64_t results;    /* events first answered by a result, right or not */
    uint64_t dead;       /* events first answered by a dead letter */
    uint64_t destroyed;  /* events that went with a deleted queue; known after ledger_conclude */
    uint64_t lost;       /* events confirmed and, so far, without an answer */
    uint64_t duplicates; /* answers beyond the first */
    uint64_t corrupted;  /* results that are not right, duplicates among them */
    uint64_t foreign;    /* messages that answer no event of this run; in none of the others */
};

struct ledger {
    struct ledger_counts counts;
    /* From the intended time of an event until it was first handed to the socket, until it was
     * confirmed, and until its first result was seen. */
    struct histogram lag, confirm, end_to_end;

    /* The ledger's own. */
    uint64_t run;
    uint64_t destroyed_below; /* events before this one may have been destroyed */
    bool answers;             /* an event is done when it is confirmed and, with this, answered */
    struct ledger_page *pages;
    size_t page_count;
    uint8_t done_event; /* stands for each event of a page that is done */
};

/* Events that were sent one after the other. When all of them are done the page's memory is freed,
 * because there is nothing else to know of them. */
#define LEDGER_PAGE_EVENTS 65536
struct ledger_page {
    uint8_t *events; /* NULL: all done */
    size_t done;
};

/* run       the number of the run, which is part of its events' names
 * answers   whether answers will be reported. Without, an event is done when it is confirmed, which
 *           saves the memory of waiting for more
 *
 * Returns 0 and *ledger (release with ledger_close), or -ERR_MEMORY. */
int ledger_open(uint64_t run, bool answers, struct ledger **ledger);
/* Takes NULL. */
void ledger_close(struct ledger *ledger);

/* The next event, whose number is counts.published, has been sent. 0, or -ERR_MEMORY. */
int ledger_sent(struct ledger *ledger);

/* How late an event was sent for the first time. */
void ledger_record_lag(struct ledger *ledger, int64_t lag_ns);

/* A sent event is sent once more. If it was returned before, that is forgotten. */
void ledger_sent_again(struct ledger *ledger, uint64_t sequence);

/* What the broker said of a sent event. A confirm after a return is not counted: it says only that
 * the broker is done with the event. Numbers never sent are ignored, here and below. */
void ledger_confirmed(struct ledger *ledger, uint64_t sequence, int64_t latency_ns);
void ledger_nacked(struct ledger *ledger, uint64_t sequence);
void ledger_returned(struct ledger *ledger, uint64_t sequence);

/* Which event a message answers, by its message_id, else by its correlation_id. True and *id; or
 * false, when it is none of this run's that was sent, which counts as foreign. */
bool ledger_find(struct ledger *ledger, struct broker_bytes message_id,
                 struct broker_bytes correlation_id, struct event_id *id);

/* An event was answered by a result, or by a dead letter.
 *
 * right         the result is what it should be (result_check.h)
 * redelivered   the broker has handed the message out before. For an answered event it may be the
 *               answer already counted, and is not counted again
 * latency_ns    from the intended time until now
 *
 * ledger_result returns whether the result was counted. */
bool ledger_result(struct ledger *ledger, uint64_t sequence, bool right, bool redelivered,
                   int64_t latency_ns);
void ledger_dead(struct ledger *ledger, uint64_t sequence, bool redelivered);

/* The farm's work queue or exchange had been deleted and is there again. What was sent until now
 * and stays without an answer was destroyed with it, rather than lost. */
void ledger_queue_deleted(struct ledger *ledger);

/* At the end, when no answer is waited for any more: counts as destroyed, and no longer as lost,
 * what went with deleted queues. */
void ledger_conclude(struct ledger *ledger);

/* The first lost event from *sequence on: true and its number, or false. */
bool ledger_next_lost(const struct ledger *ledger, uint64_t *sequence);

#endif
