#include "autoscaler/policy/policies.h"
#include "autoscaler/policy/policy_formula.h"
#include "csv/history_format.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static double uniform(uint64_t *state)
{
    return (double)(next_random(state) >> 11) * 0x1p-53;
}

/* Spread over many orders of magnitude, and 0 now and then. */
static double any_amount(uint64_t *state)
{
    return next_random(state) % 16 == 0 ? 0 : exp2(uniform(state) * 60 - 20);
}

static const struct policy_params mission = POLICY_DEFAULT_PARAMS;

static struct policy_params limits(double horizon_s, double capacity_msgs, uint32_t min_workers,
                                   uint32_t max_workers)
{
    struct policy_params params = mission;

    params.horizon_s = horizon_s;
    params.capacity_msgs = capacity_msgs;
    params.min_workers = min_workers;
    params.max_workers = max_workers;
    return params;
}

static int decide_by_formula(const struct policy_sample *sample, const struct policy_params *params,
                             struct policy_state *state, struct policy_decision *decision)
{
    return policy_decide(policies_find("formula"), sample, params, state, decision);
}

/* What is decided from the start. */
static struct policy_decision decide(double backlog_msgs, double arrival_per_s,
                                     const struct policy_params *params)
{
    struct policy_sample sample = {.backlog_msgs = backlog_msgs, .arrival_per_s = arrival_per_s};
    struct policy_decision decision;
    struct policy_state state;

    policy_start(&state, params);
    assert_int_equal(decide_by_formula(&sample, params, &state, &decision), 0);
    assert_int_equal(state.desired_workers, decision.desired_workers);
    return decision;
}

static void assert_decision(struct policy_decision decision, double formula, uint32_t desired,
                            enum policy_reason reason)
{
    if (isnan(formula))
        assert_true(isnan(decision.formula_workers));
    else
        assert_true(decision.formula_workers == formula);
    assert_int_equal(decision.desired_workers, desired);
    assert_int_equal(decision.reason, reason);
}

static void the_defaults_are_the_missions_constants(void **state)
{
    (void)state;
    assert_true(mission.horizon_s == 2);
    assert_true(mission.capacity_msgs == 1000);
    assert_int_equal(mission.min_workers, 0);
    assert_int_equal(mission.max_workers, 32);
}

static void policies_are_found_by_name(void **state)
{
    const struct policy *policy = policies_find("formula");

    (void)state;
    assert_non_null(policy);
    assert_string_equal(policy->name, "formula");
    assert_ptr_equal(policy->need, policy_formula);
    assert_null(policies_find("nope"));
    assert_null(policies_find(""));
    assert_null(policies_find("formul"));
    assert_null(policies_find("formulae"));
}

static void exact_multiples_need_no_further_worker(void **state)
{
    (void)state;
    assert_decision(decide(0, 0, &mission), 0, 0, POLICY_FORMULA);
    for (uint32_t n = 1; n <= 32; n++) {
        assert_decision(decide(1000.0 * n, 0, &mission), n, n, POLICY_FORMULA);
        assert_decision(decide(0, 500.0 * n, &mission), n, n, POLICY_FORMULA);
        assert_decision(decide(1000.0 * n - 500, 250, &mission), n, n, POLICY_FORMULA);
    }
}

static void just_above_a_multiple_needs_one_more(void **state)
{
    (void)state;
    assert_decision(decide(1, 0, &mission), 1, 1, POLICY_FORMULA);
    assert_decision(decide(0, DBL_MIN, &mission), 1, 1, POLICY_FORMULA);
    for (uint32_t n = 1; n < 32; n++) {
        assert_decision(decide(1000.0 * n + 1, 0, &mission), n + 1, n + 1, POLICY_FORMULA);
        assert_decision(decide(1000.0 * n - 1, 0, &mission), n, n, POLICY_FORMULA);
        assert_decision(decide(0, nextafter(500.0 * n, INFINITY), &mission), n + 1, n + 1,
                        POLICY_FORMULA);
        assert_decision(decide(0, nextafter(500.0 * n, 0), &mission), n, n, POLICY_FORMULA);
    }
}

static void the_rate_is_per_second_and_counts_for_the_whole_horizon(void **state)
{
    struct policy_params params = mission;

    (void)state;
    assert_decision(decide(0, 1000, &params), 2, 2, POLICY_FORMULA);
    params.horizon_s = 5;
    assert_decision(decide(0, 1000, &params), 5, 5, POLICY_FORMULA);
    params.horizon_s = 0.5;
    assert_decision(decide(0, 1000, &params), 1, 1, POLICY_FORMULA);
    assert_decision(decide(501, 1000, &params), 2, 2, POLICY_FORMULA);
}

static void a_decision_is_clamped_and_says_by_what(void **state)
{
    struct policy_params params = mission;

    (void)state;
    params.min_workers = 2;
    params.max_workers = 5;
    assert_decision(decide(0, 0, &params), 0, 2, POLICY_MIN);
    assert_decision(decide(1000, 0, &params), 1, 2, POLICY_MIN);
    assert_decision(decide(2000, 0, &params), 2, 2, POLICY_FORMULA);
    assert_decision(decide(5000, 0, &params), 5, 5, POLICY_FORMULA);
    assert_decision(decide(5001, 0, &params), 6, 5, POLICY_MAX);
    params.min_workers = params.max_workers = 3;
    assert_decision(decide(2000, 0, &params), 2, 3, POLICY_MIN);
    assert_decision(decide(3000, 0, &params), 3, 3, POLICY_FORMULA);
    assert_decision(decide(4000, 0, &params), 4, 3, POLICY_MAX);
    params.min_workers = params.max_workers = 0;
    assert_decision(decide(0, 0, &params), 0, 0, POLICY_FORMULA);
    assert_decision(decide(1, 0, &params), 1, 0, POLICY_MAX);
}

static void the_start_is_the_least_number(void **state)
{
    struct policy_params params = mission;
    struct policy_state policy_state = {.desired_workers = 99};

    (void)state;
    params.min_workers = 7;
    policy_start(&policy_state, &params);
    assert_int_equal(policy_state.desired_workers, 7);
}

static void assert_held(const struct policy_sample *sample, enum policy_reason reason)
{
    struct policy_params params = mission;
    struct policy_decision decision;
    struct policy_state state = {.desired_workers = 9};

    assert_int_equal(decide_by_formula(sample, &params, &state, &decision), 0);
    assert_decision(decision, NAN, 9, reason);
    assert_int_equal(state.desired_workers, 9);
    params.min_workers = 11;
    assert_int_equal(decide_by_formula(sample, &params, &state, &decision), 0);
    assert_decision(decision, NAN, 11, reason);
    state.desired_workers = 99;
    assert_int_equal(decide_by_formula(sample, &params, &state, &decision), 0);
    assert_decision(decision, NAN, 32, reason);
    assert_int_equal(state.desired_workers, 32);
}

static void what_is_unknown_holds_the_number_decided_before(void **state)
{
    (void)state;
    assert_held(&(struct policy_sample){.backlog_msgs = NAN, .arrival_per_s = 5, .blocked = false},
                POLICY_HELD_BACKLOG);
    assert_held(&(struct policy_sample){.backlog_msgs = 5, .arrival_per_s = NAN, .blocked = false},
                POLICY_HELD_ARRIVAL);
    assert_held(
        &(struct policy_sample){.backlog_msgs = NAN, .arrival_per_s = NAN, .blocked = false},
        POLICY_HELD_ARRIVAL);
    assert_held(&(struct policy_sample){.backlog_msgs = -NAN, .arrival_per_s = 0, .blocked = false},
                POLICY_HELD_BACKLOG);
    assert_held(
        &(struct policy_sample){.backlog_msgs = NAN, .arrival_per_s = INFINITY, .blocked = false},
        POLICY_HELD_BACKLOG);
}

static void blocked_workers_hold_the_number_decided_before(void **state)
{
    (void)state;
    assert_held(&(struct policy_sample){.backlog_msgs = 0, .arrival_per_s = 0, .blocked = true},
                POLICY_HELD_BLOCKED);
    assert_held(&(struct policy_sample){.backlog_msgs = 1e9, .arrival_per_s = 1e9, .blocked = true},
                POLICY_HELD_BLOCKED);
    assert_held(&(struct policy_sample){.backlog_msgs = 1e9, .arrival_per_s = NAN, .blocked = true},
                POLICY_HELD_ARRIVAL);
}

static void after_a_hold_the_formula_decides_again(void **state)
{
    struct policy_decision decision;
    struct policy_state policy_state;
    struct policy_sample sample = {.backlog_msgs = 4000, .arrival_per_s = 500};

    (void)state;
    policy_start(&policy_state, &mission);
    assert_int_equal(decide_by_formula(&sample, &mission, &policy_state, &decision), 0);
    assert_decision(decision, 5, 5, POLICY_FORMULA);
    sample.arrival_per_s = NAN;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(decide_by_formula(&sample, &mission, &policy_state, &decision), 0);
        assert_decision(decision, NAN, 5, POLICY_HELD_ARRIVAL);
    }
    sample = (struct policy_sample){.backlog_msgs = 0, .arrival_per_s = 0};
    assert_int_equal(decide_by_formula(&sample, &mission, &policy_state, &decision), 0);
    assert_decision(decision, 0, 0, POLICY_FORMULA);
}

static void where_nothing_counts_arrivals_the_backlog_decides(void **state)
{
    struct policy_params params = limits(2, 100, 1, 10);
    struct policy_sample sample = {
        .backlog_msgs = 250, .arrival_per_s = NAN, .backlog_only = true, .startup_s = NAN};
    struct policy_decision decision;
    struct policy_state remembered = {.desired_workers = 5};

    (void)state;
    assert_int_equal(decide_by_formula(&sample, &params, &remembered, &decision), 0);
    assert_int_equal(decision.desired_workers, 3);
    assert_int_equal(decision.reason, POLICY_BACKLOG_ONLY);
    assert_true(isnan(decision.smooth_per_s));
    sample.backlog_msgs = 0;
    assert_int_equal(decide_by_formula(&sample, &params, &remembered, &decision), 0);
    assert_int_equal(decision.desired_workers, 1);
    assert_int_equal(decision.reason, POLICY_MIN);
    /* Where something does, an unknown rate is unknown. */
    sample.backlog_only = false;
    assert_int_equal(decide_by_formula(&sample, &params, &remembered, &decision), 0);
    assert_int_equal(decision.reason, POLICY_HELD_ARRIVAL);
    /* While C is learnt, what cannot be counted needs no worker. */
    params.capacity_msgs = POLICY_CAPACITY_AUTO;
    params.min_workers = 0;
    sample.backlog_only = true;
    assert_int_equal(decide_by_formula(&sample, &params, &remembered, &decision), 0);
    assert_int_equal(decision.desired_workers, 0);
    assert_int_equal(decision.reason, POLICY_LEARNING);
}

static void a_policy_of_arrivals_holds_without_them(void **state)
{
    const struct policy *erlang = policies_find("erlang");
    struct policy_params params = limits(2, 100, 1, 10);
    struct policy_sample sample = {
        .backlog_msgs = 250, .arrival_per_s = NAN, .backlog_only = true, .startup_s = NAN};
    struct policy_decision decision;
    struct policy_state remembered = {.desired_workers = 5};

    (void)state;
    policy_tune(erlang, &params);
    assert_int_equal(policy_decide(erlang, &sample, &params, &remembered, &decision), 0);
    assert_int_equal(decision.desired_workers, 5);
    assert_int_equal(decision.reason, POLICY_HELD_ARRIVAL);
}

static void every_reason_has_words_and_a_hold_is_told_apart(void **state)
{
    static const char *const texts[] = {
        [POLICY_FORMULA] = "formula",
        [POLICY_MIN] = "min",
        [POLICY_MAX] = "max",
        [POLICY_ERLANG_WAITS] = "erlang: keeps waits short",
        [POLICY_ERLANG_DRAINS] = "erlang: drains the backlog",
        [POLICY_ERLANG_HOLDS] = "erlang: keeps what was needed lately",
        [POLICY_STARTING] = "starting workers: none of them goes",
        [POLICY_HEADROOM] = "headroom",
        [POLICY_DELAYED_DOWN] = "scale-down delay",
        [POLICY_STEP_UP] = "step up",
        [POLICY_STEP_DOWN] = "step down",
        [POLICY_SATURATED] = "saturated: more workers do not help",
        [POLICY_SILENT] = "silent workers: fewer only slowly",
        [POLICY_BACKLOG_ONLY] = "backlog only",
        [POLICY_TOTAL] = "total-max",
        [POLICY_LEARNING] = "learning: capacity unknown",
        [POLICY_HELD_ARRIVAL] = "held: arrival rate unknown",
        [POLICY_HELD_BACKLOG] = "held: backlog unknown",
        [POLICY_HELD_BLOCKED] = "held: workers blocked by the broker",
        [POLICY_PAUSED] = "paused",
        [POLICY_FIXED] = "fixed",
    };

    (void)state;
    for (size_t i = 0; i < POLICY_REASONS; i++) {
        enum policy_reason reason = (enum policy_reason)i;
        assert_string_equal(policy_reason_text(reason), texts[i]);
        assert_int_equal(history_format_held(&(struct history_row){.reason = texts[i]}),
                         reason >= POLICY_HELD_ARRIVAL);
    }
}

static void assert_invalid(double backlog_msgs, double arrival_per_s, struct policy_params params)
{
    struct policy_sample sample = {.backlog_msgs = backlog_msgs, .arrival_per_s = arrival_per_s};
    struct policy_decision decision, before;
    struct policy_state state = {.desired_workers = 4};

    memset(&decision, 0x5a, sizeof decision);
    memcpy(&before, &decision, sizeof before);
    assert_int_equal(decide_by_formula(&sample, &params, &state, &decision), -ERR_INVALID);
    assert_memory_equal(&decision, &before, sizeof before);
    assert_int_equal(state.desired_workers, 4);
}

static void invalid_inputs_are_refused_and_change_nothing(void **state)
{
    static const double bad[] = {-1, -DBL_MIN, NAN, INFINITY, -INFINITY};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct policy_params params = mission;
        params.horizon_s = bad[i];
        assert_invalid(1, 1, params);
        params = mission;
        params.capacity_msgs = bad[i];
        assert_invalid(1, 1, params);
        assert_invalid(NAN, NAN, params);
    }
    assert_invalid(1, 1, limits(2, 1000, 5, 4));
    assert_invalid(1, 1, limits(2, 1000, UINT32_MAX, 0));
    assert_invalid(-1, 1, mission);
    assert_invalid(1, -1, mission);
    assert_invalid(-DBL_TRUE_MIN, 1, mission);
    assert_invalid(-INFINITY, 1, mission);
    assert_invalid(1, -INFINITY, mission);
    assert_invalid(-1, NAN, mission);
    assert_invalid(NAN, -1, mission);
}

static void huge_numbers_have_defined_results(void **state)
{
    const struct policy_params all = limits(2, 1000, 0, UINT32_MAX);
    const struct policy_params tiny = limits(DBL_TRUE_MIN, DBL_TRUE_MIN, 1, 8);
    const struct policy_params vast = limits(DBL_MAX, DBL_MAX, 0, 8);

    (void)state;
    assert_decision(decide(INFINITY, 0, &mission), INFINITY, 32, POLICY_MAX);
    assert_decision(decide(0, INFINITY, &mission), INFINITY, 32, POLICY_MAX);
    assert_decision(decide(INFINITY, INFINITY, &all), INFINITY, UINT32_MAX, POLICY_MAX);
    assert_decision(decide(DBL_MAX, DBL_MAX, &all), INFINITY, UINT32_MAX, POLICY_MAX);
    assert_decision(decide(1000.0 * UINT32_MAX, 0, &all), UINT32_MAX, UINT32_MAX, POLICY_FORMULA);
    assert_decision(decide(1000.0 * UINT32_MAX + 1, 0, &all), 0x1p32, UINT32_MAX, POLICY_MAX);
    assert_decision(decide(1, 0, &tiny), INFINITY, 8, POLICY_MAX);
    assert_decision(decide(0, 0, &tiny), 0, 1, POLICY_MIN);
    assert_decision(decide(0, 1, &tiny), 1, 1, POLICY_FORMULA);
    assert_decision(decide(DBL_MAX, 0, &vast), 1, 1, POLICY_FORMULA);
    assert_decision(decide(0, 2, &vast), INFINITY, 8, POLICY_MAX);
}

static struct policy_params any_params(uint64_t *random)
{
    uint32_t max_workers = (uint32_t)(next_random(random) % 1001);

    double horizon_s = exp2(uniform(random) * 20 - 10);
    double capacity_msgs = exp2(uniform(random) * 30 - 5);

    return limits(horizon_s, capacity_msgs, (uint32_t)(next_random(random) % (max_workers + 1)),
                  max_workers);
}

static void a_decision_is_the_clamped_formula(void **state)
{
    uint64_t random = 3;
    size_t of[3] = {0};

    (void)state;
    for (int i = 0; i < 200000; i++) {
        struct policy_params params = any_params(&random);
        double backlog = any_amount(&random), arrival = any_amount(&random);
        struct policy_decision decision = decide(backlog, arrival, &params);
        double needed = ceil((backlog + arrival * params.horizon_s) / params.capacity_msgs);
        double clamped = fmin(fmax(needed, params.min_workers), params.max_workers);

        assert_true(decision.formula_workers == needed);
        assert_true((double)decision.desired_workers == clamped);
        assert_int_equal(decision.reason, needed < clamped   ? POLICY_MIN
                                          : needed > clamped ? POLICY_MAX
                                                             : POLICY_FORMULA);
        of[decision.reason]++;
    }
    for (size_t i = 0; i < 3; i++)
        assert_true(of[i] > 1000);
}

static void more_to_do_never_means_fewer_workers(void **state)
{
    uint64_t random = 5;
    int rose = 0;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        struct policy_params params = any_params(&random);
        double backlog = any_amount(&random), arrival = any_amount(&random);
        double more = next_random(&random) % 4 ? any_amount(&random) : 0;
        bool of_backlog = next_random(&random) % 2;
        double greater = of_backlog ? backlog + more : arrival + more;

        if (next_random(&random) % 8 == 0)
            greater = nextafter(of_backlog ? backlog : arrival, INFINITY);
        struct policy_decision before = decide(backlog, arrival, &params);
        struct policy_decision after =
            decide(of_backlog ? greater : backlog, of_backlog ? arrival : greater, &params);
        assert_true(after.formula_workers >= before.formula_workers);
        assert_true(after.desired_workers >= before.desired_workers);
        rose += after.desired_workers > before.desired_workers;
    }
    assert_true(rose > 1000);
}

static void the_same_scale_for_load_and_capacity_changes_nothing(void **state)
{
    uint64_t random = 7;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        struct policy_params params = any_params(&random), scaled = params;
        double backlog = any_amount(&random), arrival = any_amount(&random);
        double k = exp2((double)(next_random(&random) % 401) - 200);

        scaled.capacity_msgs *= k;
        struct policy_decision before = decide(backlog, arrival, &params);
        struct policy_decision after = decide(backlog * k, arrival * k, &scaled);
        assert_true(after.formula_workers == before.formula_workers);
        assert_int_equal(after.desired_workers, before.desired_workers);
        assert_int_equal(after.reason, before.reason);
    }
}

static double any_measurement(uint64_t *random)
{
    return next_random(random) % 8 == 0 ? (double)NAN : any_amount(random);
}

static bool same(const struct policy_decision *a, const struct policy_decision *b)
{
    return a->desired_workers == b->desired_workers && a->reason == b->reason &&
           memcmp(&a->formula_workers, &b->formula_workers, sizeof a->formula_workers) == 0;
}

static void the_same_inputs_give_the_same_decisions(void **state)
{
    enum { RUNS = 200, TICKS = 100 };
    static struct policy_decision decisions[TICKS];
    uint64_t random = 11;

    (void)state;
    for (int run = 0; run < RUNS; run++) {
        struct policy_params params = any_params(&random);
        uint64_t seed = next_random(&random);
        for (int pass = 0; pass < 2; pass++) {
            struct policy_state policy_state;
            uint64_t inputs = seed;

            policy_start(&policy_state, &params);
            for (int tick = 0; tick < TICKS; tick++) {
                struct policy_sample sample = {.backlog_msgs = any_measurement(&inputs),
                                               .arrival_per_s = any_measurement(&inputs),
                                               .blocked = next_random(&inputs) % 16 == 0};
                struct policy_decision decision;

                assert_int_equal(decide_by_formula(&sample, &params, &policy_state, &decision), 0);
                assert_in_range(decision.desired_workers, params.min_workers, params.max_workers);
                if (pass == 0)
                    decisions[tick] = decision;
                else
                    assert_true(same(&decision, &decisions[tick]));
            }
        }
    }
}

/* As in the history of an autoscaler that was started again with other options. */
static void limits_that_change_hold_at_once(void **state)
{
    struct policy_state policy_state;
    uint64_t random = 12;

    (void)state;
    policy_start(&policy_state, &mission);
    for (int tick = 0; tick < 100000; tick++) {
        struct policy_params params = any_params(&random);
        struct policy_sample sample = {.backlog_msgs = any_measurement(&random),
                                       .arrival_per_s = any_measurement(&random),
                                       .time_s = tick,
                                       .trigger =
                                           next_random(&random) % 2 ? POLICY_REACT : POLICY_TICK};
        struct policy_decision decision;

        params.scale_down_delay_s = (double)(next_random(&random) % 4);
        params.step_up = (double)(next_random(&random) % 3);
        params.step_down = (double)(next_random(&random) % 3);
        assert_int_equal(decide_by_formula(&sample, &params, &policy_state, &decision), 0);
        assert_in_range(decision.desired_workers, params.min_workers, params.max_workers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_the_missions_constants),
        cmocka_unit_test(policies_are_found_by_name),
        cmocka_unit_test(exact_multiples_need_no_further_worker),
        cmocka_unit_test(just_above_a_multiple_needs_one_more),
        cmocka_unit_test(the_rate_is_per_second_and_counts_for_the_whole_horizon),
        cmocka_unit_test(a_decision_is_clamped_and_says_by_what),
        cmocka_unit_test(the_start_is_the_least_number),
        cmocka_unit_test(what_is_unknown_holds_the_number_decided_before),
        cmocka_unit_test(blocked_workers_hold_the_number_decided_before),
        cmocka_unit_test(after_a_hold_the_formula_decides_again),
        cmocka_unit_test(where_nothing_counts_arrivals_the_backlog_decides),
        cmocka_unit_test(a_policy_of_arrivals_holds_without_them),
        cmocka_unit_test(every_reason_has_words_and_a_hold_is_told_apart),
        cmocka_unit_test(invalid_inputs_are_refused_and_change_nothing),
        cmocka_unit_test(huge_numbers_have_defined_results),
        cmocka_unit_test(a_decision_is_the_clamped_formula),
        cmocka_unit_test(more_to_do_never_means_fewer_workers),
        cmocka_unit_test(the_same_scale_for_load_and_capacity_changes_nothing),
        cmocka_unit_test(the_same_inputs_give_the_same_decisions),
        cmocka_unit_test(limits_that_change_hold_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
