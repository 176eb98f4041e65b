/* oracle.h - the yardstick: the numbers of workers that somebody would choose who knows all
 * arrivals. Pure.
 *
 * The number is constant over windows of W seconds. Window after window it is the N, the
 * smallest of several, for which N W + kappa L is least, where L is how many of the events that
 * wait when the window begins, or arrive in it, wait longer than the target when N workers serve
 * them, now and in the next window; those that have not started then are late. What has not
 * started by the window's end is handed to the next, and so are the workers that are not done,
 * of those the N that are done first. So a window knows what the ones before left to it, but
 * does not provide for those to come. kappa, in worker-seconds a late event, is the least with
 * which at most 5 % of all events are late: sought by bisection of its logarithm between 1e-4
 * and 1e4. Carried out in simulation (workers start in no time, drain as always) a plan has
 * somewhat more or fewer, so 16 more plans are tried, in steps of 5 % of kappa up or down, and
 * the cheapest is taken that has at most 5 %. */
#ifndef WINNOW_ORACLE_H
#define WINNOW_ORACLE_H

#include "service.h"
#include "simulation.h"

#include <stddef.h>
#include <stdint.h>

#define ORACLE_LATE_SHARE 0.05
#define ORACLE_WINDOW_NS  INT64_C(10000000000)

struct oracle_params {
    int64_t window_ns; /* > 0 */
    int64_t late_ns;   /* >= 0: the target */
    uint32_t min_workers, max_workers;
    struct service service;
    /* The events from the start, each time it is called; 0 or a negative error. */
    int (*open)(void *context, struct simulation_source *source);
    void *context;
};

struct oracle_plan {
    uint32_t *workers; /* of each window; until the last event has started */
    size_t count;
    int64_t window_ns;
    double worker_s;          /* what it comes to in simulation; set by who simulates it */
    double kappa, late_share; /* as planned */
};

/* The plan for one kappa; given up, with a late_share of 1, once more than late_limit events are
 * late. Returns 0, -ERR_MEMORY or an error of the source. */
int oracle_plan_for(const struct oracle_params *params, double kappa, uint64_t late_limit,
                    struct oracle_plan *plan);

/* The plan for the least kappa. Likewise; the plan may be cleared after an error too. */
int oracle_plan(const struct oracle_params *params, struct oracle_plan *plan);

void oracle_clear(struct oracle_plan *plan);

#endif
