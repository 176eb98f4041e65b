#include "loadgen/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RUN  UINT64_C(0x00c0ffee12345678)
#define TEXT "a tonto and a fool"

static struct ledger *ledger;

static int start_empty(void **state)
{
    (void)state;
    return ledger_open(RUN, broker_text("CENSORED"), true, &ledger);
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

/* A right answer to TEXT, as a worker would give it. */
struct right {
    char name[LEDGER_ID_SIZE];
    struct ledger_id id;
    struct ledger_answer answer;
};

static void make_right(uint64_t sequence, struct right *right)
{
    right->id = (struct ledger_id){.sequence = sequence, .intended_ns = 5000};
    size_t length = ledger_format_id(RUN, &right->id, right->name);
    right->answer = (struct ledger_answer){
        .message_id = {right->name, length},
        .correlation_id = {right->name, length},
        .body = broker_text("a CENSORED and a CENSORED"),
        .has_matches = true,
        .matches = 2,
    };
}

static const char *give(struct right *right)
{
    return ledger_result(ledger, &right->id, &right->answer, broker_text(TEXT), 7000);
}

/* ---- names ---- */

static void a_name_is_read_back_as_it_was_written(void **state)
{
    static const struct ledger_id ids[] = {
        {0, 0}, {1, 999}, {255, 16}, {UINT64_MAX, INT64_MAX}, {UINT64_C(1) << 32, 1000000000}};

    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char name[LEDGER_ID_SIZE];
        struct ledger_id id = {7, 7};
        size_t length = ledger_format_id(RUN, &ids[i], name);
        assert_int_equal(length, strlen(name));
        assert_true(length < LEDGER_ID_SIZE);
        assert_true(ledger_parse_id(RUN, (struct broker_bytes){name, length}, &id));
        assert_true(id.sequence == ids[i].sequence && id.intended_ns == ids[i].intended_ns);
    }
}

static void a_name_of_another_run_or_form_is_not_ours(void **state)
{
    static const char *const names[] = {
        "",
        "00c0ffee12345678",
        "00c0ffee12345678.1",
        "00c0ffee12345678.1.",
        "00c0ffee12345678..1",
        "00c0ffee12345678.1.1.1",
        "00c0ffee12345678.1.1 ",
        "00c0ffee12345678.01.1",
        "00c0ffee12345678.1.0A",
        "00c0ffee12345678.-1.1",
        "00c0ffee12345678.1.8000000000000000",
        "00c0ffee12345678.11111111111111111.1",
        "00c0ffee12345679.1.1",
        "c0ffee12345678.1.1",
        "000c0ffee12345678.1.1",
    };
    struct ledger_id id = {7, 7};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (ledger_parse_id(RUN, broker_text(names[i]), &id))
            fail_msg("'%s' was taken for a name", names[i]);
    assert_false(ledger_parse_id(RUN, broker_text(NULL), &id));
    assert_true(ledger_parse_id(RUN, broker_text("00c0ffee12345678.1.1"), &id));
}

/* ---- texts ---- */

static bool matches(const char *original, const char *result, const char *mask, int64_t count)
{
    return ledger_text_matches(broker_text(original), broker_text(result), broker_text(mask),
                               count);
}

static void a_text_without_matches_must_be_unchanged(void **state)
{
    (void)state;
    assert_true(matches("plain", "plain", "X", 0));
    assert_true(matches("", "", "X", 0));
    assert_false(matches("plain", "plain ", "X", 0));
    assert_false(matches("plain", "", "X", 0));
    assert_false(matches("", "plain", "X", 0));
    assert_false(matches("a X b", "a X c", "X", 0));
    assert_false(matches("plain", "plain", "X", -1));
}

static void each_match_is_a_stretch_replaced_by_the_mask(void **state)
{
    (void)state;
    assert_true(matches(TEXT, "a CENSORED and a fool", "CENSORED", 1));
    assert_true(matches(TEXT, "a tonto and a CENSORED", "CENSORED", 1));
    assert_true(matches(TEXT, "a CENSORED and a CENSORED", "CENSORED", 2));
    assert_true(matches(TEXT, "CENSORED", "CENSORED", 1));
    assert_true(matches("fool", "CENSORED", "CENSORED", 1));
    assert_true(matches("fool you", "CENSORED you", "CENSORED", 1));
    assert_true(matches("fooltonto", "XX", "X", 2));
}

static void a_wrong_count_does_not_match(void **state)
{
    (void)state;
    assert_false(matches(TEXT, "a CENSORED and a CENSORED", "CENSORED", 1));
    assert_false(matches(TEXT, "a CENSORED and a CENSORED", "CENSORED", 3));
    assert_false(matches(TEXT, "a CENSORED and a fool", "CENSORED", 2));
    assert_false(matches(TEXT, "a CENSORED and a fool", "CENSORED", 0));
    assert_false(matches(TEXT, TEXT, "CENSORED", 1));
    assert_false(matches(TEXT, "a CENSORED and a fool", "CENSORED", INT64_MAX));
}

static void a_change_beside_the_mask_does_not_match(void **state)
{
    (void)state;
    assert_false(matches(TEXT, "a CENSORED und a fool", "CENSORED", 1));
    assert_false(matches(TEXT, "A CENSORED and a fool", "CENSORED", 1));
    assert_false(matches(TEXT, "a CENSORED and a fool!", "CENSORED", 1));
    assert_false(matches(TEXT, "a CENSORED", "CENSORED ", 1));
    assert_false(matches(TEXT, "a censored and a fool", "CENSORED", 1));
}

static void a_mask_does_not_stand_for_nothing(void **state)
{
    (void)state;
    assert_false(matches("a b", "a CENSORED b", "CENSORED", 1));
    assert_false(matches("ab", "abX", "X", 1));
    assert_false(matches("ab", "Xab", "X", 1));
    assert_false(matches("", "X", "X", 1));
    assert_false(matches("a", "XX", "X", 2));
    assert_true(matches("ab", "XX", "X", 2));
}

static void a_mask_in_the_original_may_stay_or_be_replaced(void **state)
{
    (void)state;
    assert_true(matches("X fool", "X X", "X", 1));
    assert_true(matches("fool X", "X X", "X", 1));
    assert_true(matches("X X", "X X", "X", 1));
    assert_true(matches("X X", "X X", "X", 2));
    assert_true(matches("a X fool X b", "a X X X b", "X", 1));
    assert_false(matches("a X fool X b", "a X X X c", "X", 1));
    assert_false(matches("X fool", "Y X", "X", 1));
    assert_true(matches("the fool was CENSORED, CENSORED he was",
                        "the CENSORED was CENSORED, CENSORED he was", "CENSORED", 1));
    assert_true(matches("the fool was CENSORED", "the CENSORED CENSORED", "CENSORED", 1));
}

static void a_mask_may_overlap_itself(void **state)
{
    (void)state;
    assert_true(matches("a**b", "a***b", "**", 1));
    assert_true(matches("fool*", "***", "**", 1));
    assert_true(matches("*fool", "***", "**", 1));
    assert_false(matches("fool*", "***", "**", 2));
    assert_true(matches("fool, fool", "****, ****", "****", 2));
    assert_true(matches("ababab", "abaab", "aba", 1));
}

static void an_empty_mask_only_takes_away(void **state)
{
    (void)state;
    assert_true(matches("you fool!", "you !", "", 1));
    assert_true(matches("fool", "", "", 1));
    assert_false(matches("fool", "fool", "", 1));
    assert_false(matches("you fool!", "you ?", "", 1));
    assert_false(matches("fool", "fo", "", 3));
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Every way to cut the original, tried one by one. */
static bool matches_by_trying(const char *original, const char *result, const char *mask, int count)
{
    size_t length = strlen(mask);

    if (count == 0)
        return strcmp(original, result) == 0;
    if (strncmp(result, mask, length) == 0)
        for (const char *rest = original; *rest; rest++)
            if (matches_by_trying(rest + 1, result + length, mask, count - 1))
                return true;
    return *original && *original == *result &&
           matches_by_trying(original + 1, result + 1, mask, count);
}

static void random_texts_match_as_trying_every_way_says(void **state)
{
    static const char *const masks[] = {"a", "b", "ab", "aa", "aba", "abb"};
    uint64_t random = 42;
    int right = 0;

    (void)state;
    for (int round = 0; round < 200000; round++) {
        char original[12] = "", result[12] = "";
        size_t original_length = next_random(&random) % 9, result_length = next_random(&random) % 9;
        for (size_t i = 0; i < original_length; i++)
            original[i] = (char)('a' + next_random(&random) % 2);
        for (size_t i = 0; i < result_length; i++)
            result[i] = (char)('a' + next_random(&random) % 2);
        const char *mask = masks[next_random(&random) % 6];
        int count = (int)(next_random(&random) % 4);
        bool expected = matches_by_trying(original, result, mask, count);
        right += expected;
        if (matches(original, result, mask, count) != expected)
            fail_msg("'%s' -> '%s', %d times '%s': expected %d", original, result, count, mask,
                     expected);
    }
    assert_true(right > 5000);
}

static void long_texts_take_no_long_time(void **state)
{
    enum { LENGTH = 10 * 13107 };
    char *original = malloc(LENGTH + 1), *result = malloc(LENGTH + 1);

    (void)state;
    assert_non_null(original);
    assert_non_null(result);
    /* A word in ten bytes, each replaced by a mask of the same length. */
    for (size_t i = 0; i < LENGTH; i++) {
        original[i] = "tonto and "[i % 10];
        result[i] = "XXXXX and "[i % 10];
    }
    original[LENGTH] = result[LENGTH] = '\0';
    assert_true(matches(original, result, "XXXXX", LENGTH / 10));
    /* The same letter throughout: undecidable within reason, and so not a match. */
    memset(original, 'a', LENGTH);
    memset(result, 'a', LENGTH);
    (void)matches(original, result, "aaa", LENGTH / 10);
    result[LENGTH / 2] = 'b';
    assert_false(matches(original, result, "aaa", LENGTH / 10));
    free(original);
    free(result);
}

/* ---- accounts ---- */

static void a_confirmed_event_is_lost_until_it_is_answered(void **state)
{
    struct right right;

    (void)state;
    send(3);
    assert_int_equal(ledger->counts.published, 3);
    assert_int_equal(ledger->counts.lost, 0);
    ledger_confirmed(ledger, 0, 1);
    ledger_confirmed(ledger, 2, 1);
    assert_int_equal(ledger->counts.confirmed, 2);
    assert_int_equal(ledger->counts.lost, 2);
    make_right(2, &right);
    assert_null(give(&right));
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
    struct right right;

    (void)state;
    send(1);
    make_right(0, &right);
    assert_null(give(&right));
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
    struct right right;

    (void)state;
    send(2);
    ledger_confirmed(ledger, 0, 1);
    ledger_confirmed(ledger, 1, 1);
    make_right(0, &right);
    give(&right);
    give(&right);
    ledger_dead(ledger, &right.id, false);
    assert_int_equal(ledger->counts.results, 1);
    assert_int_equal(ledger->counts.dead, 0);
    assert_int_equal(ledger->counts.duplicates, 2);
    assert_int_equal(ledger->end_to_end.count, 1);
    make_right(1, &right);
    ledger_dead(ledger, &right.id, false);
    give(&right);
    assert_int_equal(ledger->counts.results, 1);
    assert_int_equal(ledger->counts.dead, 1);
    assert_int_equal(ledger->counts.duplicates, 3);
    assert_int_equal(ledger->counts.lost, 0);
}

static void an_answer_handed_out_again_is_counted_once(void **state)
{
    struct right right;

    (void)state;
    send(2);
    make_right(0, &right);
    right.answer.redelivered = true;
    give(&right);
    assert_int_equal(ledger->counts.results, 1);
    give(&right);
    ledger_dead(ledger, &right.id, true);
    assert_int_equal(ledger->counts.results, 1);
    assert_int_equal(ledger->counts.duplicates, 0);
}

static void every_way_to_be_wrong_is_corrupted_and_still_an_answer(void **state)
{
    struct right right;

    (void)state;
    send(6);
    make_right(0, &right);
    right.answer.body = broker_text("a CENSORED and a fool");
    assert_non_null(give(&right));
    make_right(1, &right);
    right.answer.has_matches = false;
    assert_non_null(give(&right));
    make_right(2, &right);
    right.answer.correlation_id = broker_text("00c0ffee12345678.1.1388");
    assert_non_null(give(&right));
    make_right(3, &right);
    right.answer.correlation_id = broker_text(NULL);
    assert_non_null(give(&right));
    make_right(4, &right);
    right.answer.message_id = broker_text(NULL);
    assert_non_null(give(&right));
    make_right(5, &right);
    assert_null(give(&right));
    assert_int_equal(ledger->counts.corrupted, 5);
    assert_int_equal(ledger->counts.results, 6);
}

static void a_wrong_duplicate_is_corrupted_too(void **state)
{
    struct right right;

    (void)state;
    send(1);
    make_right(0, &right);
    assert_null(give(&right));
    right.answer.matches = 1;
    assert_non_null(give(&right));
    assert_int_equal(ledger->counts.corrupted, 1);
    assert_int_equal(ledger->counts.duplicates, 1);
}

static void messages_of_others_are_counted_apart(void **state)
{
    const struct broker_bytes none = broker_text(NULL);
    struct right right;
    struct ledger_id id;

    (void)state;
    send(1);
    assert_false(ledger_find(ledger, none, none, &id));
    assert_false(ledger_find(ledger, broker_text("1"), broker_text("1"), &id));
    assert_false(ledger_find(ledger, broker_text("00c0ffee12345679.0.0"), none, &id));
    /* Ours by its form, but never sent. */
    assert_false(ledger_find(ledger, broker_text("00c0ffee12345678.1.0"), none, &id));
    assert_int_equal(ledger->counts.foreign, 4);
    make_right(0, &right);
    assert_true(ledger_find(ledger, right.answer.message_id, none, &id));
    assert_true(ledger_find(ledger, none, right.answer.correlation_id, &id));
    assert_true(ledger_find(ledger, broker_text("x"), right.answer.correlation_id, &id));
    assert_int_equal(id.sequence, 0);
    assert_int_equal(id.intended_ns, 5000);
    assert_int_equal(ledger->counts.foreign, 4);
}

static void numbers_never_sent_are_ignored(void **state)
{
    struct right right;

    (void)state;
    send(1);
    ledger_confirmed(ledger, 1, 1);
    ledger_returned(ledger, UINT64_MAX);
    ledger_nacked(ledger, 1);
    ledger_sent_again(ledger, 1);
    make_right(1, &right);
    ledger_dead(ledger, &right.id, false);
    give(&right);
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
        struct right right;
        make_right(event, &right);
        switch (next_random(&random) % 4) {
        case 0:
        case 1:
            ledger_confirmed(ledger, event, 1);
            confirmed[event] = 1;
            break;
        case 2:
            give(&right);
            answered[event] = 1;
            answers++;
            break;
        default:
            ledger_dead(ledger, &right.id, false);
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
            ledger_notice(ledger); /* 4 and 5 are sent after it */
        assert_int_equal(ledger_sent(ledger), 0);
        ledger_confirmed(ledger, sequence, 1);
    }
    ledger_dead(ledger, &(struct ledger_id){.sequence = 1}, false);
    ledger_dead(ledger, &(struct ledger_id){.sequence = 4}, false);
    assert_int_equal(ledger->counts.lost, 4);
    ledger_settle(ledger);
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
            ledger_dead(ledger, &(struct ledger_id){.sequence = sequence - WINDOW}, false);
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
    struct right right;
    uint64_t lost = 0;

    (void)state;
    send(2 * LEDGER_PAGE_EVENTS);
    for (uint64_t sequence = 0; sequence < 2 * LEDGER_PAGE_EVENTS; sequence++) {
        ledger_confirmed(ledger, sequence, 1);
        if (sequence != LEDGER_PAGE_EVENTS + 7)
            ledger_dead(ledger, &(struct ledger_id){.sequence = sequence}, false);
    }
    assert_int_equal(pages_kept(), 1);
    assert_true(ledger_next_lost(ledger, &lost));
    assert_int_equal(lost, LEDGER_PAGE_EVENTS + 7);
    lost++;
    assert_false(ledger_next_lost(ledger, &lost));

    make_right(5, &right);
    assert_null(ledger_result(ledger, &right.id, &right.answer, broker_text(TEXT), 1));
    right.answer.redelivered = true;
    assert_null(ledger_result(ledger, &right.id, &right.answer, broker_text(TEXT), 1));
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
    assert_int_equal(ledger_open(RUN, broker_text("CENSORED"), false, &ledger), 0);
    send(LEDGER_PAGE_EVENTS);
    for (uint64_t sequence = 0; sequence < LEDGER_PAGE_EVENTS; sequence++)
        ledger_confirmed(ledger, sequence, 1);
    assert_int_equal(pages_kept(), 0);
    assert_int_equal(ledger->counts.confirmed, LEDGER_PAGE_EVENTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_name_is_read_back_as_it_was_written),
        claim(a_name_of_another_run_or_form_is_not_ours),
        claim(a_text_without_matches_must_be_unchanged),
        claim(each_match_is_a_stretch_replaced_by_the_mask),
        claim(a_wrong_count_does_not_match),
        claim(a_change_beside_the_mask_does_not_match),
        claim(a_mask_does_not_stand_for_nothing),
        claim(a_mask_in_the_original_may_stay_or_be_replaced),
        claim(a_mask_may_overlap_itself),
        claim(an_empty_mask_only_takes_away),
        claim(random_texts_match_as_trying_every_way_says),
        claim(long_texts_take_no_long_time),
        claim(a_confirmed_event_is_lost_until_it_is_answered),
        claim(an_answer_may_come_before_the_confirm),
        claim(a_second_confirm_changes_nothing),
        claim(a_returned_event_is_neither_confirmed_nor_lost),
        claim(a_returned_event_sent_again_may_be_routed),
        claim(answers_beyond_the_first_are_duplicates),
        claim(an_answer_handed_out_again_is_counted_once),
        claim(every_way_to_be_wrong_is_corrupted_and_still_an_answer),
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
