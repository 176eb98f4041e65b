#include "arrivals.h"

#include "csv/trace.h"
#include "random.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

struct arrivals {
    const struct arrivals_settings *settings;
    struct schedule_cursor cursor;
    struct trace *trace; /* NULL: the schedule */
    struct trace_row row;
    uint64_t taken; /* events of the row so far */
    double last_s;  /* the latest of them */
    uint64_t random;
    uint64_t events;
    int64_t last_ns, end_ns;
};

int arrivals_open(const struct arrivals_settings *settings, struct arrivals **out, struct why *why)
{
    struct arrivals *arrivals = calloc(1, sizeof *arrivals);

    if (!arrivals)
        return error_set(why, ERR_MEMORY, "out of memory");
    arrivals->settings = settings;
    arrivals->random = settings->seed;
    schedule_cursor_init(&arrivals->cursor, settings->schedule, settings->arrival, settings->seed);
    int error = settings->trace ? trace_open(settings->trace, &arrivals->trace, why) : 0;
    if (error)
        arrivals_close(arrivals);
    else
        *out = arrivals;
    return error;
}

void arrivals_close(struct arrivals *arrivals)
{
    if (!arrivals)
        return;
    trace_close(arrivals->trace);
    free(arrivals);
}

static int64_t to_ns(const struct arrivals *arrivals, double trace_s)
{
    return llround(trace_s / arrivals->settings->speed * 1e9);
}

/* Goes to the next row of the trace that has an event left: 1, 0 after the last, or an error. */
static int find_row(struct arrivals *arrivals, struct why *why)
{
    while (arrivals->taken == arrivals->row.count) {
        int got = trace_next(arrivals->trace, &arrivals->row, why);
        if (got != 1) {
            arrivals->end_ns = to_ns(arrivals, arrivals->row.until_s);
            return got;
        }
        arrivals->taken = 0;
        arrivals->last_s = arrivals->row.time_s;
    }
    return 1;
}

static int next_of_trace(struct arrivals *arrivals, int64_t *intended_ns, struct why *why)
{
    const struct trace_row *row = &arrivals->row;
    int got = find_row(arrivals, why);

    if (got != 1)
        return got;
    uint64_t left = row->count - arrivals->taken++;
    if (arrivals->settings->arrival == SCHEDULE_POISSON) {
        double part = random_least(&arrivals->random, left);
        arrivals->last_s += part * (row->until_s - arrivals->last_s);
    } else {
        double part = ((double)(arrivals->taken - 1) + 0.5) / (double)row->count;
        arrivals->last_s = row->time_s + part * (row->until_s - row->time_s);
    }
    *intended_ns = to_ns(arrivals, arrivals->last_s);
    return 1;
}

int arrivals_next(struct arrivals *arrivals, int64_t *intended_ns, struct why *why)
{
    int got;

    if (arrivals->events == arrivals->settings->max_events) {
        arrivals->end_ns = arrivals->last_ns;
        return 0;
    }
    if (arrivals->trace)
        got = next_of_trace(arrivals, intended_ns, why);
    else
        got = schedule_next(&arrivals->cursor, intended_ns);
    if (got == 1) {
        arrivals->events++;
        arrivals->last_ns = *intended_ns;
    } else if (got == 0 && !arrivals->trace) {
        arrivals->end_ns = llround(arrivals->settings->schedule->duration_s * 1e9);
    }
    return got;
}

int64_t arrivals_end_ns(const struct arrivals *arrivals)
{
    return arrivals->end_ns;
}

static int check_rows(struct trace *trace, const struct arrivals_settings *settings,
                      struct why *why)
{
    struct trace_row row = {.until_s = -1};
    int got;

    while ((got = trace_next(trace, &row, why)) == 1)
        ;
    if (got < 0)
        return got;
    if (row.until_s < 0)
        return error_set(why, ERR_CONFIG, "%s: no rows, expected at least one", trace_path(trace));
    if (row.until_s / settings->speed > SCHEDULE_MAX_DURATION_S)
        return error_set(why, ERR_CONFIG, "%s: takes %g s at that speed, expected at most %g s",
                         trace_path(trace), row.until_s / settings->speed, SCHEDULE_MAX_DURATION_S);
    return 0;
}

int arrivals_check(const struct arrivals_settings *settings, struct why *why)
{
    struct trace *trace = NULL;

    if (!settings->trace)
        return 0;
    int error = trace_open(settings->trace, &trace, why);
    if (!error)
        error = check_rows(trace, settings, why);
    trace_close(trace);
    return error;
}
