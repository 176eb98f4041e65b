/* farms.h - the farms that are run on a virtual host of the broker. */
#ifndef WINNOW_FARMS_H
#define WINNOW_FARMS_H

#include "control/client.h"
#include "ctl_options.h"

#include <stdio.h>

/* Asks all leaders, waits for their answers as long as the options say, and prints a table of them,
 * by name; or their messages as they came. 0; -ERR_UNAVAILABLE when nobody answered; or what the
 * broker says against asking. */
int farms_print(struct client *client, const struct ctl_options *options, FILE *out,
                struct why *why);

#endif
