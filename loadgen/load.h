/* load.h - one run of the load generator: the schedule, kept to whatever the broker does, then the
 * wait for confirms and answers. */
#ifndef LOADGEN_LOAD_H
#define LOADGEN_LOAD_H

#include "arrivals.h"
#include "bodies.h"
#include "error.h"
#include "options.h"
#include "publisher.h"
#include "report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Everything is borrowed. */
struct load_settings {
    const struct options *options;
    const struct arrivals_settings *arrivals; /* checked */
    const struct bodies *bodies;
    size_t connections;                     /* 1 .. RUN_MAX_CONNECTIONS */
    size_t window_msgs;                     /* >= 1: unconfirmed events on each */
    const struct publisher_header *headers; /* of every event */
    size_t header_count;
    bool transient, mandatory; /* as in publisher.h */
    bool verify;               /* collect the answers */
    int64_t verify_timeout_ns; /* after the schedule: how long without any progress to wait */
    int timeline_fd;           /* emptied and written from the start on; -1: none */
    bool progress;             /* a line a second on standard error */
};

#define RUN_MAX_CONNECTIONS 256

/* Every event is sent at its time or as soon after as the confirm windows and the broker let it;
 * none is left out. SIGINT or SIGTERM stops the sending and leaves five seconds for confirms and
 * answers; a second one ends at once. Time in which the broker blocks a connection does not count
 * as time without progress.
 *
 * ledger    new, with run_id in it
 * *report   the ledger's other half; complete when *started is set, whatever is returned
 *
 * Returns 0; -ERR_TIMEOUT when a signal came before the first connection was up; otherwise what
 * kept it from starting or made it end: as publisher_open, collector_open, publisher_look, arrivals_next, or
 * -ERR_SYSTEM when the timeline cannot be written. */
int load_run(const struct load_settings *settings, uint64_t run_id, struct ledger *ledger,
             struct report *report, bool *started, struct why *why);

#endif
