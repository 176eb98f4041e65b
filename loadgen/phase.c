#include "phase.h"

#include "units.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define RATE_FORM "expected events per second: 0.5, 1000 or 10k"

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

/* ---- as people write it ---- */

/* Cuts the text in two at the separator; NULL when it is not there. */
static char *cut(char *text, const char *separator)
{
    char *place = text ? strstr(text, separator) : NULL;

    if (!place)
        return NULL;
    *place = '\0';
    return place + strlen(separator);
}

static int parse_time(const char *whole, const char *what, const char *text, double *time_s,
                      struct why *why)
{
    int64_t ns;

    if (units_parse_duration(text, &ns) != 0)
        return error_set(why, ERR_INVALID, "phase '%s': %s '%s', expected %s", whole, what, text,
                         UNITS_DURATION_FORM);
    if (ns == 0)
        return error_set(why, ERR_INVALID, "phase '%s': %s '%s', expected more than zero", whole,
                         what, text);
    *time_s = (double)ns / 1e9;
    return 0;
}

static int parse_rate(const char *whole, const char *text, double *per_s, struct why *why)
{
    if (units_parse_rate(text, per_s) != 0)
        return error_set(why, ERR_INVALID, "phase '%s': rate '%s', " RATE_FORM, whole, text);
    if (*per_s > PHASE_MAX_PER_S)
        return error_set(why, ERR_INVALID, "phase '%s': too fast, expected at most %g per second",
                         whole, PHASE_MAX_PER_S);
    return 0;
}

static int parse_burst(const char *whole, char *count, struct phase *phase, struct why *why)
{
    char *every = cut(count, "/");

    if (!every)
        return error_set(
            why, ERR_INVALID,
            "phase '%s': bursts '%s' of what distance? Expected COUNT/EVERY, as 1k/10s", whole,
            count);
    if (units_parse_count(count, &phase->burst_msgs) != 0 || phase->burst_msgs == 0)
        return error_set(why, ERR_INVALID, "phase '%s': bursts of '%s' events, expected %s, over 0",
                         whole, count, UNITS_COUNT_FORM);
    return parse_time(whole, "time between bursts", every, &phase->burst_every_s, why);
}

static int parse_parts(const char *whole, char *text, struct phase *phase, struct why *why)
{
    char *from = cut(text, "@");
    char *burst = cut(from, "+");
    char *to = cut(from, "~");
    char *period = cut(to, "/");
    int error;

    if (!from)
        return error_set(why, ERR_INVALID, "phase '%s': no rate, expected %s", whole, PHASE_FORM);
    if (to && !period)
        return error_set(why, ERR_INVALID,
                         "phase '%s': waves of what length? Expected RATE~RATE/PERIOD, as "
                         "100~500/20s",
                         whole);
    if (!to)
        to = cut(from, "..");
    if ((error = parse_time(whole, "duration", text, &phase->duration_s, why)) ||
        (error = parse_rate(whole, from, &phase->from_per_s, why)))
        return error;
    phase->to_per_s = phase->from_per_s;
    if (to)
        error = parse_rate(whole, to, &phase->to_per_s, why);
    if (!error && period)
        error = parse_time(whole, "period", period, &phase->period_s, why);
    if (!error && burst)
        error = parse_burst(whole, burst, phase, why);
    return error;
}

int phase_parse(const char *text, struct phase *out, struct why *why)
{
    struct phase phase = {.duration_s = 0};
    char parts[128];

    if (strlen(text) >= sizeof parts)
        return error_set(why, ERR_INVALID, "phase '%.40s...': too long, expected %s", text,
                         PHASE_FORM);
    memcpy(parts, text, strlen(text) + 1);
    int error = parse_parts(text, parts, &phase, why);
    if (error)
        return error;
    error = phase_check(&phase, why);
    if (error)
        error_prefix(why, "phase '%s'", text);
    else
        *out = phase;
    return error;
}

/* ---- the mathematics of it ---- */

/* A wave that is not one is a line, and can be turned around exactly. */
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

/* Within one period, so that the sine is not asked for huge angles. */
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

/* A falling line is a rising one looked at from its end, which keeps the last events before rate 0
 * exact. */
static double line_time_s(const struct phase *phase, double events)
{
    double slope = (phase->to_per_s - phase->from_per_s) / phase->duration_s;

    if (slope >= 0)
        return fmin(time_until_s(events, phase->from_per_s, slope), phase->duration_s);
    double left = phase_events(phase, phase->duration_s) - events;
    return fmax(phase->duration_s - time_until_s(left, phase->to_per_s, -slope), 0);
}

/* There is no formula for it: Newton's steps, and a bisection where one would leave the stretch
 * that is still open, as near a rate of 0. */
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
    /* A little less, so that the duration of ten times 0.1 s has ten bursts. */
    double times = phase->burst_msgs > 0 ? t_s / phase->burst_every_s * (1 - 1e-12) : 0;

    return times > 0 ? (uint64_t)ceil(times) : 0;
}

double phase_burst_s(const struct phase *phase, uint64_t n)
{
    return (double)n * phase->burst_every_s;
}
