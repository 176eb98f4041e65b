/* load.h - one run of the load generator: every event at its time, whatever the broker does, then
 * the wait for confirms and answers. */
#ifndef WINNOW_LOAD_H
#define WINNOW_LOAD_H

#include "arrivals.h"
#include "error.h"
#include "ledger.h"
#include "publisher.h"
#include "report.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define LOAD_MAX_CONNECTIONS 256

/* Everything is borrowed. */
struct load_settings {
    /* All but name, reply_to and ledger, which load_run sets; at most LOAD_MAX_CONNECTIONS. */
    struct publisher_settings publisher;
    const struct arrivals_settings *arrivals; /* checked */
    bool verify;                              /* collect the answers */
    bool expect_dead;                         /* a dead letter is an answer */
    bool expect_same;                         /* workers send the text back as it was */
    const char *mask;                         /* what the farm's workers put in place of a match */
    int64_t verify_timeout_ns; /* after the schedule: how long to wait without any progress */
    FILE *timeline;            /* a row a second; NULL: none */
    FILE *progress;            /* a line a second; NULL: none */
};

/* Every event is sent at its time or as soon after as the confirm windows and the broker let it;
 * none is left out. SIGINT or SIGTERM stops the sending and leaves five seconds for confirms and
 * answers; a second one ends at once. Time in which the broker blocks a connection does not count
 * as time without progress.
 *
 * ledger     new, of the same run
 * *report    the ledger's other half; complete when *started is set, whatever is returned
 * *started   whether the first connections were made and the schedule begun
 *
 * Returns 0; -ERR_TIMEOUT when a signal came before the first connection was up; otherwise what
 * kept it from starting or made it end: as publisher_open, collector_open, publisher_step,
 * arrivals_next or timeline_end_second. */
int load_run(const struct load_settings *settings, struct ledger *ledger, struct report *report,
             bool *started, struct why *why);

#endif
