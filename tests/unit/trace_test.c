#include "csv/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/winnow-trace-XXXXXX";

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

static void write_file(const char *text)
{
    FILE *file = fopen("t.csv", "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

/* Rows as TIME-UNTIL:COUNT with spaces between, then the error's text, if there is one. */
static void assert_trace(const char *source, const char *text, const char *expected)
{
    struct trace *trace = NULL;
    struct trace_row row;
    struct why why;
    char found[4096] = "";
    size_t length = 0;
    int got = 0;

    write_file(text);
    int error = trace_open(source, &trace, &why);
    while (!error && (got = trace_next(trace, &row, &why)) == 1)
        length += (size_t)snprintf(found + length, sizeof found - length, "%s%.9g-%.9g:%llu",
                                   length ? " " : "", row.time_s, row.until_s,
                                   (unsigned long long)row.count);
    if (got < 0)
        error = got;
    if (error) {
        assert_int_equal(error, -ERR_CONFIG);
        snprintf(found + length, sizeof found - length, "%s%s", length ? " " : "", why.text);
    }
    assert_string_equal(found, expected);
    trace_close(trace);
}

static void rows_without_a_count_are_one_event_each_from_the_first_on(void **state)
{
    (void)state;
    assert_trace("t.csv", "time_s\n10\n10.5\n10.5\n12e0\n", "0-0:1 0.5-0.5:1 0.5-0.5:1 2-2:1");
    assert_trace("t.csv", "other,time_s\nx,-1\ny,3\n", "0-0:1 4-4:1");
    assert_trace("t.csv", "time_s\n7\n", "0-0:1");
    assert_trace("t.csv", "time_s\n", "");
}

static void counts_last_until_the_next_row_and_the_last_as_long_as_the_one_before(void **state)
{
    (void)state;
    assert_trace("t.csv", "time_s,count\n0,5\n60,0\n90,7\n", "0-60:5 60-90:0 90-120:7");
    assert_trace("t.csv", "count,time_s\n5,1\n6,1\n", "0-0:5 0-0:6");
    assert_trace("t.csv", "time_s,count\n0,9007199254740992\n1,1e3\n",
                 "0-1:9007199254740992 1-2:1000");
}

static void columns_of_other_names_are_named_after_the_file(void **state)
{
    (void)state;
    assert_trace("t.csv:when", "when,n\n1,5\n3,6\n", "0-0:1 2-2:1");
    assert_trace("t.csv:when,n", "when,n\n1,5\n3,6\n", "0-2:5 2-4:6");
    assert_trace("t.csv:when", "when,count\n1,5\n3,6\n", "0-2:5 2-4:6");
    assert_trace("t.csv:when,", "when,count\n1,5\n3,6\n", "0-2:5 2-4:6");
    assert_trace("t.csv:,n", "time_s,n\n1,5\n3,6\n", "0-2:5 2-4:6");
    assert_trace("./t.csv:when", "when\n1\n", "0-0:1");
}

static void timestamps_are_exact_to_a_hundred_nanoseconds(void **state)
{
    (void)state;
    assert_trace("t.csv:TIMESTAMP",
                 "TIMESTAMP,Tokens\n2023-11-16 18:15:46.6805900,3\n2023-11-16 18:15:46.6805901,4\n"
                 "2023-11-17T00:15:46.68059Z,5\n",
                 "0-0:1 1e-07-1e-07:1 21600-21600:1");
    assert_trace("t.csv:period", "period,count\n1998-04-30 23:59:00,2\n1998-05-01 00:00,11\n",
                 "0-60:2 60-120:11");
}

static void a_row_that_is_wrong_is_named_with_its_line_and_column(void **state)
{
    (void)state;
    assert_trace("t.csv", "time_s\n1\n0.5\n",
                 "t.csv:3: column 'time_s': '0.5' is earlier than the row before, expected rows in "
                 "the order of time");
    assert_trace("t.csv", "time_s\n1\n2\nx\n",
                 "0-0:1 t.csv:4: column 'time_s': 'x' is not a time, expected seconds, like 12.5, "
                 "or a timestamp, like 2023-11-16 18:15:46.680590");
    assert_trace("t.csv", "time_s\n\"\"\n",
                 "t.csv:2: column 'time_s': '' is not a time, expected seconds, like 12.5, or a "
                 "timestamp, like 2023-11-16 18:15:46.680590");
    assert_trace("t.csv", "time_s\n1\n2023-11-16 18:15:46\n",
                 "t.csv:3: column 'time_s': '2023-11-16 18:15:46' among seconds, expected one kind "
                 "of time in a file");
    assert_trace("t.csv", "time_s\n2023-11-16 18:15:46\n5\n",
                 "t.csv:3: column 'time_s': '5' among timestamps, expected one kind of time in a "
                 "file");
    assert_trace("t.csv", "time_s\n2023-11-16 18:15\n1711-04-30 23:57\n",
                 "t.csv:3: column 'time_s': '1711-04-30 23:57' is earlier than the row before, "
                 "expected rows in the order of time");
    assert_trace(
        "t.csv", "time_s\n1711-04-30 23:57\n2023-11-16 18:15\n",
        "t.csv:3: column 'time_s': '2023-11-16 18:15' is more than 1e+09 s after the first "
        "row");
    assert_trace("t.csv", "time_s\n0\n1e10\n",
                 "t.csv:3: column 'time_s': '1e10' is more than 1e+09 s after the first row");
    for (const char *const *count =
             (const char *const[]){"-1", "1.5", "1e300", "9007199254740994", NULL};
         *count; count++) {
        char text[64], expected[256];
        snprintf(text, sizeof text, "time_s,count\n0,1\n1,%s\n", *count);
        snprintf(expected, sizeof expected,
                 "t.csv:3: column 'count': '%s' is not a count, expected a whole number of at "
                 "least 0",
                 *count);
        assert_trace("t.csv", text, expected);
    }
    assert_trace("t.csv", "time_s,count\n0,\n",
                 "t.csv:2: column 'count': '' is not a count, expected a whole number of at least "
                 "0");
    assert_trace("t.csv", "time_s,count\n0,x\n",
                 "t.csv:2: column 'count': 'x' is not a number, expected one like 1000 or 0.5 or "
                 "1e6");
    assert_trace("t.csv", "time_s,count\n0,5\n",
                 "t.csv:2: column 'count': the only row does not say until when, expected a second "
                 "row");
    assert_trace("t.csv", "time_s,count\n0,5\n1\n",
                 "t.csv:3: the row ends before column 'count', expected 2 fields, found 1");
}

static void a_header_that_is_wrong_is_refused_at_once(void **state)
{
    (void)state;
    assert_trace(
        "t.csv", "when\n1\n",
        "t.csv:1: no column 'time_s', expected one of that name, or yours named: " TRACE_FORM);
    assert_trace("t.csv:then", "when\n1\n", "t.csv:1: no column 'then', expected one of that name");
    assert_trace("t.csv:when,n", "when\n1\n", "t.csv:1: no column 'n', expected one of that name");
    assert_trace("t.csv", "", "t.csv:1: the file is empty, expected a header line");
    assert_trace("none.csv:x", "",
                 "none.csv: No such file or directory, expected a readable CSV file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_without_a_count_are_one_event_each_from_the_first_on),
        cmocka_unit_test(counts_last_until_the_next_row_and_the_last_as_long_as_the_one_before),
        cmocka_unit_test(columns_of_other_names_are_named_after_the_file),
        cmocka_unit_test(timestamps_are_exact_to_a_hundred_nanoseconds),
        cmocka_unit_test(a_row_that_is_wrong_is_named_with_its_line_and_column),
        cmocka_unit_test(a_header_that_is_wrong_is_refused_at_once),
    };

    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
