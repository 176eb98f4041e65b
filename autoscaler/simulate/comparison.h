/* comparison.h - several candidates on one load, each scored, as a table. */
#ifndef WINNOW_COMPARISON_H
#define WINNOW_COMPARISON_H

#include "candidate_spec.h"
#include "error.h"
#include "evaluation.h"

#include <stdbool.h>

struct comparison_settings {
    const char *candidates; /* names, separated by commas */
    struct candidate_defaults defaults;
    const char *scores_path;  /* NULL: no file of the scores */
    const char *history_path; /* NULL: no history of the first candidate's decisions */
    bool no_oracle;           /* leave out what needs the plan of oracle:10 */
};

/* Evaluates every candidate and prints the table.
 *
 * Returns 0; -ERR_INVALID when a name is none; or an error of history_writer_open, yardstick.h,
 * evaluation_run or score_table_write. */
int comparison_run(struct evaluation *evaluation, const struct comparison_settings *settings,
                   struct why *why);

#endif
