/* relation_chart.h - the data of the picture of workers against the arrival rate, with a mark for
 * each decision. */
#ifndef WINNOW_RELATION_CHART_H
#define WINNOW_RELATION_CHART_H

#include "error.h"
#include "history_run.h"

#include <stdio.h>

/* Writes the variables and data that relation.gp expects besides the caption. Whether all could be
 * written is for the caller to ask (ferror).
 *
 * Returns 0, or -ERR_CONFIG when the run has no decision with a known arrival rate. */
int relation_chart_write(FILE *script, const struct history_run *run, struct why *why);

#endif
