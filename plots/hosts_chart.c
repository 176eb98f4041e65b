#include "hosts_chart.h"

#include "axis.h"
#include "csv/table.h"
#include "gnuplot.h"
#include "recording.h"
#include "units.h"

#include <math.h>

#define NS_PER_S 1e9

/* A leader says how the farm is at every decision; who has been silent for longer leads no more. */
#define SILENT_S 5.0

static double time_s(const struct recording *recording, size_t moment)
{
    return (double)(recording->moments[moment].time_ns - recording->moments[0].time_ns) / NS_PER_S;
}

/* The workers of the nodes before this one. */
static double below(const struct recording_moment *moment, size_t node)
{
    double workers = 0;

    for (size_t i = 0; i < node; i++)
        workers += moment->workers[i];
    return workers;
}

/* The band of one node, from those below it to itself, in steps. */
static void write_band(FILE *script, const struct recording *recording, size_t node)
{
    for (size_t i = 0; i < recording->count; i++) {
        const struct recording_moment *moment = &recording->moments[i];
        double from_s = time_s(recording, i);
        double to_s = i + 1 < recording->count ? time_s(recording, i + 1) : from_s;
        fprintf(script, "%.17g %.17g %.17g\n%.17g %.17g %.17g\n", from_s, below(moment, node),
                below(moment, node + 1), to_s, below(moment, node), below(moment, node + 1));
    }
    fprintf(script, "\n\n");
}

/* A quantity in steps; where it is unknown there is a gap. */
static double write_steps(FILE *script, const struct recording *recording, const char *name,
                          double (*quantity)(const struct recording_moment *))
{
    double most = 0;

    gnuplot_begin_data(script, name);
    for (size_t i = 0; i < recording->count; i++) {
        double value = quantity(&recording->moments[i]);
        double from_s = time_s(recording, i);
        double to_s = i + 1 < recording->count ? time_s(recording, i + 1) : from_s;
        if (isnan(value))
            fprintf(script, "\n");
        else
            fprintf(script, "%.17g %.17g\n%.17g %.17g\n", from_s, value, to_s, value);
        most = fmax(most, value);
    }
    gnuplot_end_data(script);
    return most;
}

static double desired(const struct recording_moment *moment)
{
    return moment->desired_workers;
}

static double arrival(const struct recording_moment *moment)
{
    return moment->arrival_per_s;
}

/* Who led from when to when: a bar each. */
static void write_leaders(FILE *script, const struct recording *recording)
{
    gnuplot_begin_data(script, "leaders");
    for (size_t i = 0; i < recording->count;) {
        size_t first = i, leader = recording->moments[i].leader;
        for (i++; i < recording->count && recording->moments[i].leader == leader; i++)
            if (time_s(recording, i) - time_s(recording, i - 1) > SILENT_S)
                break;
        fprintf(script, "%.17g %.17g %zu\n", time_s(recording, first), time_s(recording, i - 1),
                leader + 1);
    }
    gnuplot_end_data(script);
}

/* ---- what happened ---- */

static int write_mark(FILE *script, const struct recording *recording, const struct table *table,
                      size_t row, const int columns[2], struct why *why)
{
    const char *stamp = table_cell(table, row, columns[0]);
    char name[40];
    int64_t time_ns;

    if (units_parse_timestamp(stamp, &time_ns))
        return table_error(table, row, columns[0], why,
                           "'%s' is no timestamp, expected " UNITS_TIMESTAMP_FORM, stamp);
    snprintf(name, sizeof name, "mark_time_%zu", row + 1);
    gnuplot_write_number(script, name,
                         (double)(time_ns - recording->moments[0].time_ns) / NS_PER_S);
    snprintf(name, sizeof name, "mark_text_%zu", row + 1);
    gnuplot_write_text(script, name, table_cell(table, row, columns[1]));
    return 0;
}

static int write_marks(FILE *script, const struct recording *recording, const char *path,
                       struct why *why)
{
    struct table *table = NULL;
    int columns[2];
    int error = path ? table_read(path, &table, why) : 0;
    size_t count = path && !error ? table_rows(table) : 0;

    if (!error && path)
        error = table_need_column(table, "timestamp", &columns[0], why);
    if (!error && path)
        error = table_need_column(table, "text", &columns[1], why);
    for (size_t row = 0; !error && row < count; row++)
        error = write_mark(script, recording, table, row, columns, why);
    gnuplot_write_number(script, "marks", (double)count);
    table_close(table);
    return error;
}

/* ---- all of it ---- */

static void write_axes(FILE *script, const struct recording *recording, double most_desired,
                       double most_per_s)
{
    double most_workers = fmax(most_desired, 1), end_s = time_s(recording, recording->count - 1);

    for (size_t i = 0; i < recording->count; i++)
        most_workers = fmax(most_workers, below(&recording->moments[i], recording->node_count));
    axis_write_workers(script, most_workers);
    double step = axis_step(fmax(most_per_s, 1), 4);
    axis_write(script, "arrival", step, ceil(fmax(most_per_s, 1) / step));
    gnuplot_write_number(script, "time_to", fmax(end_s, 1));
    gnuplot_write_number(script, "time_step", axis_step(fmax(end_s, 1), 10));
}

int hosts_chart_write(FILE *script, const char *path, const char *marks, const char *title,
                      struct why *why)
{
    struct recording recording;
    char own_title[192];
    int error = recording_read(path, &recording, why);

    if (error)
        return error;
    snprintf(own_title, sizeof own_title, "The farm %s on %zu hosts", recording.farm,
             recording.node_count);
    gnuplot_write_text(script, "title", title ? title : own_title);
    gnuplot_write_text(script, "subtitle",
                       "workers of each host, stacked; what is lost on one runs on the others");
    gnuplot_write_number(script, "nodes", (double)recording.node_count);
    for (size_t node = 0; node < recording.node_count; node++) {
        snprintf(own_title, sizeof own_title, "node_%zu", node + 1);
        gnuplot_write_text(script, own_title, recording.nodes[node]);
    }
    gnuplot_begin_data(script, "bands");
    for (size_t node = 0; node < recording.node_count; node++)
        write_band(script, &recording, node);
    gnuplot_end_data(script);
    double most_desired = write_steps(script, &recording, "desired", desired);
    double most_per_s = write_steps(script, &recording, "arrival", arrival);
    write_leaders(script, &recording);
    write_axes(script, &recording, most_desired, most_per_s);
    error = write_marks(script, &recording, marks, why);
    recording_clear(&recording);
    return error;
}
