#include "policy_chart.h"

#include "csv/table.h"
#include "gnuplot.h"

#include <math.h>

/* Shorter waits are drawn as this: the axis is logarithmic. */
#define LEAST_WAIT_MS 1

static int write_rows(FILE *script, const struct table *table, struct why *why)
{
    int policy, ratio, wait;
    int error = table_need_column(table, "policy", &policy, why);

    if (!error)
        error = table_need_column(table, "work_ratio", &ratio, why);
    if (!error)
        error = table_need_column(table, "wait_p95_s", &wait, why);
    double most_ratio = 1, most_ms = 10;
    for (size_t i = 0; !error && i < table_rows(table); i++) {
        double of_work, wait_s;
        char name[32];
        error = table_number(table, i, ratio, &of_work, why);
        if (!error)
            error = table_number(table, i, wait, &wait_s, why);
        if (error)
            break;
        snprintf(name, sizeof name, "name_%zu", i + 1);
        gnuplot_write_text(script, name, table_cell(table, i, policy));
        snprintf(name, sizeof name, "ratio_%zu", i + 1);
        gnuplot_write_number(script, name, of_work);
        snprintf(name, sizeof name, "wait_%zu", i + 1);
        gnuplot_write_number(script, name, fmax(wait_s * 1e3, LEAST_WAIT_MS));
        if (isnan(wait_s))
            fprintf(script, "%s = NaN\n", name);
        most_ratio = fmax(most_ratio, of_work);
        most_ms = fmax(most_ms, wait_s * 1e3);
    }
    gnuplot_write_number(script, "most_ratio", most_ratio);
    gnuplot_write_number(script, "most_ms", most_ms);
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
        error = write_rows(script, table, why);
    table_close(table);
    return error;
}
