#include "autoscaler/policy/saturation.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define STEP_S 0.1
#define MOST   32

/* A farm with more to do than it can, of which only so many workers help. Its autoscaler wants all
 * of them. */
struct model {
    struct saturation saturation;
    double now_s, handled_msgs;
    double service_s; /* of an event alone */
    double helpful;   /* workers: what more of them do is lost to waiting for each other */
    uint32_t workers;
    bool pressed;
    uint64_t random;
    int limited; /* times that a limit appeared */
};

static void start(struct model *model, uint64_t seed)
{
    *model = (struct model){
        .service_s = 0.005, .helpful = 6, .workers = 1, .pressed = true, .random = seed};
    saturation_start(&model->saturation);
}

static double uniform(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return ((double)(*random >> 11) + 0.5) * 0x1p-53;
}

/* About so many events, as chance has it. */
static double poisson(double mean, uint64_t *random)
{
    double sum = 0;

    for (int i = 0; i < 12; i++)
        sum += uniform(random);
    return fmax(0, round(mean + sqrt(mean) * (sum - 6)));
}

static void run(struct model *model, double seconds, uint32_t wanted)
{
    for (double until_s = model->now_s + seconds; model->now_s < until_s; model->now_s += STEP_S) {
        double useful = saturation_useful_workers(&model->saturation);
        uint32_t workers = useful < wanted ? (uint32_t)useful : wanted;
        bool steady = workers == model->workers;
        model->workers = workers;
        model->handled_msgs +=
            poisson(fmin(workers, model->helpful) / model->service_s * STEP_S, &model->random);
        saturation_learn(&model->saturation,
                         &(struct saturation_reading){
                             .time_s = model->now_s,
                             .workers = workers,
                             .steady = steady,
                             .pressed = model->pressed,
                             .handled_msgs = model->handled_msgs,
                             .service_s = fmax(workers / model->helpful, 1) * model->service_s,
                         });
        double now = saturation_useful_workers(&model->saturation);
        model->limited += isnan(useful) && !isnan(now);
    }
}

static void workers_that_help_are_not_limited(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct model model;
        start(&model, seed);
        model.helpful = 1000;
        for (uint32_t workers = 1; workers <= MOST; workers *= 2)
            run(&model, 5, workers);
        run(&model, 300, MOST);
        assert_int_equal(model.limited, 0);
    }
}

static void a_limit_is_found_from_one_worker_and_all(void **state)
{
    static const double helpful[] = {1, 2, 4, 8};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        for (uint64_t seed = 1; seed <= 20; seed++) {
            struct model model;
            start(&model, seed);
            model.helpful = helpful[i];
            run(&model, 0.5, 1);
            run(&model, 4, MOST);
            double useful = saturation_useful_workers(&model.saturation);
            if (!(useful >= helpful[i] * 0.9 && useful <= helpful[i] * 1.1 + 1))
                fail_msg("%g help, %g found", helpful[i], useful);
        }
    }
}

static void a_limit_is_found_while_workers_are_added(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct model model;
        start(&model, seed);
        for (uint32_t workers = 1; workers <= MOST; workers++)
            run(&model, 2, workers);
        double useful = saturation_useful_workers(&model.saturation);
        if (!(useful >= 6 && useful <= 10))
            fail_msg("6 help, %g found", useful);
    }
}

static void a_limit_is_probed_and_goes_when_more_help_again(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct model model;
        start(&model, seed);
        run(&model, 3, 1);
        run(&model, 60, MOST);
        assert_true(saturation_useful_workers(&model.saturation) > 0);
        model.helpful = 1000;
        run(&model, 200, MOST);
        assert_true(isnan(saturation_useful_workers(&model.saturation)));
        assert_int_equal(model.limited, 1);
    }
}

static void probes_are_rare(void **state)
{
    struct model model;
    double above = 0, steps = 0;

    (void)state;
    start(&model, 3);
    run(&model, 3, 1);
    run(&model, 10, MOST);
    for (int i = 0; i < 600; i++) {
        run(&model, 1, MOST);
        above += model.workers > 7;
        steps++;
    }
    assert_true(above / steps < 0.05);
    assert_int_equal(model.limited, 1);
}

static void dearer_events_are_no_limit_for_long(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct model model;
        double limited = 0;
        start(&model, seed);
        model.helpful = 1000;
        run(&model, 10, 8);
        model.service_s *= 4;
        for (int i = 0; i < 120; i++) {
            run(&model, 1, 16);
            limited += model.workers < 16;
        }
        assert_true(limited <= 10);
        assert_int_equal(model.workers, 16);
    }
}

static void a_farm_with_nothing_waiting_is_never_limited(void **state)
{
    struct model model;

    (void)state;
    start(&model, 1);
    model.pressed = false;
    run(&model, 5, 1);
    run(&model, 60, MOST);
    assert_int_equal(model.limited, 0);
}

static void a_limit_that_is_not_reached_is_forgotten(void **state)
{
    struct model model;

    (void)state;
    start(&model, 1);
    run(&model, 3, 1);
    run(&model, 2.5, MOST);
    assert_true(saturation_useful_workers(&model.saturation) > 0);
    model.pressed = false;
    run(&model, 30, 1);
    assert_true(isnan(saturation_useful_workers(&model.saturation)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_that_help_are_not_limited),
        cmocka_unit_test(a_limit_is_found_from_one_worker_and_all),
        cmocka_unit_test(a_limit_is_found_while_workers_are_added),
        cmocka_unit_test(a_limit_is_probed_and_goes_when_more_help_again),
        cmocka_unit_test(probes_are_rare),
        cmocka_unit_test(dearer_events_are_no_limit_for_long),
        cmocka_unit_test(a_farm_with_nothing_waiting_is_never_limited),
        cmocka_unit_test(a_limit_that_is_not_reached_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
