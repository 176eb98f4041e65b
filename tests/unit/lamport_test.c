#include "control/lamport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void what_is_sent_after_something_came_in_is_later_than_it(void **state)
{
    struct lamport clock = {0};

    (void)state;
    assert_int_equal(lamport_send(&clock), 1);
    lamport_receive(&clock, 40);
    assert_int_equal(clock.time, 41);
    lamport_receive(&clock, 3);
    assert_int_equal(clock.time, 42);
    assert_int_equal(lamport_send(&clock), 43);
}

static void the_passing_of_time_counts(void **state)
{
    struct lamport clock = {.time = 5};

    (void)state;
    lamport_pass(&clock, 0);
    lamport_pass(&clock, -7);
    assert_int_equal(clock.time, 5);
    lamport_pass(&clock, 1);
    assert_int_equal(clock.time, 6);
    lamport_pass(&clock, 1000);
    assert_int_equal(clock.time, 1006);
    lamport_pass(&clock, INT64_MAX);
    assert_int_equal(clock.time, LAMPORT_MAX);
    lamport_pass(&clock, 1);
    assert_int_equal(clock.time, LAMPORT_MAX);
}

static void a_time_that_nobody_could_count_on_from_is_not_believed(void **state)
{
    struct lamport clock = {.time = 5};

    (void)state;
    lamport_receive(&clock, LAMPORT_MAX + 1);
    lamport_receive(&clock, INT64_MAX);
    lamport_receive(&clock, -1);
    assert_int_equal(clock.time, 5);
    lamport_receive(&clock, LAMPORT_MAX);
    lamport_receive(&clock, 5 + LAMPORT_MAX_STEP + 1);
    assert_int_equal(clock.time, 5);
    clock.time = LAMPORT_MAX_MESSAGE - 3;
    lamport_receive(&clock, LAMPORT_MAX_MESSAGE + 1);
    assert_int_equal(clock.time, LAMPORT_MAX_MESSAGE - 3);
    lamport_receive(&clock, LAMPORT_MAX_MESSAGE);
    assert_int_equal(clock.time, LAMPORT_MAX_MESSAGE + 1);
    clock.time = LAMPORT_MAX;
    assert_int_equal(lamport_send(&clock), LAMPORT_MAX);
}

/* One who only asks may send a message from far ahead. Whoever is new then keeps to that. */
static void whoever_is_new_keeps_to_what_messages_have_made_of_a_word(void **state)
{
    _Atomic int64_t word = 0;
    struct lamport old = {.time = 9}, new = {0};

    (void)state;
    lamport_share(&old, &word);
    lamport_receive(&old, LAMPORT_MAX_STEP);
    lamport_receive(&old, LAMPORT_MAX_MESSAGE);
    for (int i = 0; i < 9000; i++)
        lamport_receive(&old, old.time + LAMPORT_MAX_STEP);
    int64_t latest = lamport_send(&old);
    assert_true(latest > LAMPORT_MAX_MESSAGE - LAMPORT_MAX_STEP);
    lamport_share(&new, &word);
    assert_int_equal(lamport_send(&new), latest + 2);
    assert_int_equal(lamport_send(&old), latest + 3);
}

static void clocks_that_keep_to_one_word_have_one_order(void **state)
{
    _Atomic int64_t word = 0;
    struct lamport first = {.time = 7}, second = {0};

    (void)state;
    lamport_share(&first, &word);
    lamport_share(&second, &word);
    int64_t last = lamport_send(&first);
    assert_true(last > 8);
    for (int i = 0; i < 10; i++) {
        int64_t next = lamport_send(i % 3 ? &first : &second);
        assert_true(next > last);
        last = next;
    }
    lamport_receive(&second, 500);
    assert_true(lamport_send(&first) > 501);
}

static void a_clock_does_not_go_back_when_its_word_is_gone(void **state)
{
    _Atomic int64_t word = 100, other = 0, third = 40;
    struct lamport clock = {0};

    (void)state;
    lamport_share(&clock, &word);
    lamport_unshare(&clock, &other); /* was never shared */
    word = 200;
    lamport_unshare(&clock, &word);
    assert_true(clock.time > 200);
    word = 300;
    assert_true(lamport_send(&clock) < 300);
    assert_int_equal(word, 300);
    lamport_share(&clock, &third);
    assert_true(third > 200);
}

static void a_word_that_says_nonsense_is_put_right(void **state)
{
    static const int64_t nonsense[] = {
        INT64_MIN, -1, INT64_MAX, LAMPORT_MAX + 1, LAMPORT_MAX, LAMPORT_MAX_WORD + 1, 0, 3};
    _Atomic int64_t word = 0;
    struct lamport clock = {.time = 50};

    (void)state;
    lamport_share(&clock, &word);
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        int64_t before = clock.time;
        word = nonsense[i];
        assert_int_equal(lamport_send(&clock), before + 1);
        assert_int_equal(word, before + 1);
    }
}

static void a_clock_keeps_to_several_words_and_ignores_one_too_many(void **state)
{
    _Atomic int64_t words[LAMPORT_WORDS + 1] = {0};
    struct lamport clock = {0};

    (void)state;
    for (size_t i = 0; i <= LAMPORT_WORDS; i++)
        lamport_share(&clock, &words[i]);
    words[1] = 70;
    words[LAMPORT_WORDS] = 90;
    assert_int_equal(lamport_send(&clock), 71);
    assert_int_equal(words[0], 71);
    assert_int_equal(words[LAMPORT_WORDS], 90);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent_after_something_came_in_is_later_than_it),
        cmocka_unit_test(the_passing_of_time_counts),
        cmocka_unit_test(a_time_that_nobody_could_count_on_from_is_not_believed),
        cmocka_unit_test(whoever_is_new_keeps_to_what_messages_have_made_of_a_word),
        cmocka_unit_test(clocks_that_keep_to_one_word_have_one_order),
        cmocka_unit_test(a_clock_does_not_go_back_when_its_word_is_gone),
        cmocka_unit_test(a_word_that_says_nonsense_is_put_right),
        cmocka_unit_test(a_clock_keeps_to_several_words_and_ignores_one_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
