#include "pool_model.h"

/* ---- starting ---- */

static void a_pool_has_at_least_one_worker_and_at_most_a_thousand(void **state)
{
    struct pool pool;

    (void)state;
    for (uint32_t max_workers = 0; max_workers <= 1001; max_workers += 1001) {
        assert_int_equal(pool_init(&pool, &(struct pool_params){.max_workers = max_workers}),
                         -ERR_INVALID);
        pool_clear(&pool);
    }
    assert_int_equal(pool_init(&pool, &(struct pool_params){.max_workers = 1000}), 0);
    assert_int_equal(pool.slot_count, 3000);
    assert_true(pool_is_empty(&pool));
    pool_clear(&pool);
}

static void wanted_workers_start_at_once_and_no_more_than_max(void **state)
{
    (void)state;
    open_model(4, POOL_STOP_OLDEST, 1);
    step();
    assert_int_equal(model.start_count, 0);
    assert_true(model.wake_ns == POOL_NEVER);
    want(3);
    assert_int_equal(model.start_count, 3);
    want(3);
    assert_int_equal(model.start_count, 0);
    want(UINT32_MAX);
    assert_int_equal(model.start_count, 1);
    assert_int_equal(pool_counts(&model.pool).starting, 4);
}

static void a_worker_that_says_so_runs(void **state)
{
    (void)state;
    open_model(2, POOL_STOP_OLDEST, 1);
    want(2);
    ready(0);
    assert_int_equal(pool_counts(&model.pool).running, 1);
    assert_int_equal(pool_counts(&model.pool).starting, 1);
    ready(0);
    assert_int_equal(pool_counts(&model.pool).running, 1);
}

static void a_silent_worker_counts_as_running_after_a_second(void **state)
{
    (void)state;
    open_model(2, POOL_STOP_OLDEST, 1);
    want(1);
    assert_true(model.wake_ns == model.now_ns + SECOND);
    advance(SECOND - 1);
    assert_int_equal(pool_counts(&model.pool).starting, 1);
    advance(1);
    assert_int_equal(pool_counts(&model.pool).running, 1);
    assert_int_equal(model.pool.startup.count, 1);
    /* That it tells nothing is not sure yet. */
    assert_true(model.pool.slots[0].silent_ns == 0);
    assert_true(model.wake_ns == model.now_ns + START_NS - SECOND);
    advance(START_NS - SECOND);
    assert_true(model.pool.slots[0].silent_ns == model.now_ns);
    assert_true(model.wake_ns == POOL_NEVER);
}

static void a_worker_that_speaks_runs_when_it_says_so_and_not_before(void **state)
{
    (void)state;
    open_model(2, POOL_STOP_OLDEST, 1);
    want(1);
    pool_tells(&model.pool, 0);
    step();
    assert_true(model.wake_ns == model.now_ns + START_NS);
    advance(START_NS - 1);
    assert_int_equal(pool_counts(&model.pool).starting, 1);
    assert_int_equal(model.pool.startup.count, 0);
    ready(0);
    assert_int_equal(pool_counts(&model.pool).running, 1);
    /* Of the next worker in that slot nothing is known yet. */
    ended(0, 1, 0);
    assert_int_equal(pool_counts(&model.pool).starting, 1);
    /* But where one has used the scoreboard, it will too, unless it takes too long. */
    advance(START_NS - 1);
    assert_int_equal(pool_counts(&model.pool).starting, 1);
    advance(1);
    assert_int_equal(pool_counts(&model.pool).running, 1);
    assert_true(model.pool.slots[0].silent_ns == model.now_ns);
}

static void the_consumers_of_the_queue_show_which_silent_worker_runs(void **state)
{
    (void)state;
    open_model(4, POOL_STOP_OLDEST, 1);
    pool_consuming(&model.pool, 0);
    want(1);
    advance(SECOND);
    want(3);
    advance(10 * SECOND);
    assert_int_equal(pool_counts(&model.pool).starting, 3);
    pool_consuming(&model.pool, 1);
    step();
    assert_int_equal(pool_counts(&model.pool).running, 1);
    assert_int_equal(model.pool.slots[0].state, WORKER_RUNNING);
    assert_true(model.pool.slots[0].silent_ns == model.now_ns);
    pool_consuming(&model.pool, 3);
    step();
    assert_int_equal(pool_counts(&model.pool).running, 3);
    /* One that drains may consume no longer: a second has to do, and nobody is sure. */
    want(2);
    want(3);
    advance(SECOND - 1);
    assert_int_equal(pool_counts(&model.pool).starting, 1);
    advance(1);
    assert_int_equal(pool_counts(&model.pool).running, 3);
    assert_true(model.pool.slots[3].silent_ns == 0);
    advance(START_NS - SECOND);
    assert_true(model.pool.slots[3].silent_ns == model.now_ns);
}

static void one_that_says_it_is_ready_and_no_more_is_sure_to_be_silent(void **state)
{
    (void)state;
    open_model(2, POOL_STOP_OLDEST, 1);
    want(1);
    ready(0);
    assert_true(model.pool.slots[0].silent_ns == model.now_ns);
}

static void a_start_that_takes_too_long_is_none_any_more(void **state)
{
    (void)state;
    open_model(2, POOL_STOP_OLDEST, 1);
    want(2);
    pool_tells(&model.pool, 1);
    step();
    advance(START_NS - 1);
    assert_int_equal(pool_counts(&model.pool).starting, 2);
    advance(1);
    assert_int_equal(pool_counts(&model.pool).running, 2);
    assert_int_equal(model.kill_count, 0);
    assert_true(model.pool.slots[0].silent_ns == model.now_ns);
    assert_true(model.pool.slots[1].silent_ns == 0);
}

/* ---- draining ---- */

static void the_oldest_worker_goes_first(void **state)
{
    (void)state;
    open_model(4, POOL_STOP_OLDEST, 1);
    for (uint32_t workers = 1; workers <= 4; workers++) {
        want(workers);
        advance(SECOND);
    }
    /* Its successor is younger than all others, though its slot comes first. */
    ended(0, 0, SIGNAL_KILL);
    advance(SECOND);
    assert_int_equal(pool_counts(&model.pool).running, 4);
    pool_idle(&model.pool, 3, true);

    want(3);
    assert_int_equal(model.drain_count, 1);
    assert_int_equal(model.drained[0], 1);
    want(0);
    assert_int_equal(model.drain_count, 3);
    assert_int_equal(model.drained[0], 2);
    assert_int_equal(model.drained[1], 3);
    assert_int_equal(model.drained[2], 0);
}

static void an_idle_worker_goes_first_when_told_so(void **state)
{
    (void)state;
    open_model(4, POOL_STOP_IDLE, 1);
    for (uint32_t workers = 1; workers <= 4; workers++) {
        want(workers);
        advance(SECOND);
    }
    pool_idle(&model.pool, 2, true);
    pool_idle(&model.pool, 3, true);
    want(3);
    assert_int_equal(model.drained[0], 2);
    pool_idle(&model.pool, 3, false);
    want(2);
    assert_int_equal(model.drained[0], 0);
    want(0);
    assert_int_equal(model.drained[0], 1);
    assert_int_equal(model.drained[1], 3);
}

static void a_worker_that_starts_is_drained_too(void **state)
{
    (void)state;
    open_model(2, POOL_STOP_OLDEST, 1);
    want(2);
    want(0);
    assert_int_equal(model.drain_count, 2);
    ready(0);
    assert_int_equal(pool_counts(&model.pool).draining, 2);
    assert_int_equal(ended(0, 0, SIGNAL_TERM), POOL_STOPPED);
    assert_int_equal(ended(1, 0, 0), POOL_STOPPED);
    assert_true(pool_is_empty(&model.pool));
}

static void a_worker_that_starts_stays_while_another_can_go(void **state)
{
    (void)state;
    for (int stop = POOL_STOP_OLDEST; stop <= POOL_STOP_IDLE; stop++) {
        open_model(4, (enum pool_stop)stop, 1);
        want(2); /* the older two start for long */
        pool_tells(&model.pool, 0);
        pool_tells(&model.pool, 1);
        advance(SECOND);
        want(4);
        ready(2);
        ready(3);
        pool_idle(&model.pool, 0, true);
        want(3);
        assert_int_equal(model.drained[0], 2);
        want(1);
        assert_int_equal(model.drained[0], 3);
        assert_int_equal(model.drained[1], 0);
        pool_clear(&model.pool);
    }
    open_model(1, POOL_STOP_OLDEST, 1); /* for close_model */
}

static void a_drain_that_is_no_longer_wanted_is_not_undone(void **state)
{
    (void)state;
    open_running(2, 2);
    want(0);
    want(2);
    assert_int_equal(model.start_count, 2);
    assert_int_equal(pool_counts(&model.pool).draining, 2);
    assert_int_equal(pool_counts(&model.pool).starting, 2);
    assert_int_equal(ended(0, 0, 0), POOL_STOPPED);
    assert_int_equal(ended(1, 0, 0), POOL_STOPPED);
    assert_int_equal(model.start_count, 0);
}

static void no_more_than_twice_max_drain_at_a_time(void **state)
{
    (void)state;
    open_model(3, POOL_STOP_OLDEST, 1);
    for (int i = 0; i < 10; i++) {
        want(3);
        want(0);
    }
    assert_int_equal(pool_counts(&model.pool).draining, 6);
    assert_int_equal(at_work(), 3);
    ended(model.drain_count ? model.drained[0] : 0, 0, 0);
    assert_int_equal(model.drain_count, 1);
    assert_int_equal(at_work(), 2);
}

static void a_drain_that_takes_too_long_is_killed_and_counts_as_stopped(void **state)
{
    (void)state;
    open_running(2, 1);
    want(0);
    assert_true(model.wake_ns == model.now_ns + GRACED_NS);
    advance(GRACED_NS - 1);
    assert_int_equal(model.kill_count, 0);
    advance(1);
    assert_int_equal(model.kill_count, 1);
    assert_int_equal(model.killed[0], 0);
    assert_int_equal(pool_counts(&model.pool).draining, 1);
    advance(1000 * SECOND);
    assert_int_equal(model.kill_count, 0);
    assert_int_equal(ended(0, 0, SIGNAL_KILL), POOL_STOPPED);
    assert_true(pool_is_empty(&model.pool));
}

/* A pool with one worker that runs, after a drain that was cut short. */
static void open_patient(void)
{
    open_running(2, 1);
    want(0);
    advance(GRACED_NS);
    assert_int_equal(model.kill_count, 1);
    ended(0, 0, SIGNAL_KILL);
    want(1);
    ready(0);
    assert_true(model.pool.patient);
}

static void what_one_scale_down_had_to_kill_the_next_leaves_alone(void **state)
{
    (void)state;
    open_patient();
    want(0);
    advance(GRACED_NS - 1);
    assert_false(pool_is_overdue(&model.pool, 0));
    advance(1);
    assert_true(pool_is_overdue(&model.pool, 0));
    advance(1000000 * SECOND);
    assert_int_equal(model.kill_count, 0);
    assert_int_equal(pool_counts(&model.pool).draining, 1);
    ended(0, 0, 0);
    /* It is done: the next drain has its time-out again. */
    want(1);
    ready(0);
    want(0);
    advance(GRACED_NS);
    assert_int_equal(model.kill_count, 1);
}

static void patience_lasts_until_nobody_can_hold_what_was_taken(void **state)
{
    static const struct pool_end undone[] = {
        {.code = 1}, {.code = TEMPFAIL}, {.signal = SIGNAL_TERM}, {.signal = SIGNAL_SEGV}};

    (void)state;
    for (size_t i = 0; i < sizeof undone / sizeof undone[0]; i++) {
        open_patient();
        want(0);
        ended(0, undone[i].code, undone[i].signal);
        assert_true(model.pool.patient);
        pool_clear(&model.pool);
    }
    open_patient();
    want(2);
    ready(1);
    want(1);
    ended(0, 0, 0);
    assert_true(model.pool.patient);
    pool_clear(&model.pool);
    /* A drain that began before the other was cut short says nothing of it. */
    open_running(2, 2);
    want(1);
    advance(GRACED_NS - 1);
    want(0);
    advance(1);
    assert_int_equal(model.kill_count, 1);
    ended(0, 0, SIGNAL_KILL);
    ended(1, 0, 0);
    assert_true(pool_is_empty(&model.pool) && model.pool.patient);
}

static void a_patient_pool_drains_who_holds_nothing(void **state)
{
    (void)state;
    open_patient();
    want(2);
    ready(1);
    pool_idle(&model.pool, 1, true);
    want(1);
    assert_int_equal(model.drained[0], 1);
}

static void a_patient_pool_leaves_alone_what_has_been_in_hand_for_longest(void **state)
{
    (void)state;
    open_running(3, 3);
    for (size_t i = 0; i < 3; i++)
        pool_took_up(&model.pool, i, model.now_ns - (int64_t)(3 - i) * SECOND);
    pool_cut_short(&model.pool);
    model.patient = true;
    want(2);
    assert_int_equal(model.drained[0], 2);
    want(1);
    assert_int_equal(model.drained[0], 1);
}

static void events_that_a_drain_gave_back_make_it_patient_too(void **state)
{
    (void)state;
    open_running(1, 1);
    pool_cut_short(&model.pool);
    model.patient = true;
    want(0);
    advance(GRACED_NS);
    assert_int_equal(model.kill_count, 0);
    assert_true(pool_is_overdue(&model.pool, 0));
}

static void the_end_of_the_pool_is_not_patient(void **state)
{
    (void)state;
    open_patient();
    want(0);
    advance(GRACED_NS + 100 * SECOND);
    assert_true(pool_is_overdue(&model.pool, 0));
    finish();
    assert_true(model.wake_ns == model.now_ns + GRACED_NS);
    advance(GRACED_NS);
    assert_int_equal(model.kill_count, 1);
    pool_clear(&model.pool);
    open_patient();
    finish();
    advance(GRACED_NS);
    assert_int_equal(model.kill_count, 1);
}

static void a_drain_may_end_by_0_75_or_the_signal_it_was_sent(void **state)
{
    static const struct {
        struct pool_end end;
        enum pool_verdict verdict;
    } ends[] = {
        {{.code = 0}, POOL_STOPPED},
        {{.code = TEMPFAIL}, POOL_STOPPED},
        {{.signal = SIGNAL_TERM}, POOL_STOPPED},
        {{.code = 1}, POOL_CRASHED},
        {{.code = USAGE}, POOL_CRASHED},
        {{.code = CONFIG}, POOL_CRASHED},
        {{.signal = SIGNAL_SEGV}, POOL_CRASHED},
        {{.signal = SIGNAL_KILL}, POOL_CRASHED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        open_running(1, 1);
        want(0);
        assert_int_equal(ended(0, ends[i].end.code, ends[i].end.signal), ends[i].verdict);
        /* However it failed, nobody wants that worker any more: no start waits because of it. */
        assert_int_equal(model.pool.fault, POOL_SOUND);
        want(1);
        assert_int_equal(model.start_count, 1);
        pool_clear(&model.pool);
    }
}

/* ---- the caller's side ---- */

static void events_of_unknown_slots_are_ignored(void **state)
{
    const size_t slots[] = {0, 5, 6, 7, SIZE_MAX};

    (void)state;
    open_model(2, POOL_STOP_OLDEST, 1);
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++) {
        pool_ready(&model.pool, slots[i], model.now_ns);
        pool_hung(&model.pool, slots[i]);
        assert_int_equal(pool_ended(&model.pool, slots[i], (struct pool_end){.code = USAGE}, 0),
                         POOL_UNKNOWN);
    }
    pool_tells(&model.pool, 6);
    pool_idle(&model.pool, SIZE_MAX, true);
    step();
    assert_true(pool_is_empty(&model.pool));
    assert_int_equal(model.pool.fault, POOL_SOUND);
}

static void actions_that_did_not_fit_come_with_the_next_call(void **state)
{
    struct pool_action action;
    int64_t wake_ns;

    (void)state;
    open_model(5, POOL_STOP_OLDEST, 1);
    pool_want(&model.pool, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(pool_step(&model.pool, model.now_ns, &action, 1, &wake_ns), 1);
        assert_int_equal(action.kind, POOL_START);
        assert_int_equal(action.slot, i);
        assert_int_equal(pool_counts(&model.pool).starting, i + 1);
    }
    assert_int_equal(pool_step(&model.pool, model.now_ns, &action, 1, &wake_ns), 0);
    assert_int_equal(pool_step(&model.pool, model.now_ns, NULL, 0, &wake_ns), 0);

    pool_want(&model.pool, 2);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pool_step(&model.pool, model.now_ns, &action, 1, &wake_ns), 1);
        assert_int_equal(action.kind, POOL_DRAIN);
    }
    assert_int_equal(pool_step(&model.pool, model.now_ns, &action, 1, &wake_ns), 0);

    pool_abandon(&model.pool);
    bool killed[5] = {false};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(pool_step(&model.pool, model.now_ns, &action, 1, &wake_ns), 1);
        assert_int_equal(action.kind, POOL_KILL);
        assert_false(killed[action.slot]);
        killed[action.slot] = true;
    }
    assert_int_equal(pool_step(&model.pool, model.now_ns, &action, 1, &wake_ns), 0);
}

#define claim(name) cmocka_unit_test_teardown(name, close_model)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pool_has_at_least_one_worker_and_at_most_a_thousand),
        claim(wanted_workers_start_at_once_and_no_more_than_max),
        claim(a_worker_that_says_so_runs),
        claim(a_silent_worker_counts_as_running_after_a_second),
        claim(a_worker_that_speaks_runs_when_it_says_so_and_not_before),
        claim(the_consumers_of_the_queue_show_which_silent_worker_runs),
        claim(one_that_says_it_is_ready_and_no_more_is_sure_to_be_silent),
        claim(a_start_that_takes_too_long_is_none_any_more),
        claim(a_worker_that_starts_stays_while_another_can_go),
        claim(the_oldest_worker_goes_first),
        claim(an_idle_worker_goes_first_when_told_so),
        claim(a_worker_that_starts_is_drained_too),
        claim(a_drain_that_is_no_longer_wanted_is_not_undone),
        claim(no_more_than_twice_max_drain_at_a_time),
        claim(a_drain_that_takes_too_long_is_killed_and_counts_as_stopped),
        claim(what_one_scale_down_had_to_kill_the_next_leaves_alone),
        claim(patience_lasts_until_nobody_can_hold_what_was_taken),
        claim(a_patient_pool_drains_who_holds_nothing),
        claim(a_patient_pool_leaves_alone_what_has_been_in_hand_for_longest),
        claim(events_that_a_drain_gave_back_make_it_patient_too),
        claim(the_end_of_the_pool_is_not_patient),
        claim(a_drain_may_end_by_0_75_or_the_signal_it_was_sent),
        claim(events_of_unknown_slots_are_ignored),
        claim(actions_that_did_not_fit_come_with_the_next_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
