/* evaluation.h - one candidate on one load: simulated from the start to the end, and scored. */
#ifndef WINNOW_EVALUATION_H
#define WINNOW_EVALUATION_H

#include "candidate_spec.h"
#include "csv/history_writer.h"
#include "error.h"
#include "planner.h"
#include "score.h"
#include "service.h"
#include "workload.h"

#include <stdint.h>

/* What is the same for every candidate. */
struct evaluation {
    struct workload *workload;
    struct service service, startup; /* at their starts */
    int64_t late_ns;                 /* the target */
    struct planner_plan needed; /* what scores compare with (yardstick_need); count 0: not known */
};

/* A run that still has events waiting so long after the trace's end is ended. */
#define EVALUATION_AFTER_NS INT64_C(86400000000000)

/* Simulates the load from its start under the candidate, of any kind but CANDIDATE_WORK.
 *
 * plan      of an oracle; else NULL
 * history   gets a row a decision when the candidate is one of Winnow's own policies; may be NULL
 *
 * Returns 0, -ERR_MEMORY, or an error of the workload or the history. */
int evaluation_run(struct evaluation *evaluation, const struct candidate_spec *spec,
                   const struct planner_plan *plan, struct history_writer *history,
                   struct score *score, struct why *why);

/* Says why, after an error of the simulation or the workload, and returns it. */
int evaluation_failed(const struct evaluation *evaluation, int error, struct why *why);

#endif
