/* filter_steps_test.c - what filtering costs, counted in steps and not in time, so that the machine
 * has no say in it. For this test the Makefile compiles filter/ once more, so that each basic block
 * calls a function below when it is executed. What happens within libraries is not counted. */
#include "filter/censor.h"
#include "filter/stream.h"
#include "open_matcher.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static uint64_t steps;

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
    steps++;
}

/* What is four times as large may take four times the steps, and a little more. */
#define TIMES 4u

static void assert_linear(uint64_t part, uint64_t whole, const char *what, unsigned level)
{
    assert_true(part > 100); /* else the code is not compiled as it should be */
    if (whole > TIMES * (part + part / 20 + 100))
        fail_msg("%s at level %u: %llu steps, then %llu for %u times as much", what, level,
                 (unsigned long long)part, (unsigned long long)whole, TIMES);
}

static char *repeat(const char *piece, size_t length)
{
    char *text = malloc(length + 1);
    size_t size = strlen(piece);

    assert_non_null(text);
    for (size_t i = 0; i < length; i++)
        text[i] = piece[i % size];
    text[length] = '\0';
    return text;
}

static uint64_t steps_to_find(const struct matcher *matcher, const char *text, size_t length)
{
    struct matcher_spans spans;

    matcher_spans_init(&spans);
    steps = 0;
    assert_int_equal(matcher_find(matcher, text, length, &spans), 0);
    uint64_t taken = steps;
    matcher_spans_clear(&spans);
    return taken;
}

/* Pieces that make the worst texts, repeated. */
static const char *const pieces[] = {
    "a",
    "a ",
    "ab",
    "l1!",
    "a.",
    "\u00e9",
    "e\u0301",
    "\u0301",
    "\u0301\u0323",
    " ",
    "\xff",
    "!",
    "'",
    "cap ",
    "cap d'",
    "tonto ",
    "\u00df",
    "\u6f22",
    "\u2019",
    "t.o.n.t.",
    "a.a ",
    "$ ",
    "lil",
    "0o",
    "a                                       ",
    "x\u200b",
    "\u0130",
    "\n",
    "*",
    "a*",
    "**a",
    "t**t*",
    "*a ",
    "@",
    "a@",
    "o@*",
    "\u0436*",
    "\U0001f1e6",
    "\U0001f595\u200d",
    "\U0001f595\U0001f3fd",
    "v",
    "_",
    "uv",
};

static void steps_are_linear_in_the_text(void **state)
{
    static const char words[] = "a\naaa*\n*aab\na a a a b\n*ab*\ntonto\nlilil\n\u00e9\u00e9*\n*.a\n"
                                "!aaaa aaaa\n\U0001f595\n\U0001f1e6\nu*\n*ao*\ncap "
                                "d'espinaca\ncap\nsi\u0307k\n\u6f22\u6f22\nool";
    enum { LENGTH = 1 << 16 };
    (void)state;

    for (unsigned level = 0; level <= MATCHER_LOOSE; level++) {
        struct matcher *matcher = open_matcher((enum matcher_level)level, words);
        for (size_t i = 0; i < COUNT(pieces); i++) {
            char *text = repeat(pieces[i], LENGTH);
            assert_linear(steps_to_find(matcher, text, LENGTH / TIMES),
                          steps_to_find(matcher, text, LENGTH), pieces[i], level);
            free(text);
        }
        matcher_close(matcher);
    }
}

/* The entry becomes longer with the text. */
static void steps_are_linear_however_long_an_entry_is(void **state)
{
    static const struct {
        const char *begin, *piece, *end; /* of the entry */
        const char *text_begin, *text;
    } cases[] = {
        {"*", "a", "b*", "", "a"},
        {"*", "ab", "c*", "", "ab"},
        {"", "a ", "b", "", "a "},
        {"", "a ", "b", "", "a  "},
        {"*", "a", "", "", "ax"},
        {"*", "\u0436", "b*", "", "\u0436"},
        {"", "la.", "b", "", "la."},
        {"*", "la", "b", "", "la"},
        {"!*", "la", "b*\nx", "", "la"},
        {"!x\n*", "i", "*", "", "i\u00e9"},
        {"", "\u0436\u0437", "b", "", "\u0436.\u0437."},
        {"", "\u0436", "b", "", "\u0436."},
        {"*abcx", "abcy", "z*", "abcx", "abcy"},
    };
    enum { LENGTH = 1 << 16 };
    (void)state;

    for (unsigned level = 0; level <= MATCHER_LOOSE; level++)
        for (size_t i = 0; i < COUNT(cases); i++) {
            char *text = repeat(cases[i].text, LENGTH), words[WORDLIST_ENTRY_MAX_BYTES + 8];
            uint64_t taken[2];
            memcpy(text, cases[i].text_begin, strlen(cases[i].text_begin));
            for (unsigned whole = 0; whole < 2; whole++) {
                size_t most = WORDLIST_ENTRY_MAX_BYTES / (whole ? 1 : TIMES) - 16u;
                size_t written = (size_t)sprintf(words, "%s", cases[i].begin);
                while (written < most)
                    written += (size_t)sprintf(words + written, "%s", cases[i].piece);
                sprintf(words + written, "%s", cases[i].end);
                struct matcher *matcher = open_matcher((enum matcher_level)level, words);
                taken[whole] = steps_to_find(matcher, text, LENGTH / (whole ? 1 : TIMES));
                matcher_close(matcher);
            }
            assert_linear(taken[0], taken[1], cases[i].text, level);
            free(text);
        }
}

static uint64_t steps_to_censor(const struct censor_mask *mask, const char *text, size_t length)
{
    struct matcher *matcher = open_matcher(MATCHER_EXACT, "a\n\u6f22\n\u00e9");
    struct matcher_spans spans;
    struct censor_result result;

    matcher_spans_init(&spans);
    censor_result_init(&result);
    assert_int_equal(matcher_find(matcher, text, length, &spans), 0);
    assert_true(spans.count > length / 8);
    steps = 0;
    assert_int_equal(censor_apply(mask, text, length, spans.items, spans.count, &result), 0);
    uint64_t taken = steps;
    matcher_spans_clear(&spans);
    censor_result_clear(&result);
    matcher_close(matcher);
    return taken;
}

static void steps_of_masking_are_linear(void **state)
{
    static const char *const texts[] = {"a ", "\u6f22", "\u00e9 "};
    enum { LENGTH = 1 << 14 };
    (void)state;

    for (size_t i = 0; i < COUNT(texts); i++) {
        const struct censor_mask masks[] = {{.text = "CENSORED"}, {.character = "*"}};
        char *text = repeat(texts[i], LENGTH);
        for (size_t m = 0; m < COUNT(masks); m++)
            assert_linear(steps_to_censor(&masks[m], text, LENGTH / TIMES),
                          steps_to_censor(&masks[m], text, LENGTH), texts[i], 0);
        free(text);
    }
}

/* Compiles a list and returns the steps. */
static uint64_t steps_to_compile(enum matcher_level level, const char *words)
{
    steps = 0;
    matcher_close(open_matcher(level, words));
    return steps;
}

static void steps_of_compiling_are_linear_but_for_sorting(void **state)
{
    enum { ENTRIES = 40000 };
    static char words[ENTRIES * 16];
    size_t length = 0;
    uint64_t part = 0;
    (void)state;

    for (unsigned i = 0; i < ENTRIES; i++) {
        if (i == ENTRIES / TIMES)
            part = steps_to_compile(MATCHER_LOOSE, words);
        length += (size_t)sprintf(words + length, "word%ux\n", i * 7919 % 40009);
    }
    /* log(40000) / log(10000) is 1.15. */
    assert_linear(part + part * 15 / 100, steps_to_compile(MATCHER_LOOSE, words), "entries",
                  MATCHER_LOOSE);
}

static void steps_of_compiling_are_linear_in_an_entry(void **state)
{
    static const char *const entries[] = {"a", "ab", "a ", "aab", "\u0436", "i", "\\\\"};
    (void)state;

    for (unsigned level = 0; level <= MATCHER_LOOSE; level++)
        for (size_t i = 0; i < COUNT(entries); i++) {
            char *words = repeat(entries[i], WORDLIST_ENTRY_MAX_BYTES - 16);
            strcpy(words + WORDLIST_ENTRY_MAX_BYTES - 18, ".x");
            uint64_t whole = steps_to_compile((enum matcher_level)level, words);
            strcpy(words + WORDLIST_ENTRY_MAX_BYTES / TIMES - 18, ".x");
            assert_linear(steps_to_compile((enum matcher_level)level, words), whole, entries[i],
                          level);
            free(words);
        }
}

/* Takes what is settled after each few bytes. */
static uint64_t steps_to_stream(const struct matcher *matcher, size_t buffer_bytes,
                                const char *text, size_t length)
{
    struct stream stream;
    struct stream_piece piece;

    stream_init(&stream, matcher, buffer_bytes, 64);
    steps = 0;
    for (size_t came = 0; came < length;) {
        char *to;
        size_t space, more = length - came < 8 ? length - came : 8;
        assert_int_equal(stream_reserve(&stream, &to, &space), 0);
        more = more < space ? more : space;
        memcpy(to, text + came, more);
        came += more;
        stream_received(&stream, more);
        while (stream_next(&stream, came == length, &piece) == 1)
            continue;
        if (came < length)
            assert_true(stream_pause(&stream, &piece) >= 0);
    }
    uint64_t taken = steps;
    stream_clear(&stream);
    return taken;
}

static void steps_are_linear_in_a_text_that_comes_in_pieces(void **state)
{
    static const char *const texts[] = {"a ", "a\n", "b c\n", "fool of\n", "\u00e9", "\n"};
    enum { LENGTH = 1 << 16 };
    struct matcher *matcher = open_matcher(MATCHER_EXACT, "a a\na b\nfool of all");
    (void)state;

    for (size_t i = 0; i < COUNT(texts); i++) {
        char *text = repeat(texts[i], LENGTH);
        assert_linear(steps_to_stream(matcher, 0, text, LENGTH / TIMES),
                      steps_to_stream(matcher, 0, text, LENGTH), texts[i], MATCHER_EXACT);
        free(text);
    }
    matcher_close(matcher);
}

/* Each line may go on with the entry, so none is settled before the end. */
static void lines_that_are_not_settled_are_not_searched_at_each_pause(void **state)
{
    enum { LENGTH = 8192 };
    char *words = repeat("a ", WORDLIST_ENTRY_MAX_BYTES - 1), *text = repeat("a\n", LENGTH);
    struct matcher *matcher = open_matcher(MATCHER_EXACT, words);
    (void)state;

    assert_linear(steps_to_stream(matcher, 2 * LENGTH, text, LENGTH / TIMES),
                  steps_to_stream(matcher, 2 * LENGTH, text, LENGTH), "a", MATCHER_EXACT);
    matcher_close(matcher);
    free(text);
    free(words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_linear_in_the_text),
        cmocka_unit_test(steps_are_linear_however_long_an_entry_is),
        cmocka_unit_test(steps_of_masking_are_linear),
        cmocka_unit_test(steps_of_compiling_are_linear_but_for_sorting),
        cmocka_unit_test(steps_of_compiling_are_linear_in_an_entry),
        cmocka_unit_test(steps_are_linear_in_a_text_that_comes_in_pieces),
        cmocka_unit_test(lines_that_are_not_settled_are_not_searched_at_each_pause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
