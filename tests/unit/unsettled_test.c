#include "words/unsettled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static uint64_t taken(struct unsettled *unsettled)
{
    uint64_t tag = 0;

    return unsettled_take(unsettled, &tag) ? tag : 0;
}

static void one_acknowledgement_serves_for_many(void **state)
{
    struct unsettled unsettled = {.count = 0};
    (void)state;

    for (uint64_t i = 1; i <= 5; i++)
        unsettled_add(&unsettled, 10 + i, 100 + i);
    assert_int_equal(taken(&unsettled), 0);
    unsettled_settle(&unsettled, 102, false);
    unsettled_settle(&unsettled, 99, true);
    assert_int_equal(taken(&unsettled), 0);
    unsettled_settle(&unsettled, 101, false);
    assert_int_equal(taken(&unsettled), 12);
    unsettled_settle(&unsettled, 104, true);
    assert_int_equal(taken(&unsettled), 14);
    assert_int_equal(unsettled.count, 1);
}

static void what_has_no_answer_waits_for_those_before(void **state)
{
    struct unsettled unsettled = {.count = 0};
    (void)state;

    unsettled_add(&unsettled, 1, 0);
    unsettled_add(&unsettled, 2, 1);
    unsettled_add(&unsettled, 3, 0);
    assert_int_equal(taken(&unsettled), 1);
    assert_int_equal(taken(&unsettled), 0);
    unsettled_settle(&unsettled, 1, false);
    assert_int_equal(taken(&unsettled), 3);
}

static void the_ring_goes_round(void **state)
{
    struct unsettled unsettled = {.count = 0};
    (void)state;

    for (uint64_t i = 1; i <= UINT64_C(3) * UNSETTLED_MOST; i += 2) {
        unsettled_add(&unsettled, i, i);
        unsettled_add(&unsettled, i + 1, i + 1);
        unsettled_settle(&unsettled, i + 1, false);
        assert_int_equal(taken(&unsettled), 0);
        unsettled_settle(&unsettled, i, true);
        assert_int_equal(taken(&unsettled), i + 1);
    }
    for (uint64_t i = 0; i < UNSETTLED_MOST; i++)
        unsettled_add(&unsettled, i, 1000 + i);
    unsettled_settle(&unsettled, 1000 + UNSETTLED_MOST - 1, true);
    assert_int_equal(taken(&unsettled), UNSETTLED_MOST - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_acknowledgement_serves_for_many),
        cmocka_unit_test(what_has_no_answer_waits_for_those_before),
        cmocka_unit_test(the_ring_goes_round),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
