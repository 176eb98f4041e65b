/* log_merge.h - the logs of several programs as one, in the order of the logical clock that their
 * lines carry. */
#ifndef WINNOW_LOG_MERGE_H
#define WINNOW_LOG_MERGE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What is merged: a log that is open for reading, and its line that comes next. Start from
 * {.file = ...}. */
struct log_merge_source {
    FILE *file;
    char *line; /* NULL at the end */
    size_t capacity, length;
    int64_t clock; /* of that line, or of the last before it that had one */
};

/* The clock of a line: that of its pair clock=N, which is no part of a quoted text; -1 when it has
 * none. */
int64_t log_merge_clock(const char *line, size_t length);

/* Writes the lines of all logs to out. Those of one log stay in their order, and a line without a
 * clock stays behind the line before it; of equal clocks those of the log that was named first come
 * first. Returns 0; -ERR_CONFIG when a source could not be read to its end (*failed is its index),
 * after the others were; -ERR_SYSTEM when out takes no more. */
int log_merge(struct log_merge_source *sources, size_t count, FILE *out, size_t *failed);

#endif
