#include "autoscaler/policy/peak.h"

#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void the_greatest_of_the_window_is_told(void **state)
{
    struct peak peak = {0};

    (void)state;
    assert_true(peak_greatest(&peak) == 0);
    peak_add(&peak, 5, 10, 4);
    peak_add(&peak, 3, 11, 4);
    assert_true(peak_greatest(&peak) == 5);
    peak_add(&peak, 1, 14, 4); /* the first is as old as the window, and no older */
    assert_true(peak_greatest(&peak) == 5);
    peak_add(&peak, 1, 14.5, 4);
    assert_true(peak_greatest(&peak) == 3);
    peak_add(&peak, 7, 15, 4);
    assert_true(peak_greatest(&peak) == 7);
    peak_add(&peak, 2, 16, 0); /* no window: the last alone */
    assert_true(peak_greatest(&peak) == 2);
}

static void what_a_clock_that_went_back_left_is_forgotten(void **state)
{
    struct peak peak = {0};

    (void)state;
    peak_add(&peak, 9, 1000, 60);
    peak_add(&peak, 2, 5, 60);
    assert_true(peak_greatest(&peak) == 2);
}

/* Beside a plain list of all numbers: never less than its greatest, and never more than what was
 * there in twice the window. */
static void it_is_never_too_low_whatever_the_numbers(void **state)
{
    static double numbers[4000];
    uint64_t random = 1;
    unsigned exact = 0;

    (void)state;
    for (int window = 1; window < 3000; window *= 3) {
        struct peak peak = {0};
        for (int now = 0; now < 4000; now++) {
            double greatest = 0, before = 0;
            /* Falls for long, so that more is to be kept than there is memory for. */
            numbers[now] = 2000 - now % 1000 + (double)(random_bits(&random) % 50);
            peak_add(&peak, numbers[now], now, window);
            for (int i = now < 2 * window ? 0 : now - 2 * window; i <= now; i++) {
                before = numbers[i] > before ? numbers[i] : before;
                if (i >= now - window)
                    greatest = numbers[i] > greatest ? numbers[i] : greatest;
            }
            assert_in_range(peak.count, 1, PEAK_MOST);
            assert_true(peak_greatest(&peak) >= greatest && peak_greatest(&peak) <= before);
            exact += peak_greatest(&peak) == greatest;
        }
    }
    assert_true(exact > 15000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_greatest_of_the_window_is_told),
        cmocka_unit_test(what_a_clock_that_went_back_left_is_forgotten),
        cmocka_unit_test(it_is_never_too_low_whatever_the_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
