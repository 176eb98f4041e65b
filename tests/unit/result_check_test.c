#include "loadgen/result_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT         "a tonto and a fool"
#define STEPS_ENOUGH 1000000

/* ---- texts ---- */

static bool matches_within(const char *original, const char *result, const char *mask,
                           int64_t count, size_t *steps_left)
{
    return result_check_text(broker_text(original), broker_text(result), broker_text(mask), count,
                             steps_left);
}

static bool matches(const char *original, const char *result, const char *mask, int64_t count)
{
    size_t steps_left = STEPS_ENOUGH;

    return matches_within(original, result, mask, count, &steps_left);
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

/* A word in ten bytes, each replaced by a mask of the same length. */
static void make_long_texts(size_t length, char **original, char **result)
{
    *original = calloc(1, length + 1);
    *result = calloc(1, length + 1);
    assert_true(*original && *result);
    for (size_t i = 0; i < length; i++) {
        (*original)[i] = "tonto and "[i % 10];
        (*result)[i] = "XXXXX and "[i % 10];
    }
}

static void long_texts_take_a_few_steps_a_byte(void **state)
{
    enum { LENGTH = 10 * 13107 };
    size_t steps_left = 2 * LENGTH;
    char *original, *result;

    (void)state;
    make_long_texts(LENGTH, &original, &result);
    assert_true(matches_within(original, result, "XXXXX", LENGTH / 10, &steps_left));
    free(original);
    free(result);
}

/* The same letter throughout: every byte may be the start of a mask. */
static void the_search_ends_when_its_steps_do(void **state)
{
    enum { LENGTH = 100000, STEPS = 1 << 20 };
    size_t steps_left = STEPS;
    char *text = malloc(LENGTH + 1);

    (void)state;
    assert_non_null(text);
    memset(text, 'a', LENGTH);
    text[LENGTH] = '\0';
    assert_false(matches_within(text, text, "aaa", LENGTH / 10, &steps_left));
    assert_int_equal(steps_left, 0);
    free(text);
}

static void a_match_needs_all_the_steps_that_it_takes(void **state)
{
    size_t steps_left = STEPS_ENOUGH;

    (void)state;
    assert_true(
        matches_within("fool and fool and ****", "**** and **** and ****", "****", 2, &steps_left));
    size_t taken = STEPS_ENOUGH - steps_left;
    assert_true(taken > 0);
    steps_left = taken;
    assert_true(
        matches_within("fool and fool and ****", "**** and **** and ****", "****", 2, &steps_left));
    steps_left = taken - 1;
    assert_false(
        matches_within("fool and fool and ****", "**** and **** and ****", "****", 2, &steps_left));
}

/* ---- whole results ---- */

static const char *check(const char *message_id, const char *correlation_id, const char *body,
                         bool has_matches, int64_t matches)
{
    const struct result result = {
        .message_id = broker_text(message_id),
        .correlation_id = broker_text(correlation_id),
        .body = broker_text(body),
        .has_matches = has_matches,
        .matches = matches,
    };

    return result_check(&result, broker_text(TEXT), broker_text("CENSORED"));
}

static void a_right_result_has_nothing_wrong_with_it(void **state)
{
    (void)state;
    assert_null(check("1", "1", "a CENSORED and a CENSORED", true, 2));
    assert_null(check("", "", TEXT, true, 0));
}

static void every_way_to_be_wrong_is_named(void **state)
{
    static const char right[] = "a CENSORED and a CENSORED";
    static const char ids[] = "correlation_id is not the event's message_id";

    (void)state;
    assert_string_equal(check("1", "2", right, true, 2), ids);
    assert_string_equal(check("1", NULL, right, true, 2), ids);
    assert_string_equal(check(NULL, "1", right, true, 2), ids);
    assert_string_equal(check(NULL, NULL, right, true, 2), ids);
    assert_string_equal(check("1", "1", right, false, 2), "no integer header winnow-matches");
    assert_string_equal(check("1", "1", "a CENSORED and a fool", true, 2),
                        "the body is not the event's text with winnow-matches masks in it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_without_matches_must_be_unchanged),
        cmocka_unit_test(each_match_is_a_stretch_replaced_by_the_mask),
        cmocka_unit_test(a_wrong_count_does_not_match),
        cmocka_unit_test(a_change_beside_the_mask_does_not_match),
        cmocka_unit_test(a_mask_does_not_stand_for_nothing),
        cmocka_unit_test(a_mask_in_the_original_may_stay_or_be_replaced),
        cmocka_unit_test(a_mask_may_overlap_itself),
        cmocka_unit_test(an_empty_mask_only_takes_away),
        cmocka_unit_test(random_texts_match_as_trying_every_way_says),
        cmocka_unit_test(long_texts_take_a_few_steps_a_byte),
        cmocka_unit_test(the_search_ends_when_its_steps_do),
        cmocka_unit_test(a_match_needs_all_the_steps_that_it_takes),
        cmocka_unit_test(a_right_result_has_nothing_wrong_with_it),
        cmocka_unit_test(every_way_to_be_wrong_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
