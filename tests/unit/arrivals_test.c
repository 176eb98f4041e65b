#include "loadgen/arrivals.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/winnow-arrivals-XXXXXX";
static struct schedule schedule;

static int enter_directory(void **state)
{
    const struct phase phase = {.duration_s = 10, .from_per_s = 10, .to_per_s = 10};

    (void)state;
    schedule_init(&schedule);
    return mkdtemp(directory) && chdir(directory) == 0 ? schedule_add(&schedule, &phase, NULL) : -1;
}

static int leave_directory(void **state)
{
    (void)state;
    schedule_clear(&schedule);
    unlink("t.csv");
    return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static struct arrivals_settings settings_of(const char *text)
{
    if (text) {
        FILE *file = fopen("t.csv", "w");
        assert_non_null(file);
        fputs(text, file);
        assert_int_equal(fclose(file), 0);
    }
    return (struct arrivals_settings){.schedule = &schedule,
                                      .trace = text ? "t.csv" : NULL,
                                      .speed = 1,
                                      .seed = 1,
                                      .max_events = UINT64_MAX};
}

/* How many there are; the first of them go to times_ns. */
static size_t walk(const struct arrivals_settings *settings, int64_t *times_ns, size_t room,
                   int64_t *end_ns)
{
    struct arrivals *arrivals = NULL;
    struct why why;
    size_t count = 0;
    int64_t ns, last_ns = 0;
    int got;

    if (arrivals_check(settings, &why) || arrivals_open(settings, &arrivals, &why))
        fail_msg("%s", why.text);
    for (; (got = arrivals_next(arrivals, &ns, &why)) == 1; count++) {
        assert_true(ns >= last_ns);
        last_ns = ns;
        if (count < room)
            times_ns[count] = ns;
    }
    assert_int_equal(got, 0);
    *end_ns = arrivals_end_ns(arrivals);
    arrivals_close(arrivals);
    return count;
}

static void assert_times(const struct arrivals_settings *settings, const char *expected_ms,
                         int64_t expected_end_ms)
{
    int64_t times_ns[64], end_ns;
    char found[1024] = "";
    size_t length = 0;
    size_t count = walk(settings, times_ns, 64, &end_ns);

    for (size_t i = 0; i < count && i < 64; i++)
        length += (size_t)snprintf(found + length, sizeof found - length, "%s%.9g", i ? " " : "",
                                   (double)times_ns[i] / 1e6);
    assert_string_equal(found, expected_ms);
    assert_int_equal(end_ns, expected_end_ms * 1000000);
}

static void a_trace_of_events_keeps_its_times_at_any_speed(void **state)
{
    struct arrivals_settings settings = settings_of("time_s\n100\n100.5\n100.5\n103\n");

    (void)state;
    assert_times(&settings, "0 500 500 3000", 3000);
    settings.arrival = SCHEDULE_POISSON;
    assert_times(&settings, "0 500 500 3000", 3000);
    settings.speed = 10;
    assert_times(&settings, "0 50 50 300", 300);
    settings.speed = 0.5;
    assert_times(&settings, "0 1000 1000 6000", 6000);
}

static void evenly_spaced_events_share_their_rows_time(void **state)
{
    struct arrivals_settings settings = settings_of("time_s,count\n0,2\n1,0\n2,4\n4,1\n");

    (void)state;
    assert_times(&settings, "250 750 2250 2750 3250 3750 5000", 6000);
    settings.speed = 2;
    assert_times(&settings, "125 375 1125 1375 1625 1875 2500", 3000);
    settings = settings_of("time_s,count\n0,2\n0,3\n");
    assert_times(&settings, "0 0 0 0 0", 0);
}

static void an_end_after_so_many_events_is_kept_to(void **state)
{
    struct arrivals_settings settings = settings_of("time_s,count\n0,2\n1,0\n2,4\n4,1\n");

    (void)state;
    settings.max_events = 3;
    assert_times(&settings, "250 750 2250", 2250);
    settings = settings_of(NULL);
    settings.max_events = 2;
    assert_times(&settings, "50 150", 150);
    settings.max_events = UINT64_MAX;
    int64_t end_ns;
    assert_int_equal(walk(&settings, NULL, 0, &end_ns), 100);
    assert_int_equal(end_ns, INT64_C(10000000000));
}

/* Over seeds: in every row exactly its count, and within it uniform times: each tenth of the row
 * has a tenth of them, within four standard errors. */
static void random_events_are_uniform_over_their_row_and_as_many_as_it_says(void **state)
{
    enum { SEEDS = 200, COUNT = 50 };
    struct arrivals_settings settings = settings_of("time_s,count\n0,50\n2,0\n3,50\n4,0\n5,0\n");
    int tenths[10] = {0};

    (void)state;
    settings.arrival = SCHEDULE_POISSON;
    for (settings.seed = 0; settings.seed < SEEDS; settings.seed++) {
        int64_t times_ns[2 * COUNT], end_ns;
        assert_int_equal(walk(&settings, times_ns, 2 * COUNT, &end_ns), 2 * COUNT);
        assert_int_equal(end_ns, INT64_C(6000000000));
        for (int i = 0; i < COUNT; i++) {
            assert_true(times_ns[i] <= 2000000000);
            assert_true(times_ns[COUNT + i] >= 3000000000 && times_ns[COUNT + i] <= 4000000000);
            tenths[times_ns[i] / 200000001]++;
        }
    }
    for (int i = 0; i < 10; i++)
        assert_true(abs(tenths[i] - SEEDS * COUNT / 10) < 4 * sqrt(SEEDS * COUNT * 0.09));
}

static void assert_refused(const struct arrivals_settings *settings, const char *expected)
{
    struct why why;

    assert_int_equal(arrivals_check(settings, &why), -ERR_CONFIG);
    assert_string_equal(why.text, expected);
}

static void a_bad_trace_is_refused_before_anything_is_sent(void **state)
{
    struct arrivals_settings settings = settings_of("time_s\n1\n2\n3\n0\n");

    (void)state;
    assert_refused(&settings, "t.csv:5: column 'time_s': '0' is earlier than the row before, "
                              "expected rows in the order of time");
    settings = settings_of("time_s\n");
    assert_refused(&settings, "t.csv: no rows, expected at least one");
    settings = settings_of("time_s\n0\n1e6\n");
    settings.speed = 1e-4;
    assert_refused(&settings, "t.csv: takes 1e+10 s at that speed, expected at most 1e+09 s");

    int ends[2];
    char path[32];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "time_s\n1\n", 9), 9);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    settings.trace = path;
    char expected[128];
    snprintf(expected, sizeof expected,
             "%s: not a regular file, expected one that can be read more than once", path);
    assert_refused(&settings, expected);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trace_of_events_keeps_its_times_at_any_speed),
        cmocka_unit_test(evenly_spaced_events_share_their_rows_time),
        cmocka_unit_test(an_end_after_so_many_events_is_kept_to),
        cmocka_unit_test(random_events_are_uniform_over_their_row_and_as_many_as_it_says),
        cmocka_unit_test(a_bad_trace_is_refused_before_anything_is_sent),
    };

    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
