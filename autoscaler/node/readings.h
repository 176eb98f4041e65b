/* readings.h - what a farm's workers tell of themselves on the scoreboard, added up and learnt from. */
#ifndef WINNOW_READINGS_H
#define WINNOW_READINGS_H

#include "autoscaler/policy/capacity.h"
#include "autoscaler/policy/saturation.h"
#include "error.h"
#include "pool.h"
#include "scoreboard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At one moment. */
struct workers_view {
    double in_flight_msgs, draining_in_flight_msgs;
    double handled_msgs; /* since the farm began */
    size_t running, blocked;
    bool unknown; /* some worker says nothing: the sums are of the others */
};

struct workers {
    struct pool *pool;
    struct scoreboard *scoreboard;
    bool learns;       /* capacity and saturation are kept */
    bool spoke;        /* some worker has used the scoreboard */
    bool told_silent;  /* that one does not was logged */
    bool cannot_learn; /* it learns, and workers have run for long that tell nothing */
    uint64_t handled_by_ended;
    double simulated_service_s; /* what they last said they add to each event; 0: nothing */
    struct capacity capacity;
    struct saturation saturation;
};

/* Borrows the pool and the scoreboard. 0 or -ERR_MEMORY. */
int workers_init(struct workers *workers, struct pool *pool, struct scoreboard *scoreboard,
                 bool learns);
void workers_clear(struct workers *workers);

/* Adds up what they tell, and tells the pool which of them are idle. */
struct workers_view workers_look(struct workers *workers, int64_t now_ns);

/* Takes one look to learn from; time_s as in the policy's sample, pressed when events wait that none has taken.
 * To be called several times a second. */
void workers_learn(struct workers *workers, int64_t now_ns, double time_s, bool pressed,
                   double horizon_s);

/* Keeps the count of a worker that has ended, before its slot is cleared. */
void workers_ended(struct workers *workers, const struct scoreboard_slot *slot);

#endif
