#include "phase.h"

#include <math.h>
#include <stdbool.h>

static bool in_range(double value, double max)
{
    return value >= 0 && value <= max;
}

int phase_check(const struct phase *phase, struct why *why)
{
    if (!in_range(phase->from_per_s, PHASE_MAX_PER_S) ||
        !in_range(phase->to_per_s, PHASE_MAX_PER_S))
        return error_set(why, ERR_INVALID, "rates from %g to %g per second, expected 0 to %g",
                         phase->from_per_s, phase->to_per_s, PHASE_MAX_PER_S);
    if (!in_range(phase->period_s, INFINITY) || isinf(phase->period_s))
        return error_set(why, ERR_INVALID, "a period of %g s, expected 0 or more", phase->period_s);
    if (!in_range(phase->burst_every_s, INFINITY) || isinf(phase->burst_every_s) ||
        (phase->burst_msgs > 0) != (phase->burst_every_s > 0))
        return error_set(why, ERR_INVALID,
                         "bursts of %llu events every %g s, expected more than 0 of both, or of "
                         "neither",
                         (unsigned long long)phase->burst_msgs, phase->burst_every_s);
    if (phase->burst_msgs > 0 &&
        !((double)phase->burst_msgs <= PHASE_MAX_PER_S * phase->burst_every_s))
        return error_set(
            why, ERR_INVALID, "bursts of %llu events every %g s, expected at most %g per second",
            (unsigned long long)phase->burst_msgs, phase->burst_every_s, PHASE_MAX_PER_S);
    return 0;
}

/* A wave between equal rates is a straight line, whose integral can be inverted exactly. */
static bool is_wave(const struct phase *phase)
{
    return phase->period_s > 0 && phase->from_per_s != phase->to_per_s;
}

static double middle_per_s(const struct phase *phase)
{
    return phase->from_per_s / 2 + phase->to_per_s / 2;
}

/* The rate of a wave is middle - swing cos(2 pi t / period). */
static double swing_per_s(const struct phase *phase)
{
    return phase->to_per_s / 2 - phase->from_per_s / 2;
}

double phase_rate_per_s(const struct phase *phase, double t_s)
{
    if (is_wave(phase))
        return fmax(
            middle_per_s(phase) - swing_per_s(phase) * cos(2 * M_PI * t_s / phase->period_s), 0);
    if (phase->period_s > 0)
        return phase->from_per_s;
    double part = t_s / phase->duration_s;
    return phase->from_per_s * (1 - part) + phase->to_per_s * part;
}

/* Of a t_s within one period: the sine of a huge angle would not be exact. */
static double wave_events(const struct phase *phase, double t_s)
{
    double turn = 2 * M_PI / phase->period_s;

    return middle_per_s(phase) * t_s - swing_per_s(phase) * sin(turn * t_s) / turn;
}

double phase_events(const struct phase *phase, double t_s)
{
    if (is_wave(phase)) {
        double periods = floor(t_s / phase->period_s);
        return periods * middle_per_s(phase) * phase->period_s +
               wave_events(phase, t_s - periods * phase->period_s);
    }
    if (t_s <= 0)
        return 0;
    return t_s * (phase->from_per_s + phase_rate_per_s(phase, t_s)) / 2;
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

/* A falling line is reckoned from its end, as a rising one: so the times of the last events before
 * rate 0 are exact. */
static double line_time_s(const struct phase *phase, double events)
{
    double slope = (phase->to_per_s - phase->from_per_s) / phase->duration_s;

    if (slope >= 0)
        return fmin(time_until_s(events, phase->from_per_s, slope), phase->duration_s);
    double left = phase_events(phase, phase->duration_s) - events;
    return fmax(phase->duration_s - time_until_s(left, phase->to_per_s, -slope), 0);
}

/* No formula inverts the integral of a wave. These are steps of Newton's method, and of bisection
 * where one of those would leave the interval that is left, as near a rate of 0. */
static double wave_time_s(const struct phase *phase, double events)
{
    double per_period = middle_per_s(phase) * phase->period_s;
    double periods = floor(events / per_period);
    double low = 0, high = phase->period_s;
    double t_s = (events - periods * per_period) / middle_per_s(phase);

    events -= periods * per_period;
    for (int i = 0; i < 100 && high - low > 1e-15 * phase->period_s; i++) {
        double over = wave_events(phase, t_s) - events;
        if (over > 0)
            high = t_s;
        else
            low = t_s;
        double step = over / phase_rate_per_s(phase, t_s);
        double next = t_s - step;
        if (!(next > low && next < high))
            next = low + (high - low) / 2;
        else if (fabs(step) < 1e-12)
            break;
        t_s = next;
    }
    return fmin(periods * phase->period_s + t_s, phase->duration_s);
}

double phase_time_s(const struct phase *phase, double events)
{
    return is_wave(phase) ? wave_time_s(phase, events) : line_time_s(phase, events);
}

uint64_t phase_bursts(const struct phase *phase, double t_s)
{
    /* A little less than the quotient, so that by no rounding error ten times 0.1 s has eleven
     * bursts. */
    double times = phase->burst_msgs > 0 ? t_s / phase->burst_every_s * (1 - 1e-12) : 0;

    return times > 0 ? (uint64_t)ceil(times) : 0;
}

double phase_burst_s(const struct phase *phase, uint64_t n)
{
    return (double)n * phase->burst_every_s;
}
