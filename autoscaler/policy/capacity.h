/* capacity.h - learns from what the workers tell how many events one of them clears. Pure.
 *
 * The service time is the time spent on events divided by their number, over all workers: idle time
 * does not count, waiting for a database does, and of cheap and dear events each counts with what
 * it cost. The events of about the last minute make the average. When those of the last seconds say
 * something else, by more than chance explains, the average starts anew from them. What a worker
 * did before it was first seen to have finished an event is left out: its first events may have
 * waited for what was not there yet. */
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

    struct capacity_sums lasting, recent; /* of a minute, and of seconds */

    /* The variance of a single event's time, and how much of that average is filled. It comes from
     * the difference between one reading's mean and the next one's, so that a change of the service
     * time counts once. */
    double variance, variance_weight;
    double before_msgs, before_s; /* of the last reading with events: how many, their mean time */

    double learnt_s; /* the time of the last capacity_learn; NAN: none yet */

    /* Read since then: events finished, the time they took, and the longest on one that is not. */
    double msgs, busy_s, longest_s;
};

/* For workers in so many slots. 0 or -ERR_MEMORY. */
int capacity_init(struct capacity *capacity, size_t slots);
void capacity_clear(struct capacity *capacity);

/* Takes what the worker in that slot tells now. To be called for every slot, then
 * capacity_learn. */
void capacity_read(struct capacity *capacity, size_t slot, const struct capacity_reading *reading);
/* Learns from what was read; the time does not go back. */
void capacity_learn(struct capacity *capacity, double time_s);

/* Seconds an event takes, > 0; NAN while too little is known. Before any event was finished, one
 * that takes longer than horizon_s counts as taking as long as it has. */
double capacity_service_s(const struct capacity *capacity, double horizon_s);

#endif
