/* scaling_chart.h - the data of the picture of workers, arrival rate and backlog over time. */
#ifndef WINNOW_SCALING_CHART_H
#define WINNOW_SCALING_CHART_H

#include "history_run.h"

#include <stdio.h>

/* Writes the variables and data that scaling.gp expects besides the caption. Whether all could be
 * written is for the caller to ask (ferror). */
void scaling_chart_write(FILE *script, const struct history_run *run);

#endif
