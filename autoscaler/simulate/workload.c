#include "workload.h"

#include "csv/history_reader.h"
#include "csv/trace.h"
#include "random.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1e9

/* A history, read as counts of arrivals. */
struct counted {
    struct history_reader *reader;
    double first_s;      /* when the first interval began */
    double before_per_s; /* the rate of the last interval */
    bool started;        /* a row was read */
};

struct workload {
    char *source;
    uint64_t run, seed, random;
    double from_s, until_s;
    struct trace *trace; /* NULL: the source is a history */
    struct counted counted;
    struct trace_row row; /* the present one, shifted by from_s */
    uint64_t left;        /* events of the row that are still to come */
    double spread;        /* where in the row the last event was, from 0 to 1 */
    int64_t last_ns;      /* the time of the last event */
    struct why why;
};

/* ---- a history ---- */

/* The next row of the run: 1, 0 at the end, or an error. */
static int counted_next(struct workload *workload, struct trace_row *row)
{
    struct counted *counted = &workload->counted;
    struct why *why = &workload->why;
    struct history_row now;
    int got = history_reader_next(counted->reader, &now, why);

    if (got != 1)
        return got == -ERR_INVALID ? -ERR_CONFIG : got;
    workload->run = history_reader_run(counted->reader);
    if (!(now.time_s >= 0 && now.time_s <= TRACE_MAX_S))
        return history_reader_error(counted->reader, "time_s", why, "expected seconds");
    if (!(now.interval_s > 0 && now.interval_s <= TRACE_MAX_S))
        return history_reader_error(counted->reader, "interval_s", why,
                                    "expected seconds, more than 0");
    if (now.arrived_msgs > (double)TRACE_MAX_COUNT)
        return history_reader_error(counted->reader, "arrived_msgs", why,
                                    "expected a count of at least 0");
    /* Arrivals that were not counted are taken to have gone on at the rate before. */
    if (isnan(now.arrived_msgs))
        now.arrived_msgs = floor(counted->before_per_s * now.interval_s);
    counted->before_per_s = now.arrived_msgs / now.interval_s;
    if (!counted->started)
        counted->first_s = now.time_s - now.interval_s;
    counted->started = true;
    row->until_s = now.time_s - counted->first_s;
    row->time_s = fmax(row->until_s - now.interval_s, 0);
    row->count = (uint64_t)now.arrived_msgs;
    return 1;
}

/* False when the file is no history: it lacks the columns. */
static bool counted_open(struct workload *workload)
{
    static const char *const needed[] = {"time_s", "interval_s", "arrived_msgs", NULL};
    struct why ignored;

    workload->counted = (struct counted){0};
    return !history_reader_open(workload->source, workload->run, needed, NULL,
                                &workload->counted.reader, &ignored);
}

/* ---- events ---- */

static int next_row(struct workload *workload, struct trace_row *row)
{
    return workload->trace ? trace_next(workload->trace, row, &workload->why)
                           : counted_next(workload, row);
}

/* The next row within [from_s, until_s), shifted by from_s. A row that lies across a border belongs
 * to the side on which it begins. */
static int take_row(struct workload *workload)
{
    struct trace_row row = {0};
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
    history_reader_close(workload->counted.reader);
    workload->trace = NULL;
    workload->counted = (struct counted){0};
}

static int begin(struct workload *workload)
{
    close_files(workload);
    workload->row = (struct trace_row){0};
    workload->left = 0;
    workload->last_ns = 0;
    workload->random = workload->seed;
    return counted_open(workload) ? 0
                                  : trace_open(workload->source, &workload->trace, &workload->why);
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
