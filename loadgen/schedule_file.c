#include "schedule_file.h"

#include "csv/table.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

/* A row as it is read: burst_msgs is a double until it is known to be whole. */
struct row {
    struct phase phase;
    double burst_msgs;
};

/* The columns, and where in a row their numbers go. */
static const struct {
    const char *name;
    size_t member;
    double max;
    bool needed;
} columns[] = {
    {"duration_s", offsetof(struct row, phase.duration_s), SCHEDULE_MAX_DURATION_S, true},
    {"from_per_s", offsetof(struct row, phase.from_per_s), PHASE_MAX_PER_S, true},
    {"to_per_s", offsetof(struct row, phase.to_per_s), PHASE_MAX_PER_S, true},
    {"period_s", offsetof(struct row, phase.period_s), SCHEDULE_MAX_DURATION_S, false},
    {"burst_msgs", offsetof(struct row, burst_msgs), 1e15, false},
    {"burst_every_s", offsetof(struct row, phase.burst_every_s), SCHEDULE_MAX_DURATION_S, false},
};

#define COLUMNS (sizeof columns / sizeof columns[0])

static int read_field(const struct table *table, size_t number, int column, size_t kind, double max,
                      struct row *row, struct why *why)
{
    double *value = (double *)((char *)row + columns[kind].member);
    int error = column < 0 ? 0 : table_number(table, number, column, value, why);

    if (error)
        return error;
    if (column < 0 || (isnan(*value) && !columns[kind].needed)) {
        *value = 0;
        return 0;
    }
    if (isnan(*value))
        return table_error(table, number, column, why, "empty, expected a number");
    if (*value < 0 || *value > max)
        return table_error(table, number, column, why, "%s is %s, expected 0 to %g",
                           table_cell(table, number, column), *value < 0 ? "negative" : "too large",
                           max);
    return 0;
}

static int read_row(const struct table *table, size_t number, const int found[COLUMNS],
                    struct schedule *schedule, struct why *why)
{
    struct row row = {.burst_msgs = 0};
    int error = 0;

    for (size_t kind = 0; !error && kind < COLUMNS; kind++) {
        double max = kind == 0 ? SCHEDULE_MAX_DURATION_S - schedule->duration_s : columns[kind].max;
        error = read_field(table, number, found[kind], kind, max, &row, why);
    }
    if (error)
        return error;
    if (row.burst_msgs != floor(row.burst_msgs))
        return table_error(table, number, table_column(table, "burst_msgs"), why,
                           "%g is not a whole number", row.burst_msgs);
    row.phase.burst_msgs = (uint64_t)row.burst_msgs;
    struct why what;
    error = schedule_add(schedule, &row.phase, &what);
    return error == -ERR_INVALID ? table_error(table, number, found[0], why, "%s", what.text)
                                 : error;
}

static int read_rows(const struct table *table, struct schedule *schedule, struct why *why)
{
    int found[COLUMNS];
    int error = 0;

    for (size_t kind = 0; !error && kind < COLUMNS; kind++) {
        found[kind] = table_column(table, columns[kind].name);
        if (columns[kind].needed)
            error = table_need_column(table, columns[kind].name, &found[kind], why);
    }
    for (size_t number = 0; !error && number < table_rows(table); number++)
        error = read_row(table, number, found, schedule, why);
    return error;
}

int schedule_file_read(const char *path, struct schedule *schedule, struct why *why)
{
    struct table *table;
    int error = table_read(path, &table, why);

    if (!error)
        error = read_rows(table, schedule, why);
    if (!error && !(schedule->duration_s > 0))
        error =
            error_set(why, ERR_CONFIG, "%s: %s, expected at least one row with a duration_s over 0",
                      path, table_rows(table) == 0 ? "no rows" : "the phases take no time");
    if (error)
        schedule_clear(schedule);
    table_close(table);
    return error;
}
