#include "autoscaler/policy/policy_history.h"

#include "autoscaler/policy/measurement.h"
#include "autoscaler/policy/policies.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct policy_params defaults = POLICY_DEFAULT_PARAMS;

/* ---- measurements ---- */

static const struct measurement measured = {
    .trigger = POLICY_REACT,
    .time_s = 7,
    .interval_s = 2,
    .arrival_per_s = 30,
    .ready_msgs = 100,
    .in_flight_msgs = 20,
    .draining_in_flight_msgs = 5,
    .service_s = 0.25,
    .useful_workers = 6,
    .starting_workers = 2,
    .running_workers = 3,
    .telling_workers = 2,
    .blocked_workers = 1,
    .most_ready_msgs = 110,
    .silent_workers = 1,
    .startup_s = 3,
};

static void a_sample_is_what_was_measured_less_what_draining_workers_hold(void **state)
{
    struct policy_sample sample = measurement_sample(&measured, &defaults);

    (void)state;
    assert_int_equal(sample.trigger, POLICY_REACT);
    assert_true(sample.time_s == 7 && sample.interval_s == 2);
    assert_true(sample.arrival_per_s == 30 && sample.ready_msgs == 100);
    assert_true(sample.backlog_msgs == 115);
    assert_true(sample.capacity_msgs == 8);
    assert_true(sample.useful_workers == 6);
    assert_int_equal(sample.workers, 5);
    assert_int_equal(sample.starting_workers, 2);
    assert_true(sample.startup_s == 3);
    assert_int_equal(sample.silent_workers, 1);
    assert_true(sample.most_ready_msgs == 110);
    assert_false(sample.blocked);
}

static void what_was_not_measured_stays_unknown(void **state)
{
    struct measurement measurement = measured;

    (void)state;
    measurement.ready_msgs = measurement.arrival_per_s = measurement.service_s = NAN;
    measurement.useful_workers = NAN;
    struct policy_sample sample = measurement_sample(&measurement, &defaults);
    assert_true(isnan(sample.ready_msgs) && isnan(sample.backlog_msgs));
    assert_true(isnan(sample.arrival_per_s) && isnan(sample.capacity_msgs));
    assert_true(isnan(sample.useful_workers));
}

static void a_farm_is_blocked_when_all_workers_that_tell_are(void **state)
{
    struct measurement measurement = measured;

    (void)state;
    measurement.blocked_workers = 2;
    assert_true(measurement_sample(&measurement, &defaults).blocked);
    measurement.telling_workers = measurement.blocked_workers = 0;
    assert_false(measurement_sample(&measurement, &defaults).blocked);
}

/* ---- parameters ---- */

static void assert_params(const char *policy, const struct policy_params *params,
                          const char *expected)
{
    char text[POLICY_HISTORY_PARAMS_SIZE];

    policy_history_params(policies_find(policy), params, text);
    assert_string_equal(text, expected);
}

static void parameters_are_written_where_they_matter(void **state)
{
    struct policy_params params = defaults;

    (void)state;
    assert_params("formula", &params, "{\"horizon_s\":2,\"capacity_msgs\":1000}");
    params.capacity_msgs = POLICY_CAPACITY_AUTO;
    params.headroom = 1.25;
    params.step_down = 3;
    assert_params("formula", &params,
                  "{\"horizon_s\":2,\"capacity_msgs\":\"auto\",\"headroom\":1.25,\"step_down\":3}");
    params = defaults;
    params.scale_down_delay_s = POLICY_UNSET;
    policy_tune(policies_find("erlang-quiet"), &params);
    assert_params("erlang-quiet", &params,
                  "{\"horizon_s\":2,\"capacity_msgs\":1000,\"scale_down_delay_s\":5,"
                  "\"wait_s\":0.20000000000000001,\"epsilon\":0.050000000000000003,\"theta\":2,"
                  "\"average_s\":20,\"z\":3}");
}

/* ---- there and back ---- */

static void a_row_says_whether_a_tick_or_a_look_between_ticks_decided(void **state)
{
    const struct policy_decision decision = {.formula_workers = 1};
    struct policy_sample sample = {.trigger = POLICY_TICK};
    struct history_row row;

    (void)state;
    policy_history_write(policies_find("formula"), &defaults, &sample, &decision, &row);
    assert_string_equal(row.trigger, "tick");
    sample.trigger = POLICY_REACT;
    policy_history_write(policies_find("formula"), &defaults, &sample, &decision, &row);
    assert_string_equal(row.trigger, "react");
}

/* A row as the policy decided it. */
static struct history_row row_of(const char *name, char params_text[POLICY_HISTORY_PARAMS_SIZE],
                                 struct policy_params *params, struct policy_sample *sample,
                                 struct policy_decision *decision)
{
    const struct policy *policy = policies_find(name);
    struct policy_state state;
    struct history_row row;

    *params = defaults;
    params->scale_down_delay_s = POLICY_UNSET;
    policy_tune(policy, params);
    params->capacity_msgs = POLICY_CAPACITY_AUTO;
    params->step_up = 2;
    *sample = measurement_sample(&measured, params);
    policy_start(&state, params);
    assert_int_equal(policy_decide(policy, sample, params, &state, decision), 0);
    history_format_clear(&row);
    policy_history_write(policy, params, sample, decision, &row);
    policy_history_params(policy, params, params_text);
    row.params = params_text;
    return row;
}

static void what_is_read_back_decides_the_same(void **state)
{
    const struct policy *policy, *read_policy;

    (void)state;
    for (size_t i = 0; (policy = policies_at(i)); i++) {
        char text[POLICY_HISTORY_PARAMS_SIZE];
        struct policy_params params, read_params;
        struct policy_sample sample, read_sample;
        struct policy_decision decision, again;
        struct policy_state policy_state;
        const char *wrong;
        struct history_row row = row_of(policy->name, text, &params, &sample, &decision);

        assert_int_equal(
            policy_history_read(&row, &read_policy, &read_params, &read_sample, &wrong), 0);
        assert_ptr_equal(read_policy, policy);
        assert_int_equal(read_sample.trigger, sample.trigger);
        assert_int_equal(read_sample.silent_workers, sample.silent_workers);
        assert_true(read_sample.most_ready_msgs == sample.most_ready_msgs);
        assert_memory_equal(&read_params, &params, sizeof params);
        policy_start(&policy_state, &read_params);
        assert_int_equal(
            policy_decide(read_policy, &read_sample, &read_params, &policy_state, &again), 0);
        assert_int_equal(again.desired_workers, decision.desired_workers);
        assert_int_equal(again.reason, decision.reason);
        assert_true(again.formula_workers == decision.formula_workers);
        assert_true(row.desired_workers == decision.desired_workers);
        assert_string_equal(row.reason, policy_reason_text(decision.reason));
    }
}

static void assert_wrong(const struct history_row *row, const char *column)
{
    const struct policy *policy;
    struct policy_params params;
    struct policy_sample sample;
    const char *wrong;

    if (!column) {
        assert_int_equal(policy_history_read(row, &policy, &params, &sample, &wrong), 0);
        return;
    }
    assert_int_equal(policy_history_read(row, &policy, &params, &sample, &wrong), -ERR_CONFIG);
    assert_string_equal(wrong, column);
}

static void what_cannot_be_used_is_named_by_its_column(void **state)
{
    static const struct {
        const char *params;
        bool good;
    } texts[] = {
        {"{}", true},
        {"{\"horizon_s\":3}", true},
        {"{\"of_a_later_version\":3,\"horizon_s\":1}", true},
        {"", false},
        {"{", false},
        {"}", false},
        {"{\"horizon_s\":}", false},
        {"{\"horizon_s\":x}", false},
        {"{\"horizon_s\":1", false},
        {"{\"horizon_s\"=1}", false},
        {"{horizon_s:1}", false},
        {"{\"horizon_s\":1}}", false},
        {"{\"horizon_s\":1111111111111111111111111111111111111111}", false},
    };
    char text[POLICY_HISTORY_PARAMS_SIZE];
    struct policy_params params;
    struct policy_sample sample;
    struct policy_decision decision;
    const struct history_row good = row_of("formula", text, &params, &sample, &decision);

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct history_row row = good;
        row.params = texts[i].params;
        assert_wrong(&row, texts[i].good ? NULL : "params");
    }
    struct history_row row = good;
    row.policy = "best";
    assert_wrong(&row, "policy");
    row = good;
    row.max_workers = 0x1p32;
    assert_wrong(&row, "max_workers");
    row = good;
    row.workers = NAN;
    assert_wrong(&row, "workers");
    row = good;
    row.silent_workers = 0x1p32;
    assert_wrong(&row, "silent_workers");
    row = good;
    row.starting_before = 0x1p32;
    assert_wrong(&row, "starting_before");
    row.starting_before = 0;
    row.silent_workers = NAN; /* as in the histories of an earlier version */
    assert_wrong(&row, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_is_what_was_measured_less_what_draining_workers_hold),
        cmocka_unit_test(what_was_not_measured_stays_unknown),
        cmocka_unit_test(a_farm_is_blocked_when_all_workers_that_tell_are),
        cmocka_unit_test(parameters_are_written_where_they_matter),
        cmocka_unit_test(a_row_says_whether_a_tick_or_a_look_between_ticks_decided),
        cmocka_unit_test(what_is_read_back_decides_the_same),
        cmocka_unit_test(what_cannot_be_used_is_named_by_its_column),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
