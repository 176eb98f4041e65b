#include "decider.h"

#include "autoscaler/policy/measurement.h"
#include "log.h"

void decider_init(struct decider *decider, const struct policy *policy,
                  const struct policy_params *params)
{
    *decider = (struct decider){.policy = policy, .params = params};
    policy_start(&decider->state, params);
}

bool decider_decide(struct decider *decider, const struct learner *learner,
                    enum policy_trigger trigger, double time_s, struct decision_record *record)
{
    const struct sampler_sample *sampled = &record->sampled;
    const struct node_report *report = &record->report;
    const struct measurement measurement = {
        .trigger = trigger,
        .time_s = time_s,
        .interval_s = sampled->interval_s,
        .arrival_per_s = sampled->arrival_per_s,
        .uncounted = sampled->uncounted,
        .ready_msgs = sampled->ready_msgs,
        .most_ready_msgs = sampled->most_ready_msgs,
        .in_flight_msgs = report->in_flight_msgs,
        .draining_in_flight_msgs = report->draining_in_flight_msgs,
        .service_s = capacity_service_s(&learner->capacity, decider->params->horizon_s),
        .useful_workers = saturation_useful_workers(&learner->saturation),
        .startup_s = report->startup_s,
        .starting_workers = report->counts.starting,
        .running_workers = report->counts.running,
        .telling_workers = report->telling,
        .blocked_workers = report->blocked,
        .silent_workers = report->silent,
    };

    record->sample = measurement_sample(&measurement, decider->params);
    if (!policy_decide(decider->policy, &record->sample, decider->params, &decider->state,
                       &record->decision))
        return true;
    log_event(LOG_ERROR, "undecided", "policy=%s why=\"a value out of range\"",
              decider->policy->name);
    return false;
}
