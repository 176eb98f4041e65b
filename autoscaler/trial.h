/* trial.h - one policy on one trace: simulated, and scored. */
#ifndef WINNOW_TRIAL_H
#define WINNOW_TRIAL_H

#include "arrivals.h"
#include "contender.h"
#include "error.h"
#include "history.h"
#include "oracle.h"
#include "score.h"

#include <stdint.h>

struct trial {
    struct arrivals *arrivals;
    struct service service; /* at its start */
    int64_t startup_ns;
    int64_t late_ns;           /* the target */
    struct oracle_plan needed; /* of oracle:10; count 0: not known */
};

/* A run that has still events waiting so long after the trace's end is ended. */
#define TRIAL_AFTER_NS INT64_C(86400000000000)

/* Makes the plan of oracle:10 and what it costs, for the scores to come. Likewise trial_run. */
int trial_need(struct trial *trial, const struct contender_spec *like, struct why *why);

/* Simulates the trace from its start under the policy.
 *
 * history   gets a row a decision when the policy is one of Winnow's own; may be NULL
 *
 * Returns 0, -ERR_MEMORY, or an error of the arrivals or the history. */
int trial_run(struct trial *trial, const struct contender_spec *spec, struct history *history,
              struct score *score, struct why *why);

void trial_clear(struct trial *trial);

#endif
