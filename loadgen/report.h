/* report.h - what a run tells: a line and a timeline row a second, and at the end a summary for
 * people and one for programs. */
#ifndef LOADGEN_REPORT_H
#define LOADGEN_REPORT_H

#include "broker/broker.h"
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

/* An event sent later than this after its time counts as late. */
#define REPORT_LATE_NS INT64_C(1000000)

struct report {
    const struct ledger *ledger;
    bool verify;          /* results were looked at; else what is known of them is nothing */
    bool interrupted;     /* the run was stopped before the end of its schedule or its answers */
    bool persistent;      /* the events were: an unanswered one is lost */
    uint64_t late;        /* events sent more than REPORT_LATE_NS after their time */
    uint64_t unsent;      /* events whose time had come and that were not sent */
    uint64_t unconfirmed; /* events sent of which the broker has said nothing */
    double schedule_s;    /* the time of the schedule, as far as it went */
    double
        behind_s; /* so far behind it was the sending at the end, outages of the broker not counted */
    double elapsed_s;      /* from the start to the end */
    double blocked_s;      /* of these, the broker blocked a connection */
    double offered_per_s;  /* events whose time had come, over the time of the schedule */
    double achieved_per_s; /* events confirmed, over the time until the last of them, or that of
                            * the schedule if it is longer */

    bool work_known; /* the work queue was looked at, because answers are missing */
    struct broker_queue_state work;
};

/* True when the sending did not keep to its schedule: it was behind at the end by more than 1 % of it and
 * more than half a second. */
bool report_is_short(const struct report *report);

/* False when an event was not answered, corrupted, returned, left unconfirmed or given up, or the sending
 * did not keep to its schedule. */
bool report_is_good(const struct report *report);

/* Totals, latencies and the verdict in words. */
void report_print(FILE *out, const struct report *report);

/* The three latencies, in the order lag, confirm, end-to-end, by the names of the files --hdr writes. */
#define REPORT_LATENCIES 3
extern const char *const report_latency_names[REPORT_LATENCIES];

/* Writes one of them as HdrHistogram's percentile text. 0, or as report_write_summary. */
int report_write_hdr(int fd, const struct report *report, size_t number, struct why *why);

/* The summary as one JSON object; unknown is null. 0, or -ERR_SYSTEM with the reason. */
int report_write_summary(int fd, const struct report *report, struct why *why);

#endif
