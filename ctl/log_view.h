/* log_view.h - logs merged, and what happens in a farm as it happens. */
#ifndef WINNOW_LOG_VIEW_H
#define WINNOW_LOG_VIEW_H

#include "ctl_options.h"

#include <stdbool.h>
#include <stdio.h>

/* Prints the log files as one log. *complete becomes false when some of them could not be read;
 * that is said on standard error. 0, -ERR_MEMORY or -ERR_SYSTEM. */
int log_view_files(char *const *paths, size_t count, bool *complete, FILE *out, struct why *why);

/* Prints what the farm tells, a line each, or its messages as they came, until SIGINT or SIGTERM;
 * it goes on after the autoscaler or the broker went and came back. 0; the broker was not there at
 * the start, or refuses: an error. */
int log_view_follow(const struct ctl_options *options, FILE *out, struct why *why);

#endif
