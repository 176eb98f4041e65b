/* score_table.h - the table of scores: for people, and as CSV. */
#ifndef WINNOW_SCORE_TABLE_H
#define WINNOW_SCORE_TABLE_H

#include "error.h"
#include "score.h"

#include <stddef.h>
#include <stdio.h>

struct score_table_row {
    const char *policy;
    struct score score;
};

/* A row a policy. What is unknown is "-". */
void score_table_print(FILE *file, const struct score_table_row *rows, size_t count);

/* Writes a header and a row a policy; doubles as %.17g, unknown is empty. 0, -ERR_CONFIG when the
 * file cannot be written, -ERR_MEMORY. */
int score_table_write(const char *path, const struct score_table_row *rows, size_t count,
                      struct why *why);

#endif
