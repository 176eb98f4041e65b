/* scores.h - the table of scores: for people, as CSV, as Markdown. */
#ifndef WINNOW_SCORES_H
#define WINNOW_SCORES_H

#include "error.h"
#include "score.h"

#include <stddef.h>
#include <stdio.h>

struct scores_row {
    const char *policy;
    struct score score;
};

/* A row a policy. What is unknown is "-". */
void scores_print(FILE *file, const struct scores_row *rows, size_t count);

/* Writes a header and a row a policy; doubles as %.17g, unknown is empty. 0, -ERR_CONFIG when the file cannot be
 * written, -ERR_MEMORY. */
int scores_write(const char *path, const struct scores_row *rows, size_t count, struct why *why);

#endif
