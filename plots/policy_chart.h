/* policy_chart.h - what the picture of policies shows: the scores that winnow-simulate wrote. */
#ifndef WINNOW_POLICY_CHART_H
#define WINNOW_POLICY_CHART_H

#include "error.h"

#include <stdio.h>

/* Writes the variables and data that policies.gp expects, from the file's columns `policy`, `worker_s`, `work_ratio`
 * and `wait_p95_s`. title: instead of its own; may be NULL.
 *
 * Returns 0, -ERR_MEMORY, or -ERR_CONFIG: the file is not as it must be, or has no policy. */
int policy_chart_write(FILE *script, const char *path, const char *title, struct why *why);

#endif
