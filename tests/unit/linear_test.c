/* linear_test.c - what is read from files and events takes time that is linear in its length: what
 * is doubled three times takes eight times the processor's time, and may take 22, the power of
 * 1.5, as it no longer fits the processor's caches, which others use too; the square would take 64.
 * What the filter takes is counted in steps (filter_steps_test.c). */
#include "csv/table.h"
#include "csv/trace.h"
#include "event.h"
#include "loadgen/texts.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define TRIES  3
#define ROUNDS 10

/* Writes an input of that many pieces. */
typedef void writer(FILE *file, size_t pieces);
/* Reads it: from the file, or the bytes that are in it. */
typedef void reader(const char *path, const char *bytes, size_t length);

static char directory[] = "/tmp/winnow-linear-XXXXXX";

static int enter_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int leave_directory(void **state)
{
    (void)state;
    unlink("input.csv");
    return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static double processor_s(void)
{
    struct timespec now;

    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The least of some tries: the machine only ever adds to it. */
static double time_of(writer *write, reader *read, size_t pieces)
{
    char *bytes;
    size_t length;
    double least_s = 1e9;
    FILE *memory = open_memstream(&bytes, &length), *file = fopen("input.csv", "w");

    assert_true(memory && file);
    write(memory, pieces);
    assert_int_equal(fclose(memory), 0);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    for (int i = 0; i < TRIES; i++) {
        double start_s = processor_s();
        read("input.csv", bytes, length);
        double took_s = processor_s() - start_s;
        least_s = took_s < least_s ? took_s : least_s;
    }
    free(bytes);
    return least_s;
}

/* What else runs may disturb all tries of one, and none of the other: then both are tried again. */
static void assert_linear(writer *write, reader *read, size_t pieces)
{
    double once_s = time_of(write, read, pieces), whole_s = time_of(write, read, 8 * pieces);

    for (int i = 1; i < ROUNDS && whole_s > 22 * once_s + 0.001; i++) {
        once_s = fmin(once_s, time_of(write, read, pieces));
        whole_s = fmin(whole_s, time_of(write, read, 8 * pieces));
    }
    if (whole_s > 22 * once_s + 0.001)
        fail_msg("%zu pieces take %.6f s, eight times as many %.6f s", pieces, once_s, whole_s);
}

/* ---- CSV ---- */

static void write_columns(FILE *file, size_t pieces)
{
    for (size_t i = 0; i < pieces; i++)
        fprintf(file, "%s%zu", i ? "," : "", i);
    fputs("\n", file);
}

static void write_rows(FILE *file, size_t pieces)
{
    fputs("time_s,count,reason\n", file);
    for (size_t i = 0; i < pieces; i++)
        fprintf(file, "%zu,1,\"a\"\"b\"\n", i);
}

static void write_long_field(FILE *file, size_t pieces)
{
    fputs("time_s,\"", file);
    for (size_t i = 0; i < pieces; i++)
        fputs("\"\"\n", file);
    fputs("\"\n1,2\n3,4\n", file);
}

static void read_table(const char *path, const char *bytes, size_t length)
{
    struct table *table;
    struct why why;

    (void)bytes;
    (void)length;
    if (table_read(path, &table, &why))
        fail_msg("%s", why.text);
    table_close(table);
}

static void read_trace(const char *path, const char *bytes, size_t length)
{
    struct trace *trace;
    struct trace_row row;
    struct why why;
    int got;

    (void)bytes;
    (void)length;
    assert_int_equal(trace_open(path, &trace, &why), 0);
    while ((got = trace_next(trace, &row, &why)) == 1)
        ;
    assert_int_equal(got, 0);
    trace_close(trace);
}

static void tables_are_read_in_linear_time(void **state)
{
    (void)state;
    assert_linear(write_columns, read_table, 10000);
    assert_linear(write_rows, read_table, 10000);
    assert_linear(write_long_field, read_table, 50000);
    assert_linear(write_rows, read_trace, 10000);
}

/* ---- texts ---- */

static void read_texts(const char *path, const char *bytes, size_t length)
{
    struct texts *texts;
    struct why why;

    (void)bytes;
    (void)length;
    assert_int_equal(texts_open(path, &texts, &why), 0);
    texts_close(texts);
}

static void read_column_of_texts(const char *path, const char *bytes, size_t length)
{
    (void)path;
    read_texts("input.csv:reason", bytes, length);
}

static void texts_are_read_in_linear_time(void **state)
{
    (void)state;
    assert_linear(write_rows, read_column_of_texts, 10000);
}

/* ---- events ---- */

static void write_members(FILE *file, size_t pieces)
{
    fputs("{\"text\":\"x\"", file);
    for (size_t i = 0; i < pieces; i++)
        fprintf(file, ",\"t\\u0065xt%zu\":[{\"text\":1e999}]", i);
    fputs("}", file);
}

static void write_escapes(FILE *file, size_t pieces)
{
    fputs("{\"text\":\"", file);
    for (size_t i = 0; i < pieces; i++)
        fputs("\\u00e9\\\\\\\"", file);
    fputs("\"}", file);
}

static void write_wide_letters(FILE *file, size_t pieces)
{
    for (size_t i = 0; i < pieces; i++)
        fwrite("a\0b", 1, 3, file);
}

static void parse(bool json, const char *bytes, size_t length)
{
    struct event event = {0};
    struct why why;
    const char *built;
    size_t built_length;

    if (event_parse(&event, json, bytes, length, &why))
        fail_msg("%s", why.text);
    assert_int_equal(event_build(&event, event.text, event.text_length, &built, &built_length), 0);
    event_clear(&event);
}

static void read_json(const char *path, const char *bytes, size_t length)
{
    (void)path;
    parse(true, bytes, length);
}

static void read_plain(const char *path, const char *bytes, size_t length)
{
    (void)path;
    parse(false, bytes, length);
}

static void bodies_are_read_in_linear_time(void **state)
{
    (void)state;
    assert_linear(write_members, read_json, 2000);
    assert_linear(write_escapes, read_json, 25000);
    assert_linear(write_wide_letters, read_plain, 150000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_read_in_linear_time),
        cmocka_unit_test(texts_are_read_in_linear_time),
        cmocka_unit_test(bodies_are_read_in_linear_time),
    };

    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
