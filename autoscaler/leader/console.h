/* console.h - the table of decisions on stdout, for whoever watches. */
#ifndef WINNOW_CONSOLE_H
#define WINNOW_CONSOLE_H

#include "autoscaler/policy/policy.h"
#include "csv/history_format.h"

#include <stdbool.h>

/* Whether what is printed is taken at once: a terminal that is stopped, or a pager that reads no
 * more, must not stop the farm. Nothing else is printed to it meanwhile. */
bool console_listens(void);

/* What decides, and the table's head. */
void console_start(const char *farm, const struct policy *policy,
                   const struct policy_params *params, const char *worker);

/* A line a decision. */
void console_row(const struct history_row *row);

/* Says that so many workers drain, and what a second signal does. */
void console_draining(unsigned workers);

#endif
