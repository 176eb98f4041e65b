#include "filter/censor.h"

#include "filter/default_words.h"
#include "open_matcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* A text with its matches masked; kept from one text to the next. Starts from {0}. */
struct censored {
    struct matcher_spans spans;
    struct censor_result result;
};

static void censored_clear(struct censored *censored)
{
    matcher_spans_clear(&censored->spans);
    censor_result_clear(&censored->result);
}

static void censor(const struct matcher *matcher, const char *mask, const char *text, size_t length,
                   struct censored *censored)
{
    const struct censor_mask checked = {.text = mask};

    assert_int_equal(censor_check(&checked), 0);
    assert_int_equal(matcher_find(matcher, text, length, &censored->spans), 0);
    assert_int_equal(censor_apply(&checked, text, length, censored->spans.items,
                                  censored->spans.count, &censored->result),
                     0);
}

static void add_default_words(struct wordlist *list)
{
    for (size_t i = 0; i < default_words_count; i++)
        assert_int_equal(wordlist_add(list, default_words[i].name, default_words[i].bytes,
                                      default_words[i].length, NULL),
                         0);
}

static struct matcher *open_default_words(void)
{
    struct wordlist list;
    struct matcher *matcher = NULL;

    wordlist_init(&list);
    add_default_words(&list);
    assert_int_equal(matcher_open(&list, MATCHER_EXACT, &matcher), 0);
    wordlist_clear(&list);
    return matcher;
}

/* The words found in the text, written one a line, leave what is expected when each becomes "*". */
static void assert_censors(const char *words, const char *text, const char *expected)
{
    struct matcher *matcher = open_matcher(MATCHER_EXACT, words);
    struct censored censored = {0};
    size_t matches = 0;

    for (const char *at = expected; *at; at++)
        matches += *at == '*';
    censor(matcher, "*", text, strlen(text), &censored);
    assert_string_equal(censored.result.text, expected);
    assert_int_equal(censored.result.length, strlen(expected));
    assert_int_equal(censored.spans.count, matches);
    censored_clear(&censored);
    matcher_close(matcher);
}

static void a_word_is_replaced_wherever_it_stands(void **state)
{
    (void)state;
    assert_censors("fool", "fool", "*");
    assert_censors("fool", "a fool", "a *");
    assert_censors("fool", "fool and fool, fool", "* and *, *");
    assert_censors("fool\nidiot", "idiot fool\tidiot", "* *\t*");
    assert_censors("fool", "no such word", "no such word");
}

static void foolish_is_not_a_fool(void **state)
{
    (void)state;
    assert_censors("fool", "foolish tomfool fools befooled", "foolish tomfool fools befooled");
    assert_censors("fool", "fool1 1fool fool_ _fool", "fool1 1fool fool_ _fool");
    assert_censors("fool", "fool\u00e9 \u00e9fool fool\u0663 fool\u2168",
                   "fool\u00e9 \u00e9fool fool\u0663 fool\u2168");
}

static void a_combining_mark_belongs_to_its_word(void **state)
{
    (void)state;
    assert_censors("fool", "fool\u0301 fool\u20dd", "fool\u0301 fool\u20dd");
    assert_censors("fool", "\u0301fool", "\u0301fool");
    assert_censors("fool", "\u0301 fool", "\u0301 *");
}

static void punctuation_ends_a_word(void **state)
{
    (void)state;
    assert_censors("fool", "fool's fool-like fool\u2019s", "*'s *-like *\u2019s");
    assert_censors("fool", "(fool) \"fool\" <fool>fool</fool>", "(*) \"*\" <*>*</*>");
    assert_censors("fool", "\u00abfool\u00bb \u2014fool\u2026 \U0001f600fool\U0001f600",
                   "\u00ab*\u00bb \u2014*\u2026 \U0001f600*\U0001f600");
}

static void case_does_not_count(void **state)
{
    (void)state;
    assert_censors("fool", "FOOL Fool fOOl", "* * *");
    assert_censors("FOOL", "FOOL Fool fool", "* * *");
    assert_censors("in\u00fatil", "IN\u00daTIL In\u00fatil in\u00fatil inutil", "* * * inutil");
    assert_censors("\u0434\u0443\u0440\u0430\u043a", "\u0414\u0423\u0420\u0410\u041a", "*");
    assert_censors("\u03c3\u03b1\u03c2", "\u03a3\u0391\u03a3 \u03c3\u03b1\u03c3", "* *");
}

static void case_folding_may_change_the_length(void **state)
{
    (void)state;
    assert_censors("stra\u00dfe", "STRASSE Stra\u00dfe STRA\u1e9eE strasse", "* * * *");
    assert_censors("strasse", "STRASSE Stra\u00dfe STRA\u1e9eE stra\u017f\u017fe", "* * * *");
    assert_censors("kelvin", "\u212aelvin \u212aELVIN", "* *");
    assert_censors("i\u0307x", "\u0130X", "*");
    assert_censors("coffee", "co\ufb00ee", "*");
}

static void composed_and_decomposed_letters_agree(void **state)
{
    (void)state;
    assert_censors("imb\u00e9cil", "imb\u00e9cil imbe\u0301cil IMBE\u0301CIL IMB\u00c9CIL",
                   "* * * *");
    assert_censors("imbe\u0301cil", "imb\u00e9cil imbe\u0301cil", "* *");
    assert_censors("imbecil", "imb\u00e9cil imbe\u0301cil", "imb\u00e9cil imbe\u0301cil");
    /* Marks above and below come in either order. */
    assert_censors("x\u1ee5\u0301", "xu\u0323\u0301 xu\u0301\u0323 X\u00da\u0323", "* * *");
    assert_censors("\uac01", "\u1100\u1161\u11a8", "*");
}

static void phrases_match_across_any_white_space(void **state)
{
    (void)state;
    assert_censors("bad egg", "bad egg bad  egg bad\negg bad \r\n\t egg", "* * * *");
    assert_censors("bad egg", "bad\u00a0egg bad\u2003\u3000egg", "* *");
    assert_censors("bad egg", "badegg bad-egg bad.egg bad, egg bad eggs abad egg",
                   "badegg bad-egg bad.egg bad, egg bad eggs abad egg");
    assert_censors("bad \u2003 egg", "bad egg", "*");
}

static void white_space_around_a_phrase_stays(void **state)
{
    (void)state;
    assert_censors("bad egg", "  a \n bad egg \t b ", "  a \n * \t b ");
}

static void apostrophes_are_alike(void **state)
{
    (void)state;
    assert_censors("cap d'espinaca", "Cap d\u2019Espinaca, cap d'espinaca", "*, *");
    assert_censors("cap d\u2019espinaca", "CAP D\u2019ESPINACA, CAP D'ESPINACA", "*, *");
}

static void punctuation_in_an_entry_counts(void **state)
{
    (void)state;
    assert_censors("half-wit", "half-wit halfwit half wit half-wits",
                   "* halfwit half wit half-wits");
    assert_censors("xitxarel\u00b7lo", "XITXAREL\u00b7LO xitxarello", "* xitxarello");
    assert_censors("c++", "c++ C++, c++x c+++ c+", "* *, c++x *+ c+");
    assert_censors("\\!fool", "!fool a!fool _!fool -!fool", "* a!fool _!fool -*");
    assert_censors("\u24d0x", "\u24b6X", "*");
}

static void the_longest_of_two_matches_counts(void **state)
{
    (void)state;
    assert_censors("bad\nbad egg\nbad egg sandwich", "bad egg sandwich, bad egg salad, bad",
                   "*, * salad, *");
    assert_censors("fool\nfool's gold", "fool's gold fool's golden", "* *'s golden");
}

static void the_first_of_two_overlapping_matches_counts(void **state)
{
    (void)state;
    assert_censors("a b\nb c d", "a b c d", "* c d");
    assert_censors("a b c d e\nb\nc d", "a b c d f", "a * * f");
    assert_censors("a a", "a a a a a", "* * a");
    assert_censors("fool\n\\!fool\n\\!x", "fool!fool !x fool!x", "*!* * *!x");
}

static void a_mask_is_not_looked_at_again(void **state)
{
    struct matcher *matcher = open_matcher(MATCHER_EXACT, "fool\nCENSORED\nCENSORED bold");
    struct censored censored = {0};
    const char *text = "CENSORED fool CENSOREDfool fool bold";
    (void)state;

    censor(matcher, "CENSORED", text, strlen(text), &censored);
    assert_string_equal(censored.result.text, "CENSORED CENSORED CENSOREDfool CENSORED bold");
    assert_int_equal(censored.spans.count, 3);
    censored_clear(&censored);
    matcher_close(matcher);
}

static void an_empty_mask_deletes(void **state)
{
    struct matcher *matcher = open_matcher(MATCHER_EXACT, "fool");
    struct censored censored = {0};
    (void)state;

    censor(matcher, "", "a fool, fool", 12, &censored);
    assert_string_equal(censored.result.text, "a , ");
    assert_int_equal(censored.spans.count, 2);
    censor(matcher, "", "fool", 4, &censored);
    assert_string_equal(censored.result.text, "");
    assert_int_equal(censored.result.length, 0);
    censored_clear(&censored);
    matcher_close(matcher);
}

static void a_mask_must_be_utf8(void **state)
{
    (void)state;
    assert_int_equal(censor_check(&(struct censor_mask){.text = "\xff"}), -ERR_INVALID);
    assert_int_equal(censor_check(&(struct censor_mask){.text = "\u2588\u2588"}), 0);
}

static void an_empty_list_changes_nothing(void **state)
{
    (void)state;
    assert_censors("", "fool \u00e9\u0301 \u6f22 !", "fool \u00e9\u0301 \u6f22 !");
}

static void an_empty_text_stays_empty(void **state)
{
    struct matcher *matcher = open_matcher(MATCHER_EXACT, "fool");
    struct censored censored = {0};
    (void)state;

    censor(matcher, "*", NULL, 0, &censored);
    assert_string_equal(censored.result.text, "");
    assert_int_equal(censored.result.length, 0);
    assert_int_equal(censored.spans.count, 0);
    censored_clear(&censored);
    assert_null(censored.result.text);
    matcher_close(matcher);
}

static void a_nul_is_a_character_like_others(void **state)
{
    static const char text[] = "fool\0fool\0\0x fool", expected[] = "*\0*\0\0x *";
    struct matcher *matcher = open_matcher(MATCHER_EXACT, "fool");
    struct censored censored = {0};
    (void)state;

    censor(matcher, "*", text, sizeof text - 1, &censored);
    assert_int_equal(censored.result.length, sizeof expected - 1);
    assert_memory_equal(censored.result.text, expected, sizeof expected);
    censored_clear(&censored);
    matcher_close(matcher);
}

static void a_result_can_be_used_again(void **state)
{
    struct matcher *matcher = open_matcher(MATCHER_EXACT, "fool");
    struct censored censored = {0};
    (void)state;

    censor(matcher, "CENSORED", "fool fool fool fool", 19, &censored);
    assert_int_equal(censored.spans.count, 4);
    const char *buffer = censored.result.text;
    size_t capacity = censored.result.capacity;
    censor(matcher, "CENSORED", "wise", 4, &censored);
    assert_string_equal(censored.result.text, "wise");
    assert_int_equal(censored.spans.count, 0);
    assert_ptr_equal(censored.result.text, buffer);
    assert_int_equal(censored.result.capacity, capacity);
    censored_clear(&censored);
    matcher_close(matcher);
}

static void words_of_the_original_design_are_in_the_default_lists(void **state)
{
    static const char *const words[] = {"tonto",          "inutil", "in\u00fatil", "cap d'espinaca",
                                        "cap d'espicana", "cavero", "gordo",       "feo",
                                        "perro"};
    struct matcher *matcher = open_default_words();
    struct censored censored = {0};
    (void)state;

    for (size_t i = 0; i < COUNT(words); i++) {
        censor(matcher, "CENSORED", words[i], strlen(words[i]), &censored);
        assert_string_equal(censored.result.text, "CENSORED");
    }
    censored_clear(&censored);
    matcher_close(matcher);
}

static void every_default_entry_is_found_in_capitals_between_punctuation(void **state)
{
    struct matcher *matcher = open_default_words();
    struct wordlist list;
    struct censored censored = {0};
    (void)state;

    wordlist_init(&list);
    add_default_words(&list);
    for (size_t i = 0; i < list.count; i++) {
        size_t length;
        uint8_t *capitals = u8_toupper((const uint8_t *)list.entries[i].text,
                                       list.entries[i].length, NULL, UNINORM_NFD, NULL, &length);
        assert_non_null(capitals);
        char text[256];
        snprintf(text, sizeof text, "\u00a1(%.*s), %s.", (int)length, (const char *)capitals,
                 list.entries[i].text);
        censor(matcher, "CENSORED", text, strlen(text), &censored);
        assert_string_equal(censored.result.text, "\u00a1(CENSORED), CENSORED.");
        free(capitals);
    }
    censored_clear(&censored);
    wordlist_clear(&list);
    matcher_close(matcher);
}

static bool is_word_character(ucs4_t character)
{
    return character == '_' ||
           uc_is_general_category_withtable(character, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M |
                                                           UC_CATEGORY_MASK_N);
}

/* Every character, put between two letters as an entry, is found in a text in each of its forms.
 * Characters are folded one by one in texts but together in entries; this holds the two against
 * each other. */
static void every_character_of_an_entry_is_found(void **state)
{
    enum { BLOCK = 0x800, LAST = 0x1ffff };
    static char words[BLOCK * 8 + 1], text[BLOCK * 200];
    (void)state;

    for (ucs4_t block = 0; block < LAST; block += BLOCK) {
        size_t words_length = 0, text_length = 0, items = 0;
        for (ucs4_t character = block; character < block + BLOCK; character++) {
            uint8_t entry[8] = {'x'}, form[64];
            int size = u8_uctomb(entry + 1, character, 6);
            /* Hangul and Chinese by the ten thousand would teach nothing new. */
            bool sampled = !uc_is_general_category_withtable(character, UC_CATEGORY_MASK_Lo) ||
                           character < 0x3000 || character % 16 == 0;
            if (size < 1 || !sampled || uc_is_property_white_space(character) ||
                uc_is_general_category_withtable(
                    character, UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cn | UC_CATEGORY_MASK_Co) ||
                character == 0xfeff)
                continue;
            size_t length = (size_t)size + 2, form_length = sizeof form;
            entry[length - 1] = 'y';

            /* Marks made of symbols: their normal form has other words than they. */
            assert_ptr_equal(u8_normalize(UNINORM_NFC, entry, length, form, &form_length), form);
            if (!is_word_character(character) && form_length != length)
                continue;
            memcpy(words + words_length, entry, length);
            words_length += length;
            words[words_length++] = '\n';
            for (int kind = 0; kind < 4; kind++) {
                form_length = sizeof form;
                uint8_t *made = form;
                if (kind == 0)
                    memcpy(form, entry, form_length = length);
                else if (kind == 1)
                    made = u8_toupper(entry, length, NULL, NULL, form, &form_length);
                else if (kind == 2)
                    made = u8_tolower(entry, length, NULL, NULL, form, &form_length);
                else if (is_word_character(character))
                    made = u8_normalize(UNINORM_NFD, entry, length, form, &form_length);
                else
                    continue;
                assert_ptr_equal(made, form);
                assert_true(text_length + form_length + 1 < sizeof text);
                memcpy(text + text_length, form, form_length);
                text_length += form_length;
                text[text_length++] = '\n';
                items++;
            }
        }
        struct censored censored = {0};
        words[words_length] = '\0';
        struct matcher *matcher = open_matcher(MATCHER_EXACT, words);
        censor(matcher, "", text, text_length, &censored);
        if (censored.spans.count != items || censored.result.length != items)
            fail_msg("U+%04X and later: %zu of %zu found, left: %.80s", (unsigned)block,
                     censored.spans.count, items,
                     censored.result.text + strspn(censored.result.text, "\n"));
        censored_clear(&censored);
        matcher_close(matcher);
    }
}

/* ---- masks ---- */

/* The spans are where the pattern has letters: the same letter in a row is one span. */
static void assert_masks(const struct censor_mask *mask, const char *text, const char *pattern,
                         const char *expected)
{
    struct matcher_span spans[64];
    struct censor_result result;
    size_t count = 0, length = strlen(text);

    assert_int_equal(strlen(pattern), length);
    for (size_t i = 0; i < length; i++) {
        if (pattern[i] == '.')
            continue;
        if (i == 0 || pattern[i] != pattern[i - 1])
            spans[count++] = (struct matcher_span){.start = i};
        spans[count - 1].length++;
    }
    assert_int_equal(censor_check(mask), 0);
    censor_result_init(&result);
    /* On the heap and exactly as long as it is, so that the sanitizer sees a read past its end. */
    char *exact = malloc(length ? length : 1);
    assert_non_null(exact);
    memcpy(exact, text, length);
    assert_int_equal(censor_apply(mask, exact, length, spans, count, &result), 0);
    assert_string_equal(result.text, expected);
    assert_int_equal(result.length, strlen(expected));
    assert_true(result.length < result.capacity);
    censor_result_clear(&result);
    free(exact);
}

static void a_text_replaces_each_match(void **state)
{
    const struct censor_mask mask = {.text = "CENSORED"}, none = {.text = ""};
    const struct censor_mask longer = {
        .text = "[what stood here cannot be repeated in front of the children]"};
    (void)state;

    assert_masks(&mask, "", "", "");
    assert_masks(&mask, "nothing", ".......", "nothing");
    assert_masks(&mask, "fool", "aaaa", "CENSORED");
    assert_masks(&mask, "a fool, a moron", "..aaaa....bbbbb", "a CENSORED, a CENSORED");
    assert_masks(&mask, "foolmoron", "aaaabbbbb", "CENSOREDCENSORED");
    assert_masks(&mask, "a text that is longer than a block is, with a fool far behind",
                 "..............................................aaaa...........",
                 "a text that is longer than a block is, with a CENSORED far behind");
    assert_masks(&none, "a fool, a moron", "..aaaa....bbbbb", "a , a ");
    assert_masks(&longer, "a b", "a.b",
                 "[what stood here cannot be repeated in front of the children] "
                 "[what stood here cannot be repeated in front of the children]");
}

static void a_mask_character_keeps_length_and_lines(void **state)
{
    const struct censor_mask star = {.character = "*"}, block = {.character = "\u2588"};
    (void)state;

    assert_masks(&star, "a fool!", "..aaaa.", "a ****!");
    assert_masks(&star, "a bad \r\n egg", "..aaaaaaaaaa", "a *** \r\n ***");
    assert_masks(&block, "a fool!", "..aaaa.", "a \u2588\u2588\u2588\u2588!");
}

static void characters_are_counted_as_a_person_counts(void **state)
{
    const struct censor_mask star = {.character = "*"};
    (void)state;

    assert_masks(&star, "\u00e9t\u00e9", "aaaaa", "***");
    assert_masks(&star, "e\u0301te\u0301", "aaaaaaa", "***");
    /* A flag, a family, a thumb of some colour. */
    assert_masks(&star, "\U0001f1e8\U0001f1ed", "aaaaaaaa", "*");
    assert_masks(&star, "\U0001f468\u200d\U0001f469\u200d\U0001f467", "aaaaaaaaaaaaaaaaaa", "*");
    assert_masks(&star, "\U0001f44d\U0001f3fd", "aaaaaaaa", "*");
    /* Hangul of three parts; bytes that are no UTF-8 are one each. */
    assert_masks(&star, "\u1100\u1161\u11a8", "aaaaaaaaa", "*");
    assert_masks(&star,
                 "a\xff\xfe"
                 "b",
                 "aaaa", "****");
}

static void the_first_character_of_a_match_may_stay(void **state)
{
    const struct censor_mask mask = {.character = "*", .keep_first = true};
    (void)state;

    assert_masks(&mask, "a fool, a moron", "..aaaa....bbbbb", "a f***, a m****");
    assert_masks(&mask, "bad egg", "aaaaaaa", "b** ***");
    assert_masks(&mask, "e\u0301te\u0301", "aaaaaaa", "e\u0301**");
    assert_masks(&mask, "x", "a", "x");
}

static void a_mask_character_is_one_character(void **state)
{
    static const char *const bad[] = {"", "xy", "\xff", "**", "e\u0301e"};
    static const char *const good[] = {"*", "\u2588", "e\u0301", "\U0001f468\u200d\U0001f467"};
    (void)state;

    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(censor_check(&(struct censor_mask){.character = bad[i]}), -ERR_INVALID);
    for (size_t i = 0; i < COUNT(good); i++)
        assert_int_equal(censor_check(&(struct censor_mask){.character = good[i]}), 0);
    /* A letter with more accents than there is memory for. */
    char tall[CENSOR_CHARACTER_MAX_BYTES + 2] = "e";
    for (size_t length = 1; length + strlen("\u0301") < sizeof tall; length += strlen("\u0301"))
        memcpy(tall + length, "\u0301", sizeof "\u0301");
    assert_true(strlen(tall) > CENSOR_CHARACTER_MAX_BYTES);
    assert_int_equal(censor_check(&(struct censor_mask){.character = tall}), -ERR_INVALID);
    tall[strlen(tall) - strlen("\u0301")] = '\0';
    assert_int_equal(censor_check(&(struct censor_mask){.character = tall}), 0);
}

static void hostile_bytes_do_no_harm(void **state)
{
    static const char seed_text[] =
        "Ets un cap d\u2019espinaca! IMBE\u0301CIL, gilipollas; son  of\na goat \u6f22\u5b57 "
        "\U0001f600 STRASSE \u00df\u0130 fool's gold, thick as a brick";
    struct matcher *matcher = open_default_words();
    struct censored censored = {0};
    unsigned seed = 99;
    (void)state;

    for (int round = 0; round < 50000; round++) {
        size_t from = (size_t)rand_r(&seed) % sizeof seed_text;
        size_t length = (size_t)rand_r(&seed) % (sizeof seed_text - from + 1);
        /* On the heap and exactly as long as it is, so that the sanitizer sees a read past its end.
         */
        char *text = malloc(length ? length : 1);
        assert_non_null(text);
        memcpy(text, seed_text + from, length);
        for (int n = rand_r(&seed) % 8; n > 0 && length > 0; n--)
            text[(size_t)rand_r(&seed) % length] = (char)rand_r(&seed);
        censor(matcher, "CENSORED", text, length, &censored);
        assert_int_equal(censored.result.text[censored.result.length], '\0');
        assert_true(censored.result.length < censored.result.capacity);
        if (censored.spans.count == 0) {
            assert_int_equal(censored.result.length, length);
            if (length > 0)
                assert_memory_equal(censored.result.text, text, length);
        }
        free(text);
    }
    censored_clear(&censored);
    matcher_close(matcher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_is_replaced_wherever_it_stands),
        cmocka_unit_test(foolish_is_not_a_fool),
        cmocka_unit_test(a_combining_mark_belongs_to_its_word),
        cmocka_unit_test(punctuation_ends_a_word),
        cmocka_unit_test(case_does_not_count),
        cmocka_unit_test(case_folding_may_change_the_length),
        cmocka_unit_test(composed_and_decomposed_letters_agree),
        cmocka_unit_test(phrases_match_across_any_white_space),
        cmocka_unit_test(white_space_around_a_phrase_stays),
        cmocka_unit_test(apostrophes_are_alike),
        cmocka_unit_test(punctuation_in_an_entry_counts),
        cmocka_unit_test(the_longest_of_two_matches_counts),
        cmocka_unit_test(the_first_of_two_overlapping_matches_counts),
        cmocka_unit_test(a_mask_is_not_looked_at_again),
        cmocka_unit_test(an_empty_mask_deletes),
        cmocka_unit_test(a_mask_must_be_utf8),
        cmocka_unit_test(an_empty_list_changes_nothing),
        cmocka_unit_test(an_empty_text_stays_empty),
        cmocka_unit_test(a_nul_is_a_character_like_others),
        cmocka_unit_test(a_result_can_be_used_again),
        cmocka_unit_test(words_of_the_original_design_are_in_the_default_lists),
        cmocka_unit_test(every_default_entry_is_found_in_capitals_between_punctuation),
        cmocka_unit_test(every_character_of_an_entry_is_found),
        cmocka_unit_test(a_text_replaces_each_match),
        cmocka_unit_test(a_mask_character_keeps_length_and_lines),
        cmocka_unit_test(characters_are_counted_as_a_person_counts),
        cmocka_unit_test(the_first_character_of_a_match_may_stay),
        cmocka_unit_test(a_mask_character_is_one_character),
        cmocka_unit_test(hostile_bytes_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
