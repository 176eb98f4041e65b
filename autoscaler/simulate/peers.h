/* peers.h - the scaling policies that other systems ship, as a user of each would get them, for
 * comparison on simulated time. Pure.
 *
 * R is what is ready (waiting), U what workers hold, q = R + U, n what was decided before; every
 * result stays within [min_workers, max_workers]. Each looks when its system looks, and sees what
 * its system sees. */
#ifndef WINNOW_PEERS_H
#define WINNOW_PEERS_H

#include "simulation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peer_params {
    uint32_t min_workers, max_workers;
    double service_s; /* > 0: the mean time for an event; `target` needs to be told */
    double wait_s;    /* > 0: the acceptable latency, likewise */
    double number[2]; /* the policy's own, see peer_list; NAN: its default */
};

#define PEER_WINDOW 60 /* measurements that a policy may keep */

/* What a policy remembers. Held by the caller; begin with peer_start. */
struct peer {
    const struct peer_kind *kind;
    struct peer_params params;
    uint32_t workers;

    double seen[PEER_WINDOW]; /* a ring of measurements or recommendations */
    size_t seen_count;
    double stale_msgs;          /* the last measurement */
    int64_t look_ns, active_ns; /* next measurement; when something was last there */
    int64_t last_up_ns, last_down_ns;
    uint32_t rate, added; /* phpfpm's spawn rate; hpa's growth in the last period */
    uint32_t breaches_up, breaches_down;
    double highest; /* kpa: in panic */
    int64_t panic_ns, zero_ns;
};

/* Called when it asked to be, and for some at each arrival. Returns how many workers there
 * should be, and sets *next_ns, which comes in as what it set before, to when it wants to be
 * called again. */
typedef uint32_t peer_decide_function(struct peer *peer, const struct simulation *simulation,
                                      int64_t *next_ns);

struct peer_kind {
    const char *name;
    peer_decide_function *decide;
    bool each_arrival; /* it is called at each arrival too */
    double numbers[2]; /* the defaults of its own parameters; NAN: it has none */
    const char *form;  /* how those are written after the name */
};

/* The list, for those who go through it; NULL after the last. */
const struct peer_kind *peer_at(size_t index);

void peer_start(struct peer *peer, const struct peer_kind *kind, const struct peer_params *params);

#endif
