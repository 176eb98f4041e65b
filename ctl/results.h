/* results.h - what FARM.results keeps as a stream, read without taking anything from it. */
#ifndef WINNOW_RESULTS_H
#define WINNOW_RESULTS_H

#include "ctl_options.h"

#include <stdio.h>

/* Prints the results that the options ask for: those that are there now and, to be followed, those
 * to come, until a signal asks to end. A line each: the body as it is, or an object with its
 * offset. After the loss of the connection it goes on with the next one.
 *
 * Returns 0; -ERR_UNAVAILABLE, when there is no FARM.results; -ERR_CONFIG, when the farm keeps its
 * results as a queue; or an error of the broker. */
int results_print(const struct ctl_options *options, FILE *out, struct why *why);

#endif
