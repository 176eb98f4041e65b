/* oracle.h - the yardstick: what the best possible policy would have had, who knows all arrivals.
 * Pure.
 *
 * It is the plan of planner.h for the least price of a late event with which at most 5 % of all
 * events are late, sought by bisection of its logarithm between 1e-4 and 1e4 worker-seconds. */
#ifndef WINNOW_ORACLE_H
#define WINNOW_ORACLE_H

#include "planner.h"

#define ORACLE_LATE_SHARE 0.05
#define ORACLE_WINDOW_NS  INT64_C(10000000000)

/* 0, -ERR_MEMORY or an error of the source; the plan may be cleared after an error too. */
int oracle_plan(const struct planner_params *params, struct planner_plan *plan);

#endif
