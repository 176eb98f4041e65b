/* hosts_chart.h - the picture of a farm over several hosts: the workers of each over time, who led,
 * and what happened meanwhile. */
#ifndef WINNOW_HOSTS_CHART_H
#define WINNOW_HOSTS_CHART_H

#include "error.h"

#include <stdio.h>

/* Writes the data for hosts.gp.
 *
 * path   a recording, as recording_read has it
 * marks  CSV with the columns timestamp and text; NULL: nothing is marked
 * title  instead of the one that says the farm; may be NULL
 *
 * Returns 0; the errors of recording_read and table_read. Whether all could be written is for the
 * caller to ask (ferror). */
int hosts_chart_write(FILE *script, const char *path, const char *marks, const char *title,
                      struct why *why);

#endif
