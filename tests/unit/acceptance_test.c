#include "autoscaler/leader/acceptance.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct acceptance acceptance;
static double total_msgs;

/* A queue of which both totals have been known for a tick. */
static int open_acceptance(void **state)
{
    double accepted;

    (void)state;
    acceptance = (struct acceptance){0};
    total_msgs = 1000;
    return !(acceptance_take(&acceptance, 0, total_msgs, &accepted) == 0 && isnan(accepted));
}

/* A tick with so many offered and so many more in total; what is reckoned with. */
static double tick(double offered_msgs, double growth_msgs)
{
    double accepted;

    total_msgs += growth_msgs;
    return acceptance_take(&acceptance, offered_msgs, total_msgs, &accepted);
}

/* The same; how many of them were accepted. */
static double accepted(double offered_msgs, double growth_msgs)
{
    double accepted_msgs;

    total_msgs += growth_msgs;
    acceptance_take(&acceptance, offered_msgs, total_msgs, &accepted_msgs);
    return accepted_msgs;
}

static void what_was_offered_counts_while_it_was_accepted(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        /* Chance, or moments that differ: within three standard deviations, or rarely more. */
        assert_true(tick(400, 340) == 400);
        assert_true(tick(400, 460) == 400);
        assert_true(tick(400, 100) == 400);
        assert_true(tick(400, 100) == 400);
    }
    assert_false(acceptance.refuses);
}

static void the_smaller_counts_from_the_third_tick_on(void **state)
{
    (void)state;
    assert_true(tick(400, 40) == 400);
    assert_true(tick(400, 40) == 400);
    assert_true(tick(400, 40) == 40);
    assert_true(acceptance.refuses);
    assert_true(tick(400, 20) == 20);
    assert_true(tick(400, 390) == 390);
    assert_true(tick(400, 450) == 400);
    assert_true(acceptance.refuses);
    assert_true(tick(400, 400) == 400);
    assert_false(acceptance.refuses);
    assert_true(tick(400, 40) == 400);
}

static void more_than_was_offered_changes_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_true(tick(100, 400) == 100);
    assert_false(acceptance.refuses);
}

static void unknown_ticks_prove_nothing(void **state)
{
    (void)state;
    tick(400, 40);
    tick(400, 40);
    assert_true(tick(400, NAN) == 400);
    total_msgs = 5000;
    assert_true(tick(400, 0) == 400); /* the tick before is unknown */
    tick(400, 40);
    tick(400, 40);
    assert_false(acceptance.refuses);
    assert_true(isnan(tick(NAN, 40)));
    assert_true(tick(400, 40) == 400);
    assert_false(acceptance.refuses);
}

static void while_the_queue_refuses_an_unknown_tick_is_held_but_not_for_ever(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        tick(400, 40);
    assert_true(isnan(tick(400, NAN)));
    assert_true(isnan(tick(400, NAN)));
    assert_true(acceptance.refuses);
    assert_true(tick(400, NAN) == 400);
    assert_false(acceptance.refuses);
}

static void a_purge_proves_nothing(void **state)
{
    (void)state;
    tick(400, 40);
    tick(400, 40);
    assert_true(tick(400, -900) == 400);
    assert_false(acceptance.refuses);
}

static void what_was_missed_for_a_moment_is_not_accepted_twice(void **state)
{
    (void)state;
    assert_true(accepted(100, 100) == 100);
    assert_true(accepted(0, -3) == 0);
    assert_true(accepted(0, 3) == 0);
    assert_true(accepted(10, 10) == 10);
}

static void what_is_missed_for_long_is_not_accepted_twice(void **state)
{
    (void)state;
    accepted(100, 100);
    accepted(0, -1);
    for (int i = 0; i < 10; i++)
        assert_true(accepted(0, 0) == 0);
    assert_true(accepted(0, 1) == 0);
    assert_true(accepted(10, 10) == 10);
}

static void what_is_lost_little_by_little_hides_no_more_than_chance(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        assert_true(accepted(0, -1) == 0);
    assert_true(accepted(10, 10) == 7);
    assert_true(accepted(10, 10) == 10);
}

static void where_nothing_is_accepted_there_is_one_event_to_reckon_with(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        tick(400, 0);
    assert_true(tick(400, 0) == 1);
    assert_true(tick(400, -5) == 1);
    assert_true(tick(0, 0) == 0);
}

static void where_nothing_is_counted_what_is_accepted_is_what_arrives(void **state)
{
    (void)state;
    acceptance = (struct acceptance){0};
    assert_true(isnan(acceptance_take_alone(&acceptance, 50)));
    assert_true(acceptance_take_alone(&acceptance, 70) == 20);
    assert_true(acceptance_take_alone(&acceptance, 70) == 0);
    /* A purge is no arrival, and nothing that has to be made up for. */
    assert_true(acceptance_take_alone(&acceptance, 10) == 0);
    assert_true(acceptance_take_alone(&acceptance, 15) == 5);
    /* After what is unknown there is nothing to compare with. */
    assert_true(isnan(acceptance_take_alone(&acceptance, NAN)));
    assert_true(isnan(acceptance_take_alone(&acceptance, 40)));
    assert_true(acceptance_take_alone(&acceptance, 41) == 1);
}

/* ---- over several hosts ---- */

/* So many a second arrive, and half of what arrived in the last so many seconds is missed, because
 * the nodes' reports were older than the look at the queue. */
static double lately(struct acceptance_window *window, double time_s, double per_s, double age_s)
{
    return acceptance_lately_per_s(window, per_s * (time_s - age_s / 2), 0.5);
}

static void over_hosts_old_reports_make_a_tenth_at_most(void **state)
{
    struct acceptance_window window = {0};
    double time_s = 0;

    (void)state;
    for (int i = 0; i < 8; i++)
        assert_true(isnan(lately(&window, time_s += 0.5, 100, i % 2)));
    for (int i = 0; i < 12; i++)
        assert_true(fabs(lately(&window, time_s += 0.5, 100, i % 2) - 100) <= 13);
    for (int i = 0; i < 200; i++)
        assert_true(fabs(lately(&window, time_s += 0.5, 100, i % 3 / 2.0) - 100) <= 5.01);
}

static void over_hosts_the_rate_follows_within_the_window(void **state)
{
    struct acceptance_window window = {0};
    double total = 0;

    (void)state;
    for (int i = 0; i < 1000; i++)
        acceptance_lately_per_s(&window, total += 10, 0.02);
    assert_true(fabs(acceptance_lately_per_s(&window, total += 10, 0.02) - 500) < 1);
    for (int i = 0; i < 6; i++)
        acceptance_lately_per_s(&window, total, 2);
    assert_true(acceptance_lately_per_s(&window, total, 2) == 0);
    /* Rare ticks, unknown ones among them. */
    assert_true(fabs(acceptance_lately_per_s(&window, total += 600, 30) - 20) < 1e-6);
    assert_true(isnan(acceptance_lately_per_s(&window, NAN, 30)));
    assert_true(fabs(acceptance_lately_per_s(&window, total += 600, 30) - 10) < 1e-6);
    /* A purge is no arrival. */
    assert_true(acceptance_lately_per_s(&window, 0, 30) == 0);
    assert_true(fabs(acceptance_lately_per_s(&window, 30, 30) - 1) < 1e-6);
}

#define claim(name) cmocka_unit_test_setup(name, open_acceptance)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(what_was_offered_counts_while_it_was_accepted),
        claim(the_smaller_counts_from_the_third_tick_on),
        claim(more_than_was_offered_changes_nothing),
        claim(unknown_ticks_prove_nothing),
        claim(while_the_queue_refuses_an_unknown_tick_is_held_but_not_for_ever),
        claim(a_purge_proves_nothing),
        claim(what_was_missed_for_a_moment_is_not_accepted_twice),
        claim(what_is_missed_for_long_is_not_accepted_twice),
        claim(what_is_lost_little_by_little_hides_no_more_than_chance),
        claim(where_nothing_is_accepted_there_is_one_event_to_reckon_with),
        claim(over_hosts_old_reports_make_a_tenth_at_most),
        claim(over_hosts_the_rate_follows_within_the_window),
        claim(where_nothing_is_counted_what_is_accepted_is_what_arrives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
