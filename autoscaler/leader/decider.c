#include "decider.h"

#include "autoscaler/policy/measurement.h"
#include "log.h"

/* The parameter is only there where it binds, so that rows say when it did. */
static void allow(struct decider *decider, uint32_t desired)
{
    uint32_t allowed =
        decider->total.allow(decider->total.place, decider->params->min_workers, decider->wanted);

    decider->params->total_allowed = desired > allowed ? allowed : POLICY_ALL_ALLOWED;
}

void decider_init(struct decider *decider, const struct policy *policy,
                  struct policy_params *params, const struct decider_total *total)
{
    *decider = (struct decider){
        .policy = policy, .params = params, .total = *total, .wanted = params->min_workers};
    if (total->allow)
        allow(decider, params->min_workers);
    policy_start(&decider->state, params);
}

/* Asks the policy first what it would have if the farm were alone. A number that only stays says
 * nothing of what is wanted, and would be less each time that the total has bound it. */
static void share(struct decider *decider, const struct policy_sample *sample)
{
    struct policy_state alone = decider->state;
    struct policy_decision decision;

    decider->params->total_allowed = POLICY_ALL_ALLOWED;
    int error = policy_decide(decider->policy, sample, decider->params, &alone, &decision);
    bool stays = error || (decision.reason >= POLICY_LEARNING && decision.reason != POLICY_FIXED);
    if (!stays || alone.desired_workers > decider->wanted)
        decider->wanted = alone.desired_workers;
    if (decider->wanted > decider->params->max_workers)
        decider->wanted = decider->params->max_workers;
    allow(decider, alone.desired_workers);
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
    if (decider->total.allow)
        share(decider, &record->sample);
    if (!policy_decide(decider->policy, &record->sample, decider->params, &decider->state,
                       &record->decision))
        return true;
    log_event(LOG_ERROR, "undecided", "policy=%s why=\"a value out of range\"",
              decider->policy->name);
    return false;
}
