#include "loadgen/resend.h"

#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CAPACITY 100

static struct resend resend;

static int start_empty(void **state)
{
    (void)state;
    return resend_init(&resend, CAPACITY);
}

static int clear(void **state)
{
    (void)state;
    resend_clear(&resend);
    return 0;
}

static void push(uint64_t sequence, int64_t due_ns)
{
    resend_push(&resend, &(struct resend_event){.id = {.sequence = sequence, .intended_ns = 7},
                                                .refusals = (unsigned)sequence + 1,
                                                .due_ns = due_ns});
}

static void assert_pops(int64_t now_ns, uint64_t sequence)
{
    struct resend_event event;

    assert_true(resend_pop(&resend, now_ns, &event));
    assert_int_equal(event.id.sequence, sequence);
    assert_int_equal(event.id.intended_ns, 7);
    assert_int_equal(event.refusals, sequence + 1);
}

static void nothing_comes_out_before_its_time(void **state)
{
    struct resend_event event;

    (void)state;
    assert_false(resend_pop(&resend, INT64_MAX - 1, &event));
    assert_int_equal(resend_due_ns(&resend), INT64_MAX);
    push(1, 500);
    assert_false(resend_pop(&resend, 499, &event));
    assert_int_equal(resend_due_ns(&resend), 500);
    assert_pops(500, 1);
    assert_int_equal(resend.count, 0);
}

static void nobody_waits_for_one_that_is_due_later(void **state)
{
    (void)state;
    push(1, 900);
    push(2, 300);
    push(3, 600);
    assert_pops(300, 2);
    push(4, 100);
    assert_pops(600, 4);
    assert_pops(600, 3);
    assert_int_equal(resend_due_ns(&resend), 900);
}

static void of_those_due_at_once_the_first_sent_is_first(void **state)
{
    (void)state;
    for (uint64_t i = CAPACITY; i-- > 0;)
        push(i, 5);
    for (uint64_t i = 0; i < CAPACITY; i++)
        assert_pops(5, i);
}

static void any_order_comes_out_by_time(void **state)
{
    uint64_t random = 5;
    struct resend_event event;

    (void)state;
    for (int round = 0; round < 100; round++) {
        int64_t before_ns = 0;
        while (resend.count < CAPACITY)
            push(resend.count, (int64_t)(random_bits(&random) % 50));
        for (size_t left = 1 + random_bits(&random) % CAPACITY; left > 0; left--) {
            assert_true(resend_pop(&resend, 50, &event));
            assert_true(event.due_ns >= before_ns);
            before_ns = event.due_ns;
        }
    }
}

static void pauses_grow_up_to_the_longest(void **state)
{
    static const int64_t wanted_ms[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};

    (void)state;
    for (unsigned i = 0; i < sizeof wanted_ms / sizeof wanted_ms[0]; i++)
        assert_int_equal(resend_pause_ns(i + 1), wanted_ms[i] * 1000000);
    assert_int_equal(resend_pause_ns(UINT32_MAX), RESEND_LONGEST_PAUSE_NS);
}

#define claim(name) cmocka_unit_test_setup_teardown(name, start_empty, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(nothing_comes_out_before_its_time),
        claim(nobody_waits_for_one_that_is_due_later),
        claim(of_those_due_at_once_the_first_sent_is_first),
        claim(any_order_comes_out_by_time),
        cmocka_unit_test(pauses_grow_up_to_the_longest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
