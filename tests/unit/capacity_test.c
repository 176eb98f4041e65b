#include "autoscaler/policy/capacity.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WORKERS 8
#define STEP_S  0.1

static double uniform(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return ((double)(*random >> 11) + 0.5) * 0x1p-53;
}

typedef double service_time(uint64_t *random);

static double five_ms(uint64_t *random)
{
    (void)random;
    return 0.005;
}

static double exponential(uint64_t *random)
{
    return -0.005 * log(uniform(random));
}

/* Nine of ten take 1 ms, the tenth takes 41 ms: 5 ms. */
static double cheap_and_dear(uint64_t *random)
{
    return uniform(random) < 0.1 ? 0.041 : 0.001;
}

/* Workers as the capacity sees them: each handles an event after the other, or rests. */
struct model {
    struct capacity capacity;
    struct capacity_reading readings[WORKERS];
    double free_s[WORKERS]; /* when its event is done */
    double now_s;
    uint64_t random;
    double counted_msgs, counted_s; /* what has truly been handled */
};

static void start(struct model *model, uint64_t seed)
{
    *model = (struct model){.random = seed};
    assert_int_equal(capacity_init(&model->capacity, WORKERS), 0);
    for (size_t i = 0; i < WORKERS; i++)
        model->readings[i].pid = (int32_t)i + 1;
}

static void end(struct model *model)
{
    capacity_clear(&model->capacity);
}

/* One reading later; each worker has been busy for that share of the time. */
static void step(struct model *model, size_t workers, double busy, double factor,
                 service_time *service)
{
    double from_s = model->now_s;

    model->now_s += STEP_S;
    for (size_t i = 0; i < WORKERS; i++) {
        struct capacity_reading reading = {0};
        if (i < workers) {
            double until_s = from_s + busy * STEP_S;
            if (model->free_s[i] < from_s)
                model->free_s[i] = from_s;
            while (model->free_s[i] < until_s) {
                double took_s = factor * service(&model->random);
                model->free_s[i] += took_s;
                model->readings[i].handled_msgs++;
                model->readings[i].busy_ns += (int64_t)(took_s * 1e9);
                model->counted_msgs++;
                model->counted_s += took_s;
            }
            reading = model->readings[i];
        }
        capacity_read(&model->capacity, i, &reading);
    }
    capacity_learn(&model->capacity, model->now_s);
}

static double learnt(const struct model *model)
{
    return capacity_service_s(&model->capacity, 2);
}

static void assert_near(double value, double expected, double share)
{
    if (!(fabs(value / expected - 1) <= share))
        fail_msg("%g is not within %g of %g", value, share, expected);
}

static void nothing_is_known_before_any_event(void **state)
{
    struct model model;

    (void)state;
    start(&model, 1);
    assert_true(isnan(learnt(&model)));
    for (int i = 0; i < 50; i++)
        step(&model, 3, 0, 1, five_ms);
    assert_true(isnan(learnt(&model)));
    end(&model);
}

static void two_hundred_events_tell_within_five_percent(void **state)
{
    static service_time *const services[] = {five_ms, exponential, cheap_and_dear};

    (void)state;
    for (size_t kind = 0; kind < 3; kind++) {
        for (uint64_t seed = 1; seed <= 50; seed++) {
            struct model model;
            start(&model, seed);
            step(&model, 1, 1, 1,
                 services[kind]); /* the first reading only tells that it is warm */
            model.counted_msgs = model.counted_s = 0;
            while (model.counted_msgs < 200)
                step(&model, 1, 1, 1, services[kind]);
            assert_near(learnt(&model), model.counted_s / model.counted_msgs, 0.05);
            end(&model);
        }
    }
}

static void idle_time_does_not_count(void **state)
{
    struct model model;

    (void)state;
    start(&model, 3);
    for (int i = 0; i < 200; i++)
        step(&model, 4, 0.05, 1, five_ms);
    assert_near(learnt(&model), 0.005, 0.001);
    for (int i = 0; i < 36000; i++)
        step(&model, 4, 0, 1, five_ms);
    assert_near(learnt(&model), 0.005, 0.001);
    end(&model);
}

static void a_cold_start_is_left_out(void **state)
{
    struct model model;

    (void)state;
    start(&model, 5);
    for (size_t i = 0; i < WORKERS; i++)
        step(&model, i + 1, 1, 1, five_ms);
    for (size_t i = 0; i < WORKERS; i++) {
        model.readings[i] = (struct capacity_reading){
            .pid = (int32_t)(i + 101), .handled_msgs = 1, .busy_ns = 1500000000};
        model.free_s[i] = model.now_s;
    }
    for (int i = 0; i < 10; i++) {
        step(&model, WORKERS, 1, 1, five_ms);
        assert_near(learnt(&model), 0.005, 0.001);
    }
    end(&model);
}

static void a_doubled_service_time_is_followed_within_ten_seconds(void **state)
{
    static service_time *const services[] = {five_ms, exponential, cheap_and_dear};
    static const double factors[] = {2, 0.5};

    (void)state;
    for (size_t kind = 0; kind < 3; kind++) {
        for (size_t i = 0; i < 2; i++) {
            double furthest = 0;
            for (uint64_t seed = 1; seed <= 20; seed++) {
                struct model model;
                start(&model, seed);
                for (int steps = 0; steps < 1800; steps++)
                    step(&model, 2, 0.7, 1, services[kind]);
                for (int steps = 0; steps < 100; steps++)
                    step(&model, 2, 0.7, factors[i], services[kind]);
                furthest = fmax(furthest, fabs(learnt(&model) / (0.005 * factors[i]) - 1));
                end(&model);
            }
            /* 2 * 1400 events in those seconds, of which chance takes its part */
            if (furthest > (kind == 0 ? 0.05 : 0.25))
                fail_msg("service %zu, factor %g: off by %g", kind, factors[i], furthest);
        }
    }
}

static void chance_alone_hardly_moves_it(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct model model;
        start(&model, seed);
        for (int steps = 0; steps < 600; steps++)
            step(&model, 4, 0.8, 1, exponential);
        double furthest = 0;
        for (int steps = 0; steps < 3000; steps++) {
            step(&model, 4, 0.8, 1, exponential);
            furthest = fmax(furthest, fabs(learnt(&model) / 0.005 - 1));
        }
        if (furthest > 0.12)
            fail_msg("off by %g", furthest);
        end(&model);
    }
}

static void a_slot_that_goes_to_another_worker_adds_nothing_false(void **state)
{
    struct model model;

    (void)state;
    start(&model, 9);
    for (int steps = 0; steps < 300; steps++) {
        step(&model, 4, 1, 1, five_ms);
        if (steps % 7 == 0) {
            size_t i = (size_t)steps / 7 % 4;
            model.readings[i] = (struct capacity_reading){.pid = 1000 + steps};
        }
        if (!isnan(learnt(&model)))
            assert_near(learnt(&model), 0.005, 0.001);
    }
    end(&model);
}

static void an_event_longer_than_the_horizon_counts_before_it_is_done(void **state)
{
    struct model model;
    struct capacity_reading reading = {.pid = 7, .working_s = 1.9};

    (void)state;
    start(&model, 1);
    capacity_read(&model.capacity, 0, &reading);
    capacity_learn(&model.capacity, 1.9);
    assert_true(isnan(learnt(&model)));
    reading.working_s = 5;
    capacity_read(&model.capacity, 0, &reading);
    capacity_learn(&model.capacity, 5);
    assert_true(learnt(&model) == 5);
    end(&model);
}

static void see(struct capacity *capacity, double time_s, uint64_t handled_msgs, double busy_s)
{
    struct capacity_reading reading = {
        .pid = 7, .handled_msgs = handled_msgs, .busy_ns = (int64_t)(busy_s * 1e9)};

    capacity_read(capacity, 0, &reading);
    capacity_learn(capacity, time_s);
}

static void a_first_estimate_takes_ten_events_or_half_a_second(void **state)
{
    static const struct {
        uint64_t msgs;
        double busy_s, service_s;
    } cases[] = {{9, 0.45, NAN}, {10, 0.05, 0.005}, {1, 0.49, NAN}, {1, 0.5, 0.5}, {10, 0, NAN}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct capacity capacity;

        /* Whatever was there before. */
        memset(&capacity, 0x5a, sizeof capacity);
        assert_int_equal(capacity_init(&capacity, 1), 0);
        see(&capacity, 0, 1, 0.1);
        see(&capacity, 1, 1 + cases[i].msgs, 0.1 + cases[i].busy_s);
        double service_s = capacity_service_s(&capacity, 2);
        if (isnan(cases[i].service_s))
            assert_true(isnan(service_s));
        else
            assert_near(service_s, cases[i].service_s, 1e-9);
        capacity_clear(&capacity);
    }
}

static void the_variance_is_that_of_one_event(void **state)
{
    struct capacity capacity;

    (void)state;
    assert_int_equal(capacity_init(&capacity, 1), 0);
    see(&capacity, 0, 1, 0);
    see(&capacity, 1, 1 + 4, 0.4);
    /* Means of 100 ms and 130 ms, of 4 and 12 events: their difference has the variance of one
     * event times 1/4 + 1/12. */
    see(&capacity, 2, 1 + 4 + 12, 0.4 + 1.56);
    double first = 0.03 * 0.03 * 3;
    assert_near(capacity.variance, first, 1e-6);
    /* 130 ms and 120 ms, of 12 and 6 events. The newest reading is a fiftieth, and without older
     * ones the rest as well. */
    see(&capacity, 3, 1 + 4 + 12 + 6, 0.4 + 1.56 + 0.72);
    double second = 0.01 * 0.01 * 4;
    assert_near(capacity.variance, (first * 0.98 + second) / 1.98, 1e-6);
    capacity_clear(&capacity);
}

static void a_few_strange_events_are_no_change(void **state)
{
    struct model model;

    (void)state;
    start(&model, 11);
    for (int steps = 0; steps < 200; steps++)
        step(&model, 1, 1, 1, five_ms);
    for (int steps = 0; steps < 1000; steps++)
        step(&model, 1, 0, 1, five_ms);
    /* Of fifty events in memory four take twenty times as long, and still count as four. */
    model.readings[0].handled_msgs += 4;
    model.readings[0].busy_ns += 400000000;
    step(&model, 1, 0, 1, five_ms);
    assert_true(learnt(&model) < 0.02);
    end(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_before_any_event),
        cmocka_unit_test(two_hundred_events_tell_within_five_percent),
        cmocka_unit_test(idle_time_does_not_count),
        cmocka_unit_test(a_cold_start_is_left_out),
        cmocka_unit_test(a_doubled_service_time_is_followed_within_ten_seconds),
        cmocka_unit_test(chance_alone_hardly_moves_it),
        cmocka_unit_test(a_slot_that_goes_to_another_worker_adds_nothing_false),
        cmocka_unit_test(a_first_estimate_takes_ten_events_or_half_a_second),
        cmocka_unit_test(the_variance_is_that_of_one_event),
        cmocka_unit_test(a_few_strange_events_are_no_change),
        cmocka_unit_test(an_event_longer_than_the_horizon_counts_before_it_is_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
