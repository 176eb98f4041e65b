#include "loadgen/texts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/winnow-texts-XXXXXX";

static int enter_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int leave_directory(void **state)
{
    (void)state;
    unlink("b.txt");
    unlink("b.csv");
    return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static void write_file(const char *path, const char *bytes, size_t length)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void a_line_of_a_file_is_a_text_whatever_ends_it(void **state)
{
    static const char *const expected[] = {"one", "two", "\xef\xbb\xbfthree", "last"};
    static const char file[] = "\xef\xbb\xbfone\r\ntwo\n\xef\xbb\xbfthree\n\n\r\n \t\nlast";
    struct texts *texts;

    (void)state;
    /* Blank lines are none, a byte order mark is left out at the beginning alone, and the last line
     * needs no end. */
    write_file("b.txt", file, sizeof file - 1);
    assert_int_equal(texts_open("b.txt", &texts, NULL), 0);
    assert_false(texts_cut(texts));
    assert_int_equal(texts_count(texts), sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < texts_count(texts); i++) {
        struct broker_bytes text = texts_get(texts, i);
        assert_int_equal(text.length, strlen(expected[i]));
        assert_memory_equal(text.bytes, expected[i], text.length);
    }
    texts_close(texts);
    write_file("b.txt", "without\n", 8);
    assert_int_equal(texts_open("b.txt", &texts, NULL), 0);
    assert_int_equal(texts_get(texts, 0).length, strlen("without"));
    texts_close(texts);
}

static void a_binary_file_is_refused_with_its_line(void **state)
{
    struct texts *texts;
    struct why why;

    (void)state;
    write_file("b.txt", "good\nb\0d\n", 9);
    assert_int_equal(texts_open("b.txt", &texts, &why), -ERR_CONFIG);
    assert_string_equal(why.text,
                        "'b.txt' is not a text: a NUL byte in line 2, expected "
                        "FILE.txt, one event a line, or FILE.csv:COLUMN, one event a row");
}

/* A little over what is taken of a file: in the text file the limit is in the middle of a line. */
static void of_a_huge_file_whole_texts_of_its_beginning_are_taken(void **state)
{
    static const char line[] = "0123456789012345678901234567890123456789012345678901234567890\n";
    size_t lines = ((size_t)TEXTS_MAX_MIB << 20) / (sizeof line - 2) + 5000;
    FILE *text = fopen("b.txt", "w"), *table = fopen("b.csv", "w");

    (void)state;
    assert_true(text && table);
    fputs("a\n", table);
    for (size_t i = 0; i < lines; i++) {
        fputs(line, text);
        fputs(line, table);
    }
    assert_true(fclose(text) == 0 && fclose(table) == 0);
    for (int i = 0; i < 2; i++) {
        struct texts *texts;
        assert_int_equal(texts_open(i ? "b.csv:a" : "b.txt", &texts, NULL), 0);
        assert_true(texts_cut(texts));
        size_t mib = texts_count(texts) * (sizeof line - 2) >> 20;
        assert_true(mib >= TEXTS_MAX_MIB - 2 && mib <= TEXTS_MAX_MIB);
        struct broker_bytes last = texts_get(texts, texts_count(texts) - 1);
        assert_int_equal(last.length, sizeof line - 2);
        assert_memory_equal(last.bytes, line, last.length);
        texts_close(texts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_of_a_file_is_a_text_whatever_ends_it),
        cmocka_unit_test(a_binary_file_is_refused_with_its_line),
        cmocka_unit_test(of_a_huge_file_whole_texts_of_its_beginning_are_taken),
    };

    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
