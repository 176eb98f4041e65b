/* What commands change of a farm's limits, and which of them are not carried out. */
#include "autoscaler/leader/steering.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define EPOCH  7
#define AGE_MS 60000

static const struct envelope somebody = {.from = "winnow-ctl/host/7"};
static const struct worker_reading workers[] = {{.state = WORKER_RUNNING, .pid = 100},
                                                {.state = WORKER_NONE},
                                                {.state = WORKER_DRAINING, .pid = 102, .slot = 2},
                                                {.state = WORKER_STARTING, .pid = 103, .slot = 3}};
static const struct node_report report = {.readings = workers, .reading_count = 4};
static struct steering steering;

static int begin(void **state)
{
    (void)state;
    steering = (struct steering){.params = POLICY_DEFAULT_PARAMS, .epoch = EPOCH};
    steering.params.min_workers = 1;
    steering.params.max_workers = 8;
    steering_next_sequence(&steering, AGE_MS);
    return 0;
}

static struct steering_outcome apply(struct command command)
{
    command.seen = (struct command_seen){EPOCH, steering.sequence};
    return steering_apply(&steering, &command, &somebody, "now", AGE_MS, &report);
}

/* -1: unchanged; -2: none. */
static struct command set_to(int64_t min, int64_t max, int64_t replicas)
{
    return (struct command){
        .verb = COMMAND_SET, .min_workers = min, .max_workers = max, .replicas = replicas};
}

static void assert_set(int64_t min, int64_t max, int64_t replicas, bool changes)
{
    struct steering_outcome outcome = apply(set_to(min, max, replicas));

    assert_int_equal(outcome.answer.outcome, COMMAND_DONE);
    assert_string_equal(outcome.answer.reason, "");
    assert_int_equal(outcome.changed, changes);
}

static void assert_refused(struct command command, const char *reason)
{
    const struct policy_params before = steering.params;
    struct steering_outcome outcome = apply(command);

    assert_int_equal(outcome.answer.outcome, COMMAND_REFUSED);
    assert_non_null(strstr(outcome.answer.reason, reason));
    assert_false(outcome.changed);
    assert_memory_equal(&before, &steering.params, sizeof before);
    assert_string_equal(steering.by, "");
}

static void what_is_set_is_in_force_and_the_rest_stays(void **state)
{
    (void)state;
    assert_set(2, -1, -1, true);
    assert_int_equal(steering.params.min_workers, 2);
    assert_int_equal(steering.params.max_workers, 8);
    assert_set(-1, 1000, -1, true);
    assert_int_equal(steering.params.min_workers, 2);
    assert_int_equal(steering.params.max_workers, 1000);
    assert_set(-1, -1, 5, true);
    assert_true(steering.params.replicas == 5);
    assert_set(-1, -1, COMMAND_NONE, true);
    assert_true(steering.params.replicas == POLICY_NOT_FIXED);
}

static void who_changed_it_last_is_kept(void **state)
{
    (void)state;
    struct status_limits limits = steering_limits(&steering, 0);
    assert_string_equal(limits.by, "");
    assert_true(isnan(limits.changed_s));
    assert_true(isnan(limits.replicas));
    assert_set(2, 4, 3, true);
    limits = steering_limits(&steering, steering.changed_ms + 1500);
    assert_true(limits.changed_s == 1.5);
    assert_string_equal(limits.by, "winnow-ctl/host/7");
    assert_string_equal(limits.at, "now");
    assert_int_equal(limits.min_workers, 2);
    assert_int_equal(limits.max_workers, 4);
    assert_true(limits.replicas == 3);
    assert_false(limits.paused);
}

static void the_same_command_twice_changes_nothing(void **state)
{
    (void)state;
    assert_set(2, 4, 3, true);
    assert_set(2, 4, 3, false);
    assert_true(apply((struct command){.verb = COMMAND_PAUSE}).changed);
    assert_false(apply((struct command){.verb = COMMAND_PAUSE}).changed);
    assert_true(apply((struct command){.verb = COMMAND_RESUME}).changed);
    assert_false(apply((struct command){.verb = COMMAND_RESUME}).changed);
}

static void limits_that_contradict_those_that_stay_are_refused(void **state)
{
    (void)state;
    assert_refused(set_to(9, -1, -1), "min would be 9 and max 8");
    assert_refused(set_to(-1, 0, -1), "min would be 1 and max 0");
}

static void a_number_is_fixed_within_the_limits_only(void **state)
{
    (void)state;
    assert_refused(set_to(-1, -1, 9), "replicas is 9; expected 1 to 8");
    assert_refused(set_to(-1, -1, 0), "replicas is 0; expected 1 to 8");
    assert_refused(set_to(3, 4, 5), "replicas is 5; expected 3 to 4");
    assert_set(-1, 9, 9, true);
}

static void limits_do_not_exclude_a_number_that_is_fixed(void **state)
{
    (void)state;
    assert_set(-1, -1, 5, true);
    steering.by[0] = '\0';
    assert_refused(set_to(-1, 4, -1), "fixed at 5");
    assert_refused(set_to(6, -1, -1), "fixed at 5");
    assert_set(6, -1, COMMAND_NONE, true);
    assert_set(-1, 7, 7, true);
}

static void a_worker_that_works_can_be_stopped(void **state)
{
    (void)state;
    assert_true(apply((struct command){.verb = COMMAND_STOP, .slot = 3}).changed);
    assert_int_equal(steering.stop_slot, 3);
    assert_int_equal(steering.stop_pid, 103);
    assert_true(apply((struct command){.verb = COMMAND_STOP, .slot = 0}).changed);
    assert_int_equal(steering.stop_slot, 0);
    assert_int_equal(steering.stop_pid, 100);
}

static void one_that_drains_is_not_told_again(void **state)
{
    struct steering_outcome outcome = apply((struct command){.verb = COMMAND_STOP, .slot = 2});

    (void)state;
    assert_int_equal(outcome.answer.outcome, COMMAND_DONE);
    assert_false(outcome.changed);
    assert_int_equal(steering.stop_pid, 0);
}

static void a_slot_without_a_worker_is_refused(void **state)
{
    (void)state;
    assert_refused((struct command){.verb = COMMAND_STOP, .slot = 1}, "slot 1");
    assert_refused((struct command){.verb = COMMAND_STOP, .slot = 4}, "slot 4");
    assert_refused((struct command){.verb = COMMAND_STOP, .slot = INT32_MAX}, "no worker in slot");
}

/* A status may be made in the millisecond in which a worker starts, and names it. */
static void a_worker_that_the_sender_cannot_have_seen_is_not_stopped(void **state)
{
    static const struct worker_reading later[] = {
        {.state = WORKER_RUNNING, .pid = 200, .started_ns = 1 + (AGE_MS + 1) * INT64_C(1000000)},
        {.state = WORKER_RUNNING,
         .pid = 201,
         .started_ns = (AGE_MS + 1) * INT64_C(1000000),
         .slot = 1}};
    static const struct node_report now = {.readings = later, .reading_count = 2};
    struct command command = {.verb = COMMAND_STOP, .seen = {EPOCH, AGE_MS}};

    (void)state;
    struct steering_outcome outcome =
        steering_apply(&steering, &command, &somebody, "now", AGE_MS + 100, &now);
    assert_int_equal(outcome.answer.outcome, COMMAND_STALE);
    assert_non_null(strstr(outcome.answer.reason, "slot 0 is another worker's"));
    assert_false(outcome.changed);
    assert_int_equal(steering.stop_pid, 0);
    command.slot = 1;
    assert_true(steering_apply(&steering, &command, &somebody, "now", AGE_MS + 100, &now).changed);
    assert_int_equal(steering.stop_pid, 201);
    steering.begun_ns = 2;
    command.slot = 0;
    assert_true(steering_apply(&steering, &command, &somebody, "now", AGE_MS + 100, &now).changed);
}

/* ---- several hosts ---- */

static const struct worker_reading theirs[] = {
    {.state = WORKER_RUNNING, .pid = 100, .node = 0, .slot = 1},
    {.state = WORKER_RUNNING, .pid = 200, .node = 1, .slot = 1}};
static const char *const names[] = {"a", "b"};
static const struct node_report of_several = {
    .readings = theirs, .reading_count = 2, .node_names = names, .node_count = 2};

static struct steering_outcome apply_there(enum command_verb verb, int64_t slot, const char *node)
{
    struct command command = {
        .verb = verb, .slot = slot, .seen = {EPOCH, steering.sequence}, .node = ""};

    strncpy(command.node, node, sizeof command.node - 1);
    return steering_apply(&steering, &command, &somebody, "now", AGE_MS, &of_several);
}

static void a_worker_is_told_by_its_node_and_slot(void **state)
{
    (void)state;
    assert_true(apply_there(COMMAND_STOP, 1, "b").changed);
    assert_int_equal(steering.stop_pid, 200);
    assert_string_equal(steering.stop_node, "b");
    assert_true(apply_there(COMMAND_STOP, 1, "a").changed);
    assert_int_equal(steering.stop_pid, 100);
    assert_int_equal(apply_there(COMMAND_STOP, 0, "a").answer.outcome, COMMAND_REFUSED);
    struct steering_outcome outcome = apply_there(COMMAND_STOP, 1, "");
    assert_int_equal(outcome.answer.outcome, COMMAND_REFUSED);
    assert_non_null(strstr(outcome.answer.reason, "expected a node as well"));
    assert_refused((struct command){.verb = COMMAND_STOP, .slot = 0, .node = "a"}, "on one host");
}

static void only_a_node_that_there_is_can_be_drained(void **state)
{
    (void)state;
    assert_true(apply_there(COMMAND_DRAIN, 0, "b").changed);
    assert_true(apply_there(COMMAND_UNDRAIN, 0, "b").changed);
    assert_int_equal(apply_there(COMMAND_DRAIN, 0, "c").answer.outcome, COMMAND_REFUSED);
    assert_refused((struct command){.verb = COMMAND_DRAIN, .node = "a"}, "on one host");
}

static void what_a_leader_before_was_told_goes_on(void **state)
{
    struct status_limits limits = {
        .min_workers = 3, .max_workers = 5, .paused = true, .replicas = NAN, .changed_s = 9};

    (void)state;
    steering_inherit(&steering, &limits);
    assert_int_equal(steering.params.max_workers, 8); /* nobody had changed any */
    strncpy(limits.at, "then", sizeof limits.at - 1);
    strncpy(limits.by, "me", sizeof limits.by - 1);
    steering_inherit(&steering, &limits);
    limits = steering_limits(&steering, 1000);
    assert_int_equal(limits.min_workers, 3);
    assert_int_equal(limits.max_workers, 5);
    assert_true(limits.paused && isnan(limits.replicas) && limits.changed_s == 10);
    assert_string_equal(limits.by, "me");
}

static void assert_stale(struct command_seen seen, int64_t age_ms, const char *reason)
{
    const struct command command = {.verb = COMMAND_PAUSE, .seen = seen};
    struct steering_outcome outcome =
        steering_apply(&steering, &command, &somebody, "now", age_ms, &report);

    assert_int_equal(outcome.answer.outcome, COMMAND_STALE);
    assert_non_null(strstr(outcome.answer.reason, reason));
    assert_false(outcome.changed);
    assert_true(steering.params.paused == 0);
}

static void what_was_said_to_an_old_status_is_stale(void **state)
{
    const struct command command = {.verb = COMMAND_PAUSE,
                                    .seen = {EPOCH, AGE_MS - STEERING_SEEN_MS}};

    (void)state;
    assert_stale((struct command_seen){EPOCH, AGE_MS - STEERING_SEEN_MS - 1}, AGE_MS, "10 s old");
    assert_stale((struct command_seen){EPOCH, 0}, AGE_MS, "60 s old");
    assert_true(steering_apply(&steering, &command, &somebody, "now", AGE_MS, &report).changed);
}

static void what_was_said_to_another_run_or_to_no_status_is_stale(void **state)
{
    (void)state;
    assert_stale((struct command_seen){EPOCH + 1, AGE_MS}, AGE_MS, "another run");
    assert_stale((struct command_seen){EPOCH - 1, AGE_MS}, AGE_MS, "another run");
    assert_stale((struct command_seen){EPOCH, AGE_MS + 1}, AGE_MS + 5, "no such status yet");
    assert_stale((struct command_seen){EPOCH, INT64_MAX}, AGE_MS, "no such status yet");
}

static void each_status_has_a_greater_name_that_tells_its_age(void **state)
{
    (void)state;
    assert_int_equal(steering.sequence, AGE_MS);
    assert_int_equal(steering_next_sequence(&steering, AGE_MS), AGE_MS + 1);
    assert_int_equal(steering_next_sequence(&steering, AGE_MS), AGE_MS + 2);
    assert_int_equal(steering_next_sequence(&steering, AGE_MS + 100), AGE_MS + 100);
}

static void a_configuration_changes_what_is_different_in_it(void **state)
{
    struct policy_params before = steering.params, after = before;

    (void)state;
    assert_set(2, 6, 3, true);
    after.headroom = 2;
    steering_reconfigure(&steering, &before, &after, "later", AGE_MS);
    assert_int_equal(steering.params.min_workers, 2);
    assert_int_equal(steering.params.max_workers, 6);
    assert_true(steering.params.headroom == 2 && steering.params.replicas == 3);
    assert_string_equal(steering_limits(&steering, AGE_MS).by, "configuration");
    before = after;
    after.max_workers = 9;
    steering_reconfigure(&steering, &before, &after, "later", AGE_MS);
    assert_int_equal(steering.params.min_workers, 1);
    assert_int_equal(steering.params.max_workers, 9);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_configuration_changes_what_is_different_in_it),
        TEST(what_is_set_is_in_force_and_the_rest_stays),
        TEST(who_changed_it_last_is_kept),
        TEST(the_same_command_twice_changes_nothing),
        TEST(limits_that_contradict_those_that_stay_are_refused),
        TEST(a_number_is_fixed_within_the_limits_only),
        TEST(limits_do_not_exclude_a_number_that_is_fixed),
        TEST(a_worker_that_works_can_be_stopped),
        TEST(one_that_drains_is_not_told_again),
        TEST(a_slot_without_a_worker_is_refused),
        TEST(a_worker_that_the_sender_cannot_have_seen_is_not_stopped),
        TEST(a_worker_is_told_by_its_node_and_slot),
        TEST(only_a_node_that_there_is_can_be_drained),
        TEST(what_a_leader_before_was_told_goes_on),
        TEST(what_was_said_to_an_old_status_is_stale),
        TEST(what_was_said_to_another_run_or_to_no_status_is_stale),
        TEST(each_status_has_a_greater_name_that_tells_its_age),
    };
    return cmocka_run_group_tests_name("steering", tests, NULL, NULL);
}
