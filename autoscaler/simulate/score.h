/* score.h - how well a policy did on a trace. Pure.
 *
 * What was needed is what the best possible policy would have had: oracle:10 (oracle.h), a number
 * of workers for every ten seconds. */
#ifndef WINNOW_SCORE_H
#define WINNOW_SCORE_H

#include "planner.h"
#include "simulation.h"

#include <stdint.h>

struct score {
    double wait_p50_s, wait_p95_s, wait_p99_s,
        wait_max_s;      /* from arrival to the start of service */
    double worker_s;     /* that workers were alive */
    double work_s;       /* of service: no policy can do with fewer */
    double oracle_ratio; /* worker_s to that of oracle:10; NAN without one */
    double under_share,
        over_share; /* of the time with fewer or more workers than needed; NAN likewise */
    double under_mean,
        over_mean;          /* and by how many, in the mean over that time; 0 when there is none */
    double reversals_per_h; /* changes of the number in the other direction than the one before */
    double starts_per_h, peak_workers;
    double late_share; /* of the events: waited longer than the target */
    double duration_s, unserved;
    uint64_t events;
};

/* Collects while a simulation runs. */
struct score_keeper {
    const struct planner_plan *needed; /* NULL: not known */
    int64_t at_ns;
    uint32_t workers; /* since then: starting and running */
    double under_s, over_s, under_worker_s, over_worker_s;
    uint32_t wanted;
    int direction;
    uint64_t reversals;
};

void score_begin(struct score_keeper *keeper, const struct planner_plan *needed);

/* After each decision: so many are wanted, so many are starting or running from now on. */
void score_decided(struct score_keeper *keeper, int64_t now_ns, uint32_t wanted, uint32_t workers);

/* At the end. */
struct score score_end(struct score_keeper *keeper, const struct simulation *simulation);

#endif
