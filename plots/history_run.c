#include "history_run.h"

#include "csv/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Which known values a column may hold. */
enum range { ANY, NOT_NEGATIVE, POSITIVE };

static const struct source {
    const char *name;
    size_t offset; /* of the value in struct history_run_row */
    enum range range;
    bool optional;
} sources[] = {
    {"time_s", offsetof(struct history_run_row, time_s), ANY, false},
    {"interval_s", offsetof(struct history_run_row, interval_s), NOT_NEGATIVE, false},
    {"arrival_per_s", offsetof(struct history_run_row, arrival_per_s), NOT_NEGATIVE, false},
    {"backlog_msgs", offsetof(struct history_run_row, backlog_msgs), NOT_NEGATIVE, false},
    {"horizon_s", offsetof(struct history_run_row, horizon_s), POSITIVE, false},
    {"capacity_msgs", offsetof(struct history_run_row, capacity_msgs), POSITIVE, false},
    {"min_workers", offsetof(struct history_run_row, min_workers), NOT_NEGATIVE, false},
    {"max_workers", offsetof(struct history_run_row, max_workers), NOT_NEGATIVE, false},
    {"desired_workers", offsetof(struct history_run_row, desired_workers), NOT_NEGATIVE, false},
    {"running_workers", offsetof(struct history_run_row, running_workers), NOT_NEGATIVE, false},
    {"starting_workers", offsetof(struct history_run_row, starting_workers), NOT_NEGATIVE, false},
    {"simulated_service_s", offsetof(struct history_run_row, simulated_service_s), NOT_NEGATIVE,
     true},
};

#define SOURCE_COUNT (sizeof sources / sizeof sources[0])

struct columns {
    int run, farm, policy, reason;
    int numbers[SOURCE_COUNT]; /* -1: not in the file */
};

static int find_columns(const struct table *table, struct columns *columns, struct why *why)
{
    int error = table_need_column(table, "run", &columns->run, why);

    for (size_t i = 0; !error && i < SOURCE_COUNT; i++) {
        if (sources[i].optional)
            columns->numbers[i] = table_column(table, sources[i].name);
        else
            error = table_need_column(table, sources[i].name, &columns->numbers[i], why);
    }
    if (!error)
        error = table_need_column(table, "policy", &columns->policy, why);
    if (!error)
        error = table_need_column(table, "reason", &columns->reason, why);
    columns->farm = table_column(table, "farm");
    return error;
}

static int read_run_number(const struct table *table, size_t row, int column, uint64_t *number,
                           struct why *why)
{
    double value;
    int error = table_number(table, row, column, &value, why);

    if (error)
        return error;
    /* 2^53 is where doubles stop counting. NAN fails the comparisons too. */
    if (!(value >= 0 && value <= 9007199254740992.0 && value == floor(value)))
        return table_error(table, row, column, why,
                           "'%s' is not the number of a run, expected 1 or more",
                           table_cell(table, row, column));
    *number = (uint64_t)value;
    return 0;
}

static int read_row(const struct table *table, size_t row, const struct columns *columns,
                    struct history_run_row *out, struct why *why)
{
    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        double *value = (double *)(void *)((char *)out + sources[i].offset);
        int column = columns->numbers[i];
        *value = NAN;
        if (column < 0)
            continue;
        int error = table_number(table, row, column, value, why);
        if (error)
            return error;
        if (sources[i].range == NOT_NEGATIVE && *value < 0)
            return table_error(table, row, column, why, "'%s' is negative, expected 0 or more",
                               table_cell(table, row, column));
        if (sources[i].range == POSITIVE && *value <= 0)
            return table_error(table, row, column, why,
                               "'%s' is not positive, expected more than 0",
                               table_cell(table, row, column));
    }
    out->held = strncmp(table_cell(table, row, columns->reason), "held", 4) == 0;
    return 0;
}

static int check_row(const struct table *table, size_t row, const struct history_run_row *now,
                     const struct history_run_row *before, struct why *why)
{
    int time = table_column(table, "time_s");

    if (isnan(now->time_s))
        return table_error(table, row, time, why, "is empty, expected seconds");
    if (before && now->time_s < before->time_s)
        return table_error(table, row, time, why,
                           "%.17g is earlier than the %.17g of the row before, expected time to "
                           "go forward within a run",
                           now->time_s, before->time_s);
    if (now->min_workers > now->max_workers)
        return table_error(table, row, table_column(table, "max_workers"), why,
                           "%.17g is less than min_workers, expected %.17g or more",
                           now->max_workers, now->min_workers);
    return 0;
}

static int read_rows(const struct table *table, const char *path, uint64_t wanted,
                     struct history_run *run, struct why *why)
{
    size_t total = table_rows(table), last = 0;
    uint64_t number = 0, lowest = UINT64_MAX, highest = 0;
    struct columns columns;
    int error = find_columns(table, &columns, why);

    if (error)
        return error;
    if (total == 0)
        return error_set(why, ERR_CONFIG,
                         "%s:1: nothing follows the header, expected a row for each decision",
                         path);
    error = read_run_number(table, total - 1, columns.run, &number, why);
    if (error)
        return error;
    run->number = wanted == RUN_LAST ? number : wanted;
    run->rows = calloc(total, sizeof *run->rows);
    if (!run->rows)
        return error_set(why, ERR_MEMORY, "%s: out of memory", path);

    for (size_t row = 0; row < total; row++) {
        error = read_run_number(table, row, columns.run, &number, why);
        if (error)
            return error;
        lowest = number < lowest ? number : lowest;
        highest = number > highest ? number : highest;
        if (number != run->number)
            continue;
        struct history_run_row *now = &run->rows[run->row_count];
        error = read_row(table, row, &columns, now, why);
        if (!error)
            error = check_row(table, row, now, run->row_count ? now - 1 : NULL, why);
        if (error)
            return error;
        run->row_count++;
        last = row;
    }
    if (run->row_count == 0)
        return error_set(why, ERR_INVALID,
                         "%s has no run %" PRIu64 ", expected one of %" PRIu64 " to %" PRIu64, path,
                         run->number, lowest, highest);

    run->policy = strdup(table_cell(table, last, columns.policy));
    if (columns.farm >= 0 && table_cell(table, last, columns.farm)[0])
        run->farm = strdup(table_cell(table, last, columns.farm));
    if (!run->policy ||
        (columns.farm >= 0 && table_cell(table, last, columns.farm)[0] && !run->farm))
        return error_set(why, ERR_MEMORY, "%s: out of memory", path);
    return 0;
}

int history_run_read(const char *path, uint64_t number, struct history_run *run, struct why *why)
{
    struct table *table;

    *run = (struct history_run){0};
    int error = table_read(path, &table, why);
    if (!error)
        error = read_rows(table, path, number, run, why);
    table_close(table);
    return error;
}

void history_run_clear(struct history_run *run)
{
    free(run->rows);
    free(run->policy);
    free(run->farm);
    *run = (struct history_run){0};
}
