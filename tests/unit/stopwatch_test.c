#include "loadgen/stopwatch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void it_adds_up_the_times_in_which_something_lasted(void **state)
{
    struct stopwatch watch = {0};

    (void)state;
    assert_int_equal(stopwatch_total_ns(&watch, 100), 0);
    assert_false(stopwatch_set(&watch, false, 100));
    assert_true(stopwatch_set(&watch, true, 110));
    assert_int_equal(stopwatch_total_ns(&watch, 130), 20);
    assert_false(stopwatch_set(&watch, true, 140));
    assert_true(stopwatch_set(&watch, false, 150));
    assert_int_equal(stopwatch_total_ns(&watch, 500), 40);
    assert_true(stopwatch_set(&watch, true, 600));
    assert_int_equal(stopwatch_total_ns(&watch, 605), 45);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_adds_up_the_times_in_which_something_lasted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
