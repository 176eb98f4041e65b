/* log_merge.h - the logs of several programs as one, in the order of the logical clock that their
 * lines carry. */
#ifndef WINNOW_LOG_MERGE_H
#define WINNOW_LOG_MERGE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A longer line, its newline not counted, is none of a log. */
#define LOG_MERGE_MOST_BYTES 65536

/* How the reading of a log has ended. */
enum log_merge_end {
    LOG_MERGE_WHOLE,      /* at its end */
    LOG_MERGE_UNREADABLE, /* reading failed */
    LOG_MERGE_TOO_LONG,   /* at a line that is too long */
};

/* What is merged: a log that is open for reading, and its line that comes next. Start from
 * {.file = ...}. */
struct log_merge_source {
    FILE *file;
    char *line; /* NULL at the end */
    size_t length;
    uint64_t number; /* of the line that was read last, from 1 */
    int64_t clock;   /* of that line, or of the last before it that had one */
    enum log_merge_end end;
};

/* The clock of a line: that of its pair clock=N, which is no part of a quoted text; -1 when it has
 * none. */
int64_t log_merge_clock(const char *line, size_t length);

/* Writes the lines of all logs to out. Those of one log stay in their order, and a line without a
 * clock stays behind the line before it; of equal clocks those of the log that was named first come
 * first. Returns 0; -ERR_CONFIG when a source could not be read to its end (`end` of each says
 * how), after the others were; -ERR_SYSTEM when out takes no more; -ERR_MEMORY before anything was
 * written. */
int log_merge(struct log_merge_source *sources, size_t count, FILE *out);

#endif
