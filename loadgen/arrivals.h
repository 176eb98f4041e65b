/* arrivals.h - the times at which a run's events are due: those of a schedule, or those of a
 * recorded trace replayed. */
#ifndef WINNOW_ARRIVALS_H
#define WINNOW_ARRIVALS_H

#include "error.h"
#include "schedule.h"

#include <stdint.h>

/* Everything is borrowed. */
struct arrivals_settings {
    const struct schedule *schedule; /* used when there is no trace */
    const char *trace; /* as in trace.h, of a file that can be read more than once; NULL: none */
    double speed;      /* seconds of the trace that go by in one; > 0 */
    /* Of a schedule, and within the rows of a trace that have counts. */
    enum schedule_arrival arrival;
    uint64_t seed;
    uint64_t max_events; /* after so many there are no more; UINT64_MAX: no limit */
};

/* Reads a trace to its end once, so that nothing wrong in it turns up in the middle of a run. Does
 * nothing for a schedule.
 *
 * Returns 0, or as trace_open and trace_next; -ERR_CONFIG also when it has no rows, takes more than
 * SCHEDULE_MAX_DURATION_S at that speed, or is no regular file. */
int arrivals_check(const struct arrivals_settings *settings, struct why *why);

/* A walk through the times, in memory that does not depend on their number. */
struct arrivals;

/* *arrivals is to be closed with arrivals_close. Returns 0, -ERR_MEMORY, or as trace_open. */
int arrivals_open(const struct arrivals_settings *settings, struct arrivals **arrivals,
                  struct why *why);
/* Takes NULL. */
void arrivals_close(struct arrivals *arrivals);

/* The time of the next event in nanoseconds from the start, never less than the one before.
 *
 * A trace's row with a count has exactly that many events. Constant arrivals cut the row's time
 * into equal shares, with an event in the middle of each. Poisson arrivals are independent of each
 * other and uniform over the row's time: a Poisson process of which the number of events is known.
 *
 * Returns 1 and *intended_ns; 0 when there are no more; or as trace_next. */
int arrivals_next(struct arrivals *arrivals, int64_t *intended_ns, struct why *why);

/* When the arrivals end, known once arrivals_next has answered 0: the length of the schedule or of
 * the trace, or the time of the last event when max_events cut it short. */
int64_t arrivals_end_ns(const struct arrivals *arrivals);

#endif
