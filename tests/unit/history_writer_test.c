#include "csv/history_writer.h"
#include "csv/table.h"

#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define FILE_NAME "h.csv"

/* The columns as earlier versions had them, and as this one has. */
#define FIRST_HEADER                                                                               \
    "run,time_s,timestamp,interval_s,arrived_msgs,arrival_per_s,ready_msgs,in_flight_msgs,"        \
    "backlog_msgs,horizon_s,capacity_msgs,min_workers,max_workers,formula_workers,"                \
    "desired_workers,running_workers,starting_workers,draining_workers,spawned,stopped,crashed,"   \
    "handled_per_s,policy,params,reason,farm,simulated_service_s"
#define SECOND_HEADER                                                                              \
    FIRST_HEADER ",trigger,workers,blocked,useful_workers,arrival_age_s,backlog_age_s,"            \
                 "need_workers,smooth_per_s,wait_workers,drain_workers"
#define THIRD_HEADER                                                                               \
    SECOND_HEADER ",silent_workers,most_ready_msgs,overdue_s,arrival_source,accepted_per_s"
#define FOURTH_HEADER THIRD_HEADER ",startup_s,starting_before"
#define HEADER        FOURTH_HEADER ",epoch"
#define FIRST_ROW                                                                                  \
    "1,2,2026-01-05T10:00:00.000Z,2,100,50,7,1,8,2,1000,0,32,1,1,1,0,0,1,0,0,50,formula,"          \
    "\"{\"\"horizon_s\"\":2,\"\"capacity_msgs\"\":1000}\",formula,shop,0"

static char directory[] = "/tmp/winnow-history-XXXXXX";

static int enter_directory(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int leave_directory(void **state)
{
    (void)state;
    return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static int remove_file(void **state)
{
    (void)state;
    unlink(FILE_NAME);
    for (int i = 1; i < 5; i++) {
        char aside[32];
        snprintf(aside, sizeof aside, FILE_NAME ".%d", i);
        unlink(aside);
    }
    return 0;
}

static const struct history_row sample_row = {
    .time_s = 2.000125,
    .interval_s = 2.0001,
    .arrived_msgs = 4000,
    .arrival_per_s = 1999.9,
    .ready_msgs = 17,
    .in_flight_msgs = 33,
    .backlog_msgs = 50,
    .horizon_s = 2,
    .capacity_msgs = 1000,
    .min_workers = 1,
    .max_workers = 32,
    .formula_workers = 5,
    .desired_workers = 6,
    .running_workers = 4,
    .starting_workers = 2,
    .draining_workers = 3,
    .spawned = 7,
    .stopped = 8,
    .crashed = 9,
    .handled_per_s = 1234.5,
    .policy = "formula",
    .params = "{\"horizon_s\":2,\"capacity_msgs\":1000}",
    .reason = "formula",
    .farm = "shop",
    .simulated_service_s = 0.02,
    .trigger = "tick",
    .workers = 5,
    .blocked = 0,
    .useful_workers = NAN,
    .arrival_age_s = 0.01,
    .backlog_age_s = 0.02,
    .need_workers = 4.5,
    .smooth_per_s = 1999.9,
    .wait_workers = NAN,
    .drain_workers = NAN,
    .silent_workers = 1,
    .most_ready_msgs = 20,
    .overdue_s = 0,
    .arrival_source = "offered",
    .accepted_per_s = 1990,
    .startup_s = 0.25,
    .starting_before = 1,
    .epoch = 1769860800000001,
};

static struct history_writer *open_writer(void)
{
    struct history_writer *writer = NULL;
    struct why why;

    if (history_writer_open(FILE_NAME, &writer, &why) != 0)
        fail_msg("%s", why.text);
    return writer;
}

static void write_row(struct history_writer *writer, const struct history_row *row)
{
    struct why why;

    if (history_writer_append(writer, row, &why) != 0)
        fail_msg("%s", why.text);
}

/* One run: the file opened, so many rows, the file closed. */
static void run(int rows)
{
    struct history_writer *writer = open_writer();

    for (int i = 0; i < rows; i++)
        write_row(writer, &sample_row);
    history_writer_close(writer);
}

static void put_file_at(const char *path, const char *bytes, size_t length)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void put_file(const char *bytes, size_t length)
{
    put_file_at(FILE_NAME, bytes, length);
}

/* The whole of a file; valid until the next call. */
static const char *text_of(const char *path)
{
    static char text[1 << 16];
    int fd = open(path, O_RDONLY);

    assert_true(fd >= 0);
    ssize_t length = read(fd, text, sizeof text - 1);
    assert_true(length >= 0);
    close(fd);
    text[length] = '\0';
    return text;
}

static const char *file_text(void)
{
    return text_of(FILE_NAME);
}

static struct table *read_history(void)
{
    struct table *table;
    struct why why;

    if (table_read(FILE_NAME, &table, &why) != 0)
        fail_msg("%s", why.text);
    return table;
}

static const char *cell(const struct table *table, size_t row, const char *column)
{
    int index = table_column(table, column);

    if (index < 0)
        fail_msg("no column '%s'", column);
    return table_cell(table, row, index);
}

static void assert_cell(const struct table *table, size_t row, const char *column,
                        const char *expected)
{
    if (strcmp(cell(table, row, column), expected) != 0)
        fail_msg("%s is '%s', not '%s'", column, cell(table, row, column), expected);
}

static void assert_runs(const char *const *runs, size_t count)
{
    struct table *table = read_history();

    assert_int_equal(table_rows(table), count);
    for (size_t i = 0; i < count; i++)
        assert_cell(table, i, "run", runs[i]);
    table_close(table);
}

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

static void assert_refused(const char *path, int error, const char *said)
{
    struct history_writer *writer = (struct history_writer *)1;
    struct why why = {0};

    assert_int_equal(history_writer_open(path, &writer, &why), error);
    if (!strstr(why.text, said) || !strstr(why.text, path))
        fail_msg("'%s' does not name '%s' and '%s'", why.text, path, said);
}

static void a_file_with_another_header_is_refused_and_left_alone(void **state)
{
    static const char *const others[] = {
        "run,time_s\n1,2\n",
        "\n",
        "x",
        FIRST_HEADER ",trigger\n",
        FIRST_HEADER,
        SECOND_HEADER,
        THIRD_HEADER,
        FOURTH_HEADER,
        HEADER,
        HEADER ",more\n",
        "a letter to my mother\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        put_file(others[i], strlen(others[i]));
        bool history = strncmp(others[i], "run,time_s,", 11) == 0;
        assert_refused(FILE_NAME, -ERR_CONFIG, history ? "header differs" : "no history");
        assert_string_equal(file_text(), others[i]);
    }
}

static void a_file_of_an_earlier_version_is_moved_aside(void **state)
{
    (void)state;
    put_file(FIRST_HEADER "\n" FIRST_ROW "\n", strlen(FIRST_HEADER FIRST_ROW) + 2);
    run(1);
    run(1);
    assert_string_equal(text_of(FILE_NAME ".1"), FIRST_HEADER "\n" FIRST_ROW "\n");
    assert_memory_equal(file_text(), HEADER "\n", strlen(HEADER) + 1);
    assert_runs((const char *const[]){"1", "2"}, 2);
    assert_int_equal(access(FILE_NAME ".2", F_OK), -1);
}

static void what_was_moved_aside_before_is_kept(void **state)
{
    (void)state;
    put_file_at(FILE_NAME ".1", "one", 3);
    put_file_at(FILE_NAME ".2", "two", 3);
    put_file(SECOND_HEADER "\n", strlen(SECOND_HEADER) + 1);
    run(1);
    assert_string_equal(text_of(FILE_NAME ".1"), "one");
    assert_string_equal(text_of(FILE_NAME ".2"), "two");
    assert_string_equal(text_of(FILE_NAME ".3"), SECOND_HEADER "\n");
    assert_runs((const char *const[]){"1"}, 1);
}

static void of_two_writers_of_a_file_the_second_is_refused(void **state)
{
    struct history_writer *writer = open_writer();

    (void)state;
    write_row(writer, &sample_row);
    assert_refused(FILE_NAME, -ERR_LOCKED, "another program writes to");
    write_row(writer, &sample_row);
    history_writer_close(writer);
    run(1);
    assert_runs((const char *const[]){"1", "1", "2"}, 3);
}

static void a_check_says_what_is_wrong_and_changes_nothing(void **state)
{
    static const char *const files[] = {FIRST_HEADER "\n" FIRST_ROW "\n", HEADER "\n",
                                        HEADER "\n1,2", "a letter to my mother\n"};
    struct why why = {0};

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        put_file(files[i], strlen(files[i]));
        assert_int_equal(history_writer_check(FILE_NAME, &why), i < 3 ? 0 : -ERR_CONFIG);
        assert_string_equal(file_text(), files[i]);
    }
    assert_non_null(strstr(why.text, "no history"));
    assert_int_equal(history_writer_check("none/h.csv", &why), -ERR_CONFIG);
    assert_non_null(strstr(why.text, "'none/h.csv': No such file or directory"));
    unlink(FILE_NAME);
    assert_int_equal(history_writer_check(FILE_NAME, &why), 0);
    assert_string_equal(file_text(), "");

    /* Nor does it matter who writes to it meanwhile. */
    struct history_writer *writer = open_writer();
    assert_int_equal(history_writer_check(FILE_NAME, &why), 0);
    history_writer_close(writer);
}

static void a_torn_last_row_is_cut_off(void **state)
{
    (void)state;
    run(2);
    char *whole = strdup(file_text());
    assert_non_null(whole);
    size_t length = strlen(whole);
    size_t last = length - 1;
    while (whole[last - 1] != '\n')
        last--;
    for (size_t end = last; end < length; end++) {
        put_file(whole, end);
        run(0);
        assert_int_equal(strlen(file_text()), last);
        assert_memory_equal(file_text(), whole, last);
    }
    put_file(whole, length - 1);
    run(1);
    assert_runs((const char *const[]){"1", "2"}, 2);
    free(whole);
}

static void a_torn_row_longer_than_any_is_cut_off_too(void **state)
{
    static char torn[20000];

    (void)state;
    run(1);
    size_t length = strlen(file_text());
    memcpy(torn, file_text(), length);
    memset(torn + length, 'x', sizeof torn - length);
    put_file(torn, sizeof torn);
    run(0);
    assert_int_equal(strlen(file_text()), length);
}

static void a_file_with_a_damaged_row_is_refused_with_its_line(void **state)
{
    (void)state;
    run(2);
    char text[8192];
    snprintf(text, sizeof text, "%s1,2,3\n", file_text());
    put_file(text, strlen(text));
    assert_refused(FILE_NAME, -ERR_CONFIG, FILE_NAME ":4: ");
    assert_string_equal(file_text(), text);
}

static void a_path_that_cannot_be_written_is_refused_with_the_systems_reason(void **state)
{
    (void)state;
    assert_refused("none/h.csv", -ERR_CONFIG, "No such file or directory");
    assert_refused("/", -ERR_CONFIG, "Is a directory");
    assert_refused("", -ERR_CONFIG, "No such file or directory");
    put_file("", 0);
    assert_refused(FILE_NAME "/h.csv", -ERR_CONFIG, "Not a directory");
    if (geteuid() != 0) {
        assert_int_equal(chmod(FILE_NAME, 0400), 0);
        assert_refused(FILE_NAME, -ERR_CONFIG, "Permission denied");
    }
}

static void what_is_no_regular_file_is_refused(void **state)
{
    (void)state;
    assert_refused("/dev/full", -ERR_CONFIG, "not a regular file");
    assert_refused("/dev/null", -ERR_CONFIG, "not a regular file");
    assert_int_equal(mkfifo(FILE_NAME, 0600), 0);
    assert_refused(FILE_NAME, -ERR_CONFIG, "not a regular file");
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int lift_limit(void **state)
{
    struct rlimit limit;

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
    return remove_file(state);
}

static void a_row_is_written_whole_or_not_at_all(void **state)
{
    struct history_writer *writer = open_writer();

    (void)state;
    write_row(writer, &sample_row);
    size_t before = strlen(file_text());
    size_t row_bytes = before - (size_t)(strchr(file_text(), '\n') + 1 - file_text());

    /* A disk on which there is room for so many bytes. */
    for (size_t room = 0; room < row_bytes; room += room < 3 || room > row_bytes - 4 ? 1 : 17) {
        struct why why = {0};
        limit_files(before + room);
        assert_int_equal(history_writer_append(writer, &sample_row, &why), -ERR_SYSTEM);
        assert_non_null(strstr(why.text, FILE_NAME));
        assert_int_equal(strlen(file_text()), before);
    }
    limit_files(before + row_bytes);
    write_row(writer, &sample_row);
    limit_files(RLIM_INFINITY);
    write_row(writer, &sample_row);
    history_writer_close(writer);
    assert_runs((const char *const[]){"1", "1", "1"}, 3);
}

static void a_header_that_does_not_fit_leaves_nothing(void **state)
{
    struct history_writer *writer;
    struct why why = {0};

    (void)state;
    limit_files(100);
    assert_int_equal(history_writer_open(FILE_NAME, &writer, &why), -ERR_CONFIG);
    assert_non_null(strstr(why.text, FILE_NAME));
    assert_int_equal(strlen(file_text()), 0);
    limit_files(RLIM_INFINITY);
    run(1);
    assert_runs((const char *const[]){"1"}, 1);
}

static void the_file_is_not_handed_down(void **state)
{
    struct history_writer *writer;
    int next = open("/dev/null", O_RDONLY);

    (void)state;
    assert_true(next >= 0);
    close(next);
    writer = open_writer();
    /* The lowest free descriptor is what it got. */
    assert_true(fcntl(next, F_GETFD) & FD_CLOEXEC);
    history_writer_close(writer);
    assert_int_equal(fcntl(next, F_GETFD), -1);
}

#define claim(name) cmocka_unit_test_teardown(name, remove_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_new_file_has_the_header_alone),
        claim(an_empty_file_is_as_good_as_none),
        claim(a_row_tells_everything_by_name),
        claim(a_row_is_in_the_file_when_append_returns),
        claim(unknown_is_an_empty_field),
        claim(doubles_read_back_the_same),
        claim(texts_are_quoted_where_they_need_it),
        claim(a_file_is_continued_with_the_next_run),
        claim(the_next_run_follows_the_greatest),
        claim(a_file_with_another_header_is_refused_and_left_alone),
        claim(a_file_of_an_earlier_version_is_moved_aside),
        claim(what_was_moved_aside_before_is_kept),
        claim(of_two_writers_of_a_file_the_second_is_refused),
        claim(a_check_says_what_is_wrong_and_changes_nothing),
        claim(a_torn_last_row_is_cut_off),
        claim(a_torn_row_longer_than_any_is_cut_off_too),
        claim(a_file_with_a_damaged_row_is_refused_with_its_line),
        claim(a_path_that_cannot_be_written_is_refused_with_the_systems_reason),
        claim(what_is_no_regular_file_is_refused),
        cmocka_unit_test_teardown(a_row_is_written_whole_or_not_at_all, lift_limit),
        cmocka_unit_test_teardown(a_header_that_does_not_fit_leaves_nothing, lift_limit),
        claim(the_file_is_not_handed_down),
    };

    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
