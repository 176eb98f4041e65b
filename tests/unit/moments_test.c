#include "autoscaler/simulate/moments.h"

#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define MOST 40

static int compare(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;

    if (x->at_ns != y->at_ns)
        return x->at_ns < y->at_ns ? -1 : 1;
    return (x->slot > y->slot) - (x->slot < y->slot);
}

/* What a sorted list would have first. */
static void assert_first(const struct moments *moments, struct moment *sorted, size_t count)
{
    assert_int_equal(moments->count, count);
    if (!count)
        return;
    qsort(sorted, count, sizeof *sorted, compare);
    assert_int_equal(moments->heap[0].at_ns, sorted[0].at_ns);
    assert_int_equal(moments->heap[0].slot, sorted[0].slot);
}

/* Few different times, so that many moments are at the same. */
static void the_soonest_is_first_and_of_several_the_lowest_slot(void **state)
{
    struct moment sorted[MOST];
    struct moments moments;
    uint64_t random = 3;
    size_t count = 0, most_seen = 0;

    (void)state;
    assert_int_equal(moments_init(&moments, MOST), 0);
    for (size_t slot = 0; slot < 20000; slot++) {
        struct moment moment = {(int64_t)(random_bits(&random) % 6), slot};
        bool full = count == MOST, add = random_bits(&random) % 2;
        if ((add && !full) || !count) {
            moments_add(&moments, moment);
            sorted[count++] = moment;
        } else if (random_bits(&random) % 2) {
            moments_replace_first(&moments, moment);
            sorted[0] = moment;
        } else {
            moments_drop_first(&moments);
            sorted[0] = sorted[--count];
        }
        most_seen = count > most_seen ? count : most_seen;
        assert_first(&moments, sorted, count);
    }
    assert_int_equal(most_seen, MOST);
    moments_clear(&moments);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_soonest_is_first_and_of_several_the_lowest_slot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
