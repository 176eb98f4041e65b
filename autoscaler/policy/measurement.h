/* measurement.h - from what was measured of a farm to what a policy is given. Pure.
 *
 * A live farm and a simulated one are measured by different means; the sample is made here for
 * both, so that the same measurements give the same decision. */
#ifndef WINNOW_MEASUREMENT_H
#define WINNOW_MEASUREMENT_H

#include "policy.h"

#include <stdint.h>

/* A farm at one moment. NAN means unknown, which is not 0. */
struct measurement {
    enum policy_trigger trigger;
    double time_s;          /* of this run, monotonic */
    double interval_s;      /* >= 0: over which arrival_per_s was measured */
    double arrival_per_s;   /* >= 0 */
    bool uncounted;         /* nothing counts them: a rate that is unknown stays so */
    double ready_msgs;      /* >= 0: in the work queue, not handed to a worker */
    double most_ready_msgs; /* >= 0: the most at any look since the tick before */

    /* What the workers hold that tell what they do; never NAN. What others hold is unknown, and not
     * taken for backlog; that is why silent workers go only slowly. */
    double in_flight_msgs;
    double draining_in_flight_msgs; /* of it, what draining workers hold, who will finish it */

    double service_s;      /* > 0: of an event in the mean */
    double useful_workers; /* more than so many were seen not to help */
    double startup_s;      /* >= 0: from the start of a worker until it consumes */

    uint32_t starting_workers, running_workers;
    uint32_t telling_workers; /* of the running, those that tell what they do, ... */
    uint32_t blocked_workers; /* ... and of these, those from which the broker takes nothing */
    uint32_t silent_workers;  /* starting or running, and telling nothing */
};

struct policy_sample measurement_sample(const struct measurement *measurement,
                                        const struct policy_params *params);

#endif
