/* ledger.h - accounts for every event of a run: what was sent, what was taken, what came back.
 *
 * It knows an event by its number alone, keeps one byte for each while its page is not done, and is told
 * everything else: no connection, no clock, no I/O.
 *
 *      sent -+-> confirmed -+-> result      confirmed with neither: lost, until it comes
 *            |              +-> dead        the first answer counts, each further is a duplicate
 *            +-> returned                   nobody was there to take it: no answer is expected
 *            +-> nacked -> sent again */
#ifndef LOADGEN_LEDGER_H
#define LOADGEN_LEDGER_H

#include "broker/properties.h"
#include "error.h"
#include "histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- the name of an event: RUN.SEQUENCE.INTENDED, hexadecimal, sent as its message_id ---- */

struct ledger_id {
    uint64_t sequence;   /* from 0, in the order of sending */
    int64_t intended_ns; /* when it was to be sent, from the start of the run; >= 0 */
};

/* Writes the name, NUL-terminated, and returns its length. */
#define LEDGER_ID_SIZE 52
size_t ledger_format_id(uint64_t run, const struct ledger_id *id, char text[LEDGER_ID_SIZE]);

/* The reverse: true and *id when the text is the name of an event of this run. */
bool ledger_parse_id(uint64_t run, struct broker_bytes text, struct ledger_id *id);

/* ---- the text of a result ---- */

/* True when `result` is `original` with exactly `matches` non-empty, non-overlapping stretches
 * replaced by `mask`, whatever the stretches are and whether or not the original holds the mask
 * too. With an empty mask: when at least `matches` bytes are gone, and nothing else.
 *
 * Linear when every mask in the result is a replacement. A pair of texts so repetitive that
 * deciding would take more than about 2^26 steps, or more memory than there is, counts as not
 * matching. */
bool ledger_text_matches(struct broker_bytes original, struct broker_bytes result,
                         struct broker_bytes mask, int64_t matches);

/* ---- the accounts ---- */

struct ledger_counts {
    uint64_t published;  /* events sent at least once */
    uint64_t confirmed;  /* events the broker has taken and routed */
    uint64_t returned;   /* events that were unroutable when last sent */
    uint64_t nacked;     /* times that the broker refused one */
    uint64_t results;    /* events first answered by a result, right or not */
    uint64_t dead;       /* events first answered by a dead letter */
    uint64_t destroyed;  /* events that went with a deleted queue; known after ledger_settle */
    uint64_t lost;       /* events confirmed and, so far, without an answer */
    uint64_t duplicates; /* answers beyond the first */
    uint64_t corrupted;  /* results that are not right, duplicates among them */
    uint64_t foreign;    /* messages that answer no event of this run; in none of the others */
};

struct ledger {
    struct ledger_counts counts;
    struct histogram lag;     /* intended to handed to the socket, of each event's first sending */
    struct histogram confirm; /* intended to confirmed */
    struct histogram end_to_end; /* intended to its first result seen */

    /* The ledger's own. */
    uint64_t run;
    struct broker_bytes mask;
    uint64_t destroyed_below; /* events before this one may have been destroyed */
    bool answers;             /* an event is done when it is confirmed and, with this, answered */
    struct ledger_page *pages;
    size_t page_count;
    uint8_t done; /* stands for the events of all pages that are done */
};

/* Events that were sent one after the other. When all of them are done, the page is given back: what is
 * known of them is that they are done. */
#define LEDGER_PAGE_EVENTS 65536
struct ledger_page {
    uint8_t *events; /* NULL: all done */
    size_t done;
};

/* mask      what the farm's workers put in place of a match; borrowed
 * answers   answers are expected; without, none may be told of, and the memory for them is saved
 *
 * Returns 0 and *ledger (release with ledger_close), or -ERR_MEMORY. */
int ledger_open(uint64_t run, struct broker_bytes mask, bool answers, struct ledger **ledger);
/* Takes NULL. */
void ledger_close(struct ledger *ledger);

/* The next event, whose number is counts.published, has been sent. 0, or -ERR_MEMORY. */
int ledger_sent(struct ledger *ledger);

/* How late an event was sent for the first time. */
void ledger_lag(struct ledger *ledger, int64_t lag_ns);

/* A sent event is sent once more: whether it can be routed is open again. */
void ledger_sent_again(struct ledger *ledger, uint64_t sequence);

/* What the broker said of a sent event. Of one that was just returned the confirm says only that it
 * has been dealt with. Numbers never sent are ignored. */
void ledger_confirmed(struct ledger *ledger, uint64_t sequence, int64_t latency_ns);
void ledger_nacked(struct ledger *ledger, uint64_t sequence);
void ledger_returned(struct ledger *ledger, uint64_t sequence);

/* Which event a message answers, by its message_id, else by its correlation_id. False: none of this
 * run (counted as foreign); *id is then unchanged. */
bool ledger_find(struct ledger *ledger, struct broker_bytes message_id,
                 struct broker_bytes correlation_id, struct ledger_id *id);

/* What a message says of itself; texts borrowed for the call. */
struct ledger_answer {
    struct broker_bytes message_id;
    struct broker_bytes correlation_id;
    struct broker_bytes body;
    bool has_matches; /* it has an integer header winnow-matches ... */
    int64_t matches;  /* ... of this value */
    bool redelivered; /* the broker has handed it out before: for an answered event it may be the
                       * answer already counted, and is not counted again */
};

/* A result of a found event. It is right when its correlation_id is its message_id, has_matches is
 * set and the body is the event's text with as many replacements.
 *
 * original    the text that was sent
 * latency_ns  intended send time to now
 *
 * Returns NULL, or what is wrong with it, counted as corrupted. */
const char *ledger_result(struct ledger *ledger, const struct ledger_id *id,
                          const struct ledger_answer *answer, struct broker_bytes original,
                          int64_t latency_ns);

/* A dead letter of a found event. */
void ledger_dead(struct ledger *ledger, const struct ledger_id *id, bool redelivered);

/* A notice came that the farm's work queue or exchange had been deleted and is there again: what was sent until now
 * and stays without an answer was destroyed with it, rather than lost. */
void ledger_notice(struct ledger *ledger);

/* At the end, when no answer is waited for any more: counts as destroyed, and no longer as lost, what notices
 * explain. */
void ledger_settle(struct ledger *ledger);

/* The first lost event from *sequence on: true and its number, or false. */
bool ledger_next_lost(const struct ledger *ledger, uint64_t *sequence);

#endif
