#include "csv/table.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static char directory[] = "/tmp/winnow-table-XXXXXX";

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

static int read_bytes(const char *bytes, size_t length, struct table **table, struct why *why)
{
    FILE *file = fopen("t.csv", "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    return table_read("t.csv", table, why);
}

static struct table *read_text(const char *text)
{
    struct table *table;
    struct why why;

    if (read_bytes(text, strlen(text), &table, &why) != 0)
        fail_msg("%s", why.text);
    return table;
}

static void assert_refused(const char *text, const char *expected)
{
    struct table *table = (struct table *)1;
    struct why why;

    assert_int_equal(read_bytes(text, strlen(text), &table, &why), -ERR_CONFIG);
    assert_null(table);
    assert_string_equal(why.text, expected);
}

/* Cells are joined by | and rows ended by /, with the line each starts in before it. */
static void assert_table(const char *text, const char *expected)
{
    struct table *table = read_text(text);
    char found[1024];
    size_t length = 0;

    for (size_t row = 0; row < table_rows(table); row++) {
        length +=
            (size_t)snprintf(found + length, sizeof found - length, "%zu:", table_line(table, row));
        for (int column = 0; column < (int)table_columns(table); column++)
            length += (size_t)snprintf(found + length, sizeof found - length, "%s%s",
                                       column ? "|" : "", table_cell(table, row, column));
        length += (size_t)snprintf(found + length, sizeof found - length, "/");
    }
    found[length] = '\0';
    assert_string_equal(found, expected);
    table_close(table);
}

static void rows_and_columns_are_found_by_name(void **state)
{
    struct table *table = read_text("a,b,c\n1,2,3\n4,5,6\n");

    (void)state;
    assert_int_equal(table_rows(table), 2);
    assert_int_equal(table_columns(table), 3);
    assert_int_equal(table_column(table, "a"), 0);
    assert_int_equal(table_column(table, "c"), 2);
    assert_int_equal(table_column(table, "A"), -1);
    assert_int_equal(table_column(table, ""), -1);
    assert_string_equal(table_cell(table, 1, 2), "6");
    table_close(table);
    table_close(NULL);
}

static void a_missing_column_is_named(void **state)
{
    struct table *table = read_text("\na,b\n");
    struct why why;
    int column;

    (void)state;
    assert_int_equal(table_need_column(table, "b", &column, &why), 0);
    assert_int_equal(column, 1);
    assert_int_equal(table_need_column(table, "rate", &column, &why), -ERR_CONFIG);
    assert_string_equal(why.text, "t.csv:2: no column 'rate', expected one of that name");
    table_close(table);
}

static void a_header_alone_is_a_table_without_rows(void **state)
{
    (void)state;
    assert_table("a,b", "");
    assert_table("a,b\n", "");
    assert_table("a,b\r\n\r\n", "");
}

static void quoted_fields_hold_commas_quotes_and_line_breaks(void **state)
{
    (void)state;
    assert_table("a,b\n1,\"x, y\"\n", "2:1|x, y/");
    assert_table("a,b\n1,\"ha \"\"ha\"\" ha\"\n3,4\n", "2:1|ha \"ha\" ha/3:3|4/");
    assert_table("a,b\n\"Once upon \na time\",5\n7,8\n", "2:Once upon \na time|5/4:7|8/");
    assert_table("a,b\r\n\"Once upon \r\na time\",5\r\n7,8\r\n", "2:Once upon \r\na time|5/4:7|8/");
    assert_table("a,b\n\"\n\n\n\",\"\"\"\"\n1,\"\"\n", "2:\n\n\n|\"/6:1|/");
    assert_table("\"a\nx\",b\n1,2\n", "3:1|2/");
}

static void empty_fields_are_empty_text(void **state)
{
    (void)state;
    assert_table("a,b,c\n1,\"\",\"\"\n,,\n2,3,4", "2:1||/3:||/4:2|3|4/");
    assert_table("a,b\n1,", "2:1|/");
    assert_table("a\n\"\"\n", "2:/");
    assert_table("a,b\n,", "2:|/");
}

static void spaces_belong_to_the_field(void **state)
{
    (void)state;
    assert_table("a, b \n 1 ,\t2\n", "2: 1 |\t2/");
}

static void every_line_end_is_read(void **state)
{
    (void)state;
    assert_table("a,b\n1,2\n3,4", "2:1|2/3:3|4/");
    assert_table("a,b\r\n1,2\r\n3,4\r\n", "2:1|2/3:3|4/");
    assert_table("a,b\r1,2\r3,4\r", "2:1|2/3:3|4/");
    assert_table("a,b\n\n\n1,2\r\n\r\n\n3,4\n\n", "4:1|2/7:3|4/");
}

static void a_byte_order_mark_is_no_part_of_the_first_name(void **state)
{
    struct table *table = read_text("\xEF\xBB\xBF"
                                    "a,b\n1,\xCA\xA4\n");

    (void)state;
    assert_int_equal(table_column(table, "a"), 0);
    assert_string_equal(table_cell(table, 0, 1), "\xCA\xA4");
    table_close(table);
    table = read_text("\xEF\xBB\xBF\"a\",b\n1,2\n");
    assert_int_equal(table_column(table, "a"), 0);
    table_close(table);
    assert_refused("\xEF\xBB\xBF", "t.csv:1: the file is empty, expected a header line");
}

static void a_file_without_a_header_is_refused(void **state)
{
    (void)state;
    assert_refused("", "t.csv:1: the file is empty, expected a header line");
    assert_refused("\n\r\n\n", "t.csv:1: the file is empty, expected a header line");
}

static void a_name_that_is_there_twice_is_refused(void **state)
{
    (void)state;
    assert_refused("a,b,a\n", "t.csv:1: column 'a' is there twice, expected unique names");
    assert_refused("a,b,c,b\n", "t.csv:1: column 'b' is there twice, expected unique names");
}

static void a_row_of_another_width_is_refused_with_its_line_and_column(void **state)
{
    (void)state;
    assert_refused("a,b,c\n\"1\n1\",2,3\n\n4,5\n6,7,8\n",
                   "t.csv:5: the row ends before column 'c', expected 3 fields, found 2");
    assert_refused("a,b\n1,2,3\n",
                   "t.csv:2: the row goes on after column 'b', expected 2 fields, found 3");
    assert_refused("a,b\n1,2\n3",
                   "t.csv:3: the row ends before column 'b', expected 2 fields, found 1");
    assert_refused("a,b\n1,2,",
                   "t.csv:2: the row goes on after column 'b', expected 2 fields, found 3");
}

#define QUOTING ", expected a field with quotes in it to be quoted, with each inner quote doubled"

static void quotes_out_of_place_are_refused_with_their_line_and_column(void **state)
{
    (void)state;
    assert_refused("a,b\n1,x\"y\n", "t.csv:2: column 'b': a quote out of place" QUOTING);
    assert_refused("a,b\n1, \"y\"\n", "t.csv:2: column 'b': a quote out of place" QUOTING);
    assert_refused("a,b\n1,2\n\"x\"y,2\n", "t.csv:3: column 'a': a quote out of place" QUOTING);
    assert_refused("a,b\n\"x\" ,2\n", "t.csv:2: column 'a': a quote out of place" QUOTING);
    assert_refused("a,b\n1,2,x\"\n",
                   "t.csv:2: the field after column 'b': a quote out of place" QUOTING);
    assert_refused("a,b\n1,\"x\n2,\"y\"\n",
                   "t.csv:3: column 'b': text after the closing quote of the field that began in "
                   "line 2" QUOTING);
    assert_refused("a\"b\n", "t.csv:1: the header: a quote out of place" QUOTING);
}

static void quotes_that_never_close_are_refused_where_they_open(void **state)
{
    (void)state;
    assert_refused("a,b\n1,2\n3,\"x\n4\n5\n",
                   "t.csv:3: column 'b': the file ends inside the quotes opened here" QUOTING);
    assert_refused("a,b\n\"x\ny\",\"z\nz",
                   "t.csv:3: column 'b': the file ends inside the quotes opened here" QUOTING);
    assert_refused("\"",
                   "t.csv:1: the header: the file ends inside the quotes opened here" QUOTING);
}

static void a_nul_byte_is_refused(void **state)
{
    struct table *table;
    struct why why;

    (void)state;
    assert_int_equal(read_bytes("a,b\n1,\0\n", 8, &table, &why), -ERR_CONFIG);
    assert_string_equal(why.text, "t.csv:2: a NUL byte, expected text");
}

static void an_unreadable_file_is_refused_with_the_reason(void **state)
{
    struct table *table;
    struct why why;

    (void)state;
    assert_int_equal(table_read("none.csv", &table, &why), -ERR_CONFIG);
    assert_string_equal(why.text,
                        "none.csv: No such file or directory, expected a readable CSV file");
    assert_int_equal(table_read("/", &table, &why), -ERR_CONFIG);
    assert_string_equal(why.text, "/: Is a directory, expected a readable CSV file");
    assert_int_equal(table_read("none.csv", &table, NULL), -ERR_CONFIG);
}

static void assert_number(const char *text, double expected)
{
    char csv[256];
    struct why why;
    double number = -1;

    snprintf(csv, sizeof csv, "a,x\n1,%s\n", text);
    struct table *table = read_text(csv);
    if (table_number(table, 0, 1, &number, &why) != 0 || number != expected)
        fail_msg("'%s' was read as %g", text, number);
    table_close(table);
}

static void numbers_are_the_nearest_double(void **state)
{
    (void)state;
    assert_number("0", 0);
    assert_number("-0", 0);
    assert_number("007", 7);
    assert_number("+1.5", 1.5);
    assert_number("-1.5e3", -1500);
    assert_number("1E-3", 0.001);
    assert_number("0.10000000000000001", 0.1);
    assert_number("1.7976931348623157e308", DBL_MAX);
    assert_number("4.9406564584124654e-324", 4.9406564584124654e-324);
    assert_number("1e-999", 0);
    assert_number("\"2\"", 2);
}

static void what_is_not_a_finite_number_is_refused_with_its_line_and_column(void **state)
{
    static const char *const texts[] = {
        "abc", " ",    "1 ",    " 1",    "1.",    ".5",  "1e",  "e5",  "-",   "+-1",  "nan",
        "inf", "0x10", "1e999", "1_000", "1.5.2", "1;5", "--1", "1e+", "NaN", "-inf", "infinity"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char csv[64];
        char expected[256];
        struct why why;
        double number = 7;

        snprintf(csv, sizeof csv, "a,x\n1,2\n3,%s\n", texts[i]);
        snprintf(expected, sizeof expected,
                 "t.csv:3: column 'x': '%s' is not a number, expected one like 1000 or 0.5 or 1e6",
                 texts[i]);
        struct table *table = read_text(csv);
        assert_int_equal(table_number(table, 1, 1, &number, &why), -ERR_CONFIG);
        assert_string_equal(why.text, expected);
        assert_true(number == 7);
        table_close(table);
    }
}

static void an_empty_field_is_an_unknown_number(void **state)
{
    struct table *table = read_text("a,x\n1,\n");
    double number = 7;

    (void)state;
    assert_int_equal(table_number(table, 0, 1, &number, NULL), 0);
    assert_true(isnan(number));
    table_close(table);
}

static void assert_row(struct table_row *row, const char *expected)
{
    assert_int_equal(table_row_end(row), 0);
    assert_int_equal(row->length, strlen(expected));
    assert_memory_equal(row->text, expected, row->length);
}

static void a_row_is_written_as_one_line(void **state)
{
    struct table_row row;

    (void)state;
    table_row_init(&row);
    table_row_begin(&row);
    table_row_text(&row, "plain text");
    table_row_integer(&row, INT64_MIN);
    table_row_count(&row, UINT64_MAX);
    table_row_number(&row, 0.1);
    table_row_number(&row, 2);
    table_row_number(&row, NAN);
    table_row_text(&row, "");
    table_row_text(&row, "x, \"y\"\n");
    table_row_text(&row, " z");
    table_row_text(&row, "z ");
    table_row_text(&row, "\t");
    table_row_text(&row, NULL);
    assert_row(&row, "plain text,-9223372036854775808,18446744073709551615,0.10000000000000001,2,,,"
                     "\"x, \"\"y\"\"\n\",\" z\",\"z \",\"\t\",\n");
    table_row_begin(&row);
    table_row_number(&row, -INFINITY);
    table_row_number(&row, 1e300);
    assert_row(&row, ",1.0000000000000001e+300\n");
    table_row_clear(&row);
    table_row_clear(&row);
}

static void a_lone_empty_field_is_no_empty_line(void **state)
{
    struct table_row row;

    (void)state;
    table_row_init(&row);
    table_row_begin(&row);
    table_row_number(&row, NAN);
    assert_row(&row, "\"\"\n");
    table_row_clear(&row);
}

/* What random texts are made of: all that matters to the dialect, and a little that does not. */
static const char alphabet[] = "\"\",,\n\n\r\r \t\t ab\xC3\xA4;'\\";

static void what_is_written_reads_back_the_same(void **state)
{
    enum { ROWS = 300, TEXTS = 3 };
    static char texts[ROWS][TEXTS][32];
    static double numbers[ROWS];
    uint64_t random = 9;

    (void)state;
    for (int round = 0; round < 20; round++) {
        FILE *file = fopen("t.csv", "w");
        struct table_row row;
        struct table *table;
        struct why why;

        assert_non_null(file);
        fputs("w,x,y,number\n", file);
        table_row_init(&row);
        for (int i = 0; i < ROWS; i++) {
            table_row_begin(&row);
            for (int j = 0; j < TEXTS; j++) {
                size_t length = next_random(&random) % 31;
                for (size_t k = 0; k < length; k++)
                    texts[i][j][k] = alphabet[next_random(&random) % (sizeof alphabet - 1)];
                texts[i][j][length] = '\0';
                table_row_text(&row, texts[i][j]);
            }
            uint64_t bits = next_random(&random);
            memcpy(&numbers[i], &bits, sizeof bits);
            table_row_number(&row, numbers[i]);
            assert_int_equal(table_row_end(&row), 0);
            assert_int_equal(fwrite(row.text, 1, row.length, file), row.length);
        }
        table_row_clear(&row);
        fclose(file);

        if (table_read("t.csv", &table, &why) != 0)
            fail_msg("%s", why.text);
        assert_int_equal(table_rows(table), ROWS);
        for (size_t i = 0; i < ROWS; i++) {
            double number;
            for (int j = 0; j < TEXTS; j++)
                assert_string_equal(table_cell(table, i, j), texts[i][j]);
            assert_int_equal(table_number(table, i, 3, &number, &why), 0);
            if (isfinite(numbers[i]))
                assert_true(number == numbers[i]);
            else
                assert_true(isnan(number));
        }
        table_close(table);
    }
}

static void any_bytes_are_a_table_or_an_error_with_a_line(void **state)
{
    uint64_t random = 17;
    int read = 0;

    (void)state;
    for (int round = 0; round < 5000; round++) {
        char bytes[64];
        size_t length = next_random(&random) % sizeof bytes;
        struct table *table;
        struct why why = {0};

        for (size_t i = 0; i < length; i++)
            bytes[i] = alphabet[next_random(&random) % (sizeof alphabet - 1)];
        int error = read_bytes(bytes, length, &table, &why);
        if (error) {
            assert_int_equal(error, -ERR_CONFIG);
            assert_memory_equal(why.text, "t.csv:", 6);
            assert_non_null(strstr(why.text, ", expected "));
            continue;
        }
        read++;
        for (size_t row = 0; row < table_rows(table); row++)
            for (int column = 0; column < (int)table_columns(table); column++)
                assert_true(strlen(table_cell(table, row, column)) < sizeof bytes);
        table_close(table);
    }
    assert_true(read > 50);
}

static void a_large_file_and_a_long_field_are_read_whole(void **state)
{
    enum { ROWS = 20000, LONG = 300000 };
    FILE *file = fopen("t.csv", "w");
    struct table *table;
    struct why why;

    (void)state;
    assert_non_null(file);
    fputs("id,text\n", file);
    for (int i = 0; i < ROWS; i++)
        fprintf(file, "%d,\"line\nof %d\"\r\n", i, i);
    fputs("last,\"", file);
    for (int i = 0; i < LONG; i++)
        fputs("\"\"", file);
    fputs("\"", file);
    fclose(file);

    if (table_read("t.csv", &table, &why) != 0)
        fail_msg("%s", why.text);
    assert_int_equal(table_rows(table), ROWS + 1);
    for (size_t i = 0; i < ROWS; i++) {
        char expected[64];
        double number;

        snprintf(expected, sizeof expected, "line\nof %zu", i);
        assert_string_equal(table_cell(table, i, 1), expected);
        assert_int_equal(table_number(table, i, 0, &number, &why), 0);
        assert_true(number == (double)i);
        assert_int_equal(table_line(table, i), 2 + 2 * i);
    }
    assert_int_equal(strlen(table_cell(table, ROWS, 1)), LONG);
    table_close(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_columns_are_found_by_name),
        cmocka_unit_test(a_missing_column_is_named),
        cmocka_unit_test(a_header_alone_is_a_table_without_rows),
        cmocka_unit_test(quoted_fields_hold_commas_quotes_and_line_breaks),
        cmocka_unit_test(empty_fields_are_empty_text),
        cmocka_unit_test(spaces_belong_to_the_field),
        cmocka_unit_test(every_line_end_is_read),
        cmocka_unit_test(a_byte_order_mark_is_no_part_of_the_first_name),
        cmocka_unit_test(a_file_without_a_header_is_refused),
        cmocka_unit_test(a_name_that_is_there_twice_is_refused),
        cmocka_unit_test(a_row_of_another_width_is_refused_with_its_line_and_column),
        cmocka_unit_test(quotes_out_of_place_are_refused_with_their_line_and_column),
        cmocka_unit_test(quotes_that_never_close_are_refused_where_they_open),
        cmocka_unit_test(a_nul_byte_is_refused),
        cmocka_unit_test(an_unreadable_file_is_refused_with_the_reason),
        cmocka_unit_test(numbers_are_the_nearest_double),
        cmocka_unit_test(what_is_not_a_finite_number_is_refused_with_its_line_and_column),
        cmocka_unit_test(an_empty_field_is_an_unknown_number),
        cmocka_unit_test(a_row_is_written_as_one_line),
        cmocka_unit_test(a_lone_empty_field_is_no_empty_line),
        cmocka_unit_test(what_is_written_reads_back_the_same),
        cmocka_unit_test(any_bytes_are_a_table_or_an_error_with_a_line),
        cmocka_unit_test(a_large_file_and_a_long_field_are_read_whole),
    };

    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
