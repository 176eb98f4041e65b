#include "relation_chart.h"

#include "axis.h"
#include "gnuplot.h"
#include "reading.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What the formula is drawn from. */
struct formula {
    struct reading_extent worker_per_s; /* differs when the capacity was measured and so changed */
    struct reading_extent workers;      /* the bounds */
    bool known;
};

static struct formula formula_of(const struct history_run *run)
{
    struct formula formula = {
        .worker_per_s = reading_extent(run, READING_WORKER_PER_S),
        .workers = {reading_extent(run, READING_MIN_WORKERS).from,
                    reading_extent(run, READING_MAX_WORKERS).to},
    };

    formula.known = formula.worker_per_s.from <= formula.worker_per_s.to &&
                    formula.workers.from <= formula.workers.to;
    return formula;
}

/* Its answer without a backlog. */
static double workers_for(const struct formula *formula, double arrival_per_s, double worker_per_s)
{
    return fmin(fmax(ceil(arrival_per_s / worker_per_s), formula->workers.from),
                formula->workers.to);
}

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* More steps than this cannot be told apart in a picture. */
#define MOST_CORNERS 400

/* Where either of two step lines rises, between 0 and top, both ends included; in order. */
static size_t find_corners(struct reading_extent worker_per_s, double top,
                           double corners[MOST_CORNERS])
{
    size_t count = 0;

    corners[count++] = 0;
    if (top / worker_per_s.from > (MOST_CORNERS - 2) / 2) {
        for (; count < MOST_CORNERS; count++)
            corners[count] = top * (double)count / (MOST_CORNERS - 1);
        return count;
    }
    for (double n = 1; n * worker_per_s.from < top; n++)
        corners[count++] = n * worker_per_s.from;
    for (double n = 1; worker_per_s.to > worker_per_s.from && n * worker_per_s.to < top; n++)
        corners[count++] = n * worker_per_s.to;
    corners[count++] = top;
    qsort(corners, count, sizeof corners[0], compare_numbers);
    return count;
}

/* The formula's answer over the whole axis: lowest and highest, for the range of its capacity. */
static void write_formula(FILE *script, const struct formula *formula, double top)
{
    double corners[MOST_CORNERS];
    size_t count = formula->known ? find_corners(formula->worker_per_s, top, corners) : 0;

    gnuplot_begin_data(script, "formula");
    for (size_t i = 0; i + 1 < count; i++) {
        double middle = (corners[i] + corners[i + 1]) / 2;
        double low = workers_for(formula, middle, formula->worker_per_s.to);
        double high = workers_for(formula, middle, formula->worker_per_s.from);
        if (corners[i] < corners[i + 1])
            fprintf(script, "%.17g %.17g %.17g\n%.17g %.17g %.17g\n", corners[i], low, high,
                    corners[i + 1], low, high);
    }
    gnuplot_end_data(script);
    gnuplot_write_number(script, "formula_known", formula->known);
    gnuplot_write_number(script, "formula_varies",
                         formula->known && formula->worker_per_s.to > formula->worker_per_s.from);
}

/* A decision has a place in the chart when both of its numbers are known. */
static bool is_placed(const struct history_row *row)
{
    return !isnan(row->arrival_per_s) && !isnan(row->desired_workers);
}

/* The marks of the decisions that were held, or of those that were not, and how many there are. */
static void write_decisions(FILE *script, const char *name, const struct history_run *run,
                            bool held)
{
    size_t count = 0;

    gnuplot_begin_data(script, name);
    for (size_t i = 0; i < run->row_count; i++) {
        const struct history_row *row = &run->rows[i];
        if (history_format_held(row) != held || !is_placed(row))
            continue;
        fprintf(script, "%.17g %.17g\n", row->arrival_per_s, row->desired_workers);
        count++;
    }
    gnuplot_end_data(script);
    gnuplot_write_count(script, name, count);
}

/* Both axes reach as far as the decisions, that of the workers also as far as the formula does.
 * Returns where the axis of the arrival rate ends. */
static double write_axes(FILE *script, const struct formula *formula, double arrival_top,
                         double workers_top)
{
    double step = axis_step(arrival_top, 10);
    double steps = ceil(arrival_top / step - 1e-9);

    if (formula->known)
        workers_top =
            fmax(workers_top, workers_for(formula, step * steps, formula->worker_per_s.from));
    axis_write_workers(script, workers_top);
    return axis_write(script, "arrival", step, steps);
}

int relation_chart_write(FILE *script, const struct history_run *run, struct why *why)
{
    double workers_top = 1, arrival_top = 0;
    size_t unplaced = 0;

    for (size_t i = 0; i < run->row_count; i++) {
        const struct history_row *row = &run->rows[i];
        unplaced += !is_placed(row);
        if (!is_placed(row))
            continue;
        workers_top = fmax(workers_top, row->desired_workers);
        arrival_top = fmax(arrival_top, row->arrival_per_s);
    }
    if (unplaced == run->row_count)
        return error_set(why, ERR_CONFIG,
                         "run %" PRIu64 " has no decision with a known arrival rate; expected one "
                         "or more",
                         run->number);

    struct formula formula = formula_of(run);
    double end = write_axes(script, &formula, arrival_top > 0 ? arrival_top : 1, workers_top);
    write_formula(script, &formula, end);
    write_decisions(script, "decided", run, false);
    write_decisions(script, "held", run, true);
    gnuplot_write_number(script, "unplaced_count", (double)unplaced);
    gnuplot_write_number(script, "by_formula", strcmp(run->policy, "formula") == 0);
    return 0;
}
