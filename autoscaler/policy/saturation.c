#include "saturation.h"

#include <math.h>

/* After the number of workers has changed, so long is not measured. */
#define SETTLE_S 0.3

/* A window is long enough for a rate after this time with as many events, ... */
#define WINDOW_S    1.0
#define WINDOW_MSGS 100.0
/* ... or after this time with as many; with fewer it begins anew. */
#define LONGEST_S   10.0
#define FEWEST_MSGS 20.0

/* The best rate is forgotten after this. */
#define BEST_S 120.0

/* Rates of numbers of workers nearer to each other than this factor tell nothing. */
#define APART 1.25

/* Of what more workers would bring in proportion: a smaller share is no help, ... */
#define HELPS 0.4
/* ... and under a limit this share is help again. */
#define HELPS_AGAIN 0.5

/* The error taken for a rate that follows from the service time. */
#define LEARNT_ERROR 0.1

/* A limit is probed first after this time, then each time after twice as long, at most this, ... */
#define PROBE_S      10.0
#define PROBE_MOST_S 160.0
/* ... with so many times the workers; a probe that could measure nothing ends after this time. */
#define PROBE_FACTOR 1.5
#define PROBE_END_S  30.0

void saturation_start(struct saturation *saturation)
{
    *saturation = (struct saturation){.useful_workers = NAN, .probe_wait_s = PROBE_S};
}

/* What the added workers bring, as a share of what they would in proportion. */
static double help(const struct saturation_rate *fewer, const struct saturation_rate *more)
{
    return (more->per_s / fewer->per_s - 1) / (more->workers / fewer->workers - 1);
}

static void set_free(struct saturation *saturation)
{
    saturation->state = SATURATION_FREE;
    saturation->useful_workers = NAN;
    saturation->limited = (struct saturation_rate){0};
}

static void limit(struct saturation *saturation, double workers, double time_s)
{
    saturation->state = SATURATION_LIMITED;
    saturation->useful_workers = workers;
    saturation->probe_from_s = time_s + saturation->probe_wait_s;
}

static void compare_with_best(struct saturation *saturation, const struct saturation_rate *rate)
{
    const struct saturation_rate *best = &saturation->best;

    if (!(best->workers > 0) || rate->workers < APART * best->workers)
        return;
    struct saturation_rate most = *rate, least = *best;
    most.per_s *= 1 + 2 * rate->error;
    least.per_s *= 1 - 2 * best->error;
    if (!(least.per_s > 0) || help(&least, &most) >= HELPS)
        return;
    saturation->probe_wait_s = PROBE_S;
    saturation->limited = (struct saturation_rate){0};
    saturation->found = *rate;
    limit(saturation, fmax(best->workers, ceil(rate->per_s / (best->per_s / best->workers))),
          rate->time_s);
}

static void compare_with_limit(struct saturation *saturation, const struct saturation_rate *rate)
{
    /* Only a rate of more workers than the limit tells whether they help. */
    if (rate->workers <= saturation->limited.workers)
        return;
    if (help(&saturation->limited, rate) >= HELPS_AGAIN) {
        saturation->best = saturation->limited;
        saturation->probe_wait_s = PROBE_S;
        set_free(saturation);
        return;
    }
    saturation->probe_wait_s = fmin(2 * saturation->probe_wait_s, PROBE_MOST_S);
    limit(saturation, saturation->limited.workers, rate->time_s);
}

/* No more workers than the limit run now: if fewer events are handled since, more workers did
 * help. */
static void confirm_limit(struct saturation *saturation, const struct saturation_rate *rate)
{
    saturation->limited = *rate;
    if (saturation->found.workers >= APART * rate->workers &&
        help(rate, &saturation->found) >= HELPS_AGAIN) {
        saturation->best = *rate;
        set_free(saturation);
    }
}

/* A number of workers has been measured while more waited than they could take. */
static void measured(struct saturation *saturation, const struct saturation_rate *rate)
{
    switch (saturation->state) {
    case SATURATION_FREE:
        compare_with_best(saturation, rate);
        break;
    case SATURATION_LIMITED:
        if (rate->workers <= saturation->useful_workers)
            confirm_limit(saturation, rate);
        break;
    case SATURATION_PROBING:
        compare_with_limit(saturation, rate);
        break;
    }
}

static void take_window(struct saturation *saturation, const struct saturation_reading *reading,
                        double msgs, double length_s)
{
    struct saturation_rate rate = {
        .workers = reading->workers,
        .per_s = msgs / length_s,
        .error = 1 / sqrt(msgs),
        .time_s = reading->time_s,
    };

    if (saturation->pressed)
        measured(saturation, &rate);
    const struct saturation_rate *best = &saturation->best;
    if (!(best->workers > 0) || reading->time_s - best->time_s > BEST_S ||
        rate.per_s / rate.workers >= best->per_s / best->workers)
        saturation->best = rate;
}

static void begin_window(struct saturation *saturation, const struct saturation_reading *reading,
                         double from_s)
{
    saturation->workers = reading->workers;
    saturation->pressed = reading->pressed;
    saturation->from_s = from_s;
    saturation->from_msgs = reading->handled_msgs;
}

static void turn_probe(struct saturation *saturation, double time_s)
{
    if (saturation->state == SATURATION_LIMITED && time_s >= saturation->probe_from_s) {
        /* A limit under which nothing waited need not be tried: it is out of date. */
        if (!(saturation->limited.workers > 0)) {
            set_free(saturation);
            return;
        }
        saturation->state = SATURATION_PROBING;
        saturation->probe_from_s = time_s;
        saturation->useful_workers =
            ceil(fmax(saturation->limited.workers * PROBE_FACTOR, saturation->limited.workers + 1));
    } else if (saturation->state == SATURATION_PROBING &&
               time_s - saturation->probe_from_s > PROBE_END_S) {
        set_free(saturation);
    }
}

void saturation_learn(struct saturation *saturation, const struct saturation_reading *reading)
{
    turn_probe(saturation, reading->time_s);
    if (!(saturation->best.workers > 0) && reading->workers && !isnan(reading->service_s))
        saturation->best = (struct saturation_rate){.workers = reading->workers,
                                                    .per_s = reading->workers / reading->service_s,
                                                    .error = LEARNT_ERROR,
                                                    .time_s = reading->time_s};
    if (!reading->workers || !reading->steady || reading->workers != saturation->workers ||
        reading->handled_msgs < saturation->from_msgs) {
        begin_window(saturation, reading, reading->time_s + SETTLE_S);
        return;
    }
    if (reading->time_s < saturation->from_s) {
        saturation->from_msgs = reading->handled_msgs;
        saturation->pressed = reading->pressed;
        return;
    }
    saturation->pressed &= reading->pressed;
    double length_s = reading->time_s - saturation->from_s;
    double msgs = reading->handled_msgs - saturation->from_msgs;
    if ((length_s >= WINDOW_S && msgs >= WINDOW_MSGS) ||
        (length_s >= LONGEST_S && msgs >= FEWEST_MSGS)) {
        take_window(saturation, reading, msgs, length_s);
        begin_window(saturation, reading, reading->time_s);
    } else if (length_s >= LONGEST_S) {
        begin_window(saturation, reading, reading->time_s);
    }
}

double saturation_useful_workers(const struct saturation *saturation)
{
    return saturation->useful_workers;
}
