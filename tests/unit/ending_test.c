#include "loadgen/ending.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MS       INT64_C(1000000)
#define PATIENCE (1000 * MS)

static struct ending ending;
static struct ledger_counts counts;

static int start(void **state)
{
    (void)state;
    ending = (struct ending){.patience_ns = PATIENCE, .verify = true};
    counts = (struct ledger_counts){0};
    ending_start(&ending, 0);
    return 0;
}

static void note(int64_t ms)
{
    ending_note(&ending, &counts, false, ms * MS);
}

static bool reached(int64_t ms, uint64_t unsettled)
{
    return ending_reached(&ending, &counts, false, unsettled, ms * MS);
}

static void a_run_goes_on_while_its_schedule_does(void **state)
{
    (void)state;
    note(0);
    assert_false(ending_reached(&ending, &counts, true, 0, 100 * PATIENCE));
}

static void without_answers_to_wait_for_confirms_are_the_end(void **state)
{
    (void)state;
    ending.verify = false;
    counts.published = 5;
    counts.confirmed = counts.lost = 4;
    note(1);
    assert_false(reached(2, 1));
    counts.confirmed = counts.lost = 5;
    note(2);
    assert_true(reached(2, 0));
}

static void the_last_answer_is_followed_by_a_while_for_duplicates(void **state)
{
    (void)state;
    counts = (struct ledger_counts){.published = 2, .confirmed = 2, .results = 1, .lost = 1};
    note(100);
    assert_false(reached(600, 0));
    counts.dead = 1;
    counts.lost = 0;
    note(600);
    assert_false(reached(849, 0));
    assert_true(reached(850, 0));
    /* A duplicate begins the while anew. */
    counts.duplicates = 1;
    note(700);
    assert_false(reached(949, 0));
    assert_true(reached(950, 0));
}

static void a_run_without_events_ends_at_once(void **state)
{
    (void)state;
    note(1);
    assert_true(reached(1, 0));
}

static void patience_ends_when_nothing_happens(void **state)
{
    (void)state;
    counts = (struct ledger_counts){.published = 2, .confirmed = 2, .lost = 2};
    note(100);
    note(900);
    assert_false(reached(1099, 0));
    assert_true(reached(1100, 0));
    counts.results = counts.lost = 1;
    note(1090);
    assert_false(reached(2089, 0));
    assert_true(reached(2090, 0));
}

static void time_in_which_the_broker_blocks_or_is_away_does_not_count(void **state)
{
    (void)state;
    counts.published = 1;
    note(0);
    ending_note(&ending, &counts, true, 900 * MS);
    assert_false(reached(5000, 1));
    note(6000); /* no more */
    assert_false(reached(6999, 1));
    assert_true(reached(7000, 1));
}

static void a_signal_leaves_five_seconds_and_a_second_one_none(void **state)
{
    (void)state;
    counts = (struct ledger_counts){.published = 1, .confirmed = 1, .lost = 1};
    ending.patience_ns = 100 * PATIENCE;
    note(0);
    assert_true(ending_signal(&ending, 1000 * MS));
    assert_true(ending.stopping && ending.stopped_ns == 1000 * MS);
    assert_false(reached(5999, 0));
    assert_true(reached(6000, 0));
    assert_false(reached(1001, 0));
    assert_false(ending_signal(&ending, 1001 * MS));
    assert_true(reached(1001, 0));
    assert_int_equal(ending.stopped_ns, 1000 * MS);
}

#define claim(name) cmocka_unit_test_setup(name, start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_run_goes_on_while_its_schedule_does),
        claim(without_answers_to_wait_for_confirms_are_the_end),
        claim(the_last_answer_is_followed_by_a_while_for_duplicates),
        claim(a_run_without_events_ends_at_once),
        claim(patience_ends_when_nothing_happens),
        claim(time_in_which_the_broker_blocks_or_is_away_does_not_count),
        claim(a_signal_leaves_five_seconds_and_a_second_one_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
