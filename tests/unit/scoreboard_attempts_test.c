#include "clock.h"
#include "scoreboard.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MAX_ATTEMPTS 3
#define TABLE        SCOREBOARD_ATTEMPTS
#define PROBES       SCOREBOARD_PROBES

/* Events that differ in what a word of the table keeps of them. */
#define LOW(n) ((uint64_t)(n) << SCOREBOARD_TAG_SHIFT | 1)

static struct scoreboard *board;
static const struct scoreboard_fingerprint event = {12345, LOW(1)};

static int create(void **state)
{
    (void)state;
    return scoreboard_create(1, MAX_ATTEMPTS, CLOCK_NS_PER_S, &board, NULL);
}

static int close_board(void **state)
{
    (void)state;
    scoreboard_close(board);
    board = NULL;
    return 0;
}

static struct scoreboard_fingerprint of(uint64_t high, uint64_t number)
{
    return (struct scoreboard_fingerprint){high, LOW(number)};
}

static uint32_t attempts_of(struct scoreboard_fingerprint which)
{
    return scoreboard_look_up(board, which).attempts;
}

static bool is_suspect(struct scoreboard_fingerprint which)
{
    return scoreboard_look_up(board, which).suspect;
}

/* Attempts that follow each other: number n begins at 2n - 1 and ends at 2n. */
static uint32_t count(struct scoreboard_fingerprint which, int64_t number)
{
    return scoreboard_count_attempt(board, which, 2 * number - 1, 2 * number);
}

static void attempts_at_an_event_add_up(void **state)
{
    (void)state;
    assert_int_equal(attempts_of(event), 0);
    for (uint32_t attempt = 1; attempt <= 2 * MAX_ATTEMPTS; attempt++) {
        assert_int_equal(count(event, attempt), attempt);
        assert_int_equal(attempts_of(event), attempt);
    }
    assert_int_equal(attempts_of(of(12345, 3)), 0);
    assert_int_equal(attempts_of(of(12346, 1)), 0);
    assert_int_equal(scoreboard_max_attempts(board), MAX_ATTEMPTS);
    assert_false(is_suspect(event));
}

static void of_attempts_side_by_side_one_counts(void **state)
{
    (void)state;
    assert_int_equal(scoreboard_count_attempt(board, event, 100, 200), 1);
    assert_int_equal(scoreboard_count_attempt(board, event, 150, 201), 1);
    assert_int_equal(scoreboard_count_attempt(board, event, 199, 500), 1);
    assert_int_equal(scoreboard_count_attempt(board, event, 200, 300), 2);
    assert_int_equal(scoreboard_count_attempt(board, event, 299, 400), 2);
    assert_int_equal(scoreboard_count_attempt(board, event, 300, 400), 3);
    /* Of a suspect the first counts, whenever it began. */
    scoreboard_suspect(board, of(9, 9));
    assert_int_equal(scoreboard_count_attempt(board, of(9, 9), 1, 2), 1);
}

static void a_suspect_keeps_its_attempts_and_is_one_still(void **state)
{
    (void)state;
    scoreboard_suspect(board, event);
    assert_true(is_suspect(event));
    assert_int_equal(attempts_of(event), 0);
    assert_int_equal(count(event, 1), 1);
    assert_true(is_suspect(event));
    scoreboard_suspect(board, event);
    assert_int_equal(attempts_of(event), 1);
    assert_int_equal(count(of(7, 7), 1), 1);
    scoreboard_suspect(board, of(7, 7));
    assert_true(is_suspect(of(7, 7)));
    assert_int_equal(attempts_of(of(7, 7)), 1);
}

static void an_event_that_is_answered_is_forgiven(void **state)
{
    (void)state;
    scoreboard_forgive(board, event);
    scoreboard_suspect(board, event);
    scoreboard_suspect(board, of(12345, 2));
    for (int attempt = 1; attempt <= MAX_ATTEMPTS; attempt++)
        count(event, attempt);
    scoreboard_forgive(board, event);
    assert_false(is_suspect(event));
    assert_int_equal(attempts_of(event), 0);
    assert_true(is_suspect(of(12345, 2)));
    assert_int_equal(count(event, 1), 1);
}

static void nothing_is_looked_for_until_something_was_written(void **state)
{
    struct scoreboard_layout *memory = scoreboard_memory(board);

    (void)state;
    assert_int_equal(atomic_load(&memory->attempts_used), 0);
    scoreboard_forgive(board, event);
    assert_int_equal(atomic_load(&memory->attempts_used), 0);
    scoreboard_suspect(board, event);
    assert_int_equal(atomic_load(&memory->attempts_used), 1);
}

static void a_count_ends_at_what_its_bits_hold(void **state)
{
    uint32_t most = (1u << SCOREBOARD_COUNT_BITS) - 1;

    (void)state;
    for (uint32_t attempt = 1; attempt <= most + 2; attempt++)
        count(event, attempt);
    assert_int_equal(attempts_of(event), most);
    assert_false(is_suspect(event));
    scoreboard_suspect(board, event);
    assert_int_equal(attempts_of(event), most);
}

static void a_thousand_events_are_counted_apart_even_when_they_collide(void **state)
{
    enum { EVENTS = 1000, COLLIDING = 10 };

    (void)state;
    for (uint32_t attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
        for (uint64_t i = 0; i < EVENTS; i++)
            assert_int_equal(count(of(i * 3 + (i % COLLIDING) * TABLE, i), attempt), attempt);
        /* All in one place. */
        for (uint64_t i = 1; i <= COLLIDING / 2; i++)
            assert_int_equal(count(of(3500 + i * TABLE, i), attempt), attempt);
    }
    for (uint64_t i = 0; i < EVENTS; i++)
        assert_int_equal(attempts_of(of(i * 3 + (i % COLLIDING) * TABLE, i)), MAX_ATTEMPTS);
    assert_int_equal(attempts_of(of(3500, 0)), 0);
}

static void of_too_many_events_the_one_counted_longest_ago_is_forgotten(void **state)
{
    enum { EVENTS = 200 };

    (void)state;
    for (uint64_t i = 0; i < EVENTS; i++)
        for (uint32_t attempt = 1; attempt <= MAX_ATTEMPTS; attempt++)
            assert_int_equal(scoreboard_count_attempt(board, of(7 + i * TABLE, i),
                                                      (int64_t)(10 * i + attempt),
                                                      (int64_t)(10 * i + attempt)),
                             attempt);
    for (uint64_t i = 0; i < EVENTS; i++)
        assert_int_equal(attempts_of(of(7 + i * TABLE, i)), i < EVENTS - PROBES ? 0 : MAX_ATTEMPTS);
}

static void suspects_without_an_attempt_go_before_events_with_one(void **state)
{
    (void)state;
    assert_int_equal(count(of(7, 1000), 1), 1);
    for (uint64_t i = 1; i < 10 * PROBES; i++)
        scoreboard_suspect(board, of(7, i));
    assert_int_equal(attempts_of(of(7, 1000)), 1);
    assert_true(is_suspect(of(7, 10 * PROBES - 1)));
}

static void a_table_full_of_anything_is_survived(void **state)
{
    struct scoreboard_layout *memory = scoreboard_memory(board);

    (void)state;
    for (size_t i = 0; i < TABLE; i++) {
        atomic_store(&memory->attempts[i].word, UINT64_MAX);
        atomic_store(&memory->attempts[i].counted_ns, INT64_MAX);
    }
    scoreboard_suspect(board, event);
    assert_true(is_suspect(event));
    assert_int_equal(count(event, 1), 1);
    scoreboard_forgive(board, event);
    assert_int_equal(attempts_of(event), 0);
}

/* Several write at the same time. */
enum { WRITERS = 4, ROUNDS = 2000 };

static void *write_much(void *argument)
{
    uint64_t own = *(const uint64_t *)argument;

    for (int64_t round = 1; round <= ROUNDS; round++) {
        scoreboard_count_attempt(board, event, round - 1, round);
        scoreboard_suspect(board, of(12345, own));
        scoreboard_forgive(board, of(12345, own));
        scoreboard_count_attempt(board, of(12345, own), round, round);
    }
    return NULL;
}

static void writers_do_not_disturb_each_other(void **state)
{
    pthread_t writers[WRITERS];
    uint64_t numbers[WRITERS];

    (void)state;
    assert_int_equal(scoreboard_count_attempt(board, event, 0, 0), 1);
    for (uint64_t i = 0; i < WRITERS; i++) {
        numbers[i] = 10 + i;
        assert_int_equal(pthread_create(&writers[i], NULL, write_much, &numbers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    for (uint64_t i = 0; i < WRITERS; i++)
        assert_int_equal(attempts_of(of(12345, 10 + i)), 1);
    /* Rounds of the same number are side by side. */
    assert_in_range(attempts_of(event), 2, ROUNDS + 1);
}

/* ---- reasons ---- */

static void a_reason_is_found_by_its_event_alone(void **state)
{
    char text[SCOREBOARD_REASON_SIZE];

    (void)state;
    assert_false(scoreboard_get_reason(board, event, text));
    scoreboard_set_reason(board, event, "too large");
    assert_true(scoreboard_get_reason(board, event, text));
    assert_string_equal(text, "too large");
    assert_false(scoreboard_get_reason(board, of(12345, 2), text));
    scoreboard_set_reason(board, of(12345 + SCOREBOARD_REASONS, 2), "x");
    assert_false(scoreboard_get_reason(board, event, text));
}

static void a_long_reason_is_cut_and_a_torn_one_unknown(void **state)
{
    char text[SCOREBOARD_REASON_SIZE], longer[2 * SCOREBOARD_REASON_SIZE];
    struct scoreboard_layout *memory = scoreboard_memory(board);

    (void)state;
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    scoreboard_set_reason(board, event, longer);
    assert_true(scoreboard_get_reason(board, event, text));
    assert_int_equal(strlen(text), SCOREBOARD_REASON_SIZE - 1);
    atomic_fetch_xor(&memory->reasons[event.high % SCOREBOARD_REASONS].text[3], 1);
    assert_false(scoreboard_get_reason(board, event, text));
}

#define claim(name) cmocka_unit_test_setup_teardown(name, create, close_board)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(attempts_at_an_event_add_up),
        claim(of_attempts_side_by_side_one_counts),
        claim(a_suspect_keeps_its_attempts_and_is_one_still),
        claim(an_event_that_is_answered_is_forgiven),
        claim(nothing_is_looked_for_until_something_was_written),
        claim(a_count_ends_at_what_its_bits_hold),
        claim(a_thousand_events_are_counted_apart_even_when_they_collide),
        claim(of_too_many_events_the_one_counted_longest_ago_is_forgotten),
        claim(suspects_without_an_attempt_go_before_events_with_one),
        claim(a_table_full_of_anything_is_survived),
        claim(writers_do_not_disturb_each_other),
        claim(a_reason_is_found_by_its_event_alone),
        claim(a_long_reason_is_cut_and_a_torn_one_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
