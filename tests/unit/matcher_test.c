#include "filter/matcher.h"

#include "open_matcher.h"

#include <stdio.h>
#include <stdlib.h>

/* What is found of the words, one a line, leaves what is expected when each span becomes "*". */
static void assert_finds(enum matcher_level level, const char *words, const char *text,
                         const char *expected)
{
    struct matcher *matcher = open_matcher(level, words);
    struct matcher_spans spans;
    char starred[512];
    size_t kept = 0, written = 0;

    matcher_spans_init(&spans);
    assert_int_equal(matcher_find(matcher, text, strlen(text), &spans), 0);
    for (size_t i = 0; i < spans.count; i++) {
        memcpy(starred + written, text + kept, spans.items[i].start - kept);
        written += spans.items[i].start - kept;
        starred[written++] = '*';
        kept = spans.items[i].start + spans.items[i].length;
    }
    strcpy(starred + written, text + kept);
    assert_string_equal(starred, expected);
    matcher_spans_clear(&spans);
    matcher_close(matcher);
}

#define EXACT(words, text, expected)  assert_finds(MATCHER_EXACT, words, text, expected)
#define FOLDED(words, text, expected) assert_finds(MATCHER_FOLDED, words, text, expected)
#define LOOSE(words, text, expected)  assert_finds(MATCHER_LOOSE, words, text, expected)

static void whole_words_are_found(void **state)
{
    (void)state;
    EXACT("fool", "fool, a fool's fool-like fool", "*, a *'s *-like *");
    EXACT("fool", "foolish tomfool fool1 1fool fool_ _fool",
          "foolish tomfool fool1 1fool fool_ _fool");
    EXACT("fool", "fool\u00e9 \u00e9fool fool\u0663 fool\u2168",
          "fool\u00e9 \u00e9fool fool\u0663 fool\u2168");
    EXACT("fool", "fool\u0301 \u0301fool fool\u20dd", "fool\u0301 \u0301fool fool\u20dd");
}

static void open_ends_need_no_boundary(void **state)
{
    (void)state;
    EXACT("idiot*\n*tard\n*uck*", "idiotic midiot retard tardy plucky",
          "*ic midiot re* tardy pl*y");
}

static void case_folds_in_full(void **state)
{
    (void)state;
    EXACT("stra\u00dfe", "STRASSE Stra\u00dfe STRA\u1e9eE stra\u017fse", "* * * *");
    EXACT("kelvin\ncoffee", "\u212aELVIN co\ufb00ee", "* *");
    EXACT("ma", "ma\u00df", "ma\u00df");
    EXACT("mas", "ma\u00df mas", "ma\u00df *");
}

static void composed_and_decomposed_letters_are_one(void **state)
{
    (void)state;
    EXACT("caf\u00e9", "cafe\u0301 CAFE\u0301 CAF\u00c9 cafe", "* * * cafe");
    EXACT("x\u1ee5\u0301", "xu\u0323\u0301 xu\u0301\u0323", "* *");
}

static void a_mark_on_a_space_begins_nothing(void **state)
{
    (void)state;
    EXACT("\u0345a", "b \u0345a b  \u0345a b \n \u0345a \u0345a",
          "b \u0345a b  \u0345a b \n \u0345a \u0345a");
    EXACT("\u0345a", "b \u00a0\u0345a b\u3000\u00a0\u0345a",
          "b \u00a0\u0345a b\u3000\u00a0\u0345a");
    FOLDED("\u0903a", "b \u00a0\u0903a b", "b \u00a0\u0903a b");
    EXACT("\u0345a", "\u0345a", "*");
    EXACT("b \u0301a", "b \u00a0\u0301a b \u0301a", "* *");
    FOLDED("foo \u200b \u0301bar", "foo bar foo \u200b \u0301bar", "* *");
}

static void capitals_of_turkish_are_read_both_ways(void **state)
{
    (void)state;
    EXACT("s\u0131k", "SIK s\u0131k sik S\u0130K", "* * sik S\u0130K");
    EXACT("sik", "SIK S\u0130K sik SI\u0307K s\u0131k", "* * * * s\u0131k");
    EXACT("sik\ns\u0131k", "s\u0131k sik", "* *");
    /* An accent makes no difference, however it is written, and a ligature has the i of most. */
    EXACT("\u00edd\u0131", "I\u0301DI \u00cdDI i\u0301d\u0131 \u00eddi", "* * * \u00eddi");
    EXACT("fin\naf\u0131n", "\ufb01n a\ufb01n AFIN", "* a\ufb01n *");
}

static void scripts_without_spaces_match_inside(void **state)
{
    (void)state;
    EXACT("\u7b28\u86cb", "\u4f60\u662f\u7b28\u86cb\u554a", "\u4f60\u662f*\u554a");
    EXACT("\u304b", "\u304b\u304c\u304b\u3099", "*\u304c\u304b\u3099");
    EXACT("sm", "\u306esm\u306e xsm", "\u306e*\u306e xsm");
    EXACT("\u30d0\u30ab", "\u30aa\u30d0\u30ab\u30fc", "\u30aa*\u30fc");
}

static void pictures_need_no_boundary(void **state)
{
    (void)state;
    static const char words[] = "\U0001f595\n\u2620\ufe0f\n\u203c\ufe0f\n\U0001f1e6\U0001f1e8";
    for (unsigned level = 0; level <= MATCHER_LOOSE; level++)
        assert_finds((enum matcher_level)level, words,
                     "a\U0001f595b \U0001f595\u2620\ufe0f\u203c\ufe0fx \U0001f1e6\U0001f1e9 "
                     "\U0001f1e6\U0001f1e8\u304b",
                     "a*b ***x \U0001f1e6\U0001f1e9 *\u304b");
}

static void particles_follow_korean_words(void **state)
{
    (void)state;
    EXACT("\ubc14\ubcf4", "\ubc14\ubcf4\uac00 \ub300\ubc14\ubcf4", "*\uac00 \ub300\ubc14\ubcf4");
    EXACT("\ubc14\ubcf4", "\ubc14\ubcfc \u1107\u1161\u1107\u1169\u11af",
          "\ubc14\ubcfc \u1107\u1161\u1107\u1169\u11af");
    EXACT("fool", "fool\uc744", "*\uc744");
}

static void phrases_take_any_white_space(void **state)
{
    (void)state;
    EXACT("bad egg\ndon't", "bad \r\n\t egg bad\u3000egg badegg bad, egg don\u2019t",
          "* * badegg bad, egg *");
}

static void the_leftmost_then_longest_counts(void **state)
{
    (void)state;
    EXACT("a b\nb c d\na\nc", "a b c d", "* * d");
    EXACT("bad\nbad egg", "bad egg bad eggs", "* * eggs");
}

static void allowed_entries_protect_what_lies_within(void **state)
{
    (void)state;
    EXACT("*cunt*\n!Scunthorpe", "Scunthorpe SCUNT", "Scunthorpe S*");
    EXACT("b c\n!a b", "a b c", "a *");
    EXACT("b\n!a b", "a b b", "a b *");
}

static void broken_text_is_no_part_of_a_word(void **state)
{
    (void)state;
    EXACT("fool",
          "\xff"
          "fool\xc3 fool\xe2\x80",
          "\xff*\xc3 *\xe2\x80");
    FOLDED("\u00e9", "\xc3\xef\xbb\xbf\xa9", "\xc3\xef\xbb\xbf\xa9");

    struct matcher *matcher = open_matcher(MATCHER_EXACT, "fool");
    struct matcher_spans spans;
    matcher_spans_init(&spans);
    assert_int_equal(matcher_find(matcher, "\0fool\0", 6, &spans), 0);
    assert_int_equal(spans.count, 1);
    assert_int_equal(spans.items[0].start, 1);
    assert_int_equal(matcher_find(matcher, NULL, 0, &spans), 0);
    assert_int_equal(spans.count, 0);
    matcher_spans_clear(&spans);
    matcher_close(matcher);
}

static void folded_sees_through_dress(void **state)
{
    (void)state;
    /* A stroke through a letter, and accents above and below it. */
    FOLDED("fool", "fo\u0338ol fo\u0301\u0323ol", "* *");
    FOLDED("fool", "f\u00f3ol \uff46\uff4f\uff4f\uff4c f\u043eol foo\u200bl f\u00adool",
           "* * * * *");
    FOLDED("f\u00f3ol", "fool", "*");
    FOLDED("\u0939\u093f", "\u0939 \u0939\u093f", "\u0939 *");
    EXACT("fool", "f\u00f3ol f\u043eol", "f\u00f3ol f\u043eol");
    FOLDED("*\u200b bad egg", "xbad egg", "x*");
    FOLDED("bad egg \u200b*", "bad eggs", "*s");
    /* What is not seen joins what it stands between. */
    EXACT("fool", "fool\u200bish", "*\u200bish");
    FOLDED("fool", "fool\u200bish", "fool\u200bish");
}

static void loose_sees_through_digits_and_signs(void **state)
{
    (void)state;
    LOOSE("tonto", "t0nt0 TONT0 7on7o", "* * *");
    LOOSE("ass\nshit\nfool", "@$$ $h!t sh1t foo1 f00l!", "* * * * *!");
    LOOSE("3p", "3p ep", "* ep");
    LOOSE("till", "til! til1 till!", "til! * *!");
    LOOSE("fool", "fool@bar b@fool", "*@bar b@*");
    EXACT("ass", "b@ass", "b@*");
    LOOSE("ass", "b@ass @ass", "b@ass *");
}

static void loose_takes_repeated_letters(void **state)
{
    (void)state;
    LOOSE("tonto", "tooonto ttonntoo tono", "* * tono");
    LOOSE("fool", "fol foool fooooool", "fol * *");
    LOOSE("\u0434\u0443\u0440\u0430\u043a", "\u0434\u0443\u0443\u0443\u0440\u0430\u043a", "*");
}

static void loose_reads_what_is_spelled_out(void **state)
{
    (void)state;
    LOOSE("tonto", "t.o.n.t.o, t o n t o T_O_N_T_O t.o-n.t.o", "*, * * t.o-n.t.o");
    LOOSE("as", "a s", "a s");
    LOOSE("ass", "a s shy", "a s shy");
}

static void nobody_sees_invisible_characters(void **state)
{
    (void)state;
    for (unsigned level = MATCHER_FOLDED; level <= MATCHER_LOOSE; level++) {
        assert_finds((enum matcher_level)level, "fool",
                     "fo\u3164ol fo\U000e006fol fool\U000e0100 fo\u2800ol", "* * * *");
        assert_finds((enum matcher_level)level, "fool", "x \u3164fool fo\u115fol foo\u180el",
                     "x \u3164* * *");
        assert_finds((enum matcher_level)level, "fool", "fo\xc2\x93ol", "*");
        assert_finds((enum matcher_level)level, "fool", "fool\u3164ish", "fool\u3164ish");
    }
}

static void pictures_are_found_however_they_are_drawn(void **state)
{
    (void)state;
    for (unsigned level = 0; level <= MATCHER_LOOSE; level++) {
        assert_finds((enum matcher_level)level, "\u2620", "a\u2620\ufe0fb \u2620", "a*b *");
        assert_finds((enum matcher_level)level, "\u2620\ufe0f", "\u2620 \u2620\ufe0f \u2620\ufe0e",
                     "* * *");
        assert_finds((enum matcher_level)level, "\U0001f595\U0001f3fd",
                     "\U0001f595 \U0001f595\U0001f3fd", "\U0001f595 *");
    }
}

static void a_match_takes_whole_characters(void **state)
{
    (void)state;
    for (unsigned level = 0; level <= MATCHER_LOOSE; level++) {
        /* A skin colour, a family, a flag, a joiner behind a word. */
        assert_finds((enum matcher_level)level, "\U0001f595\n\U0001f468\n\U0001f1e6",
                     "\U0001f595\U0001f3fdx \U0001f469\u200d\U0001f468\u200d\U0001f467y "
                     "\U0001f1e6\U0001f1e8",
                     "*x *y *");
        assert_finds((enum matcher_level)level, "fool", "fool\u200d, fool\u200c", "*, *");
        /* No flag is taken apart. */
        assert_finds((enum matcher_level)level, "\U0001f1e6\U0001f1e8",
                     "\U0001f1eb\U0001f1e6\U0001f1e8\U0001f1f8 "
                     "\U0001f1eb\U0001f1f7\U0001f1e6\U0001f1e8",
                     "\U0001f1eb\U0001f1e6\U0001f1e8\U0001f1f8 \U0001f1eb\U0001f1f7*");
    }
    EXACT("1", "1\ufe0f\u20e3 1\u0301 1", "1\ufe0f\u20e3 1\u0301 *");
}

static void loose_sees_what_stars_hide(void **state)
{
    static const char words[] = "fool\nshit\ncunt\nass\nbad egg\n\u0434\u0443\u0440\u0430\u043a";
    (void)state;
    LOOSE(words, "f*ol f**l sh*t c*nt @ss *ss F*\u00d3L fo\uff0al", "* * * * * * * *");
    LOOSE(words, "b*d egg, bad e*g \u0434\u0443*\u0430\u043a", "*, * *");
    /* Less than half, or nothing hidden, or too short. */
    LOOSE(words, "f*** *** ********** **s f*o f*oll f*ols", "f*** *** ********** **s f*o * f*ols");
    LOOSE("as\nfuck*", "a* *s f*cker", "a* *s *er");
    /* Stars on both sides of a word emphasise it. */
    LOOSE(words, "*hit* *hit **fool** *f*ol*", "*hit* * ***** ***");
    LOOSE("*tard\n!custard", "ret*rd c*stard", "re* c*stard");
    LOOSE("fool\nfoul\t2", "f**l", "*");
    FOLDED(words, "f*ol f**l", "f*ol f**l");
}

static void loose_reads_letters_for_letters(void **state)
{
    (void)state;
    LOOSE("fuck\nshit\nbitch\nfool", "fvck phuck 5hit b1tch b!tch fu\u00a2k PHVCK",
          "* * * * * * *");
    LOOSE("fool\nbitch\ncunt", "f@@l f@ol blt\u00a2h \u00a2unt\u00a2", "* * * *\u00a2");
    LOOSE("vul*\nmal*", "vulva uulva malicious", "*va uulva *icious");
}

static void loose_reads_over_any_separator(void **state)
{
    (void)state;
    LOOSE("fool", "_fool_ __fool fool_x f\u2011o\u2011o\u2011l f\u00b7o\u00b7o\u00b7l",
          "_*_ __* *_x * *");
    LOOSE("fool", "f\u2013o\u2013o\u2013l f\u2022o\u2022o\u2022l f--o--o--l f.o-o.l",
          "* * * f.o-o.l");
    EXACT("fool", "_fool_", "_fool_");
    LOOSE("_u_\nfoo_bar", "_u_ foo_bar", "* *");
}

static void a_dot_between_two_l_is_part_of_a_catalan_word(void **state)
{
    (void)state;
    EXACT("imbecil\nliar", "imbecil\u00b7litat mil\u00b7liar IMBECIL\u00b7LITAT MIL\u00b7LIAR",
          "imbecil\u00b7litat mil\u00b7liar IMBECIL\u00b7LITAT MIL\u00b7LIAR");
    EXACT("imbecil\nliar", "imbecil\u00b7la\u00b7liar imbecil\u00b7idiot imbecil\u00b7 \u00b7liar",
          "imbecil\u00b7la\u00b7* *\u00b7idiot *\u00b7 \u00b7*");
    EXACT("imbecil*\n*liar", "imbecil\u00b7litat mil\u00b7liar", "*\u00b7litat mil\u00b7*");
    LOOSE("imbecil\nliar", "imbecil\u00b7litat mil\u00b7liar", "imbecil\u00b7litat mil\u00b7liar");
    LOOSE("idiot\nkiller", "i\u00b7d\u00b7i\u00b7o\u00b7t k\u00b7i\u00b7l\u00b7l\u00b7e\u00b7r",
          "* *");
}

static void an_image_serves_wherever_it_is_copied(void **state)
{
    (void)state;
    struct matcher *matcher = open_matcher(MATCHER_LOOSE, "fool\nbad egg\t7"), *copy = NULL;
    struct matcher_spans spans;
    const void *bytes;
    size_t length;

    matcher_image(matcher, &bytes, &length);
    char *image = malloc(length + 8);
    memcpy(image + 8, bytes, length);
    matcher_close(matcher);
    assert_int_equal(matcher_from_image(image + 8, length, &copy), 0);
    assert_int_equal(matcher_level(copy), MATCHER_LOOSE);
    assert_int_equal(matcher_entry_count(copy), 2);
    assert_string_equal(matcher_entry(copy, 1).text, "bad egg");
    assert_int_equal(matcher_entry(copy, 1).severity, 7);
    matcher_spans_init(&spans);
    assert_int_equal(matcher_find(copy, "a b@d egg", 9, &spans), 0);
    assert_int_equal(spans.count, 1);
    assert_int_equal(spans.items[0].entry, 1);
    matcher_spans_clear(&spans);
    matcher_close(copy);

    assert_int_equal(matcher_from_image(image + 8, length - 1, &copy), -ERR_INVALID);
    assert_int_equal(matcher_from_image(image + 8, 7, &copy), -ERR_INVALID);
    image[8 + 40]++;
    assert_int_equal(matcher_from_image(image + 8, length, &copy), -ERR_INVALID);
    free(image);
}

static void an_empty_list_finds_nothing(void **state)
{
    (void)state;
    for (unsigned level = 0; level <= MATCHER_LOOSE; level++)
        assert_finds((enum matcher_level)level, "# nothing\n", "a f.o.o.l \u00e9 fool",
                     "a f.o.o.l \u00e9 fool");
}

/* Long labels are followed from where they were left before: what is found is the same. */
static void long_entries_are_found_at_every_place(void **state)
{
    (void)state;
    enum { LETTERS = 200, MOST = 400 };
    char words[2 * LETTERS + 8], text[3 * MOST];

    for (unsigned spaces = 1; spaces <= 3; spaces++)
        for (unsigned before = 0; before < MOST - LETTERS; before += 7) {
            struct matcher_spans spans;
            size_t length = 0, written = 0, start = 0;
            for (unsigned i = 0; i < LETTERS; i++)
                written += (size_t)sprintf(words + written, "%s ", i % 3 ? "a" : "b");
            sprintf(words + written, "c");
            for (unsigned i = 0; i < before + LETTERS; i++) {
                if (i == before)
                    start = length;
                /* The text has the period of the entry, which so begins again and again. */
                length +=
                    (size_t)sprintf(text + length, "%s%.*s", (i + 300 - before) % 3 ? "a" : "b",
                                    (int)(i % spaces + 1 > 2 ? 2 : i % spaces + 1), "  ");
            }
            length += (size_t)sprintf(text + length, "c");
            struct matcher *matcher = open_matcher(MATCHER_EXACT, words);
            matcher_spans_init(&spans);
            assert_int_equal(matcher_find(matcher, text, length, &spans), 0);
            assert_int_equal(spans.count, 1);
            assert_int_equal(spans.items[0].start, start);
            assert_int_equal(spans.items[0].length, length - start);
            matcher_spans_clear(&spans);
            matcher_close(matcher);
        }
}

static void the_longest_entry_is_found(void **state)
{
    (void)state;
    char *words = malloc(WORDLIST_ENTRY_MAX_BYTES + 2);
    struct matcher_spans spans;

    memset(words, 'x', WORDLIST_ENTRY_MAX_BYTES);
    strcpy(words + WORDLIST_ENTRY_MAX_BYTES, " ");
    struct matcher *matcher = open_matcher(MATCHER_EXACT, words);
    matcher_spans_init(&spans);
    assert_int_equal(matcher_find(matcher, words, WORDLIST_ENTRY_MAX_BYTES + 1, &spans), 0);
    assert_int_equal(spans.count, 1);
    assert_int_equal(spans.items[0].length, WORDLIST_ENTRY_MAX_BYTES);
    matcher_spans_clear(&spans);
    matcher_close(matcher);
    free(words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_words_are_found),
        cmocka_unit_test(open_ends_need_no_boundary),
        cmocka_unit_test(case_folds_in_full),
        cmocka_unit_test(composed_and_decomposed_letters_are_one),
        cmocka_unit_test(a_mark_on_a_space_begins_nothing),
        cmocka_unit_test(capitals_of_turkish_are_read_both_ways),
        cmocka_unit_test(scripts_without_spaces_match_inside),
        cmocka_unit_test(pictures_need_no_boundary),
        cmocka_unit_test(particles_follow_korean_words),
        cmocka_unit_test(phrases_take_any_white_space),
        cmocka_unit_test(the_leftmost_then_longest_counts),
        cmocka_unit_test(allowed_entries_protect_what_lies_within),
        cmocka_unit_test(broken_text_is_no_part_of_a_word),
        cmocka_unit_test(folded_sees_through_dress),
        cmocka_unit_test(loose_sees_through_digits_and_signs),
        cmocka_unit_test(loose_takes_repeated_letters),
        cmocka_unit_test(loose_reads_what_is_spelled_out),
        cmocka_unit_test(nobody_sees_invisible_characters),
        cmocka_unit_test(pictures_are_found_however_they_are_drawn),
        cmocka_unit_test(a_match_takes_whole_characters),
        cmocka_unit_test(loose_sees_what_stars_hide),
        cmocka_unit_test(loose_reads_letters_for_letters),
        cmocka_unit_test(loose_reads_over_any_separator),
        cmocka_unit_test(a_dot_between_two_l_is_part_of_a_catalan_word),
        cmocka_unit_test(an_image_serves_wherever_it_is_copied),
        cmocka_unit_test(an_empty_list_finds_nothing),
        cmocka_unit_test(long_entries_are_found_at_every_place),
        cmocka_unit_test(the_longest_entry_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
