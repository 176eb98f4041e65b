#include "loadgen/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MS    INT64_C(1000000)
#define START (5 * MS)

static struct schedule schedule;
static struct arrivals_settings settings;
static struct pace pace;

/* Events at 50, 150, 250 and 350 ms after START, then a pause until 600 ms. */
static int start_pace(void **state)
{
    const struct phase events = {.duration_s = 0.4, .from_per_s = 10, .to_per_s = 10};
    const struct phase nothing = {.duration_s = 0.2};

    (void)state;
    schedule_init(&schedule);
    settings = (struct arrivals_settings){
        .schedule = &schedule, .speed = 1, .seed = 1, .max_events = UINT64_MAX};
    if (schedule_add(&schedule, &events, NULL) || schedule_add(&schedule, &nothing, NULL) ||
        pace_init(&pace, &settings, NULL))
        return -1;
    pace_start(&pace, START);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    pace_clear(&pace);
    schedule_clear(&schedule);
    return 0;
}

static int64_t at(int64_t ms)
{
    return START + ms * MS;
}

static void an_event_is_due_at_its_time_and_until_it_is_sent(void **state)
{
    (void)state;
    assert_false(pace_is_due(&pace, at(50) - 1));
    assert_true(pace_is_due(&pace, at(50)));
    assert_int_equal(pace_intended_ns(&pace), 50 * MS);
    assert_int_equal(pace_overdue_ns(&pace, at(49)), 0);
    assert_int_equal(pace_overdue_ns(&pace, at(90)), 40 * MS);
    assert_int_equal(pace_advance(&pace, NULL), 0);
    assert_false(pace_is_due(&pace, at(90)));
    assert_true(pace_is_due(&pace, at(150)));
    for (int sent = 1; sent < 4; sent++) {
        assert_true(pace_has_next(&pace));
        assert_int_equal(pace_advance(&pace, NULL), 0);
    }
    assert_false(pace_has_next(&pace));
    assert_false(pace_is_due(&pace, at(10000)));
    assert_int_equal(pace_overdue_ns(&pace, at(10000)), 0);
}

static void events_are_offered_by_the_clock_alone(void **state)
{
    (void)state;
    assert_int_equal(pace_offer(&pace, at(49), NULL), 0);
    assert_int_equal(pace.offered, 0);
    assert_int_equal(pace_offer(&pace, at(250), NULL), 0);
    assert_int_equal(pace.offered, 3);
    assert_int_equal(pace_offer(&pace, at(10000), NULL), 0);
    assert_int_equal(pace.offered, 4);
    assert_int_equal(pace_intended_ns(&pace), 50 * MS);
}

static void the_schedule_goes_on_after_its_last_event(void **state)
{
    (void)state;
    assert_true(pace_goes_on(&pace, at(10000))); /* nothing was offered yet */
    assert_int_equal(pace_offer(&pace, at(360), NULL), 0);
    assert_true(pace_goes_on(&pace, at(599)));
    assert_int_equal(pace_passed_ns(&pace, at(599)), 599 * MS);
    assert_false(pace_goes_on(&pace, at(600)));
    assert_int_equal(pace_passed_ns(&pace, at(10000)), 600 * MS);
}

static void once_stopped_nothing_is_sent_or_offered(void **state)
{
    (void)state;
    assert_int_equal(pace_offer(&pace, at(100), NULL), 0);
    pace_stop(&pace);
    assert_false(pace_has_next(&pace));
    assert_false(pace_is_due(&pace, at(100)));
    assert_false(pace_goes_on(&pace, at(100)));
    assert_int_equal(pace_offer(&pace, at(10000), NULL), 0);
    assert_int_equal(pace.offered, 1);
    assert_int_equal(pace_passed_ns(&pace, at(100)), 100 * MS);
    /* That it was behind is not forgotten. */
    assert_int_equal(pace_overdue_ns(&pace, at(100)), 50 * MS);
}

#define claim(name) cmocka_unit_test_setup_teardown(name, start_pace, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(an_event_is_due_at_its_time_and_until_it_is_sent),
        claim(events_are_offered_by_the_clock_alone),
        claim(the_schedule_goes_on_after_its_last_event),
        claim(once_stopped_nothing_is_sent_or_offered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
