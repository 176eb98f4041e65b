#include "saturation.h"

#include <math.h>

#define SETTLE_S     0.3   /* after the number of workers has changed */
#define WINDOW_S     1.0   /* at least so long is measured, ... */
#define WINDOW_MSGS  100.0 /* ... and so many events, ... */
#define LONGEST_S    10.0  /* ... or else so long, ... */
#define FEWEST_MSGS  20.0  /* ... and then at least so many */
#define BEST_S       120.0 /* the best rate is forgotten after this */
#define APART        1.25  /* rates of numbers of workers nearer than this tell nothing */
#define HELPS        0.4   /* of what workers in proportion would bring: less is no help */
#define HELPS_AGAIN  0.5   /* and this much is help again */
#define LEARNT_ERROR 0.1   /* of a rate that follows from the service time */
#define PROBE_S                                                                                    \
    10.0 /* a limit is tried first after this, then each time after twice as long, ... */
#define PROBE_MOST_S 160.0 /* ... at most this */
#define PROBE_FACTOR 1.5
#define PROBE_END_S  30.0 /* a probe that could measure nothing ends */

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

static void probed(struct saturation *saturation, const struct saturation_rate *rate)
{
    /* Only more workers than the limit, and in truth more, tell whether they help. */
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

/* The limit has been reached: if that has made it slower, more workers did help. */
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
        probed(saturation, rate);
        break;
    }
}

static void take_window(struct saturation *saturation, const struct saturation_look *look,
                        double msgs, double length_s)
{
    struct saturation_rate rate = {
        .workers = look->workers,
        .per_s = msgs / length_s,
        .error = 1 / sqrt(msgs),
        .time_s = look->time_s,
    };

    if (saturation->pressed)
        measured(saturation, &rate);
    const struct saturation_rate *best = &saturation->best;
    if (!(best->workers > 0) || look->time_s - best->time_s > BEST_S ||
        rate.per_s / rate.workers >= best->per_s / best->workers)
        saturation->best = rate;
}

static void begin_window(struct saturation *saturation, const struct saturation_look *look,
                         double from_s)
{
    saturation->workers = look->workers;
    saturation->pressed = look->pressed;
    saturation->from_s = from_s;
    saturation->from_msgs = look->handled_msgs;
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

void saturation_look(struct saturation *saturation, const struct saturation_look *look)
{
    turn_probe(saturation, look->time_s);
    if (!(saturation->best.workers > 0) && look->workers && !isnan(look->service_s))
        saturation->best = (struct saturation_rate){.workers = look->workers,
                                                    .per_s = look->workers / look->service_s,
                                                    .error = LEARNT_ERROR,
                                                    .time_s = look->time_s};
    if (!look->workers || !look->steady || look->workers != saturation->workers ||
        look->handled_msgs < saturation->from_msgs) {
        begin_window(saturation, look, look->time_s + SETTLE_S);
        return;
    }
    if (look->time_s < saturation->from_s) {
        saturation->from_msgs = look->handled_msgs;
        saturation->pressed = look->pressed;
        return;
    }
    saturation->pressed &= look->pressed;
    double length_s = look->time_s - saturation->from_s;
    double msgs = look->handled_msgs - saturation->from_msgs;
    if ((length_s >= WINDOW_S && msgs >= WINDOW_MSGS) ||
        (length_s >= LONGEST_S && msgs >= FEWEST_MSGS)) {
        take_window(saturation, look, msgs, length_s);
        begin_window(saturation, look, look->time_s);
    } else if (length_s >= LONGEST_S) {
        begin_window(saturation, look, look->time_s);
    }
}

double saturation_useful_workers(const struct saturation *saturation)
{
    return saturation->useful_workers;
}
