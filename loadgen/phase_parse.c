#include "phase_parse.h"

#include "units.h"

#include <string.h>

#define RATE_FORM "expected events per second: 0.5, 1000 or 10k"

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
        return error_set(why, ERR_INVALID, "phase '%s': no rate, expected %s", whole,
                         PHASE_PARSE_FORM);
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
                         PHASE_PARSE_FORM);
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
