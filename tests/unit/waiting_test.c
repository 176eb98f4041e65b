#include "workers/waiting.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW_NS INT64_C(1000000000000)
#define MS     CLOCK_NS_PER_MS

static struct delivery *event(uint64_t tag)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);

    assert_non_null(delivery);
    delivery->tag = tag;
    return delivery;
}

/* Events with these tags, each refused a millisecond after the one before. */
static void put(struct waiting *waiting, uint64_t first, uint64_t last)
{
    for (uint64_t tag = first; tag <= last; tag++)
        waiting_put(waiting, event(tag), NOW_NS + (int64_t)(tag - first) * MS);
}

static void assert_taken(struct delivery *taken, uint64_t tag)
{
    assert_non_null(taken);
    assert_int_equal(taken->tag, tag);
    delivery_free(taken);
}

static void each_refusal_doubles_the_pause_up_to_five_seconds(void **state)
{
    const int64_t pauses_ms[] = {50, 100, 200, 400, 800, 1600, 3200, 5000, 5000};
    struct waiting waiting = {0};
    struct delivery *delivery = event(1);
    int64_t now_ns = NOW_NS;

    (void)state;
    for (size_t i = 0; i < sizeof pauses_ms / sizeof pauses_ms[0]; i++) {
        int64_t due_ns = now_ns + pauses_ms[i] * MS;
        waiting_put(&waiting, delivery, now_ns);
        assert_int_equal(waiting_due_ns(&waiting), due_ns);
        assert_null(waiting_take_due(&waiting, due_ns - 1));
        assert_ptr_equal(waiting_take_due(&waiting, due_ns), delivery);
        now_ns = due_ns;
    }
    assert_int_equal(delivery->since_ns, NOW_NS);
    delivery->refusals = UINT32_MAX - 1;
    waiting_put(&waiting, delivery, now_ns);
    assert_int_equal(waiting_due_ns(&waiting), now_ns + 5000 * MS);
    waiting_clear(&waiting);
}

static void what_is_due_comes_in_that_order(void **state)
{
    struct waiting waiting = {0};

    (void)state;
    assert_int_equal(waiting_due_ns(&waiting), CLOCK_NEVER);
    assert_null(waiting_take_due(&waiting, INT64_MAX));
    put(&waiting, 1, 3);
    assert_taken(waiting_take_due(&waiting, NOW_NS + 51 * MS), 1);
    assert_taken(waiting_take_due(&waiting, NOW_NS + 51 * MS), 2);
    assert_null(waiting_take_due(&waiting, NOW_NS + 51 * MS));
    assert_int_equal(waiting.count, 1);
    waiting_clear(&waiting);
    assert_int_equal(waiting.count, 0);
}

static void the_oldest_is_the_one_that_was_delivered_first(void **state)
{
    struct waiting waiting = {0};

    (void)state;
    assert_null(waiting_take_oldest(&waiting));
    put(&waiting, 5, 7);
    put(&waiting, 2, 4);
    for (uint64_t tag = 2; tag <= 7; tag++)
        assert_taken(waiting_take_oldest(&waiting), tag);
    assert_int_equal(waiting.count, 0);
}

static void what_is_hastened_is_due_at_once_and_waits_shortly_next(void **state)
{
    struct waiting waiting = {0};
    struct delivery *delivery = event(1);

    (void)state;
    delivery->refusals = 6;
    waiting_put(&waiting, delivery, NOW_NS);
    put(&waiting, 2, 2);
    assert_true(waiting_hasten(&waiting, NOW_NS + 1));
    assert_taken(waiting_take_due(&waiting, NOW_NS + 1), 2);
    assert_true(waiting_hasten(&waiting, NOW_NS + 1));
    assert_false(waiting_hasten(&waiting, NOW_NS + 1));
    assert_ptr_equal(waiting_take_due(&waiting, NOW_NS + 1), delivery);
    waiting_put(&waiting, delivery, NOW_NS + 1);
    assert_int_equal(waiting_due_ns(&waiting), NOW_NS + 1 + 50 * MS);
    /* Since when it waits is not forgotten. */
    assert_int_equal(delivery->since_ns, NOW_NS);
    waiting_clear(&waiting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_refusal_doubles_the_pause_up_to_five_seconds),
        cmocka_unit_test(what_is_due_comes_in_that_order),
        cmocka_unit_test(the_oldest_is_the_one_that_was_delivered_first),
        cmocka_unit_test(what_is_hastened_is_due_at_once_and_waits_shortly_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
