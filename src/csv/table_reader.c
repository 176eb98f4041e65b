#include "table_reader.h"

#include "buffer.h"
#include "input.h"
#include "table_field.h"

#include <csv.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUOTING       "a field with quotes in it to be quoted, with each inner quote doubled"
#define MAX_ROW_BYTES ((size_t)TABLE_MAX_ROW_MIB << 20)
#define CHUNK_BYTES   65536
#define FIELD_BYTES   4096

struct table_reader {
    char *path;
    int fd;
    struct csv_parser parser;
    bool parser_ready, ended;

    char chunk[CHUNK_BYTES]; /* of the file: read, and not yet parsed */
    size_t chunk_start, chunk_end;

    char **names; /* of the columns; NULL until the header has been read */
    size_t columns;
    char *text; /* the row's cells, each NUL-terminated */
    size_t text_length, text_capacity;
    size_t *starts; /* of the cells in text */
    size_t fields, starts_capacity;

    struct why *why; /* of the present call */
    int error;
    size_t line;       /* being parsed, from 1 */
    size_t row_line;   /* where the row started */
    size_t field_line; /* where the field started */
    size_t row_bytes;  /* of the file, so far */
    bool in_row, whole;
};

static int no_memory(struct table_reader *reader)
{
    return reader->error = error_set(reader->why, ERR_MEMORY, "%s: out of memory", reader->path);
}

/* For the errno of the last attempt. */
static int cannot_read(struct table_reader *reader)
{
    return reader->error =
               error_set(reader->why, ERR_CONFIG, "%s: %s, expected a readable CSV file",
                         reader->path, input_reason(errno));
}

/* Reads on, behind what is left of the chunk, which is not all of it; false at the end of the file
 * and after an error. */
static bool fill(struct table_reader *reader)
{
    size_t left = reader->chunk_end - reader->chunk_start;

    memmove(reader->chunk, reader->chunk + reader->chunk_start, left);
    reader->chunk_start = 0;
    reader->chunk_end = left;
    if (!reader->ended && !reader->error) {
        ssize_t got =
            input_read(reader->fd, reader->chunk + left, CHUNK_BYTES - left, INPUT_PATIENCE_MS);
        reader->ended = got == 0;
        if (got < 0)
            cannot_read(reader);
        else
            reader->chunk_end += (size_t)got;
    }
    return !reader->error && reader->chunk_end > left;
}

/* The bytes of the chunk to be parsed next: a line with its end, as much of a very long one as is
 * there, or 0 at the end of the file. *line_ends tells which. */
static size_t next_part(struct table_reader *reader, bool *line_ends)
{
    for (;;) {
        const char *text = reader->chunk + reader->chunk_start;
        size_t length = reader->chunk_end - reader->chunk_start;
        const char *stop = memchr(text, '\n', length);
        const char *cr = memchr(text, '\r', stop ? (size_t)(stop - text) : length);

        /* A CR may be half of a line's end. */
        if (cr && cr + 1 == text + length && !reader->ended) {
            if (length < CHUNK_BYTES && fill(reader))
                continue;
            if (length > 1) {
                *line_ends = false;
                return length - 1;
            }
        }
        if (cr && cr + 1 != stop)
            stop = cr;
        *line_ends = stop != NULL;
        if (stop)
            return (size_t)(stop - text) + 1;
        if (length == CHUNK_BYTES || !fill(reader))
            return reader->chunk_end - reader->chunk_start;
    }
}

static void on_field(void *field, size_t length, void *data)
{
    struct table_reader *reader = data;

    if (reader->error)
        return;
    if (reader->fields == reader->starts_capacity) {
        size_t wanted = reader->starts_capacity ? 2 * reader->starts_capacity : 16;
        size_t *moved = reallocarray(reader->starts, wanted, sizeof *moved);
        if (!moved) {
            no_memory(reader);
            return;
        }
        reader->starts = moved;
        reader->starts_capacity = wanted;
    }
    size_t needed = reader->text_length + length + 1;
    if (needed > reader->text_capacity)
        needed *= 2;
    if (!buffer_reserve(&reader->text, &reader->text_capacity, needed)) {
        no_memory(reader);
        return;
    }
    char *cell = reader->text + reader->text_length;
    if (length > 0)
        memcpy(cell, field, length);
    cell[length] = '\0';
    reader->starts[reader->fields++] = reader->text_length;
    reader->text_length += length + 1;
    reader->field_line = reader->line;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, names that are the same are neighbours: a header may have millions. */
static int check_header(struct table_reader *reader)
{
    const char **names = calloc(reader->fields, sizeof *names);
    int error = 0;

    if (!names)
        return no_memory(reader);
    for (size_t i = 0; i < reader->fields; i++)
        names[i] = table_reader_cell(reader, (int)i);
    qsort(names, reader->fields, sizeof *names, compare_names);
    for (size_t i = 1; !error && i < reader->fields; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            error = error_set(reader->why, ERR_CONFIG,
                              "%s:%zu: column '%s' is there twice, expected unique names",
                              reader->path, reader->row_line, names[i]);
    free(names);
    return error;
}

static int check_row(struct table_reader *reader)
{
    if (reader->fields < reader->columns)
        return error_set(reader->why, ERR_CONFIG,
                         "%s:%zu: the row ends before column '%s', expected %zu fields, found %zu",
                         reader->path, reader->row_line, reader->names[reader->fields],
                         reader->columns, reader->fields);
    if (reader->fields > reader->columns)
        return error_set(
            reader->why, ERR_CONFIG,
            "%s:%zu: the row goes on after column '%s', expected %zu fields, found %zu",
            reader->path, reader->row_line, reader->names[reader->columns - 1], reader->columns,
            reader->fields);
    return 0;
}

static void on_row(int terminator, void *data)
{
    struct table_reader *reader = data;

    (void)terminator;
    if (reader->error)
        return;
    reader->error = reader->names ? check_row(reader) : check_header(reader);
    reader->in_row = false;
    reader->whole = true;
}

/* Nothing is: by default libcsv would take spaces around a field away, and allow them around its
 * quotes. */
static int is_space(unsigned char c)
{
    (void)c;
    return 0;
}

static int parse_failed(struct table_reader *reader, bool at_end)
{
    char column[128] = "the header";

    if (csv_error(&reader->parser) != CSV_EPARSE)
        return no_memory(reader);
    if (reader->names && reader->fields < reader->columns)
        snprintf(column, sizeof column, "column '%s'", reader->names[reader->fields]);
    else if (reader->names)
        snprintf(column, sizeof column, "the field after column '%s'",
                 reader->names[reader->columns - 1]);
    if (at_end)
        return error_set(
            reader->why, ERR_CONFIG,
            "%s:%zu: %s: the file ends inside the quotes opened here, expected " QUOTING,
            reader->path, reader->field_line, column);
    if (reader->field_line != reader->line)
        return error_set(reader->why, ERR_CONFIG,
                         "%s:%zu: %s: text after the closing quote of the field that began in line "
                         "%zu, expected " QUOTING,
                         reader->path, reader->line, column, reader->field_line);
    return error_set(reader->why, ERR_CONFIG, "%s:%zu: %s: a quote out of place, expected " QUOTING,
                     reader->path, reader->line, column);
}

static int parse_part(struct table_reader *reader, const char *text, size_t length)
{
    if (memchr(text, '\0', length))
        return error_set(reader->why, ERR_CONFIG, "%s:%zu: a NUL byte, expected text", reader->path,
                         reader->line);
    if (!reader->in_row) {
        if (text[0] == '\n' || text[0] == '\r')
            return 0;
        reader->row_line = reader->field_line = reader->line;
        reader->row_bytes = 0;
        reader->in_row = true;
    }
    reader->row_bytes += length;
    if (reader->row_bytes > MAX_ROW_BYTES)
        return error_set(reader->why, ERR_CONFIG,
                         "%s:%zu: a row of more than %d MiB, expected less; is a quote not closed?",
                         reader->path, reader->row_line, TABLE_MAX_ROW_MIB);
    /* So that its buffer for a long field doubles, instead of growing by always the same. */
    csv_set_blk_size(&reader->parser, FIELD_BYTES + csv_get_buffer_size(&reader->parser));
    if (csv_parse(&reader->parser, text, length, on_field, on_row, reader) != length)
        return parse_failed(reader, false);
    return reader->error;
}

/* Reads one row, the header first: 1, 0 at the end, or an error. Line by line, because libcsv does
 * not tell where it is. */
static int read_row(struct table_reader *reader, struct why *why)
{
    bool line_ends;
    size_t part;

    reader->why = why;
    reader->whole = false;
    reader->fields = 0;
    reader->text_length = 0;
    while (!reader->whole && (part = next_part(reader, &line_ends)) > 0) {
        const char *text = reader->chunk + reader->chunk_start;
        reader->chunk_start += part;
        int error = parse_part(reader, text, part);
        if (error)
            return error;
        if (line_ends)
            reader->line++;
    }
    if (!reader->error && !reader->whole &&
        csv_fini(&reader->parser, on_field, on_row, reader) != 0)
        return parse_failed(reader, true);
    return reader->error ? reader->error : reader->whole;
}

/* The header is the first row. */
static int keep_names(struct table_reader *reader)
{
    reader->names = calloc(reader->fields, sizeof *reader->names);
    if (!reader->names)
        return no_memory(reader);
    for (; reader->columns < reader->fields; reader->columns++) {
        char *name = strdup(table_reader_cell(reader, (int)reader->columns));
        if (!name)
            return no_memory(reader);
        reader->names[reader->columns] = name;
    }
    return 0;
}

static int start(struct table_reader *reader, const char *path, struct why *why)
{
    reader->why = why;
    reader->line = 1;
    reader->fd = -1;
    reader->path = strdup(path);
    if (!reader->path || csv_init(&reader->parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
        return error_set(why, ERR_MEMORY, "%s: out of memory", path);
    reader->parser_ready = true;
    csv_set_space_func(&reader->parser, is_space);
    reader->fd = input_open(path, INPUT_PATIENCE_MS);
    if (reader->fd < 0)
        return cannot_read(reader);
    /* A pipe may give the mark in pieces. */
    while (reader->chunk_end < 3 && fill(reader))
        ;
    if (reader->chunk_end >= 3 && memcmp(reader->chunk, "\xEF\xBB\xBF", 3) == 0)
        reader->chunk_start = 3;
    int got = reader->error ? reader->error : read_row(reader, why);
    if (got == 0)
        return error_set(why, ERR_CONFIG, "%s:1: the file is empty, expected a header line", path);
    return got < 0 ? got : keep_names(reader);
}

int table_reader_open(const char *path, struct table_reader **out, struct why *why)
{
    struct table_reader *reader = calloc(1, sizeof *reader);
    int error =
        reader ? start(reader, path, why) : error_set(why, ERR_MEMORY, "%s: out of memory", path);

    if (error)
        table_reader_close(reader);
    else
        *out = reader;
    return error;
}

void table_reader_close(struct table_reader *reader)
{
    if (!reader)
        return;
    for (size_t i = 0; i < reader->columns; i++)
        free(reader->names[i]);
    free(reader->names);
    free(reader->starts);
    free(reader->text);
    if (reader->fd >= 0)
        close(reader->fd);
    if (reader->parser_ready)
        csv_free(&reader->parser);
    free(reader->path);
    free(reader);
}

int table_reader_next(struct table_reader *reader, struct why *why)
{
    return read_row(reader, why);
}

size_t table_reader_columns(const struct table_reader *reader)
{
    return reader->columns;
}

int table_reader_column(const struct table_reader *reader, const char *name)
{
    for (size_t i = 0; i < reader->columns; i++)
        if (strcmp(reader->names[i], name) == 0)
            return (int)i;
    return -1;
}

int table_reader_need_column(const struct table_reader *reader, const char *name, int *column,
                             struct why *why)
{
    return table_field_find(reader->path, reader->row_line, table_reader_column(reader, name), name,
                            column, why);
}

const char *table_reader_cell(const struct table_reader *reader, int column)
{
    return reader->text + reader->starts[column];
}

size_t table_reader_line(const struct table_reader *reader)
{
    return reader->row_line;
}

int table_reader_number(const struct table_reader *reader, int column, double *number,
                        struct why *why)
{
    return table_field_number(reader->path, reader->row_line, reader->names[column],
                              table_reader_cell(reader, column), number, why);
}

int table_reader_error(const struct table_reader *reader, int column, struct why *why,
                       const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int error =
        table_field_error(reader->path, reader->row_line, reader->names[column], why, format, args);
    va_end(args);
    return error;
}
