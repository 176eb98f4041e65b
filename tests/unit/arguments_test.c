/* A command in one text, as its words. */
#include "arguments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each word in <>, one behind the other. */
static void expect(const char *text, const char *words)
{
    char joined[256] = "";
    char **argv = NULL;
    struct why why = {0};

    assert_int_equal(arguments_split(text, &argv, &why), 0);
    for (char **word = argv; *word; word++) {
        size_t length = strlen(joined);
        snprintf(joined + length, sizeof joined - length, "<%s>", *word);
    }
    assert_string_equal(joined, words);
    free(argv);
}

static void expect_refused(const char *text, const char *reason)
{
    char **argv = NULL;
    struct why why = {0};

    assert_int_equal(arguments_split(text, &argv, &why), -ERR_INVALID);
    assert_string_equal(why.text, reason);
    assert_null(argv);
}

static void words_are_split_at_spaces(void **state)
{
    (void)state;
    expect("sh {}", "<sh><{}>");
    expect(" \t\na  b\tc\nd ", "<a><b><c><d>");
    expect("a b c d e f", "<a><b><c><d><e><f>");
}

static void quotes_keep_words_together(void **state)
{
    (void)state;
    expect("sh -c 'echo \"a  b\"'", "<sh><-c><echo \"a  b\">");
    expect("a\"b c\"d'e f'", "<ab cde f>");
    expect("a '' \"\"", "<a><><>");
    expect("'it''s' \"'\"", "<its><'>");
}

static void nothing_is_expanded(void **state)
{
    (void)state;
    expect("a $HOME *? \\n ~ `x` $(y) ; # |", "<a><$HOME><*?><\\n><~><`x`><$(y)><;><#><|>");
}

static void what_is_no_command_is_refused(void **state)
{
    (void)state;
    expect_refused("", "there is no word");
    expect_refused(" \n", "there is no word");
    expect_refused("a 'b", "a quote does not end");
    expect_refused("a \"b'", "a quote does not end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_split_at_spaces),
        cmocka_unit_test(quotes_keep_words_together),
        cmocka_unit_test(nothing_is_expanded),
        cmocka_unit_test(what_is_no_command_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
