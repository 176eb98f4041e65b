#include "time_classes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void a_bound_belongs_to_its_class_and_a_nanosecond_more_to_the_next(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < TIME_CLASSES; i++) {
        int64_t bound_ns = llround(strtod(time_classes_bound(i), NULL) * 1e9);
        assert_int_equal(time_classes_of(bound_ns), i);
        assert_int_equal(time_classes_of(bound_ns + 1), i + 1);
    }
    assert_string_equal(time_classes_bound(TIME_CLASSES - 1), "+Inf");
}

static void the_bounds_grow_threefold_from_10_us_to_100_s(void **state)
{
    double bound_s = 1e-5;

    (void)state;
    for (size_t i = 0; i + 1 < TIME_CLASSES; i++) {
        assert_true(fabs(strtod(time_classes_bound(i), NULL) / bound_s - 1) < 1e-9);
        bound_s *= i % 2 ? 10. / 3 : 3;
    }
}

static void every_duration_has_a_class(void **state)
{
    (void)state;
    assert_int_equal(time_classes_of(INT64_MIN), 0);
    assert_int_equal(time_classes_of(0), 0);
    assert_int_equal(time_classes_of(INT64_MAX), TIME_CLASSES - 1);
}

static void durations_are_counted_and_added_up(void **state)
{
    struct time_classes classes = {0};

    (void)state;
    time_classes_add(&classes, 0.002);
    time_classes_add(&classes, 0.002);
    time_classes_add(&classes, -1e300);
    time_classes_add(&classes, 1e300);
    time_classes_add(&classes, NAN);
    assert_int_equal(classes.count[5], 2);
    assert_int_equal(classes.count[TIME_CLASSES - 1], 1);
    assert_int_equal(classes.count[0], 1);
    assert_true(classes.sum_s == 1e300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bound_belongs_to_its_class_and_a_nanosecond_more_to_the_next),
        cmocka_unit_test(the_bounds_grow_threefold_from_10_us_to_100_s),
        cmocka_unit_test(every_duration_has_a_class),
        cmocka_unit_test(durations_are_counted_and_added_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
