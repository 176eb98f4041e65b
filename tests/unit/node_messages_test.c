/* control/report and control/target: what a node and its leader say to each other. */
#include "clock.h"
#include "control/members.h"
#include "control/report_message.h"
#include "control/target_message.h"
#include "control/token_message.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct envelope envelope = {
    .farm = "shop", .from = "winnow-autoscaler/h/7", .time = "t", .clock = 17};

static struct report_worker workers[] = {
    {.slot = 2999,
     .pid = 1,
     .state = "running",
     .since_s = 1.5,
     .tells = true,
     .in_flight_msgs = 3},
    {.slot = 0, .pid = INT32_MAX, .state = "starting", .in_flight_msgs = NAN, .working_s = NAN},
};

static struct event_record events[] = {
    {.event = UINT64_MAX >> 4, .attempts = EVENT_RECORDS_MOST_ATTEMPTS, .suspect = true},
    {.event = 0x2a, .forgiven = true},
};

static void assert_events(const struct event_record *again, size_t count)
{
    assert_int_equal(count, 2);
    assert_true(again[0].event == UINT64_MAX >> 4 && again[1].event == 0x2a);
    assert_int_equal(again[0].attempts, EVENT_RECORDS_MOST_ATTEMPTS);
    assert_true(again[0].suspect && !again[0].forgiven);
    assert_true(!again[1].attempts && !again[1].suspect && again[1].forgiven);
}

static struct report_message a_report(void)
{
    return (struct report_message){.node = "rack-1.example.com",
                                   .boot = "b",
                                   .capacity = 8,
                                   .rank = 3,
                                   .leaving = true,
                                   .epoch = 1700000000000,
                                   .sequence = 42,
                                   .target = 2,
                                   .running = 1,
                                   .starting = 1,
                                   .startup_s = NAN,
                                   .handled_msgs = 12,
                                   .dead_msgs = 2,
                                   .hung = 1,
                                   .handling = {.sum_s = 1.5, .count = {[3] = 12}},
                                   .workers = workers,
                                   .worker_count = 2,
                                   .events = events,
                                   .event_count = 2};
}

static struct target_message a_target(void)
{
    return (struct target_message){
        .node = "a",
        .epoch = 7,
        .sequence = 1,
        .workers = 3,
        .farm_workers = 8,
        .farm_nodes = 2,
        .stop_pid = 77,
        .limits = {.min_workers = 1, .max_workers = 8, .paused = true, .replicas = NAN},
        .leader = "c",
        .leader_capacity = 4,
        .leader_rank = 3,
        .successor = "b",
        .successor_rank = 2,
        .events = events,
        .event_count = 2};
}

/* The message as envelope_read gives it. */
static struct json_t *parse(char *text, size_t length)
{
    struct envelope read;
    struct json_t *message;
    struct why why;

    assert_int_equal(envelope_read(text, length, &read, &message, &why), 0);
    free(text);
    return message;
}

static void a_report_is_read_as_it_was_written(void **state)
{
    struct report_message report = a_report(), again;
    struct why why;
    char *text;
    size_t length;

    (void)state;
    assert_int_equal(report_message_write(&envelope, &report, &text, &length), 0);
    struct json_t *message = parse(text, length);
    assert_int_equal(report_message_read(message, &again, &why), 0);
    members_release(message);
    assert_string_equal(again.node, report.node);
    assert_int_equal(again.sequence, 42);
    assert_true(again.leaving && !again.drained && isnan(again.startup_s));
    assert_true(again.dead_msgs == 2 && again.given_back_msgs == 0 && again.hung == 1);
    assert_true(again.handling.sum_s == 1.5 && again.handling.count[3] == 12);
    assert_int_equal(again.worker_count, 2);
    assert_int_equal(again.workers[0].slot, 2999);
    assert_true(again.workers[0].in_flight_msgs == 3);
    assert_true(isnan(again.workers[1].in_flight_msgs));
    assert_events(again.events, again.event_count);
    report_message_clear(&again);
}

static void a_target_is_read_as_it_was_written(void **state)
{
    struct target_message target = a_target(), again;
    struct why why;
    char *text;
    size_t length;

    (void)state;
    assert_int_equal(target_message_write(&envelope, &target, &text, &length), 0);
    struct json_t *message = parse(text, length);
    assert_int_equal(target_message_read(message, &again, &why), 0);
    members_release(message);
    assert_int_equal(again.workers, 3);
    assert_int_equal(again.stop_pid, 77);
    assert_true(again.farm_workers == 8 && again.farm_nodes == 2);
    assert_true(again.limits.paused && isnan(again.limits.replicas));
    assert_int_equal(again.limits.max_workers, 8);
    assert_string_equal(again.leader, "c");
    assert_true(again.leader_capacity == 4 && again.leader_rank == 3);
    assert_string_equal(again.successor, "b");
    assert_events(again.events, again.event_count);
    target_message_clear(&again);
}

/* An empty list says that there is nothing, and none that nobody knows. */
static void what_is_not_known_of_events_is_left_out(void **state)
{
    struct target_message target = a_target(), again;
    struct why why;
    char *text;
    size_t length;

    (void)state;
    for (int known = 0; known < 2; known++) {
        target.events = known ? events : NULL;
        target.event_count = 0;
        assert_int_equal(target_message_write(&envelope, &target, &text, &length), 0);
        struct json_t *message = parse(text, length);
        assert_int_equal(target_message_read(message, &again, &why), 0);
        members_release(message);
        assert_int_equal(again.events != NULL, known);
        assert_int_equal(again.event_count, 0);
        target_message_clear(&again);
    }
}

/* So many years ahead of the clock. */
static int64_t epoch_ahead(int64_t years)
{
    return (clock_wall_ms() + years * 365 * 86400 * 1000) * TOKEN_EPOCHS_PER_MS;
}

static void an_epoch_that_uses_up_the_rest_is_not_believed(void **state)
{
    struct why why;

    (void)state;
    assert_int_equal(token_message_check_epoch(0, &why), 0);
    assert_int_equal(token_message_check_epoch(epoch_ahead(0), &why), 0);
    assert_int_equal(token_message_check_epoch(epoch_ahead(99), &why), 0);
    assert_int_equal(token_message_check_epoch(epoch_ahead(101), &why), -ERR_INVALID);
    assert_int_equal(token_message_check_epoch(TOKEN_EPOCH_MAX, &why), -ERR_INVALID);
    assert_int_equal(token_message_check_epoch(INT64_MAX, &why), -ERR_INVALID);
    assert_int_equal(token_message_check_epoch(-1, &why), -ERR_INVALID);
}

/* Whether the report is refused with these words. */
static void refuses_report(const struct report_message *report, const char *said)
{
    struct report_message again;
    struct why why = {0};
    char *text;
    size_t length;

    assert_int_equal(report_message_write(&envelope, report, &text, &length), 0);
    struct json_t *message = parse(text, length);
    if (report_message_read(message, &again, &why) != -ERR_INVALID || !strstr(why.text, said))
        fail_msg("expected '%s': said '%s'", said, why.text);
    members_release(message);
}

static void a_report_that_cannot_be_is_refused(void **state)
{
    struct report_message report;
    struct report_worker worker = workers[0];
    struct event_record event = events[0];

    (void)state;
    report = a_report(), snprintf(report.node, sizeof report.node, "a b");
    refuses_report(&report, "\"node\"");
    report = a_report(), report.boot[0] = '\0';
    refuses_report(&report, "\"boot\"");
    report = a_report(), report.capacity = 0;
    refuses_report(&report, "\"capacity\"");
    report = a_report(), report.running = 1000000;
    refuses_report(&report, "every number of workers");
    report = a_report(), report.running = -1;
    refuses_report(&report, "\"running\" is -1");
    report = a_report(), report.in_flight_msgs = -1;
    refuses_report(&report, "every sum");
    report = a_report(), report.handled_msgs = NAN;
    refuses_report(&report, "every sum");
    report = a_report(), report.dead_msgs = -1;
    refuses_report(&report, "every sum");
    report = a_report(), report.given_back_msgs = NAN;
    refuses_report(&report, "every sum");
    report = a_report(), report.handled_msgs = 1e300;
    refuses_report(&report, "every sum");
    report = a_report(), report.silent_s = 1e10;
    refuses_report(&report, "every time");
    report = a_report(), report.spawned = INT64_MAX;
    refuses_report(&report, "started or ended");
    report = a_report(), report.sequence = INT64_MAX;
    refuses_report(&report, "\"sequence\"");
    report = a_report(), report.epoch = INT64_MAX;
    refuses_report(&report, "\"epoch\" is 9223372036854775807");
    report = a_report(), report.epoch = epoch_ahead(101);
    refuses_report(&report, "more than 100 years ahead");
    report = a_report(), report.handling.sum_s = -1;
    refuses_report(&report, "in \"handling\": \"sum_s\" is less than 0");
    report = a_report(), report.startup_s = -1;
    refuses_report(&report, "\"startup_s\"");
    report = a_report(), report.rank = REPORT_MOST_RANK + 1;
    refuses_report(&report, "\"rank\"");
    report = a_report(), report.workers = &worker, report.worker_count = 1;
    worker.state[0] = 'x';
    refuses_report(&report, "in worker 0");
    worker = workers[0], worker.slot = 3000;
    refuses_report(&report, "\"slot\"");
    worker = workers[0], worker.since_s = 1e300;
    refuses_report(&report, "\"since_s\"");
    worker = workers[0], worker.pid = 0;
    refuses_report(&report, "\"pid\"");
    worker = workers[0], worker.in_flight_msgs = NAN;
    refuses_report(&report, "\"in_flight_msgs\"");
    report = a_report(), report.events = &event, report.event_count = 1;
    event.attempts = EVENT_RECORDS_MOST_ATTEMPTS + 1;
    refuses_report(&report, "in \"events\": \"attempts\"");
    event = events[0], event.event = UINT64_MAX;
    refuses_report(&report, "\"event\"");
}

static void refuses_target(const struct target_message *target, const char *said)
{
    struct target_message again;
    struct why why = {0};
    char *text;
    size_t length;

    assert_int_equal(target_message_write(&envelope, target, &text, &length), 0);
    struct json_t *message = parse(text, length);
    if (target_message_read(message, &again, &why) != -ERR_INVALID || !strstr(why.text, said))
        fail_msg("expected '%s': said '%s'", said, why.text);
    members_release(message);
}

static void a_target_that_cannot_be_is_refused(void **state)
{
    struct target_message target;

    (void)state;
    target = a_target(), target.node[0] = '\0';
    refuses_target(&target, "\"node\"");
    target = a_target(), target.epoch = 0;
    refuses_target(&target, "\"epoch\"");
    target = a_target(), target.sequence = 0;
    refuses_target(&target, "\"epoch\"");
    target = a_target(), target.sequence = INT64_MAX;
    refuses_target(&target, "\"epoch\"");
    target = a_target(), target.epoch = epoch_ahead(101);
    refuses_target(&target, "more than 100 years ahead");
    target = a_target(), target.workers = 1001;
    refuses_target(&target, "\"workers\"");
    target = a_target(), target.stop_slot = 3000;
    refuses_target(&target, "\"stop_slot\"");
    target = a_target(), target.limits.min_workers = 9;
    refuses_target(&target, "\"limits\"");
    target = a_target(), target.limits.replicas = 9;
    refuses_target(&target, "\"replicas\"");
    target = a_target(), target.leader[0] = '\0';
    refuses_target(&target, "\"leader\"");
    target = a_target(), target.leader_capacity = 0;
    refuses_target(&target, "\"leader_capacity\"");
    target = a_target(), target.leader_rank = 1000001;
    refuses_target(&target, "\"leader_rank\"");
    target = a_target(), target.successor[0] = '*';
    refuses_target(&target, "\"successor\"");
}

static void a_name_has_nothing_that_means_something_elsewhere(void **state)
{
    static const char *const good[] = {"a", "7", "rack-1.example.com", "A_b"};
    static const char *const bad[] = {"",    ".",  "a.",  "-a",       "a b", "a*",
                                      "a/b", "a#", "a\n", "\xc3\xa4", "a'"};
    char name[NODE_NAME_SIZE + 1];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(node_name_is_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (node_name_is_valid(bad[i]))
            fail_msg("'%s' is accepted", bad[i]);
    memset(name, 'x', sizeof name);
    name[NODE_NAME_SIZE] = '\0';
    assert_false(node_name_is_valid(name));
    name[NODE_NAME_SIZE - 1] = '\0';
    assert_true(node_name_is_valid(name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_is_read_as_it_was_written),
        cmocka_unit_test(a_target_is_read_as_it_was_written),
        cmocka_unit_test(what_is_not_known_of_events_is_left_out),
        cmocka_unit_test(an_epoch_that_uses_up_the_rest_is_not_believed),
        cmocka_unit_test(a_report_that_cannot_be_is_refused),
        cmocka_unit_test(a_target_that_cannot_be_is_refused),
        cmocka_unit_test(a_name_has_nothing_that_means_something_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
