#include "histogram.h"
#include "random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct histogram histogram;
static struct histogram other;

static int start_empty(void **state)
{
    (void)state;
    histogram_init(&histogram);
    histogram_init(&other);
    return 0;
}

static void an_empty_histogram_answers_zero(void **state)
{
    (void)state;
    assert_int_equal(histogram.count, 0);
    assert_int_equal(histogram.max_ns, 0);
    assert_int_equal(histogram_percentile_ns(&histogram, 0), 0);
    assert_int_equal(histogram_percentile_ns(&histogram, 50), 0);
    assert_int_equal(histogram_percentile_ns(&histogram, 100), 0);
}

static void a_single_value_is_every_percentile_exactly(void **state)
{
    (void)state;
    histogram_record(&histogram, 123456789);
    for (int halves = 0; halves <= 200; halves++)
        assert_int_equal(histogram_percentile_ns(&histogram, halves / 2.0), 123456789);
}

static void small_durations_are_exact(void **state)
{
    (void)state;
    for (int64_t ns = 0; ns <= 1000; ns++)
        histogram_record(&histogram, ns);
    for (int percent = 1; percent <= 100; percent++)
        assert_int_equal(histogram_percentile_ns(&histogram, percent),
                         (percent * 1001 + 99) / 100 - 1);
}

/* Between two outliers, so that the exact ends do not hide the bucket's error. */
static void assert_close(int64_t ns)
{
    histogram_init(&histogram);
    histogram_record(&histogram, 0);
    histogram_record(&histogram, ns);
    histogram_record(&histogram, HISTOGRAM_MAX_NS);
    int64_t answer_ns = histogram_percentile_ns(&histogram, 50);
    if (llabs(answer_ns - ns) > ns / 1024)
        fail_msg("%lld was answered by %lld", (long long)ns, (long long)answer_ns);
}

static void every_duration_is_within_its_error_around_powers_of_two(void **state)
{
    (void)state;
    for (int power = 0; power < HISTOGRAM_POWERS; power++)
        for (int64_t step = -2; step <= 2; step++) {
            int64_t ns = (INT64_C(1) << power) + step;
            if (ns >= 0)
                assert_close(ns);
        }
    assert_close(HISTOGRAM_MAX_NS);
    assert_close(HISTOGRAM_MAX_NS - 1);
}

static void every_duration_is_within_its_error_at_random(void **state)
{
    uint64_t random = 11;

    (void)state;
    for (int i = 0; i < 2000; i++)
        assert_close((int64_t)((random_bits(&random) >> 22) >> (random_bits(&random) % 42)));
}

static void an_hour_is_in_range(void **state)
{
    (void)state;
    assert_true(HISTOGRAM_MAX_NS > INT64_C(3600000000000));
    histogram_record(&histogram, INT64_C(3600000000000));
    assert_int_equal(histogram.clamped, 0);
}

static void durations_out_of_range_are_clamped_and_counted_and_the_maximum_stays_exact(void **state)
{
    (void)state;
    histogram_record(&histogram, INT64_MAX);
    histogram_record(&histogram, HISTOGRAM_MAX_NS + 1);
    histogram_record(&histogram, HISTOGRAM_MAX_NS);
    histogram_record(&histogram, 0);
    histogram_record(&histogram, -1);
    histogram_record(&histogram, INT64_MIN);
    assert_int_equal(histogram.count, 6);
    assert_int_equal(histogram.clamped, 4);
    assert_true(histogram.max_ns == INT64_MAX);
    assert_true(histogram.min_ns == INT64_MIN);
    assert_true(histogram_percentile_ns(&histogram, 100) == INT64_MAX);
    assert_true(histogram_percentile_ns(&histogram, 0) == INT64_MIN);
    assert_int_equal(histogram_percentile_ns(&histogram, 50), 0);
    int64_t top_ns = histogram_percentile_ns(&histogram, 75);
    assert_true(top_ns <= HISTOGRAM_MAX_NS && top_ns >= HISTOGRAM_MAX_NS - HISTOGRAM_MAX_NS / 1024);
}

static void a_percentile_takes_the_nearest_rank(void **state)
{
    (void)state;
    for (int64_t ns = 1; ns <= 1000; ns++)
        histogram_record(&histogram, ns);
    assert_int_equal(histogram_percentile_ns(&histogram, 50), 500);
    assert_int_equal(histogram_percentile_ns(&histogram, 50.01), 501);
    assert_int_equal(histogram_percentile_ns(&histogram, 99.9), 999);
    assert_int_equal(histogram_percentile_ns(&histogram, 99.91), 1000);
    for (int tenths = 1; tenths <= 1000; tenths++)
        assert_int_equal(histogram_percentile_ns(&histogram, tenths / 10.0), tenths);
    assert_int_equal(histogram_percentile_ns(&histogram, -5), 1);
    assert_int_equal(histogram_percentile_ns(&histogram, NAN), 1);
    assert_int_equal(histogram_percentile_ns(&histogram, 200), 1000);
}

static int compare(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;

    return (*left > *right) - (*left < *right);
}

static void percentiles_follow_a_sorted_reference(void **state)
{
    static int64_t values[20000];
    uint64_t random = 5;

    (void)state;
    for (size_t round = 0; round < 10; round++) {
        size_t count = 1 + random_bits(&random) % 20000;
        int64_t last_ns = 0;

        histogram_init(&histogram);
        for (size_t i = 0; i < count; i++) {
            /* Uniform in the logarithm, from nanoseconds to an hour. */
            values[i] = (int64_t)exp2((double)(random_bits(&random) >> 11) * 0x1p-53 * 41.9);
            histogram_record(&histogram, values[i]);
        }
        qsort(values, count, sizeof values[0], compare);
        assert_true(histogram.min_ns == values[0] && histogram.max_ns == values[count - 1]);
        for (size_t i = 0; i < count; i++) {
            /* Half a rank down, so that rounding cannot decide. */
            double percent = ((double)i + 0.5) / (double)count * 100;
            int64_t ns = histogram_percentile_ns(&histogram, percent);

            assert_true(llabs(ns - values[i]) <= values[i] / 1024);
            assert_true(ns >= last_ns);
            last_ns = ns;
        }
    }
}

static void merging_is_the_same_as_recording_in_one(void **state)
{
    static struct histogram all;
    uint64_t random = 3;

    (void)state;
    histogram_init(&all);
    histogram_merge(&histogram, &other);
    assert_memory_equal(&histogram, &all, sizeof all);
    for (int i = 0; i < 10000; i++) {
        int64_t ns = (int64_t)(random_bits(&random) >> (random_bits(&random) % 64));
        histogram_record(&all, ns);
        histogram_record(i % 3 ? &histogram : &other, ns);
    }
    histogram_merge(&histogram, &other);
    assert_memory_equal(&histogram, &all, sizeof all);
    histogram_init(&other);
    histogram_merge(&other, &all);
    assert_memory_equal(&other, &all, sizeof all);
}

static void merging_keeps_the_outer_ends(void **state)
{
    (void)state;
    for (int into_inner = 0; into_inner < 2; into_inner++) {
        struct histogram *inner = into_inner ? &histogram : &other;
        struct histogram *outer = into_inner ? &other : &histogram;

        start_empty(state);
        histogram_record(inner, 5);
        histogram_record(inner, 6);
        histogram_record(outer, 1);
        histogram_record(outer, 9);
        histogram_merge(&histogram, &other);
        assert_int_equal(histogram.min_ns, 1);
        assert_int_equal(histogram.max_ns, 9);
    }
}

static void what_is_not_longer_is_counted(void **state)
{
    (void)state;
    assert_int_equal(histogram_count_until(&histogram, 0), 0);
    /* Up to 2048 every duration has a bucket of its own. */
    for (int64_t ns = 10; ns <= 2000; ns += 10)
        histogram_record(&histogram, ns);
    assert_int_equal(histogram_count_until(&histogram, -1), 0);
    assert_int_equal(histogram_count_until(&histogram, 9), 0);
    for (int64_t ns = 10; ns < 2000; ns++)
        assert_int_equal(histogram_count_until(&histogram, ns), ns / 10);
    assert_int_equal(histogram_count_until(&histogram, 2000), 200);
    assert_int_equal(histogram_count_until(&histogram, INT64_MAX), 200);
    /* A bucket counts as a whole: above that it is a thousandth wide. */
    histogram_record(&histogram, 1000000);
    histogram_record(&histogram, 3000000);
    assert_int_equal(histogram_count_until(&histogram, 998000), 200);
    assert_int_equal(histogram_count_until(&histogram, 1002000), 201);
    /* Clamped ones are in the first and the last bucket. */
    histogram_record(&histogram, -5);
    histogram_record(&histogram, INT64_MAX);
    assert_int_equal(histogram_count_until(&histogram, -6), 0);
    assert_int_equal(histogram_count_until(&histogram, -5), 1);
    assert_int_equal(histogram_count_until(&histogram, 3000000), 203);
    assert_int_equal(histogram_count_until(&histogram, INT64_MAX), 204);
}

static void mean_and_deviation_are_those_of_the_recorded(void **state)
{
    (void)state;
    assert_true(histogram_mean_ns(&histogram) == 0);
    assert_true(histogram_deviation_ns(&histogram) == 0);
    for (int i = 0; i < 3; i++)
        histogram_record(&histogram, 0);
    histogram_record(&histogram, 400);
    assert_true(histogram_mean_ns(&histogram) == 100);
    /* sqrt((3 * 100^2 + 300^2) / 4) */
    assert_true(fabs(histogram_deviation_ns(&histogram) - sqrt(30000)) < 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_empty_histogram_answers_zero, start_empty),
        cmocka_unit_test_setup(a_single_value_is_every_percentile_exactly, start_empty),
        cmocka_unit_test_setup(small_durations_are_exact, start_empty),
        cmocka_unit_test_setup(every_duration_is_within_its_error_around_powers_of_two,
                               start_empty),
        cmocka_unit_test_setup(every_duration_is_within_its_error_at_random, start_empty),
        cmocka_unit_test_setup(an_hour_is_in_range, start_empty),
        cmocka_unit_test_setup(
            durations_out_of_range_are_clamped_and_counted_and_the_maximum_stays_exact,
            start_empty),
        cmocka_unit_test_setup(a_percentile_takes_the_nearest_rank, start_empty),
        cmocka_unit_test_setup(percentiles_follow_a_sorted_reference, start_empty),
        cmocka_unit_test_setup(what_is_not_longer_is_counted, start_empty),
        cmocka_unit_test_setup(mean_and_deviation_are_those_of_the_recorded, start_empty),
        cmocka_unit_test_setup(merging_is_the_same_as_recording_in_one, start_empty),
        cmocka_unit_test(merging_keeps_the_outer_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
