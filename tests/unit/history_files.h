/* What the tests of the history's writer share: a file, rows for it, and what is in it. */
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

static inline int enter_directory(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static inline int leave_directory(void **state)
{
    (void)state;
    return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static inline int remove_file(void **state)
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

static inline struct history_writer *open_writer(void)
{
    struct history_writer *writer = NULL;
    struct why why;

    if (history_writer_open(FILE_NAME, &writer, &why) != 0)
        fail_msg("%s", why.text);
    return writer;
}

static inline void write_row(struct history_writer *writer, const struct history_row *row)
{
    struct why why;

    if (history_writer_append(writer, row, &why) != 0)
        fail_msg("%s", why.text);
}

/* One run: the file opened, so many rows, the file closed. */
static inline void run(int rows)
{
    struct history_writer *writer = open_writer();

    for (int i = 0; i < rows; i++)
        write_row(writer, &sample_row);
    history_writer_close(writer);
}

static inline void put_file_at(const char *path, const char *bytes, size_t length)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static inline void put_file(const char *bytes, size_t length)
{
    put_file_at(FILE_NAME, bytes, length);
}

/* The whole of a file; valid until the next call. */
static inline const char *text_of(const char *path)
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

static inline const char *file_text(void)
{
    return text_of(FILE_NAME);
}

static inline struct table *read_history(void)
{
    struct table *table;
    struct why why;

    if (table_read(FILE_NAME, &table, &why) != 0)
        fail_msg("%s", why.text);
    return table;
}

static inline const char *cell(const struct table *table, size_t row, const char *column)
{
    int index = table_column(table, column);

    if (index < 0)
        fail_msg("no column '%s'", column);
    return table_cell(table, row, index);
}

static inline void assert_cell(const struct table *table, size_t row, const char *column,
                               const char *expected)
{
    if (strcmp(cell(table, row, column), expected) != 0)
        fail_msg("%s is '%s', not '%s'", column, cell(table, row, column), expected);
}

static inline void assert_runs(const char *const *runs, size_t count)
{
    struct table *table = read_history();

    assert_int_equal(table_rows(table), count);
    for (size_t i = 0; i < count; i++)
        assert_cell(table, i, "run", runs[i]);
    table_close(table);
}

#define claim(name) cmocka_unit_test_teardown(name, remove_file)
