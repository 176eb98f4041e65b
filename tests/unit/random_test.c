#include "random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define DRAWS 200000

static void the_bits_are_those_of_splitmix64(void **state)
{
    /* Of the seed 1234567, as published with the algorithm. */
    static const uint64_t expected[] = {
        UINT64_C(6457827717110365317), UINT64_C(3203168211198807973), UINT64_C(9817491932198370423),
        UINT64_C(4593380528125082431), UINT64_C(16408922859458223821)};
    uint64_t random = 1234567, again = 1234567;

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_true(random_bits(&random) == expected[i]);
        assert_true(random_uniform(&again) == (double)(expected[i] >> 11) / 0x1p53);
        assert_true(again == random);
    }
}

static void exponential_numbers_have_their_mean_and_median(void **state)
{
    uint64_t random = 3;
    double sum = 0;
    int below = 0;

    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        double number = random_exponential(&random);
        assert_true(number >= 0 && isfinite(number));
        sum += number;
        below += number < log(2);
    }
    /* Five standard errors. */
    assert_true(fabs(sum / DRAWS - 1) < 5 / sqrt(DRAWS));
    assert_true(fabs((double)below / DRAWS - 0.5) < 5 * 0.5 / sqrt(DRAWS));
}

static void the_least_of_so_many_has_the_mean_and_deviation_that_it_must(void **state)
{
    (void)state;
    for (uint64_t count = 1; count <= 1000; count *= 10) {
        uint64_t random = 7;
        double sum = 0, squares = 0, n = (double)count;
        for (int i = 0; i < DRAWS; i++) {
            double least = random_least(&random, count);
            assert_true(least >= 0 && least < 1);
            sum += least;
            squares += least * least;
        }
        double mean = sum / DRAWS, deviation = sqrt(squares / DRAWS - mean * mean);
        assert_true(fabs(mean * (n + 1) - 1) < 0.01);
        assert_true(fabs(deviation / (sqrt(n / (n + 2)) / (n + 1)) - 1) < 0.01);
    }
}

/* Each event is placed at its part of the interval that is left, so that tenths of the interval get
 * tenths of the events. */
static void events_that_are_spread_so_are_uniform(void **state)
{
    enum { EVENTS = 10 };
    uint64_t random = 1;
    int counts[EVENTS] = {0};

    (void)state;
    for (int i = 0; i < DRAWS / EVENTS; i++) {
        double at = 0;
        for (uint64_t left = EVENTS; left > 0; left--) {
            double before = at;
            at += (1 - at) * random_least(&random, left);
            assert_true(at >= before && at < 1);
            counts[(int)(at * EVENTS)]++;
        }
    }
    for (int i = 0; i < EVENTS; i++)
        assert_true(abs(counts[i] - DRAWS / EVENTS) < 5 * sqrt(DRAWS / EVENTS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bits_are_those_of_splitmix64),
        cmocka_unit_test(exponential_numbers_have_their_mean_and_median),
        cmocka_unit_test(the_least_of_so_many_has_the_mean_and_deviation_that_it_must),
        cmocka_unit_test(events_that_are_spread_so_are_uniform),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
