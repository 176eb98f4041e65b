/* policy_command_test.c - what a person's word makes of a decision, and limits that change between
 * decisions. */
#include "autoscaler/policy/policies.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* With C = 1, T = 1 the formula's number is the backlog. */
static const struct policy_params plain = {.horizon_s = 1,
                                           .capacity_msgs = 1,
                                           .max_workers = 100,
                                           .headroom = 1,
                                           .replicas = POLICY_NOT_FIXED,
                                           .total_allowed = POLICY_ALL_ALLOWED};

struct farm {
    struct policy_params params;
    struct policy_state state;
    struct policy_decision decision;
    double time_s;
};

static struct farm start(uint32_t workers)
{
    struct farm farm = {.params = plain, .state = {.desired_workers = workers}};

    return farm;
}

static void decide_from(struct farm *farm, struct policy_sample sample)
{
    sample.time_s = farm->time_s += 1;
    assert_int_equal(policy_decide(policies_find("formula"), &sample, &farm->params, &farm->state,
                                   &farm->decision),
                     0);
    assert_int_equal(farm->state.desired_workers, farm->decision.desired_workers);
}

static void decide(struct farm *farm, double backlog_msgs)
{
    decide_from(farm, (struct policy_sample){.backlog_msgs = backlog_msgs});
}

static void react(struct farm *farm, double backlog_msgs)
{
    decide_from(farm,
                (struct policy_sample){.backlog_msgs = backlog_msgs, .trigger = POLICY_REACT});
}

static void assert_decided(const struct farm *farm, uint32_t workers, enum policy_reason reason)
{
    assert_int_equal(farm->decision.desired_workers, workers);
    assert_int_equal(farm->decision.reason, reason);
}

static void a_paused_farm_keeps_its_number_and_says_what_it_needs(void **state)
{
    struct farm farm = start(5);

    (void)state;
    farm.params.paused = 1;
    for (double backlog_msgs = 0; backlog_msgs <= 200; backlog_msgs += 50) {
        decide(&farm, backlog_msgs);
        assert_decided(&farm, 5, POLICY_PAUSED);
        assert_true(farm.decision.formula_workers == backlog_msgs);
        assert_true(farm.decision.need_workers == backlog_msgs);
        react(&farm, backlog_msgs);
        assert_decided(&farm, 5, POLICY_PAUSED);
    }
    farm.params.paused = 0;
    decide(&farm, 40);
    assert_decided(&farm, 40, POLICY_FORMULA);
}

static void a_paused_farm_stays_within_limits_that_move(void **state)
{
    struct farm farm = start(5);

    (void)state;
    farm.params.paused = 1;
    farm.params.max_workers = 3;
    react(&farm, 50);
    assert_decided(&farm, 3, POLICY_PAUSED);
    farm.params.max_workers = 100;
    farm.params.min_workers = 7;
    decide(&farm, 0);
    assert_decided(&farm, 7, POLICY_PAUSED);
    farm.params.min_workers = 0;
    decide(&farm, 0);
    assert_decided(&farm, 7, POLICY_PAUSED);
}

static void a_fixed_number_is_taken_at_the_next_decision_of_either_kind(void **state)
{
    struct farm farm = start(5);

    (void)state;
    farm.params.step_up = farm.params.step_down = 1;
    farm.params.scale_down_delay_s = 1000;
    farm.params.replicas = 9;
    decide(&farm, 2);
    assert_decided(&farm, 9, POLICY_FIXED);
    assert_true(farm.decision.formula_workers == 2);
    farm.params.replicas = 0;
    react(&farm, 2);
    assert_decided(&farm, 0, POLICY_FIXED);
    farm.params.replicas = 4;
    react(&farm, 50);
    assert_decided(&farm, 4, POLICY_FIXED);
    farm.params.replicas = POLICY_NOT_FIXED;
    decide(&farm, 50);
    assert_decided(&farm, 5, POLICY_STEP_UP);
}

static void a_fixed_number_is_within_the_limits(void **state)
{
    struct farm farm = start(5);

    (void)state;
    farm.params.replicas = 1000;
    decide(&farm, 2);
    assert_decided(&farm, 100, POLICY_FIXED);
    farm.params.replicas = 0;
    farm.params.min_workers = 3;
    decide(&farm, 2);
    assert_decided(&farm, 3, POLICY_FIXED);
}

static void a_fixed_number_goes_before_a_pause_which_holds_it_afterwards(void **state)
{
    struct farm farm = start(5);

    (void)state;
    farm.params.paused = 1;
    farm.params.replicas = 8;
    decide(&farm, 2);
    assert_decided(&farm, 8, POLICY_FIXED);
    farm.params.replicas = POLICY_NOT_FIXED;
    decide(&farm, 2);
    assert_decided(&farm, 8, POLICY_PAUSED);
}

/* Neither what is unknown nor what is blocked, learnt or silent. */
static void nothing_stands_in_the_way_of_a_persons_word(void **state)
{
    static const struct policy_sample samples[] = {
        {.backlog_msgs = NAN},
        {.arrival_per_s = NAN},
        {.backlog_msgs = 50, .blocked = true},
        {.backlog_msgs = 50, .useful_workers = 2},
        {.silent_workers = 5, .workers = 5, .most_ready_msgs = 7},
    };

    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        for (int learning = 0; learning <= 1; learning++) {
            struct farm farm = start(5);
            farm.params.capacity_msgs = learning ? POLICY_CAPACITY_AUTO : 1;
            farm.params.paused = 1;
            decide_from(&farm, samples[i]);
            assert_decided(&farm, 5, POLICY_PAUSED);
            assert_true(i > 2 && !learning ? farm.decision.formula_workers >= 0
                                           : isnan(farm.decision.formula_workers));
            for (double fixed = 3; fixed <= 9; fixed += 6) {
                farm.params.replicas = fixed;
                decide_from(&farm, samples[i]);
                assert_decided(&farm, (uint32_t)fixed, POLICY_FIXED);
            }
        }
}

/* So that nobody who lets go finds that the workers leave at once. */
static void the_delay_begins_anew_when_the_number_is_the_policys_again(void **state)
{
    struct farm farm = start(5);

    (void)state;
    farm.params.scale_down_delay_s = 3;
    farm.params.paused = 1;
    for (int i = 0; i < 10; i++)
        decide(&farm, 1);
    farm.params.paused = 0;
    for (int i = 0; i < 3; i++) {
        decide(&farm, 1);
        assert_decided(&farm, 5, POLICY_DELAYED_DOWN);
    }
    decide(&farm, 1);
    assert_decided(&farm, 1, POLICY_FORMULA);
}

/* The smoothed rate is another after ten paused seconds than after none. */
static void a_paused_policy_goes_on_remembering(void **state)
{
    const struct policy *erlang = policies_find("erlang");
    struct policy_params params = plain;
    struct policy_sample sample = {.interval_s = 1, .arrival_per_s = 10};
    struct policy_state once, paused;
    struct policy_decision decision, later;

    (void)state;
    policy_tune(erlang, &params);
    policy_start(&once, &params);
    assert_int_equal(policy_decide(erlang, &sample, &params, &once, &decision), 0);
    paused = once;
    sample.arrival_per_s = 90;
    params.paused = 1;
    for (int i = 0; i < 10; i++) {
        sample.time_s += 1;
        assert_int_equal(policy_decide(erlang, &sample, &params, &paused, &later), 0);
        assert_int_equal(later.desired_workers, decision.desired_workers);
    }
    assert_true(later.smooth_per_s > decision.smooth_per_s + 10);
    params.paused = 0;
    assert_int_equal(policy_decide(erlang, &sample, &params, &paused, &later), 0);
    assert_int_equal(policy_decide(erlang, &sample, &params, &once, &decision), 0);
    assert_true(later.smooth_per_s > decision.smooth_per_s + 10);
}

static void a_limit_that_moves_between_ticks_is_the_reason(void **state)
{
    struct farm farm = start(8);

    (void)state;
    farm.params.max_workers = 4;
    react(&farm, 2);
    assert_decided(&farm, 4, POLICY_MAX);
    react(&farm, 2);
    assert_decided(&farm, 4, POLICY_FORMULA);
    farm.params.min_workers = 3;
    farm.params.max_workers = 30;
    decide(&farm, 2);
    assert_decided(&farm, 3, POLICY_MIN);
    farm.params.min_workers = 6;
    react(&farm, 2);
    assert_decided(&farm, 6, POLICY_MIN);
}

/* A history's first row is all that tells of the limits at the start. */
static void before_the_first_decision_there_are_as_many_as_the_least(void **state)
{
    struct farm farm = {.params = plain};

    (void)state;
    farm.params.min_workers = 5;
    policy_start(&farm.state, &farm.params);
    assert_int_equal(farm.state.desired_workers, 5);
    farm.params.min_workers = 2;
    farm.params.paused = 1;
    react(&farm, 9);
    assert_decided(&farm, 2, POLICY_PAUSED);
    farm.params.min_workers = 3;
    decide(&farm, 9);
    assert_decided(&farm, 3, POLICY_PAUSED);
    farm.params.min_workers = 1;
    decide(&farm, 9);
    assert_decided(&farm, 3, POLICY_PAUSED);
}

static void what_others_leave_goes_before_all_and_is_the_reason(void **state)
{
    struct farm farm = start(8);

    (void)state;
    farm.params.min_workers = 2;
    farm.params.total_allowed = 5;
    decide(&farm, 9);
    assert_decided(&farm, 5, POLICY_TOTAL);
    decide(&farm, 5);
    assert_decided(&farm, 5, POLICY_FORMULA);
    decide(&farm, 1);
    assert_decided(&farm, 2, POLICY_MIN);
    farm.params.total_allowed = 1;
    decide(&farm, 9);
    assert_decided(&farm, 1, POLICY_TOTAL);
    farm.params.total_allowed = 7;
    farm.params.replicas = 9;
    decide(&farm, 1);
    assert_decided(&farm, 7, POLICY_TOTAL);
    farm.params.replicas = POLICY_NOT_FIXED;
    farm.params.paused = 1;
    farm.params.total_allowed = 3;
    react(&farm, 1);
    assert_decided(&farm, 3, POLICY_TOTAL);
    react(&farm, 1);
    assert_decided(&farm, 3, POLICY_PAUSED);
    farm.params.paused = 0;
    farm.params.total_allowed = 2;
    decide_from(&farm, (struct policy_sample){.backlog_msgs = NAN});
    assert_decided(&farm, 2, POLICY_TOTAL);
}

/* What another leader decided stands, as what this one decided would: for a person who paused the
 * farm, for what is unknown, for steps and delays, and within the limits of now. */
static void who_takes_over_goes_on_from_the_number_of_before(void **state)
{
    static const struct policy_sample unknown = {.backlog_msgs = NAN}, idle = {.backlog_msgs = 2};
    static const struct {
        double paused, step_down, delay_s;
        uint32_t min_workers, max_workers; /* at the decision */
        const struct policy_sample *sample;
        uint32_t workers;
        enum policy_reason reason;
    } cases[] = {
        {1, 0, 0, 0, 100, &idle, 8, POLICY_PAUSED},
        {1, 0, 0, 0, 5, &idle, 5, POLICY_PAUSED},
        {1, 0, 0, 9, 100, &idle, 9, POLICY_PAUSED},
        {0, 0, 0, 0, 100, &unknown, 8, POLICY_HELD_BACKLOG},
        {0, 1, 0, 0, 100, &idle, 7, POLICY_STEP_DOWN},
        {0, 0, 60, 0, 100, &idle, 8, POLICY_DELAYED_DOWN},
        {0, 0, 0, 0, 100, &idle, 2, POLICY_FORMULA},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct farm farm = {.params = plain};
        farm.params.paused = cases[i].paused;
        farm.params.step_down = cases[i].step_down;
        farm.params.scale_down_delay_s = cases[i].delay_s;
        policy_inherit(&farm.state, &farm.params, 8);
        assert_int_equal(farm.state.desired_workers, 8);
        farm.params.min_workers = cases[i].min_workers;
        farm.params.max_workers = cases[i].max_workers;
        decide_from(&farm, *cases[i].sample);
        assert_decided(&farm, cases[i].workers, cases[i].reason);
    }
}

static void more_than_may_be_are_not_inherited(void **state)
{
    struct farm farm = {.params = plain};

    (void)state;
    farm.params.max_workers = 5;
    farm.params.paused = 1;
    policy_inherit(&farm.state, &farm.params, 8);
    assert_int_equal(farm.state.desired_workers, 5);
    farm.params.max_workers = 100;
    react(&farm, 2);
    assert_decided(&farm, 5, POLICY_PAUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_paused_farm_keeps_its_number_and_says_what_it_needs),
        cmocka_unit_test(a_paused_farm_stays_within_limits_that_move),
        cmocka_unit_test(a_fixed_number_is_taken_at_the_next_decision_of_either_kind),
        cmocka_unit_test(a_fixed_number_is_within_the_limits),
        cmocka_unit_test(a_fixed_number_goes_before_a_pause_which_holds_it_afterwards),
        cmocka_unit_test(nothing_stands_in_the_way_of_a_persons_word),
        cmocka_unit_test(the_delay_begins_anew_when_the_number_is_the_policys_again),
        cmocka_unit_test(a_paused_policy_goes_on_remembering),
        cmocka_unit_test(a_limit_that_moves_between_ticks_is_the_reason),
        cmocka_unit_test(what_others_leave_goes_before_all_and_is_the_reason),
        cmocka_unit_test(before_the_first_decision_there_are_as_many_as_the_least),
        cmocka_unit_test(who_takes_over_goes_on_from_the_number_of_before),
        cmocka_unit_test(more_than_may_be_are_not_inherited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
