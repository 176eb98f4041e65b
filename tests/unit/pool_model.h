/* pool_model.h - for the tests of the pool: the processes that its actions start and end, as a
 * model that checks every action and, after every step, what must always hold. */
#ifndef WINNOW_TESTS_POOL_MODEL_H
#define WINNOW_TESTS_POOL_MODEL_H

#include "autoscaler/node/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MS        INT64_C(1000000)
#define SECOND    INT64_C(1000000000)
#define DRAIN_NS  (5 * SECOND)
#define START_NS  (60 * SECOND)
#define GRACED_NS (DRAIN_NS + POOL_DRAIN_GRACE_NS)

enum { USAGE = 64, TEMPFAIL = 75, NOPERM = 77, CONFIG = 78 };
enum { SIGNAL_KILL = 9, SIGNAL_SEGV = 11, SIGNAL_TERM = 15 };

struct process {
    bool alive, told_to_drain, killed, hung;
    bool runs;                /* as of the beginning of the step */
    bool retired;             /* it is to drain whatever the number */
    bool patient, left_alone; /* its drain has no deadline; that deadline was passed */
    int64_t started_ns, drained_ns, kill_by_ns;
};

#define MOST_SLOTS 64
static struct model {
    struct pool pool;
    int64_t now_ns, wake_ns;
    size_t capacity; /* actions taken at a time */
    struct process processes[MOST_SLOTS];
    uint32_t wanted;
    uint32_t max_workers, room_workers;
    uint64_t starts, stops, crashes;
    size_t startups; /* as of the beginning of the step */
    bool ever_ran, faulty, abandoned;
    bool patient, ending;
    /* The slots of the actions of the last step, in their order. */
    size_t started[MOST_SLOTS], drained[MOST_SLOTS], killed[MOST_SLOTS];
    size_t start_count, drain_count, kill_count;
} model;

static inline void open_model(uint32_t max_workers, enum pool_stop stop, uint64_t seed)
{
    struct pool_params params = {.max_workers = max_workers,
                                 .drain_timeout_ns = DRAIN_NS,
                                 .start_timeout_ns = START_NS,
                                 .stop = stop,
                                 .seed = seed};

    model = (struct model){.now_ns = INT64_C(1000000000000) + (int64_t)(seed % 1000),
                           .capacity = 16,
                           .max_workers = max_workers,
                           .room_workers = max_workers};
    assert_int_equal(pool_init(&model.pool, &params), 0);
    assert_true(model.pool.slot_count <= MOST_SLOTS);
}

static inline int close_model(void **state)
{
    (void)state;
    pool_clear(&model.pool);
    return 0;
}

static inline uint32_t at_work(void)
{
    struct worker_counts counts = pool_counts(&model.pool);

    return counts.starting + counts.running;
}

/* No other worker had a better reason to go. */
static inline void check_choice(size_t chosen)
{
    /* Some worker began to run in this very step: who, nobody here knows. */
    if (model.pool.startup.count != model.startups)
        return;
    for (size_t i = 0; i < model.pool.slot_count; i++) {
        const struct process *other = &model.processes[i];
        if (!other->alive || other->told_to_drain || other->killed)
            continue;
        bool other_idle = model.pool.slots[i].idle != model.pool.slots[chosen].idle;
        if (model.patient && other_idle)
            assert_true(model.pool.slots[chosen].idle);
        else if (other->runs != model.processes[chosen].runs)
            assert_true(model.processes[chosen].runs);
        else if (model.pool.params.stop == POOL_STOP_IDLE && other_idle)
            assert_true(model.pool.slots[chosen].idle);
        else if (model.patient &&
                 model.pool.slots[i].took_up_ns != model.pool.slots[chosen].took_up_ns)
            assert_true(model.pool.slots[i].took_up_ns < model.pool.slots[chosen].took_up_ns);
        else
            assert_true(other->started_ns >= model.processes[chosen].started_ns);
    }
}

static inline void carry_out(struct pool_action action)
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
        if (!process->retired)
            check_choice(action.slot);
        process->told_to_drain = true;
        process->patient = model.patient;
        process->drained_ns = model.now_ns;
        process->kill_by_ns = model.patient ? POOL_NEVER : model.now_ns + GRACED_NS;
        model.drained[model.drain_count++] = action.slot;
        break;
    case POOL_KILL:
        assert_true(process->alive);
        assert_false(process->killed);
        process->killed = true;
        if (process->told_to_drain && !process->hung && !model.abandoned)
            model.patient = !model.ending;
        model.killed[model.kill_count++] = action.slot;
        break;
    case POOL_LEAVE:
        assert_true(process->alive && process->patient && !process->killed && !model.ending);
        assert_false(process->left_alone);
        assert_true(model.now_ns >= process->drained_ns + GRACED_NS);
        process->left_alone = true;
        break;
    }
}

/* Nothing becomes due before the pool asked to be woken. */
static inline void check_wake(void)
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

static inline void check_invariants(void)
{
    struct worker_counts counts = pool_counts(&model.pool);
    uint32_t of[WORKER_STATES] = {0}, alive = 0;

    for (size_t i = 0; i < model.pool.slot_count; i++) {
        const struct process *process = &model.processes[i];
        enum worker_state worker = model.pool.slots[i].state;

        of[worker]++;
        alive += process->alive;
        assert_int_equal(worker != WORKER_NONE, process->alive);
        assert_true(!process->alive || i < model.pool.used);
        if (!process->alive)
            continue;
        assert_int_equal(worker == WORKER_KILLED, process->killed);
        assert_int_equal(worker == WORKER_DRAINING, process->told_to_drain && !process->killed);
        if (process->told_to_drain && model.now_ns >= process->kill_by_ns)
            assert_true(process->killed);
        if (process->hung || model.abandoned)
            assert_true(process->killed);
        if (process->retired && !process->killed)
            assert_true(process->told_to_drain || counts.draining >= 2 * model.room_workers);
        if (process->patient && !process->killed && model.now_ns >= process->drained_ns + GRACED_NS)
            assert_true(process->left_alone || model.ending);
    }
    assert_int_equal(counts.starting, of[WORKER_STARTING]);
    assert_int_equal(counts.running, of[WORKER_RUNNING]);
    assert_int_equal(counts.draining, of[WORKER_DRAINING] + of[WORKER_KILLED]);
    assert_int_equal(pool_is_empty(&model.pool), alive == 0);

    assert_true(model.wanted <= model.max_workers);
    assert_true(alive <= POOL_SLOTS(model.room_workers));
    if (at_work() > model.wanted)
        assert_true(counts.draining >= 2 * model.room_workers);
    if (at_work() < model.wanted)
        assert_true(model.faulty || alive == POOL_SLOTS(model.room_workers) ||
                    model.now_ns < model.pool.start_from_ns);
    assert_true(model.pool.used == 0 || model.processes[model.pool.used - 1].alive);
    assert_true(model.pool.start_from_ns - model.now_ns <= POOL_BACKOFF_LAST_NS);
    assert_int_equal(model.pool.fault != POOL_SOUND, model.faulty);
    assert_int_equal(model.pool.patient, model.patient);

    assert_int_equal(counts.spawned, model.starts);
    assert_int_equal(counts.stopped, model.stops);
    assert_int_equal(counts.crashed, model.crashes);
    assert_int_equal(counts.spawned, counts.stopped + counts.crashed + alive);
}

/* Everything that is due now, carried out. */
static inline void step(void)
{
    struct pool_action actions[MOST_SLOTS];
    size_t count;

    model.start_count = model.drain_count = model.kill_count = 0;
    do {
        uint32_t draining = pool_counts(&model.pool).draining;
        uint32_t most = at_work() > model.max_workers ? at_work() : model.max_workers;
        if (at_work() + draining <= POOL_SLOTS(model.max_workers) &&
            draining <= 2 * model.max_workers)
            model.room_workers = model.max_workers;
        model.startups = model.pool.startup.count;
        for (size_t i = 0; i < model.pool.slot_count; i++)
            model.processes[i].runs = model.pool.slots[i].state == WORKER_RUNNING;
        count = pool_step(&model.pool, model.now_ns, actions, model.capacity, &model.wake_ns);
        assert_true(count <= model.capacity);
        for (size_t i = 0; i < count; i++) {
            if (actions[i].kind == POOL_DRAIN)
                assert_true(draining++ < 2 * model.room_workers);
            carry_out(actions[i]);
            assert_true(at_work() <= most);
        }
    } while (count == model.capacity);
    /* Nothing is left. The time to come again may have been that of a worker that starts and has
     * been drained since, so that it was too early, but never too late. */
    int64_t wake_ns = model.wake_ns;
    assert_int_equal(pool_step(&model.pool, model.now_ns, actions, MOST_SLOTS, &model.wake_ns), 0);
    assert_true(wake_ns <= model.wake_ns);
    for (size_t i = 0; i < model.pool.slot_count; i++)
        model.ever_ran |= model.pool.slots[i].state == WORKER_RUNNING;
    check_invariants();
    check_wake();
}

static inline void advance(int64_t ns)
{
    model.now_ns += ns;
    step();
}

static inline void want(uint32_t workers)
{
    model.wanted = workers < model.max_workers ? workers : model.max_workers;
    pool_want(&model.pool, workers);
    step();
}

/* At most what the model was opened with. */
static inline void limit(uint32_t max_workers)
{
    model.max_workers = max_workers;
    if (model.wanted > max_workers)
        model.wanted = max_workers;
    if (model.room_workers < max_workers)
        model.room_workers = max_workers;
    pool_limit(&model.pool, max_workers);
    step();
}

static inline void retire(size_t slot)
{
    struct process *process = &model.processes[slot];

    process->retired |= process->alive && !process->told_to_drain && !process->killed;
    pool_retire(&model.pool, slot);
    step();
}

static inline void ready(size_t slot)
{
    pool_ready(&model.pool, slot, model.now_ns);
    step();
}

static inline void hung(size_t slot)
{
    struct process *process = &model.processes[slot];

    enum worker_state state = model.pool.slots[slot].state;
    if (process->alive && (state == WORKER_RUNNING || state == WORKER_DRAINING))
        process->hung = true;
    pool_hung(&model.pool, slot);
    step();
}

static inline bool may_end_a_drain(struct pool_end end)
{
    return end.signal ? end.signal == SIGNAL_TERM : end.code == 0 || end.code == TEMPFAIL;
}

/* The process ends; the verdict is checked against what it had been told. */
static inline enum pool_verdict ended_quietly(size_t slot, struct pool_end end)
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
    if (process.patient && !process.killed && !end.signal && !end.code &&
        pool_is_empty(&model.pool))
        model.patient = false;
    assert_int_equal(verdict, clean ? POOL_STOPPED : POOL_CRASHED);
    model.stops += clean;
    model.crashes += !clean;
    bool refused = end.code == NOPERM || end.code == CONFIG;
    if (!asked && !end.signal && (end.code == USAGE || (refused && !model.ever_ran)))
        model.faulty = true;
    return verdict;
}

static inline enum pool_verdict ended(size_t slot, int code, int signal)
{
    enum pool_verdict verdict =
        ended_quietly(slot, (struct pool_end){.code = code, .signal = signal});

    step();
    return verdict;
}

static inline void finish(void)
{
    model.wanted = 0;
    model.ending = true;
    for (size_t i = 0; i < model.pool.slot_count; i++)
        if (model.processes[i].patient)
            model.processes[i].kill_by_ns = model.now_ns + GRACED_NS;
    pool_finish(&model.pool);
    step();
}

static inline void abandon(void)
{
    model.wanted = 0;
    model.abandoned = true;
    pool_abandon(&model.pool);
    step();
}

/* A pool whose workers all run. */
static inline void open_running(uint32_t max_workers, uint32_t workers)
{
    open_model(max_workers, POOL_STOP_OLDEST, 1);
    want(workers);
    for (size_t i = 0; i < workers; i++)
        ready(i);
    assert_int_equal(pool_counts(&model.pool).running, workers);
}

#endif
