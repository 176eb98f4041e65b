/* yardstick.h - what policies are measured against on a load: the work itself, and the oracle's
 * plan carried out. */
#ifndef WINNOW_YARDSTICK_H
#define WINNOW_YARDSTICK_H

#include "candidate_spec.h"
#include "error.h"
#include "evaluation.h"
#include "score.h"

/* Events, work and duration, which are known without simulating workers; worker_s is the work, as
 * if each event had found a worker of its own. What comes of workers is NAN. Returns 0 or an error
 * of the workload. */
int yardstick_work(struct evaluation *evaluation, struct score *score, struct why *why);

/* Carries out the plan of the oracle in simulation. Workers are started ahead of their window by
 * the mean start-up time, and are there until it ends. The plan knows nothing of workers that
 * drain, so that somewhat more or fewer events are late than planned. Therefore up to 16 more
 * plans are tried, in steps of 5 % of kappa up or down, and the cheapest is taken that has at most
 * ORACLE_LATE_SHARE.
 *
 * plan   what was taken, and what it came to; for planner_clear
 *
 * Returns 0 or an error of oracle_plan or evaluation_run; then nothing is to be cleared. */
int yardstick_oracle(struct evaluation *evaluation, const struct candidate_spec *spec,
                     struct planner_plan *plan, struct score *score, struct why *why);

/* Sets evaluation->needed to the plan of oracle:10 and what it costs, with which the scores of all
 * evaluations to come compare; for planner_clear. min_workers and max_workers are those of `like`.
 * Returns as yardstick_oracle. */
int yardstick_need(struct evaluation *evaluation, const struct candidate_spec *like,
                   struct why *why);

#endif
