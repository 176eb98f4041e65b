#include "arrivals.h"

#include "random.h"
#include "table_reader.h"
#include "trace.h"

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

struct arrivals {
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
static int counts_next(struct arrivals *arrivals, struct trace_row *row)
{
    struct counts *counts = &arrivals->counts;
    struct why *why = &arrivals->why;
    double run, time_s, interval_s, arrived;

    for (;;) {
        int got = table_reader_next(counts->reader, why);
        if (got != 1)
            return got;
        int error = table_reader_number(counts->reader, counts->run, &run, why);
        if (error)
            return error;
        if (run == (double)arrivals->run)
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
static int counts_open(struct arrivals *arrivals)
{
    struct counts *counts = &arrivals->counts;
    struct why ignored;

    *counts = (struct counts){0};
    if (table_reader_open(arrivals->source, &counts->reader, &ignored))
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

static int find_last_run(struct arrivals *arrivals)
{
    struct counts *counts = &arrivals->counts;
    double run = NAN;
    int got;

    while ((got = table_reader_next(counts->reader, &arrivals->why)) == 1) {
        got = table_reader_number(counts->reader, counts->run, &run, &arrivals->why);
        if (got)
            break;
    }
    if (got < 0)
        return got;
    if (!(run >= 0 && run < 0x1p53))
        return error_set(&arrivals->why, ERR_CONFIG, "%s: no run in it, expected one or more",
                         arrivals->source);
    arrivals->run = (uint64_t)run;
    return 0;
}

/* ---- both ---- */

static int next_row(struct arrivals *arrivals, struct trace_row *row)
{
    return arrivals->trace ? trace_next(arrivals->trace, row, &arrivals->why)
                           : counts_next(arrivals, row);
}

/* The next row that reaches into the part that is wanted, shifted to its start. A row that lies across a border
 * counts to where it begins. */
static int take_row(struct arrivals *arrivals)
{
    struct trace_row row;
    int got;

    while ((got = next_row(arrivals, &row)) == 1 && row.time_s < arrivals->from_s)
        ;
    if (got != 1)
        return got;
    if (row.time_s >= arrivals->until_s)
        return 0;
    arrivals->row = row;
    arrivals->row.time_s -= arrivals->from_s;
    arrivals->row.until_s = fmin(row.until_s, arrivals->until_s) - arrivals->from_s;
    arrivals->left = row.count;
    arrivals->spread = 0;
    return 1;
}

static void close_files(struct arrivals *arrivals)
{
    trace_close(arrivals->trace);
    table_reader_close(arrivals->counts.reader);
    arrivals->trace = NULL;
    arrivals->counts = (struct counts){0};
}

static int begin(struct arrivals *arrivals)
{
    close_files(arrivals);
    arrivals->row = (struct trace_row){0};
    arrivals->left = 0;
    arrivals->last_ns = 0;
    arrivals->random = arrivals->seed;
    int got = counts_open(arrivals);
    if (got == 0)
        return trace_open(arrivals->source, &arrivals->trace, &arrivals->why);
    if (arrivals->run != ARRIVALS_LAST_RUN)
        return got < 0 ? got : 0;
    int error = find_last_run(arrivals);
    return error ? error : begin(arrivals);
}

static int next(void *context, int64_t *at_ns)
{
    struct arrivals *arrivals = context;
    const struct trace_row *row = &arrivals->row;

    while (!arrivals->left) {
        int got = take_row(arrivals);
        if (got != 1) {
            int64_t end_ns = (int64_t)(row->until_s * NS_PER_S);
            *at_ns = end_ns > arrivals->last_ns ? end_ns : arrivals->last_ns;
            return got;
        }
    }
    double at_s = row->time_s;
    if (row->until_s > row->time_s) {
        double part = random_least(&arrivals->random, arrivals->left);
        arrivals->spread += (1 - arrivals->spread) * part;
        at_s += arrivals->spread * (row->until_s - row->time_s);
    }
    arrivals->left--;
    int64_t ns = (int64_t)(at_s * NS_PER_S);
    if (ns > arrivals->last_ns)
        arrivals->last_ns = ns;
    *at_ns = arrivals->last_ns;
    return 1;
}

int arrivals_open(const char *source, uint64_t run, double from_s, double until_s, uint64_t seed,
                  struct arrivals **out, struct why *why)
{
    struct arrivals *arrivals = calloc(1, sizeof *arrivals);
    if (!arrivals || !(arrivals->source = strdup(source))) {
        arrivals_close(arrivals);
        return error_set(why, ERR_MEMORY, "out of memory");
    }
    arrivals->run = run;
    arrivals->from_s = from_s;
    arrivals->until_s = until_s;
    arrivals->seed = seed;
    int error = begin(arrivals);
    int64_t first_ns;
    int got = error ? error : next(arrivals, &first_ns);
    if (got == 0)
        error_set(&arrivals->why, ERR_CONFIG, "%s: no events in %s, expected one or more", source,
                  from_s > 0 || !isinf(until_s) ? "that part of it" : "it");
    if (got == 1)
        error = begin(arrivals);
    else
        error = got < 0 ? got : -ERR_CONFIG;
    if (error) {
        *why = arrivals->why;
        arrivals_close(arrivals);
        return error;
    }
    *out = arrivals;
    return 0;
}

void arrivals_close(struct arrivals *arrivals)
{
    if (!arrivals)
        return;
    close_files(arrivals);
    free(arrivals->source);
    free(arrivals);
}

int arrivals_rewind(struct arrivals *arrivals, struct why *why)
{
    int error = begin(arrivals);

    if (error)
        *why = arrivals->why;
    return error;
}

struct simulation_source arrivals_source(struct arrivals *arrivals)
{
    return (struct simulation_source){.context = arrivals, .next = next};
}

const struct why *arrivals_why(const struct arrivals *arrivals)
{
    return &arrivals->why;
}
