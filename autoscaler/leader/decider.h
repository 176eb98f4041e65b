/* decider.h - one decision: what was measured and what the node reports, put together and given to
 * the policy. */
#ifndef WINNOW_DECIDER_H
#define WINNOW_DECIDER_H

#include "autoscaler/messages.h"
#include "autoscaler/policy/policy.h"
#include "learner.h"
#include "sampler.h"

#include <stdbool.h>

struct decider {
    const struct policy *policy;
    const struct policy_params *params;
    struct policy_state state;
};

/* A decision with all that it was made from. */
struct decision_record {
    struct sampler_sample sampled; /* its arrival rate is the one to reckon with */
    bool
        by_accepted; /* that is what the queue accepted: less than what was offered, or all known */
    double accepted_per_s; /* NAN: cannot be told */
    struct node_report
        report; /* before it is carried out; its readings are the node's, and gone afterwards */
    struct policy_sample sample;
    struct policy_decision decision;
};

/* Borrows both. */
void decider_init(struct decider *decider, const struct policy *policy,
                  const struct policy_params *params);

/* Decides from record->sampled and record->report, at that time of the run, and fills in the rest.
 * False when the policy finds a value out of its range, which is logged; then nothing is
 * decided. */
bool decider_decide(struct decider *decider, const struct learner *learner,
                    enum policy_trigger trigger, double time_s, struct decision_record *record);

#endif
