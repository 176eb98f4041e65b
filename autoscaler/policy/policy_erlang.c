#include "policy_erlang.h"

#include <math.h>

/* Erlang B after one more server. */
static double erlang_b(double before, double servers, double load)
{
    return load * before / (servers + load * before);
}

static double waits_longer(double b, double servers, double load, double service_s, double wait_s)
{
    if (servers <= load)
        return 1;
    double waits = b * servers / (servers - load * (1 - b)); /* Erlang C */
    return waits * exp(-(servers - load) * wait_s / service_s);
}

double erlang_waits_longer(uint32_t workers, double arrival_per_s, double service_s, double wait_s)
{
    double load = arrival_per_s * service_s, b = 1;

    if (workers <= load)
        return load > 0 ? 1 : 0;
    for (uint32_t k = 1; k <= workers; k++)
        b = erlang_b(b, k, load);
    return waits_longer(b, workers, load, service_s, wait_s);
}

double erlang_fewest(double arrival_per_s, double service_s, double wait_s, double epsilon)
{
    double load = arrival_per_s * service_s, b = 1, servers = 0, beyond = 0;

    if (!(load > 0))
        return 0;
    if (load > ERLANG_LARGE) {
        beyond = ceil(load - ERLANG_LARGE);
        load = ERLANG_LARGE;
    }
    do
        b = erlang_b(b, ++servers, load);
    while (waits_longer(b, servers, load, service_s, wait_s) > epsilon);
    return servers + beyond;
}

/* An average over the last seconds that weighs the near more, and is a plain mean until it is
 * filled. */
static void average(double *per_s, double *weight, double sample_per_s, double interval_s,
                    double average_s)
{
    double fresh = -expm1(-interval_s / average_s);

    *weight += fresh * (1 - *weight);
    *per_s += *weight > 0 ? fresh / *weight * (sample_per_s - *per_s) : 0;
}

/* The long average, which starts anew from the short one when the rate has changed. */
static double smooth(const struct policy_sample *sample, const struct policy_params *params,
                     struct policy_state *state)
{
    double fast_s = params->average_s / 10;

    average(&state->slow_per_s, &state->slow_weight, sample->arrival_per_s, sample->interval_s,
            params->average_s);
    average(&state->fast_per_s, &state->fast_weight, sample->arrival_per_s, sample->interval_s,
            fast_s);
    double deviation = sqrt(fmax(state->slow_per_s, 1 / fast_s) / (2 * fast_s));
    if (fabs(state->fast_per_s - state->slow_per_s) > params->z * deviation) {
        state->slow_per_s = state->fast_per_s;
        state->slow_weight = state->fast_weight;
    }
    return state->slow_per_s;
}

void policy_erlang(const struct policy_sample *sample, const struct policy_params *params,
                   struct policy_state *state, struct policy_decision *decision)
{
    double service_s = params->horizon_s / decision->capacity_msgs;
    /* Between ticks it is what has piled up that tells of a burst: a short count would take chance
     * for one. */
    double arrival_per_s =
        sample->trigger == POLICY_TICK ? smooth(sample, params, state) : state->slow_per_s;
    double workers = fmax(sample->workers, 1);
    /* Whoever takes long to serve may let wait a while. */
    double wait_s = fmax(params->wait_s, service_s / 2);
    double clear_s = sample->ready_msgs * service_s / workers;

    decision->smooth_per_s = arrival_per_s;
    decision->wait_workers = erlang_fewest(arrival_per_s, service_s, wait_s, params->epsilon);
    decision->drain_workers = sample->backlog_msgs > 0;
    if (clear_s > params->theta * wait_s)
        decision->drain_workers =
            ceil(fmin(arrival_per_s * service_s + sample->ready_msgs * service_s / wait_s,
                      sample->backlog_msgs));
    decision->need_workers = fmax(decision->wait_workers, decision->drain_workers);
    decision->formula_workers = decision->need_workers;
    decision->reason = decision->drain_workers > decision->wait_workers ? POLICY_ERLANG_DRAINS
                                                                        : POLICY_ERLANG_WAITS;
}
