/* evaluation.h - one policy on one trace: simulated, and scored. */
#ifndef WINNOW_EVALUATION_H
#define WINNOW_EVALUATION_H

#include "candidate.h"
#include "csv/history_writer.h"
#include "error.h"
#include "oracle.h"
#include "score.h"
#include "workload.h"

#include <stdint.h>

struct evaluation {
    struct workload *workload;
    struct service service; /* at its start */
    int64_t startup_ns;
    int64_t late_ns;           /* the target */
    struct oracle_plan needed; /* of oracle:10; count 0: not known */
};

/* A run that has still events waiting so long after the trace's end is ended. */
#define EVALUATION_AFTER_NS INT64_C(86400000000000)

/* Makes the plan of oracle:10 and what it costs, for the scores to come. Likewise
 * evaluation_run. */
int evaluation_need(struct evaluation *evaluation, const struct candidate_spec *like,
                    struct why *why);

/* Simulates the trace from its start under the policy.
 *
 * history   gets a row a decision when the policy is one of Winnow's own; may be NULL
 *
 * Returns 0, -ERR_MEMORY, or an error of the workload or the history. */
int evaluation_run(struct evaluation *evaluation, const struct candidate_spec *spec,
                   struct history_writer *history, struct score *score, struct why *why);

void evaluation_clear(struct evaluation *evaluation);

#endif
