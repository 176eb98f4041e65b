/* console.h - the table of decisions on stdout, for a person who watches. Nothing is printed while
 * stdout takes nothing. */
#ifndef WINNOW_CONSOLE_H
#define WINNOW_CONSOLE_H

#include "autoscaler/policy/policy.h"
#include "csv/history_format.h"

/* Says what decides. */
void console_start(const char *farm, const struct policy *policy,
                   const struct policy_params *params, const char *worker);

/* Heads the table, whose lines begin with the farm's name where it is of several. */
void console_head(bool several);

/* A line a decision. */
void console_row(const struct history_row *row, bool several);

/* Says that so many workers drain, and what a second signal does. */
void console_draining(unsigned workers);

#endif
