#include "measurement.h"

#include <math.h>

struct policy_sample measurement_sample(const struct measurement *measurement,
                                        const struct policy_params *params)
{
    return (struct policy_sample){
        .trigger = measurement->trigger,
        .time_s = measurement->time_s,
        .interval_s = measurement->interval_s,
        .arrival_per_s = measurement->arrival_per_s,
        .backlog_only = measurement->uncounted && isnan(measurement->arrival_per_s),
        .ready_msgs = measurement->ready_msgs,
        .backlog_msgs = measurement->ready_msgs + measurement->in_flight_msgs -
                        measurement->draining_in_flight_msgs,
        .most_ready_msgs = measurement->most_ready_msgs,
        .capacity_msgs = params->horizon_s / measurement->service_s,
        .useful_workers = measurement->useful_workers,
        .startup_s = measurement->startup_s,
        .workers = measurement->starting_workers + measurement->running_workers,
        .starting_workers = measurement->starting_workers,
        .silent_workers = measurement->silent_workers,
        .blocked = measurement->telling_workers &&
                   measurement->blocked_workers == measurement->telling_workers,
    };
}
