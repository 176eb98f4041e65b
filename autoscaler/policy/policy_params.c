#include "policy_params.h"

#define FIELD(field) .name = #field, .offset = offsetof(struct policy_params, field)

static const struct policy_param common[] = {
    {FIELD(horizon_s), .meaning = "the time within which backlog and arrivals should be cleared",
     .least = POLICY_ABOVE_0, .most = DBL_MAX},
    {FIELD(capacity_msgs), .meaning = "the events that one worker clears within the horizon",
     .least = POLICY_CAPACITY_AUTO, .most = DBL_MAX},
    {FIELD(startup_s), .meaning = "how long a worker takes to start, or -1 to measure it",
     .least = POLICY_STARTUP_AUTO, .most = DBL_MAX, .only_if_set = true},
    {FIELD(headroom), .meaning = "so many times the workers that are needed", .least = 1,
     .most = DBL_MAX, .only_if_set = true},
    {FIELD(scale_down_delay_s), .meaning = "how long fewer workers must have been enough",
     .least = 0, .most = DBL_MAX, .only_if_set = true},
    {FIELD(step_up), .meaning = "the most workers that one decision adds", .least = 0,
     .most = DBL_MAX, .whole = true, .only_if_set = true},
    {FIELD(step_down), .meaning = "the most workers that one decision takes away", .least = 0,
     .most = DBL_MAX, .whole = true, .only_if_set = true},
    {FIELD(silent_delay_s), .meaning = "the same where some worker tells nothing", .least = 0,
     .most = DBL_MAX, .only_if_set = true},
    {FIELD(paused), .meaning = "1 to keep the number of workers, or 0", .least = 0, .most = 1,
     .whole = true, .only_if_set = true},
    {FIELD(replicas), .meaning = "a fixed number of workers, or -1 for none",
     .least = POLICY_NOT_FIXED, .most = UINT32_MAX, .whole = true, .only_if_set = true},
    {FIELD(total_allowed), .meaning = "what other farms leave of a shared number, or -1 for all",
     .least = POLICY_ALL_ALLOWED, .most = UINT32_MAX, .whole = true, .only_if_set = true},
    {FIELD(inherited_workers), .meaning = "how many workers there were at first", .least = 0,
     .most = UINT32_MAX, .whole = true, .only_if_set = true},
};

const struct policy_param *policy_params_common(size_t *count)
{
    *count = sizeof common / sizeof common[0];
    return common;
}

double policy_params_get(const struct policy_param *param, const struct policy_params *params)
{
    return *(const double *)(const void *)((const char *)params + param->offset);
}

void policy_params_set(const struct policy_param *param, struct policy_params *params, double value)
{
    *(double *)(void *)((char *)params + param->offset) = value;
}

bool policy_params_allow(const struct policy_param *param, double value)
{
    /* NAN fails the comparisons. */
    return value >= param->least && value <= param->most &&
           (!param->whole || value == floor(value));
}
