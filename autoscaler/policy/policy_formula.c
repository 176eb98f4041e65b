#include "policy_formula.h"

#include <math.h>

void policy_formula(const struct policy_sample *sample, const struct policy_params *params,
                    struct policy_state *state, struct policy_decision *decision)
{
    (void)state;
    bool known = !isnan(sample->arrival_per_s);
    double arriving_msgs = known ? sample->arrival_per_s * params->horizon_s : 0;

    decision->need_workers = (sample->backlog_msgs + arriving_msgs) / decision->capacity_msgs;
    decision->formula_workers = ceil(decision->need_workers);
    decision->smooth_per_s = sample->arrival_per_s;
    decision->reason = known ? POLICY_FORMULA : POLICY_BACKLOG_ONLY;
}
