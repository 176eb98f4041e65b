/* schedule.h - when to send: an open-loop schedule of events, whatever the system under load does.
 * Pure.
 *
 * A schedule is a list of phases, one after the other (phase.h). */
#ifndef WINNOW_SCHEDULE_H
#define WINNOW_SCHEDULE_H

#include "error.h"
#include "phase.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCHEDULE_MAX_DURATION_S 1e9 /* of the whole schedule: what int64 nanoseconds hold */

struct schedule {
    struct phase *phases;
    size_t count;
    size_t capacity;
    double duration_s; /* the sum of the phases */
};

/* An empty schedule, held by the caller; schedule_clear frees the phases and empties it again. */
void schedule_init(struct schedule *schedule);
void schedule_clear(struct schedule *schedule);

/* Appends a phase; the schedule is unchanged on failure.
 *
 * Returns 0, -ERR_MEMORY, or -ERR_INVALID when a member is out of its range (phase_check) or the
 * whole would be longer than the limit above. */
int schedule_add(struct schedule *schedule, const struct phase *phase, struct why *why);

/* The rate offered at t_s from the start, without bursts. At a border between phases it is that of
 * the later one; before the start and from the end on it is 0. */
double schedule_rate_per_s(const struct schedule *schedule, double t_s);

/* Events expected from the start until t_s: the integral of the rate, and the bursts before t_s.
 * INFINITY gives the whole. */
double schedule_expected_msgs(const struct schedule *schedule, double t_s);

enum schedule_arrival {
    SCHEDULE_CONSTANT, /* evenly: event k, from 0, where the integral of the rate is k + 0.5 */
    SCHEDULE_POISSON,  /* independently: the integral grows by unit-exponential steps */
};

/* Goes through the events in order. Any number of cursors may go through one schedule; it must stay
 * as it is meanwhile. Owns nothing: may be copied, needs no clearing. The members are the cursor's
 * own. */
struct schedule_cursor {
    const struct schedule *schedule;
    enum schedule_arrival arrival;
    uint64_t random;
    size_t phase;
    double phase_start_s;
    double first;  /* the integral of the rate from the start of the phase to its first event */
    uint64_t sent; /* evenly spaced events of the phase so far */
    uint64_t burst_sent; /* events of its bursts so far */
    double next_s; /* of the next event that is in no burst, from the start of the phase ... */
    bool has_next; /* ... once it has been worked out */
    int64_t last_ns;
};

/* seed   makes the Poisson arrivals: the same seed, the same times */
void schedule_cursor_init(struct schedule_cursor *cursor, const struct schedule *schedule,
                          enum schedule_arrival arrival, uint64_t seed);

/* The intended send time of the next event, in nanoseconds from the start of the schedule: never
 * less than the one before, never past the end. With constant arrivals a time comes from the
 * event's number, not from the time before, so nothing drifts, and the number of events in any
 * interval, not counting bursts, is within one of the integral of the rate over it, across phases
 * and pauses. The events of a burst have all the same time, whatever the arrivals.
 *
 * Returns true, or false when there are no more; *intended_ns is then unchanged. */
bool schedule_next(struct schedule_cursor *cursor, int64_t *intended_ns);

#endif
