/* planner.h - numbers of workers, window after window, as somebody would choose them who knows all
 * arrivals and puts a price on an event that is late. Pure.
 *
 * The number is constant over windows of W seconds. For each window, one after the other, it is the
 * N for which N W + kappa L is least, and of several such N the smallest. kappa is the price of a
 * late event in worker-seconds. L is how many of the events that wait when the window begins, or
 * arrive in it, are late: N workers, in this window and the next, start them after more than the
 * target, or not at all. What has not started by the window's end is handed to the next, and so are
 * the workers that are not done, of those the N that are done first. So a window knows what the
 * ones before left to it, but does not provide for those to come. */
#ifndef WINNOW_PLANNER_H
#define WINNOW_PLANNER_H

#include "service.h"
#include "simulation.h"

#include <stddef.h>
#include <stdint.h>

struct planner_params {
    int64_t window_ns; /* W > 0 */
    int64_t late_ns;   /* >= 0: the target */
    uint32_t min_workers, max_workers;
    struct service service;
    /* The events from the start, each time it is called; 0 or a negative error. */
    int (*open)(void *context, struct simulation_source *source);
    void *context;
};

struct planner_plan {
    uint32_t *workers; /* of each window; until the last event has started */
    size_t count;
    int64_t window_ns;
    double kappa;
    double late_share; /* of the events, as planned */
    double worker_s;   /* what it comes to in simulation; set by whoever simulates it */
};

/* The plan for one kappa; given up, with a late_share of 1, once more than late_limit events are
 * late. Returns 0, -ERR_MEMORY or an error of the source, and then nothing is to be cleared. */
int planner_plan(const struct planner_params *params, double kappa, uint64_t late_limit,
                 struct planner_plan *plan);
void planner_clear(struct planner_plan *plan);

#endif
