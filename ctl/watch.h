/* watch.h - `status --watch`: the farm's status until Ctrl-C, in place on a terminal, else a line
 * for each snapshot. */
#ifndef WINNOW_WATCH_H
#define WINNOW_WATCH_H

#include "ctl_options.h"

#include <stdio.h>

/* Goes on until SIGINT or SIGTERM, also while the autoscaler or the broker is away. 0; the broker
 * was not there at the start: an error. */
int watch(const struct ctl_options *options, struct why *why);

#endif
