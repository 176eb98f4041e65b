#include "schedule.h"

#include "units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void schedule_init(struct schedule *schedule)
{
    *schedule = (struct schedule){0};
}

void schedule_clear(struct schedule *schedule)
{
    free(schedule->phases);
    schedule_init(schedule);
}

static bool in_range(double value, double max)
{
    return value >= 0 && value <= max;
}

int schedule_add(struct schedule *schedule, const struct schedule_phase *phase, struct why *why)
{
    if (!in_range(phase->duration_s, SCHEDULE_MAX_DURATION_S) ||
        schedule->duration_s + phase->duration_s > SCHEDULE_MAX_DURATION_S)
        return error_set(why, ERR_INVALID,
                         "a phase of %g s, expected 0 or more and no more than %g s in all",
                         phase->duration_s, SCHEDULE_MAX_DURATION_S);
    if (!in_range(phase->from_per_s, SCHEDULE_MAX_PER_S) ||
        !in_range(phase->to_per_s, SCHEDULE_MAX_PER_S))
        return error_set(why, ERR_INVALID, "rates from %g to %g per second, expected 0 to %g",
                         phase->from_per_s, phase->to_per_s, SCHEDULE_MAX_PER_S);

    if (schedule->count == schedule->capacity) {
        size_t wanted = schedule->capacity ? schedule->capacity * 2 : 8;
        struct schedule_phase *moved = reallocarray(schedule->phases, wanted, sizeof *moved);
        if (!moved)
            return error_set(why, ERR_MEMORY, "out of memory");
        schedule->phases = moved;
        schedule->capacity = wanted;
    }
    schedule->phases[schedule->count++] = *phase;
    schedule->duration_s += phase->duration_s;
    return 0;
}

/* Cuts the text in two at the separator; NULL when it is not there. */
static char *cut(char *text, const char *separator)
{
    char *place = strstr(text, separator);

    if (!place)
        return NULL;
    *place = '\0';
    return place + strlen(separator);
}

int schedule_parse_phase(const char *text, struct schedule_phase *phase, struct why *why)
{
    char duration[128];
    int64_t duration_ns;
    double from_per_s;
    double to_per_s;

    if (strlen(text) >= sizeof duration)
        return error_set(why, ERR_INVALID, "phase '%.40s...': too long, expected %s", text,
                         SCHEDULE_PHASE_FORM);
    memcpy(duration, text, strlen(text) + 1);
    char *from = cut(duration, "@");
    if (!from)
        return error_set(why, ERR_INVALID, "phase '%s': no rate, expected %s", text,
                         SCHEDULE_PHASE_FORM);
    char *to = cut(from, "..");

    if (units_parse_duration(duration, &duration_ns) != 0)
        return error_set(why, ERR_INVALID, "phase '%s': duration '%s', expected %s", text, duration,
                         UNITS_DURATION_FORM);
    if (duration_ns == 0)
        return error_set(why, ERR_INVALID, "phase '%s': duration '%s', expected more than zero",
                         text, duration);
    if (units_parse_rate(from, &from_per_s) != 0)
        return error_set(why, ERR_INVALID,
                         "phase '%s': rate '%s', expected events per second: 0.5, 1000 or 10k",
                         text, from);
    to_per_s = from_per_s;
    if (to && units_parse_rate(to, &to_per_s) != 0)
        return error_set(why, ERR_INVALID,
                         "phase '%s': rate '%s', expected events per second: 0.5, 1000 or 10k",
                         text, to);
    if (from_per_s > SCHEDULE_MAX_PER_S || to_per_s > SCHEDULE_MAX_PER_S)
        return error_set(why, ERR_INVALID, "phase '%s': too fast, expected at most %g per second",
                         text, SCHEDULE_MAX_PER_S);

    *phase = (struct schedule_phase){
        .duration_s = (double)duration_ns / 1e9, .from_per_s = from_per_s, .to_per_s = to_per_s};
    return 0;
}

static double phase_rate_per_s(const struct schedule_phase *phase, double t_s)
{
    double part = t_s / phase->duration_s;

    return phase->from_per_s * (1 - part) + phase->to_per_s * part;
}

static double phase_expected_msgs(const struct schedule_phase *phase)
{
    return phase->duration_s * (phase->from_per_s + phase->to_per_s) / 2;
}

double schedule_rate_per_s(const struct schedule *schedule, double t_s)
{
    if (!(t_s >= 0))
        return 0;
    for (size_t i = 0; i < schedule->count; i++) {
        const struct schedule_phase *phase = &schedule->phases[i];
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
        struct schedule_phase phase = schedule->phases[i];
        if (t_s < phase.duration_s) {
            phase.to_per_s = phase_rate_per_s(&phase, t_s);
            phase.duration_s = t_s;
        }
        sum += phase_expected_msgs(&phase);
        t_s -= phase.duration_s;
    }
    return sum;
}

/* How long a rate that grows by slope per second from `rate` takes to make `events`: the root of
 * rate t + slope t^2 / 2 = events. In this form, and with slope >= 0, nothing is subtracted: it is
 * exact from rate 0, with no slope, and with one next to none. */
static double time_until_s(double events, double rate_per_s, double slope)
{
    if (events <= 0)
        return 0;
    return 2 * events / (rate_per_s + sqrt(rate_per_s * rate_per_s + 2 * slope * events));
}

/* When the phase has made so many events, 0 <= events <= phase_expected_msgs. A falling phase is a
 * rising one looked at from its end, which keeps the last events before rate 0 exact. */
static double phase_time_s(const struct schedule_phase *phase, double events)
{
    double slope = (phase->to_per_s - phase->from_per_s) / phase->duration_s;

    if (slope >= 0)
        return fmin(time_until_s(events, phase->from_per_s, slope), phase->duration_s);
    double left_s = time_until_s(phase_expected_msgs(phase) - events, phase->to_per_s, -slope);
    return fmax(phase->duration_s - left_s, 0);
}

/* splitmix64. Source: Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014. */
static uint64_t random_bits(uint64_t *state)
{
    uint64_t bits = *state += UINT64_C(0x9e3779b97f4a7c15);

    bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
    return bits ^ (bits >> 31);
}

static double random_exponential(uint64_t *state)
{
    double uniform = (double)(random_bits(state) >> 11) * 0x1p-53;

    return -log1p(-uniform);
}

void schedule_cursor_init(struct schedule_cursor *cursor, const struct schedule *schedule,
                          enum schedule_arrival arrival, uint64_t seed)
{
    *cursor = (struct schedule_cursor){.schedule = schedule, .arrival = arrival, .random = seed};
    /* Half an event, so that where the integral of a phase is whole, as it mostly is, no event
     * falls on its border, to be counted or not by a rounding error. */
    cursor->first = arrival == SCHEDULE_POISSON ? random_exponential(&cursor->random) : 0.5;
}

bool schedule_next(struct schedule_cursor *cursor, int64_t *intended_ns)
{
    for (; cursor->phase < cursor->schedule->count; cursor->phase++) {
        const struct schedule_phase *phase = &cursor->schedule->phases[cursor->phase];
        double expected = phase_expected_msgs(phase);
        double events = cursor->first + (double)cursor->sent;

        if (events <= expected) {
            double at_s = cursor->phase_start_s + phase_time_s(phase, events);
            int64_t at_ns = llround(at_s * 1e9);

            if (cursor->arrival == SCHEDULE_POISSON)
                cursor->first += random_exponential(&cursor->random);
            else
                cursor->sent++;
            if (at_ns < cursor->last_ns)
                at_ns = cursor->last_ns;
            cursor->last_ns = at_ns;
            *intended_ns = at_ns;
            return true;
        }
        cursor->first = events - expected;
        cursor->sent = 0;
        cursor->phase_start_s += phase->duration_s;
    }
    return false;
}
