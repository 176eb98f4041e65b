/* report.h - how a run went: the numbers, the verdict, and both in words. */
#ifndef WINNOW_REPORT_H
#define WINNOW_REPORT_H

#include "broker/broker.h"
#include "ledger.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* An event sent later than this after its time counts as late. */
#define REPORT_LATE_NS INT64_C(1000000)

struct report {
    const struct ledger *ledger;
    bool verify;          /* the answers were collected; else nothing is known of them */
    bool expect_dead;     /* a dead letter is as good an answer as a result */
    bool interrupted;     /* the run was stopped before the end of its schedule or its answers */
    bool persistent;      /* the events were: an unanswered one is lost */
    uint64_t late;        /* events sent more than REPORT_LATE_NS after their time */
    uint64_t unsent;      /* events whose time had come and that were not sent */
    uint64_t unconfirmed; /* events sent of which the broker has said nothing */
    double schedule_s;    /* the time of the schedule, as far as it went */
    double behind_s;      /* how late the sending was at the end, outages of the broker taken off */
    double elapsed_s;     /* from the start to the end */
    double blocked_s;     /* of these, the broker blocked a connection */
    double offered_per_s; /* events whose time had come, over the time of the schedule */
    /* Events confirmed, over the time until the last of them, or that of the schedule if longer. */
    double achieved_per_s;

    /* The work queue at the end, which is asked for when answers are missing. */
    bool work_known;
    struct broker_queue_state work;
};

/* True when the sending did not keep to its schedule: at the end it was behind by more than 1 % of
 * it and more than half a second. */
bool report_is_behind(const struct report *report);

/* False when an event was not answered, or by a dead letter that was not expected, corrupted,
 * returned, left unconfirmed or given up, or the sending did not keep to its schedule. */
bool report_is_good(const struct report *report);

/* A percentile of a latency in milliseconds; the histogram is not empty. */
double report_percentile_ms(const struct histogram *histogram, double percent);

/* Totals, latencies and the verdict in words. */
void report_print(FILE *out, const struct report *report);

#endif
