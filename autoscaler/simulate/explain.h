/* explain.h - the decisions of a history, made again: whether they come out the same, and why each
 * was as it was. */
#ifndef WINNOW_EXPLAIN_H
#define WINNOW_EXPLAIN_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>

/* Decides again from what each row of the run tells, and prints the first decision that comes out
 * differently, or that there is none.
 *
 * run    the number, or HISTORY_READER_LAST_RUN
 * same   false when a decision differs in desired_workers, formula_workers or reason
 *
 * Returns 0 or an error of replay_read. */
int explain_replay(const char *path, uint64_t run, bool *same, struct why *why);

/* Likewise, of all rows; and prints a line for each: what was measured, the terms, the reason, and
 * what each of Winnow's policies would have decided from the same measurements; and at the end what
 * the workers cost. */
int explain_history(const char *path, uint64_t run, bool *same, struct why *why);

#endif
