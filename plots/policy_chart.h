/* policy_chart.h - the data of the picture that compares policies, from the scores that
 * winnow-simulate wrote. */
#ifndef WINNOW_POLICY_CHART_H
#define WINNOW_POLICY_CHART_H

#include "error.h"

#include <stdio.h>

/* Writes the variables that policies.gp expects, from the file's columns `policy`, `work_ratio` and
 * `wait_p95_s`. Whether all could be written is for the caller to ask (ferror).
 *
 * title   instead of the chart's own; may be NULL
 *
 * Returns 0, -ERR_MEMORY, or -ERR_CONFIG: the file is no table (table.h), or it lacks a column or
 * has no policy. */
int policy_chart_write(FILE *script, const char *path, const char *title, struct why *why);

#endif
