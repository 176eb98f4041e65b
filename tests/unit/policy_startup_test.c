/* What erlang makes of workers that need time to start. */
#include "autoscaler/policy/erlang.h"
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

/* A farm that has lived: what it has learnt and holds is by chance, its rate is believed. */
static void live_any(struct farm *farm, uint64_t *random)
{
    farm->params.own[ERLANG_EPSILON] = 0.001 + any(random, 0.99);
    double arrival_per_s = any(random, 500);
    for (int i = 0; i < 30; i++) {
        set_ready(farm, below(random, 2) ? 0 : floor(any(random, 2000)));
        farm->sample.startup_s = any(random, 60);
        live(farm, arrival_per_s, 20);
    }
    uint32_t workers = (uint32_t)any(random, 90);
    set_workers(farm, workers, (uint32_t)any(random, workers / 2));
}

/* What the same farm decides when its workers take so long to start. */
static struct policy_decision decide_with(const struct farm *farm, double startup_s)
{
    struct farm copy = *farm;

    copy.sample.startup_s = startup_s;
    decide(&copy);
    return copy.decision;
}

static uint32_t fewer(uint32_t one, uint32_t other)
{
    return one < other ? one : other;
}

static void with_slower_starts_never_fewer_run_where_nothing_waits_and_none_more_goes(void **state)
{
    uint64_t random = 2;
    unsigned grew = 0;

    (void)state;
    for (int run = 0; run < 150; run++) {
        struct farm farm;
        open_farm(&farm, 1);
        live_any(&farm, &random);
        const uint32_t workers = farm.sample.workers;
        for (int waits = 0; waits < 2; waits++) {
            set_ready(&farm, waits ? floor(any(&random, 2000)) : 0);
            const struct policy_decision at_once = decide_with(&farm, 0);
            struct policy_decision before = at_once;
            for (double startup_s = 0.01; startup_s < 300; startup_s *= 1.5) {
                struct policy_decision now = decide_with(&farm, startup_s);
                assert_true(now.wait_workers >= before.wait_workers);
                assert_true(waits || now.desired_workers >= before.desired_workers);
                assert_true(fewer(now.desired_workers, workers) >=
                            fewer(at_once.desired_workers, workers));
                grew += now.desired_workers > before.desired_workers;
                before = now;
            }
        }
    }
    assert_true(grew > 150);
}

/* The most that may be needed at that rate, for workers that start so slowly: the share of late
 * events is never less than one in a hundred, and for quick workers what a person allows. */
static double most_needed(const struct farm *farm, double startup_s)
{
    const double most = farm->params.own[ERLANG_EPSILON], least = fmin(most, 0.01);
    double share = startup_s <= 0.05 ? 1 : exp(-startup_s);

    return erlang_fewest(farm->decision.smooth_per_s, 0.1, 0.2, least + (most - least) * share);
}

static void what_is_needed_is_bounded_whatever_is_learnt_and_allowed(void **state)
{
    uint64_t random = 3;

    (void)state;
    for (int run = 0; run < 40; run++) {
        struct farm farm;
        double most = 0;
        open_farm(&farm, 0);
        farm.params.own[ERLANG_FEW_STARTS] = (double)(run % 2);
        farm.params.own[ERLANG_EPSILON] = 0.001 + any(&random, 0.99);
        farm.params.max_workers = 100000;
        for (int i = 0; i < 500; i++) {
            farm.sample = any_sample(&random, i);
            if (run % 8 == 6) /* so quick that nothing is held */
                farm.sample.startup_s = any(&random, 0.4);
            if (!isfinite(farm.sample.ready_msgs + farm.sample.arrival_per_s))
                continue;
            /* For long all events are late, if not by what is a backlog, or none is. */
            if (i / 100 % 2) {
                set_workers(&farm, 200, 0);
                set_ready(&farm, run % 4 < 2 ? 0 : 440);
            }
            decide(&farm);
            const struct policy_decision *decision = &farm.decision;
            double rate = decision->smooth_per_s;
            double startup_s = policy_startup_s(&farm.sample, &farm.params);
            double now = most_needed(&farm, startup_s);
            if (farm.sample.trigger == POLICY_TICK)
                most = run % 8 == 6 ? now : fmax(most, now);
            assert_true(decision->wait_workers <= fmax(most, now));
            assert_true(decision->wait_workers >=
                        erlang_fewest(rate, 0.1, 0.2, farm.params.own[ERLANG_EPSILON]));
            assert_true(decision->drain_workers <=
                        fmax(farm.sample.backlog_msgs + rate * startup_s, 1));
        }
    }
}

static void a_start_within_a_tenth_of_the_usual_interval_counts_as_none(void **state)
{
    uint64_t random = 4;

    (void)state;
    for (int run = 0; run < 20; run++) {
        struct farm quick, at_once;
        open_farm(&quick, 0);
        quick.params.own[ERLANG_FEW_STARTS] = (double)(run % 2);
        at_once = quick;
        for (int i = 0; i < 300; i++) {
            quick.sample = at_once.sample = any_sample(&random, i);
            at_once.sample.startup_s = 0;
            quick.sample.startup_s = any(&random, 0.05);
            assert_int_equal(decide(&quick), decide(&at_once));
            assert_memory_equal(&quick.state, &at_once.state, sizeof quick.state);
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

static void where_starts_are_slow_a_quarter_of_the_wait_is_a_backlog(void **state)
{
    struct farm farm;

    (void)state;
    open_farm(&farm, 20);
    set_workers(&farm, 40, 0);
    set_ready(&farm,
              30); /* 75 ms of work: a quarter of 1.2 times the wait is 60 ms, no start 240 */
    decide(&farm);
    assert_true(farm.decision.drain_workers == 15);
    set_ready(&farm, 20);
    decide(&farm);
    assert_true(farm.decision.drain_workers == 1);
    farm.sample.startup_s = 0;
    set_ready(&farm, 30);
    decide(&farm);
    assert_true(farm.decision.drain_workers == 1);
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

enum limit { MOST_FOUR, MOST_NONE, PAUSED, FIXED, FOUR_HELP, LIMITS };

static void set_limit(struct farm *farm, enum limit limit)
{
    farm->params.max_workers = limit == MOST_FOUR ? 4 : limit == MOST_NONE ? 0 : 100;
    farm->params.paused = limit == PAUSED;
    farm->params.replicas = limit == FIXED ? 4 : POLICY_NOT_FIXED;
    farm->sample.useful_workers = limit == FOUR_HELP ? 4 : 0;
}

static void hours_with_fewer_than_needed_teach_nothing(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2 * LIMITS; kind++) {
        struct farm farms[2];
        for (int hours = 0; hours < 2; hours++) {
            struct farm *farm = &farms[hours];
            open_farm(farm, 10);
            farm->params.own[ERLANG_FEW_STARTS] = kind / LIMITS;
            farm->state.desired_workers = farm->sample.workers = kind % LIMITS == MOST_NONE ? 0 : 4;
            set_limit(farm, kind % LIMITS);
            set_ready(farm, 1e6);
            for (int i = 0; i < 4 * 3600 * hours; i++)
                live(farm, i / 60 % 2 ? 300 : 100, 1);
            set_ready(farm, 0);
            assert_in_range(live(farm, 53, 400), 0, 4);
            set_limit(farm, LIMITS);
        }
        for (int i = 0; i < 1200; i++) {
            double arrival_per_s = i / 100 % 4 == 1 ? 307 : 53;
            assert_int_equal(live(&farms[0], arrival_per_s, 1), live(&farms[1], arrival_per_s, 1));
        }
    }
}

static void a_start_up_time_that_jumps_leaves_nothing_behind(void **state)
{
    (void)state;
    for (int few = 0; few < 2; few++) {
        struct farm farm, steady;
        open_farm(&farm, 1);
        farm.params.own[ERLANG_FEW_STARTS] = few;
        live(&farm, 100, 200);
        steady = farm;
        for (int jump = 0; jump < 6; jump++) {
            farm.sample.startup_s = jump % 2 ? 1 : 60;
            for (int i = 0; i < 60; i++)
                assert_in_range(live(&farm, 100, 1), 11, 16);
        }
        live(&farm, 100, 200);
        live(&steady, 100, 560);
        for (int i = 0; i < 400; i++)
            assert_int_equal(live(&farm, 100, 1), live(&steady, 100, 1));
    }
}

static void neither_a_long_interval_nor_a_clock_that_steps_matters(void **state)
{
    static const double steps_s[] = {0, 1e6, -2e6, 3600, -3600};
    struct farm farm;

    (void)state;
    open_farm(&farm, 2);
    uint32_t usual = live(&farm, 100, 100);
    for (size_t i = 0; i < sizeof steps_s / sizeof steps_s[0]; i++) {
        farm.sample.time_s += steps_s[i];
        assert_int_equal(live(&farm, 100, 100), usual);
    }
    farm.sample.interval_s = 30;
    for (int i = 0; i < 100; i++)
        assert_int_equal(live(&farm, 100, 1), usual);
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

static void a_farm_that_begins_is_no_burst(void **state)
{
    struct farm farm;
    int held = 0;

    (void)state;
    open_farm(&farm, 10);
    farm.params.own[ERLANG_FEW_STARTS] = 1;
    uint32_t high = live(&farm, 300, 60);
    for (; held < 2000 && live(&farm, 10, 1) >= high; held++)
        ;
    /* At most four times twice a start. */
    assert_in_range(held, 40, 160);
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
        cmocka_unit_test(with_slower_starts_never_fewer_run_where_nothing_waits_and_none_more_goes),
        cmocka_unit_test(what_is_needed_is_bounded_whatever_is_learnt_and_allowed),
        cmocka_unit_test(a_start_within_a_tenth_of_the_usual_interval_counts_as_none),
        cmocka_unit_test(what_was_needed_lately_stays_for_two_starts),
        cmocka_unit_test(what_is_starting_counts_for_what_will_be_ready),
        cmocka_unit_test(what_helps_to_clear_a_backlog_stays),
        cmocka_unit_test(where_starts_are_slow_a_quarter_of_the_wait_is_a_backlog),
        cmocka_unit_test(fewer_means_fewer_of_those_that_run),
        cmocka_unit_test(hours_with_fewer_than_needed_teach_nothing),
        cmocka_unit_test(a_start_up_time_that_jumps_leaves_nothing_behind),
        cmocka_unit_test(neither_a_long_interval_nor_a_clock_that_steps_matters),
        cmocka_unit_test(events_that_wait_too_long_make_it_careful_and_time_makes_it_bold),
        cmocka_unit_test(many_starts_make_it_hold_for_longer_if_a_person_wants_that),
        cmocka_unit_test(a_farm_that_begins_is_no_burst),
        cmocka_unit_test(
            an_unknown_start_up_time_counts_as_guessed_and_one_that_is_given_goes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
