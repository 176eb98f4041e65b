#include "schedule.h"

#include "random.h"

#include <math.h>
#include <stdlib.h>

void schedule_init(struct schedule *schedule)
{
    *schedule = (struct schedule){0};
}

void schedule_clear(struct schedule *schedule)
{
    free(schedule->phases);
    schedule_init(schedule);
}

int schedule_add(struct schedule *schedule, const struct phase *phase, struct why *why)
{
    int error = phase_check(phase, why);

    if (error)
        return error;
    if (!(phase->duration_s >= 0 &&
          schedule->duration_s + phase->duration_s <= SCHEDULE_MAX_DURATION_S))
        return error_set(why, ERR_INVALID,
                         "a phase of %g s, expected 0 or more and no more than %g s in all",
                         phase->duration_s, SCHEDULE_MAX_DURATION_S);

    if (schedule->count == schedule->capacity) {
        size_t wanted = schedule->capacity ? schedule->capacity * 2 : 8;
        struct phase *moved = reallocarray(schedule->phases, wanted, sizeof *moved);
        if (!moved)
            return error_set(why, ERR_MEMORY, "out of memory");
        schedule->phases = moved;
        schedule->capacity = wanted;
    }
    schedule->phases[schedule->count++] = *phase;
    schedule->duration_s += phase->duration_s;
    return 0;
}

double schedule_rate_per_s(const struct schedule *schedule, double t_s)
{
    if (!(t_s >= 0))
        return 0;
    for (size_t i = 0; i < schedule->count; i++) {
        const struct phase *phase = &schedule->phases[i];
        if (t_s < phase->duration_s)
            return phase_rate_per_s(phase, t_s);
        t_s -= phase->duration_s;
    }
    return 0;
}

double schedule_expected_msgs(const struct schedule *schedule, double t_s)
{
    double sum = 0;

    for (size_t i = 0; i < schedule->count && t_s > 0; i++) {
        const struct phase *phase = &schedule->phases[i];
        double part_s = fmin(t_s, phase->duration_s);
        sum += phase_events(phase, part_s) +
               (double)phase_bursts(phase, part_s) * (double)phase->burst_msgs;
        t_s -= part_s;
    }
    return sum;
}

void schedule_cursor_init(struct schedule_cursor *cursor, const struct schedule *schedule,
                          enum schedule_arrival arrival, uint64_t seed)
{
    *cursor = (struct schedule_cursor){.schedule = schedule, .arrival = arrival, .random = seed};
    /* Half an event, so that where the integral of a phase is whole, as it mostly is, no event
     * falls on its border, to be counted or not by a rounding error. */
    cursor->first = arrival == SCHEDULE_POISSON ? random_exponential(&cursor->random) : 0.5;
}

/* The time in the phase of its next event that is in no burst; false when it has no more. */
static bool find_next(struct schedule_cursor *cursor, const struct phase *phase)
{
    double events = cursor->first + (double)cursor->sent;

    if (cursor->has_next)
        return true;
    if (events > phase_events(phase, phase->duration_s))
        return false;
    cursor->next_s = phase_time_s(phase, events);
    cursor->has_next = true;
    return true;
}

static void take_next(struct schedule_cursor *cursor)
{
    cursor->has_next = false;
    if (cursor->arrival == SCHEDULE_POISSON)
        cursor->first += random_exponential(&cursor->random);
    else
        cursor->sent++;
}

/* The time in the phase of its next event that is in a burst; false when it has no more. */
static bool find_burst(const struct schedule_cursor *cursor, const struct phase *phase,
                       double *burst_s)
{
    uint64_t n = phase->burst_msgs ? cursor->burst_sent / phase->burst_msgs : 0;

    if (n >= phase_bursts(phase, phase->duration_s))
        return false;
    *burst_s = phase_burst_s(phase, n);
    return true;
}

bool schedule_next(struct schedule_cursor *cursor, int64_t *intended_ns)
{
    for (; cursor->phase < cursor->schedule->count; cursor->phase++) {
        const struct phase *phase = &cursor->schedule->phases[cursor->phase];
        bool has_next = find_next(cursor, phase);
        double burst_s;
        double at_s = cursor->next_s;

        if (find_burst(cursor, phase, &burst_s) && !(has_next && at_s < burst_s)) {
            cursor->burst_sent++;
            at_s = burst_s;
        } else if (has_next) {
            take_next(cursor);
        } else {
            cursor->first += (double)cursor->sent - phase_events(phase, phase->duration_s);
            cursor->sent = cursor->burst_sent = 0;
            cursor->phase_start_s += phase->duration_s;
            continue;
        }
        int64_t at_ns = llround((cursor->phase_start_s + at_s) * 1e9);
        if (at_ns < cursor->last_ns)
            at_ns = cursor->last_ns;
        cursor->last_ns = at_ns;
        *intended_ns = at_ns;
        return true;
    }
    return false;
}
