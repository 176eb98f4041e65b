#include "csv/history_reader.h"

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

static char directory[] = "/tmp/winnow-reader-XXXXXX";

static int enter_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int leave_directory(void **state)
{
    (void)state;
    unlink("h.csv");
    return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static const char *const needed[] = {"time_s",        "ready_msgs", "desired_workers",
                                     "capacity_msgs", "reason",     NULL};
static const char *const optional[] = {"farm", "useful_workers", NULL};

static int open_text(const char *text, uint64_t run, struct history_reader **reader,
                     struct why *why)
{
    FILE *file = fopen("h.csv", "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return history_reader_open("h.csv", run, needed, optional, reader, why);
}

#define HEADER "capacity_msgs,reason,run,other,time_s,desired_workers,ready_msgs"

static void rows_of_the_run_are_read_by_the_names_of_columns(void **state)
{
    struct history_reader *reader;
    struct history_row row;
    struct why why;

    (void)state;
    assert_int_equal(open_text(HEADER ",farm\n1000,formula,1,?,2,3,4,shop\n"
                                      "1000,max,2,?,2.5,5,,shop\n,held: x,1,?,4,3,6,\n",
                               1, &reader, &why),
                     0);
    assert_int_equal(history_reader_next(reader, &row, &why), 1);
    assert_true(row.run == 1 && row.time_s == 2 && row.desired_workers == 3);
    assert_true(row.ready_msgs == 4 && row.capacity_msgs == 1000);
    assert_string_equal(row.reason, "formula");
    assert_string_equal(row.farm, "shop");
    const char *reason = row.reason;
    /* Neither in the file, nor among what was asked for. */
    assert_true(isnan(row.useful_workers) && isnan(row.interval_s));
    assert_null(row.policy);
    assert_int_equal(history_reader_next(reader, &row, &why), 1);
    assert_int_equal(history_reader_line(reader), 4);
    assert_true(row.time_s == 4 && isnan(row.capacity_msgs));
    assert_null(row.farm);
    assert_true(history_format_held(&row));
    assert_string_equal(reason, "formula");
    assert_int_equal(history_reader_next(reader, &row, &why), 0);
    history_reader_close(reader);
}

static void the_last_run_is_that_of_the_last_row(void **state)
{
    struct history_reader *reader;
    struct history_row row;
    struct why why;

    (void)state;
    assert_int_equal(open_text(HEADER "\n1,a,1,,2,3,4\n1,a,7,,2,3,4\n1,a,4,,9,3,4\n",
                               HISTORY_READER_LAST_RUN, &reader, &why),
                     0);
    assert_int_equal(history_reader_next(reader, &row, &why), 1);
    assert_int_equal(history_reader_run(reader), 4);
    assert_true(row.run == 4 && row.time_s == 9);
    assert_int_equal(history_reader_next(reader, &row, &why), 0);
    history_reader_close(reader);

    struct history_reader_runs runs;
    assert_int_equal(history_reader_scan("h.csv", &runs, &why), 0);
    assert_int_equal(runs.rows, 3);
    assert_true(runs.lowest == 1 && runs.highest == 7 && runs.last == 4);
}

static void assert_refused(const char *text, int error, const char *message)
{
    struct history_reader *reader = NULL;
    struct history_row row;
    struct why why = {0};
    int got = open_text(text, 1, &reader, &why);

    while (!got && (got = history_reader_next(reader, &row, &why)) == 1)
        got = history_reader_check_known(reader, &row, &why);
    assert_int_equal(got, error);
    if (!strstr(why.text, message))
        fail_msg("'%s' does not say '%s'", why.text, message);
    history_reader_close(reader);
}

static void what_a_column_cannot_hold_is_named_with_its_line(void **state)
{
    (void)state;
    assert_refused("run,time_s\n1,2\n", -ERR_CONFIG, "h.csv:1: no column 'ready_msgs'");
    assert_refused("time_s\n1\n", -ERR_CONFIG, "h.csv:1: no column 'run'");
    assert_refused(HEADER "\n", -ERR_CONFIG, "h.csv:1: nothing follows the header");
    assert_refused(HEADER "\n1,a,2,,2,3,4\n1,a,5,,2,3,4\n", -ERR_INVALID,
                   "h.csv has no run 1, expected one of 2 to 5");
    assert_refused(HEADER "\n1,a,,,2,3,4\n", -ERR_CONFIG,
                   "h.csv:2: column 'run': '' is not the number of a run");
    assert_refused(HEADER "\n1,a,1.5,,2,3,4\n", -ERR_CONFIG, "'1.5' is not the number of a run");
    assert_refused(HEADER "\n1,a,1,,2,3,4\n1,a,1,,2,3,-4\n", -ERR_CONFIG,
                   "h.csv:3: column 'ready_msgs': '-4' is negative");
    assert_refused(HEADER "\n0,a,1,,2,3,4\n", -ERR_CONFIG, "'0' is not positive");
    assert_refused(HEADER "\n1,a,1,,2,2.5,4\n", -ERR_CONFIG, "'2.5' is not a count");
    assert_refused(HEADER "\n1,a,1,,2,1e17,4\n", -ERR_CONFIG, "'1e17' is not a count");
    assert_refused(HEADER "\n1,a,1,,soon,3,4\n", -ERR_CONFIG, "'soon' is not a number");
    assert_refused(HEADER "\n1,a,1\n", -ERR_CONFIG, "h.csv:2: ");
}

static void what_is_always_known_may_not_be_empty(void **state)
{
    (void)state;
    assert_refused(HEADER "\n1,a,1,,,3,4\n", -ERR_CONFIG, "h.csv:2: column 'time_s': is empty");
    assert_refused(HEADER "\n1,a,1,,2,,4\n", -ERR_CONFIG, "column 'desired_workers': is empty");
    assert_refused(HEADER "\n1,,1,,2,3,4\n", -ERR_CONFIG, "column 'reason': is empty");
    assert_refused(HEADER "\n,a,1,,2,3,\n", 0, "");
}

static void every_column_is_found_by_its_name(void **state)
{
    struct table_row cells;
    char *name;

    (void)state;
    table_row_init(&cells);
    assert_int_equal(history_format_header(0, &cells), 1);
    cells.text[cells.length - 1] = '\0';
    for (char *rest = cells.text; (name = strsep(&rest, ","));) {
        assert_non_null(history_format_find(name));
        assert_string_equal(history_format_find(name)->name, name);
    }
    assert_null(history_format_find("none"));
    table_row_clear(&cells);
}

static void of_a_cleared_row_nothing_is_known(void **state)
{
    struct history_row row;
    struct table_row cells;

    (void)state;
    memset(&row, 0x5a, sizeof row);
    history_format_clear(&row);
    table_row_init(&cells);
    assert_int_equal(history_format_line(&row, &cells), 0);
    assert_int_equal(cells.text[cells.length - 1], '\n');
    for (size_t i = 0; i + 1 < cells.length; i++)
        assert_int_equal(cells.text[i], ',');
    table_row_clear(&cells);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_the_run_are_read_by_the_names_of_columns),
        cmocka_unit_test(the_last_run_is_that_of_the_last_row),
        cmocka_unit_test(what_a_column_cannot_hold_is_named_with_its_line),
        cmocka_unit_test(every_column_is_found_by_its_name),
        cmocka_unit_test(of_a_cleared_row_nothing_is_known),
        cmocka_unit_test(what_is_always_known_may_not_be_empty),
    };

    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
