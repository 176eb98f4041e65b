/* What is not seen through table.h, whose tests read everything through the reader. */
#include "csv/table_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CHUNK 65536 /* what the reader reads at a time */

static char directory[] = "/tmp/winnow-reader-XXXXXX";

static int enter_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int leave_directory(void **state)
{
    (void)state;
    unlink("t.csv");
    return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static FILE *begin_file(const char *header)
{
    FILE *file = fopen("t.csv", "w");

    assert_non_null(file);
    fputs(header, file);
    return file;
}

static struct table_reader *end_file(FILE *file)
{
    struct table_reader *reader;
    struct why why;

    assert_int_equal(fclose(file), 0);
    if (table_reader_open("t.csv", &reader, &why) != 0)
        fail_msg("%s", why.text);
    return reader;
}

static void a_file_of_many_rows_is_read_to_its_end(void **state)
{
    FILE *file = begin_file("a,b\n");
    struct why why;
    double number;

    (void)state;
    for (int i = 0; i < 50000; i++)
        fprintf(file, "%d,\"x\ny\"\n", i);
    struct table_reader *reader = end_file(file);
    for (int i = 0; i < 50000; i++) {
        assert_int_equal(table_reader_next(reader, &why), 1);
        assert_int_equal(table_reader_line(reader), 2 + 2 * i);
        assert_int_equal(table_reader_number(reader, 0, &number, &why), 0);
        assert_true(number == i);
        assert_string_equal(table_reader_cell(reader, 1), "x\ny");
    }
    assert_int_equal(table_reader_next(reader, &why), 0);
    table_reader_close(reader);
}

static void a_line_end_may_be_cut_anywhere_by_the_reading(void **state)
{
    static const char *const ends[] = {"\n", "\r", "\r\n"};
    struct why why;

    (void)state;
    for (size_t e = 0; e < 3; e++)
        for (int shift = -4; shift <= 4; shift++) {
            FILE *file = begin_file("a\n");
            for (int i = 2; i < CHUNK + shift; i++)
                fputc('x', file);
            fprintf(file, "%s%s", ends[e], e == 1 ? "last\r" : "last\n");
            struct table_reader *reader = end_file(file);
            assert_int_equal(table_reader_next(reader, &why), 1);
            assert_int_equal(strlen(table_reader_cell(reader, 0)), CHUNK + shift - 2);
            assert_int_equal(table_reader_next(reader, &why), 1);
            assert_string_equal(table_reader_cell(reader, 0), "last");
            assert_int_equal(table_reader_line(reader), 3);
            assert_int_equal(table_reader_next(reader, &why), 0);
            table_reader_close(reader);
        }
}

static void a_row_without_an_end_is_refused_before_it_fills_the_memory(void **state)
{
    FILE *file = begin_file("a,b\n1,2\n1,\"");
    struct why why;

    (void)state;
    for (int i = 0; i < TABLE_MAX_ROW_MIB << 20; i++)
        fputc(i % 80 ? 'x' : '\n', file);
    struct table_reader *reader = end_file(file);
    assert_int_equal(table_reader_next(reader, &why), 1);
    assert_int_equal(table_reader_next(reader, &why), -ERR_CONFIG);
    assert_string_equal(
        why.text, "t.csv:3: a row of more than 16 MiB, expected less; is a quote not closed?");
    table_reader_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_many_rows_is_read_to_its_end),
        cmocka_unit_test(a_line_end_may_be_cut_anywhere_by_the_reading),
        cmocka_unit_test(a_row_without_an_end_is_refused_before_it_fills_the_memory),
    };

    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
