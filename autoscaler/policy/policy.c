#include "policy.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* ---- parameters ---- */

const struct policy_param *policy_param_at(const struct policy *policy, size_t index)
{
    size_t common;
    const struct policy_param *list = policy_params_common(&common);

    if (index < common)
        return &list[index];
    return index - common < policy->own_count ? &policy->own[index - common] : NULL;
}

const struct policy_param *policy_param_find(const struct policy *policy, const char *name)
{
    const struct policy_param *param;

    for (size_t i = 0; (param = policy_param_at(policy, i)); i++)
        if (strcmp(param->name, name) == 0)
            return param;
    return NULL;
}

void policy_tune(const struct policy *policy, struct policy_params *params)
{
    if (isnan(params->scale_down_delay_s))
        params->scale_down_delay_s = policy->scale_down_delay_s;
    for (size_t i = 0; i < policy->own_count; i++)
        params->own[i] = policy->usual[i];
}

void policy_tune_like(const struct policy *other, const struct policy *own,
                      const struct policy_params *params, struct policy_params *theirs)
{
    static const char *const asked_for[] = {POLICY_WAIT, POLICY_FEW_STARTS};

    *theirs = *params;
    theirs->paused = 0;
    theirs->replicas = POLICY_NOT_FIXED;
    theirs->total_allowed = POLICY_ALL_ALLOWED;
    if (theirs->scale_down_delay_s == own->scale_down_delay_s)
        theirs->scale_down_delay_s = POLICY_UNSET;
    policy_tune(other, theirs);
    for (size_t i = 0; i < sizeof asked_for / sizeof asked_for[0]; i++) {
        const struct policy_param *from = policy_param_find(own, asked_for[i]);
        const struct policy_param *to = policy_param_find(other, asked_for[i]);
        if (from && to)
            policy_params_set(to, theirs, policy_params_get(from, params));
    }
}

int policy_check(const struct policy *policy, const struct policy_params *params)
{
    const struct policy_param *param;

    for (size_t i = 0; (param = policy_param_at(policy, i)); i++)
        if (!policy_params_allow(param, policy_params_get(param, params)))
            return -ERR_INVALID;
    return params->min_workers <= params->max_workers ? 0 : -ERR_INVALID;
}

/* ---- reasons ---- */

static const char *const reason_texts[POLICY_REASONS] = {
    [POLICY_FORMULA] = "formula",
    [POLICY_BACKLOG_ONLY] = "backlog only",
    [POLICY_ERLANG_WAITS] = "erlang: keeps waits short",
    [POLICY_ERLANG_DRAINS] = "erlang: drains the backlog",
    [POLICY_ERLANG_HOLDS] = "erlang: keeps what was needed lately",
    [POLICY_STARTING] = "starting workers: none of them goes",
    [POLICY_MIN] = "min",
    [POLICY_MAX] = "max",
    [POLICY_HEADROOM] = "headroom",
    [POLICY_DELAYED_DOWN] = "scale-down delay",
    [POLICY_STEP_UP] = "step up",
    [POLICY_STEP_DOWN] = "step down",
    [POLICY_SATURATED] = "saturated: more workers do not help",
    [POLICY_SILENT] = "silent workers: fewer only slowly",
    [POLICY_TOTAL] = "total-max",
    [POLICY_LEARNING] = "learning: capacity unknown",
    [POLICY_HELD_ARRIVAL] = "held: arrival rate unknown",
    [POLICY_HELD_BACKLOG] = "held: backlog unknown",
    [POLICY_HELD_BLOCKED] = "held: workers blocked by the broker",
    [POLICY_PAUSED] = "paused",
    [POLICY_FIXED] = "fixed",
};

const char *policy_reason_text(enum policy_reason reason)
{
    return reason_texts[reason];
}

/* ---- the stages ---- */

/* NAN is unknown, and in range. */
static bool sample_in_range(const struct policy_sample *sample)
{
    return !(sample->backlog_msgs < 0) && !(sample->arrival_per_s < 0) &&
           !(sample->ready_msgs < 0) && !(sample->most_ready_msgs < 0) &&
           !(sample->capacity_msgs < 0) && !(sample->startup_s < 0) && !isinf(sample->startup_s) &&
           sample->starting_workers <= sample->workers && !(sample->useful_workers < 0) &&
           isfinite(sample->time_s) && isfinite(sample->interval_s) && sample->interval_s >= 0;
}

static bool total_binds(const struct policy_params *params)
{
    return params->total_allowed >= 0 && params->total_allowed < params->max_workers;
}

static uint32_t most_workers(const struct policy_params *params)
{
    return total_binds(params) ? (uint32_t)params->total_allowed : params->max_workers;
}

static uint32_t clamp(uint32_t workers, const struct policy_params *params)
{
    uint32_t most = most_workers(params);

    if (workers < params->min_workers)
        workers = params->min_workers;
    return workers > most ? most : workers;
}

/* Whether something keeps the policy from being asked; then *reason says what. */
static bool must_hold(const struct policy *policy, const struct policy_sample *sample,
                      enum policy_reason *reason)
{
    if (isnan(sample->arrival_per_s) && (!sample->backlog_only || policy->needs_arrival))
        *reason = POLICY_HELD_ARRIVAL;
    else if (isnan(sample->backlog_msgs) || (policy->needs_ready_msgs && isnan(sample->ready_msgs)))
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
    if (sample->backlog_msgs <= 0 && !(sample->arrival_per_s > 0))
        return 0;
    return state->desired_workers ? state->desired_workers : 1;
}

double policy_startup_s(const struct policy_sample *sample, const struct policy_params *params)
{
    if (params->startup_s >= 0)
        return params->startup_s;
    return isnan(sample->startup_s) ? POLICY_STARTUP_GUESS_S : sample->startup_s;
}

/* A worker that is starting has cost its time already and is of use soon, so fewer means fewer of
 * those that run. */
static uint32_t spare_starting(uint32_t wanted, const struct policy_sample *sample,
                               struct policy_decision *decided)
{
    uint32_t running = sample->workers - sample->starting_workers;

    if (wanted >= sample->workers || !sample->starting_workers)
        return wanted;
    decided->reason = POLICY_STARTING;
    return sample->starting_workers + (running < wanted ? running : wanted);
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
    if (wanted > most_workers(params)) {
        wanted = most_workers(params);
        decided->reason = POLICY_TOTAL;
    }
    if (sample->useful_workers > 0 && wanted > sample->useful_workers &&
        wanted > params->min_workers) {
        wanted = fmax(floor(sample->useful_workers), params->min_workers);
        decided->reason = POLICY_SATURATED;
    }
    return (uint32_t)wanted;
}

/* What silent workers hold is unknown, which is not nothing. So there is one fewer at a time, and
 * only after the queue was found empty at every look for the whole delay: the events that are still
 * in hand then have been so long. */
static uint32_t fewer_silent(uint32_t wanted, const struct policy_sample *sample,
                             const struct policy_params *params, const struct policy_state *state,
                             struct steadiness_limits *limits)
{
    bool empty = sample->most_ready_msgs <= 0;

    limits->delay_s = params->silent_delay_s;
    limits->step_down = 1;
    return !empty && wanted < state->desired_workers ? state->desired_workers : wanted;
}

/* From that to the number that the workers move to now. */
static uint32_t steady(uint32_t wanted, const struct policy_sample *sample,
                       const struct policy_params *params, struct policy_state *state,
                       struct policy_decision *decided)
{
    static const enum policy_reason reasons[] = {[STEADINESS_DELAY] = POLICY_DELAYED_DOWN,
                                                 [STEADINESS_STEP_UP] = POLICY_STEP_UP,
                                                 [STEADINESS_STEP_DOWN] = POLICY_STEP_DOWN};
    struct steadiness_limits limits = {.delay_s = params->scale_down_delay_s,
                                       .step_up = params->step_up,
                                       .step_down = params->step_down};
    uint32_t allowed = wanted;
    enum steadiness_bound bound;

    if (sample->silent_workers)
        allowed = fewer_silent(wanted, sample, params, state, &limits);
    uint32_t workers = steadiness_apply(&state->steadiness, &limits, state->desired_workers,
                                        allowed, sample->time_s, &bound);
    if (sample->silent_workers && workers > wanted)
        decided->reason = POLICY_SILENT;
    else if (bound != STEADINESS_NONE)
        decided->reason = reasons[bound];
    return workers;
}

/* ---- deciding ---- */

void policy_start(struct policy_state *state, const struct policy_params *params)
{
    uint32_t inherited = (uint32_t)params->inherited_workers;

    *state = inherited ? (struct policy_state){.desired_workers = inherited}
                       : (struct policy_state){
                             .desired_workers = clamp(params->min_workers, params), .fresh = true};
}

void policy_inherit(struct policy_state *state, struct policy_params *params, uint32_t workers)
{
    params->inherited_workers = clamp(workers, params);
    policy_start(state, params);
}

/* The state with the numbers within the limits, which may be others than at the last decision. */
static struct policy_state within_limits(const struct policy_state *state,
                                         const struct policy_params *params)
{
    struct policy_state within = *state;

    within.desired_workers =
        clamp(state->fresh ? params->min_workers : state->desired_workers, params);
    within.steadiness.fewer_most = clamp(state->steadiness.fewer_most, params);
    return within;
}

/* What the policy makes of the sample, or why it is not asked. */
static void ask(const struct policy *policy, const struct policy_sample *sample,
                const struct policy_params *params, struct policy_state *state,
                struct policy_decision *decided)
{
    if (must_hold(policy, sample, &decided->reason)) {
        state->steadiness.fewer = false;
        decided->desired_workers = state->desired_workers;
    } else if (isnan(decided->capacity_msgs)) {
        decided->reason = POLICY_LEARNING;
        decided->desired_workers = clamp(learn(sample, state), params);
        if (sample->silent_workers)
            decided->desired_workers =
                steady(decided->desired_workers, sample, params, state, decided);
    } else {
        policy->need(sample, params, state, decided);
        uint32_t wanted = limit(sample, params, decided);
        if (policy->spares_starting)
            wanted = clamp(spare_starting(wanted, sample, decided), params);
        decided->desired_workers = steady(wanted, sample, params, state, decided);
    }
}

/* A person's word. */
static void obey(const struct policy_params *params, struct policy_state *state,
                 struct policy_decision *decided)
{
    if (params->replicas >= 0) {
        decided->desired_workers = clamp((uint32_t)params->replicas, params);
        decided->reason = POLICY_FIXED;
    } else if (params->paused > 0) {
        decided->desired_workers = state->desired_workers;
        decided->reason = POLICY_PAUSED;
    } else {
        return;
    }
    state->steadiness.fewer = false;
}

/* Between ticks the policy's number may only rise. */
static bool may_react(const struct policy_decision *decided, uint32_t before)
{
    return decided->reason == POLICY_FIXED ? decided->desired_workers != before
                                           : decided->desired_workers > before;
}

/* Whether the number would be greater if other farms left more: that stood, or a person said. */
static bool total_took(const struct policy_params *params, const struct policy_state *state,
                       const struct policy_decision *decided)
{
    bool fixed = decided->reason == POLICY_FIXED;
    double before = state->fresh ? params->min_workers : state->desired_workers;
    double without = fixed ? params->replicas : before;

    return total_binds(params) && decided->desired_workers == most_workers(params) &&
           (fixed || decided->reason >= POLICY_LEARNING || decided->reason == POLICY_MAX ||
            decided->reason == POLICY_MIN) &&
           without > decided->desired_workers;
}

int policy_decide(const struct policy *policy, const struct policy_sample *sample,
                  const struct policy_params *params, struct policy_state *state,
                  struct policy_decision *decision)
{
    if (policy_check(policy, params) || !sample_in_range(sample))
        return -ERR_INVALID;

    struct policy_state next = within_limits(state, params);
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
    ask(policy, sample, params, &next, &decided);
    obey(params, &next, &decided);
    next.fresh = false;
    bool stays = sample->trigger == POLICY_REACT && !may_react(&decided, before);
    if (stays) {
        decided.desired_workers = before;
        next = *state;
    }
    /* The policy's number is not taken, and the one before is what the limits have made of it. */
    bool moved = state->fresh || before != state->desired_workers;
    if (stays && moved && decided.reason < POLICY_LEARNING)
        decided.reason = before == params->min_workers ? POLICY_MIN : POLICY_MAX;
    if (total_took(params, state, &decided))
        decided.reason = POLICY_TOTAL;
    next.desired_workers = decided.desired_workers;
    *state = next;
    *decision = decided;
    return 0;
}
