#include "filter/wordlist.h"

#include "error.h"
#include "filter/default_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_adds(struct wordlist *list, const char *text)
{
    struct why why = {0};

    if (wordlist_add(list, "words.txt", text, strlen(text), &why) != 0)
        fail_msg("%s", why.text);
}

/* The list of a text holds exactly these entries. */
#define assert_entries(text, ...)                                                                  \
    assert_entries_of(text, strlen(text), (const char *[]){__VA_ARGS__, NULL})

static void assert_entries_of(const char *text, size_t length, const char *const *expected)
{
    struct wordlist list;
    struct why why = {0};
    size_t count = 0;

    wordlist_init(&list);
    if (wordlist_add(&list, "words.txt", text, length, &why) != 0)
        fail_msg("%s", why.text);
    for (; expected[count]; count++) {
        assert_true(count < list.count);
        assert_string_equal(list.entries[count].text, expected[count]);
        assert_int_equal(list.entries[count].length, strlen(expected[count]));
    }
    assert_int_equal(list.count, count);
    wordlist_clear(&list);
}

/* The text is refused, and the explanation holds both parts. */
static void assert_refused(const char *text, size_t length, const char *place, const char *what)
{
    struct wordlist list;
    struct why why = {0};

    wordlist_init(&list);
    assert_adds(&list, "before\n");
    assert_int_equal(wordlist_add(&list, "words.txt", text, length, &why), -ERR_CONFIG);
    assert_int_equal(strncmp(why.text, place, strlen(place)), 0);
    assert_non_null(strstr(why.text, what));
    assert_non_null(strstr(why.text, "expected"));
    assert_int_equal(wordlist_add(&list, "words.txt", text, length, NULL), -ERR_CONFIG);
    wordlist_clear(&list);
}

static void an_entry_is_a_line(void **state)
{
    (void)state;
    assert_entries("fool\nlast without a line end", "fool", "last without a line end");
}

static void comments_and_blank_lines_are_no_entries(void **state)
{
    (void)state;
    assert_entries("# a comment\n\n   \t\n  # another\nfool\n#\n", "fool");
    assert_entries("c#\nfool # no comment\n", "c#", "fool # no comment");
}

static void nothing_gives_an_empty_list(void **state)
{
    struct wordlist list;
    (void)state;

    wordlist_init(&list);
    assert_int_equal(wordlist_add(&list, "words.txt", NULL, 0, NULL), 0);
    assert_adds(&list, "");
    assert_adds(&list, "\n\n# only a comment");
    assert_adds(&list, "\ufeff");
    assert_int_equal(list.count, 0);
    wordlist_clear(&list);
}

static void white_space_is_trimmed_and_folded(void **state)
{
    (void)state;
    assert_entries(" \t fool \t\n\u00a0a  bad \u2003 egg\u3000\n", "fool", "a bad egg");
}

static void carriage_returns_and_byte_order_mark_are_accepted(void **state)
{
    (void)state;
    assert_entries("\ufeff# comment\r\nfool\r\n\r\nbad egg \r\n", "fool", "bad egg");
    assert_entries("\ufefffool\r", "fool");
}

static void an_entry_is_kept_as_it_is_written(void **state)
{
    (void)state;
    assert_entries("FOOL\nIMBE\u0301CIL\nd\u2019a\nd'a\n", "FOOL", "IMBE\u0301CIL", "d\u2019a",
                   "d'a");
}

static void duplicates_count_once(void **state)
{
    (void)state;
    assert_entries("fool\nFool\n fool\na  b\na b\n", "fool", "Fool", "a b");
}

static void lists_add_up(void **state)
{
    struct wordlist list;
    (void)state;

    wordlist_init(&list);
    assert_adds(&list, "one\ntwo\n");
    assert_adds(&list, "two\nthree\n");
    assert_int_equal(list.count, 3);
    assert_string_equal(list.entries[0].text, "one");
    assert_string_equal(list.entries[1].text, "two");
    assert_string_equal(list.entries[2].text, "three");
    wordlist_clear(&list);
    assert_int_equal(list.count, 0);
    assert_adds(&list, "again\n");
    assert_int_equal(list.count, 1);
    wordlist_clear(&list);
}

static void thousands_of_entries_keep_their_order(void **state)
{
    enum { COUNT = 20000 };
    struct wordlist list;
    size_t size = 0;
    char *text = NULL;
    (void)state;

    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < COUNT; i++)
            fprintf(stream, "word%d\n", i);
    assert_int_equal(fclose(stream), 0);

    wordlist_init(&list);
    assert_adds(&list, text);
    assert_int_equal(list.count, COUNT);
    for (int i = 0; i < COUNT; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "word%d", i);
        assert_string_equal(list.entries[i].text, expected);
    }
    wordlist_clear(&list);
    free(text);
}

static void invalid_utf8_is_named_with_its_line(void **state)
{
    static const char *const bad[] = {
        "ok\nin\xfatil\n",           /* Latin-1 */
        "ok\n# Espa\xf1ol\n",        /* in a comment too: the file is not what it should be */
        "ok\nover\xc0\xaflong\n",    /* overlong */
        "ok\nhalf\xed\xa0\x80\n",    /* a surrogate */
        "ok\ncut\xe2\x80",           /* ends in the middle of a character */
        "ok\nbeyond\xf4\x90\x80\x80" /* past U+10FFFF */
    };
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(bad[i], strlen(bad[i]), "words.txt:2: ", "UTF-8");
    assert_refused("in\xfatil\n", 7, "words.txt:1: byte 3 ", "UTF-8");
}

static void control_characters_are_refused(void **state)
{
    (void)state;
    assert_refused("a\nb\n\nfo\0ol\n", 11, "words.txt:4: ", "U+0000");
    assert_refused("\0", 1, "words.txt:1: ", "U+0000");
    assert_refused("fool\rmoron\r", 11, "words.txt:1: ", "U+000D");
    assert_refused("a\fb", 3, "words.txt:1: ", "U+000C");
    assert_refused("a\x7f", 2, "words.txt:1: ", "U+007F");
    assert_refused("a\xc2\x85z", 4, "words.txt:1: ", "U+0085");
    assert_refused("a\n\ufeff# second file\n", 19, "words.txt:2: ", "U+FEFF");
}

static void an_entry_needs_a_letter_digit_or_picture(void **state)
{
    (void)state;
    assert_refused("ok\n---\n", 7, "words.txt:2: ", "letter, digit or emoji");
    assert_refused("_\n", 2, "words.txt:1: ", "letter, digit or emoji");
    assert_refused("\u0301\n", 3, "words.txt:1: ", "letter, digit or emoji");
    assert_refused("\ufe0f\u200d\n", 7, "words.txt:1: ", "letter, digit or emoji");
    assert_refused("\u2026 \u3002\n", 8, "words.txt:1: ", "letter, digit or emoji");
    assert_entries("7\n\u2168\n", "7", "\u2168");
    assert_entries("\U0001f595\n\u2620\ufe0f\n\u203c\ufe0f\n", "\U0001f595", "\u2620\ufe0f",
                   "\u203c\ufe0f");
    /* A pirate's flag: a flag, a joiner, skull and bones. */
    assert_entries("*\U0001f3f4\u200d\u2620\ufe0f*\t2\n", "\U0001f3f4\u200d\u2620\ufe0f");
}

static void the_longest_entry_has_ten_kibibytes(void **state)
{
    char text[WORDLIST_ENTRY_MAX_BYTES + 8];
    struct wordlist list;
    (void)state;

    memset(text, 'A', sizeof text);
    assert_refused(text, WORDLIST_ENTRY_MAX_BYTES + 1, "words.txt:1: ", "10240");

    text[WORDLIST_ENTRY_MAX_BYTES] = ' ';
    text[WORDLIST_ENTRY_MAX_BYTES + 1] = '\n';
    wordlist_init(&list);
    assert_int_equal(wordlist_add(&list, "words.txt", text, WORDLIST_ENTRY_MAX_BYTES + 2, NULL), 0);
    assert_int_equal(list.entries[0].length, WORDLIST_ENTRY_MAX_BYTES);
    wordlist_clear(&list);
}

/* ---- syntax ---- */

/* One line makes this entry. */
static void assert_entry(const char *line, const char *text, const char *flags, int severity)
{
    struct wordlist list;

    wordlist_init(&list);
    assert_adds(&list, line);
    assert_int_equal(list.count, 1);
    const struct wordlist_entry *entry = &list.entries[0];
    assert_string_equal(entry->text, text);
    assert_int_equal(entry->open_start, strchr(flags, '<') != NULL);
    assert_int_equal(entry->open_end, strchr(flags, '>') != NULL);
    assert_int_equal(entry->allowed, strchr(flags, '!') != NULL);
    assert_int_equal(entry->severity, severity);
    assert_int_equal(entry->line, 1);
    assert_string_equal(list.files[entry->file], "words.txt");
    wordlist_clear(&list);
}

static void stars_open_the_ends(void **state)
{
    (void)state;
    assert_entry("fool", "fool", "", 1);
    assert_entry("fool*", "fool", ">", 1);
    assert_entry("*fool", "fool", "<", 1);
    assert_entry(" *bad egg* \r\n", "bad egg", "<>", 1);
    assert_entry("f*ol", "f*ol", "", 1);
    for (const char *const *bad =
             (const char *const[]){"* fool", "fool *", "**fool", "fool**", "!* fool", NULL};
         *bad; bad++)
        assert_refused(*bad, strlen(*bad), "words.txt:1: ", "a *");
    assert_refused("*", 1, "words.txt:1: ", "letter, digit or emoji");
    assert_refused("!**", 3, "words.txt:1: ", "letter, digit or emoji");
}

static void an_exclamation_mark_allows(void **state)
{
    (void)state;
    assert_entry("!Scunthorpe", "Scunthorpe", "!", 1);
    assert_entry("! *thorpe*", "thorpe", "!<>", 1);
    assert_entry("fool!", "fool!", "", 1);
    assert_refused("!", 1, "words.txt:1: ", "letter, digit or emoji");
}

static void a_severity_follows_a_tab(void **state)
{
    (void)state;
    assert_entry("fool\t3", "fool", "", 3);
    assert_entry("bad egg* \t\t 0 ", "bad egg", ">", 0);
    assert_entry("fool\t1000000", "fool", "", 1000000);
    assert_entry("!fool\t2", "fool", "!", 2);
    for (const char *const *bad =
             (const char *const[]){"fool\t1000001", "fool\t-1", "fool\t2 3", "fool\thigh",
                                   "fool\t99999999999999999999", "fool\t3.5", "bad\tegg\t3", NULL};
         *bad; bad++)
        assert_refused(*bad, strlen(*bad), "words.txt:1: ", "not a severity");
}

static void a_backslash_makes_ordinary(void **state)
{
    (void)state;
    assert_entry("\\#1", "#1", "", 1);
    assert_entry("\\!fool", "!fool", "", 1);
    assert_entry("\\*fool\\*", "*fool*", "", 1);
    assert_entry("*\\*fool\\**", "*fool*", "<>", 1);
    assert_entry("fool\\\\*", "fool\\", ">", 1);
    assert_entry("fool\\\\\\*", "fool\\*", "", 1);
    assert_entry("a\\b\\", "a\\b\\", "", 1);
}

static void less_severe_entries_are_left_out(void **state)
{
    struct wordlist list;
    (void)state;

    wordlist_init(&list);
    list.min_severity = 3;
    assert_adds(&list, "mild\nbad\t3\n!allowed\nworse\t4\nmild\t5\n");
    assert_int_equal(list.count, 4);
    assert_string_equal(list.entries[0].text, "bad");
    assert_string_equal(list.entries[1].text, "allowed");
    assert_string_equal(list.entries[3].text, "mild");
    wordlist_clear(&list);
}

static void collect(void *context, const char *text)
{
    char *all = context;

    strncat(all, text, 1000 - strlen(all) - 2);
    strcat(all, "\n");
}

static void repeated_and_covered_entries_are_told(void **state)
{
    struct wordlist list;
    char told[1000] = "";
    (void)state;

    wordlist_init(&list);
    list.warnings = (struct wordlist_warnings){collect, told};
    assert_adds(&list, "fool\nbad egg\t2\nfool\nbad   egg\t7\nfool*\n!bad egg*\n!fool\n!x\nx*\n");
    if (wordlist_add(&list, "more.txt", "fool\t9\n", 7, NULL))
        fail();
    assert_int_equal(list.entries[0].severity, 9);
    assert_int_equal(list.entries[1].severity, 7);
    wordlist_check(&list);
    assert_string_equal(told, "words.txt:3: 'fool' is there already, from line 1\n"
                              "words.txt:4: 'bad egg' is there already, from line 2; the higher "
                              "severity counts\n"
                              "words.txt:1: 'fool' can never match: words.txt:7 allows it\n"
                              "words.txt:2: 'bad egg' can never match: words.txt:6 allows it\n");
    wordlist_clear(&list);
}

static void default_lists_are_accepted_and_repeat_nothing(void **state)
{
    (void)state;
    assert_int_equal(default_words_count, 3);
    for (size_t i = 0; i < default_words_count; i++) {
        const struct default_words_list *words = &default_words[i];
        struct wordlist list;
        struct why why = {0};
        size_t lines = 0;

        wordlist_init(&list);
        if (wordlist_add(&list, words->name, words->bytes, words->length, &why) != 0)
            fail_msg("%s", why.text);
        assert_in_range(list.count, 80, 200);

        assert_int_equal(words->bytes[words->length - 1], '\n');
        for (size_t at = 0; at < words->length; at++) {
            bool begins = at == 0 || words->bytes[at - 1] == '\n';
            lines += begins && words->bytes[at] != '#' && words->bytes[at] != '\n';
        }
        assert_int_equal(lines, list.count);
        wordlist_clear(&list);
    }
    assert_string_equal(default_words[0].name, "ca.txt");
    assert_string_equal(default_words[1].name, "en.txt");
    assert_string_equal(default_words[2].name, "es.txt");
}

static void random_bytes_are_taken_or_refused_but_never_crash(void **state)
{
    static const char bytes[] =
        "aB#*!\\\t3\n\n\r _\xe9\xc3\xa9\xef\xbb\xbf\xe2\x80\x99"; /* the NUL too */
    unsigned seed = 7;
    (void)state;

    for (int round = 0; round < 20000; round++) {
        /* On the heap and exactly as long as it is, so that the sanitizer sees a read past its end.
         */
        size_t length = (size_t)rand_r(&seed) % 40;
        char *text = malloc(length);
        assert_true(text || length == 0);
        for (size_t i = 0; i < length; i++)
            text[i] = bytes[(size_t)rand_r(&seed) % sizeof bytes];

        struct wordlist list;
        struct why why;
        wordlist_init(&list);
        int error = wordlist_add(&list, "words.txt", text, length, &why);
        assert_true(error == 0 || error == -ERR_CONFIG);
        wordlist_clear(&list);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_a_line),
        cmocka_unit_test(comments_and_blank_lines_are_no_entries),
        cmocka_unit_test(nothing_gives_an_empty_list),
        cmocka_unit_test(white_space_is_trimmed_and_folded),
        cmocka_unit_test(carriage_returns_and_byte_order_mark_are_accepted),
        cmocka_unit_test(an_entry_is_kept_as_it_is_written),
        cmocka_unit_test(duplicates_count_once),
        cmocka_unit_test(lists_add_up),
        cmocka_unit_test(thousands_of_entries_keep_their_order),
        cmocka_unit_test(invalid_utf8_is_named_with_its_line),
        cmocka_unit_test(control_characters_are_refused),
        cmocka_unit_test(an_entry_needs_a_letter_digit_or_picture),
        cmocka_unit_test(the_longest_entry_has_ten_kibibytes),
        cmocka_unit_test(stars_open_the_ends),
        cmocka_unit_test(an_exclamation_mark_allows),
        cmocka_unit_test(a_severity_follows_a_tab),
        cmocka_unit_test(a_backslash_makes_ordinary),
        cmocka_unit_test(less_severe_entries_are_left_out),
        cmocka_unit_test(repeated_and_covered_entries_are_told),
        cmocka_unit_test(default_lists_are_accepted_and_repeat_nothing),
        cmocka_unit_test(random_bytes_are_taken_or_refused_but_never_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
