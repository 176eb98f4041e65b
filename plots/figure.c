#include "figure.h"

#include "gnuplot.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The least and the greatest of what is known; nothing known: from > to. */
struct extent {
    double from, to;
};

#define EXTENT_NONE                                                                                \
    (struct extent)                                                                                \
    {                                                                                              \
        INFINITY, -INFINITY                                                                        \
    }

static void extend(struct extent *extent, double value)
{
    extent->from = fmin(extent->from, value);
    extent->to = fmax(extent->to, value);
}

typedef double reading(const struct history_row *row);

static double arrival(const struct history_row *row)
{
    return row->arrival_per_s;
}

static double backlog(const struct history_row *row)
{
    return row->backlog_msgs;
}

static double desired(const struct history_row *row)
{
    return row->desired_workers;
}

static double at_work(const struct history_row *row)
{
    return row->running_workers + row->starting_workers;
}

static double horizon(const struct history_row *row)
{
    return row->horizon_s;
}

static double capacity(const struct history_row *row)
{
    return row->capacity_msgs;
}

static double least(const struct history_row *row)
{
    return row->min_workers;
}

static double most(const struct history_row *row)
{
    return row->max_workers;
}

static double worker_per_s(const struct history_row *row)
{
    return row->capacity_msgs / row->horizon_s;
}

static double simulated_service(const struct history_row *row)
{
    return row->simulated_service_s > 0 ? row->simulated_service_s : NAN;
}

static struct extent extent_of(const struct history_run *run, reading *read)
{
    struct extent extent = EXTENT_NONE;

    for (size_t i = 0; i < run->row_count; i++)
        extend(&extent, read(&run->rows[i]));
    return extent;
}

/* --- texts --- */

/* What was set is told as it is; what was measured, and so varies, to three digits. */
static void write_range(FILE *text, struct extent range, double factor, const char *unit)
{
    double from = range.from * factor, to = range.to * factor;

    if (to > from)
        fprintf(text, "%.*f to %.*f %s", from >= 100 || from == floor(from) ? 0 : 1, from,
                to >= 100 || to == floor(to) ? 0 : 1, to, unit);
    else
        fprintf(text, "%.15g %s", to, unit);
}

static void write_seconds(FILE *text, struct extent range)
{
    if (range.to >= 1)
        write_range(text, range, 1, "s");
    else if (range.to >= 1e-3)
        write_range(text, range, 1e3, "ms");
    else
        write_range(text, range, 1e6, "µs");
}

static void write_title(FILE *text, const struct history_run *run)
{
    bool formula = strcmp(run->policy, "formula") == 0;

    if (run->farm)
        fprintf(text, "Farm \"%s\": ", run->farm);
    fprintf(text, "%s policy", run->policy[0] ? run->policy : "unknown");
    if (formula)
        fputs(", N = ⌈(B + λT)/C⌉", text);
}

static void write_subtitle(FILE *text, const struct history_run *run)
{
    struct extent horizons = extent_of(run, horizon), capacities = extent_of(run, capacity);
    struct extent lowest = extent_of(run, least), highest = extent_of(run, most);
    struct extent services = extent_of(run, simulated_service);
    const char *separator = "";

    if (horizons.from <= horizons.to) {
        fputs("T = ", text);
        write_seconds(text, horizons);
        separator = ", ";
    }
    if (capacities.from <= capacities.to) {
        fprintf(text, "%sC = ", separator);
        write_range(text, capacities, 1, "events");
        separator = ", ";
    }
    if (lowest.from <= highest.to) {
        fputs(separator, text);
        write_range(text, (struct extent){lowest.from, highest.to}, 1, "workers");
        separator = ", ";
    }
    if (services.from <= services.to) {
        fprintf(text, "%ssimulated service time ", separator[0] ? "; " : "");
        write_seconds(text, services);
        fputs(" an event", text);
    }
}

static int write_texts(FILE *script, const struct history_run *run, const char *title,
                       struct why *why)
{
    char *title_text = NULL, *subtitle_text = NULL;
    size_t length;
    FILE *text = title ? NULL : open_memstream(&title_text, &length);

    if (text) {
        write_title(text, run);
        fclose(text);
    }
    text = open_memstream(&subtitle_text, &length);
    if (text) {
        write_subtitle(text, run);
        fclose(text);
    }
    bool whole = subtitle_text && (title || title_text);
    if (whole) {
        gnuplot_write_text(script, "title", title ? title : title_text);
        gnuplot_write_text(script, "subtitle", subtitle_text);
    }
    free(title_text);
    free(subtitle_text);
    return whole ? 0 : error_set(why, ERR_MEMORY, "out of memory");
}

/* --- axes --- */

/* The smallest step that people count in with which `steps` of them reach as far as `reach`. */
static double round_step(double reach, double steps)
{
    static const double mantissas[] = {1, 2, 2.5, 5, 10};
    double wanted = reach / steps;
    double power = pow(10, floor(log10(wanted)));

    for (size_t i = 0; i < sizeof mantissas / sizeof mantissas[0]; i++)
        /* A rounding error must not cost a whole step. */
        if (mantissas[i] * power >= wanted * (1 - 1e-9))
            return mantissas[i] * power;
    return 10 * power;
}

/* Axes start at 0 and end a little above the last line of the grid, so that what lies on it is
 * seen. */
static void write_axis(FILE *script, const char *name, double step, double steps)
{
    char variable[64];

    snprintf(variable, sizeof variable, "%s_step", name);
    gnuplot_write_number(script, variable, step);
    snprintf(variable, sizeof variable, "%s_top", name);
    gnuplot_write_number(script, variable, step * (steps + 0.25));
}

/* Workers come whole. Returns how many steps there are. */
static double write_workers_axis(FILE *script, double top)
{
    double step = top <= 8 ? 1 : ceil(round_step(top, 8));
    double steps = fmax(4, ceil(top / step));

    write_axis(script, "workers", step, steps);
    return steps;
}

/* With the steps of the other axis, so that one grid serves both. */
static void write_arrival_axis(FILE *script, double top, double steps)
{
    write_axis(script, "arrival", round_step(top > 0 ? top : 1, steps), steps);
}

struct time_axis {
    double divisor;
    double from, to; /* in the unit of the axis */
};

static struct time_axis write_time_axis(FILE *script, const struct history_run *run)
{
    double from = run->rows[0].time_s, to = run->rows[run->row_count - 1].time_s;
    struct time_axis axis = {1, 0, 0};
    const char *label = "time (s)";

    /* Time counts from the start of the run, one interval before the first decision. A clock that
     * started long before would leave the picture nearly empty. */
    if (from >= 0 && from <= to / 2)
        from = 0;
    else if (run->rows[0].interval_s > 0)
        from -= run->rows[0].interval_s;
    if (to <= from)
        to = from + 1;
    if (to - from > 4 * 3600) {
        axis.divisor = 3600;
        label = "time (h)";
    } else if (to - from > 600) {
        axis.divisor = 60;
        label = "time (min)";
    }
    axis.from = from / axis.divisor;
    axis.to = to / axis.divisor;
    /* A last decision just before a line of the grid does not cost that line its label. */
    double end = axis.to + (axis.to - axis.from) * 0.005;
    gnuplot_write_text(script, "time_label", label);
    gnuplot_write_number(script, "time_from", axis.from);
    gnuplot_write_number(script, "time_to", end);
    gnuplot_write_number(script, "time_step", round_step(axis.to - axis.from, 10));
    return axis;
}

/* --- data --- */

static void begin_data(FILE *script, const char *name)
{
    fprintf(script, "$%s << EOD\n", name);
}

static void end_data(FILE *script)
{
    fputs("EOD\n", script);
}

static double time_of(const struct history_run *run, const struct time_axis *axis, size_t i)
{
    return run->rows[i].time_s / axis->divisor;
}

/* When the interval began that ended with this decision. */
static double start_of(const struct history_run *run, const struct time_axis *axis, size_t i)
{
    if (i > 0)
        return time_of(run, axis, i - 1);
    double interval = run->rows[0].interval_s;
    if (isnan(interval))
        return axis->from;
    return fmax(axis->from, time_of(run, axis, 0) - interval / axis->divisor);
}

/* What a row's value is the value of. */
enum span {
    UNTIL_NEXT,   /* a number of workers: stays until the next decision */
    SINCE_BEFORE, /* an arrival rate: the mean of the interval that the decision ended */
    MOMENT,       /* a backlog: as it was when it was read */
};

/* The line through the values. An empty line is a gap. */
static void write_series(FILE *script, const char *name, const struct history_run *run,
                         const struct time_axis *axis, reading *read, enum span span)
{
    begin_data(script, name);
    for (size_t i = 0; i < run->row_count; i++) {
        double value = read(&run->rows[i]);
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
    end_data(script);
}

/* The stretches of time without a value, each as its start and end, and NAME_count of them.
 A moment
 * is missing up to the next one, a mean only up to its own time. */
static void write_unknown(FILE *script, const char *name, const struct history_run *run,
                          const struct time_axis *axis, reading *read, enum span span)
{
    char variable[64];
    size_t count = 0;

    begin_data(script, name);
    for (size_t i = 0; i < run->row_count; i++) {
        if (!isnan(read(&run->rows[i])))
            continue;
        double from = start_of(run, axis, i);
        while (i + 1 < run->row_count && isnan(read(&run->rows[i + 1])))
            i++;
        double to = time_of(run, axis, span == MOMENT && i + 1 < run->row_count ? i + 1 : i);
        fprintf(script, "%.17g %.17g\n", from, to);
        count++;
    }
    end_data(script);
    snprintf(variable, sizeof variable, "%s_count", name);
    gnuplot_write_number(script, variable, (double)count);
}

/* --- workers, arrival rate and backlog over time --- */

static int write_scaling(FILE *script, const struct history_run *run)
{
    struct time_axis axis = write_time_axis(script, run);
    double workers_top = fmax(extent_of(run, at_work).to, extent_of(run, desired).to);
    double backlog_top = extent_of(run, backlog).to;
    double steps = write_workers_axis(script, fmax(workers_top, 1));

    write_arrival_axis(script, extent_of(run, arrival).to, steps);
    double backlog_step = round_step(backlog_top > 0 ? backlog_top : 1, 4);
    write_axis(script, "backlog", backlog_step,
               fmax(2, ceil((backlog_top > 0 ? backlog_top : 1) / backlog_step - 1e-9)));

    gnuplot_write_number(script, "decisions", (double)run->row_count);
    write_series(script, "workers", run, &axis, at_work, UNTIL_NEXT);
    write_series(script, "desired", run, &axis, desired, UNTIL_NEXT);
    write_series(script, "arrival", run, &axis, arrival, SINCE_BEFORE);
    write_series(script, "backlog", run, &axis, backlog, MOMENT);
    write_unknown(script, "arrival_unknown", run, &axis, arrival, SINCE_BEFORE);
    write_unknown(script, "backlog_unknown", run, &axis, backlog, MOMENT);
    return 0;
}

/* --- workers against the arrival rate --- */

/* One line of decisions, and NAME_count of them. */
static void write_decisions(FILE *script, const char *name, const struct history_run *run,
                            bool held)
{
    char variable[64];
    size_t count = 0;

    begin_data(script, name);
    for (size_t i = 0; i < run->row_count; i++) {
        const struct history_row *row = &run->rows[i];
        if (history_format_held(row) != held || isnan(row->arrival_per_s) ||
            isnan(row->desired_workers))
            continue;
        fprintf(script, "%.17g %.17g\n", row->arrival_per_s, row->desired_workers);
        count++;
    }
    end_data(script);
    snprintf(variable, sizeof variable, "%s_count", name);
    gnuplot_write_number(script, variable, (double)count);
}

static double formula(double arrival_per_s, double per_worker_per_s, struct extent bounds)
{
    return fmin(fmax(ceil(arrival_per_s / per_worker_per_s), bounds.from), bounds.to);
}

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* More steps than this cannot be told apart in a picture. */
#define MOST_CORNERS 400

/* Where either of two step lines rises, between 0 and top, both ends included; in order. */
static size_t find_corners(struct extent per_worker, double top, double corners[MOST_CORNERS])
{
    size_t count = 0;

    corners[count++] = 0;
    if (top / per_worker.from > (MOST_CORNERS - 2) / 2) {
        for (; count < MOST_CORNERS; count++)
            corners[count] = top * (double)count / (MOST_CORNERS - 1);
        return count;
    }
    for (double n = 1; n * per_worker.from < top; n++)
        corners[count++] = n * per_worker.from;
    for (double n = 1; per_worker.to > per_worker.from && n * per_worker.to < top; n++)
        corners[count++] = n * per_worker.to;
    corners[count++] = top;
    qsort(corners, count, sizeof corners[0], compare_numbers);
    return count;
}

/* The formula's answer without a backlog, over the whole axis: lowest and highest, which differ
 * when the capacity was measured and so changed on the way. */
static void write_formula(FILE *script, const struct history_run *run, double top)
{
    struct extent per_worker = extent_of(run, worker_per_s);
    struct extent bounds = {extent_of(run, least).from, extent_of(run, most).to};
    bool known = per_worker.from <= per_worker.to && bounds.from <= bounds.to;
    double corners[MOST_CORNERS];
    size_t count = known ? find_corners(per_worker, top, corners) : 0;

    begin_data(script, "formula");
    for (size_t i = 0; i + 1 < count; i++) {
        double middle = (corners[i] + corners[i + 1]) / 2;
        double low = formula(middle, per_worker.to, bounds);
        double high = formula(middle, per_worker.from, bounds);
        if (corners[i] < corners[i + 1])
            fprintf(script, "%.17g %.17g %.17g\n%.17g %.17g %.17g\n", corners[i], low, high,
                    corners[i + 1], low, high);
    }
    end_data(script);
    gnuplot_write_number(script, "formula_known", known);
    gnuplot_write_number(script, "formula_varies", known && per_worker.to > per_worker.from);
}

static int write_relation(FILE *script, const struct history_run *run, struct why *why)
{
    double workers_top = 1, arrival_top = 0;
    size_t unplaced = 0;

    for (size_t i = 0; i < run->row_count; i++) {
        const struct history_row *row = &run->rows[i];
        if (isnan(row->arrival_per_s) || isnan(row->desired_workers)) {
            unplaced++;
            continue;
        }
        workers_top = fmax(workers_top, row->desired_workers);
        arrival_top = fmax(arrival_top, row->arrival_per_s);
    }
    if (unplaced == run->row_count)
        return error_set(why, ERR_CONFIG,
                         "run %" PRIu64 " has no decision with a known arrival rate; expected one "
                         "or more",
                         run->number);

    arrival_top = arrival_top > 0 ? arrival_top : 1;
    double step = round_step(arrival_top, 10);
    double steps = ceil(arrival_top / step - 1e-9);
    struct extent per_worker = extent_of(run, worker_per_s);
    struct extent bounds = {extent_of(run, least).from, extent_of(run, most).to};
    if (per_worker.from <= per_worker.to && bounds.from <= bounds.to)
        workers_top = fmax(workers_top, formula(step * steps, per_worker.from, bounds));
    write_axis(script, "arrival", step, steps);
    write_workers_axis(script, workers_top);
    write_formula(script, run, step * (steps + 0.25));
    write_decisions(script, "decided", run, false);
    write_decisions(script, "held", run, true);
    gnuplot_write_number(script, "unplaced_count", (double)unplaced);
    gnuplot_write_number(script, "by_formula", strcmp(run->policy, "formula") == 0);
    return 0;
}

int figure_write(FILE *script, enum figure figure, const struct history_run *run, const char *title,
                 struct why *why)
{
    int error = write_texts(script, run, title, why);

    if (error)
        return error;
    return figure == FIGURE_SCALING ? write_scaling(script, run) : write_relation(script, run, why);
}
