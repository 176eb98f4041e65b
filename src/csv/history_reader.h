/* history_reader.h - reads one run of a history, a row at a time, so that its length does not
 * matter. The columns are those of history_format.h. */
#ifndef WINNOW_HISTORY_READER_H
#define WINNOW_HISTORY_READER_H

#include "error.h"
#include "history_format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The run of the file's last row. */
#define HISTORY_READER_LAST_RUN UINT64_MAX

struct history_reader;

/* Opens the file and finds the columns that are to be read. *reader is to be closed with
 * history_reader_close; the path is borrowed until then.
 *
 * needed     names of the format, NULL at the end; "run" need not be among them
 * optional   the same, of columns that may be missing in the file, and are unknown then; or NULL
 *
 * Returns 0, -ERR_MEMORY, or -ERR_CONFIG: the file cannot be read, is no table, or lacks a column
 * ("FILE:1: no column 'x', expected ..."). */
int history_reader_open(const char *path, uint64_t run, const char *const *needed,
                        const char *const *optional, struct history_reader **reader,
                        struct why *why);
/* Takes NULL. */
void history_reader_close(struct history_reader *reader);

/* The run's next row: its run and the columns that are to be read; all else in *row is unknown. An
 * empty field is unknown, whatever the format says of its column. Texts are valid until the reader
 * is closed.
 *
 * Returns 1; 0 after the last row; -ERR_MEMORY; -ERR_INVALID when the file has no row of that run;
 * or -ERR_CONFIG with "FILE:LINE: ...": nothing follows the header, it is no table, a run or a
 * value that its column cannot hold. After 0 or an error it is not called again. */
int history_reader_next(struct history_reader *reader, struct history_row *row, struct why *why);

/* Of the present row: 0, or -ERR_CONFIG when one of the columns is empty that, by the format, may
 * not be. */
int history_reader_check_known(const struct history_reader *reader, struct history_row *row,
                               struct why *why);

/* The number of the run, once a row was read. */
uint64_t history_reader_run(const struct history_reader *reader);
/* The line of the file in which the present row starts, from 1. */
size_t history_reader_line(const struct history_reader *reader);

/* For what the caller finds wrong with a field of the present row: writes "FILE:LINE: column 'x': "
 * and the rest, and returns -ERR_CONFIG. */
int history_reader_error(const struct history_reader *reader, const char *column, struct why *why,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The numbers of a file's runs. */
struct history_reader_runs {
    uint64_t last, lowest, highest; /* last: of the last row */
    size_t rows;                    /* 0: there are none, and the rest means nothing */
};

/* Goes through the whole file. 0, -ERR_MEMORY or -ERR_CONFIG, as history_reader_next. */
int history_reader_scan(const char *path, struct history_reader_runs *runs, struct why *why);

#endif
