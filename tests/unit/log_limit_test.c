#include "log_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000000)

static void so_many_lines_a_second_are_written(void **state)
{
    struct log_limit limit = {.most_per_s = 2};
    uint64_t unlogged = 7;

    (void)state;
    assert_true(log_limit_allows(&limit, 5 * SECOND, &unlogged));
    assert_int_equal(unlogged, 0);
    assert_true(log_limit_allows(&limit, 5 * SECOND + 1, &unlogged));
    assert_false(log_limit_allows(&limit, 5 * SECOND + 2, &unlogged));
    assert_false(log_limit_allows(&limit, 6 * SECOND - 1, &unlogged));
    assert_int_equal(unlogged, 0);
    assert_true(log_limit_allows(&limit, 6 * SECOND, &unlogged));
}

static void a_line_says_how_often_it_happened_unsaid(void **state)
{
    struct log_limit limit = {.most_per_s = 1};
    uint64_t unlogged;

    (void)state;
    assert_true(log_limit_allows(&limit, SECOND, &unlogged));
    for (int i = 0; i < 1000; i++)
        assert_false(log_limit_allows(&limit, SECOND + i, &unlogged));
    assert_true(log_limit_allows(&limit, 9 * SECOND, &unlogged));
    assert_int_equal(unlogged, 1000);
    assert_true(log_limit_allows(&limit, 10 * SECOND, &unlogged));
    assert_int_equal(unlogged, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_lines_a_second_are_written),
        cmocka_unit_test(a_line_says_how_often_it_happened_unsaid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
