/* steer.h - tells the farm's leader what to do, and says what was done. */
#ifndef WINNOW_STEER_H
#define WINNOW_STEER_H

#include "control/client.h"
#include "ctl_options.h"

#include <stdbool.h>
#include <stdio.h>

/* Sends the command of the options, and prints what it changed as a sentence, or the answer as it
 * came.
 *
 * done  false when the leader answered that it does not do it; *why then says why
 *
 * Returns 0 or an error of ask. */
int steer(struct client *client, const struct ctl_options *options, bool *done, FILE *out,
          struct why *why);

#endif
