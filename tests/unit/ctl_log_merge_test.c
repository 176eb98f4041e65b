#include "ctl/log_merge.h"
#include "error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int64_t clock_of(const char *line)
{
    return log_merge_clock(line, strlen(line));
}

static void the_clock_of_a_line_is_that_of_its_pair(void **state)
{
    (void)state;
    assert_int_equal(clock_of("time=t level=info clock=17 event=x\n"), 17);
    assert_int_equal(clock_of("clock=0"), 0);
    assert_int_equal(clock_of("a=b clock=9007199254740991\n"), INT64_C(9007199254740991));
}

static void what_looks_like_a_clock_is_none(void **state)
{
    static const char *const lines[] = {
        "",
        "\n",
        "a=b",
        "clock=",
        "clock=\n",
        "clock=x",
        "clock=12x ",
        "clock=-1",
        "clock=9007199254740992",
        "clock=99999999999999999999999999",
        "o'clock=5",
        "body=\" clock=5 \"",
        "body=\"a\\\" clock=5\"",
        "body=\"a\\",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_int_equal(clock_of(lines[i]), -1);
    assert_int_equal(clock_of("body=\"a\\\" clock=5\" clock=6"), 6);
}

/* Merges texts and compares the outcome. */
static void assert_merged(const char *const *logs, size_t count, const char *want)
{
    struct log_merge_source sources[4] = {{0}};
    char *got = NULL;
    size_t length;
    FILE *out = open_memstream(&got, &length);

    assert_non_null(out);
    for (size_t i = 0; i < count; i++) {
        sources[i].file = fmemopen((char *)(uintptr_t)logs[i], strlen(logs[i]), "r");
        assert_non_null(sources[i].file);
    }
    assert_int_equal(log_merge(sources, count, out), 0);
    fclose(out);
    assert_string_equal(got, want);
    for (size_t i = 0; i < count; i++)
        fclose(sources[i].file);
    free(got);
}

static void lines_come_in_the_order_of_the_clock(void **state)
{
    const char *const logs[] = {"clock=1 a\nclock=5 b\nclock=9 c\n", "clock=2 d\nclock=6 e\n",
                                "clock=3 f\nclock=20 g\n"};

    (void)state;
    assert_merged(logs, 3,
                  "clock=1 a\nclock=2 d\nclock=3 f\nclock=5 b\nclock=6 e\nclock=9 c\nclock=20 g\n");
}

static void a_line_without_a_clock_stays_behind_the_line_before_it(void **state)
{
    const char *const logs[] = {"first\nclock=5 b\n  more\n  and more\nclock=6 c\n",
                                "clock=5 d\nclock=5 e\n"};

    (void)state;
    assert_merged(logs, 2,
                  "first\nclock=5 b\n  more\n  and more\nclock=5 d\nclock=5 e\nclock=6 c\n");
}

static void a_program_that_began_anew_comes_behind_its_earlier_run(void **state)
{
    const char *const logs[] = {"clock=7 a\nclock=1 b\nclock=2 c\n", "clock=6 d\nclock=8 e\n"};

    (void)state;
    assert_merged(logs, 2, "clock=6 d\nclock=7 a\nclock=1 b\nclock=2 c\nclock=8 e\n");
}

static void a_last_line_gets_its_end(void **state)
{
    const char *const logs[] = {"clock=1 a", "clock=2 b"};

    (void)state;
    assert_merged(logs, 2, "clock=1 a\nclock=2 b\n");
}

static void nothing_to_merge_is_nothing(void **state)
{
    (void)state;
    assert_merged(NULL, 0, "");
}

static void an_output_that_takes_no_more_is_an_error(void **state)
{
    struct log_merge_source source = {.file = fmemopen((char[]){"clock=1 a\n"}, 10, "r")};
    FILE *full = fopen("/dev/full", "w");

    (void)state;
    assert_non_null(full);
    assert_int_equal(log_merge(&source, 1, full), -ERR_SYSTEM);
    fclose(full);
    fclose(source.file);
}

static void a_log_that_cannot_be_read_does_not_hide_the_others(void **state)
{
    struct log_merge_source sources[] = {{.file = fopen("/", "r")},
                                         {.file = fmemopen((char[]){"clock=1 a\n"}, 10, "r")}};
    char got[64] = "";
    FILE *out = fmemopen(got, sizeof got, "w");

    (void)state;
    assert_int_equal(log_merge(sources, 2, out), -ERR_CONFIG);
    assert_int_equal(sources[0].end, LOG_MERGE_UNREADABLE);
    assert_int_equal(sources[1].end, LOG_MERGE_WHOLE);
    fclose(out);
    assert_string_equal(got, "clock=1 a\n");
    fclose(sources[0].file);
    fclose(sources[1].file);
}

/* Of one line of so many bytes behind a short one, and of another log. */
static int merge_long(size_t bytes, struct log_merge_source sources[2], char **got)
{
    static const char first[] = "clock=1 a\n";
    size_t size = strlen(first) + bytes + 1, length;
    char *log = malloc(size);
    FILE *out = open_memstream(got, &length);

    assert_non_null(log);
    assert_non_null(out);
    memset(log, 'x', size);
    memcpy(log, first, strlen(first));
    log[size - 1] = '\n';
    sources[0] = (struct log_merge_source){.file = fmemopen(log, size, "r")};
    sources[1] = (struct log_merge_source){.file = fmemopen((char[]){"clock=2 b\n"}, 10, "r")};
    int error = log_merge(sources, 2, out);
    assert_int_equal(sources[0].end, error ? LOG_MERGE_TOO_LONG : LOG_MERGE_WHOLE);
    assert_int_equal(sources[1].end, LOG_MERGE_WHOLE);
    fclose(out);
    fclose(sources[0].file);
    fclose(sources[1].file);
    free(log);
    return error;
}

static void a_line_that_is_too_long_ends_its_log_and_is_named(void **state)
{
    struct log_merge_source sources[2];
    char *got;

    (void)state;
    assert_int_equal(merge_long(LOG_MERGE_MOST_BYTES, sources, &got), 0);
    assert_int_equal(strlen(got), 10 + LOG_MERGE_MOST_BYTES + 1 + 10);
    free(got);
    assert_int_equal(merge_long(LOG_MERGE_MOST_BYTES + 1, sources, &got), -ERR_CONFIG);
    assert_int_equal(sources[0].end, LOG_MERGE_TOO_LONG);
    assert_int_equal(sources[0].number, 2);
    assert_int_equal(sources[1].end, LOG_MERGE_WHOLE);
    assert_string_equal(got, "clock=1 a\nclock=2 b\n");
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_of_a_line_is_that_of_its_pair),
        cmocka_unit_test(what_looks_like_a_clock_is_none),
        cmocka_unit_test(lines_come_in_the_order_of_the_clock),
        cmocka_unit_test(a_line_without_a_clock_stays_behind_the_line_before_it),
        cmocka_unit_test(a_program_that_began_anew_comes_behind_its_earlier_run),
        cmocka_unit_test(a_last_line_gets_its_end),
        cmocka_unit_test(nothing_to_merge_is_nothing),
        cmocka_unit_test(an_output_that_takes_no_more_is_an_error),
        cmocka_unit_test(a_log_that_cannot_be_read_does_not_hide_the_others),
        cmocka_unit_test(a_line_that_is_too_long_ends_its_log_and_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
