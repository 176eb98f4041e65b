#include "pool_model.h"

static void an_end_that_nobody_asked_for_is_a_crash_whatever_its_code(void **state)
{
    static const struct pool_end ends[] = {{.code = 0},
                                           {.code = 1},
                                           {.code = TEMPFAIL},
                                           {.code = 255},
                                           {.signal = SIGNAL_TERM},
                                           {.signal = SIGNAL_KILL},
                                           {.code = USAGE, .signal = SIGNAL_SEGV}};

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        for (int running = 0; running < 2; running++) {
            open_model(2, POOL_STOP_OLDEST, 1);
            want(2);
            if (running)
                ready(1);
            assert_int_equal(ended(1, ends[i].code, ends[i].signal), POOL_CRASHED);
            assert_int_equal(model.start_count, 1);
            pool_clear(&model.pool);
        }
}

/* Crashes the worker of slot 0 and returns how long its successor is waited for. */
static int64_t wait_after_crash(void)
{
    int64_t crashed_ns = model.now_ns;

    ended(0, 1, 0);
    if (!model.start_count) {
        assert_true(model.wake_ns == model.pool.start_from_ns);
        advance(model.wake_ns - model.now_ns - 1);
        assert_int_equal(model.start_count, 0);
        advance(1);
    }
    assert_int_equal(model.start_count, 1);
    assert_int_equal(model.started[0], 0);
    return model.now_ns - crashed_ns;
}

static void the_first_restart_comes_at_once_and_later_ones_back_off(void **state)
{
    int64_t shortest_ns = INT64_MAX, longest_ns = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        int64_t full_ns = POOL_BACKOFF_FIRST_NS;

        open_model(1, POOL_STOP_OLDEST, seed);
        want(1);
        assert_int_equal(wait_after_crash(), 0);
        for (int crash = 2; crash < 20; crash++) {
            int64_t waited_ns = wait_after_crash();
            assert_true(waited_ns <= full_ns);
            assert_true(waited_ns >= full_ns / 2);
            if (crash == 2) {
                shortest_ns = waited_ns < shortest_ns ? waited_ns : shortest_ns;
                longest_ns = waited_ns > longest_ns ? waited_ns : longest_ns;
            }
            full_ns = full_ns * 2 < POOL_BACKOFF_LAST_NS ? full_ns * 2 : POOL_BACKOFF_LAST_NS;
        }
        pool_clear(&model.pool);
    }
    /* The jitter uses its whole range. */
    assert_true(shortest_ns < 55 * MS);
    assert_true(longest_ns > 95 * MS);
}

static void crashes_are_forgotten_after_ten_healthy_seconds(void **state)
{
    (void)state;
    open_model(1, POOL_STOP_OLDEST, 1);
    want(1);
    for (int crash = 1; crash < 12; crash++)
        wait_after_crash();
    advance(POOL_HEALTHY_NS);
    assert_true(wait_after_crash() >= POOL_BACKOFF_LAST_NS / 2);
    advance(POOL_HEALTHY_NS + 1);
    assert_int_equal(wait_after_crash(), 0);
    assert_in_range(wait_after_crash(), 50 * MS, 100 * MS);
}

static void crashes_that_are_rare_never_wait(void **state)
{
    (void)state;
    open_model(1, POOL_STOP_OLDEST, 1);
    want(1);
    for (int crash = 0; crash < 20; crash++) {
        assert_int_equal(wait_after_crash(), 0);
        advance(POOL_HEALTHY_NS + 1);
    }
}

static void a_longer_wait_is_not_cut_short_by_a_shorter_one(void **state)
{
    (void)state;
    open_running(2, 2);
    ended(0, CONFIG, 0);
    int64_t from_ns = model.wake_ns;
    advance(SECOND);
    ended(1, 1, 0);
    assert_int_equal(model.start_count, 0);
    assert_true(model.wake_ns == from_ns);
    advance(from_ns - model.now_ns);
    assert_int_equal(model.start_count, 2);
}

static void time_spent_in_back_off_is_not_health(void **state)
{
    (void)state;
    open_model(1, POOL_STOP_OLDEST, 1);
    want(1);
    for (int crash = 1; crash < 12; crash++)
        wait_after_crash();
    assert_true(wait_after_crash() > POOL_HEALTHY_NS);
    assert_true(wait_after_crash() > POOL_HEALTHY_NS);
}

static void a_crash_leaves_the_healthy_workers_alone(void **state)
{
    (void)state;
    open_running(4, 4);
    for (int i = 0; i < 8; i++) {
        ended(3, 1, 0);
        assert_int_equal(model.drain_count + model.kill_count, 0);
        assert_int_equal(pool_counts(&model.pool).running, 3);
        while (!model.processes[3].alive)
            advance(model.wake_ns - model.now_ns);
    }
}

static void after_exit_64_no_worker_is_started_and_the_others_go_on(void **state)
{
    (void)state;
    open_running(3, 2);
    ended(0, USAGE, 0);
    assert_int_equal(model.pool.fault, POOL_USAGE);
    assert_int_equal(model.pool.fault_code, USAGE);
    assert_int_equal(pool_counts(&model.pool).running, 1);
    want(3);
    assert_true(model.wake_ns == POOL_NEVER);
    advance(1000 * SECOND);
    assert_int_equal(at_work(), 1);
    want(0);
    assert_int_equal(model.drain_count, 1);
}

static void after_77_or_78_it_gives_up_when_none_ever_ran(void **state)
{
    (void)state;
    for (int code = NOPERM; code <= CONFIG; code++) {
        open_model(3, POOL_STOP_OLDEST, 1);
        want(2);
        ended(0, code, 0);
        assert_int_equal(model.pool.fault, POOL_GAVE_UP);
        assert_int_equal(model.pool.fault_code, code);
        want(3);
        advance(1000 * SECOND);
        assert_int_equal(model.starts, 2);
        pool_clear(&model.pool);
    }
}

static void after_77_or_78_it_tries_every_30_s_when_one_ever_ran(void **state)
{
    (void)state;
    for (int code = NOPERM; code <= CONFIG; code++) {
        open_running(3, 1);
        for (int i = 0; i < 5; i++) {
            ended(0, code, 0);
            assert_int_equal(model.pool.fault, POOL_SOUND);
            assert_int_equal(model.start_count, 0);
            assert_true(model.wake_ns == model.now_ns + POOL_REFUSED_RETRY_NS);
            advance(POOL_REFUSED_RETRY_NS - 1);
            assert_int_equal(model.start_count, 0);
            advance(1);
            assert_int_equal(model.start_count, 1);
        }
        pool_clear(&model.pool);
    }
}

static void a_signal_is_no_exit_code(void **state)
{
    (void)state;
    open_model(1, POOL_STOP_OLDEST, 1);
    want(1);
    ended(0, USAGE, SIGNAL_SEGV);
    ended(0, CONFIG, SIGNAL_SEGV);
    assert_int_equal(model.pool.fault, POOL_SOUND);
}

static void workers_that_crash_together_are_one_incident(void **state)
{
    (void)state;
    open_running(4, 4);
    model.now_ns += SECOND;
    for (size_t slot = 0; slot < 3; slot++) {
        model.now_ns += SECOND / 1000;
        ended_quietly(slot, (struct pool_end){.signal = SIGNAL_KILL});
    }
    step();
    assert_int_equal(model.start_count, 3);
}

static void a_hung_worker_is_killed_replaced_and_counted_as_crashed(void **state)
{
    (void)state;
    open_running(2, 2);
    hung(1);
    assert_int_equal(model.kill_count, 1);
    assert_int_equal(model.killed[0], 1);
    /* Its successor does not wait for its end. */
    assert_int_equal(model.start_count, 1);
    hung(1);
    assert_int_equal(model.kill_count, 0);
    assert_int_equal(ended(1, 0, SIGNAL_KILL), POOL_CRASHED);
    assert_int_equal(pool_counts(&model.pool).crashed, 1);
}

static void only_a_running_or_draining_worker_can_hang(void **state)
{
    (void)state;
    open_model(3, POOL_STOP_OLDEST, 1);
    want(2);
    hung(0);
    hung(2);
    assert_int_equal(model.kill_count, 0);
    want(1);
    assert_int_equal(pool_counts(&model.pool).draining, 1);
    hung(0);
    assert_int_equal(model.kill_count, 1);
    assert_int_equal(pool_counts(&model.pool).draining, 1);
    assert_int_equal(ended(0, 0, SIGNAL_KILL), POOL_CRASHED);
}

static void abandoned_workers_are_killed_at_once_and_count_as_stopped(void **state)
{
    (void)state;
    open_model(4, POOL_STOP_OLDEST, 1);
    want(4);
    ready(1);
    ready(2);
    ready(3);
    want(3);
    hung(3);
    abandon();
    for (size_t i = 0; i < model.pool.slot_count; i++) {
        if (model.processes[i].alive) {
            bool was_hung = model.processes[i].hung;
            assert_int_equal(ended(i, 0, SIGNAL_KILL), was_hung ? POOL_CRASHED : POOL_STOPPED);
        }
    }
    assert_true(pool_is_empty(&model.pool));
    advance(100 * SECOND);
    assert_true(pool_is_empty(&model.pool));
}

static void what_a_crashed_worker_left_behind_drains_beside_its_successor(void **state)
{
    const struct pool_params params = {.max_workers = 1, .drain_timeout_ns = SECOND};
    const struct pool_end end = {.code = 1};
    struct pool_action actions[4];
    struct pool pool;
    int64_t wake_ns;

    (void)state;
    assert_int_equal(pool_init(&pool, &params), 0);
    pool_want(&pool, 1);
    assert_int_equal(pool_step(&pool, SECOND, actions, 4, &wake_ns), 1);
    pool_ready(&pool, 0, 0);
    assert_int_equal(pool_left(&pool, 0, end, 2 * SECOND), POOL_CRASHED);
    assert_int_equal(pool_counts(&pool).crashed, 1);
    assert_int_equal(pool_counts(&pool).draining, 1);
    assert_int_equal(pool_left(&pool, 0, end, 2 * SECOND), POOL_UNKNOWN);
    assert_int_equal(pool_step(&pool, 2 * SECOND, actions, 4, &wake_ns), 1);
    assert_int_equal(actions[0].kind, POOL_START);
    assert_int_equal(actions[0].slot, 1);
    assert_int_equal(pool_step(&pool, 4 * SECOND - 1, actions, 4, &wake_ns), 0);
    assert_int_equal(pool_step(&pool, 4 * SECOND, actions, 4, &wake_ns), 1);
    assert_int_equal(actions[0].kind, POOL_KILL);
    assert_int_equal(actions[0].slot, 0);
    assert_int_equal(pool_ended(&pool, 0, end, 4 * SECOND), POOL_GONE);
    assert_int_equal(pool_counts(&pool).crashed, 1);
    assert_int_equal(pool_counts(&pool).stopped, 0);
    assert_int_equal(pool_counts(&pool).draining, 0);
    pool_clear(&pool);
}

#define claim(name) cmocka_unit_test_teardown(name, close_model)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(an_end_that_nobody_asked_for_is_a_crash_whatever_its_code),
        claim(the_first_restart_comes_at_once_and_later_ones_back_off),
        claim(crashes_are_forgotten_after_ten_healthy_seconds),
        claim(crashes_that_are_rare_never_wait),
        claim(a_longer_wait_is_not_cut_short_by_a_shorter_one),
        claim(time_spent_in_back_off_is_not_health),
        claim(a_crash_leaves_the_healthy_workers_alone),
        claim(after_exit_64_no_worker_is_started_and_the_others_go_on),
        claim(after_77_or_78_it_gives_up_when_none_ever_ran),
        claim(after_77_or_78_it_tries_every_30_s_when_one_ever_ran),
        claim(a_signal_is_no_exit_code),
        claim(workers_that_crash_together_are_one_incident),
        claim(a_hung_worker_is_killed_replaced_and_counted_as_crashed),
        claim(only_a_running_or_draining_worker_can_hang),
        claim(what_a_crashed_worker_left_behind_drains_beside_its_successor),
        claim(abandoned_workers_are_killed_at_once_and_count_as_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
