#include "autoscaler/policy/policies.h"
#include "autoscaler/policy/policy_erlang.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct policy_params defaults = POLICY_DEFAULT_PARAMS;

static struct policy_params tuned(const char *policy)
{
    struct policy_params params = defaults;

    params.scale_down_delay_s = POLICY_UNSET;
    policy_tune(policies_find(policy), &params);
    return params;
}

static void policies_are_listed_with_the_default_first(void **state)
{
    char names[64], few[12];

    (void)state;
    policies_names(" or ", names, sizeof names);
    assert_string_equal(names, "formula, erlang or erlang-quiet");
    policies_names(", ", few, sizeof few);
    assert_string_equal(few, "formula, er");
    assert_string_equal(policies_at(0)->name, "formula");
    assert_null(policies_at(3));
}

static void a_delay_that_is_given_counts_more_than_the_policys_own(void **state)
{
    struct policy_params given = defaults, unset = defaults;

    (void)state;
    unset.scale_down_delay_s = POLICY_UNSET;
    assert_int_equal(policy_check(policies_find("formula"), &unset), -ERR_INVALID);
    given.scale_down_delay_s = 0;
    policy_tune(policies_find("erlang-quiet"), &given);
    assert_true(given.scale_down_delay_s == 0);
}

static void each_policy_brings_its_own_parameters(void **state)
{
    static const struct {
        const char *name;
        double scale_down_delay_s, epsilon, theta, average_s, z;
    } own[] = {
        {"erlang", 0, 0.25, 1.2, 12, 2.5},
        {"erlang-quiet", 5, 0.05, 2, 20, 3},
    };

    (void)state;
    assert_true(tuned("formula").scale_down_delay_s == 0);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        struct policy_params params = tuned(own[i].name);

        assert_true(params.scale_down_delay_s == own[i].scale_down_delay_s);
        assert_true(params.own[ERLANG_WAIT_S] == 0.2);
        assert_true(params.own[ERLANG_EPSILON] == own[i].epsilon);
        assert_true(params.own[ERLANG_THETA] == own[i].theta);
        assert_true(params.own[ERLANG_AVERAGE_S] == own[i].average_s);
        assert_true(params.own[ERLANG_Z] == own[i].z);
        assert_int_equal(policy_check(policies_find(own[i].name), &params), 0);
    }
}

/* Of erlang; the first so many are every policy's. */
static const char *const names[] = {"horizon_s",
                                    "capacity_msgs",
                                    "startup_s",
                                    "headroom",
                                    "scale_down_delay_s",
                                    "step_up",
                                    "step_down",
                                    "silent_delay_s",
                                    "paused",
                                    "replicas",
                                    "total_allowed",
                                    "inherited_workers",
                                    "wait_s",
                                    "epsilon",
                                    "theta",
                                    "average_s",
                                    "z",
                                    "few_starts"};
#define COMMON 12
#define NAMES  (sizeof names / sizeof names[0])

static void a_policy_has_the_common_parameters_and_its_own(void **state)
{
    const struct policy *formula = policies_find("formula"), *erlang = policies_find("erlang");

    (void)state;
    for (size_t i = 0; i < NAMES; i++) {
        const struct policy_param *param = policy_param_at(erlang, i);
        assert_string_equal(param->name, names[i]);
        assert_ptr_equal(policy_param_find(erlang, names[i]), param);
        assert_ptr_equal(policy_param_find(formula, names[i]), i < COMMON ? param : NULL);
        assert_ptr_equal(policy_param_at(formula, i), i < COMMON ? param : NULL);
    }
    assert_null(policy_param_at(erlang, NAMES));
    assert_null(policy_param_find(erlang, "wait"));
}

/* Each has a place, and no two have the same. */
static void a_parameter_that_is_set_is_the_one_that_is_got(void **state)
{
    const struct policy *erlang = policies_find("erlang");
    struct policy_params params = {0};

    (void)state;
    for (size_t i = 0; i < NAMES; i++)
        policy_params_set(policy_param_at(erlang, i), &params, (double)i + 1);
    for (size_t i = 0; i < NAMES; i++)
        assert_true(policy_params_get(policy_param_at(erlang, i), &params) == (double)i + 1);
    assert_true(params.horizon_s == 1 && params.capacity_msgs == 2 && params.startup_s == 3);
    assert_true(params.headroom == 4 && params.scale_down_delay_s == 5);
    assert_true(params.step_up == 6 && params.step_down == 7 && params.silent_delay_s == 8);
    assert_true(params.paused == 9 && params.replicas == 10);
    assert_true(params.total_allowed == 11);
    assert_true(params.inherited_workers == 12);
    assert_true(params.own[ERLANG_WAIT_S] == 13 && params.own[ERLANG_Z] == 17);
    assert_true(params.own[ERLANG_FEW_STARTS] == 18);
    assert_true(params.min_workers == 0 && params.max_workers == 0);
}

static void parameters_out_of_range_are_refused(void **state)
{
    static const double below_1[] = {0.99, 0, -1}, not_positive[] = {0, -1};
    static const double no_share[] = {0, 1, 1.5, -0.5}, no_step[] = {-1, 0.5}, negative[] = {-1};
    static const double not_bool[] = {-1, 0.5, 2}, no_number[] = {-2, -0.5, 1.5, 0x1p32};
    static const struct {
        const char *name;
        const double *values;
        size_t count;
    } bad[] = {
#define BAD(name, values) {name, values, sizeof(values) / sizeof((values)[0])}
        BAD("horizon_s", not_positive),
        BAD("capacity_msgs", negative),
        BAD("headroom", below_1),
        BAD("scale_down_delay_s", negative),
        BAD("step_up", no_step),
        BAD("step_down", no_step),
        BAD("wait_s", not_positive),
        BAD("epsilon", no_share),
        BAD("theta", not_positive),
        BAD("average_s", not_positive),
        BAD("z", not_positive),
        BAD("paused", not_bool),
        BAD("replicas", no_number),
        BAD("total_allowed", no_number),
        BAD("inherited_workers", no_number),
#undef BAD
    };
    const struct policy *erlang = policies_find("erlang");

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct policy_param *param = policy_param_find(erlang, bad[i].name);
        struct policy_params params = tuned("erlang");

        for (size_t k = 0; k < bad[i].count + 2; k++) {
            double value = k < bad[i].count ? bad[i].values[k] : k == bad[i].count ? NAN : INFINITY;
            assert_false(policy_params_allow(param, value));
            policy_params_set(param, &params, value);
            assert_int_equal(policy_check(erlang, &params), -ERR_INVALID);
        }
    }
    struct policy_params params = tuned("erlang");
    params.min_workers = 5;
    params.max_workers = 4;
    assert_int_equal(policy_check(erlang, &params), -ERR_INVALID);
}

/* What a policy does not decide by may be anything. */
static void a_policy_minds_no_others_parameters(void **state)
{
    struct policy_params params = tuned("formula");

    (void)state;
    params.own[ERLANG_EPSILON] = 7;
    assert_int_equal(policy_check(policies_find("formula"), &params), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_are_listed_with_the_default_first),
        cmocka_unit_test(a_delay_that_is_given_counts_more_than_the_policys_own),
        cmocka_unit_test(each_policy_brings_its_own_parameters),
        cmocka_unit_test(a_policy_has_the_common_parameters_and_its_own),
        cmocka_unit_test(a_parameter_that_is_set_is_the_one_that_is_got),
        cmocka_unit_test(parameters_out_of_range_are_refused),
        cmocka_unit_test(a_policy_minds_no_others_parameters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
