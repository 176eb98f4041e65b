/* capacity.h - learns from what the workers tell how many events one of them clears. Pure.
 *
 * The service time is the time spent on events divided by their number, over all workers: idle time
 * does not count, waiting for a database does, and of cheap and dear events each counts with what
 * it cost. The events of about the last minute make the average; when those of the last seconds say
 * something else, by more than chance explains, it starts anew from them. What a worker does before
 * it is first seen to have finished an event is left out: its first events may wait for what is not
 * there yet. */
#ifndef WINNOW_CAPACITY_H
#define WINNOW_CAPACITY_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a worker has done since it started, as on the scoreboard. */
struct capacity_reading {
    int32_t pid; /* tells one worker in a slot from the next; 0: there is none that tells */
    uint64_t handled_msgs;
    int64_t busy_ns;
    double working_s; /* on the event it is handling; 0 when it handles none */
};

/* Sums in which older events weigh less. */
struct capacity_sums {
    double msgs, busy_s;
};

struct capacity {
    struct capacity_worker {
        int32_t pid;
        bool warm; /* it has finished an event */
        uint64_t handled_msgs;
        int64_t busy_ns;
    } * workers;
    size_t worker_count;

    struct capacity_sums lasting, recent;
    /* The variance of a single event's time, from what one look differs from the next: a change of
     * the service time counts in it once. */
    double variance, variance_weight;
    double before_msgs,
        before_s; /* of the last look that saw events: how many, and their mean time */

    double look_s; /* when it last looked; NAN: never */
    /* Of the look that goes on. */
    double msgs, busy_s, longest_s;
};

/* For workers in so many slots. 0 or -ERR_MEMORY. */
int capacity_init(struct capacity *capacity, size_t slots);
void capacity_clear(struct capacity *capacity);

/* What the worker in that slot tells now; for every slot, then capacity_looked. */
void capacity_look(struct capacity *capacity, size_t slot, const struct capacity_reading *reading);
/* That was all of them at this time, which does not go back. */
void capacity_looked(struct capacity *capacity, double time_s);

/* Seconds an event takes, > 0; NAN while too little is known. Before any event was finished, one
 * that takes longer than horizon_s counts as taking as long as it has. */
double capacity_service_s(const struct capacity *capacity, double horizon_s);

#endif
