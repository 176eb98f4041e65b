#include "loadgen/schedule_file.h"

#include "one_schedule.h"

static char directory[] = "/tmp/winnow-schedule-XXXXXX";

static int enter_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int leave_directory(void **state)
{
    (void)state;
    unlink("s.csv");
    return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static int read_file(const char *text, struct why *why)
{
    FILE *file = fopen("s.csv", "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    return schedule_file_read("s.csv", &schedule, why);
}

static void a_file_is_read_by_its_column_names(void **state)
{
    struct why why;

    (void)state;
    if (read_file("note,to_per_s,duration_s,from_per_s\n\"up, slowly\",5000,30,1e3\n,0,0.5,5000\n",
                  &why) != 0)
        fail_msg("%s", why.text);
    assert_int_equal(schedule.count, 2);
    assert_true(schedule.phases[0].duration_s == 30);
    assert_true(schedule.phases[0].from_per_s == 1000);
    assert_true(schedule.phases[0].to_per_s == 5000);
    assert_true(schedule.phases[1].duration_s == 0.5);
    assert_true(schedule.phases[1].from_per_s == 5000);
    assert_true(schedule.phases[1].to_per_s == 0);
    assert_true(schedule.duration_s == 30.5);
}

static void a_file_may_have_waves_and_bursts(void **state)
{
    struct why why;

    (void)state;
    if (read_file("duration_s,from_per_s,to_per_s,period_s,burst_msgs,burst_every_s\n"
                  "60,1,2,20,,\n60,0,0,,1e3,5\n",
                  &why) != 0)
        fail_msg("%s", why.text);
    assert_true(schedule.phases[0].period_s == 20 && schedule.phases[0].burst_msgs == 0);
    assert_true(schedule.phases[1].period_s == 0 && schedule.phases[1].burst_msgs == 1000 &&
                schedule.phases[1].burst_every_s == 5);
}

static void a_file_may_have_the_greatest_rate(void **state)
{
    struct why why;

    (void)state;
    if (read_file("duration_s,from_per_s,to_per_s\n1,0,1e9\n", &why) != 0)
        fail_msg("%s", why.text);
    assert_true(schedule.phases[0].to_per_s == 1e9);
}

static void assert_bad_file(const char *text, const char *expected)
{
    struct why why;

    assert_int_equal(read_file(text, &why), -ERR_CONFIG);
    assert_string_equal(why.text, expected);
    assert_int_equal(schedule.count, 0);
    assert_true(schedule.duration_s == 0);
}

#define HEADER "duration_s,from_per_s,to_per_s\n"

static void bad_files_are_refused_with_file_line_and_column(void **state)
{
    struct why why;

    (void)state;
    assert_int_equal(schedule_file_read("none.csv", &schedule, &why), -ERR_CONFIG);
    assert_string_equal(why.text,
                        "none.csv: No such file or directory, expected a readable CSV file");
    assert_bad_file("from_per_s,to_per_s\n1,2\n",
                    "s.csv:1: no column 'duration_s', expected one of that name");
    assert_bad_file("duration_s,to_per_s\n1,2\n",
                    "s.csv:1: no column 'from_per_s', expected one of that name");
    assert_bad_file(HEADER "1,2,3\n1,x,3\n",
                    "s.csv:3: column 'from_per_s': 'x' is not a number, expected one like 1000 or "
                    "0.5 or 1e6");
    assert_bad_file(HEADER "1,2,3\n1,2,\n", "s.csv:3: column 'to_per_s': empty, expected a number");
    assert_bad_file(HEADER "-1,2,3\n",
                    "s.csv:2: column 'duration_s': -1 is negative, expected 0 to 1e+09");
    assert_bad_file(HEADER "1,2,-0.5\n",
                    "s.csv:2: column 'to_per_s': -0.5 is negative, expected 0 to 1e+09");
    assert_bad_file(HEADER "1,2e9,3\n",
                    "s.csv:2: column 'from_per_s': 2e9 is too large, expected 0 to 1e+09");
    assert_bad_file(HEADER "6e8,1,1\n6e8,1,1\n",
                    "s.csv:3: column 'duration_s': 6e8 is too large, expected 0 to 4e+08");
    assert_bad_file(HEADER "1,2\n",
                    "s.csv:2: the row ends before column 'to_per_s', expected 3 fields, found 2");
    assert_bad_file("duration_s,from_per_s,to_per_s,burst_msgs\n1,2,3,4\n",
                    "s.csv:2: column 'duration_s': bursts of 4 events every 0 s, expected more "
                    "than 0 of both, or of neither");
    assert_bad_file("duration_s,from_per_s,to_per_s,burst_msgs\n1,2,3,0.5\n",
                    "s.csv:2: column 'burst_msgs': 0.5 is not a whole number");
    assert_bad_file(HEADER, "s.csv: no rows, expected at least one row with a duration_s over 0");
    assert_bad_file(HEADER "0,5,5\n0,1,1\n",
                    "s.csv: the phases take no time, expected at least one "
                    "row with a duration_s over 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_read_by_its_column_names),
        TEST(a_file_may_have_waves_and_bursts),
        TEST(a_file_may_have_the_greatest_rate),
        TEST(bad_files_are_refused_with_file_line_and_column),
    };

    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
