#include "schedule_file.h"

#include "table.h"

#include <math.h>

static int read_field(const struct table *table, size_t row, int column, double max, double *value,
                      struct why *why)
{
    int error = table_number(table, row, column, value, why);

    if (error)
        return error;
    if (isnan(*value))
        return table_error(table, row, column, why, "empty, expected a number");
    if (*value < 0 || *value > max)
        return table_error(table, row, column, why, "%s is %s, expected 0 to %g",
                           table_cell(table, row, column), *value < 0 ? "negative" : "too large",
                           max);
    return 0;
}

static int read_rows(const struct table *table, struct schedule *schedule, struct why *why)
{
    int duration_s;
    int from_per_s;
    int to_per_s;
    int error;

    if ((error = table_need_column(table, "duration_s", &duration_s, why)) ||
        (error = table_need_column(table, "from_per_s", &from_per_s, why)) ||
        (error = table_need_column(table, "to_per_s", &to_per_s, why)))
        return error;

    for (size_t row = 0; row < table_rows(table); row++) {
        struct schedule_phase phase;
        double left_s = SCHEDULE_MAX_DURATION_S - schedule->duration_s;

        if ((error = read_field(table, row, duration_s, left_s, &phase.duration_s, why)) ||
            (error =
                 read_field(table, row, from_per_s, SCHEDULE_MAX_PER_S, &phase.from_per_s, why)) ||
            (error = read_field(table, row, to_per_s, SCHEDULE_MAX_PER_S, &phase.to_per_s, why)) ||
            (error = schedule_add(schedule, &phase, why)))
            return error;
    }
    return 0;
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
