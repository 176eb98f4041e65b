/* oracle.h - the numbers of workers that the best possible policy would have had, one that knows
 * all arrivals. Pure.
 *
 * They are the plan of planner.h for the least price of a late event with which at most 5 % of all
 * events are late, sought by bisection of its logarithm between 1e-4 and 1e4 worker-seconds. */
#ifndef WINNOW_ORACLE_H
#define WINNOW_ORACLE_H

#include "planner.h"

#define ORACLE_LATE_SHARE 0.05
#define ORACLE_WINDOW_NS  INT64_C(10000000000)

/* 0, -ERR_MEMORY or an error of the source; planner_clear the plan, after an error too. */
int oracle_plan(const struct planner_params *params, struct planner_plan *plan);

#endif
