/* table.h - CSV: whole files in, single rows out. It and table_reader.h, for files too long for
 * memory, are the only modules that include <csv.h>.
 *
 * The dialect is RFC 4180, strictly: a comma separates; a field that holds a comma, a quote or a
 * line break is quoted, with each quote inside doubled; spaces belong to the field. Lines end in
 * LF, CRLF or CR; empty lines between rows and a UTF-8 byte order mark are skipped; the last line
 * may lack its end. */
#ifndef WINNOW_TABLE_H
#define WINNOW_TABLE_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- reading --- */

/* All fields together; a longer file is refused. */
#define TABLE_MAX_MIB 256

/* A CSV file in memory: a header of unique names, and rows with a field for every name. */
struct table;

/* Reads the file. On success *table is to be closed with table_close; on failure it is NULL.
 *
 * Returns 0, -ERR_MEMORY, or -ERR_CONFIG: the file cannot be read ("FILE: reason, expected ..."),
 * or is not a table ("FILE:LINE: what is wrong, expected ..."): no header, a name twice, a row with
 * another number of fields than the header, quotes out of place, a NUL byte, too much. */
int table_read(const char *path, struct table **table, struct why *why);

/* Takes NULL. */
void table_close(struct table *table);

/* Rows below the header, and fields in each. */
size_t table_rows(const struct table *table);
size_t table_columns(const struct table *table);

/* The index of the column of that name, or -1. */
int table_column(const struct table *table, const char *name);

/* The same, but a missing column is -ERR_CONFIG: "FILE:1: no column 'x', expected ...". */
int table_need_column(const struct table *table, const char *name, int *column, struct why *why);

/* The field's text, never NULL, valid until table_close. row < table_rows; column >= 0 and from
 * table_column, here and below. */
const char *table_cell(const struct table *table, size_t row, int column);

/* The line of the file, from 1, in which the row starts: fields may span lines. */
size_t table_line(const struct table *table, size_t row);

/* The field as a finite number, written as JSON would but for leading zeros and a plus sign; the
 * decimal point is a point in every locale. An empty field is unknown: 0 is returned and *number is
 * NAN. All else is -ERR_CONFIG: "FILE:LINE: column 'x': 'abc' is not a number, expected ...". */
int table_number(const struct table *table, size_t row, int column, double *number,
                 struct why *why);

/* For what the caller finds wrong with a field: writes "FILE:LINE: column 'x': " and the rest, and
 * returns -ERR_CONFIG. */
int table_error(const struct table *table, size_t row, int column, struct why *why,
                const char *format, ...) __attribute__((format(printf, 5, 6)));

/* --- writing --- */

/* One row as text, so that a row is one write(2). Held by the caller; the buffer is kept from row
 * to row. Fields are appended left to right; running out of memory is remembered until
 * table_row_end. */
struct table_row {
    char *text;      /* not NUL-terminated; whole after table_row_end */
    size_t length;   /* bytes in text */
    size_t capacity; /* bytes allocated for text */
    size_t fields;
    bool failed;
};

void table_row_init(struct table_row *row);
void table_row_clear(struct table_row *row);

/* Forgets the fields; the buffer stays. */
void table_row_begin(struct table_row *row);

/* Appends a text, quoted when the dialect or a lenient reader needs it; NULL is unknown, an empty
 * field. */
void table_row_text(struct table_row *row, const char *text);
void table_row_integer(struct table_row *row, int64_t integer);
void table_row_count(struct table_row *row, uint64_t count);

/* Appends %.17g, which reads back to the same double; when it is not finite, an empty field. */
void table_row_number(struct table_row *row, double number);

/* Ends the row with a newline. Returns 0, or -ERR_MEMORY when any of its fields is missing. */
int table_row_end(struct table_row *row);

#endif
