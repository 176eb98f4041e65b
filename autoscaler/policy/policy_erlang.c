#include "policy_erlang.h"

#include "erlang.h"

#include <math.h>

const struct policy_param policy_erlang_params[ERLANG_PARAMS] = {
    [ERLANG_WAIT_S] = {.name = POLICY_WAIT,
                       .meaning = "how long an event may wait",
                       .least = POLICY_ABOVE_0,
                       .most = DBL_MAX,
                       .offset = POLICY_OWN_OFFSET(ERLANG_WAIT_S)},
    [ERLANG_EPSILON] = {.name = "epsilon",
                        .meaning = "the share of events that may wait longer",
                        .least = POLICY_ABOVE_0,
                        .most = POLICY_BELOW_1,
                        .offset = POLICY_OWN_OFFSET(ERLANG_EPSILON)},
    [ERLANG_THETA] = {.name = "theta",
                      .meaning = "how many times wait_s it takes to clear what is a backlog",
                      .least = POLICY_ABOVE_0,
                      .most = DBL_MAX,
                      .offset = POLICY_OWN_OFFSET(ERLANG_THETA)},
    [ERLANG_AVERAGE_S] = {.name = "average_s",
                          .meaning = "the time over which arrivals are averaged",
                          .least = POLICY_ABOVE_0,
                          .most = DBL_MAX,
                          .offset = POLICY_OWN_OFFSET(ERLANG_AVERAGE_S)},
    [ERLANG_Z] = {.name = "z",
                  .meaning = "how many standard deviations are a change of the rate",
                  .least = POLICY_ABOVE_0,
                  .most = DBL_MAX,
                  .offset = POLICY_OWN_OFFSET(ERLANG_Z)},
};

/* What is remembered: two averages of the arrival rate, each with how much of it is filled. */
enum { SLOW_PER_S, SLOW_WEIGHT, FAST_PER_S, FAST_WEIGHT };

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
static double smooth(const struct policy_sample *sample, const double *own, double *memory)
{
    double average_s = own[ERLANG_AVERAGE_S], fast_s = average_s / 10;

    average(&memory[SLOW_PER_S], &memory[SLOW_WEIGHT], sample->arrival_per_s, sample->interval_s,
            average_s);
    average(&memory[FAST_PER_S], &memory[FAST_WEIGHT], sample->arrival_per_s, sample->interval_s,
            fast_s);
    double deviation = sqrt(fmax(memory[SLOW_PER_S], 1 / fast_s) / (2 * fast_s));
    if (fabs(memory[FAST_PER_S] - memory[SLOW_PER_S]) > own[ERLANG_Z] * deviation) {
        memory[SLOW_PER_S] = memory[FAST_PER_S];
        memory[SLOW_WEIGHT] = memory[FAST_WEIGHT];
    }
    return memory[SLOW_PER_S];
}

void policy_erlang(const struct policy_sample *sample, const struct policy_params *params,
                   struct policy_state *state, struct policy_decision *decision)
{
    const double *own = params->own;
    double service_s = params->horizon_s / decision->capacity_msgs;
    /* Between ticks it is what has piled up that tells of a burst: a short count would take chance
     * for one. */
    double arrival_per_s = sample->trigger == POLICY_TICK ? smooth(sample, own, state->memory)
                                                          : state->memory[SLOW_PER_S];
    double workers = fmax(sample->workers, 1);
    /* Whoever takes long to serve may let wait a while. */
    double wait_s = fmax(own[ERLANG_WAIT_S], service_s / 2);
    double clear_s = sample->ready_msgs * service_s / workers;

    decision->smooth_per_s = arrival_per_s;
    decision->wait_workers = erlang_fewest(arrival_per_s, service_s, wait_s, own[ERLANG_EPSILON]);
    decision->drain_workers = sample->backlog_msgs > 0;
    if (clear_s > own[ERLANG_THETA] * wait_s)
        decision->drain_workers =
            ceil(fmin(arrival_per_s * service_s + sample->ready_msgs * service_s / wait_s,
                      sample->backlog_msgs));
    decision->need_workers = fmax(decision->wait_workers, decision->drain_workers);
    decision->formula_workers = decision->need_workers;
    decision->reason = decision->drain_workers > decision->wait_workers ? POLICY_ERLANG_DRAINS
                                                                        : POLICY_ERLANG_WAITS;
}
