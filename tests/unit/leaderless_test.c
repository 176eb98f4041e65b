#include "autoscaler/leader/leaderless.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW_NS INT64_C(1000000000000)

static const struct broker_queue_state nothing = {0};

static bool believes(struct leaderless *leaderless, struct broker_queue_state answer, bool consumed,
                     int64_t now_ns)
{
    return leaderless_believes(leaderless, "work", answer, consumed, now_ns);
}

static void an_empty_answer_is_believed_only_while_nobody_consumes(void **state)
{
    struct leaderless leaderless = {0};

    (void)state;
    assert_true(believes(&leaderless, nothing, false, NOW_NS));
    assert_false(believes(&leaderless, nothing, true, NOW_NS));
    assert_true(believes(&leaderless, nothing, false, NOW_NS));
    assert_int_equal(leaderless.since_ns, 0);
}

static void events_or_consumers_can_only_come_from_a_leader(void **state)
{
    struct leaderless leaderless = {0};

    (void)state;
    assert_false(believes(&leaderless, nothing, true, NOW_NS));
    assert_true(believes(&leaderless, (struct broker_queue_state){.ready_msgs = 1}, true, NOW_NS));
    assert_true(believes(&leaderless, (struct broker_queue_state){.consumers = 1}, true, NOW_NS));
    assert_int_equal(leaderless.since_ns, 0);
}

static void it_is_told_once_after_five_seconds(void **state)
{
    struct leaderless leaderless = {0};

    (void)state;
    assert_false(believes(&leaderless, nothing, true, NOW_NS));
    assert_false(believes(&leaderless, nothing, true, NOW_NS + 5 * CLOCK_NS_PER_S - 1));
    assert_false(leaderless.logged);
    assert_false(believes(&leaderless, nothing, true, NOW_NS + 5 * CLOCK_NS_PER_S));
    assert_true(leaderless.logged);
    assert_true(believes(&leaderless, (struct broker_queue_state){.consumers = 1}, true, NOW_NS));
    assert_false(leaderless.logged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_answer_is_believed_only_while_nobody_consumes),
        cmocka_unit_test(events_or_consumers_can_only_come_from_a_leader),
        cmocka_unit_test(it_is_told_once_after_five_seconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
