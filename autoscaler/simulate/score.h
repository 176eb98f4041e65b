/* score.h - how well a policy did on a load. Pure.
 *
 * How many workers were needed is what the plan of oracle:10 has (oracle.h): a number for every ten
 * seconds. */
#ifndef WINNOW_SCORE_H
#define WINNOW_SCORE_H

#include "planner.h"
#include "simulation.h"

#include <stdint.h>

/* NAN where it is not known: what compares with oracle:10 without its plan. */
struct score {
    double wait_p50_s, wait_p95_s, wait_p99_s,
        wait_max_s; /* from arrival to the start of service */

    double worker_s;     /* how long workers were alive, in sum */
    double work_s;       /* how long the service took, in sum: no policy can do with fewer */
    double oracle_ratio; /* worker_s to that of oracle:10 */

    /* Shares of the time with fewer or more workers than needed, and by how many in the mean over
     * that time; 0 when there is none. */
    double under_share, over_share;
    double under_mean, over_mean;

    double reversals_per_h; /* changes of the number in the other direction than the one before */
    double starts_per_h, peak_workers;
    double late_share; /* of the events: those that waited longer than the target */
    double duration_s, unserved;
    uint64_t events;
};

/* What is collected while a simulation runs. */
struct score_keeper {
    const struct planner_plan *needed; /* NULL: not known */

    uint32_t workers; /* starting and running, since at_ns */
    int64_t at_ns;    /* up to then workers are compared with what was needed */
    double under_s, over_s, under_worker_s, over_worker_s;

    uint32_t wanted; /* by the last decision */
    int direction;   /* of the last change of that number: 1 up, -1 down; 0: it has not changed */
    uint64_t reversals;
};

void score_begin(struct score_keeper *keeper, const struct planner_plan *needed);

/* To be called after each decision: so many workers are wanted, so many are starting or running
 * from now on. */
void score_decided(struct score_keeper *keeper, int64_t now_ns, uint32_t wanted, uint32_t workers);

/* What has been collected, at the end of the simulation. */
struct score score_end(struct score_keeper *keeper, const struct simulation *simulation);

#endif
