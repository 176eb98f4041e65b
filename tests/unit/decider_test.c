/* From what was sampled and reported to a decision: what is learnt on the way, and what it is made
 * from. */
#include "autoscaler/leader/decider.h"
#include "autoscaler/policy/policies.h"

#include "clock.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW_NS   INT64_C(1000000000000)
#define LEARN_NS (100 * CLOCK_NS_PER_MS)

static const struct policy_params params = POLICY_DEFAULT_PARAMS;
static struct learner learner;

static void open_learner(bool learns)
{
    memset(&learner, 0x5a, sizeof learner);
    assert_int_equal(learner_init(&learner, learns, 2, 2), 0);
}

static int close_learner(void **state)
{
    (void)state;
    learner_clear(&learner);
    return 0;
}

/* The report of two workers that have handled so many events each, of 4 ms and of 6 ms. */
static struct node_report report_of(uint64_t handled)
{
    static struct worker_reading readings[2];

    for (int i = 0; i < 2; i++)
        readings[i] =
            (struct worker_reading){.pid = i + 1,
                                    .tells = true,
                                    .handled_msgs = handled,
                                    .busy_ns = (int64_t)handled * (4 + 2 * i) * CLOCK_NS_PER_MS};
    return (struct node_report){.counts.running = 2,
                                .handled_msgs = 2 * (double)handled,
                                .heard = true,
                                .readings = readings,
                                .reading_count = 2};
}

static void learn(int64_t now_ns, uint64_t handled)
{
    struct node_report report = report_of(handled);

    learner_step(&learner, now_ns, (double)now_ns / 1e9, &report, true);
}

static void it_learns_from_every_worker_every_tenth_of_a_second(void **state)
{
    struct node_report report = report_of(10);

    (void)state;
    open_learner(true);
    assert_true(learner_step(&learner, NOW_NS, 0, &report, true) == NOW_NS + LEARN_NS);
    report = report_of(1000);
    assert_true(learner_step(&learner, NOW_NS + LEARN_NS - 1, 1, &report, true) ==
                NOW_NS + LEARN_NS);
    assert_true(isnan(capacity_service_s(&learner.capacity, 2)));
    report = report_of(30);
    assert_true(learner_step(&learner, NOW_NS + LEARN_NS, 2, &report, true) ==
                NOW_NS + 2 * LEARN_NS);
    assert_true(fabs(capacity_service_s(&learner.capacity, 2) - 0.005) < 1e-9);
}

static void with_a_given_capacity_it_learns_nothing(void **state)
{
    struct node_report report = report_of(10);

    (void)state;
    open_learner(false);
    assert_true(learner_step(&learner, NOW_NS, 0, &report, true) == CLOCK_NEVER);
    report = report_of(30);
    assert_true(learner_step(&learner, NOW_NS + LEARN_NS, 1, &report, true) == CLOCK_NEVER);
    assert_true(isnan(capacity_service_s(&learner.capacity, 2)));
    report.heard = false;
    report.silent_s = 100;
    assert_false(learner_is_stuck(&learner, &report));
}

static void it_is_stuck_when_workers_say_nothing_for_three_seconds(void **state)
{
    struct node_report report = {.silent_s = 2.9};

    (void)state;
    open_learner(true);
    assert_false(learner_is_stuck(&learner, &report));
    report.silent_s = 3;
    assert_true(learner_is_stuck(&learner, &report));
    report.heard = true;
    assert_false(learner_is_stuck(&learner, &report));
}

/* Of a farm with one worker and then twenty, which handle no more than that one, and of which some
 * start or drain all the time; what is measured of those is no limit. */
static double limit_with(uint32_t starting, uint32_t draining)
{
    struct node_report report = {.heard = true};
    double time_s = 0;

    open_learner(true);
    for (report.counts.running = 1; report.counts.running <= 20; report.counts.running += 19) {
        for (int i = 0; i < 50; i++, time_s += 0.1) {
            report.handled_msgs += 1000;
            report.counts.starting = report.counts.running > 1 ? starting : 0;
            report.counts.draining = report.counts.running > 1 ? draining : 0;
            learner_step(&learner, NOW_NS + (int64_t)(time_s * 1e9), time_s, &report, true);
        }
    }
    double useful = saturation_useful_workers(&learner.saturation);
    learner_clear(&learner);
    return useful;
}

static void workers_are_compared_when_none_starts_or_drains(void **state)
{
    (void)state;
    assert_true(limit_with(0, 0) == 1);
    assert_true(isnan(limit_with(1, 0)));
    assert_true(isnan(limit_with(0, 1)));
    open_learner(false);
}

static void a_decision_is_made_from_what_was_sampled_reported_and_learnt(void **state)
{
    struct policy_params measured = params;
    struct decider decider;
    struct decision_record record = {
        .sampled = {.interval_s = 2, .arrival_per_s = 100, .ready_msgs = 1000},
        .report = report_of(30),
    };

    (void)state;
    open_learner(true);
    learn(NOW_NS, 10);
    learn(NOW_NS + LEARN_NS, 30);
    record.report.in_flight_msgs = 50;
    record.report.draining_in_flight_msgs = 20;
    record.report.counts.starting = 3;
    record.report.startup_s = 12;
    measured.capacity_msgs = POLICY_CAPACITY_AUTO;
    memset(&decider, 0x5a, sizeof decider);
    decider_init(&decider, policies_find("formula"), &measured, &(struct decider_total){0});
    assert_true(decider_decide(&decider, &learner, POLICY_TICK, 7, &record));
    assert_int_equal(record.sample.trigger, POLICY_TICK);
    assert_true(record.sample.time_s == 7 && record.sample.interval_s == 2);
    assert_true(record.sample.backlog_msgs == 1030);
    assert_int_equal(record.sample.workers, 5);
    assert_int_equal(record.sample.starting_workers, 3);
    assert_true(record.sample.startup_s == 12);
    /* 400 events in two seconds of 5 ms each: (1030 + 100 * 2) / 400. */
    assert_int_equal(record.decision.desired_workers, 4);
    assert_int_equal(decider.state.desired_workers, 4);

    record.report.telling = record.report.blocked = 2;
    assert_true(decider_decide(&decider, &learner, POLICY_TICK, 9, &record));
    assert_int_equal(record.decision.reason, POLICY_HELD_BLOCKED);
}

static void a_value_out_of_range_decides_nothing(void **state)
{
    struct policy_params some = params;
    struct decider decider;
    struct decision_record record = {
        .sampled = {.interval_s = -1, .arrival_per_s = 100, .ready_msgs = 1000}};

    (void)state;
    open_learner(false);
    some.min_workers = 3;
    decider_init(&decider, policies_find("formula"), &some, &(struct decider_total){0});
    assert_false(decider_decide(&decider, &learner, POLICY_TICK, 1, &record));
    assert_int_equal(decider.state.desired_workers, 3);
}

#define claim(name) cmocka_unit_test_teardown(name, close_learner)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(it_learns_from_every_worker_every_tenth_of_a_second),
        claim(with_a_given_capacity_it_learns_nothing),
        claim(it_is_stuck_when_workers_say_nothing_for_three_seconds),
        claim(workers_are_compared_when_none_starts_or_drains),
        claim(a_decision_is_made_from_what_was_sampled_reported_and_learnt),
        claim(a_value_out_of_range_decides_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
