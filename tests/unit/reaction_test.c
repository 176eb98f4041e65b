#include "autoscaler/leader/reaction.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define EVERY_NS 100

static enum reaction_act step(struct reaction *reaction, bool ticking, bool answered, int64_t at_ns)
{
    return reaction_step(reaction, ticking, answered, at_ns);
}

static void without_react_nothing_is_ever_due(void **state)
{
    struct reaction reaction = {0};

    (void)state;
    assert_int_equal(step(&reaction, false, true, 1000), REACTION_NOTHING);
    assert_true(reaction_due_ns(&reaction, false) == INT64_MAX);
}

static void it_asks_when_due_and_decides_when_answered(void **state)
{
    struct reaction reaction = {.every_ns = EVERY_NS, .due_ns = 50};

    (void)state;
    assert_int_equal(step(&reaction, false, true, 49), REACTION_NOTHING);
    assert_true(reaction_due_ns(&reaction, false) == 50);
    assert_int_equal(step(&reaction, false, false, 50), REACTION_ASK);
    assert_true(reaction_due_ns(&reaction, false) == 50 + EVERY_NS);
    assert_int_equal(step(&reaction, false, false, 60), REACTION_NOTHING);
    assert_int_equal(step(&reaction, false, true, 61), REACTION_DECIDE);
    assert_int_equal(step(&reaction, false, true, 62), REACTION_NOTHING);
    assert_int_equal(step(&reaction, false, true, 50 + EVERY_NS), REACTION_ASK);
}

static void a_tick_takes_its_place(void **state)
{
    struct reaction reaction = {.every_ns = EVERY_NS, .due_ns = 50};

    (void)state;
    assert_int_equal(step(&reaction, false, false, 50), REACTION_ASK);
    assert_int_equal(step(&reaction, true, false, 55), REACTION_NOTHING);
    assert_true(reaction_due_ns(&reaction, true) == INT64_MAX);
    /* The answer was the tick's, which has decided with it. */
    assert_int_equal(step(&reaction, false, true, 60), REACTION_NOTHING);
}

static void the_rate_is_at_least_that_of_the_last_tick(void **state)
{
    (void)state;
    assert_true(reaction_arrival_per_s(100, 50, 2) == 100);
    assert_true(reaction_arrival_per_s(100, 300, 2) == 150);
    assert_true(reaction_arrival_per_s(100, 0, 2) == 100);
}

static void what_is_unknown_stays_unknown_unless_something_arrived(void **state)
{
    (void)state;
    assert_true(isnan(reaction_arrival_per_s(NAN, 0, 2)));
    assert_true(isnan(reaction_arrival_per_s(NAN, NAN, 2)));
    assert_true(reaction_arrival_per_s(NAN, 1, 2) == 0.5);
    assert_true(reaction_arrival_per_s(100, NAN, 2) == 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_react_nothing_is_ever_due),
        cmocka_unit_test(it_asks_when_due_and_decides_when_answered),
        cmocka_unit_test(a_tick_takes_its_place),
        cmocka_unit_test(the_rate_is_at_least_that_of_the_last_tick),
        cmocka_unit_test(what_is_unknown_stays_unknown_unless_something_arrived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
