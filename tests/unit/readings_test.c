#include "autoscaler/node/readings.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW_NS INT64_C(1000000000000)
#define SLOTS  6

static struct pool pool;
static struct readings readings;
static struct scoreboard *board;

static int open_node(void **state)
{
    const struct pool_params params = {.max_workers = SLOTS / 3};

    (void)state;
    return pool_init(&pool, &params) || readings_init(&readings, SLOTS) ||
           scoreboard_create(SLOTS, 3, CLOCK_NS_PER_S, &board, NULL);
}

static int close_node(void **state)
{
    (void)state;
    pool_clear(&pool);
    readings_clear(&readings);
    scoreboard_close(board);
    return 0;
}

/* A worker in that state, which tells what it holds and has handled. */
static struct scoreboard_slot *put_worker(size_t index, enum worker_state state, uint64_t holds,
                                          uint64_t handled)
{
    struct scoreboard_slot *slot = scoreboard_slot(board, index);

    pool.used = SLOTS;
    pool.slots[index].state = state;
    pool.slots[index].started_ns = NOW_NS;
    slot->pid = (int32_t)index + 100;
    slot->state = SCOREBOARD_WORKING;
    slot->in_flight_msgs = holds;
    slot->handled_msgs = handled;
    return slot;
}

/* One of which nothing has been heard; silent_ns 0: it may still say something. */
static void put_silent(size_t index, enum worker_state state, int64_t started_ns, int64_t silent_ns)
{
    pool.used = SLOTS;
    pool.slots[index].state = state;
    pool.slots[index].started_ns = started_ns;
    pool.slots[index].silent_ns = silent_ns;
}

static struct node_report take(int64_t now_ns)
{
    return readings_take(&readings, &pool, board, now_ns);
}

static void what_workers_hold_and_have_handled_is_added_up(void **state)
{
    (void)state;
    put_worker(1, WORKER_RUNNING, 3, 10);
    put_worker(2, WORKER_STARTING, 1, 0);
    put_worker(4, WORKER_DRAINING, 5, 20);
    put_worker(5, WORKER_KILLED, 7, 40);
    struct node_report report = take(NOW_NS);
    assert_true(report.in_flight_msgs == 16);
    assert_true(report.draining_in_flight_msgs == 12);
    assert_true(report.handled_msgs == 70);
    assert_int_equal(report.telling, 1);
    assert_int_equal(report.blocked, 0);
    assert_true(report.heard);
    assert_false(report.unknown);
    assert_true(report.silent_s == 0);
    assert_int_equal(report.reading_count, SLOTS);
    assert_int_equal(report.readings[4].handled_msgs, 20);
    assert_int_equal(report.readings[0].state, WORKER_NONE);
}

static void a_reading_says_whose_it_is_and_what_that_worker_does(void **state)
{
    (void)state;
    put_worker(1, WORKER_RUNNING, 3, 10)->state = SCOREBOARD_BLOCKED;
    put_silent(2, WORKER_STARTING, NOW_NS + 5, 0);
    readings_begin(&readings, 1, 77);
    readings_begin(&readings, 2, 78);
    const struct worker_reading *blocked = &take(NOW_NS).readings[1], *silent = blocked + 1;
    assert_int_equal(blocked->state, WORKER_RUNNING);
    /* The process that was started, which need not be the one that tells. */
    assert_int_equal(blocked->pid, 77);
    assert_true(blocked->started_ns == NOW_NS);
    assert_true(blocked->tells && blocked->blocked && blocked->in_flight_msgs == 3);
    assert_int_equal(silent->state, WORKER_STARTING);
    assert_int_equal(silent->pid, 78);
    assert_true(silent->started_ns == NOW_NS + 5);
    assert_false(silent->tells);
    pool.slots[1].state = WORKER_NONE;
    assert_int_equal(take(NOW_NS).readings[1].pid, 0);
}

static void an_empty_slot_counts_for_nothing(void **state)
{
    (void)state;
    put_worker(0, WORKER_NONE, 3, 10);
    struct node_report report = take(NOW_NS);
    assert_true(report.in_flight_msgs == 0 && report.handled_msgs == 0);
    assert_false(report.heard);
    assert_false(report.unknown);
}

static void a_running_worker_from_which_the_broker_takes_nothing_is_blocked(void **state)
{
    (void)state;
    put_worker(0, WORKER_RUNNING, 3, 10)->state = SCOREBOARD_BLOCKED;
    put_worker(1, WORKER_RUNNING, 3, 10)->state = SCOREBOARD_SENDING;
    put_worker(2, WORKER_DRAINING, 3, 10)->state = SCOREBOARD_BLOCKED;
    struct node_report report = take(NOW_NS);
    assert_int_equal(report.telling, 2);
    assert_int_equal(report.blocked, 1);
}

static void what_ended_workers_have_handled_is_kept(void **state)
{
    (void)state;
    for (int worker = 0; worker < 2; worker++) {
        struct scoreboard_slot *slot = put_worker(0, WORKER_RUNNING, 0, 10);
        assert_true(take(NOW_NS).handled_msgs == 10 * (worker + 1));
        readings_keep(&readings, 0, slot, NOW_NS);
        scoreboard_clear(slot);
        pool.slots[0].state = WORKER_NONE;
        assert_true(take(NOW_NS).handled_msgs == 10 * (worker + 1));
    }
    assert_true(take(NOW_NS).heard);
}

/* What a worker has done, all of it at once. */
static void put_work(struct scoreboard_slot *slot, uint64_t events)
{
    slot->handled_msgs = slot->dead_msgs = slot->given_back_msgs = events;
    slot->busy_ns = (int64_t)events * CLOCK_NS_PER_S;
    slot->handled_within[3] = slot->handled_within[TIME_CLASSES - 1] = events;
}

static void assert_work(const struct node_report *report, uint64_t events)
{
    assert_true(report->handled_msgs == (double)events);
    assert_true(report->dead_msgs == (double)events);
    assert_true(report->given_back_msgs == (double)events);
    assert_true(report->handling.sum_s == (double)events);
    for (size_t i = 0; i < TIME_CLASSES; i++)
        assert_int_equal(report->handling.count[i], i == 3 || i == TIME_CLASSES - 1 ? events : 0);
}

/* What is told a while later, when times are added up again. */
static void assert_told(uint64_t events)
{
    static int64_t while_ns;

    while_ns += 100 * CLOCK_NS_PER_MS;
    struct node_report report = take(NOW_NS + while_ns);
    assert_work(&report, events);
}

static void no_count_falls_whoever_ends_and_whatever_a_slot_says(void **state)
{
    struct scoreboard_slot *slot = put_worker(0, WORKER_RUNNING, 0, 0);

    (void)state;
    put_work(slot, 5);
    assert_told(5);
    /* It says less than before, then something that cannot be, then goes on. */
    put_work(slot, 2);
    assert_told(5);
    slot->state = 77;
    assert_told(5);
    slot->state = SCOREBOARD_WORKING;
    slot->dead_msgs = slot->given_back_msgs = slot->handled_within[0] = UINT64_MAX;
    assert_told(5);
    slot->handled_within[0] = 0;
    put_work(slot, 7);
    assert_told(7);
    /* It ends with more than was last seen; another begins in its slot. */
    put_work(slot, 8);
    readings_keep(&readings, 0, slot, NOW_NS);
    scoreboard_clear(slot);
    pool.slots[0].state = WORKER_NONE;
    assert_told(8);
    put_work(put_worker(0, WORKER_STARTING, 0, 0), 1);
    assert_told(9);
    /* It ends while its slot says what cannot be: what was believed before stays. */
    put_work(slot, 3);
    slot->busy_ns = -1;
    readings_keep(&readings, 0, slot, NOW_NS);
    scoreboard_clear(slot);
    assert_told(9);
}

static void times_are_added_up_ten_times_a_second(void **state)
{
    struct scoreboard_slot *slot = put_worker(0, WORKER_RUNNING, 0, 0);

    (void)state;
    put_work(slot, 1);
    assert_int_equal(take(NOW_NS).handling.count[3], 1);
    put_work(slot, 2);
    struct node_report report = take(NOW_NS + 99 * CLOCK_NS_PER_MS);
    assert_true(report.handled_msgs == 2 && report.handling.sum_s == 1);
    assert_int_equal(report.handling.count[3], 1);
    assert_int_equal(take(NOW_NS + 100 * CLOCK_NS_PER_MS).handling.count[3], 2);
}

static void who_stood_still_believes_those_who_did_not(void **state)
{
    (void)state;
    struct scoreboard_slot *slot = put_worker(0, WORKER_RUNNING, 3, 10);
    slot->progress_ns = clock_now_ns();
    assert_true(take(slot->progress_ns - 5 * CLOCK_NS_PER_S).in_flight_msgs == 3);
    assert_int_equal(readings.disbelieved[0], 0);
}

static void what_cannot_be_is_not_believed(void **state)
{
    (void)state;
    for (int lie = 0; lie < 8; lie++) {
        struct scoreboard_slot *slot = put_worker(0, WORKER_RUNNING, 3, 10);
        put_worker(1, WORKER_RUNNING, 5, 20);
        switch (lie) {
        case 0:
            slot->in_flight_msgs = UINT64_MAX;
            break;
        case 1:
            slot->handled_msgs = UINT64_MAX;
            break;
        case 2:
            slot->busy_ns = -1;
            break;
        case 3:
            slot->progress_ns = INT64_MAX;
            break;
        case 4:
            slot->started_ns = -1;
            break;
        case 5:
            slot->state = 77;
            break;
        case 6:
            slot->state = -1;
            break;
        default:
            slot->simulated_service_ns = INT64_MIN;
        }
        struct node_report report = take(NOW_NS);
        assert_true(report.unknown);
        assert_int_equal(report.silent, 1);
        assert_int_equal(report.telling, 1);
        assert_true(report.in_flight_msgs == 5 && report.handled_msgs == 20);
        assert_false(report.readings[0].tells);
        assert_int_equal(report.readings[0].handled_msgs, 0);
        assert_int_equal(readings.disbelieved[0], 100);
        readings_keep(&readings, 0, slot, NOW_NS);
        assert_true(readings.handled_msgs == 20);
        scoreboard_clear(slot);
    }
}

static void a_slot_written_a_moment_later_is_believed(void **state)
{
    (void)state;
    struct scoreboard_slot *slot = put_worker(0, WORKER_RUNNING, 3, 10);
    slot->progress_ns = slot->started_ns = NOW_NS + CLOCK_NS_PER_MS;
    assert_false(take(NOW_NS).unknown);
}

static void what_a_silent_worker_holds_is_unknown(void **state)
{
    (void)state;
    put_worker(0, WORKER_RUNNING, 3, 10);
    put_silent(1, WORKER_RUNNING, NOW_NS, 0);
    struct node_report report = take(NOW_NS);
    assert_true(report.unknown);
    assert_true(report.in_flight_msgs == 3);
    assert_int_equal(report.silent, 1);
    assert_true(report.silent_s == 0);
    put_silent(2, WORKER_RUNNING, NOW_NS - 9 * CLOCK_NS_PER_S, NOW_NS - 5 * CLOCK_NS_PER_S);
    put_silent(3, WORKER_RUNNING, NOW_NS - 9 * CLOCK_NS_PER_S, NOW_NS - 2 * CLOCK_NS_PER_S);
    put_silent(4, WORKER_DRAINING, NOW_NS, 0);
    report = take(NOW_NS);
    assert_true(report.silent_s == 5);
    assert_int_equal(report.silent, 3);
    /* Once it says something it is silent no longer. */
    put_worker(2, WORKER_RUNNING, 0, 0);
    assert_true(take(NOW_NS).silent_s == 2);
}

static void one_that_starts_may_hold_something_only_where_none_has_ever_told(void **state)
{
    (void)state;
    put_silent(0, WORKER_STARTING, NOW_NS, 0);
    assert_false(take(NOW_NS + 199 * CLOCK_NS_PER_MS).unknown);
    struct node_report report = take(NOW_NS + 200 * CLOCK_NS_PER_MS);
    assert_true(report.unknown);
    assert_int_equal(report.silent, 1);
    put_worker(1, WORKER_RUNNING, 3, 10);
    take(NOW_NS);
    report = take(NOW_NS);
    assert_false(report.unknown);
    assert_int_equal(report.silent, 0);
}

static void the_longest_drain_that_is_left_alone_is_told_of(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        put_silent(i, WORKER_DRAINING, NOW_NS, 0);
        pool.slots[i].patient = true;
        pool.slots[i].deadline_ns = i < 2 ? POOL_NEVER : NOW_NS + 1;
        pool.slots[i].drained_ns = NOW_NS - (int64_t)(7 + i) * CLOCK_NS_PER_S;
    }
    assert_true(take(NOW_NS).overdue_s == 8);
    pool.slots[0].state = pool.slots[1].state = WORKER_NONE;
    assert_true(take(NOW_NS).overdue_s == 0);
}

static void a_worker_that_holds_nothing_is_idle(void **state)
{
    (void)state;
    struct scoreboard_slot *slot = put_worker(0, WORKER_RUNNING, 0, 10);
    put_worker(1, WORKER_RUNNING, 1, 10);
    take(NOW_NS);
    assert_true(pool.slots[0].idle);
    assert_false(pool.slots[1].idle);
    slot->in_flight_msgs = 2;
    take(NOW_NS);
    assert_false(pool.slots[0].idle);
}

static void the_time_on_an_event_counts_while_it_is_at_hand(void **state)
{
    struct scoreboard_slot *slot = put_worker(0, WORKER_RUNNING, 1, 10);

    (void)state;
    slot->busy_ns = 7;
    slot->started_ns = NOW_NS - 3 * CLOCK_NS_PER_S;
    assert_true(take(NOW_NS).readings[0].working_s == 0);
    assert_true(pool.slots[0].took_up_ns == 0);
    slot->fingerprint_low = 1;
    assert_true(take(NOW_NS).readings[0].working_s == 3);
    assert_true(pool.slots[0].took_up_ns == slot->started_ns);
    assert_int_equal(take(NOW_NS).readings[0].busy_ns, 7);
    /* Taken up after the report's time was read. */
    slot->started_ns = NOW_NS + 1;
    assert_true(take(NOW_NS).readings[0].working_s == 0);
}

static void simulated_work_is_told_of_as_long_as_nobody_says_otherwise(void **state)
{
    (void)state;
    struct scoreboard_slot *slot = put_worker(0, WORKER_RUNNING, 0, 0);
    assert_true(take(NOW_NS).simulated_service_s == 0);
    slot->simulated_service_ns = 20 * CLOCK_NS_PER_MS;
    assert_true(take(NOW_NS).simulated_service_s == 0.02);
    scoreboard_clear(slot);
    pool.slots[0].state = WORKER_NONE;
    assert_true(take(NOW_NS).simulated_service_s == 0.02);
}

#define claim(name) cmocka_unit_test_setup_teardown(name, open_node, close_node)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(what_workers_hold_and_have_handled_is_added_up),
        claim(a_reading_says_whose_it_is_and_what_that_worker_does),
        claim(an_empty_slot_counts_for_nothing),
        claim(a_running_worker_from_which_the_broker_takes_nothing_is_blocked),
        claim(what_ended_workers_have_handled_is_kept),
        claim(no_count_falls_whoever_ends_and_whatever_a_slot_says),
        claim(times_are_added_up_ten_times_a_second),
        claim(who_stood_still_believes_those_who_did_not),
        claim(what_cannot_be_is_not_believed),
        claim(a_slot_written_a_moment_later_is_believed),
        claim(what_a_silent_worker_holds_is_unknown),
        claim(one_that_starts_may_hold_something_only_where_none_has_ever_told),
        claim(the_longest_drain_that_is_left_alone_is_told_of),
        claim(a_worker_that_holds_nothing_is_idle),
        claim(the_time_on_an_event_counts_while_it_is_at_hand),
        claim(simulated_work_is_told_of_as_long_as_nobody_says_otherwise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
