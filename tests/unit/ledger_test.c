#include "loadgen/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RUN UINT64_C(0x00c0ffee12345678)

static struct ledger *ledger;

static int start_empty(void **state)
{
    (void)state;
    return ledger_open(RUN, true, &ledger);
}

static int clear(void **state)
{
    (void)state;
    ledger_close(ledger);
    ledger = NULL;
    return 0;
}

static void send(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(ledger_sent(ledger), 0);
}

static bool give(uint64_t sequence)
{
    return ledger_result(ledger, sequence, true, false, 7000);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void a_confirmed_event_is_lost_until_it_is_answered(void **state)
{
    (void)state;
    send(3);
    assert_int_equal(ledger->counts.published, 3);
    assert_int_equal(ledger->counts.lost, 0);
    ledger_confirmed(ledger, 0, 1);
    ledger_confirmed(ledger, 2, 1);
    assert_int_equal(ledger->counts.confirmed, 2);
    assert_int_equal(ledger->counts.lost, 2);
    assert_true(give(2));
    assert_int_equal(ledger->counts.lost, 1);
    assert_int_equal(ledger->counts.results, 1);
    uint64_t lost = 0;
    assert_true(ledger_next_lost(ledger, &lost));
    assert_int_equal(lost, 0);
    lost = 1;
    assert_false(ledger_next_lost(ledger, &lost));
}

static void an_answer_may_come_before_the_confirm(void **state)
{
    (void)state;
    send(1);
    assert_true(give(0));
    assert_int_equal(ledger->counts.lost, 0);
    ledger_confirmed(ledger, 0, 1);
    assert_int_equal(ledger->counts.confirmed, 1);
    assert_int_equal(ledger->counts.lost, 0);
}

static void a_second_confirm_changes_nothing(void **state)
{
    (void)state;
    send(1);
    ledger_confirmed(ledger, 0, 1);
    ledger_confirmed(ledger, 0, 1);
    assert_int_equal(ledger->counts.confirmed, 1);
    assert_int_equal(ledger->counts.lost, 1);
    assert_int_equal(ledger->confirm.count, 1);
}

static void a_returned_event_is_neither_confirmed_nor_lost(void **state)
{
    (void)state;
    send(1);
    ledger_returned(ledger, 0);
    ledger_confirmed(ledger, 0, 1);
    assert_int_equal(ledger->counts.returned, 1);
    assert_int_equal(ledger->counts.confirmed, 0);
    assert_int_equal(ledger->counts.lost, 0);
}

static void a_returned_event_sent_again_may_be_routed(void **state)
{
    (void)state;
    send(1);
    ledger_returned(ledger, 0);
    ledger_sent_again(ledger, 0);
    ledger_confirmed(ledger, 0, 1);
    assert_int_equal(ledger->counts.returned, 0);
    assert_int_equal(ledger->counts.confirmed, 1);
    assert_int_equal(ledger->counts.lost, 1);
}

static void answers_beyond_the_first_are_duplicates(void **state)
{
    (void)state;
    send(2);
    ledger_confirmed(ledger, 0, 1);
    ledger_confirmed(ledger, 1, 1);
    assert_true(give(0));
    assert_true(give(0));
    ledger_dead(ledger, 0, false);
    assert_int_equal(ledger->counts.results, 1);
    assert_int_equal(ledger->counts.dead, 0);
    assert_int_equal(ledger->counts.duplicates, 2);
    assert_int_equal(ledger->end_to_end.count, 1);
    ledger_dead(ledger, 1, false);
    assert_true(give(1));
    assert_int_equal(ledger->counts.results, 1);
    assert_int_equal(ledger->counts.dead, 1);
    assert_int_equal(ledger->counts.duplicates, 3);
    assert_int_equal(ledger->counts.lost, 0);
}

static void an_answer_handed_out_again_is_counted_once(void **state)
{
    (void)state;
    send(2);
    assert_true(ledger_result(ledger, 0, true, true, 1));
    assert_int_equal(ledger->counts.results, 1);
    assert_false(ledger_result(ledger, 0, false, true, 1));
    ledger_dead(ledger, 0, true);
    assert_int_equal(ledger->counts.corrupted, 0);
    assert_int_equal(ledger->counts.results, 1);
    assert_int_equal(ledger->counts.duplicates, 0);
}

static void a_wrong_result_is_corrupted_and_still_an_answer(void **state)
{
    (void)state;
    send(2);
    ledger_confirmed(ledger, 0, 1);
    assert_true(ledger_result(ledger, 0, false, false, 1));
    assert_true(give(1));
    assert_int_equal(ledger->counts.corrupted, 1);
    assert_int_equal(ledger->counts.results, 2);
    assert_int_equal(ledger->counts.lost, 0);
}

static void a_wrong_duplicate_is_corrupted_too(void **state)
{
    (void)state;
    send(1);
    assert_true(give(0));
    assert_true(ledger_result(ledger, 0, false, false, 1));
    assert_int_equal(ledger->counts.corrupted, 1);
    assert_int_equal(ledger->counts.duplicates, 1);
}

static void messages_of_others_are_counted_apart(void **state)
{
    const struct broker_bytes none = broker_text(NULL),
                              ours = broker_text("00c0ffee12345678.0.1388");
    struct event_id id;

    (void)state;
    send(1);
    assert_false(ledger_find(ledger, none, none, &id));
    assert_false(ledger_find(ledger, broker_text("1"), broker_text("1"), &id));
    assert_false(ledger_find(ledger, broker_text("00c0ffee12345679.0.0"), none, &id));
    /* Ours by its form, but never sent. */
    assert_false(ledger_find(ledger, broker_text("00c0ffee12345678.1.0"), none, &id));
    assert_int_equal(ledger->counts.foreign, 4);
    assert_true(ledger_find(ledger, ours, none, &id));
    assert_true(ledger_find(ledger, none, ours, &id));
    assert_true(ledger_find(ledger, broker_text("x"), ours, &id));
    assert_int_equal(id.sequence, 0);
    assert_int_equal(id.intended_ns, 5000);
    assert_int_equal(ledger->counts.foreign, 4);
}

static void numbers_never_sent_are_ignored(void **state)
{
    (void)state;
    send(1);
    ledger_confirmed(ledger, 1, 1);
    ledger_returned(ledger, UINT64_MAX);
    ledger_nacked(ledger, 1);
    ledger_sent_again(ledger, 1);
    ledger_dead(ledger, 1, false);
    assert_false(give(1));
    assert_int_equal(ledger->counts.published, 1);
    assert_int_equal(ledger->counts.confirmed + ledger->counts.returned + ledger->counts.nacked +
                         ledger->counts.dead + ledger->counts.results,
                     0);
}

/* Whatever happens in whatever order: what is confirmed is answered or lost, and nothing is counted
 * twice. */
static void the_accounts_always_add_up(void **state)
{
    enum { EVENTS = 200000 };
    static uint8_t confirmed[EVENTS], answered[EVENTS];
    uint64_t random = 7, answers = 0;

    (void)state;
    send(EVENTS);
    for (int i = 0; i < 4 * EVENTS; i++) {
        uint64_t event = next_random(&random) % EVENTS;
        switch (next_random(&random) % 4) {
        case 0:
        case 1:
            ledger_confirmed(ledger, event, 1);
            confirmed[event] = 1;
            break;
        case 2:
            give(event);
            answered[event] = 1;
            answers++;
            break;
        default:
            ledger_dead(ledger, event, false);
            answered[event] = 1;
            answers++;
        }
    }
    uint64_t lost = 0, found = 0;
    for (size_t i = 0; i < EVENTS; i++)
        lost += confirmed[i] && !answered[i];
    for (uint64_t at = 0; ledger_next_lost(ledger, &at); at++)
        found++;
    assert_int_equal(ledger->counts.lost, lost);
    assert_int_equal(found, lost);
    assert_int_equal(ledger->counts.results + ledger->counts.dead + ledger->counts.duplicates,
                     answers);
}

#define claim(name) cmocka_unit_test_setup_teardown(name, start_empty, clear)

static void what_a_notice_explains_is_destroyed_and_not_lost(void **state)
{
    (void)state;
    for (uint64_t sequence = 0; sequence < 6; sequence++) {
        if (sequence == 4)
            ledger_queue_deleted(ledger); /* 4 and 5 are sent after it */
        assert_int_equal(ledger_sent(ledger), 0);
        ledger_confirmed(ledger, sequence, 1);
    }
    ledger_dead(ledger, 1, false);
    ledger_dead(ledger, 4, false);
    assert_int_equal(ledger->counts.lost, 4);
    ledger_conclude(ledger);
    assert_int_equal(ledger->counts.destroyed, 3); /* 0, 2, 3 */
    assert_int_equal(ledger->counts.lost, 1);      /* 5 */
    uint64_t lost = 0;
    assert_true(ledger_next_lost(ledger, &lost));
    assert_int_equal(lost, 5);
}

static size_t pages_kept(void)
{
    size_t kept = 0;

    for (size_t i = 0; i < ledger->page_count; i++)
        kept += ledger->pages[i].events != NULL;
    return kept;
}

/* Ten million events of which at most a window is open at a time. */
static void what_is_done_takes_no_memory(void **state)
{
    enum { EVENTS = 10000000, WINDOW = 100000 };

    (void)state;
    for (uint64_t sequence = 0; sequence < EVENTS + WINDOW; sequence++) {
        if (sequence < EVENTS) {
            assert_int_equal(ledger_sent(ledger), 0);
            ledger_confirmed(ledger, sequence, 1);
        }
        if (sequence >= WINDOW)
            ledger_dead(ledger, sequence - WINDOW, false);
        if (sequence % 100000 == 0)
            assert_true(pages_kept() <= WINDOW / LEDGER_PAGE_EVENTS + 2);
    }
    assert_true(pages_kept() <= 1);
    assert_int_equal(ledger->counts.confirmed, EVENTS);
    assert_int_equal(ledger->counts.dead, EVENTS);
    assert_int_equal(ledger->counts.lost, 0);
}

static void of_a_page_that_is_done_everything_is_still_known(void **state)
{
    uint64_t lost = 0;

    (void)state;
    send(2 * LEDGER_PAGE_EVENTS);
    for (uint64_t sequence = 0; sequence < 2 * LEDGER_PAGE_EVENTS; sequence++) {
        ledger_confirmed(ledger, sequence, 1);
        if (sequence != LEDGER_PAGE_EVENTS + 7)
            ledger_dead(ledger, sequence, false);
    }
    assert_int_equal(pages_kept(), 1);
    assert_true(ledger_next_lost(ledger, &lost));
    assert_int_equal(lost, LEDGER_PAGE_EVENTS + 7);
    lost++;
    assert_false(ledger_next_lost(ledger, &lost));

    assert_true(give(5));
    assert_false(ledger_result(ledger, 5, true, true, 1));
    ledger_confirmed(ledger, 5, 1);
    ledger_returned(ledger, 5);
    assert_int_equal(ledger->counts.duplicates, 1);
    assert_int_equal(ledger->counts.results, 0);
    assert_int_equal(ledger->counts.returned, 0);
    assert_int_equal(ledger->counts.confirmed, 2 * LEDGER_PAGE_EVENTS);
    assert_int_equal(ledger->counts.lost, 1);
}

static void without_answers_a_confirmed_page_is_done(void **state)
{
    (void)state;
    ledger_close(ledger);
    assert_int_equal(ledger_open(RUN, false, &ledger), 0);
    send(LEDGER_PAGE_EVENTS);
    for (uint64_t sequence = 0; sequence < LEDGER_PAGE_EVENTS; sequence++)
        ledger_confirmed(ledger, sequence, 1);
    assert_int_equal(pages_kept(), 0);
    assert_int_equal(ledger->counts.confirmed, LEDGER_PAGE_EVENTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_confirmed_event_is_lost_until_it_is_answered),
        claim(an_answer_may_come_before_the_confirm),
        claim(a_second_confirm_changes_nothing),
        claim(a_returned_event_is_neither_confirmed_nor_lost),
        claim(a_returned_event_sent_again_may_be_routed),
        claim(answers_beyond_the_first_are_duplicates),
        claim(an_answer_handed_out_again_is_counted_once),
        claim(a_wrong_result_is_corrupted_and_still_an_answer),
        claim(a_wrong_duplicate_is_corrupted_too),
        claim(messages_of_others_are_counted_apart),
        claim(numbers_never_sent_are_ignored),
        claim(what_a_notice_explains_is_destroyed_and_not_lost),
        claim(what_is_done_takes_no_memory),
        claim(of_a_page_that_is_done_everything_is_still_known),
        claim(without_answers_a_confirmed_page_is_done),
        claim(the_accounts_always_add_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
