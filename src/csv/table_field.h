/* table_field.h - the fields of a CSV file as numbers, and what is wrong with one, said with its
 * file, line and column. What table.h and table_reader.h have in common. */
#ifndef WINNOW_TABLE_FIELD_H
#define WINNOW_TABLE_FIELD_H

#include "error.h"

#include <stdarg.h>
#include <stddef.h>

/* Writes "PATH:LINE: column 'NAME': " and the rest, and returns -ERR_CONFIG. */
int table_field_error(const char *path, size_t line, const char *name, struct why *why,
                      const char *format, va_list args) __attribute__((format(printf, 5, 0)));

/* The text as a number, NAN when it is empty. 0; else as table_field_error. */
int table_field_number(const char *path, size_t line, const char *name, const char *text,
                       double *number, struct why *why);

/* Takes the column that was found for the name. 0; -ERR_CONFIG when it is negative: there is
 * none. */
int table_field_find(const char *path, size_t line, int found, const char *name, int *column,
                     struct why *why);

#endif
