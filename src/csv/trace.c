#include "trace.h"

#include "input.h"
#include "table_reader.h"
#include "units.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A time as written. Timestamps stay whole numbers until the first is taken off them: in doubles
 * since 1970 they would be no more exact than a quarter of a microsecond. */
struct stamp {
    bool is_timestamp;
    double s;
    int64_t ns;
};

struct trace {
    char *path;
    struct table_reader *reader;
    int time, count; /* columns; count < 0: a row is an event */
    struct stamp first;
    bool started; /* the first row was read */
    /* Read, but not yet given out: a row ends at the time of the next. */
    struct trace_row ahead;
    bool has_ahead;
    double length_s; /* of the last row given out; NAN: none was */
};

static char *copy(const char *text, size_t length, struct why *why)
{
    char *copied = strndup(text, length);

    if (!copied)
        error_set(why, ERR_MEMORY, "out of memory");
    return copied;
}

static int find_columns(struct trace *trace, const char *columns, struct why *why)
{
    const char *comma = strchr(columns, ',');
    size_t length = comma ? (size_t)(comma - columns) : strlen(columns);
    char *time = length ? copy(columns, length, why) : copy("time_s", 6, why);
    int error =
        time ? table_reader_need_column(trace->reader, time, &trace->time, why) : -ERR_MEMORY;

    if (error == -ERR_CONFIG && !length)
        error_set(
            why, ERR_CONFIG,
            "%s:1: no column 'time_s', expected one of that name, or yours named: " TRACE_FORM,
            trace->path);
    free(time);
    if (error || (comma && comma[1]))
        return error ? error
                     : table_reader_need_column(trace->reader, comma + 1, &trace->count, why);
    trace->count = table_reader_column(trace->reader, "count");
    return 0;
}

int trace_open(const char *source, struct trace **out, struct why *why)
{
    struct trace *trace = calloc(1, sizeof *trace);
    const char *extension = strstr(source, ".csv:");
    size_t length = extension ? (size_t)(extension - source) + strlen(".csv") : strlen(source);

    if (!trace)
        return error_set(why, ERR_MEMORY, "out of memory");
    trace->length_s = NAN;
    trace->path = copy(source, length, why);
    int error = trace->path ? input_check_repeatable(trace->path, why) : -ERR_MEMORY;
    if (!error)
        error = table_reader_open(trace->path, &trace->reader, why);
    if (!error)
        error = find_columns(trace, extension ? source + length + 1 : "", why);
    if (error)
        trace_close(trace);
    else
        *out = trace;
    return error;
}

void trace_close(struct trace *trace)
{
    if (!trace)
        return;
    table_reader_close(trace->reader);
    free(trace->path);
    free(trace);
}

const char *trace_path(const struct trace *trace)
{
    return trace->path;
}

/* -1 when the second is earlier. They may be further apart than an int64_t can tell. */
static double seconds_between(int64_t first_ns, int64_t second_ns)
{
    return second_ns < first_ns ? -1 : (double)((uint64_t)second_ns - (uint64_t)first_ns) / 1e9;
}

static int read_time(struct trace *trace, double *time_s, struct why *why)
{
    const char *text = table_reader_cell(trace->reader, trace->time);
    struct stamp now = {.s = 0};
    double since_s;

    now.is_timestamp = units_parse_timestamp(text, &now.ns) == 0;
    if (!now.is_timestamp) {
        struct why ignored;
        if (table_reader_number(trace->reader, trace->time, &now.s, &ignored) || isnan(now.s))
            return table_reader_error(trace->reader, trace->time, why,
                                      "'%.40s' is not a time, expected seconds, like 12.5, or a "
                                      "timestamp, like " UNITS_TIMESTAMP_FORM,
                                      text);
    }
    if (!trace->started) {
        trace->started = true;
        trace->first = now;
    }
    if (now.is_timestamp != trace->first.is_timestamp)
        return table_reader_error(trace->reader, trace->time, why,
                                  "'%.40s' among %s, expected one kind of time in a file", text,
                                  now.is_timestamp ? "seconds" : "timestamps");
    since_s = now.is_timestamp ? seconds_between(trace->first.ns, now.ns) : now.s - trace->first.s;
    if (since_s < trace->ahead.time_s)
        return table_reader_error(trace->reader, trace->time, why,
                                  "'%.40s' is earlier than the row before, expected rows in the "
                                  "order of time",
                                  text);
    if (since_s > TRACE_MAX_S)
        return table_reader_error(trace->reader, trace->time, why,
                                  "'%.40s' is more than %g s after the first row", text,
                                  TRACE_MAX_S);
    *time_s = since_s;
    return 0;
}

static int read_count(struct trace *trace, uint64_t *count, struct why *why)
{
    double number;

    *count = 1;
    if (trace->count < 0)
        return 0;
    int error = table_reader_number(trace->reader, trace->count, &number, why);
    if (error)
        return error;
    if (!(number >= 0 && number <= (double)TRACE_MAX_COUNT) || number != floor(number))
        return table_reader_error(trace->reader, trace->count, why,
                                  "'%.40s' is not a count, expected a whole number of at least 0",
                                  table_reader_cell(trace->reader, trace->count));
    *count = (uint64_t)number;
    return 0;
}

/* Reads the next row of the file into `ahead`: 1, 0 at the end, or an error. */
static int read_ahead(struct trace *trace, struct why *why)
{
    int got = table_reader_next(trace->reader, why);
    int error = 0;

    trace->has_ahead = false;
    if (got != 1)
        return got;
    if ((error = read_time(trace, &trace->ahead.time_s, why)) ||
        (error = read_count(trace, &trace->ahead.count, why)))
        return error;
    trace->has_ahead = true;
    return 1;
}

int trace_next(struct trace *trace, struct trace_row *row, struct why *why)
{
    int got = trace->started ? trace->has_ahead : read_ahead(trace, why);

    if (got != 1)
        return got;
    struct trace_row now = trace->ahead;
    got = read_ahead(trace, why);
    if (got < 0)
        return got;
    if (trace->count < 0) {
        now.until_s = now.time_s;
    } else if (got == 1) {
        now.until_s = trace->ahead.time_s;
    } else if (isnan(trace->length_s)) {
        return table_reader_error(trace->reader, trace->count, why,
                                  "the only row does not say until when, expected a second row");
    } else {
        now.until_s = now.time_s + trace->length_s;
    }
    trace->length_s = now.until_s - now.time_s;
    *row = now;
    return 1;
}
