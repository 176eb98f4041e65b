/* history.h - the file in which every decision is written down: one row a decision. */
#ifndef WINNOW_HISTORY_H
#define WINNOW_HISTORY_H

#include "autoscaler/node/pool.h"
#include "autoscaler/policy/policy.h"
#include "error.h"
#include "sampler.h"

#include <stdint.h>

/* Everything that a row tells. Doubles may be NAN: unknown, an empty field. */
struct history_row {
    double time_s; /* since this run began */
    struct sampler_sample sample;
    double in_flight_msgs;      /* what all workers hold */
    double backlog_msgs;        /* what the policy was given */
    struct policy_sample given; /* the rest of it */
    struct policy_params params;
    struct policy_decision decision;
    struct pool_counts workers;         /* after the decision was carried out */
    uint64_t spawned, stopped, crashed; /* since the row before */
    double handled_per_s;
    const char *policy; /* its name */
    const char *reason;
    const char *farm;
    double simulated_service_s; /* what the workers add to each event; 0: nothing */
};

struct history;

/* Opens the file for appending, with the header when it is new or empty; a file with the same header is
 * continued with the next run number. A torn last row, as a full disk may leave it, is cut off.
 *
 * Returns 0; -ERR_CONFIG when it cannot be written or is no history of this version; -ERR_MEMORY. */
int history_open(const char *path, struct history **history, struct why *why);
/* Takes NULL. */
void history_close(struct history *history);

/* Writes the row whole or not at all. 0; -ERR_SYSTEM when it could not be written (the file is as
 * before, and the next row may succeed); -ERR_MEMORY. */
int history_write(struct history *history, const struct history_row *row, struct why *why);

#endif
