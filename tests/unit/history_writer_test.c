/* history_writer: what is in a row, and where it goes. */
#include "history_files.h"

static void a_new_file_has_the_header_alone(void **state)
{
    (void)state;
    run(0);
    assert_string_equal(file_text(), HEADER "\n");
    history_writer_close(NULL);
}

static void an_empty_file_is_as_good_as_none(void **state)
{
    (void)state;
    put_file("", 0);
    run(1);
    assert_runs((const char *const[]){"1"}, 1);
}

static void a_row_tells_everything_by_name(void **state)
{
    static const char *const cells[][2] = {{"run", "1"},
                                           {"arrived_msgs", "4000"},
                                           {"ready_msgs", "17"},
                                           {"in_flight_msgs", "33"},
                                           {"backlog_msgs", "50"},
                                           {"horizon_s", "2"},
                                           {"capacity_msgs", "1000"},
                                           {"min_workers", "1"},
                                           {"max_workers", "32"},
                                           {"formula_workers", "5"},
                                           {"desired_workers", "6"},
                                           {"running_workers", "4"},
                                           {"starting_workers", "2"},
                                           {"draining_workers", "3"},
                                           {"spawned", "7"},
                                           {"stopped", "8"},
                                           {"crashed", "9"},
                                           {"handled_per_s", "1234.5"},
                                           {"policy", "formula"},
                                           {"params", "{\"horizon_s\":2,\"capacity_msgs\":1000}"},
                                           {"reason", "formula"},
                                           {"farm", "shop"}};

    (void)state;
    run(1);
    struct table *table = read_history();
    assert_int_equal(table_rows(table), 1);
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
        assert_cell(table, 0, cells[i][0], cells[i][1]);
    const char *stamp = cell(table, 0, "timestamp");
    assert_int_equal(strlen(stamp), strlen("2026-01-31T12:00:00.123Z"));
    assert_true(stamp[4] == '-' && stamp[10] == 'T' && stamp[19] == '.' && stamp[23] == 'Z');
    table_close(table);
}

static void a_row_is_in_the_file_when_append_returns(void **state)
{
    struct history_writer *writer = open_writer();
    size_t before = strlen(file_text());

    (void)state;
    write_row(writer, &sample_row);
    const char *text = file_text();
    assert_true(strlen(text) > before);
    assert_int_equal(text[strlen(text) - 1], '\n');
    history_writer_close(writer);
}

static void unknown_is_an_empty_field(void **state)
{
    static const char *const unknown[] = {"arrived_msgs",   "arrival_per_s", "ready_msgs",
                                          "in_flight_msgs", "backlog_msgs",  "formula_workers",
                                          "handled_per_s"};
    struct history_row row = sample_row;
    struct history_writer *writer = open_writer();

    (void)state;
    row.arrived_msgs = row.arrival_per_s = row.ready_msgs = NAN;
    row.in_flight_msgs = row.backlog_msgs = NAN;
    row.formula_workers = row.handled_per_s = NAN;
    row.reason = "held: arrival rate unknown";
    write_row(writer, &row);
    history_writer_close(writer);

    struct table *table = read_history();
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        assert_cell(table, 0, unknown[i], "");
    assert_cell(table, 0, "reason", "held: arrival rate unknown");
    assert_cell(table, 0, "desired_workers", "6");
    table_close(table);
}

static void doubles_read_back_the_same(void **state)
{
    static const double numbers[] = {0.1,     1.0 / 3,
                                     2e-300,  DBL_MAX,
                                     DBL_MIN, DBL_TRUE_MIN,
                                     0x1p53,  0x1p53 + 2,
                                     1e22,    123456789.123456789,
                                     4.35e-9, 0.30000000000000004};
    enum { COUNT = sizeof numbers / sizeof numbers[0] };
    struct history_writer *writer = open_writer();

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        struct history_row row = sample_row;
        row.time_s = row.interval_s = row.arrival_per_s = numbers[i];
        row.horizon_s = row.capacity_msgs = row.formula_workers = numbers[i];
        row.handled_per_s = row.backlog_msgs = row.simulated_service_s = numbers[i];
        write_row(writer, &row);
    }
    history_writer_close(writer);

    static const char *const columns[] = {"time_s",        "interval_s",    "arrival_per_s",
                                          "horizon_s",     "capacity_msgs", "formula_workers",
                                          "handled_per_s", "backlog_msgs"};
    struct table *table = read_history();
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < sizeof columns / sizeof columns[0]; j++) {
            double number;
            assert_int_equal(table_number(table, i, table_column(table, columns[j]), &number, NULL),
                             0);
            assert_true(number == numbers[i]);
        }
    }
    table_close(table);
}

static void texts_are_quoted_where_they_need_it(void **state)
{
    struct history_row row = sample_row;
    struct history_writer *writer = open_writer();

    (void)state;
    row.farm = "a \"farm\", with commas";
    row.reason = "max, they said \"no\"";
    write_row(writer, &row);
    history_writer_close(writer);
    assert_non_null(strstr(file_text(), ",\"a \"\"farm\"\", with commas\","));

    struct table *table = read_history();
    assert_cell(table, 0, "farm", "a \"farm\", with commas");
    assert_cell(table, 0, "reason", "max, they said \"no\"");
    assert_cell(table, 0, "params", "{\"horizon_s\":2,\"capacity_msgs\":1000}");
    table_close(table);
    run(1);
    assert_runs((const char *const[]){"1", "2"}, 2);
}

static void a_file_is_continued_with_the_next_run(void **state)
{
    (void)state;
    run(2);
    run(0); /* decided nothing, so there is nothing to tell it from the next */
    run(1);
    run(2);
    assert_runs((const char *const[]){"1", "1", "2", "3", "3"}, 5);
}

static void the_next_run_follows_the_greatest(void **state)
{
    (void)state;
    run(3);
    const char *text = file_text();
    char *edited = strdup(text);
    assert_non_null(edited);
    char *second = strchr(strchr(edited, '\n') + 1, '\n') + 1;
    assert_int_equal(second[0], '1');
    second[0] = '8';
    put_file(edited, strlen(edited));
    free(edited);
    run(1);
    assert_runs((const char *const[]){"1", "8", "1", "9"}, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_new_file_has_the_header_alone),     claim(an_empty_file_is_as_good_as_none),
        claim(a_row_tells_everything_by_name),      claim(a_row_is_in_the_file_when_append_returns),
        claim(unknown_is_an_empty_field),           claim(doubles_read_back_the_same),
        claim(texts_are_quoted_where_they_need_it), claim(a_file_is_continued_with_the_next_run),
        claim(the_next_run_follows_the_greatest),
    };

    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
