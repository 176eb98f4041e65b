#include "scaling_chart.h"

#include "axis.h"
#include "gnuplot.h"
#include "reading.h"

#include <math.h>
#include <stdbool.h>

struct time_axis {
    double unit_s; /* of the axis: a second, a minute or an hour */
    double from;   /* where it starts, in that unit */
};

static struct time_axis make_time_axis(double from_s, double to_s)
{
    struct time_axis axis = {.unit_s = 1};

    if (to_s - from_s > 4 * 3600)
        axis.unit_s = 3600;
    else if (to_s - from_s > 600)
        axis.unit_s = 60;
    axis.from = from_s / axis.unit_s;
    return axis;
}

static struct time_axis write_time_axis(FILE *script, const struct history_run *run)
{
    double from_s = run->rows[0].time_s, to_s = run->rows[run->row_count - 1].time_s;

    /* Time counts from the start of the run, one interval before the first decision. A clock that
     * started long before would leave the picture nearly empty. */
    if (from_s >= 0 && from_s <= to_s / 2)
        from_s = 0;
    else if (run->rows[0].interval_s > 0)
        from_s -= run->rows[0].interval_s;
    if (to_s <= from_s)
        to_s = from_s + 1;
    struct time_axis axis = make_time_axis(from_s, to_s);
    double length = (to_s - from_s) / axis.unit_s;
    gnuplot_write_text(script, "time_label",
                       axis.unit_s == 3600 ? "time (h)"
                       : axis.unit_s == 60 ? "time (min)"
                                           : "time (s)");
    gnuplot_write_number(script, "time_from", axis.from);
    /* With a margin, or a last decision just before a line of the grid would cost that line its
     * label. */
    gnuplot_write_number(script, "time_to", to_s / axis.unit_s + length * 0.005);
    gnuplot_write_number(script, "time_step", axis_step(length, 10));
    return axis;
}

static double time_of(const struct history_run *run, const struct time_axis *axis, size_t i)
{
    return run->rows[i].time_s / axis->unit_s;
}

/* When the interval began that ended with this decision. */
static double start_of(const struct history_run *run, const struct time_axis *axis, size_t i)
{
    if (i > 0)
        return time_of(run, axis, i - 1);
    double interval_s = run->rows[0].interval_s;
    if (isnan(interval_s))
        return axis->from;
    return fmax(axis->from, time_of(run, axis, 0) - interval_s / axis->unit_s);
}

/* Which time a row's value is about. */
enum span {
    UNTIL_NEXT,   /* a number of workers: stays until the next decision */
    SINCE_BEFORE, /* an arrival rate: the mean of the interval that the decision ended */
    MOMENT,       /* a backlog: as it was when it was read */
};

/* The line through the values. An empty line is a gap. */
static void write_series(FILE *script, const char *name, const struct history_run *run,
                         const struct time_axis *axis, enum reading reading, enum span span)
{
    gnuplot_begin_data(script, name);
    for (size_t i = 0; i < run->row_count; i++) {
        double value = reading_of(&run->rows[i], reading);
        double from = span == SINCE_BEFORE ? start_of(run, axis, i) : time_of(run, axis, i);
        bool has_next = span == UNTIL_NEXT && i + 1 < run->row_count;
        double to = time_of(run, axis, has_next ? i + 1 : i);
        if (isnan(value))
            fputs("\n", script);
        else
            fprintf(script, "%.17g %.17g\n", from, value);
        if (!isnan(value) && span != MOMENT)
            fprintf(script, "%.17g %.17g\n", to, value);
    }
    gnuplot_end_data(script);
}

/* The stretches of time without a value, each as its start and end, and how many there are. A
 * moment is missing up to the next one, a mean only up to its own time. */
static void write_unknown(FILE *script, const char *name, const struct history_run *run,
                          const struct time_axis *axis, enum reading reading, enum span span)
{
    size_t count = 0;

    gnuplot_begin_data(script, name);
    for (size_t i = 0; i < run->row_count; i++) {
        if (!isnan(reading_of(&run->rows[i], reading)))
            continue;
        double from = start_of(run, axis, i);
        while (i + 1 < run->row_count && isnan(reading_of(&run->rows[i + 1], reading)))
            i++;
        double to = time_of(run, axis, span == MOMENT && i + 1 < run->row_count ? i + 1 : i);
        fprintf(script, "%.17g %.17g\n", from, to);
        count++;
    }
    gnuplot_end_data(script);
    gnuplot_write_count(script, name, count);
}

static double top_or_one(double top)
{
    return top > 0 ? top : 1;
}

static void write_value_axes(FILE *script, const struct history_run *run)
{
    double workers_top = fmax(reading_extent(run, READING_WORKERS).to,
                              reading_extent(run, READING_DESIRED_WORKERS).to);
    double arrival_top = top_or_one(reading_extent(run, READING_ARRIVAL_PER_S).to);
    double backlog_top = top_or_one(reading_extent(run, READING_BACKLOG_MSGS).to);
    double backlog_step = axis_step(backlog_top, 4);
    double steps = axis_write_workers(script, fmax(workers_top, 1));

    /* Workers and arrival rate have as many steps, so that one grid serves both. */
    axis_write(script, "arrival", axis_step(arrival_top, steps), steps);
    axis_write(script, "backlog", backlog_step, fmax(2, ceil(backlog_top / backlog_step - 1e-9)));
}

void scaling_chart_write(FILE *script, const struct history_run *run)
{
    struct time_axis axis = write_time_axis(script, run);

    write_value_axes(script, run);
    gnuplot_write_number(script, "decisions", (double)run->row_count);
    write_series(script, "workers", run, &axis, READING_WORKERS, UNTIL_NEXT);
    write_series(script, "desired", run, &axis, READING_DESIRED_WORKERS, UNTIL_NEXT);
    write_series(script, "arrival", run, &axis, READING_ARRIVAL_PER_S, SINCE_BEFORE);
    write_series(script, "backlog", run, &axis, READING_BACKLOG_MSGS, MOMENT);
    write_unknown(script, "arrival_unknown", run, &axis, READING_ARRIVAL_PER_S, SINCE_BEFORE);
    write_unknown(script, "backlog_unknown", run, &axis, READING_BACKLOG_MSGS, MOMENT);
}
