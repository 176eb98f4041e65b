/* timeline.h - what a run shows while it goes on: each second a line for people, and a row of a
 * table. */
#ifndef WINNOW_TIMELINE_H
#define WINNOW_TIMELINE_H

#include "error.h"
#include "ledger.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct timeline {
    FILE *lines;                 /* NULL: none */
    FILE *rows;                  /* NULL: none */
    const struct ledger *ledger; /* borrowed, as the files are */
    bool verify;                 /* results are looked for; else their rate is unknown */

    /* Its own. */
    int64_t start_ns;
    int64_t second_ns; /* when the present second began ... */
    uint64_t offered;  /* ... and what there was by then */
    struct ledger_counts counts;
    int64_t lag_ns; /* the greatest of this second */
    uint64_t line_count;
};

/* What the ledger does not know. */
struct timeline_now {
    uint64_t offered;   /* events whose time has come */
    uint64_t unsettled; /* sent and not yet confirmed */
    int64_t overdue_ns; /* for how long an event that is still to be sent has been due */
    const char *state;  /* "blocked", for one; empty when there is nothing to say */
};

/* Empties the file of the rows and writes their header. 0, or as timeline_end_second. */
int timeline_write_header(struct timeline *timeline, struct why *why);

/* The first second begins. */
void timeline_start(struct timeline *timeline, int64_t start_ns);

/* An event has just been sent, so long after its time. */
void timeline_record_lag(struct timeline *timeline, int64_t lag_ns);

/* When the present second ends: at whole seconds from the start, however late the one before
 * was ended. */
int64_t timeline_due_ns(const struct timeline *timeline);

/* Ends the present second, whatever its length: the rates are counts divided by it. Each row is one
 * write(2).
 *
 * Returns 0, -ERR_MEMORY, or -ERR_SYSTEM with the reason why the row cannot be written. */
int timeline_end_second(struct timeline *timeline, int64_t now_ns, const struct timeline_now *now,
                        struct why *why);

/* Ends the last second, unless it is so short that its rates would mean nothing. */
int timeline_finish(struct timeline *timeline, int64_t now_ns, const struct timeline_now *now,
                    struct why *why);

#endif
