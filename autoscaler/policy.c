#include "policy.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static const struct policy policies[] = {{"formula", policy_formula}};

static const char *const reason_texts[] = {
    [POLICY_FORMULA] = "formula",
    [POLICY_MIN] = "min",
    [POLICY_MAX] = "max",
    [POLICY_HELD_ARRIVAL] = "held: arrival rate unknown",
    [POLICY_HELD_BACKLOG] = "held: backlog unknown",
    [POLICY_HELD_BLOCKED] = "held: workers blocked by the broker",
};

const struct policy *policy_find(const char *name)
{
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++)
        if (strcmp(policies[i].name, name) == 0)
            return &policies[i];
    return NULL;
}

const char *policy_reason_text(enum policy_reason reason)
{
    return reason_texts[reason];
}

bool policy_reason_held(enum policy_reason reason)
{
    return reason >= POLICY_HELD_ARRIVAL;
}

static bool valid(const struct policy_params *params)
{
    return isfinite(params->horizon_s) && params->horizon_s > 0 &&
           isfinite(params->capacity_msgs) && params->capacity_msgs > 0 &&
           params->min_workers <= params->max_workers;
}

static uint32_t clamp(uint32_t workers, const struct policy_params *params)
{
    if (workers < params->min_workers)
        return params->min_workers;
    return workers > params->max_workers ? params->max_workers : workers;
}

void policy_start(struct policy_state *state, const struct policy_params *params)
{
    *state = (struct policy_state){.desired_workers = params->min_workers};
}

int policy_formula(const struct policy_sample *sample, const struct policy_params *params,
                   struct policy_state *state, struct policy_decision *decision)
{
    if (!valid(params) || sample->backlog_msgs < 0 || sample->arrival_per_s < 0)
        return -ERR_INVALID;

    struct policy_decision decided = {.formula_workers = NAN};
    if (isnan(sample->arrival_per_s) || isnan(sample->backlog_msgs) || sample->blocked) {
        decided.reason = isnan(sample->arrival_per_s)  ? POLICY_HELD_ARRIVAL
                         : isnan(sample->backlog_msgs) ? POLICY_HELD_BACKLOG
                                                       : POLICY_HELD_BLOCKED;
        decided.desired_workers = clamp(state->desired_workers, params);
    } else {
        double needed = ceil((sample->backlog_msgs + sample->arrival_per_s * params->horizon_s) /
                             params->capacity_msgs);
        decided.formula_workers = needed;
        decided.reason = needed < params->min_workers   ? POLICY_MIN
                         : needed > params->max_workers ? POLICY_MAX
                                                        : POLICY_FORMULA;
        decided.desired_workers = decided.reason == POLICY_MIN   ? params->min_workers
                                  : decided.reason == POLICY_MAX ? params->max_workers
                                                                 : (uint32_t)needed;
    }
    state->desired_workers = decided.desired_workers;
    *decision = decided;
    return 0;
}
