/* send.h - one event to a farm, and what becomes of it. */
#ifndef WINNOW_SEND_H
#define WINNOW_SEND_H

#include "ctl_options.h"

#include <stdbool.h>
#include <stdio.h>

/* Sends the event of the options, mandatory, and waits until the broker has confirmed it; or, when
 * asked to, until its result has come, which is written to out as it is.
 *
 * done  false when the event ended in FARM.dead; *why then says why
 *
 * Returns 0; -ERR_UNAVAILABLE, when no queue takes it or the connection was lost; -ERR_TIMEOUT,
 * when the queue is full, or nothing came back in time; -ERR_SYSTEM, when standard input cannot be
 * read; or what the broker says against it. */
int send_event(const struct ctl_options *options, bool *done, FILE *out, struct why *why);

#endif
