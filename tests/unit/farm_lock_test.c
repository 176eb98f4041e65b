#include "autoscaler/leader/farm_lock.h"

#include "broker/broker.h"
#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW_NS  INT64_C(1000000000000)
#define DEAD_NS ((3 * BROKER_HEARTBEAT_S + 1) * CLOCK_NS_PER_S)

static void a_lock_is_anothers_once_a_dead_connection_would_have_lost_it(void **state)
{
    struct farm_lock lock = {0};

    (void)state;
    assert_false(farm_lock_is_another(&lock, NOW_NS + 100 * DEAD_NS));
    farm_lock_note(&lock, -ERR_LOCKED, NOW_NS);
    farm_lock_note(&lock, -ERR_LOCKED, NOW_NS + DEAD_NS);
    assert_false(farm_lock_is_another(&lock, NOW_NS + DEAD_NS));
    assert_true(farm_lock_is_another(&lock, NOW_NS + DEAD_NS + 1));
}

static void anything_but_a_refusal_says_nothing_of_another(void **state)
{
    static const int ends[] = {0, -ERR_UNAVAILABLE, -ERR_MISSING};

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct farm_lock lock = {0};
        farm_lock_note(&lock, -ERR_LOCKED, NOW_NS);
        farm_lock_note(&lock, ends[i], NOW_NS + DEAD_NS);
        assert_false(farm_lock_is_another(&lock, NOW_NS + 2 * DEAD_NS));
        /* It is counted from the next refusal on. */
        farm_lock_note(&lock, -ERR_LOCKED, NOW_NS + 2 * DEAD_NS);
        assert_false(farm_lock_is_another(&lock, NOW_NS + 3 * DEAD_NS));
        assert_true(farm_lock_is_another(&lock, NOW_NS + 3 * DEAD_NS + 1));
    }
}

static void where_brokers_are_several_a_dead_one_may_keep_it_for_longer(void **state)
{
    struct farm_lock lock = {.clustered = true};

    (void)state;
    farm_lock_note(&lock, -ERR_LOCKED, NOW_NS);
    assert_false(farm_lock_is_another(&lock, NOW_NS + 75 * CLOCK_NS_PER_S));
    assert_true(farm_lock_is_another(&lock, NOW_NS + farm_lock_patience_ns(&lock) + 1));
    assert_in_range(farm_lock_patience_ns(&lock), 75 * CLOCK_NS_PER_S, 80 * CLOCK_NS_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_is_anothers_once_a_dead_connection_would_have_lost_it),
        cmocka_unit_test(anything_but_a_refusal_says_nothing_of_another),
        cmocka_unit_test(where_brokers_are_several_a_dead_one_may_keep_it_for_longer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
