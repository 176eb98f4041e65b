/* What erlang makes of workers that need time to start. */
#include "autoscaler/policy/policies.h"
#include "autoscaler/policy/policy_erlang.h"

#include "random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Events of 100 ms, decided about every 500 ms. */
struct farm {
    struct policy_params params;
    struct policy_state state;
    struct policy_sample sample;
    struct policy_decision decision;
};

static void open_farm(struct farm *farm, double startup_s)
{
    *farm = (struct farm){.params = POLICY_DEFAULT_PARAMS,
                          .sample = {.interval_s = 0.5, .startup_s = startup_s}};
    farm->params.capacity_msgs = 20;
    farm->params.max_workers = 100;
    policy_tune(policies_find("erlang"), &farm->params);
    policy_start(&farm->state, &farm->params);
    farm->state.fresh = false;
}

static uint32_t decide(struct farm *farm)
{
    assert_int_equal(policy_decide(policies_find("erlang"), &farm->sample, &farm->params,
                                   &farm->state, &farm->decision),
                     0);
    farm->sample.time_s += farm->sample.interval_s;
    return farm->decision.desired_workers;
}

/* So many ticks; what was decided starts at once and works. */
static uint32_t live(struct farm *farm, double arrival_per_s, int ticks)
{
    farm->sample.arrival_per_s = arrival_per_s;
    for (int i = 0; i < ticks; i++)
        farm->sample.workers = decide(farm);
    return farm->decision.desired_workers;
}

static void set_workers(struct farm *farm, uint32_t running, uint32_t starting)
{
    farm->sample.workers = running + starting;
    farm->sample.starting_workers = starting;
}

static void set_ready(struct farm *farm, double msgs)
{
    farm->sample.ready_msgs = farm->sample.backlog_msgs = msgs;
}

static size_t below(uint64_t *random, size_t limit)
{
    return random_bits(random) % limit;
}

static double any(uint64_t *random, double most)
{
    return random_uniform(random) * most;
}

static struct policy_sample any_sample(uint64_t *random, double time_s)
{
    static const double odd[] = {0, NAN, INFINITY, 1e300};
    double ready_msgs = below(random, 8) ? floor(any(random, 3000)) : odd[below(random, 4)];
    uint32_t workers = (uint32_t)any(random, 110);

    return (struct policy_sample){
        .time_s = time_s,
        .interval_s = any(random, 2),
        .ready_msgs = ready_msgs,
        .backlog_msgs = ready_msgs + floor(any(random, 100)),
        .arrival_per_s = below(random, 8) ? any(random, 600) : odd[below(random, 4)],
        .startup_s = below(random, 8) ? any(random, 120) : odd[below(random, 2)],
        .workers = workers,
        .starting_workers = (uint32_t)any(random, workers + 1),
        .trigger = below(random, 4) ? POLICY_TICK : POLICY_REACT,
    };
}

static void none_that_starts_is_ever_drained_and_nothing_learnt_runs_away(void **state)
{
    uint64_t random = 1;

    (void)state;
    for (int run = 0; run < 20; run++) {
        struct farm farm;
        open_farm(&farm, 0);
        farm.params.own[ERLANG_FEW_STARTS] = (double)(run % 2);
        farm.params.own[ERLANG_EPSILON] = 0.001 + any(&random, 0.99);
        for (int i = 0; i < 1000; i++) {
            farm.sample = any_sample(&random, i);
            uint32_t most = farm.sample.starting_workers < farm.params.max_workers
                                ? farm.sample.starting_workers
                                : farm.params.max_workers;
            /* The number before may be less than there are: what is decided anew is not. */
            farm.state.desired_workers = farm.sample.workers;
            assert_in_range(decide(&farm), most, farm.params.max_workers);
            for (size_t k = 0; k < POLICY_MOST_MEMORY; k++)
                assert_true(!isnan(farm.state.memory[k]));
        }
    }
}

static void slower_starts_never_need_fewer_so_that_few_events_wait(void **state)
{
    uint64_t random = 2;

    (void)state;
    for (int run = 0; run < 300; run++) {
        const double arrival_per_s = any(&random, 500), ready_msgs = floor(any(&random, 50));
        double before = 0;
        for (double startup_s = 0.01; startup_s < 100; startup_s *= 1.5) {
            struct farm farm;
            open_farm(&farm, startup_s);
            set_ready(&farm, ready_msgs);
            set_workers(&farm, 30, 5);
            farm.sample.arrival_per_s = arrival_per_s;
            decide(&farm);
            assert_true(farm.decision.wait_workers >= before);
            before = farm.decision.wait_workers;
        }
    }
}

static void what_was_needed_lately_stays_for_two_starts(void **state)
{
    struct farm farm;

    (void)state;
    open_farm(&farm, 10);
    uint32_t high = live(&farm, 100, 120);
    assert_in_range(high, 11, 14);
    assert_int_equal(live(&farm, 10, 36), high);
    assert_int_equal(farm.decision.reason, POLICY_ERLANG_HOLDS);
    assert_in_range(live(&farm, 10, 10), 2, 5);
    live(&farm, 10, 100);
    assert_int_equal(farm.decision.reason, POLICY_ERLANG_WAITS);
    open_farm(&farm, 0.02);
    live(&farm, 100, 120);
    assert_in_range(live(&farm, 10, 12), 2, 5);
}

static void what_is_starting_counts_for_what_will_be_ready(void **state)
{
    struct farm farm;

    (void)state;
    open_farm(&farm, 10);
    live(&farm, 100, 100);
    /* 300 wait. Ten workers more clear 100 a second: most of a start's time is enough. */
    set_ready(&farm, 300);
    set_workers(&farm, 12, 20);
    decide(&farm);
    assert_true(farm.decision.drain_workers <= 32);
    set_workers(&farm, 8, 0);
    decide(&farm);
    /* In ten seconds there are 300 and 20 a second more: 500, to be cleared in five. */
    assert_true(farm.decision.drain_workers == 10 + 10);
    /* Quick workers are to clear them within the target. */
    farm.sample.startup_s = 0;
    decide(&farm);
    assert_true(farm.decision.drain_workers == 100 * 0.1 + 300 * 0.1 / 0.2);
}

static void what_helps_to_clear_a_backlog_stays(void **state)
{
    struct farm farm;

    (void)state;
    open_farm(&farm, 10);
    set_workers(&farm, 40, 0);
    set_ready(&farm, 200); /* half a second's work, and no events come: no start would help */
    assert_int_equal(decide(&farm), 40);
    set_ready(&farm, 50); /* to be cleared in time whoever goes */
    assert_true(decide(&farm) < 40);
}

static void fewer_means_fewer_of_those_that_run(void **state)
{
    struct farm farm;

    (void)state;
    open_farm(&farm, 10);
    live(&farm, 20, 100);
    set_workers(&farm, 10, 7);
    uint32_t needed = (uint32_t)farm.decision.formula_workers;
    assert_in_range(needed, 3, 6);
    assert_int_equal(decide(&farm), 7 + needed);
    assert_int_equal(farm.decision.reason, POLICY_STARTING);
    set_workers(&farm, 2, 15);
    assert_int_equal(decide(&farm), 15 + 2);
    set_workers(&farm, 17, 0);
    assert_int_equal(decide(&farm), needed);
}

static void hours_with_too_small_a_max_teach_nothing(void **state)
{
    struct farm farm, fresh;

    (void)state;
    open_farm(&farm, 10);
    open_farm(&fresh, 10);
    farm.params.max_workers = 4;
    set_ready(&farm, 1e6);
    live(&farm, 300, 4 * 7200);
    farm.params.max_workers = 100;
    set_ready(&farm, 0);
    assert_int_equal(live(&farm, 50, 200), live(&fresh, 50, 200));
}

static void events_that_wait_too_long_make_it_careful_and_time_makes_it_bold(void **state)
{
    struct farm farm;

    (void)state;
    open_farm(&farm, 10);
    farm.params.max_workers = 1000;
    farm.params.own[ERLANG_WAIT_S] = 0.05;
    double before = live(&farm, 500, 200);
    set_ready(&farm, 200); /* of which every event waits too long */
    live(&farm, 500, 100);
    set_ready(&farm, 0);
    live(&farm, 500, 100);
    double careful = farm.decision.wait_workers;
    assert_true(careful > before);
    live(&farm, 500, 9000);
    assert_true(farm.decision.wait_workers < before);
}

static void many_starts_make_it_hold_for_longer_if_a_person_wants_that(void **state)
{
    int held[2];

    (void)state;
    for (int few = 0; few < 2; few++) {
        struct farm farm;
        open_farm(&farm, 10);
        farm.params.own[ERLANG_FEW_STARTS] = few;
        for (int i = 0; i < 12; i++) {
            live(&farm, 300, 60);
            live(&farm, 10, 120);
        }
        live(&farm, 300, 60);
        uint32_t high = farm.decision.desired_workers;
        for (held[few] = 0; held[few] < 2000 && live(&farm, 10, 1) >= high; held[few]++)
            ;
    }
    assert_in_range(held[0], 38, 42);
    assert_true(held[1] > 2 * held[0] && held[1] < 700);
}

static void
an_unknown_start_up_time_counts_as_guessed_and_one_that_is_given_goes_first(void **state)
{
    struct farm guessed, told, given;

    (void)state;
    open_farm(&guessed, NAN);
    open_farm(&told, POLICY_STARTUP_GUESS_S);
    open_farm(&given, 0.01);
    given.params.startup_s = POLICY_STARTUP_GUESS_S;
    for (int i = 0; i < 100; i++) {
        uint32_t workers = live(&told, i % 40 * 5, 1);
        assert_int_equal(live(&guessed, i % 40 * 5, 1), workers);
        assert_int_equal(live(&given, i % 40 * 5, 1), workers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_that_starts_is_ever_drained_and_nothing_learnt_runs_away),
        cmocka_unit_test(slower_starts_never_need_fewer_so_that_few_events_wait),
        cmocka_unit_test(what_was_needed_lately_stays_for_two_starts),
        cmocka_unit_test(what_is_starting_counts_for_what_will_be_ready),
        cmocka_unit_test(what_helps_to_clear_a_backlog_stays),
        cmocka_unit_test(fewer_means_fewer_of_those_that_run),
        cmocka_unit_test(hours_with_too_small_a_max_teach_nothing),
        cmocka_unit_test(events_that_wait_too_long_make_it_careful_and_time_makes_it_bold),
        cmocka_unit_test(many_starts_make_it_hold_for_longer_if_a_person_wants_that),
        cmocka_unit_test(
            an_unknown_start_up_time_counts_as_guessed_and_one_that_is_given_goes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
