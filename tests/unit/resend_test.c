#include "loadgen/resend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct resend resend;

static int start_empty(void **state)
{
    (void)state;
    return resend_init(&resend, 3);
}

static int clear(void **state)
{
    (void)state;
    resend_clear(&resend);
    return 0;
}

static void push(uint64_t sequence)
{
    resend_push(&resend, &(struct event_id){.sequence = sequence, .intended_ns = 7});
}

static void assert_pops(uint64_t sequence)
{
    struct event_id id;

    assert_true(resend_pop(&resend, 1000, &id));
    assert_int_equal(id.sequence, sequence);
    assert_int_equal(id.intended_ns, 7);
}

static void first_come_first_served_round_and_round(void **state)
{
    uint64_t in = 0, out = 0;

    (void)state;
    for (int round = 0; round < 10; round++) {
        while (resend.count < 3)
            push(in++);
        assert_pops(out++);
        assert_pops(out++);
    }
    assert_pops(out++);
    assert_int_equal(in, out);
    assert_false(resend_pop(&resend, 1000, &(struct event_id){0}));
}

static void nothing_comes_out_before_its_time(void **state)
{
    struct event_id id;

    (void)state;
    push(1);
    resend.not_before_ns = 500;
    assert_false(resend_pop(&resend, 499, &id));
    assert_int_equal(resend.count, 1);
    assert_true(resend_pop(&resend, 500, &id));
    assert_int_equal(resend.count, 0);
}

#define claim(name) cmocka_unit_test_setup_teardown(name, start_empty, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(first_come_first_served_round_and_round),
        claim(nothing_comes_out_before_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
