/* report.h - what a run tells: a line and a timeline row a second, and at the end a summary for
 * people and one for programs. */
#ifndef LOADGEN_REPORT_H
#define LOADGEN_REPORT_H

#include "error.h"
#include "ledger.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* ---- while it runs ---- */

/* One stretch of about a second; the rates are counts divided by its measured length. */
struct report_second {
    double time_s; /* its end, from the start of the run */
    double offered_per_s;
    double published_per_s;
    double confirmed_per_s;
    double results_per_s;  /* NAN: unknown, because nobody looks at the results */
    uint64_t waiting_msgs; /* sent and not yet confirmed */
    double lag_ms;         /* the longest that an event was, or already is, behind its time */
    const char *state;     /* "blocked", for one; empty when there is nothing to say */
};

/* Prints the line, with a heading above every twentieth. number counts from 0. */
void report_progress(FILE *out, uint64_t number, const struct report_second *second);

/* Each writes one row with one write(2). 0, -ERR_MEMORY, or -ERR_SYSTEM with the reason. */
int report_timeline_header(int fd, struct why *why);
int report_timeline_row(int fd, const struct report_second *second, struct why *why);

/* ---- at the end ---- */

struct report {
    const struct ledger *ledger;
    bool verify;           /* results were looked at; else what is known of them is nothing */
    bool interrupted;      /* the run was stopped before the end of its schedule or its answers */
    uint64_t unsent;       /* events whose time had come and that were given up */
    uint64_t unconfirmed;  /* events sent of which the broker has said nothing */
    double elapsed_s;      /* from the start to the end */
    double blocked_s;      /* of these, the broker blocked a connection */
    double offered_per_s;  /* events whose time had come, over the time of the schedule */
    double achieved_per_s; /* events confirmed, over the time until the last of them, or that of
                            * the schedule if it is longer */
};

/* False when an event was lost, corrupted, returned, left unconfirmed or not sent. */
bool report_is_good(const struct report *report);

/* Totals, latencies and the verdict in words. */
void report_print(FILE *out, const struct report *report);

/* The summary as one JSON object; unknown is null. 0, or -ERR_SYSTEM with the reason. */
int report_write_summary(int fd, const struct report *report, struct why *why);

#endif
