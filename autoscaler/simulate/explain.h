/* explain.h - a history gone through again: whether it can be repeated, and why each decision was
 * as it was. */
#ifndef WINNOW_EXPLAIN_H
#define WINNOW_EXPLAIN_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>

/* Decides every row of the run again from what it tells and prints the first that differs.
 *
 * run    HISTORY_READER_LAST_RUN: the last
 * same   false when one differs, in desired_workers, formula_workers or reason
 *
 * Returns 0 or an error of replay_read. */
int explain_replay(const char *path, uint64_t run, bool *same, struct why *why);

/* The same, and prints a line a decision: what was measured, the terms, the one that decided, and
 * what each other policy of Winnow would have decided from the same measurements; at the end what
 * it cost. */
int explain_history(const char *path, uint64_t run, bool *same, struct why *why);

#endif
