/* saturation.h - notices when more workers stop helping: because the broker, a database or the
 * processors have no more to give. Pure.
 *
 *              twice the workers handle little more
 *      FREE ----------------------------------------> LIMITED
 *       ^                                              |   ^
 *       |                    the limit has held a while |   | more workers do not handle more
 *       |   more workers handle more                   v   |
 *       +------------------------------------------- PROBING
 *
 * It compares two rates of events handled while more waited than the workers could take: the rate
 * of the workers that there are, and that of fewer workers in the last minutes, the one with the
 * most events a worker. Where more workers handle hardly more, either they do not help or the
 * events have become dearer. In the second case fewer workers handle less in proportion, which is
 * seen as soon as there are fewer, and the limit goes. */
#ifndef WINNOW_SATURATION_H
#define WINNOW_SATURATION_H

#include <stdbool.h>
#include <stdint.h>

/* What the farm does at one moment. */
struct saturation_reading {
    double time_s;       /* does not go back */
    uint32_t workers;    /* that consume and do not drain */
    bool steady;         /* none is starting or draining */
    bool pressed;        /* events are ready that no worker has taken */
    double handled_msgs; /* by all workers since the start; does not fall */
    double service_s;    /* of an event, as far as it is known; NAN: it is not */
};

/* So many events a second by so many workers. */
struct saturation_rate {
    double workers, per_s;
    double error; /* relative: one standard deviation of as many Poisson arrivals */
    double time_s;
};

enum saturation_state { SATURATION_FREE, SATURATION_LIMITED, SATURATION_PROBING };

struct saturation {
    enum saturation_state state;
    double useful_workers; /* NAN: no limit was seen */
    double probe_wait_s;   /* how long the next limit stands before it is probed */
    double probe_from_s;   /* limited: when the probe begins; probing: when it began */

    /* Rates that were measured; workers 0: none. */
    struct saturation_rate found;   /* what showed the limit */
    struct saturation_rate best;    /* the one with the most events a worker */
    struct saturation_rate limited; /* of the useful workers, under the limit */

    /* The window that is being measured. */
    uint32_t workers;
    bool pressed;
    double from_s, from_msgs;
};

void saturation_start(struct saturation *saturation);

/* Takes one reading. To be called several times a second. */
void saturation_learn(struct saturation *saturation, const struct saturation_reading *reading);

/* More workers than this do not help now; NAN when no such limit is known. While it probes, the
 * limit is higher than the one it found. */
double saturation_useful_workers(const struct saturation *saturation);

#endif
