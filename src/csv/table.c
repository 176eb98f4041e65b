#include "table.h"

#include "buffer.h"
#include "number.h"
#include "table_field.h"
#include "table_reader.h"

#include <csv.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct table {
    char *path;
    char *text; /* the cells, each NUL-terminated */
    size_t text_length, text_capacity;
    size_t *starts; /* of the cells in text, row by row, the header first */
    size_t cells, starts_capacity;
    size_t *lines;               /* in which each row starts, the header first */
    size_t rows, lines_capacity; /* with the header */
    size_t columns;
};

/* --- reading --- */

/* Appends a number to an array that grows. */
static bool push(size_t **array, size_t *count, size_t *capacity, size_t number)
{
    if (*count == *capacity) {
        size_t wanted = *capacity ? *capacity * 2 : 64;
        size_t *moved = reallocarray(*array, wanted, sizeof *moved);
        if (!moved)
            return false;
        *array = moved;
        *capacity = wanted;
    }
    (*array)[(*count)++] = number;
    return true;
}

static bool add_cell(struct table *table, const char *text)
{
    size_t size = strlen(text) + 1;
    size_t needed = table->text_length + size;

    if (needed > table->text_capacity)
        needed *= 2;
    if (!push(&table->starts, &table->cells, &table->starts_capacity, table->text_length) ||
        !buffer_reserve(&table->text, &table->text_capacity, needed))
        return false;
    memcpy(table->text + table->text_length, text, size);
    table->text_length += size;
    return true;
}

/* The header, or the reader's present row. */
static bool add_row(struct table *table, const struct table_reader *reader)
{
    bool added =
        push(&table->lines, &table->rows, &table->lines_capacity, table_reader_line(reader));

    for (int i = 0; added && i < (int)table->columns; i++)
        added = add_cell(table, table_reader_cell(reader, i));
    return added;
}

int table_read(const char *path, struct table **out, struct why *why)
{
    struct table *table = calloc(1, sizeof *table);
    struct table_reader *reader = NULL;
    int got = 0;

    *out = NULL;
    if (!table || !(table->path = strdup(path))) {
        table_close(table);
        return error_set(why, ERR_MEMORY, "%s: out of memory", path);
    }
    int error = table_reader_open(path, &reader, why);
    if (!error) {
        table->columns = table_reader_columns(reader);
        do {
            if (!add_row(table, reader))
                error = error_set(why, ERR_MEMORY, "%s: out of memory", path);
            else if (table->text_length > (size_t)TABLE_MAX_MIB << 20)
                error = error_set(why, ERR_CONFIG, "%s:%zu: more than %d MiB, expected less", path,
                                  table_reader_line(reader), TABLE_MAX_MIB);
        } while (!error && (got = table_reader_next(reader, why)) == 1);
        if (got < 0)
            error = got;
    }
    table_reader_close(reader);
    if (error)
        table_close(table);
    else
        *out = table;
    return error;
}

void table_close(struct table *table)
{
    if (!table)
        return;
    free(table->lines);
    free(table->starts);
    free(table->text);
    free(table->path);
    free(table);
}

size_t table_rows(const struct table *table)
{
    return table->rows - 1;
}

size_t table_columns(const struct table *table)
{
    return table->columns;
}

static const char *name_of(const struct table *table, int column)
{
    return table->text + table->starts[column];
}

int table_column(const struct table *table, const char *name)
{
    for (int i = 0; i < (int)table->columns; i++)
        if (strcmp(name_of(table, i), name) == 0)
            return i;
    return -1;
}

int table_need_column(const struct table *table, const char *name, int *column, struct why *why)
{
    return table_field_find(table->path, table->lines[0], table_column(table, name), name, column,
                            why);
}

const char *table_cell(const struct table *table, size_t row, int column)
{
    return table->text + table->starts[(row + 1) * table->columns + (size_t)column];
}

size_t table_line(const struct table *table, size_t row)
{
    return table->lines[row + 1];
}

int table_error(const struct table *table, size_t row, int column, struct why *why,
                const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int error = table_field_error(table->path, table_line(table, row), name_of(table, column), why,
                                  format, args);
    va_end(args);
    return error;
}

int table_number(const struct table *table, size_t row, int column, double *number, struct why *why)
{
    return table_field_number(table->path, table_line(table, row), name_of(table, column),
                              table_cell(table, row, column), number, why);
}

/* --- writing --- */

void table_row_init(struct table_row *row)
{
    *row = (struct table_row){0};
}

void table_row_clear(struct table_row *row)
{
    free(row->text);
    table_row_init(row);
}

void table_row_begin(struct table_row *row)
{
    row->length = 0;
    row->fields = 0;
    row->failed = false;
}

/* Where `length` more bytes go, already counted as written; NULL when there is no memory. */
static char *append(struct table_row *row, size_t length)
{
    if (!row->text || row->capacity - row->length < length) {
        size_t wanted = (row->length + length) * 2 + 64;
        char *moved = realloc(row->text, wanted);
        if (!moved) {
            row->failed = true;
            return NULL;
        }
        row->text = moved;
        row->capacity = wanted;
    }
    row->length += length;
    return row->text + row->length - length;
}

static void append_field(struct table_row *row, const char *text, size_t length)
{
    bool first = row->fields++ == 0;
    char *place = append(row, length + (first ? 0 : 1));

    if (!place)
        return;
    if (!first)
        *place++ = ',';
    if (length > 0)
        memcpy(place, text, length);
}

void table_row_text(struct table_row *row, const char *text)
{
    size_t length = text ? strlen(text) : 0;

    if (length == 0 || (!strpbrk(text, ",\"\r\n") && !strchr(" \t", text[0]) &&
                        !strchr(" \t", text[length - 1]))) {
        append_field(row, text, length);
        return;
    }
    append_field(row, NULL, 0);
    size_t quoted = csv_write(NULL, 0, text, length);
    char *place = append(row, quoted);
    if (place)
        csv_write(place, quoted, text, length);
}

void table_row_integer(struct table_row *row, int64_t integer)
{
    char text[32];

    append_field(row, text, (size_t)snprintf(text, sizeof text, "%" PRId64, integer));
}

void table_row_count(struct table_row *row, uint64_t count)
{
    char text[32];

    append_field(row, text, (size_t)snprintf(text, sizeof text, "%" PRIu64, count));
}

void table_row_number(struct table_row *row, double number)
{
    char text[NUMBER_TEXT_SIZE];

    append_field(row, text, number_format(number, text));
}

int table_row_end(struct table_row *row)
{
    /* A lone empty field without quotes would be an empty line, which readers skip. */
    bool blank = row->fields == 1 && row->length == 0;
    char *place = append(row, blank ? 3 : 1);

    if (place)
        memcpy(place, blank ? "\"\"\n" : "\n", blank ? 3 : 1);
    return row->failed ? -ERR_MEMORY : 0;
}
