#include "autoscaler/leader/lone_consumer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define WORKERS 3

/* Three workers that run and tell, of which the first holds an event. */
static struct worker_reading workers[WORKERS];
static struct lone_consumer lone;

static int start(void **state)
{
    (void)state;
    lone = (struct lone_consumer){0};
    for (int i = 0; i < WORKERS; i++)
        workers[i] = (struct worker_reading){.state = WORKER_RUNNING, .tells = true};
    workers[0].in_flight_msgs = 1;
    return 0;
}

static bool look(double ready_msgs, double time_s)
{
    const struct node_report report = {.readings = workers, .reading_count = WORKERS};

    return lone_consumer_look(&lone, &report, ready_msgs, time_s);
}

/* Looks once a second for so long; how often it was said. */
static int looks(double ready_msgs, double from_s, double to_s)
{
    int said = 0;

    for (double time_s = from_s; time_s <= to_s; time_s++)
        said += look(ready_msgs, time_s);
    return said;
}

static void it_is_said_once_that_one_worker_alone_gets_events(void **state)
{
    (void)state;
    for (int time_s = 1; time_s < LONE_CONSUMER_LOOKS; time_s++)
        assert_false(look(10, time_s));
    assert_true(look(10, LONE_CONSUMER_LOOKS));
    assert_int_equal(looks(10, LONE_CONSUMER_LOOKS + 1, 60), 0);
}

static void it_takes_its_time_however_often_it_looks(void **state)
{
    (void)state;
    for (double time_s = 0; time_s < 1.9; time_s += 0.01)
        assert_false(look(10, time_s));
    assert_true(look(10, 2));
}

static void where_nothing_waits_nobody_lacks_anything(void **state)
{
    (void)state;
    assert_int_equal(looks(0, 0, 60), 0);
    assert_int_equal(looks((double)NAN, 61, 120), 0);
}

static void a_second_worker_that_holds_an_event_speaks_against_it(void **state)
{
    (void)state;
    assert_int_equal(looks(10, 0, 10), 1);
    workers[2].in_flight_msgs = 1;
    assert_int_equal(looks(10, 11, 60), 0);
    workers[2].in_flight_msgs = 0;
    assert_int_equal(looks(10, 61, 120), 1);
}

static void one_look_that_does_not_show_it_begins_anew(void **state)
{
    (void)state;
    for (double time_s = 0; time_s < 60; time_s += LONE_CONSUMER_LOOKS) {
        assert_int_equal(looks(10, time_s, time_s + LONE_CONSUMER_LOOKS - 2), 0);
        assert_false(look(0, time_s + LONE_CONSUMER_LOOKS - 1));
    }
}

static void workers_that_start_or_tell_nothing_or_are_blocked_show_nothing(void **state)
{
    (void)state;
    workers[1].state = WORKER_STARTING;
    workers[2].tells = false;
    assert_int_equal(looks(10, 0, 60), 0);
    start(NULL);
    workers[1].blocked = workers[2].blocked = true;
    assert_int_equal(looks(10, 0, 60), 0);
    start(NULL);
    workers[0].in_flight_msgs = 0; /* nobody gets anything: that is something else */
    assert_int_equal(looks(10, 0, 60), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_is_said_once_that_one_worker_alone_gets_events, start),
        cmocka_unit_test_setup(it_takes_its_time_however_often_it_looks, start),
        cmocka_unit_test_setup(where_nothing_waits_nobody_lacks_anything, start),
        cmocka_unit_test_setup(a_second_worker_that_holds_an_event_speaks_against_it, start),
        cmocka_unit_test_setup(one_look_that_does_not_show_it_begins_anew, start),
        cmocka_unit_test_setup(workers_that_start_or_tell_nothing_or_are_blocked_show_nothing,
                               start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
