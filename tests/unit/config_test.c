/* config: a configuration's text to its items. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char text[1024];
static struct config config;

static void begin(const char *bytes, size_t length)
{
    memset(text, 'x', sizeof text);
    memcpy(text, bytes, length);
    config_begin(&config, text, length);
}

#define BEGIN(literal) begin(literal, sizeof(literal) - 1)

static void assert_section(size_t line, const char *kind, const char *name)
{
    struct config_item item;
    struct why why;

    assert_int_equal(config_next(&config, &item, &why), 1);
    assert_int_equal(item.type, CONFIG_SECTION);
    assert_int_equal(config.line, line);
    assert_string_equal(item.kind, kind);
    assert_string_equal(item.name, name);
}

static void assert_entry(size_t line, const char *key, const char *value)
{
    struct config_item item;
    struct why why;

    assert_int_equal(config_next(&config, &item, &why), 1);
    assert_int_equal(item.type, CONFIG_ENTRY);
    assert_int_equal(config.line, line);
    assert_string_equal(item.key, key);
    assert_string_equal(item.value, value);
}

static void assert_end(void)
{
    struct config_item item;
    struct why why;

    assert_int_equal(config_next(&config, &item, &why), 0);
}

static void sections_and_entries_come_in_order_with_their_lines(void **state)
{
    (void)state;
    BEGIN("# a comment\n\n[autoscaler]\n total-max=12 \n; another\n[ pool  my mails\t]\n"
          "worker\t=  sh -c 'a = b ; c' # no comment\nempty =\n");
    assert_section(3, "autoscaler", "");
    assert_entry(4, "total-max", "12");
    assert_section(6, "pool", "my mails");
    assert_entry(7, "worker", "sh -c 'a = b ; c' # no comment");
    assert_entry(8, "empty", "");
    assert_end();
}

static void a_file_of_another_system_is_read_the_same(void **state)
{
    (void)state;
    BEGIN("\xef\xbb\xbf[pool a]\r\nmin = 1\r\n\r\nmax = 2");
    assert_section(1, "pool", "a");
    assert_entry(2, "min", "1");
    assert_entry(4, "max", "2");
    assert_end();
    BEGIN("");
    assert_end();
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *expected;
    } wrong[] = {
#define WRONG(bytes, expected) {"\n" bytes, sizeof("\n" bytes) - 1, expected}
        WRONG("[pool a", "without its ]"),
        WRONG("[pool a] # x", "without its ]"),
        WRONG("[ ]", "without a kind"),
        WRONG("min 1", "neither a section nor an entry"),
        WRONG("= 1", "is no key"),
        WRONG("a b = 1", "is no key"),
        WRONG("min = 1\0", "character 0x00"),
        WRONG("min = \x1b[2J", "character 0x1b"),
        WRONG("min = 1\r\r\n", "0x0d"),
        WRONG("min\r= 1\n", "0x0d"),
#undef WRONG
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct config_item item;
        struct why why = {0};
        begin(wrong[i].bytes, wrong[i].length);
        assert_int_equal(config_next(&config, &item, &why), -ERR_CONFIG);
        assert_int_equal(config.line, 2);
        assert_non_null(strstr(why.text, wrong[i].expected));
    }
}

static void a_value_is_split_at_blanks_but_for_what_is_quoted(void **state)
{
    static const struct {
        const char *value, *words[5];
    } values[] = {
        {"", {NULL}},
        {" a  b\tc ", {"a", "b", "c"}},
        {"sh -c 'a  \"b\"' \"it's\"", {"sh", "-c", "a  \"b\"", "it's"}},
        {"--x='a b'c'' ''", {"--x=a bc", ""}},
        {"$HOME ~ \\n * a\\ b", {"$HOME", "~", "\\n", "*", "a\\"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char *words[8], *value = strdup(values[i].value);
        struct why why;
        int count = config_words(value, words, 8, &why);
        for (int j = 0; j < 5 && values[i].words[j]; j++) {
            assert_true(j < count);
            assert_string_equal(words[j], values[i].words[j]);
        }
        assert_true(count >= 0 && (count >= 5 || !values[i].words[count]));
        free(value);
    }
}

static void words_that_cannot_be_split_are_refused(void **state)
{
    char open[] = "sh -c 'a", many[] = "a b c", *words[2];
    struct why why;

    (void)state;
    assert_int_equal(config_words(open, words, 2, &why), -ERR_CONFIG);
    assert_int_equal(config_words(many, words, 2, &why), -ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_and_entries_come_in_order_with_their_lines),
        cmocka_unit_test(a_file_of_another_system_is_read_the_same),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(a_value_is_split_at_blanks_but_for_what_is_quoted),
        cmocka_unit_test(words_that_cannot_be_split_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
