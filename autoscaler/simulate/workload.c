#include "workload.h"

#include "csv/table_reader.h"
#include "csv/trace.h"
#include "random.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1e9

/* The part of a history that matters here. */
struct counts {
    struct table_reader *reader;
    int run, time, interval, arrived;
    double first_s; /* when the first interval began */
    double before;  /* events per second in the last interval that knew */
    bool started;
};

struct workload {
    char *source;
    uint64_t run, seed, random;
    double from_s, until_s;
    struct trace *trace; /* one of both */
    struct counts counts;
    struct trace_row row; /* the present one, shifted by from_s */
    uint64_t left;        /* of its events */
    double spread;        /* where in it the last was, 0 to 1 */
    int64_t last_ns;
    struct why why;
};

/* ---- a history ---- */

/* The next row of the run: 1, 0 at the end, or an error. */
static int counts_next(struct workload *workload, struct trace_row *row)
{
    struct counts *counts = &workload->counts;
    struct why *why = &workload->why;
    double run, time_s, interval_s, arrived;

    for (;;) {
        int got = table_reader_next(counts->reader, why);
        if (got != 1)
            return got;
        int error = table_reader_number(counts->reader, counts->run, &run, why);
        if (error)
            return error;
        if (run == (double)workload->run)
            break;
    }
    int error = table_reader_number(counts->reader, counts->time, &time_s, why);
    if (!error)
        error = table_reader_number(counts->reader, counts->interval, &interval_s, why);
    if (!error)
        error = table_reader_number(counts->reader, counts->arrived, &arrived, why);
    if (error)
        return error;
    if (!(time_s >= 0 && time_s <= TRACE_MAX_S))
        return table_reader_error(counts->reader, counts->time, why, "expected seconds");
    if (!(interval_s > 0 && interval_s <= TRACE_MAX_S))
        return table_reader_error(counts->reader, counts->interval, why,
                                  "expected seconds, more than 0");
    if (arrived < 0 || arrived > (double)TRACE_MAX_COUNT)
        return table_reader_error(counts->reader, counts->arrived, why,
                                  "expected a count of at least 0");
    /* What was not counted is taken to have gone on as before. */
    if (isnan(arrived))
        arrived = floor(counts->before * interval_s);
    counts->before = arrived / interval_s;
    if (!counts->started)
        counts->first_s = time_s - interval_s;
    counts->started = true;
    row->until_s = time_s - counts->first_s;
    row->time_s = fmax(row->until_s - interval_s, 0);
    row->count = (uint64_t)arrived;
    return 1;
}

/* 1 when the file is a history, 0 when not, or an error. */
static int counts_open(struct workload *workload)
{
    struct counts *counts = &workload->counts;
    struct why ignored;

    *counts = (struct counts){0};
    if (table_reader_open(workload->source, &counts->reader, &ignored))
        return 0;
    counts->run = table_reader_column(counts->reader, "run");
    counts->time = table_reader_column(counts->reader, "time_s");
    counts->interval = table_reader_column(counts->reader, "interval_s");
    counts->arrived = table_reader_column(counts->reader, "arrived_msgs");
    if (counts->run >= 0 && counts->time >= 0 && counts->interval >= 0 && counts->arrived >= 0)
        return 1;
    table_reader_close(counts->reader);
    counts->reader = NULL;
    return 0;
}

static int find_last_run(struct workload *workload)
{
    struct counts *counts = &workload->counts;
    double run = NAN;
    int got;

    while ((got = table_reader_next(counts->reader, &workload->why)) == 1) {
        got = table_reader_number(counts->reader, counts->run, &run, &workload->why);
        if (got)
            break;
    }
    if (got < 0)
        return got;
    if (!(run >= 0 && run < 0x1p53))
        return error_set(&workload->why, ERR_CONFIG, "%s: no run in it, expected one or more",
                         workload->source);
    workload->run = (uint64_t)run;
    return 0;
}

/* ---- both ---- */

static int next_row(struct workload *workload, struct trace_row *row)
{
    return workload->trace ? trace_next(workload->trace, row, &workload->why)
                           : counts_next(workload, row);
}

/* The next row that reaches into the part that is wanted, shifted to its start. A row that lies across a border
 * counts to where it begins. */
static int take_row(struct workload *workload)
{
    struct trace_row row;
    int got;

    while ((got = next_row(workload, &row)) == 1 && row.time_s < workload->from_s)
        ;
    if (got != 1)
        return got;
    if (row.time_s >= workload->until_s)
        return 0;
    workload->row = row;
    workload->row.time_s -= workload->from_s;
    workload->row.until_s = fmin(row.until_s, workload->until_s) - workload->from_s;
    workload->left = row.count;
    workload->spread = 0;
    return 1;
}

static void close_files(struct workload *workload)
{
    trace_close(workload->trace);
    table_reader_close(workload->counts.reader);
    workload->trace = NULL;
    workload->counts = (struct counts){0};
}

static int begin(struct workload *workload)
{
    close_files(workload);
    workload->row = (struct trace_row){0};
    workload->left = 0;
    workload->last_ns = 0;
    workload->random = workload->seed;
    int got = counts_open(workload);
    if (got == 0)
        return trace_open(workload->source, &workload->trace, &workload->why);
    if (workload->run != WORKLOAD_LAST_RUN)
        return got < 0 ? got : 0;
    int error = find_last_run(workload);
    return error ? error : begin(workload);
}

static int next(void *context, int64_t *at_ns)
{
    struct workload *workload = context;
    const struct trace_row *row = &workload->row;

    while (!workload->left) {
        int got = take_row(workload);
        if (got != 1) {
            int64_t end_ns = (int64_t)(row->until_s * NS_PER_S);
            *at_ns = end_ns > workload->last_ns ? end_ns : workload->last_ns;
            return got;
        }
    }
    double at_s = row->time_s;
    if (row->until_s > row->time_s) {
        double part = random_least(&workload->random, workload->left);
        workload->spread += (1 - workload->spread) * part;
        at_s += workload->spread * (row->until_s - row->time_s);
    }
    workload->left--;
    int64_t ns = (int64_t)(at_s * NS_PER_S);
    if (ns > workload->last_ns)
        workload->last_ns = ns;
    *at_ns = workload->last_ns;
    return 1;
}

int workload_open(const char *source, uint64_t run, double from_s, double until_s, uint64_t seed,
                  struct workload **out, struct why *why)
{
    struct workload *workload = calloc(1, sizeof *workload);
    if (!workload || !(workload->source = strdup(source))) {
        workload_close(workload);
        return error_set(why, ERR_MEMORY, "out of memory");
    }
    workload->run = run;
    workload->from_s = from_s;
    workload->until_s = until_s;
    workload->seed = seed;
    int error = begin(workload);
    int64_t first_ns;
    int got = error ? error : next(workload, &first_ns);
    if (got == 0)
        error_set(&workload->why, ERR_CONFIG, "%s: no events in %s, expected one or more", source,
                  from_s > 0 || !isinf(until_s) ? "that part of it" : "it");
    if (got == 1)
        error = begin(workload);
    else
        error = got < 0 ? got : -ERR_CONFIG;
    if (error) {
        *why = workload->why;
        workload_close(workload);
        return error;
    }
    *out = workload;
    return 0;
}

void workload_close(struct workload *workload)
{
    if (!workload)
        return;
    close_files(workload);
    free(workload->source);
    free(workload);
}

int workload_rewind(struct workload *workload, struct why *why)
{
    int error = begin(workload);

    if (error)
        *why = workload->why;
    return error;
}

struct simulation_source workload_source(struct workload *workload)
{
    return (struct simulation_source){.context = workload, .next = next};
}

const struct why *workload_why(const struct workload *workload)
{
    return &workload->why;
}
