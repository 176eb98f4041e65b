#include "one_schedule.h"

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
        TEST(phases_out_of_range_are_refused_and_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
