/* trace.h - a recorded trace of arrivals: a CSV file read a row at a time, so that its length does
 * not matter.
 *
 * A trace is named FILE.csv or FILE.csv:TIME or FILE.csv:TIME,COUNT, where TIME and COUNT are
 * columns:
 *
 *   TIME    else the column `time_s`. Seconds, from any start, or timestamps (units.h); one kind in
 *           a file. The first row's time becomes 0. Rows are in the order of time, ties allowed.
 *   COUNT   else the column `count` if there is one. So many events, a whole number, from the row's
 *           time until that of the next; the last row lasts as long as the one before it.
 *           Without either, each row is one event at its time.
 *
 * Other columns are ignored. */
#ifndef WINNOW_TRACE_H
#define WINNOW_TRACE_H

#include "error.h"

#include <stdint.h>

#define TRACE_FORM "FILE.csv, FILE.csv:TIME or FILE.csv:TIME,COUNT"

/* Between the first row and the end of the last. */
#define TRACE_MAX_S 1e9

/* The largest count of one row: whole numbers up to here are exact in a double. */
#define TRACE_MAX_COUNT (UINT64_C(1) << 53)

struct trace;

/* `count` events in [time_s, until_s); or, when both are the same, all of them at that time. */
struct trace_row {
    double time_s;  /* from the first row: >= 0, never less than the one before */
    double until_s; /* >= time_s */
    uint64_t count; /* 0 .. TRACE_MAX_COUNT; 1 in a trace without counts */
};

/* Opens the file and finds the columns. *trace is to be closed with trace_close.
 *
 * Returns 0, -ERR_MEMORY, or -ERR_CONFIG: the file cannot be read, or not again, is no table
 * (table_reader.h), or lacks a column. */
int trace_open(const char *source, struct trace **trace, struct why *why);

/* Takes NULL. */
void trace_close(struct trace *trace);

/* The file's name, without columns. */
const char *trace_path(const struct trace *trace);

/* The next row. Returns 1 and *row; 0 after the last; -ERR_MEMORY; or -ERR_CONFIG with "FILE:LINE:
 * column 'x': ...": a time that is empty, of the other kind or neither, earlier than the one before
 * or more than TRACE_MAX_S after the first; a count that is empty, negative, not whole or over
 * TRACE_MAX_COUNT; a single row with a count, which says nothing of how long it lasts. After 0 or
 * an error it is not called again. */
int trace_next(struct trace *trace, struct trace_row *row, struct why *why);

#endif
