/* decider.h - one decision: what was measured and what the node reports, put together and given to
 * the policy. */
#ifndef WINNOW_DECIDER_H
#define WINNOW_DECIDER_H

#include "autoscaler/messages.h"
#include "autoscaler/policy/policy.h"
#include "learner.h"
#include "sampler.h"

#include <stdbool.h>

/* Where farms share a number of workers: says how many a farm may have that would have so many, and
 * never less than so many, if it were alone. */
struct decider_total {
    uint32_t (*allow)(void *place, uint32_t least, uint32_t wanted); /* NULL: nothing is shared */
    void *place;
};

struct decider {
    const struct policy *policy;
    struct policy_params *params;
    struct decider_total total;
    struct policy_state state;
    uint32_t wanted; /* what the policy would have had at the last decision */
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

/* Borrows both. Of the parameters it sets total_allowed, when there is a total. */
void decider_init(struct decider *decider, const struct policy *policy,
                  struct policy_params *params, const struct decider_total *total);

/* Decides from record->sampled and record->report, at that time of the run, and fills in the rest.
 * False when the policy finds a value out of its range, which is logged; then nothing is
 * decided. */
bool decider_decide(struct decider *decider, const struct learner *learner,
                    enum policy_trigger trigger, double time_s, struct decision_record *record);

#endif
