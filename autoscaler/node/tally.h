/* tally.h - what is held against events on this host's scoreboard: what was counted here, which
 * other hosts are told, and what they have told, which is added.
 *
 * So a worker finds in the table what the whole farm holds against an event. Workers know nothing
 * of it: of an entry, what is more than others have told was counted here, and what is less was
 * forgiven here, because the event was answered. That others are told for a while, so that they
 * forget it too. */
#ifndef WINNOW_TALLY_H
#define WINNOW_TALLY_H

#include "control/event_records.h"
#include "scoreboard.h"

#include <stddef.h>
#include <stdint.h>

/* So long others are told that an event was answered. */
#define TALLY_FORGIVEN_NS INT64_C(3000000000)

/* By others' word. */
struct tally_record {
    uint64_t event;
    struct scoreboard_record told; /* and added to the scoreboard */
    int64_t forgiven_until_ns;     /* 0: it is not; else nothing is added */
};

/* Starts zeroed. */
struct tally {
    struct tally_record records[2 * EVENT_RECORDS_MOST]; /* by the numbers of the events */
    size_t count;
};

/* What was counted here, and forgiven; of too many those counted last. Returns how many. */
size_t tally_tell(struct tally *tally, const struct scoreboard *scoreboard, int64_t now_ns,
                  struct event_record records[EVENT_RECORDS_MOST]);

/* What all others together hold against events, in place of all that they have told before. Sorts
 * the records, of which there are at most EVENT_RECORDS_MOST. */
void tally_hear(struct tally *tally, struct scoreboard *scoreboard, int64_t now_ns,
                struct event_record *records, size_t count);

#endif
