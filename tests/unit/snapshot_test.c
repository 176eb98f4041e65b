/* The workers of a report as a status tells them, and the log events that wait beside it. */
#include "autoscaler/leader/notices.h"
#include "autoscaler/leader/snapshot.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NS_PER_S INT64_C(1000000000)
#define NOW_NS   (1000 * NS_PER_S)

static struct worker_reading workers[3];
static struct node_report report;
static struct snapshot snapshot;
static struct status status;

static int begin(void **state)
{
    (void)state;
    memset(workers, 0, sizeof workers);
    workers[2] = (struct worker_reading){.state = WORKER_RUNNING,
                                         .pid = 102,
                                         .slot = 2,
                                         .started_ns = NOW_NS - 10 * NS_PER_S,
                                         .tells = true,
                                         .in_flight_msgs = 4,
                                         .handled_msgs = 50,
                                         .busy_ns = 5 * NS_PER_S};
    report =
        (struct node_report){.counts = {.running = 1}, .readings = workers, .reading_count = 3};
    return 0;
}

static int end(void **state)
{
    (void)state;
    snapshot_clear(&snapshot);
    return 0;
}

static const struct status_worker *take_at(int64_t now_ns)
{
    assert_int_equal(snapshot_take(&snapshot, &report, now_ns, &status), 0);
    return status.workers;
}

static void a_slot_without_a_worker_is_left_out(void **state)
{
    const struct status_worker *worker = take_at(NOW_NS);

    (void)state;
    assert_int_equal(status.worker_count, 1);
    assert_int_equal(status.running, 1);
    assert_int_equal(worker->slot, 2);
    assert_int_equal(worker->pid, 102);
    assert_string_equal(worker->state, "running");
    assert_true(worker->since_s == 10);
    assert_true(worker->tells);
    assert_int_equal(worker->handled_msgs, 50);
    assert_true(worker->in_flight_msgs == 4);
}

static void every_state_has_its_word(void **state)
{
    static const char *const words[] = {"starting", "running", "draining", "killed"};

    (void)state;
    for (int i = WORKER_STARTING; i <= WORKER_KILLED; i++) {
        workers[2].state = (enum worker_state)i;
        assert_string_equal(take_at(NOW_NS)->state, words[i - WORKER_STARTING]);
    }
}

static void the_first_busy_share_is_since_the_start_and_the_next_since_the_one_before(void **state)
{
    (void)state;
    assert_true(fabs(take_at(NOW_NS)->busy_share - 0.5) < 1e-9);
    workers[2].busy_ns += NS_PER_S / 4;
    workers[2].working_s = 0.5;
    assert_true(fabs(take_at(NOW_NS + NS_PER_S)->busy_share - 0.75) < 1e-9);
}

static void the_event_at_hand_is_counted_once(void **state)
{
    (void)state;
    workers[2].working_s = 2;
    take_at(NOW_NS);
    /* It is finished, and the worker has rested since. */
    workers[2].busy_ns += 2 * NS_PER_S;
    workers[2].working_s = 0;
    assert_true(take_at(NOW_NS + NS_PER_S)->busy_share == 0);
}

static void in_no_time_at_all_the_share_stays(void **state)
{
    (void)state;
    take_at(NOW_NS);
    workers[2].busy_ns += NS_PER_S / 1000;
    assert_true(fabs(take_at(NOW_NS + NS_PER_S / 1000)->busy_share - 0.5) < 1e-9);
}

static void another_worker_of_the_slot_begins_anew(void **state)
{
    (void)state;
    take_at(NOW_NS);
    workers[2].pid = 203;
    workers[2].started_ns = NOW_NS;
    workers[2].busy_ns = NS_PER_S;
    assert_true(fabs(take_at(NOW_NS + 2 * NS_PER_S)->busy_share - 0.5) < 1e-9);
}

static void a_share_is_none_of_more_than_all_or_less_than_nothing(void **state)
{
    (void)state;
    workers[2].busy_ns = 100 * NS_PER_S;
    assert_true(take_at(NOW_NS)->busy_share == 1);
    workers[2].busy_ns = 0;
    assert_true(take_at(NOW_NS + NS_PER_S)->busy_share == 0);
}

static void what_a_silent_worker_does_is_unknown(void **state)
{
    (void)state;
    workers[2] = (struct worker_reading){.state = WORKER_RUNNING, .pid = 7, .started_ns = NOW_NS};
    const struct status_worker *worker = take_at(NOW_NS + NS_PER_S);
    assert_false(worker->tells);
    assert_true(isnan(worker->in_flight_msgs));
    assert_true(isnan(worker->busy_share));
}

static void a_report_may_have_more_slots_than_the_one_before(void **state)
{
    (void)state;
    report.reading_count = 1;
    take_at(NOW_NS);
    assert_int_equal(status.worker_count, 0);
    report.reading_count = 3;
    take_at(NOW_NS);
    assert_int_equal(status.worker_count, 1);
}

/* ---- notices ---- */

static struct notices notices;

static void add_notice(int64_t clock)
{
    *notices_add(&notices) = (struct notices_event){.clock = clock};
}

/* Tells the next one, which must be this. */
static void tell_notice(int64_t clock, uint64_t sequence)
{
    struct notices_event *event = notices_next(&notices);

    assert_non_null(event);
    assert_int_equal(event->clock, clock);
    event->sequence = sequence;
}

static void notices_come_out_in_their_order_and_the_oldest_are_dropped(void **state)
{
    (void)state;
    notices = (struct notices){0};
    assert_null(notices_next(&notices));
    for (int i = 0; i < NOTICES_MOST + 2; i++)
        add_notice(i);
    assert_int_equal(notices.dropped, 2);
    for (int i = 2; i < NOTICES_MOST + 2; i++)
        tell_notice(i, 10 * (uint64_t)i);
    assert_null(notices_next(&notices));
    /* What was told makes room, and is not counted as dropped. */
    add_notice(99);
    assert_int_equal(notices.dropped, 2);
    tell_notice(99, 990);
}

static void what_has_not_arrived_is_told_again_on_the_next_connection(void **state)
{
    (void)state;
    notices = (struct notices){0};
    for (int i = 1; i <= 4; i++)
        add_notice(i);
    tell_notice(1, 3);
    tell_notice(2, 5);
    tell_notice(3, 6);
    notices_arrived(&notices, 2);
    notices_arrived(&notices, 5);
    assert_int_equal(notices.count, 2);
    notices_reconnected(&notices);
    notices_arrived(&notices, 100);
    tell_notice(3, 1);
    tell_notice(4, 2);
    assert_null(notices_next(&notices));
    notices_arrived(&notices, 2);
    assert_int_equal(notices.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_slot_without_a_worker_is_left_out),
        TEST(every_state_has_its_word),
        TEST(the_first_busy_share_is_since_the_start_and_the_next_since_the_one_before),
        TEST(the_event_at_hand_is_counted_once),
        TEST(in_no_time_at_all_the_share_stays),
        TEST(another_worker_of_the_slot_begins_anew),
        TEST(a_share_is_none_of_more_than_all_or_less_than_nothing),
        TEST(what_a_silent_worker_does_is_unknown),
        TEST(a_report_may_have_more_slots_than_the_one_before),
        cmocka_unit_test(notices_come_out_in_their_order_and_the_oldest_are_dropped),
        cmocka_unit_test(what_has_not_arrived_is_told_again_on_the_next_connection),
    };
    return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
