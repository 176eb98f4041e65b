/* Entries for the word service, and where each of them stood. */
#include "ctl/word_lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void add_file(struct word_lines *lines, const char *path, const char *content)
{
    struct why why;
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(content, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(word_lines_add_file(lines, path, &why), 0);
    unlink(path);
}

static void expect_place(const struct word_lines *lines, size_t line, const char *want)
{
    char place[WORD_LINES_PLACE_SIZE];

    word_lines_place(lines, line, place);
    assert_string_equal(place, want);
}

static void expect_bytes(const struct word_lines *lines, const char *want)
{
    assert_int_equal(lines->length, strlen(want));
    assert_memory_equal(lines->bytes, want, lines->length);
}

static void an_argument_is_never_a_comment(void **state)
{
    struct word_lines lines = {0};

    (void)state;
    assert_int_equal(word_lines_add_argument(&lines, "  #1"), 0);
    assert_int_equal(word_lines_add_argument(&lines, "C#"), 0);
    expect_bytes(&lines, "\\#1\nC#\n");
    assert_int_equal(lines.count, 2);
    word_lines_clear(&lines);
}

static void each_line_knows_its_place(void **state)
{
    struct word_lines lines = {0};

    (void)state;
    assert_int_equal(word_lines_add_argument(&lines, "argument"), 0);
    add_file(&lines, "first",
             "\xef\xbb\xbf"
             "one\ntwo");
    add_file(&lines, "empty", "");
    add_file(&lines, "last", "three\n\n");
    expect_bytes(&lines, "argument\none\ntwo\nthree\n\n");
    assert_int_equal(lines.count, 5);
    expect_place(&lines, 1, "");
    expect_place(&lines, 2, "first:1: ");
    expect_place(&lines, 3, "first:2: ");
    expect_place(&lines, 4, "last:1: ");
    expect_place(&lines, 5, "last:2: ");
    word_lines_clear(&lines);
}

static void requests_are_whole_lines(void **state)
{
    struct word_lines lines = {0};
    size_t count;

    (void)state;
    add_file(&lines, "list", "ab\ncd\nefgh\n");
    assert_int_equal(word_lines_next(&lines, 0, 5, &count), 3);
    assert_int_equal(count, 1);
    assert_int_equal(word_lines_next(&lines, 0, 6, &count), 6);
    assert_int_equal(count, 2);
    assert_int_equal(word_lines_next(&lines, 6, 4, &count), 0);
    assert_int_equal(word_lines_next(&lines, 6, 5, &count), 5);
    assert_int_equal(word_lines_next(&lines, 11, 5, &count), 0);
    word_lines_clear(&lines);
}

static void comments_begin_no_request(void **state)
{
    struct word_lines lines = {0};
    size_t line = 1;

    (void)state;
    add_file(&lines, "list", "# a\n\n \t# b\n  \r\nword # c\n# d\n");
    size_t at = word_lines_skip_comments(&lines, 0, &line);
    assert_memory_equal(lines.bytes + at, "word", 4);
    assert_int_equal(line, 5);
    line = 6;
    assert_int_equal(word_lines_skip_comments(&lines, lines.length - 4, &line), lines.length);
    assert_int_equal(line, 7);
    word_lines_clear(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_argument_is_never_a_comment),
        cmocka_unit_test(each_line_knows_its_place),
        cmocka_unit_test(requests_are_whole_lines),
        cmocka_unit_test(comments_begin_no_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
