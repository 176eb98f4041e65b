/* words_follow.h - what a farm's word service broadcasts, as it is heard. */
#ifndef WINNOW_WORDS_FOLLOW_H
#define WINNOW_WORDS_FOLLOW_H

#include "ctl_options.h"

#include <stdio.h>

/* Prints each broadcast, a line each, until SIGINT or SIGTERM; it goes on after the broker went and
 * came back. 0; -ERR_TIMEOUT, when there was nothing to listen to within the patience; or an error
 * of connection_wait. */
int words_follow(const struct ctl_options *options, FILE *out, struct why *why);

#endif
