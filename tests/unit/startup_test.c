#include "autoscaler/node/startup.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000000)

static void before_the_first_start_it_is_unknown(void **state)
{
    struct startup startup = {0};

    (void)state;
    assert_true(isnan(startup_median_s(&startup)));
    startup_note(&startup, SECOND / 4);
    assert_true(startup_median_s(&startup) == 0.25);
}

static void it_is_the_median_of_the_last_five(void **state)
{
    static const int64_t took_s[] = {4, 2, 2, 9, 1, 7, 7, 7, 0, 0, 0};
    static const double median_s[] = {4, 2, 2, 2, 2, 2, 7, 7, 7, 7, 0};
    struct startup startup = {0};

    (void)state;
    for (size_t i = 0; i < sizeof took_s / sizeof took_s[0]; i++) {
        startup_note(&startup, took_s[i] * SECOND);
        assert_true(startup_median_s(&startup) == median_s[i]);
    }
}

static void one_start_that_was_unlucky_changes_nothing_and_three_do(void **state)
{
    struct startup startup = {0};

    (void)state;
    for (int i = 0; i < 20; i++)
        startup_note(&startup, SECOND);
    for (int jump = 0; jump < 2; jump++)
        startup_note(&startup, 60 * SECOND);
    assert_true(startup_median_s(&startup) == 1);
    startup_note(&startup, 60 * SECOND);
    assert_true(startup_median_s(&startup) == 60);
    for (int back = 0; back < 3; back++)
        startup_note(&startup, SECOND);
    assert_true(startup_median_s(&startup) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_the_first_start_it_is_unknown),
        cmocka_unit_test(it_is_the_median_of_the_last_five),
        cmocka_unit_test(one_start_that_was_unlucky_changes_nothing_and_three_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
