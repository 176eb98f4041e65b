#include "policy_chart.h"

#include "csv/table.h"
#include "gnuplot.h"

#include <math.h>

/* Shorter waits are drawn as this: the axis is logarithmic. */
#define LEAST_WAIT_MS 1

struct columns {
    int policy, work_ratio, wait_p95_s;
};

static int find_columns(const struct table *table, struct columns *columns, struct why *why)
{
    int error = table_need_column(table, "policy", &columns->policy, why);

    if (!error)
        error = table_need_column(table, "work_ratio", &columns->work_ratio, why);
    if (!error)
        error = table_need_column(table, "wait_p95_s", &columns->wait_p95_s, why);
    return error;
}

/* Where the axes must reach. */
struct reach {
    double ratio, wait_ms;
};

/* Writes the variables of one policy, which policies.gp counts from 1. */
static int write_policy(FILE *script, const struct table *table, size_t row,
                        const struct columns *columns, struct reach *reach, struct why *why)
{
    double ratio, wait_s;
    char name[32];
    int error = table_number(table, row, columns->work_ratio, &ratio, why);

    if (!error)
        error = table_number(table, row, columns->wait_p95_s, &wait_s, why);
    if (error)
        return error;
    snprintf(name, sizeof name, "name_%zu", row + 1);
    gnuplot_write_text(script, name, table_cell(table, row, columns->policy));
    snprintf(name, sizeof name, "ratio_%zu", row + 1);
    gnuplot_write_number(script, name, ratio);
    snprintf(name, sizeof name, "wait_%zu", row + 1);
    gnuplot_write_number(script, name, isnan(wait_s) ? NAN : fmax(wait_s * 1e3, LEAST_WAIT_MS));
    reach->ratio = fmax(reach->ratio, ratio);
    reach->wait_ms = fmax(reach->wait_ms, wait_s * 1e3);
    return 0;
}

static int write_policies(FILE *script, const struct table *table, struct why *why)
{
    struct reach reach = {.ratio = 1, .wait_ms = 10};
    struct columns columns;
    int error = find_columns(table, &columns, why);

    for (size_t row = 0; !error && row < table_rows(table); row++)
        error = write_policy(script, table, row, &columns, &reach, why);
    gnuplot_write_number(script, "most_ratio", reach.ratio);
    gnuplot_write_number(script, "most_ms", reach.wait_ms);
    return error;
}

int policy_chart_write(FILE *script, const char *path, const char *title, struct why *why)
{
    struct table *table;
    int error = table_read(path, &table, why);

    if (error)
        return error;
    if (!table_rows(table))
        error = error_set(why, ERR_CONFIG, "%s: no policy in it, expected one or more", path);
    gnuplot_write_text(script, "title", title ? title : "Policies on the same load");
    gnuplot_write_text(script, "subtitle", "simulated; what they cost, and how long events waited");
    gnuplot_write_number(script, "policies", (double)table_rows(table));
    if (!error)
        error = write_policies(script, table, why);
    table_close(table);
    return error;
}
