#include "autoscaler/policy/policies.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* One worker clears one event, so the backlog is the number asked for. */
static const struct policy_params plain = {.horizon_s = 1,
                                           .capacity_msgs = 1,
                                           .max_workers = 100,
                                           .headroom = 1,
                                           .replicas = POLICY_NOT_FIXED,
                                           .total_allowed = POLICY_ALL_ALLOWED};

static void assert_next(struct policy_state *state, const struct policy_params *params,
                        double time_s, double wanted, uint32_t desired, enum policy_reason reason)
{
    struct policy_sample sample = {.backlog_msgs = wanted, .time_s = time_s};
    struct policy_decision decision;

    assert_int_equal(policy_decide(policies_find("formula"), &sample, params, state, &decision), 0);
    assert_int_equal(decision.desired_workers, desired);
    assert_int_equal(decision.reason, reason);
}

static void fewer_come_only_after_the_delay_and_as_many_as_it_needed(void **test_state)
{
    struct policy_params params = plain;
    struct policy_state state;

    (void)test_state;
    params.scale_down_delay_s = 10;
    policy_start(&state, &params);
    assert_next(&state, &params, 0, 20, 20, POLICY_FORMULA);
    assert_next(&state, &params, 2, 5, 20, POLICY_DELAYED_DOWN);
    assert_next(&state, &params, 6, 9, 20, POLICY_DELAYED_DOWN);
    assert_next(&state, &params, 11.9, 0, 20, POLICY_DELAYED_DOWN);
    assert_next(&state, &params, 12, 3, 9, POLICY_DELAYED_DOWN);
    /* What is still too many is delayed anew. */
    assert_next(&state, &params, 13, 3, 9, POLICY_DELAYED_DOWN);
    assert_next(&state, &params, 14, 30, 30, POLICY_FORMULA);
    assert_next(&state, &params, 16, 0, 30, POLICY_DELAYED_DOWN);
    assert_next(&state, &params, 25, 30, 30, POLICY_FORMULA);
    assert_next(&state, &params, 27, 0, 30, POLICY_DELAYED_DOWN);
    assert_next(&state, &params, 37, 0, 0, POLICY_FORMULA);
}

static void a_decision_takes_no_more_than_a_step(void **test_state)
{
    struct policy_params params = plain;
    struct policy_state state;

    (void)test_state;
    params.step_up = 4;
    params.step_down = 3;
    policy_start(&state, &params);
    assert_next(&state, &params, 0, 10, 4, POLICY_STEP_UP);
    assert_next(&state, &params, 1, 10, 8, POLICY_STEP_UP);
    assert_next(&state, &params, 2, 10, 10, POLICY_FORMULA);
    assert_next(&state, &params, 3, 0, 7, POLICY_STEP_DOWN);
    assert_next(&state, &params, 4, 4, 4, POLICY_FORMULA);
}

static void steps_go_on_when_the_delay_is_served(void **test_state)
{
    struct policy_params params = plain;
    struct policy_state state;

    (void)test_state;
    params.scale_down_delay_s = 5;
    params.step_down = 2;
    policy_start(&state, &params);
    assert_next(&state, &params, 0, 6, 6, POLICY_FORMULA);
    assert_next(&state, &params, 1, 0, 6, POLICY_DELAYED_DOWN);
    assert_next(&state, &params, 6, 0, 4, POLICY_STEP_DOWN);
    assert_next(&state, &params, 7, 0, 2, POLICY_STEP_DOWN);
    assert_next(&state, &params, 8, 0, 0, POLICY_FORMULA);
}

/* The same of a farm some of whose workers tell nothing; found: the most that was ready at any look
 * since the tick before. */
static void assert_silent(struct policy_state *state, const struct policy_params *params,
                          double time_s, double wanted, double found, uint32_t desired,
                          enum policy_reason reason)
{
    struct policy_sample sample = {
        .backlog_msgs = wanted, .most_ready_msgs = found, .time_s = time_s, .silent_workers = 1};
    struct policy_decision decision;

    assert_int_equal(policy_decide(policies_find("formula"), &sample, params, state, &decision), 0);
    assert_int_equal(decision.desired_workers, desired);
    assert_int_equal(decision.reason, reason);
}

static void silent_workers_go_one_by_one_after_the_queue_was_empty_for_long(void **test_state)
{
    struct policy_params params = plain;
    struct policy_state state;

    (void)test_state;
    params.silent_delay_s = 30;
    policy_start(&state, &params);
    assert_silent(&state, &params, 0, 20, 20, 20, POLICY_FORMULA);
    assert_silent(&state, &params, 2, 0, 1, 20, POLICY_SILENT);
    assert_silent(&state, &params, 4, 0, 0, 20, POLICY_SILENT);
    /* One look that found an event, and the time begins again. */
    assert_silent(&state, &params, 33, 0, 1, 20, POLICY_SILENT);
    assert_silent(&state, &params, 35, 0, 0, 20, POLICY_SILENT);
    assert_silent(&state, &params, 64.9, 0, 0, 20, POLICY_SILENT);
    assert_silent(&state, &params, 65, 0, 0, 19, POLICY_SILENT);
    assert_silent(&state, &params, 67, 0, 0, 18, POLICY_SILENT);
    assert_silent(&state, &params, 69, 17, 0, 17, POLICY_FORMULA);
    /* So it does when nobody could look. */
    assert_silent(&state, &params, 71, 0, 0, 17, POLICY_SILENT);
    assert_silent(&state, &params, 100, 0, NAN, 17, POLICY_SILENT);
    assert_silent(&state, &params, 102, 0, 0, 17, POLICY_SILENT);
    /* More are started as ever. */
    assert_silent(&state, &params, 104, 90, 90, 90, POLICY_FORMULA);
}

static void without_a_delay_silent_workers_still_go_one_by_one(void **test_state)
{
    struct policy_params params = plain;
    struct policy_state state;

    (void)test_state;
    params.step_down = 5;
    policy_start(&state, &params);
    assert_silent(&state, &params, 0, 9, 9, 9, POLICY_FORMULA);
    assert_silent(&state, &params, 1, 2, 2, 9, POLICY_SILENT);
    assert_silent(&state, &params, 2, 2, 0, 8, POLICY_SILENT);
    assert_silent(&state, &params, 3, 2, 0, 7, POLICY_SILENT);
    /* When all tell they go as they otherwise do. */
    assert_next(&state, &params, 4, 1, 2, POLICY_STEP_DOWN);
}

static void while_the_capacity_is_unknown_silent_workers_stay_too(void **test_state)
{
    struct policy_params params = plain;
    struct policy_state state;

    (void)test_state;
    params.capacity_msgs = POLICY_CAPACITY_AUTO;
    params.silent_delay_s = 30;
    policy_start(&state, &params);
    assert_silent(&state, &params, 0, 1, 1, 1, POLICY_LEARNING);
    assert_silent(&state, &params, 1, 0, 0, 1, POLICY_SILENT);
    assert_silent(&state, &params, 31, 0, 0, 0, POLICY_LEARNING);
}

static void headroom_multiplies_the_need_before_it_is_rounded(void **test_state)
{
    struct policy_params params = plain;
    struct policy_state state;

    (void)test_state;
    params.headroom = 1.5;
    policy_start(&state, &params);
    assert_next(&state, &params, 0, 0, 0, POLICY_FORMULA);
    assert_next(&state, &params, 1, 0.5, 1, POLICY_FORMULA);
    assert_next(&state, &params, 2, 1, 2, POLICY_HEADROOM);
    assert_next(&state, &params, 3, 4, 6, POLICY_HEADROOM);
    assert_next(&state, &params, 4, 90, 100, POLICY_MAX);
}

static void more_than_useful_are_not_started(void **test_state)
{
    struct policy_sample sample = {.backlog_msgs = 50, .useful_workers = 6};
    struct policy_params params = plain;
    struct policy_decision decision;
    struct policy_state state;

    (void)test_state;
    policy_start(&state, &params);
    for (params.min_workers = 0; params.min_workers <= 8; params.min_workers += 8) {
        assert_int_equal(
            policy_decide(policies_find("formula"), &sample, &params, &state, &decision), 0);
        assert_int_equal(decision.desired_workers, params.min_workers ? 8 : 6);
        assert_int_equal(decision.reason, POLICY_SATURATED);
        assert_true(decision.formula_workers == 50);
    }
    /* As many as are useful are no fewer than were asked for. */
    params.min_workers = 0;
    sample.backlog_msgs = 6;
    assert_int_equal(policy_decide(policies_find("formula"), &sample, &params, &state, &decision),
                     0);
    assert_int_equal(decision.desired_workers, 6);
    assert_int_equal(decision.reason, POLICY_FORMULA);
}

static void a_look_between_ticks_begins_no_delay(void **test_state)
{
    struct policy_params params = plain;
    struct policy_sample sample = {.time_s = 1, .trigger = POLICY_REACT};
    struct policy_decision decision;
    struct policy_state state, before;

    (void)test_state;
    params.scale_down_delay_s = 10;
    policy_start(&state, &params);
    assert_next(&state, &params, 0, 20, 20, POLICY_FORMULA);
    before = state;
    assert_int_equal(policy_decide(policies_find("formula"), &sample, &params, &state, &decision),
                     0);
    assert_int_equal(decision.desired_workers, 20);
    assert_memory_equal(&state, &before, sizeof before);
}

static void while_capacity_is_unknown_one_worker_finds_out(void **test_state)
{
    struct policy_sample sample = {.capacity_msgs = NAN};
    struct policy_params params = plain;
    struct policy_decision decision;
    struct policy_state state;

    (void)test_state;
    params.capacity_msgs = POLICY_CAPACITY_AUTO;
    policy_start(&state, &params);
    for (int i = 0; i < 4; i++) {
        sample.backlog_msgs = i % 2 ? 1000 : 0;
        assert_int_equal(
            policy_decide(policies_find("formula"), &sample, &params, &state, &decision), 0);
        assert_int_equal(decision.desired_workers, i % 2);
        assert_int_equal(decision.reason, POLICY_LEARNING);
        assert_true(isnan(decision.formula_workers));
    }
    sample.capacity_msgs = 100;
    assert_int_equal(policy_decide(policies_find("formula"), &sample, &params, &state, &decision),
                     0);
    assert_int_equal(decision.desired_workers, 10);
    assert_true(decision.capacity_msgs == 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fewer_come_only_after_the_delay_and_as_many_as_it_needed),
        cmocka_unit_test(a_decision_takes_no_more_than_a_step),
        cmocka_unit_test(steps_go_on_when_the_delay_is_served),
        cmocka_unit_test(silent_workers_go_one_by_one_after_the_queue_was_empty_for_long),
        cmocka_unit_test(without_a_delay_silent_workers_still_go_one_by_one),
        cmocka_unit_test(while_the_capacity_is_unknown_silent_workers_stay_too),
        cmocka_unit_test(headroom_multiplies_the_need_before_it_is_rounded),
        cmocka_unit_test(more_than_useful_are_not_started),
        cmocka_unit_test(a_look_between_ticks_begins_no_delay),
        cmocka_unit_test(while_capacity_is_unknown_one_worker_finds_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
