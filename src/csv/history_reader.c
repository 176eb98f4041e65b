#include "history_reader.h"

#include "input.h"
#include "table_field.h"
#include "table_reader.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* A text that was read: once, however many rows have it. */
struct kept_text {
    struct kept_text *before;
    char text[];
};

/* Among so many texts the same is sought: a run has few policies, reasons and parameters. */
#define TEXTS_SOUGHT 64

struct wanted {
    const struct history_column *column;
    int place; /* in the file; -1: not there */
};

struct history_reader {
    const char *path;
    struct table_reader *table;
    int run_place;
    uint64_t run;
    bool found; /* a row of the run was read */
    struct kept_text *texts;
    size_t count;
    struct wanted wanted[];
};

/* ---- opening ---- */

static size_t length_of(const char *const *names)
{
    size_t count = 0;

    while (names && names[count])
        count++;
    return count;
}

static int find_columns(struct history_reader *reader, const char *const *names, bool needed,
                        struct why *why)
{
    int error = 0;

    for (; !error && names && *names; names++) {
        struct wanted *wanted = &reader->wanted[reader->count++];
        wanted->column = history_format_find(*names);
        wanted->place = table_reader_column(reader->table, *names);
        if (needed)
            error = table_reader_need_column(reader->table, *names, &wanted->place, why);
    }
    return error;
}

int history_reader_open(const char *path, uint64_t run, const char *const *needed,
                        const char *const *optional, struct history_reader **out, struct why *why)
{
    size_t count = length_of(needed) + length_of(optional);
    struct history_reader *reader = calloc(1, sizeof *reader + count * sizeof *reader->wanted);
    if (!reader)
        return error_set(why, ERR_MEMORY, "%s: out of memory", path);

    reader->path = path;
    reader->run = run;
    int error = input_check_repeatable(path, why);
    if (!error)
        error = table_reader_open(path, &reader->table, why);
    if (!error)
        error = table_reader_need_column(reader->table, "run", &reader->run_place, why);
    if (!error)
        error = find_columns(reader, needed, true, why);
    if (!error)
        error = find_columns(reader, optional, false, why);
    if (error)
        history_reader_close(reader);
    else
        *out = reader;
    return error;
}

void history_reader_close(struct history_reader *reader)
{
    if (!reader)
        return;
    for (struct kept_text *text = reader->texts, *before; text; text = before) {
        before = text->before;
        free(text);
    }
    table_reader_close(reader->table);
    free(reader);
}

/* ---- runs ---- */

static int read_run(const struct table_reader *table, int place, uint64_t *run, struct why *why)
{
    double value;
    int error = table_reader_number(table, place, &value, why);

    if (error)
        return error;
    /* NAN fails the comparisons too. */
    if (!(value >= 0 && value <= HISTORY_MOST && value == floor(value)))
        return table_reader_error(table, place, why,
                                  "'%.40s' is not the number of a run, expected 1 or more",
                                  table_reader_cell(table, place));
    *run = (uint64_t)value;
    return 0;
}

static int scan(struct table_reader *table, struct history_reader_runs *runs, struct why *why)
{
    int place, got, error = table_reader_need_column(table, "run", &place, why);

    while (!error && (got = table_reader_next(table, why)) != 0) {
        error = got < 0 ? got : read_run(table, place, &runs->last, why);
        if (error)
            break;
        runs->rows++;
        runs->lowest = runs->last < runs->lowest ? runs->last : runs->lowest;
        runs->highest = runs->last > runs->highest ? runs->last : runs->highest;
    }
    return error;
}

int history_reader_scan(const char *path, struct history_reader_runs *runs, struct why *why)
{
    struct table_reader *table = NULL;

    *runs = (struct history_reader_runs){.lowest = UINT64_MAX};
    int error = table_reader_open(path, &table, why);
    if (!error)
        error = scan(table, runs, why);
    table_reader_close(table);
    return error;
}

static int no_rows(const struct history_reader *reader, struct why *why)
{
    return error_set(why, ERR_CONFIG,
                     "%s:1: nothing follows the header, expected a row for each decision",
                     reader->path);
}

static int find_last_run(struct history_reader *reader, struct why *why)
{
    struct history_reader_runs runs;
    int error = history_reader_scan(reader->path, &runs, why);

    if (!error && !runs.rows)
        error = no_rows(reader, why);
    reader->run = runs.last;
    return error;
}

static int no_such_run(const struct history_reader *reader, struct why *why)
{
    struct history_reader_runs runs;
    int error = history_reader_scan(reader->path, &runs, why);

    if (error)
        return error;
    if (!runs.rows)
        return no_rows(reader, why);
    return error_set(why, ERR_INVALID,
                     "%s has no run %" PRIu64 ", expected one of %" PRIu64 " to %" PRIu64,
                     reader->path, reader->run, runs.lowest, runs.highest);
}

/* ---- rows ---- */

/* What is wrong with a number that the column cannot hold; NULL: nothing. NAN is unknown. */
static const char *objection(enum history_kind kind, double number)
{
    if (kind == HISTORY_POSITIVE && number <= 0)
        return "is not positive, expected more than 0";
    if (kind != HISTORY_NUMBER && number < 0)
        return "is negative, expected 0 or more";
    if (kind == HISTORY_COUNT &&
        (number > HISTORY_MOST || number < floor(number) || number > floor(number)))
        return "is not a count, expected a whole number";
    return NULL;
}

static int read_number(const struct history_reader *reader, const struct wanted *wanted,
                       double *number, struct why *why)
{
    int error = table_reader_number(reader->table, wanted->place, number, why);
    const char *wrong = error ? NULL : objection(wanted->column->kind, *number);

    if (wrong)
        error = table_reader_error(reader->table, wanted->place, why, "'%.40s' %s",
                                   table_reader_cell(reader->table, wanted->place), wrong);
    return error;
}

/* The same text, valid until the reader is closed; NULL when there is no memory. */
static const char *keep(struct history_reader *reader, const char *text)
{
    struct kept_text *kept = reader->texts;
    size_t size = strlen(text) + 1;

    for (int i = 0; kept && i < TEXTS_SOUGHT; i++, kept = kept->before)
        if (strcmp(kept->text, text) == 0)
            return kept->text;
    kept = malloc(sizeof *kept + size);
    if (!kept)
        return NULL;
    memcpy(kept->text, text, size);
    kept->before = reader->texts;
    reader->texts = kept;
    return kept->text;
}

static int read_text(struct history_reader *reader, const struct wanted *wanted, const char **out,
                     struct why *why)
{
    const char *text = table_reader_cell(reader->table, wanted->place);

    if (!*text)
        return 0;
    *out = keep(reader, text);
    return *out ? 0 : error_set(why, ERR_MEMORY, "%s: out of memory", reader->path);
}

static int read_row(struct history_reader *reader, struct history_row *row, struct why *why)
{
    int error = 0;

    history_format_clear(row);
    row->run = (double)reader->run;
    for (size_t i = 0; !error && i < reader->count; i++) {
        const struct wanted *wanted = &reader->wanted[i];
        if (wanted->place < 0)
            continue;
        if (wanted->column->kind == HISTORY_TEXT)
            error = read_text(reader, wanted, history_format_text(wanted->column, row), why);
        else
            error = read_number(reader, wanted, history_format_number(wanted->column, row), why);
    }
    return error ? error : 1;
}

int history_reader_next(struct history_reader *reader, struct history_row *row, struct why *why)
{
    uint64_t run = 0;
    int got, error = 0;

    if (reader->run == HISTORY_READER_LAST_RUN)
        error = find_last_run(reader, why);
    while (!error && (got = table_reader_next(reader->table, why)) != 0) {
        error = got < 0 ? got : read_run(reader->table, reader->run_place, &run, why);
        if (!error && run == reader->run) {
            reader->found = true;
            return read_row(reader, row, why);
        }
    }
    return error || reader->found ? error : no_such_run(reader, why);
}

int history_reader_check_known(const struct history_reader *reader, struct history_row *row,
                               struct why *why)
{
    for (size_t i = 0; i < reader->count; i++) {
        const struct history_column *column = reader->wanted[i].column;
        bool unknown = column->kind == HISTORY_TEXT ? !*history_format_text(column, row)
                                                    : isnan(*history_format_number(column, row));
        if (unknown && !column->may_be_unknown && reader->wanted[i].place >= 0)
            return history_reader_error(reader, column->name, why,
                                        "is empty, expected what was decided or measured");
    }
    return 0;
}

uint64_t history_reader_run(const struct history_reader *reader)
{
    return reader->run;
}

size_t history_reader_line(const struct history_reader *reader)
{
    return table_reader_line(reader->table);
}

int history_reader_error(const struct history_reader *reader, const char *column, struct why *why,
                         const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int error =
        table_field_error(reader->path, history_reader_line(reader), column, why, format, args);
    va_end(args);
    return error;
}
