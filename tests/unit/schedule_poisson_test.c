/* schedule: arrivals at random. */
#include "one_schedule.h"

static void the_same_seed_makes_the_same_poisson_arrivals(void **state)
{
    struct schedule_cursor one;
    struct schedule_cursor same;
    struct schedule_cursor another;
    int64_t one_ns;
    int64_t same_ns;
    int64_t another_ns;
    int equal = 0;

    (void)state;
    add(1, 0, 2000);
    schedule_cursor_init(&one, &schedule, SCHEDULE_POISSON, 1);
    schedule_cursor_init(&same, &schedule, SCHEDULE_POISSON, 1);
    schedule_cursor_init(&another, &schedule, SCHEDULE_POISSON, 2);
    for (int k = 0; k < 500; k++) {
        assert_true(schedule_next(&one, &one_ns));
        assert_true(schedule_next(&same, &same_ns));
        assert_true(schedule_next(&another, &another_ns));
        assert_int_equal(one_ns, same_ns);
        equal += one_ns == another_ns;
    }
    assert_true(equal < 5);
}

/* Counts in disjoint windows of equal expectation are Poisson: mean and variance both that. */
static void poisson_counts_have_the_mean_and_variance_of_the_rate(void **state)
{
    enum { WINDOWS = 20000 };
    static int counts[WINDOWS];
    struct schedule_cursor cursor;
    double sum = 0;
    double squares = 0;
    int64_t ns;
    int64_t last_ns = 0;

    (void)state;
    /* A thousand windows of 0.1 s at 100/s in each of many phases, so that borders count too. */
    for (int i = 0; i < 20; i++) {
        add(50, 100, 100);
        add(0, 100, 5);
        add(50, 100, 100);
    }
    schedule_cursor_init(&cursor, &schedule, SCHEDULE_POISSON, 4);
    while (schedule_next(&cursor, &ns)) {
        assert_true(ns >= last_ns);
        last_ns = ns;
        counts[ns / 100000000 < WINDOWS ? ns / 100000000 : WINDOWS - 1]++;
    }
    for (int i = 0; i < WINDOWS; i++)
        sum += counts[i];
    for (int i = 0; i < WINDOWS; i++)
        squares += pow(counts[i] - sum / WINDOWS, 2);
    /* Four standard errors: sqrt(10 / 20000) and sqrt((2 * 100 + 10) / 20000). */
    assert_true(fabs(sum / WINDOWS - 10) < 4 * 0.0224);
    assert_true(fabs(squares / (WINDOWS - 1) - 10) < 4 * 0.1025);
}

static void poisson_gaps_are_exponential(void **state)
{
    enum { EVENTS = 100000 };
    struct schedule_cursor cursor;
    int64_t last_ns = 0;
    int64_t ns;
    double sum = 0;
    int short_gaps = 0;

    (void)state;
    add(1000, 1000, 1000);
    schedule_cursor_init(&cursor, &schedule, SCHEDULE_POISSON, 8);
    for (int k = 0; k < EVENTS; k++) {
        assert_true(schedule_next(&cursor, &ns));
        sum += (double)(ns - last_ns) / 1e6;
        short_gaps += ns - last_ns < 693147;
        last_ns = ns;
    }
    assert_true(fabs(sum / EVENTS - 1) < 4 / sqrt(EVENTS));
    assert_true(fabs((double)short_gaps / EVENTS - 0.5) < 4 * 0.5 / sqrt(EVENTS));
}

static void poisson_follows_a_ramp(void **state)
{
    struct schedule_cursor cursor;
    int64_t ns;
    double first_half = 0;
    double all = 0;

    (void)state;
    add(100, 0, 2000);
    schedule_cursor_init(&cursor, &schedule, SCHEDULE_POISSON, 6);
    while (schedule_next(&cursor, &ns)) {
        all++;
        first_half += ns < INT64_C(50000000000);
    }
    assert_true(fabs(all - 100000) < 4 * sqrt(100000));
    assert_true(fabs(first_half - 25000) < 4 * sqrt(25000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_seed_makes_the_same_poisson_arrivals),
        TEST(poisson_counts_have_the_mean_and_variance_of_the_rate),
        TEST(poisson_gaps_are_exponential),
        TEST(poisson_follows_a_ramp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
