/* words_chart.h - the data of the picture of words that change while a load runs: how many results
 * were censored a second, when words were added and removed, and when broadcasts were heard. */
#ifndef WINNOW_WORDS_CHART_H
#define WINNOW_WORDS_CHART_H

#include "error.h"

#include <stdio.h>

/* Writes the variables that words.gp needs.
 *
 * path    a CSV file with the columns time_s, event, text and seen_s, described in docs/files.md
 * title   NULL: one that says what is shown
 *
 * Returns 0, -ERR_MEMORY, or -ERR_CONFIG with "FILE:LINE: what is wrong". */
int words_chart_write(FILE *script, const char *path, const char *title, struct why *why);

#endif
