#include "table.h"

#include <csv.h>
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct table {
    char *path;
    char *text;         /* the file; its cells, each NUL-terminated, once it has been read */
    const char **cells; /* row by row, the header first */
    size_t *lines;      /* in which each row starts, the header first */
    size_t columns;
    size_t rows; /* with the header */
};

#define QUOTING "a field with quotes in it to be quoted, with each inner quote doubled"

/* --- reading --- */

struct reader {
    struct table *table;
    struct why *why;
    int error;
    size_t cells;
    size_t cells_capacity;
    size_t lines_capacity;
    size_t line;       /* being parsed, from 1 */
    size_t row_line;   /* where the row started */
    size_t field_line; /* where the field started */
    size_t fields;     /* of the row, so far */
    size_t written;    /* bytes of text that hold cells */
    bool in_row;
};

/* The array, moved if need be, with room for one more of `size` bytes; NULL when there is no
 * memory. */
static void *with_room(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    size_t wanted = *capacity ? *capacity * 2 : 64;
    void *moved = reallocarray(array, wanted, size);
    if (moved)
        *capacity = wanted;
    return moved;
}

static int read_file(const char *path, char **text, size_t *length, struct why *why)
{
    FILE *file = fopen(path, "rbe");
    char *buffer = NULL;
    size_t used = 0;
    size_t capacity = 0;
    int error = 0;

    if (!file)
        return error_set(why, ERR_CONFIG, "%s: %s, expected a readable CSV file", path,
                         strerror(errno));
    while (!feof(file)) {
        /* One byte more than the file has: the end of the last cell. */
        if (capacity - used < 2) {
            size_t wanted = capacity ? capacity * 2 : 65536;
            char *moved = realloc(buffer, wanted);
            if (!moved) {
                error = error_set(why, ERR_MEMORY, "%s: out of memory", path);
                goto out;
            }
            buffer = moved;
            capacity = wanted;
        }
        used += fread(buffer + used, 1, capacity - used - 1, file);
        if (ferror(file)) {
            error = error_set(why, ERR_CONFIG, "%s: %s, expected a readable CSV file", path,
                              strerror(errno));
            goto out;
        }
    }
    *text = buffer;
    *length = used;
    buffer = NULL;
out:
    free(buffer);
    fclose(file);
    return error;
}

static int no_memory(struct reader *reader)
{
    return reader->error =
               error_set(reader->why, ERR_MEMORY, "%s: out of memory", reader->table->path);
}

/* Called only once the field and the comma or line end after it have been read, so that a cell and
 * its NUL never reach what is still to be read: cells take the place of the text they came from. */
static void on_field(void *field, size_t length, void *data)
{
    struct reader *reader = data;
    struct table *table = reader->table;

    if (reader->error)
        return;
    const char **cells =
        with_room(table->cells, reader->cells, &reader->cells_capacity, sizeof *cells);
    if (!cells) {
        no_memory(reader);
        return;
    }
    table->cells = cells;
    char *cell = table->text + reader->written;
    if (length > 0)
        memmove(cell, field, length);
    cell[length] = '\0';
    reader->written += length + 1;
    table->cells[reader->cells++] = cell;
    reader->fields++;
    reader->field_line = reader->line;
}

static int check_header(struct reader *reader)
{
    const struct table *table = reader->table;

    for (size_t i = 0; i < table->columns; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(table->cells[i], table->cells[j]) == 0)
                return error_set(reader->why, ERR_CONFIG,
                                 "%s:%zu: column '%s' is there twice, expected unique names",
                                 table->path, reader->row_line, table->cells[i]);
    return 0;
}

static int check_row(struct reader *reader)
{
    const struct table *table = reader->table;

    if (reader->fields < table->columns)
        return error_set(reader->why, ERR_CONFIG,
                         "%s:%zu: the row ends before column '%s', expected %zu fields, found %zu",
                         table->path, reader->row_line, table->cells[reader->fields],
                         table->columns, reader->fields);
    if (reader->fields > table->columns)
        return error_set(
            reader->why, ERR_CONFIG,
            "%s:%zu: the row goes on after column '%s', expected %zu fields, found %zu",
            table->path, reader->row_line, table->cells[table->columns - 1], table->columns,
            reader->fields);
    return 0;
}

static void on_row(int terminator, void *data)
{
    struct reader *reader = data;
    struct table *table = reader->table;

    (void)terminator;
    if (reader->error)
        return;
    size_t *lines = with_room(table->lines, table->rows, &reader->lines_capacity, sizeof *lines);
    if (!lines) {
        no_memory(reader);
        return;
    }
    table->lines = lines;
    if (table->rows == 0)
        table->columns = reader->fields;
    reader->error = table->rows == 0 ? check_header(reader) : check_row(reader);
    table->lines[table->rows++] = reader->row_line;
    reader->fields = 0;
    reader->in_row = false;
}

/* By default libcsv would take spaces around a field away, and let them stand around its quotes. */
static int is_space(unsigned char c)
{
    (void)c;
    return 0;
}

/* The bytes of the line that starts here, with its end. */
static size_t line_length(const char *text, size_t length)
{
    size_t end = 0;

    while (end < length && text[end] != '\n' && text[end] != '\r')
        end++;
    if (end < length && text[end] == '\r' && end + 1 < length && text[end + 1] == '\n')
        end++;
    return end < length ? end + 1 : end;
}

static int parse_failed(struct reader *reader, struct csv_parser *parser, bool at_end)
{
    const struct table *table = reader->table;
    char column[128] = "the header";

    if (csv_error(parser) != CSV_EPARSE)
        return no_memory(reader);
    if (table->rows > 0 && reader->fields < table->columns)
        snprintf(column, sizeof column, "column '%s'", table->cells[reader->fields]);
    else if (table->rows > 0)
        snprintf(column, sizeof column, "the field after column '%s'",
                 table->cells[table->columns - 1]);
    if (at_end)
        return error_set(
            reader->why, ERR_CONFIG,
            "%s:%zu: %s: the file ends inside the quotes opened here, expected " QUOTING,
            table->path, reader->field_line, column);
    if (reader->field_line != reader->line)
        return error_set(reader->why, ERR_CONFIG,
                         "%s:%zu: %s: text after the closing quote of the field that began in line "
                         "%zu, expected " QUOTING,
                         table->path, reader->line, column, reader->field_line);
    return error_set(reader->why, ERR_CONFIG, "%s:%zu: %s: a quote out of place, expected " QUOTING,
                     table->path, reader->line, column);
}

/* Line by line, because libcsv does not tell where it is. */
static int parse_lines(struct reader *reader, struct csv_parser *parser, size_t length)
{
    const struct table *table = reader->table;
    size_t position = length >= 3 && memcmp(table->text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;

    for (reader->line = 1; position < length; reader->line++) {
        const char *text = table->text + position;
        size_t part = line_length(text, length - position);

        position += part;
        if (memchr(text, '\0', part))
            return error_set(reader->why, ERR_CONFIG, "%s:%zu: a NUL byte, expected text",
                             table->path, reader->line);
        if (!reader->in_row) {
            if (text[0] == '\n' || text[0] == '\r')
                continue;
            reader->row_line = reader->line;
            reader->field_line = reader->line;
            reader->in_row = true;
        }
        if (csv_parse(parser, text, part, on_field, on_row, reader) != part)
            return parse_failed(reader, parser, false);
        if (reader->error)
            return reader->error;
    }
    if (csv_fini(parser, on_field, on_row, reader) != 0)
        return parse_failed(reader, parser, true);
    if (!reader->error && table->rows == 0)
        return error_set(reader->why, ERR_CONFIG, "%s:1: the file is empty, expected a header line",
                         table->path);
    return reader->error;
}

int table_read(const char *path, struct table **out, struct why *why)
{
    struct table *table = calloc(1, sizeof *table);
    struct reader reader = {.table = table, .why = why};
    struct csv_parser parser;
    size_t length = 0;

    *out = NULL;
    if (!table || !(table->path = strdup(path)) ||
        csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0) {
        table_close(table);
        return error_set(why, ERR_MEMORY, "%s: out of memory", path);
    }
    csv_set_space_func(&parser, is_space);
    csv_set_blk_size(&parser, 4096);

    int error = read_file(path, &table->text, &length, why);
    if (!error)
        error = parse_lines(&reader, &parser, length);
    csv_free(&parser);
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
    free(table->cells);
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

int table_column(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->columns; i++)
        if (strcmp(table->cells[i], name) == 0)
            return (int)i;
    return -1;
}

int table_need_column(const struct table *table, const char *name, int *column, struct why *why)
{
    *column = table_column(table, name);
    if (*column < 0)
        return error_set(why, ERR_CONFIG, "%s:%zu: no column '%s', expected one of that name",
                         table->path, table->lines[0], name);
    return 0;
}

const char *table_cell(const struct table *table, size_t row, int column)
{
    return table->cells[(row + 1) * table->columns + (size_t)column];
}

size_t table_line(const struct table *table, size_t row)
{
    return table->lines[row + 1];
}

int table_error(const struct table *table, size_t row, int column, struct why *why,
                const char *format, ...)
{
    struct why what;
    va_list args;

    va_start(args, format);
    vsnprintf(what.text, sizeof what.text, format, args);
    va_end(args);
    return error_set(why, ERR_CONFIG, "%s:%zu: column '%s': %s", table->path,
                     table_line(table, row), table->cells[column], what.text);
}

/* Numbers in files look the same whatever language the user speaks. The C locale is part of the C
 * library: asking for it allocates nothing and cannot fail. */
static locale_t c_locale(void)
{
    return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static const char *skip_digits(const char *text)
{
    while (*text >= '0' && *text <= '9')
        text++;
    return text;
}

/* [+-]digits[.digits][e[+-]digits], and nothing of the much else that strtod takes. */
static bool is_number(const char *text)
{
    const char *end;

    if (*text == '-' || *text == '+')
        text++;
    if ((end = skip_digits(text)) == text)
        return false;
    text = end;
    if (*text == '.') {
        text++;
        if ((end = skip_digits(text)) == text)
            return false;
        text = end;
    }
    if (*text == 'e' || *text == 'E') {
        text++;
        if (*text == '-' || *text == '+')
            text++;
        if ((end = skip_digits(text)) == text)
            return false;
        text = end;
    }
    return *text == '\0';
}

int table_number(const struct table *table, size_t row, int column, double *number, struct why *why)
{
    const char *text = table_cell(table, row, column);

    if (*text == '\0') {
        *number = NAN;
        return 0;
    }
    double value = is_number(text) ? strtod_l(text, NULL, c_locale()) : NAN;
    if (!isfinite(value))
        return table_error(table, row, column, why,
                           "'%.40s' is not a number, expected one like "
                           "1000 or 0.5 or 1e6",
                           text);
    *number = value;
    return 0;
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
    char text[32];
    int length = 0;

    if (isfinite(number)) {
        locale_t before = uselocale(c_locale());
        length = snprintf(text, sizeof text, "%.17g", number);
        uselocale(before);
    }
    append_field(row, text, (size_t)length);
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
