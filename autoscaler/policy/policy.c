#include "policy.h"

#include "policy_erlang.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static const struct policy policies[] = {
    {.name = "formula", .need = policy_formula, .interval_s = 2},
    {.name = "erlang",
     .need = policy_erlang,
     .ready = true,
     .interval_s = 0.5,
     .epsilon = 0.25,
     .theta = 1.2,
     .average_s = 12,
     .z = 2.5},
    {.name = "erlang-quiet",
     .need = policy_erlang,
     .ready = true,
     .interval_s = 0.5,
     .scale_down_delay_s = 5,
     .epsilon = 0.05,
     .theta = 2,
     .average_s = 20,
     .z = 3},
};

static const char *const reason_texts[POLICY_REASONS] = {
    [POLICY_FORMULA] = "formula",
    [POLICY_ERLANG_WAITS] = "erlang: keeps waits short",
    [POLICY_ERLANG_DRAINS] = "erlang: drains the backlog",
    [POLICY_MIN] = "min",
    [POLICY_MAX] = "max",
    [POLICY_HEADROOM] = "headroom",
    [POLICY_DELAYED_DOWN] = "scale-down delay",
    [POLICY_STEP_UP] = "step up",
    [POLICY_STEP_DOWN] = "step down",
    [POLICY_SATURATED] = "saturated: more workers do not help",
    [POLICY_LEARNING] = "learning: capacity unknown",
    [POLICY_HELD_ARRIVAL] = "held: arrival rate unknown",
    [POLICY_HELD_BACKLOG] = "held: backlog unknown",
    [POLICY_HELD_BLOCKED] = "held: workers blocked by the broker",
};

/* clang-format off */
#define PARAM(field, of_erlang) \
    {.name = #field, .offset = offsetof(struct policy_params, field), .erlang = (of_erlang)}

static const struct policy_param params_list[] = {
    PARAM(horizon_s, false),
    PARAM(capacity_msgs, false),
    PARAM(headroom, false),
    PARAM(scale_down_delay_s, false),
    PARAM(step_up, false),
    PARAM(step_down, false),
    PARAM(wait_s, true),
    PARAM(epsilon, true),
    PARAM(theta, true),
    PARAM(average_s, true),
    PARAM(z, true),
};
/* clang-format on */

const struct policy_param *policy_param_list(size_t *count)
{
    *count = sizeof params_list / sizeof params_list[0];
    return params_list;
}

double policy_param_get(const struct policy_param *param, const struct policy_params *params)
{
    return *(const double *)(const void *)((const char *)params + param->offset);
}

void policy_param_set(const struct policy_param *param, struct policy_params *params, double value)
{
    *(double *)(void *)((char *)params + param->offset) = value;
}

void policy_tune(const struct policy *policy, struct policy_params *params)
{
    if (isnan(params->scale_down_delay_s))
        params->scale_down_delay_s = policy->scale_down_delay_s;
    if (!policy->ready)
        return;
    params->epsilon = policy->epsilon;
    params->theta = policy->theta;
    params->average_s = policy->average_s;
    params->z = policy->z;
}

const struct policy *policy_at(size_t index)
{
    return index < sizeof policies / sizeof policies[0] ? &policies[index] : NULL;
}

const struct policy *policy_find(const char *name)
{
    for (size_t i = 0; policy_at(i); i++)
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

/* ---- what is in range ---- */

static bool positive(double value)
{
    return isfinite(value) && value > 0;
}

/* 0: no limit. */
static bool whole_step(double workers)
{
    return isfinite(workers) && workers >= 0 && workers == floor(workers);
}

int policy_check(const struct policy_params *params)
{
    bool valid =
        positive(params->horizon_s) &&
        (params->capacity_msgs == POLICY_CAPACITY_AUTO || positive(params->capacity_msgs)) &&
        params->min_workers <= params->max_workers && isfinite(params->headroom) &&
        params->headroom >= 1 && isfinite(params->scale_down_delay_s) &&
        params->scale_down_delay_s >= 0 && whole_step(params->step_up) &&
        whole_step(params->step_down) && positive(params->wait_s) && params->epsilon > 0 &&
        params->epsilon < 1 && positive(params->theta) && positive(params->average_s) &&
        positive(params->z);

    return valid ? 0 : -ERR_INVALID;
}

/* NAN is unknown, and in range. */
static bool sample_in_range(const struct policy_sample *sample)
{
    return !(sample->backlog_msgs < 0) && !(sample->arrival_per_s < 0) &&
           !(sample->ready_msgs < 0) && !(sample->capacity_msgs < 0) &&
           !(sample->useful_workers < 0) && isfinite(sample->time_s) &&
           isfinite(sample->interval_s) && sample->interval_s >= 0;
}

/* ---- the stages ---- */

static uint32_t clamp(uint32_t workers, const struct policy_params *params)
{
    if (workers < params->min_workers)
        return params->min_workers;
    return workers > params->max_workers ? params->max_workers : workers;
}

/* Whether something keeps the policy from being asked; then *reason says what. */
static bool must_hold(const struct policy *policy, const struct policy_sample *sample,
                      enum policy_reason *reason)
{
    if (isnan(sample->arrival_per_s))
        *reason = POLICY_HELD_ARRIVAL;
    else if (isnan(sample->backlog_msgs) || (policy->ready && isnan(sample->ready_msgs)))
        *reason = POLICY_HELD_BACKLOG;
    else if (sample->blocked)
        *reason = POLICY_HELD_BLOCKED;
    else
        return false;
    return true;
}

/* One worker at work finds out what it clears; while it has not, more would be a guess. */
static uint32_t learn(const struct policy_sample *sample, const struct policy_state *state)
{
    if (sample->backlog_msgs <= 0 && sample->arrival_per_s <= 0)
        return 0;
    return state->desired_workers ? state->desired_workers : 1;
}

/* From the policy's need to a number within the limits. */
static uint32_t limit(const struct policy_sample *sample, const struct policy_params *params,
                      struct policy_decision *decided)
{
    double wanted = decided->formula_workers;

    if (params->headroom > 1 && ceil(decided->need_workers * params->headroom) > wanted) {
        wanted = ceil(decided->need_workers * params->headroom);
        decided->reason = POLICY_HEADROOM;
    }
    if (wanted < params->min_workers) {
        wanted = params->min_workers;
        decided->reason = POLICY_MIN;
    } else if (wanted > params->max_workers) {
        wanted = params->max_workers;
        decided->reason = POLICY_MAX;
    }
    if (sample->useful_workers > 0 && wanted > sample->useful_workers &&
        wanted > params->min_workers) {
        wanted = fmax(floor(sample->useful_workers), params->min_workers);
        decided->reason = POLICY_SATURATED;
    }
    return (uint32_t)wanted;
}

/* Fewer only after fewer were enough for the whole delay, and then as many as were needed at most
 * within it. */
static uint32_t delay_down(uint32_t wanted, double now_s, const struct policy_params *params,
                           struct policy_state *state, struct policy_decision *decided)
{
    if (wanted >= state->desired_workers || params->scale_down_delay_s <= 0) {
        state->fewer = false;
        return wanted;
    }
    if (!state->fewer) {
        state->fewer = true;
        state->fewer_from_s = now_s;
        state->fewer_most = wanted;
    } else if (wanted > state->fewer_most) {
        state->fewer_most = wanted;
    }
    if (now_s - state->fewer_from_s >= params->scale_down_delay_s && !(wanted < state->fewer_most))
        return wanted;
    decided->reason = POLICY_DELAYED_DOWN;
    return now_s - state->fewer_from_s >= params->scale_down_delay_s ? state->fewer_most
                                                                     : state->desired_workers;
}

static uint32_t limit_step(uint32_t wanted, const struct policy_params *params, uint32_t before,
                           struct policy_decision *decided)
{
    if (params->step_up > 0 && wanted > before + params->step_up) {
        decided->reason = POLICY_STEP_UP;
        return before + (uint32_t)params->step_up;
    }
    if (params->step_down > 0 && wanted + params->step_down < before) {
        decided->reason = POLICY_STEP_DOWN;
        return before - (uint32_t)params->step_down;
    }
    return wanted;
}

static uint32_t steady(uint32_t wanted, const struct policy_sample *sample,
                       const struct policy_params *params, struct policy_state *state,
                       struct policy_decision *decided)
{
    uint32_t delayed = delay_down(wanted, sample->time_s, params, state, decided);
    uint32_t stepped = limit_step(delayed, params, state->desired_workers, decided);

    /* The delay is served: a new one begins with what is too many still. */
    if (state->fewer && stepped == delayed && stepped < state->desired_workers) {
        state->fewer = wanted < stepped;
        state->fewer_from_s = sample->time_s;
        state->fewer_most = wanted;
    }
    return stepped;
}

/* ---- deciding ---- */

void policy_start(struct policy_state *state, const struct policy_params *params)
{
    *state = (struct policy_state){.desired_workers = params->min_workers};
}

int policy_decide(const struct policy *policy, const struct policy_sample *sample,
                  const struct policy_params *params, struct policy_state *state,
                  struct policy_decision *decision)
{
    if (policy_check(params) || !sample_in_range(sample))
        return -ERR_INVALID;

    struct policy_state next = *state;
    /* A history may go on with other limits than it began with. */
    next.desired_workers = clamp(state->desired_workers, params);
    next.fewer_most = clamp(state->fewer_most, params);
    const uint32_t before = next.desired_workers;
    double capacity_msgs =
        params->capacity_msgs > 0 ? params->capacity_msgs : sample->capacity_msgs;
    struct policy_decision decided = {
        .formula_workers = NAN,
        .need_workers = NAN,
        .capacity_msgs = capacity_msgs > 0 ? capacity_msgs : (double)NAN,
        .smooth_per_s = NAN,
        .wait_workers = NAN,
        .drain_workers = NAN,
    };
    if (must_hold(policy, sample, &decided.reason)) {
        next.fewer = false;
        decided.desired_workers = before;
    } else if (isnan(decided.capacity_msgs)) {
        decided.reason = POLICY_LEARNING;
        decided.desired_workers = clamp(learn(sample, &next), params);
    } else {
        policy->need(sample, params, &next, &decided);
        decided.desired_workers =
            steady(limit(sample, params, &decided), sample, params, &next, &decided);
    }
    /* A look between ticks is only for a rise. */
    if (sample->trigger == POLICY_REACT && decided.desired_workers <= before) {
        decided.desired_workers = before;
        next = *state;
    }
    next.desired_workers = decided.desired_workers;
    *state = next;
    *decision = decided;
    return 0;
}

void policy_formula(const struct policy_sample *sample, const struct policy_params *params,
                    struct policy_state *state, struct policy_decision *decision)
{
    (void)state;
    decision->need_workers = (sample->backlog_msgs + sample->arrival_per_s * params->horizon_s) /
                             decision->capacity_msgs;
    decision->formula_workers = ceil(decision->need_workers);
    decision->smooth_per_s = sample->arrival_per_s;
    decision->reason = POLICY_FORMULA;
}
