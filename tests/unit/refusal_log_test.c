#include "workers/refusal_log.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW_NS INT64_C(1000000000000)
#define PAUSE  CLOCK_NS_PER_S

static const struct broker_bytes one = {"one", 3}, two = {"two", 3}, on = {"on", 2};

static void assert_due(const struct refusal_log *log, int64_t now_ns, bool due, int64_t until_ns)
{
    int64_t until = CLOCK_NEVER;

    assert_int_equal(refusal_log_is_due(log, now_ns, &until), due);
    assert_int_equal(until, until_ns);
}

static void the_first_refusal_is_said_at_once_and_the_others_once_a_pause(void **state)
{
    struct refusal_log log = {.pause_ns = PAUSE};

    (void)state;
    assert_due(&log, NOW_NS, false, CLOCK_NEVER);
    refusal_log_add(&log, one);
    assert_due(&log, NOW_NS, true, CLOCK_NEVER);
    refusal_log_written(&log, NOW_NS);
    assert_due(&log, NOW_NS + PAUSE, false, CLOCK_NEVER);
    refusal_log_add(&log, one);
    refusal_log_add(&log, one);
    assert_due(&log, NOW_NS + PAUSE - 1, false, NOW_NS + PAUSE);
    assert_due(&log, NOW_NS + PAUSE, true, CLOCK_NEVER);
    assert_int_equal(log.refused, 2);
}

static void the_first_queue_is_named_and_the_others_are_counted(void **state)
{
    struct refusal_log log = {.pause_ns = PAUSE};

    (void)state;
    refusal_log_given_up(&log, one);
    refusal_log_add(&log, one);
    refusal_log_add(&log, two);
    refusal_log_add(&log, on);
    refusal_log_add(&log, one);
    refusal_log_given_up(&log, one);
    refusal_log_given_up(&log, two);
    assert_string_equal(log.queue, "one");
    assert_int_equal(log.refused, 2);
    assert_int_equal(log.given_up, 1);
    assert_int_equal(log.others, 2);
    refusal_log_written(&log, NOW_NS);
    refusal_log_given_up(&log, one);
    refusal_log_add(&log, on);
    assert_string_equal(log.queue, "on");
    assert_int_equal(log.given_up, 0);
    assert_int_equal(log.others, 0);
}

static void the_longest_name_of_a_queue_is_whole(void **state)
{
    struct refusal_log log = {.pause_ns = PAUSE};
    char name[255];

    (void)state;
    memset(name, 'q', sizeof name);
    refusal_log_add(&log, (struct broker_bytes){name, sizeof name});
    refusal_log_add(&log, (struct broker_bytes){name, sizeof name});
    assert_int_equal(strlen(log.queue), sizeof name);
    assert_int_equal(log.refused, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_refusal_is_said_at_once_and_the_others_once_a_pause),
        cmocka_unit_test(the_first_queue_is_named_and_the_others_are_counted),
        cmocka_unit_test(the_longest_name_of_a_queue_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
