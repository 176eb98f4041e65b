#include "autoscaler/node/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS        INT64_C(1000000)
#define SECOND    INT64_C(1000000000)
#define DRAIN_NS  (5 * SECOND)
#define GRACED_NS (DRAIN_NS + POOL_DRAIN_GRACE_NS)

enum { USAGE = 64, TEMPFAIL = 75, NOPERM = 77, CONFIG = 78 };
enum { SIGNAL_KILL = 9, SIGNAL_SEGV = 11, SIGNAL_TERM = 15 };

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* ---- the processes that a pool's actions start and end ---- */

struct process {
    bool alive, told_to_drain, killed, hung;
    int64_t started_ns, kill_by_ns;
};

#define MOST_SLOTS 64
static struct model {
    struct pool pool;
    int64_t now_ns, wake_ns;
    size_t capacity; /* actions taken at a time */
    struct process processes[MOST_SLOTS];
    uint32_t wanted;
    uint64_t starts, stops, crashes;
    bool ever_ran, faulty, abandoned;
    size_t started[MOST_SLOTS], drained[MOST_SLOTS],
        killed[MOST_SLOTS]; /* slots, in the last step */
    size_t start_count, drain_count, kill_count;
} model;

static void open_model(uint32_t max_workers, enum pool_stop stop, uint64_t seed)
{
    struct pool_params params = {
        .max_workers = max_workers, .drain_timeout_ns = DRAIN_NS, .stop = stop, .seed = seed};

    model =
        (struct model){.now_ns = INT64_C(1000000000000) + (int64_t)(seed % 1000), .capacity = 16};
    assert_int_equal(pool_init(&model.pool, &params), 0);
    assert_true(model.pool.slot_count <= MOST_SLOTS);
}

static int close_model(void **state)
{
    (void)state;
    pool_clear(&model.pool);
    return 0;
}

static uint32_t at_work(void)
{
    struct pool_counts counts = pool_counts(&model.pool);

    return counts.starting + counts.running;
}

/* No other worker had a better reason to go. */
static void check_choice(size_t chosen)
{
    for (size_t i = 0; i < model.pool.slot_count; i++) {
        const struct process *other = &model.processes[i];
        if (!other->alive || other->told_to_drain || other->killed)
            continue;
        if (model.pool.params.stop == POOL_STOP_IDLE &&
            model.pool.slots[i].idle != model.pool.slots[chosen].idle)
            assert_true(model.pool.slots[chosen].idle);
        else
            assert_true(other->started_ns >= model.processes[chosen].started_ns);
    }
}

static void carry_out(struct pool_action action)
{
    assert_true(action.slot < model.pool.slot_count);
    struct process *process = &model.processes[action.slot];

    switch (action.kind) {
    case POOL_START:
        assert_false(process->alive);
        assert_false(model.faulty);
        assert_false(model.abandoned);
        assert_true(model.now_ns >= model.pool.start_from_ns);
        *process = (struct process){.alive = true, .started_ns = model.now_ns};
        model.starts++;
        model.started[model.start_count++] = action.slot;
        break;
    case POOL_DRAIN:
        assert_true(process->alive);
        assert_false(process->told_to_drain || process->killed);
        check_choice(action.slot);
        process->told_to_drain = true;
        process->kill_by_ns = model.now_ns + GRACED_NS;
        model.drained[model.drain_count++] = action.slot;
        break;
    case POOL_KILL:
        assert_true(process->alive);
        assert_false(process->killed);
        process->killed = true;
        model.killed[model.kill_count++] = action.slot;
        break;
    }
}

/* Nothing becomes due before the pool asked to be woken. */
static void check_wake(void)
{
    static struct pool_slot slots[MOST_SLOTS];
    struct pool sleeping = model.pool;
    struct pool_action actions[MOST_SLOTS];
    int64_t ignored_ns;
    size_t bytes = sleeping.slot_count * sizeof slots[0];

    assert_true(model.wake_ns > model.now_ns);
    memcpy(slots, model.pool.slots, bytes);
    sleeping.slots = slots;
    int64_t before_ns =
        model.wake_ns == POOL_NEVER ? model.now_ns + 1000000 * SECOND : model.wake_ns - 1;
    assert_int_equal(pool_step(&sleeping, before_ns, actions, MOST_SLOTS, &ignored_ns), 0);
    for (size_t i = 0; i < sleeping.slot_count; i++)
        assert_int_equal(slots[i].state, model.pool.slots[i].state);
}

static void check_invariants(void)
{
    struct pool_counts counts = pool_counts(&model.pool);
    uint32_t max_workers = model.pool.params.max_workers;
    uint32_t of[POOL_STATES] = {0}, alive = 0, empty = 0;

    for (size_t i = 0; i < model.pool.slot_count; i++) {
        const struct process *process = &model.processes[i];
        enum pool_state worker = model.pool.slots[i].state;

        of[worker]++;
        alive += process->alive;
        empty += !process->alive;
        assert_int_equal(worker != POOL_EMPTY, process->alive);
        if (!process->alive)
            continue;
        assert_int_equal(worker == POOL_KILLED, process->killed);
        assert_int_equal(worker == POOL_DRAINING, process->told_to_drain && !process->killed);
        if (process->told_to_drain && model.now_ns >= process->kill_by_ns)
            assert_true(process->killed);
        if (process->hung || model.abandoned)
            assert_true(process->killed);
    }
    assert_int_equal(counts.starting, of[POOL_STARTING]);
    assert_int_equal(counts.running, of[POOL_RUNNING]);
    assert_int_equal(counts.draining, of[POOL_DRAINING] + of[POOL_KILLED]);
    assert_int_equal(pool_is_empty(&model.pool), alive == 0);

    assert_true(at_work() <= max_workers);
    if (at_work() > model.wanted)
        assert_true(counts.draining >= 2 * max_workers);
    if (at_work() < model.wanted)
        assert_true(model.faulty || empty == 0 || model.now_ns < model.pool.start_from_ns);
    assert_true(model.pool.start_from_ns - model.now_ns <= POOL_BACKOFF_LAST_NS);
    assert_int_equal(model.pool.fault != POOL_SOUND, model.faulty);

    assert_int_equal(counts.spawned, model.starts);
    assert_int_equal(counts.stopped, model.stops);
    assert_int_equal(counts.crashed, model.crashes);
    assert_int_equal(counts.spawned, counts.stopped + counts.crashed + alive);
}

/* Everything that is due now, carried out. */
static void step(void)
{
    struct pool_action actions[MOST_SLOTS];
    size_t count;

    model.start_count = model.drain_count = model.kill_count = 0;
    do {
        uint32_t draining = pool_counts(&model.pool).draining;
        count = pool_step(&model.pool, model.now_ns, actions, model.capacity, &model.wake_ns);
        assert_true(count <= model.capacity);
        for (size_t i = 0; i < count; i++) {
            if (actions[i].kind == POOL_DRAIN)
                assert_true(draining++ < 2 * model.pool.params.max_workers);
            carry_out(actions[i]);
            assert_true(at_work() <= model.pool.params.max_workers);
        }
    } while (count == model.capacity);
    for (size_t i = 0; i < model.pool.slot_count; i++)
        model.ever_ran |= model.pool.slots[i].state == POOL_RUNNING;
    check_invariants();
    check_wake();
}

static void advance(int64_t ns)
{
    model.now_ns += ns;
    step();
}

static void want(uint32_t workers)
{
    uint32_t max_workers = model.pool.params.max_workers;

    model.wanted = workers < max_workers ? workers : max_workers;
    pool_want(&model.pool, workers);
    step();
}

static void ready(size_t slot)
{
    pool_ready(&model.pool, slot);
    step();
}

static void hung(size_t slot)
{
    struct process *process = &model.processes[slot];

    enum pool_state state = model.pool.slots[slot].state;
    if (process->alive && (state == POOL_RUNNING || state == POOL_DRAINING))
        process->hung = true;
    pool_hung(&model.pool, slot);
    step();
}

static bool may_end_a_drain(struct pool_end end)
{
    return end.signal ? end.signal == SIGNAL_TERM : end.code == 0 || end.code == TEMPFAIL;
}

/* The process ends; the verdict is checked against what it had been told. */
static enum pool_verdict ended_quietly(size_t slot, struct pool_end end)
{
    struct process process = model.processes[slot];
    bool asked = !process.hung && (process.told_to_drain || process.killed);
    bool clean = asked && (process.killed || may_end_a_drain(end));

    enum pool_verdict verdict = pool_ended(&model.pool, slot, end, model.now_ns);
    if (!process.alive) {
        assert_int_equal(verdict, POOL_UNKNOWN);
        return verdict;
    }
    model.processes[slot].alive = false;
    assert_int_equal(verdict, clean ? POOL_STOPPED : POOL_CRASHED);
    model.stops += clean;
    model.crashes += !clean;
    bool refused = end.code == NOPERM || end.code == CONFIG;
    if (!asked && !end.signal && (end.code == USAGE || (refused && !model.ever_ran)))
        model.faulty = true;
    return verdict;
}

static enum pool_verdict ended(size_t slot, int code, int signal)
{
    enum pool_verdict verdict =
        ended_quietly(slot, (struct pool_end){.code = code, .signal = signal});

    step();
    return verdict;
}

static void abandon(void)
{
    model.wanted = 0;
    model.abandoned = true;
    pool_abandon(&model.pool);
    step();
}

/* A pool whose workers all run. */
static void open_running(uint32_t max_workers, uint32_t workers)
{
    open_model(max_workers, POOL_STOP_OLDEST, 1);
    want(workers);
    for (size_t i = 0; i < workers; i++)
        ready(i);
    assert_int_equal(pool_counts(&model.pool).running, workers);
}

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
    assert_true(model.pool.ever_ran);
    assert_true(model.wake_ns == POOL_NEVER);
}

static void a_worker_that_speaks_runs_when_it_says_so_and_not_before(void **state)
{
    (void)state;
    open_model(2, POOL_STOP_OLDEST, 1);
    want(1);
    pool_speaks(&model.pool, 0);
    step();
    assert_true(model.wake_ns == POOL_NEVER);
    advance(100 * SECOND);
    assert_int_equal(pool_counts(&model.pool).starting, 1);
    assert_false(model.pool.ever_ran);
    ready(0);
    assert_int_equal(pool_counts(&model.pool).running, 1);
    /* Of the next worker in that slot nothing is known yet. */
    ended(0, 1, 0);
    assert_int_equal(pool_counts(&model.pool).starting, 1);
    advance(SECOND);
    assert_int_equal(pool_counts(&model.pool).running, 1);
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
        /* However it failed, it was the end of a worker nobody wants: nothing waits because of it. */
        assert_int_equal(model.pool.fault, POOL_SOUND);
        want(1);
        assert_int_equal(model.start_count, 1);
        pool_clear(&model.pool);
    }
}

/* ---- crashing ---- */

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

/* ---- the caller's side ---- */

static void events_of_unknown_slots_are_ignored(void **state)
{
    const size_t slots[] = {0, 5, 6, 7, SIZE_MAX};

    (void)state;
    open_model(2, POOL_STOP_OLDEST, 1);
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++) {
        pool_ready(&model.pool, slots[i]);
        pool_hung(&model.pool, slots[i]);
        assert_int_equal(pool_ended(&model.pool, slots[i], (struct pool_end){.code = USAGE}, 0),
                         POOL_UNKNOWN);
    }
    pool_speaks(&model.pool, 6);
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

/* ---- random histories ---- */

static size_t any_slot(uint64_t *random)
{
    return next_random(random) % (model.pool.slot_count + 1);
}

/* A living process, or the slot after the last when there is none. */
static size_t any_process(uint64_t *random)
{
    size_t from = next_random(random) % model.pool.slot_count;

    for (size_t i = 0; i < model.pool.slot_count; i++) {
        size_t slot = (from + i) % model.pool.slot_count;
        if (model.processes[slot].alive)
            return slot;
    }
    return model.pool.slot_count;
}

static int64_t any_time(uint64_t *random)
{
    switch (next_random(random) % 4) {
    case 0:
        return (int64_t)(next_random(random) % (uint64_t)(10 * MS));
    case 1:
        return (int64_t)(next_random(random) % (uint64_t)SECOND);
    case 2:
        return (int64_t)(next_random(random) % (uint64_t)(40 * SECOND));
    default:
        return model.wake_ns == POOL_NEVER ? 0 : model.wake_ns - model.now_ns;
    }
}

/* Sound ends are the rule, and the rare ones that stop the pool are rare. */
static struct pool_end any_end(uint64_t *random)
{
    static const int signals[] = {SIGNAL_KILL, SIGNAL_SEGV, SIGNAL_TERM};
    static const int codes[] = {1, 2, TEMPFAIL, NOPERM, CONFIG, 255};

    switch (next_random(random) % 8) {
    case 0:
        return (struct pool_end){.signal = signals[next_random(random) % 3]};
    case 1:
        return (struct pool_end){.code = codes[next_random(random) % 6]};
    case 2:
        return (struct pool_end){.code = next_random(random) % 16 ? 1 : USAGE};
    default:
        return (struct pool_end){.code = 0};
    }
}

static void random_event(uint64_t *random)
{
    size_t slot;

    switch (next_random(random) % 16) {
    case 0:
    case 1:
    case 2:
        want((uint32_t)(next_random(random) % (model.pool.params.max_workers + 2)));
        break;
    case 3:
    case 4:
    case 5:
        ready(any_slot(random));
        break;
    case 6:
        slot = any_process(random);
        if (slot < model.pool.slot_count)
            pool_speaks(&model.pool, slot);
        step();
        break;
    case 7:
        slot = any_process(random);
        if (slot < model.pool.slot_count)
            pool_idle(&model.pool, slot, next_random(random) % 2);
        step();
        break;
    case 8:
        slot = any_slot(random);
        if (slot < model.pool.slot_count)
            hung(slot);
        break;
    case 9:
    case 10:
    case 11:
        slot = any_process(random);
        if (slot < model.pool.slot_count) {
            ended_quietly(slot, any_end(random));
            step();
        }
        break;
    case 12:
        /* Several ends come together. */
        for (int i = 0; i < 3; i++) {
            slot = any_slot(random);
            if (slot < model.pool.slot_count)
                ended_quietly(slot, any_end(random));
        }
        step();
        break;
    default:
        advance(any_time(random));
    }
}

/* Wherever the workers stand, the pool can be emptied: every drain ends by its deadline. */
static void wind_up(uint64_t *random)
{
    int64_t latest_ns = model.now_ns;

    if (next_random(random) % 3 == 0)
        abandon();
    else
        want(0);
    while (!pool_is_empty(&model.pool)) {
        bool any = false;
        for (size_t i = 0; i < model.pool.slot_count; i++) {
            if (model.processes[i].alive && model.processes[i].killed) {
                ended(i, 0, SIGNAL_KILL);
                any = true;
            }
        }
        if (pool_is_empty(&model.pool) || any)
            continue;
        /* Up to three generations of drains may have to follow each other. */
        assert_true(model.wake_ns <= latest_ns + 3 * GRACED_NS);
        advance(model.wake_ns - model.now_ns);
    }
}

static void every_random_history_keeps_the_invariants(void **state)
{
    enum { HISTORIES = 3000, EVENTS = 300 };
    uint64_t random = 23, most_draining = 0, faults = 0, crashes = 0;

    (void)state;
    for (int history = 0; history < HISTORIES; history++) {
        uint32_t max_workers = (uint32_t)(1 + next_random(&random) % 8);
        open_model(max_workers, next_random(&random) % 2 ? POOL_STOP_IDLE : POOL_STOP_OLDEST,
                   next_random(&random));
        model.capacity = next_random(&random) % 2 ? 16 : 1 + next_random(&random) % 3;
        /* In some histories a worker runs early, so that 77 and 78 do not end all of them. */
        if (next_random(&random) % 4) {
            want(1);
            ready(0);
        }
        for (int event = 0; event < EVENTS; event++) {
            random_event(&random);
            uint64_t draining = pool_counts(&model.pool).draining;
            if (draining == 2 * max_workers)
                most_draining++;
        }
        faults += model.faulty;
        crashes += model.crashes;
        wind_up(&random);
        pool_clear(&model.pool);
    }
    /* The histories went where it matters. */
    assert_true(most_draining > 100);
    assert_in_range(faults, HISTORIES / 10, HISTORIES * 9 / 10);
    assert_true(crashes > HISTORIES);
}

static void the_actions_do_not_depend_on_how_many_fit(void **state)
{
    uint64_t random = 29;

    (void)state;
    for (int history = 0; history < 300; history++) {
        struct pool_counts counts[2];
        int64_t start_from_ns[2];
        uint64_t seed = next_random(&random), pool_seed = next_random(&random);
        for (int pass = 0; pass < 2; pass++) {
            uint64_t events = seed;
            open_model(6, POOL_STOP_OLDEST, pool_seed);
            model.capacity = pass ? 1 : MOST_SLOTS;
            for (int event = 0; event < 100; event++)
                random_event(&events);
            counts[pass] = pool_counts(&model.pool);
            start_from_ns[pass] = model.pool.start_from_ns;
            pool_clear(&model.pool);
        }
        assert_memory_equal(&counts[0], &counts[1], sizeof counts[0]);
        assert_true(start_from_ns[0] == start_from_ns[1]);
    }
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
        claim(the_oldest_worker_goes_first),
        claim(an_idle_worker_goes_first_when_told_so),
        claim(a_worker_that_starts_is_drained_too),
        claim(a_drain_that_is_no_longer_wanted_is_not_undone),
        claim(no_more_than_twice_max_drain_at_a_time),
        claim(a_drain_that_takes_too_long_is_killed_and_counts_as_stopped),
        claim(a_drain_may_end_by_0_75_or_the_signal_it_was_sent),
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
        claim(abandoned_workers_are_killed_at_once_and_count_as_stopped),
        claim(events_of_unknown_slots_are_ignored),
        claim(actions_that_did_not_fit_come_with_the_next_call),
        claim(every_random_history_keeps_the_invariants),
        claim(the_actions_do_not_depend_on_how_many_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
