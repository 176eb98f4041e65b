/* What one reading after the other makes of a farm without chance: the model of saturation_test.c
 * shows that it works, this file shows its numbers. */
#include "autoscaler/policy/saturation.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Exact in binary, so that times add up. */
#define STEP_S 0.125

static struct farm {
    struct saturation saturation;
    struct saturation_reading reading;
} farm;

static int start(void **state)
{
    (void)state;
    farm = (struct farm){.reading = {.steady = true, .pressed = true, .service_s = NAN}};
    saturation_start(&farm.saturation);
    return 0;
}

static void step(uint32_t workers, double per_s)
{
    farm.reading.time_s += STEP_S;
    farm.reading.handled_msgs += per_s * STEP_S;
    farm.reading.workers = workers;
    saturation_learn(&farm.saturation, &farm.reading);
}

/* For so long these workers handle so much. */
static void hold(double seconds, uint32_t workers, double per_s)
{
    for (double until_s = farm.reading.time_s + seconds; farm.reading.time_s < until_s;)
        step(workers, per_s);
}

static void assert_useful(double workers)
{
    double useful = saturation_useful_workers(&farm.saturation);

    if (isnan(workers) ? !isnan(useful) : useful != workers)
        fail_msg("%g are useful, expected %g", useful, workers);
}

/* Four workers at 1000 a second each, then ten that handle what less than six of those would; both
 * for long enough to be measured once. */
static void reach_a_limit_of_six(void)
{
    hold(2, 4, 4000);
    assert_useful(NAN);
    hold(2, 10, 5700);
    assert_useful(6);
}

static void the_limit_is_the_workers_that_would_handle_as_much(void **state)
{
    (void)state;
    reach_a_limit_of_six();
    start(state);
    hold(2, 4, 4000);
    hold(2, 20, 6300);
    assert_useful(7);
    start(state);
    /* Never fewer than were seen to help. */
    hold(2, 4, 4000);
    hold(2, 10, 3500);
    assert_useful(4);
}

static void workers_help_when_they_bring_two_fifths_of_what_they_should(void **state)
{
    /* Twice the workers, of 10^6 events a second so that chance explains next to nothing. */
    (void)state;
    hold(2, 4, 1e10);
    hold(2, 8, 1.41e10);
    assert_useful(NAN);
    start(state);
    hold(2, 4, 1e10);
    hold(2, 8, 1.39e10);
    assert_useful(6);
}

static void what_chance_explains_is_no_limit(void **state)
{
    (void)state;
    /* Windows of 100 events: each may be wrong by a fifth. */
    hold(2, 4, 100);
    hold(2, 8, 100);
    assert_useful(NAN);
    start(state);
    /* Windows of 10,000 events: by two in a hundred. */
    hold(2, 4, 10000);
    hold(2, 8, 10000);
    assert_useful(4);
    start(state);
    hold(2, 4, 10000);
    hold(2, 8, 13700);
    assert_useful(NAN);
    start(state);
    hold(2, 4, 10000);
    hold(2, 8, 13000);
    assert_useful(6);
}

static void numbers_of_workers_that_are_near_tell_nothing(void **state)
{
    (void)state;
    hold(2, 8, 80000);
    hold(5, 9, 80000);
    assert_useful(NAN);
    hold(2, 10, 80000);
    assert_useful(8);
}

static void a_change_of_workers_settles_before_it_is_measured(void **state)
{
    (void)state;
    hold(2, 4, 4000);
    /* The first reading sees the change; 0.3 s after it a second is measured. */
    hold(STEP_S + 1.25, 10, 5700);
    assert_useful(NAN);
    step(10, 5700);
    assert_useful(6);
}

static void workers_that_start_or_drain_are_not_measured(void **state)
{
    (void)state;
    hold(2, 4, 4000);
    farm.reading.steady = false;
    hold(20, 10, 5700);
    assert_useful(NAN);
    farm.reading.steady = true;
    hold(2, 10, 5700);
    assert_useful(6);
}

static void a_window_counts_only_when_events_waited_all_the_time(void **state)
{
    (void)state;
    hold(2, 4, 4000);
    for (int window = 0; window < 5; window++) {
        hold(1 - STEP_S, 10, 5700);
        farm.reading.pressed = false;
        step(10, 5700);
        farm.reading.pressed = true;
    }
    assert_useful(NAN);
    hold(3, 10, 5700);
    assert_useful(6);
}

static void few_events_are_measured_for_ten_seconds(void **state)
{
    (void)state;
    /* 30 events a second each, ten times as many workers handle no more. */
    hold(5, 1, 30);
    hold(3, 10, 30);
    assert_useful(NAN);
    hold(1.5, 10, 30);
    assert_useful(1);
    start(state);
    /* 3 a second: 30 events in ten seconds, of which chance explains a third or more. */
    hold(12, 1, 3);
    hold(10, 100, 3);
    assert_useful(NAN);
    hold(1, 100, 3);
    assert_useful(1);
    start(state);
    /* 1 a second: too few to measure. */
    hold(30, 1, 1);
    hold(100, 100, 1);
    assert_useful(NAN);
}

static void the_best_rate_is_forgotten_after_two_minutes(void **state)
{
    (void)state;
    farm.reading.pressed = false;
    hold(2, 4, 4000);
    /* Since then the workers are not all busy. */
    hold(118, 5, 100);
    farm.reading.pressed = true;
    hold(2, 20, 5000);
    assert_useful(5);
    start(state);
    farm.reading.pressed = false;
    hold(2, 4, 4000);
    hold(130, 5, 1000);
    farm.reading.pressed = true;
    hold(2, 20, 5000);
    assert_useful(NAN);
}

static void a_known_service_time_is_the_first_rate(void **state)
{
    (void)state;
    /* It may be wrong by a tenth, and twice that is allowed for: four times the work of one may be
     * five of what ten should. */
    farm.reading.service_s = 0.001;
    step(1, 1000);
    hold(2, 10, 3800);
    assert_useful(NAN);
    start(state);
    farm.reading.service_s = 0.001;
    step(1, 1000);
    hold(2, 10, 3200);
    assert_useful(4);
    start(state);
    step(1, 1000);
    hold(2, 10, 3200);
    assert_useful(NAN);
}

/* From a limit on, with as many workers at work, until it is probed. */
static void reach_probe(double seconds, double per_s)
{
    double limit = saturation_useful_workers(&farm.saturation);

    for (double until_s = farm.reading.time_s + seconds;
         saturation_useful_workers(&farm.saturation) == limit && farm.reading.time_s < until_s;)
        step((uint32_t)limit, per_s);
}

static void a_limit_is_probed_after_ten_seconds_with_half_as_many_more(void **state)
{
    (void)state;
    reach_a_limit_of_six();
    double from_s = farm.saturation.probe_from_s;
    hold(from_s - farm.reading.time_s - STEP_S, 6, 5700);
    assert_useful(6);
    step(6, 5700);
    assert_useful(9);
}

static void a_probe_is_rounded_up_and_of_one_worker_more_at_least(void **state)
{
    (void)state;
    hold(2, 4, 4000);
    hold(2, 10, 4700);
    assert_useful(5);
    reach_probe(20, 4700);
    assert_useful(8);
    start(state);
    hold(2, 1, 1000);
    hold(2, 10, 900);
    assert_useful(1);
    reach_probe(20, 900);
    assert_useful(2);
}

static void probes_that_do_not_help_come_twice_as_late_each_time(void **state)
{
    double found_s = 0;

    (void)state;
    reach_a_limit_of_six();
    for (int probes = 0; probes < 6; probes++) {
        double begun_s = farm.reading.time_s;
        reach_probe(1000, 5700);
        assert_useful(9);
        /* It is counted from the end of the window that showed the limit. */
        double waited_s = farm.reading.time_s - (found_s > 0 ? found_s : begun_s);
        double expected_s = fmin(10 * exp2(probes), 160);
        if (!(waited_s > expected_s - 1 && waited_s <= expected_s + STEP_S))
            fail_msg("the probe came after %g s, expected %g", waited_s, expected_s);
        while (saturation_useful_workers(&farm.saturation) == 9)
            step(9, 5700);
        assert_useful(6);
        found_s = farm.reading.time_s;
    }
}

static void a_probe_that_helps_by_half_ends_the_limit(void **state)
{
    (void)state;
    reach_a_limit_of_six();
    reach_probe(20, 5700);
    hold(2, 9, 6700);
    assert_useful(6);
    start(state);
    reach_a_limit_of_six();
    reach_probe(20, 5700);
    hold(2, 9, 7600);
    assert_useful(NAN);
    /* What the limit handled is the best rate from now on, and probes begin with ten seconds
     * again. */
    hold(2, 18, 7000);
    assert_useful(8);
    assert_true(farm.saturation.probe_wait_s == 10);
}

static void a_probe_without_more_workers_ends_after_thirty_seconds(void **state)
{
    (void)state;
    reach_a_limit_of_six();
    reach_probe(20, 5700);
    assert_useful(9);
    hold(30, 6, 5700);
    assert_useful(9);
    step(6, 5700);
    assert_useful(NAN);
}

static void a_limit_under_which_nothing_waited_is_forgotten(void **state)
{
    (void)state;
    reach_a_limit_of_six();
    farm.reading.pressed = false;
    hold(9, 3, 3000);
    assert_useful(6);
    hold(2, 3, 3000);
    assert_useful(NAN);
}

static void a_limit_under_which_less_is_handled_goes_at_once(void **state)
{
    (void)state;
    /* Ten handled 6000 because events have become dearer: then six handle 3600. */
    reach_a_limit_of_six();
    hold(2, 6, 3600);
    assert_useful(NAN);
    start(state);
    reach_a_limit_of_six();
    hold(2, 6, 5000);
    assert_useful(6);
    start(state);
    /* Ten and nine are too near to tell. */
    hold(2, 8, 80000);
    hold(2, 10, 86000);
    assert_useful(9);
    hold(2, 9, 70000);
    assert_useful(9);
}

static void a_limit_that_is_found_anew_is_probed_after_ten_seconds_again(void **state)
{
    (void)state;
    reach_a_limit_of_six();
    reach_probe(20, 5700);
    hold(2, 9, 5700);
    assert_useful(6);
    hold(2, 6, 3000);
    assert_useful(NAN);
    hold(2, 12, 2900);
    assert_useful(6);
    double from_s = farm.reading.time_s;
    reach_probe(30, 2900);
    assert_useful(9);
    assert_true(farm.reading.time_s <= from_s + 10);
}

#define claim(name) cmocka_unit_test_setup(name, start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(the_limit_is_the_workers_that_would_handle_as_much),
        claim(workers_help_when_they_bring_two_fifths_of_what_they_should),
        claim(what_chance_explains_is_no_limit),
        claim(numbers_of_workers_that_are_near_tell_nothing),
        claim(a_change_of_workers_settles_before_it_is_measured),
        claim(workers_that_start_or_drain_are_not_measured),
        claim(a_window_counts_only_when_events_waited_all_the_time),
        claim(few_events_are_measured_for_ten_seconds),
        claim(the_best_rate_is_forgotten_after_two_minutes),
        claim(a_known_service_time_is_the_first_rate),
        claim(a_limit_is_probed_after_ten_seconds_with_half_as_many_more),
        claim(a_probe_is_rounded_up_and_of_one_worker_more_at_least),
        claim(probes_that_do_not_help_come_twice_as_late_each_time),
        claim(a_probe_that_helps_by_half_ends_the_limit),
        claim(a_probe_without_more_workers_ends_after_thirty_seconds),
        claim(a_limit_under_which_nothing_waited_is_forgotten),
        claim(a_limit_under_which_less_is_handled_goes_at_once),
        claim(a_limit_that_is_found_anew_is_probed_after_ten_seconds_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
