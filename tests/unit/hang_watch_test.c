#include "launcher_fixture.h"

#include "autoscaler/node/hang_watch.h"

#include <signal.h>

#define NOW_NS  INT64_C(1000000000000)
#define WORKERS 8
#define HANG_NS (1 * CLOCK_NS_PER_S)
#define IDLE_NS (5 * CLOCK_NS_PER_S) /* a heartbeat */

static struct pool pool;
static struct scoreboard *board;
static struct hang_watch watch;

/* Workers that have just shown a sign of life: running, without an event. */
static int open_node(void **state)
{
    const struct pool_params params = {.max_workers = WORKERS};

    (void)state;
    watch = (struct hang_watch){.hang_timeout_ns = HANG_NS, .stepped_ns = NOW_NS};
    if (pool_init(&pool, &params) || pool.slot_count > SLOTS ||
        scoreboard_create(pool.slot_count, 3, HANG_NS, &board, NULL))
        return -1;
    open_launcher(sleeper, NULL);
    pool.used = WORKERS;
    for (size_t i = 0; i < WORKERS; i++) {
        pool.slots[i].state = WORKER_RUNNING;
        scoreboard_slot(board, i)->state = SCOREBOARD_WORKING;
        scoreboard_slot(board, i)->progress_ns = NOW_NS;
    }
    return 0;
}

static int close_node(void **state)
{
    pool_clear(&pool);
    scoreboard_close(board);
    return close_launcher(state);
}

static int64_t step(int64_t now_ns)
{
    return hang_watch_step(&watch, &pool, launcher, board, now_ns);
}

/* Comes by as often as the autoscaler does; returns what the last time returned. */
static int64_t step_until(int64_t now_ns)
{
    int64_t at_ns = watch.stepped_ns;

    while (at_ns + CLOCK_NS_PER_S < now_ns)
        step(at_ns += CLOCK_NS_PER_S);
    return step(now_ns);
}

static void take_event(size_t index)
{
    scoreboard_slot(board, index)->fingerprint_low = 1;
}

/* Those workers, as bits, were found. */
static void assert_hung(unsigned expected)
{
    unsigned hung = 0;

    for (size_t i = 0; i < pool.slot_count; i++)
        hung |= pool.slots[i].hung ? 1u << i : 0;
    assert_int_equal(hung, expected);
}

static void an_event_may_take_the_hang_time_out_and_waiting_for_one_a_heartbeat(void **state)
{
    (void)state;
    take_event(2);
    assert_true(step(NOW_NS) == NOW_NS + HANG_NS);
    assert_true(step(NOW_NS + HANG_NS - 1) == NOW_NS + HANG_NS);
    assert_hung(0);
    assert_true(step(NOW_NS + HANG_NS) == NOW_NS + IDLE_NS);
    assert_hung(1u << 2);
    step_until(NOW_NS + IDLE_NS - 1);
    assert_hung(1u << 2);
    assert_true(step(NOW_NS + IDLE_NS) == CLOCK_NEVER);
    assert_hung(0xff);
}

static void progress_puts_it_off(void **state)
{
    (void)state;
    take_event(0);
    scoreboard_slot(board, 0)->progress_ns = NOW_NS + CLOCK_NS_PER_S / 2;
    step(NOW_NS + HANG_NS);
    assert_hung(0);
    step(NOW_NS + HANG_NS + CLOCK_NS_PER_S / 2);
    assert_hung(1);
}

static void one_that_has_shown_nothing_yet_is_judged_from_its_start(void **state)
{
    (void)state;
    step_until(NOW_NS + IDLE_NS - 1);
    scoreboard_slot(board, 0)->progress_ns = 0;
    pool.slots[0].started_ns = NOW_NS + IDLE_NS - 1;
    step(NOW_NS + IDLE_NS);
    assert_hung(0xff & ~1u);
    step_until(NOW_NS + 2 * IDLE_NS - 1);
    assert_hung(0xff);
}

static void workers_that_start_or_use_no_scoreboard_cannot_be_found(void **state)
{
    (void)state;
    pool.slots[0].state = WORKER_STARTING;
    pool.slots[1].state = WORKER_KILLED;
    pool.slots[2].state = WORKER_DRAINING;
    scoreboard_slot(board, 3)->state = SCOREBOARD_EMPTY;
    step_until(NOW_NS + IDLE_NS);
    assert_hung(0xff & ~(1u << 0) & ~(1u << 1) & ~(1u << 3));
}

static void after_a_standstill_everybody_gets_the_whole_time_again(void **state)
{
    const int64_t late_ns = 100 * CLOCK_NS_PER_S;

    (void)state;
    take_event(0);
    assert_true(step(NOW_NS + late_ns) == NOW_NS + late_ns + HANG_NS);
    assert_hung(0);
    step(NOW_NS + late_ns + HANG_NS);
    assert_hung(1);
    /* Two seconds are none: one that hung meanwhile is found. */
    take_event(1);
    scoreboard_slot(board, 1)->progress_ns = watch.stepped_ns;
    step(watch.stepped_ns + 2 * CLOCK_NS_PER_S);
    assert_hung(3);
}

static void one_that_waits_for_the_broker_is_found_only_when_its_process_is_stopped(void **state)
{
    (void)state;
    take_event(0);
    take_event(1);
    scoreboard_slot(board, 0)->state = SCOREBOARD_BLOCKED;
    scoreboard_slot(board, 1)->state = SCOREBOARD_SENDING;
    for (size_t i = 2; i < WORKERS; i++)
        pool.slots[i].state = WORKER_NONE;
    start(0);
    start(1);
    /* Nothing tells when it will be, so that only the caller's own rounds find it. */
    assert_true(step_until(NOW_NS + 10 * CLOCK_NS_PER_S) == CLOCK_NEVER);
    assert_hung(0);
    kill(launcher_pid(launcher, 1), SIGSTOP);
    int64_t deadline_ns = clock_now_ns() + LIMIT_NS;
    while (!launcher_stopped(launcher, 1) && clock_now_ns() < deadline_ns)
        poll(NULL, 0, 1);
    /* Once a second: a look costs system calls. */
    int64_t next_ns = watch.stopped_check_ns;
    assert_true(next_ns > watch.stepped_ns && next_ns <= watch.stepped_ns + CLOCK_NS_PER_S);
    step(next_ns - 1);
    assert_hung(0);
    step(next_ns);
    assert_hung(1u << 1);
}

#define claim(name) cmocka_unit_test_setup_teardown(name, open_node, close_node)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(an_event_may_take_the_hang_time_out_and_waiting_for_one_a_heartbeat),
        claim(progress_puts_it_off),
        claim(one_that_has_shown_nothing_yet_is_judged_from_its_start),
        claim(workers_that_start_or_use_no_scoreboard_cannot_be_found),
        claim(after_a_standstill_everybody_gets_the_whole_time_again),
        claim(one_that_waits_for_the_broker_is_found_only_when_its_process_is_stopped),
    };

    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
