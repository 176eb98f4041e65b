/* table_reader.h - CSV, a row at a time: the memory it takes does not depend on the file's length.
 * The dialect is that of table.h. */
#ifndef WINNOW_TABLE_READER_H
#define WINNOW_TABLE_READER_H

#include "error.h"

#include <stddef.h>

/* A longer row is refused: somebody forgot to close a quote. */
#define TABLE_MAX_ROW_MIB 16

/* A CSV file being read: a header of unique names, and the present row with a field for every
 * name. */
struct table_reader;

/* Opens the file and reads its header; there is no present row yet. *reader is to be closed with
 * table_reader_close.
 *
 * Returns 0, -ERR_MEMORY, or -ERR_CONFIG: the file cannot be read ("FILE: reason, expected ..."),
 * or has no proper header ("FILE:LINE: what is wrong, expected ..."). */
int table_reader_open(const char *path, struct table_reader **reader, struct why *why);

/* Takes NULL. */
void table_reader_close(struct table_reader *reader);

/* Goes to the next row. Returns 1; 0 at the end of the file; -ERR_MEMORY; or -ERR_CONFIG, the file
 * not being a table: a row with another number of fields than the header, quotes out of place, a
 * NUL byte. After 0 or an error it is not called again. */
int table_reader_next(struct table_reader *reader, struct why *why);

/* Fields in each row; and the index of the column of a name, or -1. */
size_t table_reader_columns(const struct table_reader *reader);
int table_reader_column(const struct table_reader *reader, const char *name);

/* The same, but a missing column is -ERR_CONFIG: "FILE:1: no column 'x', expected ...". */
int table_reader_need_column(const struct table_reader *reader, const char *name, int *column,
                             struct why *why);

/* Of the present row: the field's text, never NULL, valid until the next row; and the line of the
 * file, from 1, in which it starts: fields may span lines. Before the first row: the header's. */
const char *table_reader_cell(const struct table_reader *reader, int column);
size_t table_reader_line(const struct table_reader *reader);

/* As table_number and table_error in table.h, of the present row. */
int table_reader_number(const struct table_reader *reader, int column, double *number,
                        struct why *why);
int table_reader_error(const struct table_reader *reader, int column, struct why *why,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
