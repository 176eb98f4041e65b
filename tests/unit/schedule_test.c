#include "loadgen/phase_parse.h"
#include "loadgen/schedule.h"
#include "loadgen/schedule_file.h"

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

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static double uniform(uint64_t *state)
{
    return (double)(next_random(state) >> 11) * 0x1p-53;
}

static struct schedule schedule;

static int start_empty(void **state)
{
    (void)state;
    schedule_init(&schedule);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    schedule_clear(&schedule);
    return 0;
}

static void add(double duration_s, double from_per_s, double to_per_s)
{
    const struct phase phase = {
        .duration_s = duration_s, .from_per_s = from_per_s, .to_per_s = to_per_s};
    struct why why;

    if (schedule_add(&schedule, &phase, &why) != 0)
        fail_msg("%s", why.text);
}

static uint64_t count_events(enum schedule_arrival arrival, uint64_t seed)
{
    struct schedule_cursor cursor;
    uint64_t count = 0;
    int64_t ns;

    schedule_cursor_init(&cursor, &schedule, arrival, seed);
    while (schedule_next(&cursor, &ns))
        count++;
    return count;
}

static void an_empty_schedule_has_no_events(void **state)
{
    struct schedule_cursor cursor;
    int64_t ns = 7;

    (void)state;
    schedule_cursor_init(&cursor, &schedule, SCHEDULE_CONSTANT, 0);
    assert_false(schedule_next(&cursor, &ns));
    schedule_cursor_init(&cursor, &schedule, SCHEDULE_POISSON, 0);
    assert_false(schedule_next(&cursor, &ns));
    assert_int_equal(ns, 7);
    assert_true(schedule.duration_s == 0);
    assert_true(schedule_expected_msgs(&schedule, INFINITY) == 0);
    assert_true(schedule_rate_per_s(&schedule, 0) == 0);
}

static void the_rate_is_a_line_through_each_phase(void **state)
{
    (void)state;
    add(10, 0, 100);
    add(5, 50, 50);
    add(0, 7, 7);
    add(2, 0, 0);
    add(4, 80, 0);
    assert_true(schedule.duration_s == 21);
    assert_true(schedule_rate_per_s(&schedule, -1) == 0);
    assert_true(schedule_rate_per_s(&schedule, NAN) == 0);
    assert_true(schedule_rate_per_s(&schedule, 0) == 0);
    assert_true(schedule_rate_per_s(&schedule, 2.5) == 25);
    assert_true(schedule_rate_per_s(&schedule, 10) == 50);
    assert_true(schedule_rate_per_s(&schedule, 14.9) == 50);
    assert_true(schedule_rate_per_s(&schedule, 15) == 0);
    assert_true(schedule_rate_per_s(&schedule, 17) == 80);
    assert_true(schedule_rate_per_s(&schedule, 19) == 40);
    assert_true(schedule_rate_per_s(&schedule, 21) == 0);
    assert_true(schedule_rate_per_s(&schedule, 1e9) == 0);
}

static void expected_events_are_the_integral_of_the_rate(void **state)
{
    (void)state;
    add(10, 0, 100);
    add(5, 50, 50);
    add(2, 0, 0);
    add(4, 80, 0);
    assert_true(schedule_expected_msgs(&schedule, -1) == 0);
    assert_true(schedule_expected_msgs(&schedule, 0) == 0);
    assert_true(schedule_expected_msgs(&schedule, 5) == 125);
    assert_true(schedule_expected_msgs(&schedule, 10) == 500);
    assert_true(schedule_expected_msgs(&schedule, 16) == 750);
    assert_true(schedule_expected_msgs(&schedule, 19) == 870);
    assert_true(schedule_expected_msgs(&schedule, INFINITY) == 910);
}

static void constant_events_are_evenly_spaced_from_half_a_step(void **state)
{
    struct schedule_cursor cursor;
    int64_t ns;

    (void)state;
    add(10, 500, 500);
    schedule_cursor_init(&cursor, &schedule, SCHEDULE_CONSTANT, 0);
    for (int64_t k = 0; k < 5000; k++) {
        assert_true(schedule_next(&cursor, &ns));
        assert_int_equal(ns, 1000000 + 2000000 * k);
    }
    assert_false(schedule_next(&cursor, &ns));
    assert_false(schedule_next(&cursor, &ns));
}

static void whole_phases_have_exactly_their_events(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++)
        add(0.1, 1000, 1000);
    assert_int_equal(count_events(SCHEDULE_CONSTANT, 0), 3000);
    schedule_clear(&schedule);
    add(1, 0, 1000000);
    add(1, 1000000, 0);
    assert_int_equal(count_events(SCHEDULE_CONSTANT, 0), 1000000);
}

static void an_hour_at_a_high_rate_does_not_drift(void **state)
{
    struct schedule_cursor cursor;
    int64_t ns = 0;

    (void)state;
    add(3600, 1e6, 1e6);
    schedule_cursor_init(&cursor, &schedule, SCHEDULE_CONSTANT, 0);
    for (int64_t k = 0; k < 1000000; k++) {
        assert_true(schedule_next(&cursor, &ns));
        assert_int_equal(ns, 500 + 1000 * k);
    }
    /* The rest of the hour in one step: a time depends on the event's number alone. */
    cursor.sent = UINT64_C(3599999999);
    assert_true(schedule_next(&cursor, &ns));
    assert_int_equal(ns, INT64_C(3599999999500));
    assert_false(schedule_next(&cursor, &ns));
}

static void a_pause_has_no_events_and_carries_what_was_begun(void **state)
{
    struct schedule_cursor cursor;
    int64_t ns;

    (void)state;
    add(1, 0.75, 0.75);
    add(100, 0, 0);
    add(1, 0.75, 0.75);
    schedule_cursor_init(&cursor, &schedule, SCHEDULE_CONSTANT, 0);
    assert_true(schedule_next(&cursor, &ns));
    assert_int_equal(ns, 666666667);
    assert_true(schedule_next(&cursor, &ns));
    assert_int_equal(ns, INT64_C(102000000000));
    assert_false(schedule_next(&cursor, &ns));

    schedule_cursor_init(&cursor, &schedule, SCHEDULE_POISSON, 5);
    while (schedule_next(&cursor, &ns))
        assert_true(ns <= INT64_C(1000000000) || ns >= INT64_C(101000000000));
}

static void a_schedule_of_pauses_alone_has_no_events(void **state)
{
    (void)state;
    add(0, 1000, 1000);
    add(10, 0, 0);
    add(0, 0, 1000);
    assert_int_equal(count_events(SCHEDULE_CONSTANT, 0), 0);
    assert_int_equal(count_events(SCHEDULE_POISSON, 0), 0);
}

/* With rate slope * t, event k of a ramp from 0 is at sqrt(2 (k + 0.5) / slope). */
static void ramps_from_and_to_zero_are_exact_and_mirror_each_other(void **state)
{
    struct schedule_cursor up;
    struct schedule down_schedule;
    struct schedule_cursor down;
    const struct phase falling = {.duration_s = 10, .from_per_s = 1000, .to_per_s = 0};
    static int64_t falling_ns[5000];

    (void)state;
    schedule_init(&down_schedule);
    assert_int_equal(schedule_add(&down_schedule, &falling, NULL), 0);
    schedule_cursor_init(&down, &down_schedule, SCHEDULE_CONSTANT, 0);
    for (int k = 0; k < 5000; k++)
        assert_true(schedule_next(&down, &falling_ns[k]));
    schedule_clear(&down_schedule);

    add(10, 0, 1000);
    schedule_cursor_init(&up, &schedule, SCHEDULE_CONSTANT, 0);
    for (int k = 0; k < 5000; k++) {
        int64_t ns;
        assert_true(schedule_next(&up, &ns));
        assert_true(llabs(ns - llround(sqrt(2 * (k + 0.5) / 100) * 1e9)) <= 1);
        assert_true(llabs(falling_ns[4999 - k] - (INT64_C(10000000000) - ns)) <= 1);
    }
}

static void a_tiny_slope_is_nearly_constant(void **state)
{
    static const double slopes[] = {1e-300, 1e-12, 1e-9, -1e-300, -1e-12, -1e-9};

    (void)state;
    for (size_t i = 0; i < sizeof slopes / sizeof slopes[0]; i++) {
        struct schedule_cursor cursor;
        int64_t ns;

        schedule_clear(&schedule);
        add(10, 500, 500 + slopes[i]);
        schedule_cursor_init(&cursor, &schedule, SCHEDULE_CONSTANT, 0);
        for (int64_t k = 0; k < 5000; k++) {
            assert_true(schedule_next(&cursor, &ns));
            assert_true(llabs(ns - (1000000 + 2000000 * k)) <= 1);
        }
        assert_false(schedule_next(&cursor, &ns));
    }
}

/* Half an event before the end, where the rate is next to nothing: slope u^2 / 2 = 0.5. */
static void long_steep_ramps_end_exactly(void **state)
{
    (void)state;
    for (int duration_s = 7000; duration_s < 7200; duration_s += 2) {
        struct schedule_cursor cursor;
        int64_t ns;

        schedule_clear(&schedule);
        add(duration_s, 999983, 0);
        schedule_cursor_init(&cursor, &schedule, SCHEDULE_CONSTANT, 0);
        cursor.sent = (uint64_t)duration_s / 2 * 999983 - 1;
        assert_true(schedule_next(&cursor, &ns));
        assert_true(llabs(ns - llround((duration_s - sqrt(duration_s / 999983.0)) * 1e9)) <= 1);
        assert_false(schedule_next(&cursor, &ns));
    }
}

static void an_event_that_falls_on_the_end_is_sent_there(void **state)
{
    static const double rates[][2] = {{0.5, 0.5}, {1, 0}, {0, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct schedule_cursor cursor;
        int64_t ns;

        schedule_clear(&schedule);
        add(1, rates[i][0], rates[i][1]);
        schedule_cursor_init(&cursor, &schedule, SCHEDULE_CONSTANT, 0);
        assert_true(schedule_next(&cursor, &ns));
        assert_int_equal(ns, 1000000000);
        assert_false(schedule_next(&cursor, &ns));
    }
}

static double random_rate(uint64_t *random)
{
    switch (next_random(random) % 4) {
    case 0:
        return 0;
    case 1:
        return uniform(random);
    default:
        return exp(uniform(random) * 8);
    }
}

static void fill_at_random(uint64_t *random)
{
    size_t phases = 1 + next_random(random) % 6;

    schedule_clear(&schedule);
    for (size_t i = 0; i < phases; i++) {
        double from_per_s = random_rate(random);
        double to_per_s = next_random(random) % 3 ? random_rate(random) : from_per_s;
        add(next_random(random) % 8 ? uniform(random) * 4 : 0, from_per_s, to_per_s);
    }
}

static void any_interval_has_the_integral_of_its_rate_within_one(void **state)
{
    enum { MOST = 200000 };
    static int64_t times_ns[MOST];
    uint64_t random = 21;

    (void)state;
    for (int round = 0; round < 200; round++) {
        struct schedule_cursor cursor;
        size_t count = 0;

        fill_at_random(&random);
        schedule_cursor_init(&cursor, &schedule, SCHEDULE_CONSTANT, 0);
        while (schedule_next(&cursor, &times_ns[count])) {
            assert_true(count == 0 || times_ns[count] >= times_ns[count - 1]);
            assert_true(++count < MOST);
        }
        assert_true(count == 0 || (times_ns[0] >= 0 &&
                                   (double)times_ns[count - 1] <= schedule.duration_s * 1e9 + 1));
        assert_true(fabs((double)count - schedule_expected_msgs(&schedule, INFINITY)) <=
                    0.5 + 1e-6);

        for (int i = 0; i < 200; i++) {
            double start_s = uniform(&random) * schedule.duration_s;
            double end_s = start_s + uniform(&random) * (schedule.duration_s - start_s);
            size_t inside = 0;

            for (size_t k = 0; k < count; k++)
                inside += (double)times_ns[k] >= start_s * 1e9 && (double)times_ns[k] < end_s * 1e9;
            double expected = schedule_expected_msgs(&schedule, end_s) -
                              schedule_expected_msgs(&schedule, start_s);
            if (fabs((double)inside - expected) > 1 + 1e-4)
                fail_msg("%zu events where %g were expected", inside, expected);
        }
    }
}

static void each_event_is_where_the_integral_reaches_its_number(void **state)
{
    uint64_t random = 33;

    (void)state;
    for (int round = 0; round < 200; round++) {
        struct schedule_cursor cursor;
        int64_t ns;

        fill_at_random(&random);
        schedule_cursor_init(&cursor, &schedule, SCHEDULE_CONSTANT, 0);
        for (uint64_t k = 0; k < 5000 && schedule_next(&cursor, &ns); k++) {
            double t_s = (double)ns / 1e9;
            double slack = schedule_rate_per_s(&schedule, t_s) * 2e-9 + 1e-5;

            assert_true(fabs(schedule_expected_msgs(&schedule, t_s) - ((double)k + 0.5)) < slack);
        }
    }
}

static void add_wave(double duration_s, double from_per_s, double to_per_s, double period_s)
{
    const struct phase phase = {.duration_s = duration_s,
                                .from_per_s = from_per_s,
                                .to_per_s = to_per_s,
                                .period_s = period_s};

    assert_int_equal(schedule_add(&schedule, &phase, NULL), 0);
}

static void a_wave_starts_at_its_first_rate_and_is_at_the_other_half_a_period_later(void **state)
{
    (void)state;
    add_wave(60, 100, 500, 20);
    assert_true(fabs(schedule_rate_per_s(&schedule, 0) - 100) < 1e-9);
    assert_true(fabs(schedule_rate_per_s(&schedule, 5) - 300) < 1e-9);
    assert_true(fabs(schedule_rate_per_s(&schedule, 10) - 500) < 1e-9);
    assert_true(fabs(schedule_rate_per_s(&schedule, 40) - 100) < 1e-9);
    /* The integral of 300 - 200 cos(2 pi t / 20). */
    for (double t_s = 0; t_s <= 60; t_s += 0.37)
        assert_true(fabs(schedule_expected_msgs(&schedule, t_s) -
                         (300 * t_s - 200 * 20 / (2 * M_PI) * sin(2 * M_PI * t_s / 20))) < 1e-8);
    assert_true(fabs(schedule_expected_msgs(&schedule, INFINITY) - 18000) < 1e-6);
    assert_int_equal(count_events(SCHEDULE_CONSTANT, 0), 18000);
    /* Over seeds, the mean of the Poisson numbers: four standard errors. */
    double sum = 0;
    for (uint64_t seed = 0; seed < 50; seed++)
        sum += (double)count_events(SCHEDULE_POISSON, seed);
    assert_true(fabs(sum / 50 - 18000) < 4 * sqrt(18000.0 / 50));
}

static void each_event_of_a_wave_is_where_the_integral_reaches_its_number(void **state)
{
    static const double waves[][4] = {
        {60, 100, 500, 20}, {60, 500, 100, 20},  {10, 0, 1000, 7},   {10, 1000, 0, 0.3},
        {3, 0, 1e6, 1e3},   {100, 0, 0.5, 1e-3}, {1000, 5, 5, 10},   {5, 1000, 1000.001, 3},
        {1e6, 0, 1, 1e5},   {7, 1e-9, 1000, 14}, {20, 0, 2000, 1e-5}};

    (void)state;
    for (size_t i = 0; i < sizeof waves / sizeof waves[0]; i++) {
        struct schedule_cursor cursor;
        int64_t ns;

        schedule_clear(&schedule);
        add_wave(waves[i][0], waves[i][1], waves[i][2], waves[i][3]);
        schedule_cursor_init(&cursor, &schedule, SCHEDULE_CONSTANT, 0);
        for (uint64_t k = 0; k < 20000 && schedule_next(&cursor, &ns); k++) {
            double t_s = (double)ns / 1e9;
            double slack = schedule_rate_per_s(&schedule, t_s) * 2e-9 + 1e-5;
            assert_true(fabs(schedule_expected_msgs(&schedule, t_s) - ((double)k + 0.5)) < slack);
        }
    }
}

/* Two phases of a second at 12 per second, with or without bursts. */
static void add_two_seconds(uint64_t burst_msgs, double burst_every_s)
{
    const struct phase phase = {.duration_s = 1,
                                .from_per_s = 12,
                                .to_per_s = 12,
                                .burst_msgs = burst_msgs,
                                .burst_every_s = burst_every_s};

    schedule_clear(&schedule);
    assert_int_equal(schedule_add(&schedule, &phase, NULL), 0);
    assert_int_equal(schedule_add(&schedule, &phase, NULL), 0);
}

static size_t all_times(enum schedule_arrival arrival, int64_t *times_ns, size_t capacity)
{
    struct schedule_cursor cursor;
    size_t count = 0;

    schedule_cursor_init(&cursor, &schedule, arrival, 3);
    while (count < capacity && schedule_next(&cursor, &times_ns[count]))
        count++;
    return count;
}

static void bursts_come_all_at_once_and_the_rest_as_without_them(void **state)
{
    enum { MOST = 100, BURSTS = 8, BURST_MSGS = 3 };
    static const enum schedule_arrival arrivals[] = {SCHEDULE_CONSTANT, SCHEDULE_POISSON};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        int64_t plain_ns[MOST], mixed_ns[MOST];
        size_t next = 0;

        add_two_seconds(0, 0);
        size_t plain = all_times(arrivals[i], plain_ns, MOST);
        add_two_seconds(BURST_MSGS, 0.25);
        size_t mixed = all_times(arrivals[i], mixed_ns, MOST);

        assert_int_equal(mixed, plain + BURSTS * BURST_MSGS);
        for (int64_t burst = 0; burst < BURSTS; burst++) {
            int64_t burst_ns = burst * INT64_C(250000000);
            for (; next < plain && plain_ns[next] < burst_ns; next++)
                assert_int_equal(mixed_ns[next + (size_t)burst * BURST_MSGS], plain_ns[next]);
            for (size_t k = 0; k < BURST_MSGS; k++)
                assert_int_equal(mixed_ns[next + (size_t)burst * BURST_MSGS + k], burst_ns);
        }
        for (; next < plain; next++)
            assert_int_equal(mixed_ns[next + (size_t)BURSTS * BURST_MSGS], plain_ns[next]);

        /* So that both are not wrong alike. */
        if (arrivals[i] == SCHEDULE_CONSTANT) {
            assert_int_equal(plain, 24);
            for (size_t k = 0; k < plain; k++)
                assert_int_equal(plain_ns[k], llround(((double)k + 0.5) / 12 * 1e9));
        }
    }
}

static void bursts_are_expected_events_from_just_after_their_time(void **state)
{
    (void)state;
    add_two_seconds(3, 0.25);
    assert_true(schedule_expected_msgs(&schedule, 0.25) == 6);
    assert_true(fabs(schedule_expected_msgs(&schedule, 0.26) - 9.12) < 1e-12);
    assert_true(schedule_expected_msgs(&schedule, INFINITY) == 48);
}

static void ten_bursts_in_ten_times_their_distance(void **state)
{
    static const double every_s[] = {0.1, 0.3, 1.0 / 3, 0.7, 1e-3, 86400};

    (void)state;
    for (size_t i = 0; i < sizeof every_s / sizeof every_s[0]; i++)
        for (int n = 1; n < 200; n++) {
            const struct phase phase = {
                .duration_s = n * every_s[i], .burst_msgs = 1, .burst_every_s = every_s[i]};
            schedule_clear(&schedule);
            assert_int_equal(schedule_add(&schedule, &phase, NULL), 0);
            assert_int_equal(count_events(SCHEDULE_CONSTANT, 0), n);
        }
}

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

static void phases_out_of_range_are_refused_and_change_nothing(void **state)
{
    static const struct phase phases[] = {
        {.duration_s = -1, .from_per_s = 1, .to_per_s = 1},
        {.duration_s = NAN, .from_per_s = 1, .to_per_s = 1},
        {.duration_s = INFINITY, .from_per_s = 1, .to_per_s = 1},
        {.duration_s = 1, .from_per_s = -1, .to_per_s = 1},
        {.duration_s = 1, .from_per_s = 1, .to_per_s = -1},
        {.duration_s = 1, .from_per_s = NAN, .to_per_s = 1},
        {.duration_s = 1, .from_per_s = 1, .to_per_s = INFINITY},
        {.duration_s = 1, .from_per_s = 2e9, .to_per_s = 1},
        {.duration_s = 1, .from_per_s = 1, .to_per_s = 2e9},
        {.duration_s = 2e9, .from_per_s = 1, .to_per_s = 1},
        {.duration_s = 9e8, .from_per_s = 1, .to_per_s = 1},
        {.duration_s = 1, .period_s = -1},
        {.duration_s = 1, .period_s = INFINITY},
        {.duration_s = 1, .burst_msgs = 1},
        {.duration_s = 1, .burst_every_s = 1},
        {.duration_s = 1, .burst_msgs = 1, .burst_every_s = NAN},
        {.duration_s = 1, .burst_msgs = 11, .burst_every_s = 1e-8},
    };
    struct why why;

    (void)state;
    add(5e8, 1, 1);
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) {
        assert_int_equal(schedule_add(&schedule, &phases[i], &why), -ERR_INVALID);
        assert_non_null(strstr(why.text, "expected"));
    }
    assert_int_equal(schedule.count, 1);
    assert_true(schedule.duration_s == 5e8);
}

static void assert_phase(const char *text, double duration_s, double from_per_s, double to_per_s)
{
    struct phase phase;
    struct why why;

    if (phase_parse(text, &phase, &why) != 0)
        fail_msg("%s", why.text);
    assert_true(phase.duration_s == duration_s);
    assert_true(phase.from_per_s == from_per_s);
    assert_true(phase.to_per_s == to_per_s);
}

static void phases_are_read_from_flags(void **state)
{
    (void)state;
    assert_phase("10s@500", 10, 500, 500);
    assert_phase("30s@1000..5000", 30, 1000, 5000);
    assert_phase("30s@1k..5.5k", 30, 1000, 5500);
    assert_phase("1.5m@0.5..0", 90, 0.5, 0);
    assert_phase("250ms@0", 0.25, 0, 0);

    struct phase phase;
    assert_int_equal(phase_parse("60s@100~500/20s", &phase, NULL), 0);
    assert_true(phase.from_per_s == 100 && phase.to_per_s == 500 && phase.period_s == 20);
    assert_int_equal(phase.burst_msgs, 0);
    assert_int_equal(phase_parse("60s@1..2+1.5k/2.5s", &phase, NULL), 0);
    assert_true(phase.from_per_s == 1 && phase.to_per_s == 2 && phase.period_s == 0);
    assert_true(phase.burst_msgs == 1500 && phase.burst_every_s == 2.5);
    assert_int_equal(phase_parse("60s@100~500/20s+1/1s", &phase, NULL), 0);
    assert_true(phase.period_s == 20 && phase.burst_msgs == 1 && phase.burst_every_s == 1);
}

static void assert_bad_phase(const char *text, const char *expected)
{
    struct phase phase = {.duration_s = 7};
    struct why why;

    assert_int_equal(phase_parse(text, &phase, &why), -ERR_INVALID);
    assert_string_equal(why.text, expected);
    assert_true(phase.duration_s == 7);
}

static void bad_phases_are_refused_with_what_is_wrong_in_them(void **state)
{
    static const char rate[] = ", expected events per second: 0.5, 1000 or 10k";
    char expected[256];

    (void)state;
    assert_bad_phase("10s", "phase '10s': no rate, expected " PHASE_PARSE_FORM);
    assert_bad_phase("", "phase '': no rate, expected " PHASE_PARSE_FORM);
    assert_bad_phase("10@500", "phase '10@500': duration '10', expected a number with a unit: "
                               "250us, 250ms, 2s, 5m or 1h");
    assert_bad_phase("@500", "phase '@500': duration '', expected a number with a unit: "
                             "250us, 250ms, 2s, 5m or 1h");
    assert_bad_phase("0s@500", "phase '0s@500': duration '0s', expected more than zero");
    static const char *const rates[][2] = {{"", ""},        {"x", "x"},     {"-5", "-5"},
                                           {"5..", ""},     {"..5", ""},    {"1..2..3", "2..3"},
                                           {"1...5", ".5"}, {"5@6", "5@6"}, {"5 ..6", "5 "},
                                           {"1..x", "x"},   {"nan", "nan"}, {"1e3", "1e3"}};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        char text[32];
        snprintf(text, sizeof text, "1s@%s", rates[i][0]);
        snprintf(expected, sizeof expected, "phase '%s': rate '%s'%s", text, rates[i][1], rate);
        assert_bad_phase(text, expected);
    }
    assert_bad_phase("1m@1~5",
                     "phase '1m@1~5': waves of what length? Expected RATE~RATE/PERIOD, as "
                     "100~500/20s");
    assert_bad_phase("1m@1~5/2", "phase '1m@1~5/2': period '2', expected a number with a unit: "
                                 "250us, 250ms, 2s, 5m or 1h");
    assert_bad_phase("1m@1~5/0s", "phase '1m@1~5/0s': period '0s', expected more than zero");
    assert_bad_phase("1m@1~x/5s", "phase '1m@1~x/5s': rate 'x', expected events per second: 0.5, "
                                  "1000 or 10k");
    assert_bad_phase("1m@1+5", "phase '1m@1+5': bursts '5' of what distance? Expected COUNT/EVERY, "
                               "as 1k/10s");
    assert_bad_phase("1m@1+0/5s", "phase '1m@1+0/5s': bursts of '0' events, expected a whole "
                                  "number, 1000 or 10k or 2M, over 0");
    assert_bad_phase("1m@1+5/0s",
                     "phase '1m@1+5/0s': time between bursts '0s', expected more than zero");
    assert_bad_phase("1m@1+2000M/1s", "phase '1m@1+2000M/1s': bursts of 2000000000 events every 1 "
                                      "s, expected at most 1e+09 per second");
    assert_bad_phase("1s@1..2000M",
                     "phase '1s@1..2000M': too fast, expected at most 1e+09 per second");
    /* At most 127 bytes. */
    char long_text[] = "10s@1.00000000000000000000000000000000000000000000000000000000000000"
                       "000000000000000000000000000000000000000000000000000000000000";
    struct why why;
    assert_int_equal(strlen(long_text), 128);
    assert_int_equal(phase_parse(long_text, &(struct phase){0}, &why), -ERR_INVALID);
    assert_non_null(strstr(why.text, ": too long, expected "));
    long_text[127] = '\0';
    assert_phase(long_text, 10, 1, 1);
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_empty, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_schedule_has_no_events),
        TEST(the_rate_is_a_line_through_each_phase),
        TEST(expected_events_are_the_integral_of_the_rate),
        TEST(constant_events_are_evenly_spaced_from_half_a_step),
        TEST(whole_phases_have_exactly_their_events),
        TEST(an_hour_at_a_high_rate_does_not_drift),
        TEST(a_pause_has_no_events_and_carries_what_was_begun),
        TEST(a_schedule_of_pauses_alone_has_no_events),
        TEST(ramps_from_and_to_zero_are_exact_and_mirror_each_other),
        TEST(a_tiny_slope_is_nearly_constant),
        TEST(long_steep_ramps_end_exactly),
        TEST(an_event_that_falls_on_the_end_is_sent_there),
        TEST(any_interval_has_the_integral_of_its_rate_within_one),
        TEST(each_event_is_where_the_integral_reaches_its_number),
        TEST(a_wave_starts_at_its_first_rate_and_is_at_the_other_half_a_period_later),
        TEST(each_event_of_a_wave_is_where_the_integral_reaches_its_number),
        TEST(bursts_come_all_at_once_and_the_rest_as_without_them),
        TEST(bursts_are_expected_events_from_just_after_their_time),
        TEST(ten_bursts_in_ten_times_their_distance),
        TEST(the_same_seed_makes_the_same_poisson_arrivals),
        TEST(poisson_counts_have_the_mean_and_variance_of_the_rate),
        TEST(poisson_gaps_are_exponential),
        TEST(poisson_follows_a_ramp),
        TEST(phases_out_of_range_are_refused_and_change_nothing),
        TEST(phases_are_read_from_flags),
        TEST(bad_phases_are_refused_with_what_is_wrong_in_them),
        TEST(a_file_is_read_by_its_column_names),
        TEST(a_file_may_have_waves_and_bursts),
        TEST(a_file_may_have_the_greatest_rate),
        TEST(bad_files_are_refused_with_file_line_and_column),
    };

    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
