#include "autoscaler/leader/own_consumers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int64_t look(struct own_consumers *own, uint32_t consumers, uint32_t workers)
{
    own_consumers_look(own, consumers, workers);
    return own_consumers_count(own);
}

static void consumers_are_workers_from_when_there_were_none(void **state)
{
    struct own_consumers own = {0};

    (void)state;
    assert_int_equal(own_consumers_count(&own), -1);
    assert_int_equal(look(&own, 1, 3), -1);
    assert_int_equal(look(&own, 0, 3), 0);
    assert_int_equal(look(&own, 1, 3), 1);
    assert_int_equal(look(&own, 3, 3), 3);
}

static void with_more_consumers_than_workers_nobody_can_tell_until_there_are_none(void **state)
{
    struct own_consumers own = {0};

    (void)state;
    look(&own, 0, 0);
    assert_int_equal(look(&own, 3, 2), -1);
    assert_int_equal(look(&own, 1, 2), -1);
    assert_int_equal(look(&own, 0, 2), 0);
    assert_int_equal(look(&own, 2, 2), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(consumers_are_workers_from_when_there_were_none),
        cmocka_unit_test(with_more_consumers_than_workers_nobody_can_tell_until_there_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
