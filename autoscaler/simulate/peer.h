/* peer.h - what the scaling policies of other systems have in common. Pure. */
#ifndef WINNOW_PEER_H
#define WINNOW_PEER_H

#include "simulation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peer_params {
    uint32_t min_workers, max_workers;
    double service_s; /* > 0: the mean time for an event */
    double wait_s;    /* > 0: the target: so long may an event wait */
    double number[2]; /* the policy's own parameters; NAN: their defaults */
};

#define PEER_WINDOW    60 /* measurements that a policy may keep */
#define PEER_SECOND_NS INT64_C(1000000000)
/* Long before the start, and yet near enough that differences of times do not overflow. */
#define PEER_NEVER_NS (INT64_MIN / 2)

/* What a policy remembers. Held by the caller; begin with peer_start. */
struct peer {
    const struct peer_kind *kind;
    struct peer_params params;
    uint32_t workers; /* as decided before */

    double seen[PEER_WINDOW]; /* a ring of measurements or recommendations */
    size_t seen_count;
    int64_t last_up_ns, last_down_ns;

    /* Of hpa. */
    double stale_msgs;  /* the last measurement of the queue */
    int64_t measure_ns; /* when the next is due */
    int64_t active_ns;  /* when the queue was last seen not to be empty */
    uint32_t added;     /* workers, in the last period */

    /* Of kpa. */
    double highest;   /* the greatest number wanted in this panic */
    int64_t panic_ns; /* when the load last called for panic */
    int64_t zero_ns;  /* since when no worker is needed; -1: some are */

    uint32_t breaches_up, breaches_down; /* of target: measurements in a row */
    uint32_t rate;                       /* of phpfpm: workers to start at the next turn */
};

/* Called at the times that it asks for, and for some kinds at each arrival; first at time 0.
 * Returns how many workers there should be, within [min_workers, max_workers], and sets *next_ns,
 * which comes in as what it set before, to when it wants to be called again. */
typedef uint32_t peer_decide_function(struct peer *peer, const struct simulation *simulation,
                                      int64_t *next_ns);

struct peer_kind {
    const char *name;
    peer_decide_function *decide;
    bool each_arrival; /* it is called at each arrival too */
    bool idle_first;   /* of its workers, idle ones are the first to go */
    double numbers[2]; /* the defaults of its own parameters; NAN: it has none */
    const char *form;  /* how those are written after the name */
};

void peer_start(struct peer *peer, const struct peer_kind *kind, const struct peer_params *params);

static inline double peer_more(double a, double b)
{
    return a > b ? a : b;
}

static inline double peer_fewer(double a, double b)
{
    return a < b ? a : b;
}

/* That number within the limits, and at least so many. */
uint32_t peer_bound(const struct peer *peer, double workers, uint32_t least);

/* What waits and what workers hold. */
double peer_queue(const struct simulation_view *view);

/* Keeps a value. Then the mean and the greatest of the last `count` values, or of as many as there
 * are; 0 when there are none. */
void peer_remember(struct peer *peer, double value);
double peer_mean(const struct peer *peer, size_t count);
double peer_greatest(const struct peer *peer, size_t count);

#endif
