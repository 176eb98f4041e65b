#include "autoscaler/policy/policy_erlang.h"

#include "autoscaler/policy/erlang.h"
#include "autoscaler/policy/policies.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static double uniform(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return ((double)(*random >> 11) + 0.5) * 0x1p-53;
}

static void assert_close(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-9 * expected))
        fail_msg("%.17g is not %.17g", value, expected);
}

static void erlang_c_is_as_tabulated(void **state)
{
    (void)state;
    /* One server: C = a. Two: C = a^2 / (2 + a). */
    assert_close(erlang_waits_longer(1, 0.5, 1, 0), 0.5);
    assert_close(erlang_waits_longer(2, 1, 1, 0), 1.0 / 3);
    assert_close(erlang_waits_longer(2, 1.5, 1, 0), 1.5 * 1.5 / 3.5);
    /* Ten servers at a load of seven, a textbook's example: 0.2217. */
    assert_true(fabs(erlang_waits_longer(10, 7, 1, 0) - 0.2217) < 5e-5);
    assert_close(erlang_waits_longer(2, 1, 1, 3), exp(-3) / 3);
    assert_true(erlang_waits_longer(3, 3, 1, 100) == 1);
    assert_true(erlang_waits_longer(0, 0, 1, 0) == 0);
    assert_true(erlang_waits_longer(0, 0.5, 1, 0) == 1);
}

/* The definition, in logarithms: a^c/c! / ((1 - a/c) sum a^k/k! + a^c/c!). */
static double by_definition(uint32_t servers, double load)
{
    double last = servers * log(load) - lgamma(servers + 1.0), sum = 0;

    for (uint32_t k = 0; k < servers; k++)
        sum += exp(k * log(load) - lgamma(k + 1.0) - last);
    return 1 / (1 + (1 - load / servers) * sum);
}

static void erlang_c_keeps_its_digits_up_to_a_thousand_servers(void **state)
{
    uint64_t random = 1;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        uint32_t servers = 1 + (uint32_t)(uniform(&random) * 1000);
        double load = servers * (0.3 + 0.699 * uniform(&random));
        double value = erlang_waits_longer(servers, load, 1, 0);
        double expected = by_definition(servers, load);
        if (!(fabs(value - expected) <= 1e-8 * expected))
            fail_msg("%u servers, load %g: %.17g, not %.17g", servers, load, value, expected);
    }
}

static void the_fewest_are_enough_and_one_less_is_not(void **state)
{
    uint64_t random = 3;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        double service_s = exp(uniform(&random) * 8 - 6), load = exp(uniform(&random) * 10 - 4);
        double wait_s = service_s * uniform(&random) * 4, epsilon = 0.001 + 0.9 * uniform(&random);
        uint32_t fewest = (uint32_t)erlang_fewest(load / service_s, service_s, wait_s, epsilon);
        assert_true(fewest >= 1);
        assert_true(erlang_waits_longer(fewest, load / service_s, service_s, wait_s) <=
                    epsilon * (1 + 1e-9));
        if (fewest > 1)
            assert_true(erlang_waits_longer(fewest - 1, load / service_s, service_s, wait_s) >
                        epsilon * (1 - 1e-9));
    }
    assert_true(erlang_fewest(0, 1, 1, 0.1) == 0);
}

static void more_arrivals_never_need_fewer(void **state)
{
    uint64_t random = 5;

    (void)state;
    for (int run = 0; run < 100; run++) {
        double service_s = exp(uniform(&random) * 8 - 6), wait_s = service_s * uniform(&random) * 3;
        double epsilon = 0.01 + 0.6 * uniform(&random), before = 0, load = 1e-3;
        while (load < 30000) {
            double now = erlang_fewest(load / service_s, service_s, wait_s, epsilon);
            assert_true(now >= before);
            before = now;
            load *= 1 + 0.3 * uniform(&random);
        }
    }
}

static void a_very_large_load_takes_one_worker_for_each_workers_load_more(void **state)
{
    double at_the_border = erlang_fewest(ERLANG_LARGE, 1, 0.5, 0.1);

    (void)state;
    assert_true(at_the_border > ERLANG_LARGE);
    assert_true(erlang_fewest(ERLANG_LARGE + 0.5, 1, 0.5, 0.1) == at_the_border + 1);
    assert_true(erlang_fewest(ERLANG_LARGE + 1, 1, 0.5, 0.1) == at_the_border + 1);
    assert_true(erlang_fewest(ERLANG_LARGE + 5000, 1, 0.5, 0.1) == at_the_border + 5000);
}

static const struct policy_params defaults = {.horizon_s = 2,
                                              .capacity_msgs = 1000,
                                              .max_workers = 32,
                                              .replicas = POLICY_NOT_FIXED,
                                              .total_allowed = POLICY_ALL_ALLOWED,
                                              .headroom = 1,
                                              .own = {[ERLANG_WAIT_S] = 0.2,
                                                      [ERLANG_EPSILON] = 0.25,
                                                      [ERLANG_THETA] = 1.2,
                                                      [ERLANG_AVERAGE_S] = 12,
                                                      [ERLANG_Z] = 2.5}};

/* A farm's steady state: so many events a second, and this backlog. */
static struct policy_decision settled(double arrival_per_s, double ready_msgs,
                                      const struct policy_params *params)
{
    const struct policy *erlang = policies_find("erlang");
    struct policy_decision decision = {0};
    struct policy_state state;
    struct policy_sample sample = {.arrival_per_s = arrival_per_s,
                                   .ready_msgs = ready_msgs,
                                   .backlog_msgs = ready_msgs,
                                   .interval_s = 0.5,
                                   .workers = 4};

    policy_start(&state, params);
    for (int i = 0; i < 3; i++, sample.time_s += 0.5)
        assert_int_equal(policy_decide(erlang, &sample, params, &state, &decision), 0);
    return decision;
}

static struct policy_params any_params(uint64_t *random)
{
    struct policy_params params = defaults;

    params.capacity_msgs = exp(uniform(random) * 10 - 2);
    params.max_workers = 1000;
    params.own[ERLANG_WAIT_S] = exp(uniform(random) * 6 - 4);
    return params;
}

static void more_to_do_never_means_fewer_workers(void **state)
{
    uint64_t random = 7;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        struct policy_params params = any_params(&random);
        double arrival = exp(uniform(&random) * 8), ready = exp(uniform(&random) * 12) - 1;
        uint32_t workers = settled(arrival, ready, &params).desired_workers;
        assert_true(settled(arrival * (1 + uniform(&random)), ready, &params).desired_workers >=
                    workers);
        assert_true(settled(arrival, ready + uniform(&random) * 1e4, &params).desired_workers >=
                    workers);
    }
}

static void the_scale_of_time_changes_nothing(void **state)
{
    uint64_t random = 9;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        struct policy_params params = any_params(&random), scaled;
        double arrival = exp(uniform(&random) * 8), k = exp2(floor(uniform(&random) * 20) - 10);
        const struct policy *erlang = policies_find("erlang");
        struct policy_sample sample = {
            .arrival_per_s = arrival, .ready_msgs = 3, .backlog_msgs = 5, .interval_s = 1};
        struct policy_decision one, other;
        struct policy_state first, second;

        /* k times the events a second, each taking a k-th of the time, in a k-th of the time. */
        scaled = params;
        scaled.horizon_s /= k;
        scaled.own[ERLANG_WAIT_S] /= k;
        scaled.own[ERLANG_AVERAGE_S] /= k;
        policy_start(&first, &params);
        policy_start(&second, &scaled);
        assert_int_equal(policy_decide(erlang, &sample, &params, &first, &one), 0);
        sample.arrival_per_s *= k;
        sample.interval_s /= k;
        assert_int_equal(policy_decide(erlang, &sample, &scaled, &second, &other), 0);
        assert_int_equal(one.desired_workers, other.desired_workers);
        assert_int_equal(one.reason, other.reason);
    }
}

static void chance_does_not_move_it_and_a_step_does(void **state)
{
    const struct policy *erlang = policies_find("erlang");
    struct policy_params params = defaults;
    struct policy_decision decision = {0};
    struct policy_state policy_state;
    struct policy_sample sample = {.interval_s = 0.5, .workers = 8};
    uint64_t random = 11;
    uint32_t before = 0;
    int changes = 0;

    (void)state;
    params.capacity_msgs = 20; /* 100 ms an event */
    policy_start(&policy_state, &params);
    for (int i = 0; i < 1200; i++, sample.time_s += 0.5) {
        double sum = 0;
        for (int k = 0; k < 12; k++)
            sum += uniform(&random);
        sample.arrival_per_s = fmax(0, round(25 + 5 * (sum - 6))) / 0.5; /* as Poisson's, of 50 */
        assert_int_equal(policy_decide(erlang, &sample, &params, &policy_state, &decision), 0);
        changes += i > 40 && decision.desired_workers != before;
        before = decision.desired_workers;
    }
    assert_in_range(decision.desired_workers, 6, 8);
    assert_int_equal(decision.reason, POLICY_ERLANG_WAITS);
    if (changes > 60)
        fail_msg("%d changes in ten minutes", changes);
    sample.arrival_per_s = 150;
    for (int i = 0; i < 12; i++, sample.time_s += 0.5)
        assert_int_equal(policy_decide(erlang, &sample, &params, &policy_state, &decision), 0);
    assert_in_range(decision.desired_workers, 15, 20);
}

static void a_backlog_is_drained_but_not_by_more_than_there_are_events(void **state)
{
    struct policy_params params = defaults;

    (void)state;
    params.capacity_msgs = 2; /* a second an event */
    params.max_workers = 1000;
    struct policy_decision decision = settled(0, 7, &params);
    assert_int_equal(decision.desired_workers, 7);
    assert_int_equal(decision.reason, POLICY_ERLANG_DRAINS);
    params.capacity_msgs = 200; /* 10 ms an event, so 400 take 20 workers 200 ms */
    assert_int_equal(settled(0, 400, &params).desired_workers, 20);
    assert_int_equal(settled(0, 0, &params).desired_workers, 0);
    assert_int_equal(settled(0, 1, &params).desired_workers, 1);
}

/* One decision about a second's events that take a second each, from the start. */
static struct policy_decision decide_at_once(const struct policy_sample *sample, double wait_s,
                                             double theta)
{
    struct policy_params params = defaults;
    struct policy_decision decision = {0};
    struct policy_state state;

    params.horizon_s = params.capacity_msgs = 1;
    params.max_workers = 1000;
    params.own[ERLANG_WAIT_S] = wait_s;
    params.own[ERLANG_THETA] = theta;
    policy_start(&state, &params);
    assert_int_equal(policy_decide(policies_find("erlang"), sample, &params, &state, &decision), 0);
    return decision;
}

static void an_event_may_wait_half_of_what_it_takes(void **state)
{
    struct policy_sample sample = {
        .arrival_per_s = 3, .interval_s = 1, .ready_msgs = 7, .backlog_msgs = 100, .workers = 1};

    (void)state;
    /* Three are busy with what arrives, and seven events are cleared in half a second by 14. */
    assert_true(decide_at_once(&sample, 0.2, 1).drain_workers == 3 + 14);
    assert_true(decide_at_once(&sample, 0.7, 1).drain_workers == 3 + 10);
    /* The fewest of which at most a quarter of the events waits longer, by the definition. */
    double fewest = decide_at_once(&sample, 0.2, 1).wait_workers;
    assert_true(by_definition((uint32_t)fewest, 3) * exp(-(fewest - 3) * 0.5) <= 0.25);
    assert_true(by_definition((uint32_t)fewest - 1, 3) * exp(-(fewest - 4) * 0.5) > 0.25);
}

static void what_is_ready_is_a_backlog_when_the_workers_take_too_long_for_it(void **state)
{
    struct policy_sample sample = {
        .interval_s = 1, .ready_msgs = 8, .backlog_msgs = 100, .workers = 8};

    (void)state;
    /* Eight workers take a second for them: as long as twice the half second, and no longer. */
    assert_true(decide_at_once(&sample, 0.5, 2).drain_workers == 1);
    assert_true(decide_at_once(&sample, 0.5, 1.99).drain_workers == 16);
    sample.workers = 7;
    assert_true(decide_at_once(&sample, 0.5, 2).drain_workers == 16);
    sample.workers = 0; /* counts as one */
    assert_true(decide_at_once(&sample, 0.5, 15.9).drain_workers == 16);
    assert_true(decide_at_once(&sample, 0.5, 16).drain_workers == 1);
}

static void the_reason_is_the_backlog_only_when_it_needs_more(void **state)
{
    struct policy_sample sample = {.interval_s = 1, .backlog_msgs = 1, .workers = 1};

    (void)state;
    assert_int_equal(decide_at_once(&sample, 1, 2).reason, POLICY_ERLANG_DRAINS);
    sample.arrival_per_s = 0.01;
    struct policy_decision decision = decide_at_once(&sample, 1, 2);
    assert_true(decision.wait_workers == 1 && decision.drain_workers == 1);
    assert_true(decision.need_workers == 1 && decision.formula_workers == 1);
    assert_int_equal(decision.reason, POLICY_ERLANG_WAITS);
}

/* The arrival rate that a policy reckons with, one sample after the other, 0.5 s apart. */
struct rates {
    struct policy_params params;
    struct policy_state state;
    struct policy_sample sample;
};

static void start_rates(struct rates *rates, double average_s, double z)
{
    *rates = (struct rates){.params = defaults, .sample = {.interval_s = 0.5, .workers = 1}};
    rates->params.own[ERLANG_AVERAGE_S] = average_s;
    rates->params.own[ERLANG_Z] = z;
    policy_start(&rates->state, &rates->params);
}

static double smooth(struct rates *rates, double arrival_per_s)
{
    struct policy_decision decision;

    rates->sample.arrival_per_s = arrival_per_s;
    assert_int_equal(policy_decide(policies_find("erlang"), &rates->sample, &rates->params,
                                   &rates->state, &decision),
                     0);
    rates->sample.time_s += 0.5;
    return decision.smooth_per_s;
}

/* Averages over 20 s and 2 s, of which one sample of 0.5 s is this share. */
#define OF_LONG  (1 - exp(-0.5 / 20))
#define OF_SHORT (1 - exp(-0.5 / 2))

static void the_rate_is_a_mean_that_weighs_the_near_more(void **state)
{
    struct rates rates;

    (void)state;
    start_rates(&rates, 20, 1e9);
    assert_close(smooth(&rates, 30), 30);
    /* Until it is filled, samples weigh as in the average, but together they are all there is. */
    double before = exp(-0.5 / 20);
    assert_close(smooth(&rates, 60), (30 * before + 60) / (before + 1));
    assert_close(smooth(&rates, 0),
                 (30 * before * before + 60 * before) / (before * before + before + 1));
}

static void a_sample_of_no_time_says_nothing_of_the_rate(void **state)
{
    struct rates rates;

    (void)state;
    start_rates(&rates, 20, 2.5);
    rates.sample.interval_s = 0;
    smooth(&rates, 1000);
    rates.sample.interval_s = 0.5;
    assert_close(smooth(&rates, 30), 30);
    rates.sample.interval_s = 0;
    assert_close(smooth(&rates, 1000), 30);
}

/* Both averages of the rate before are filled: one sample decides. */
static void the_rate_starts_anew_beyond_so_many_deviations_of_poisson_arrivals(void **state)
{
    static const struct {
        double before_per_s, variance_per_s; /* at least as of one event within the short average */
    } cases[] = {{100, 100}, {0, 0.5}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const double before_per_s = cases[i].before_per_s, z = 2.5;
        /* The short average, of 2 s, has the variance of the events of 4 s. The long one, from
         * which the variance is known, has its share of the sample too. */
        double more = 0;
        for (int step = 0; step < 50; step++)
            more = z * sqrt(fmax(before_per_s + OF_LONG * more, cases[i].variance_per_s) / 4) /
                   (OF_SHORT - OF_LONG);
        for (int beyond = 0; beyond < 2; beyond++) {
            struct rates rates;
            double sample_per_s = before_per_s + more * (beyond ? 1.001 : 0.999);

            start_rates(&rates, 20, z);
            for (int tick = 0; tick < 2000; tick++)
                smooth(&rates, before_per_s);
            assert_close(smooth(&rates, sample_per_s),
                         before_per_s +
                             (beyond ? OF_SHORT : OF_LONG) * (sample_per_s - before_per_s));
        }
    }
}

static void after_a_change_the_long_average_fills_anew(void **state)
{
    struct rates rates;

    (void)state;
    start_rates(&rates, 20, 1);
    smooth(&rates, 10);
    /* The short average alone remains, which the two samples fill so far. */
    double before = exp(-0.5 / 2), filled = 1 - before * before;
    double rate = (10 * before + 1000) / (before + 1);
    assert_close(smooth(&rates, 1000), rate);
    double weight = filled + OF_LONG * (1 - filled);
    assert_close(smooth(&rates, rate + 1), rate + OF_LONG / weight);
}

static void a_look_between_ticks_only_adds(void **state)
{
    const struct policy *names[] = {policies_find("formula"), policies_find("erlang")};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct policy_sample sample = {
            .backlog_msgs = 1000, .ready_msgs = 1000, .arrival_per_s = 500, .interval_s = 0.5};
        struct policy_decision decision;
        struct policy_state policy_state, before;

        policy_start(&policy_state, &defaults);
        assert_int_equal(policy_decide(names[i], &sample, &defaults, &policy_state, &decision), 0);
        uint32_t workers = decision.desired_workers;
        assert_true(workers > 1);
        before = policy_state;
        sample.trigger = POLICY_REACT;
        sample.backlog_msgs = sample.ready_msgs = 0;
        assert_int_equal(policy_decide(names[i], &sample, &defaults, &policy_state, &decision), 0);
        assert_int_equal(decision.desired_workers, workers);
        assert_memory_equal(&policy_state, &before, sizeof before);
        sample.backlog_msgs = sample.ready_msgs = 20000;
        assert_int_equal(policy_decide(names[i], &sample, &defaults, &policy_state, &decision), 0);
        assert_true(decision.desired_workers > workers);
        assert_int_equal(policy_state.desired_workers, decision.desired_workers);
    }
}

static void anything_has_a_defined_result(void **state)
{
    static const double odd[] = {0, 1e-300, 0.5, 3, 1e9, 1e300, INFINITY, NAN, -1, -INFINITY};
    enum { ODD = sizeof odd / sizeof odd[0] };
    const struct policy *names[] = {policies_find("formula"), policies_find("erlang")};
    uint64_t random = 13;

    (void)state;
    for (int i = 0; i < 50000; i++) {
        struct policy_params params = defaults;
        struct policy_decision decision;
        struct policy_state policy_state;
        policy_start(&policy_state, &params);
        if (uniform(&random) < 0.3)
            params.capacity_msgs = odd[(size_t)(uniform(&random) * ODD)];
        if (uniform(&random) < 0.2)
            params.headroom = odd[(size_t)(uniform(&random) * ODD)];
        if (uniform(&random) < 0.2)
            params.step_up = odd[(size_t)(uniform(&random) * ODD)];
        for (int tick = 0; tick < 4; tick++) {
            struct policy_sample sample = {
                .backlog_msgs = odd[(size_t)(uniform(&random) * ODD)],
                .arrival_per_s = odd[(size_t)(uniform(&random) * ODD)],
                .ready_msgs = odd[(size_t)(uniform(&random) * ODD)],
                .capacity_msgs = odd[(size_t)(uniform(&random) * ODD)],
                .useful_workers = odd[(size_t)(uniform(&random) * ODD)],
                .time_s = tick,
                .interval_s = odd[(size_t)(uniform(&random) * 6)],
                .workers = (uint32_t)(uniform(&random) * 40),
                .trigger = uniform(&random) < 0.2 ? POLICY_REACT : POLICY_TICK,
            };
            if (policy_decide(names[i % 2], &sample, &params, &policy_state, &decision) == 0)
                assert_in_range(decision.desired_workers, params.min_workers, params.max_workers);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(erlang_c_is_as_tabulated),
        cmocka_unit_test(erlang_c_keeps_its_digits_up_to_a_thousand_servers),
        cmocka_unit_test(the_fewest_are_enough_and_one_less_is_not),
        cmocka_unit_test(more_arrivals_never_need_fewer),
        cmocka_unit_test(a_very_large_load_takes_one_worker_for_each_workers_load_more),
        cmocka_unit_test(more_to_do_never_means_fewer_workers),
        cmocka_unit_test(the_scale_of_time_changes_nothing),
        cmocka_unit_test(chance_does_not_move_it_and_a_step_does),
        cmocka_unit_test(a_backlog_is_drained_but_not_by_more_than_there_are_events),
        cmocka_unit_test(an_event_may_wait_half_of_what_it_takes),
        cmocka_unit_test(what_is_ready_is_a_backlog_when_the_workers_take_too_long_for_it),
        cmocka_unit_test(the_reason_is_the_backlog_only_when_it_needs_more),
        cmocka_unit_test(the_rate_is_a_mean_that_weighs_the_near_more),
        cmocka_unit_test(a_sample_of_no_time_says_nothing_of_the_rate),
        cmocka_unit_test(the_rate_starts_anew_beyond_so_many_deviations_of_poisson_arrivals),
        cmocka_unit_test(after_a_change_the_long_average_fills_anew),
        cmocka_unit_test(a_look_between_ticks_only_adds),
        cmocka_unit_test(anything_has_a_defined_result),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
