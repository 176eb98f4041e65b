#include "pace.h"

static int go_on(struct pace_walk *walk, struct why *why)
{
    int got = arrivals_next(walk->arrivals, &walk->intended_ns, why);

    walk->has_next = got == 1;
    return got < 0 ? got : 0;
}

static int begin(struct pace_walk *walk, const struct arrivals_settings *settings, struct why *why)
{
    int error = arrivals_open(settings, &walk->arrivals, why);

    return error ? error : go_on(walk, why);
}

int pace_init(struct pace *pace, const struct arrivals_settings *settings, struct why *why)
{
    *pace = (struct pace){0};
    int error = begin(&pace->sending, settings, why);

    return error ? error : begin(&pace->offering, settings, why);
}

void pace_clear(struct pace *pace)
{
    arrivals_close(pace->sending.arrivals);
    arrivals_close(pace->offering.arrivals);
}

void pace_start(struct pace *pace, int64_t start_ns)
{
    pace->start_ns = start_ns;
}

void pace_stop(struct pace *pace)
{
    pace->stopped = true;
}

bool pace_has_next(const struct pace *pace)
{
    return pace->sending.has_next && !pace->stopped;
}

bool pace_is_due(const struct pace *pace, int64_t now_ns)
{
    return pace_has_next(pace) && pace->start_ns + pace->sending.intended_ns <= now_ns;
}

int64_t pace_intended_ns(const struct pace *pace)
{
    return pace->sending.intended_ns;
}

int pace_advance(struct pace *pace, struct why *why)
{
    return go_on(&pace->sending, why);
}

int pace_offer(struct pace *pace, int64_t now_ns, struct why *why)
{
    int error = 0;

    while (!error && pace->offering.has_next && !pace->stopped &&
           pace->start_ns + pace->offering.intended_ns <= now_ns) {
        pace->offered++;
        error = go_on(&pace->offering, why);
    }
    return error;
}

bool pace_goes_on(const struct pace *pace, int64_t now_ns)
{
    return !pace->stopped && (pace->offering.has_next ||
                              now_ns < pace->start_ns + arrivals_end_ns(pace->offering.arrivals));
}

int64_t pace_overdue_ns(const struct pace *pace, int64_t now_ns)
{
    int64_t overdue_ns = now_ns - pace->start_ns - pace->sending.intended_ns;

    return pace->sending.has_next && overdue_ns > 0 ? overdue_ns : 0;
}

int64_t pace_passed_ns(const struct pace *pace, int64_t now_ns)
{
    int64_t passed_ns = now_ns - pace->start_ns;

    if (!pace->offering.has_next && passed_ns > arrivals_end_ns(pace->offering.arrivals))
        return arrivals_end_ns(pace->offering.arrivals);
    return passed_ns;
}
