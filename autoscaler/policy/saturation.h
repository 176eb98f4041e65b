/* saturation.h - notices when more workers stop helping: because the broker, a database or the processors
 * have no more to give. Pure.
 *
 *              twice the workers handle little more
 *      FREE ----------------------------------------> LIMITED
 *       ^                                              |   ^
 *       |                       it has held for a while |   | they do not
 *       |   more workers handle more                   v   |
 *       +------------------------------------------- PROBING
 *
 * It compares what so many workers handle in a second, while more waits than they can take, with the most that
 * one worker was seen to handle in the last minutes, as one of fewer. What looks so may be that the events
 * have become dearer: then fewer workers handle less in proportion, and the limit goes at once. */
#ifndef WINNOW_SATURATION_H
#define WINNOW_SATURATION_H

#include <stdbool.h>
#include <stdint.h>

/* What the farm does at one moment. */
struct saturation_look {
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
    double error; /* relative, one standard deviation of Poisson's */
    double time_s;
};

enum saturation_state { SATURATION_FREE, SATURATION_LIMITED, SATURATION_PROBING };

struct saturation {
    enum saturation_state state;
    double useful_workers; /* NAN: no limit was seen */
    double probe_wait_s, probe_from_s;
    struct saturation_rate found;   /* what showed the limit */
    struct saturation_rate best;    /* the greatest rate a worker; workers 0: none */
    struct saturation_rate limited; /* what the useful workers handle; workers 0: not yet known */

    /* The window that is measured. */
    uint32_t workers;
    bool pressed;
    double from_s, from_msgs;
};

void saturation_start(struct saturation *saturation);

/* Takes one look; look as often as is convenient, several times a second. */
void saturation_look(struct saturation *saturation, const struct saturation_look *look);

/* More workers than this do not help now; NAN when no such limit is known. While it probes, the
 * limit is higher than the one it found. */
double saturation_useful_workers(const struct saturation *saturation);

#endif
