#include "plots/axis.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_step(double reach, double steps, double expected)
{
    double step = axis_step(reach, steps);

    if (fabs(step - expected) > 1e-9 * expected)
        fail_msg("%g in %g steps: %g each, expected %g", reach, steps, step, expected);
}

static void a_step_is_the_least_round_number_that_reaches(void **state)
{
    (void)state;
    assert_step(10, 10, 1);
    assert_step(10.1, 10, 2);
    assert_step(20, 10, 2);
    assert_step(20.1, 10, 2.5);
    assert_step(25.1, 10, 5);
    assert_step(50.1, 10, 10);
    assert_step(100, 10, 10);
    assert_step(0.004, 4, 0.001);
    assert_step(0.0041, 4, 0.002);
    assert_step(3e9, 4, 1e9);
    /* 0.3 is a little more than three times 0.1. */
    assert_step(0.3, 3, 0.1);
}

/* What the axis writes into the script. */
static void assert_axis(double top, double steps, const char *expected)
{
    char *text = NULL;
    size_t length;
    FILE *script = open_memstream(&text, &length);

    assert_non_null(script);
    assert_true(axis_write_workers(script, top) == steps);
    assert_int_equal(fclose(script), 0);
    assert_string_equal(text, expected);
    free(text);
}

static void workers_are_counted_in_whole_steps_four_at_least(void **state)
{
    (void)state;
    assert_axis(1, 4, "workers_step = 1\nworkers_top = 4.25\n");
    assert_axis(8, 8, "workers_step = 1\nworkers_top = 8.25\n");
    assert_axis(9, 5, "workers_step = 2\nworkers_top = 10.5\n");
    assert_axis(20, 7, "workers_step = 3\nworkers_top = 21.75\n");
    assert_axis(1000, 5, "workers_step = 200\nworkers_top = 1050\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_the_least_round_number_that_reaches),
        cmocka_unit_test(workers_are_counted_in_whole_steps_four_at_least),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
