#include "pool.h"

#include "random.h"

#include <limits.h>
#include <stdlib.h>
#include <sysexits.h>

#define SIGNAL_TERM 15

enum event { EVENT_START, EVENT_READY, EVENT_DRAIN, EVENT_KILL, EVENT_HUNG, EVENT_ENDED };
#define EVENTS 6

/* What the table leads to: a state, or nothing. */
enum {
    IGNORE = -1,
    NONE = WORKER_NONE,
    STARTING = WORKER_STARTING,
    RUNNING = WORKER_RUNNING,
    DRAINING = WORKER_DRAINING,
    KILLED = WORKER_KILLED
};

/* The whole machine: what each state makes of each event. */
/* clang-format off */
static const signed char transitions[WORKER_STATES][EVENTS] = {
    /*             START     READY    DRAIN     KILL    HUNG    ENDED */
    [NONE]     = {STARTING, IGNORE,  IGNORE,   IGNORE, IGNORE, IGNORE},
    [STARTING] = {IGNORE,   RUNNING, DRAINING, KILLED, IGNORE, NONE},
    [RUNNING]  = {IGNORE,   IGNORE,  DRAINING, KILLED, KILLED, NONE},
    [DRAINING] = {IGNORE,   IGNORE,  IGNORE,   KILLED, KILLED, NONE},
    [KILLED]   = {IGNORE,   IGNORE,  IGNORE,   IGNORE, IGNORE, NONE},
};
/* clang-format on */

static uint32_t *count_of(struct pool *pool, enum worker_state state)
{
    if (state == WORKER_NONE)
        return NULL;
    return state == WORKER_STARTING  ? &pool->counts.starting
           : state == WORKER_RUNNING ? &pool->counts.running
                                     : &pool->counts.draining;
}

/* Moves a slot by the table and keeps the counts; false when the event means nothing in its
 * state. */
static bool move(struct pool *pool, size_t slot, enum event event)
{
    if (slot >= pool->slot_count)
        return false;
    enum worker_state from = pool->slots[slot].state;
    int to = transitions[from][event];
    if (to == IGNORE)
        return false;
    pool->slots[slot].state = (enum worker_state)to;
    uint32_t *left = count_of(pool, from), *entered = count_of(pool, (enum worker_state)to);
    if (left)
        --*left;
    if (entered)
        ++*entered;
    if (slot >= pool->used)
        pool->used = slot + 1;
    while (pool->used && pool->slots[pool->used - 1].state == WORKER_NONE)
        pool->used--;
    return true;
}

static bool is_at_work(const struct pool_slot *slot)
{
    return slot->state == WORKER_STARTING || slot->state == WORKER_RUNNING;
}

static uint32_t at_work(const struct pool *pool)
{
    return pool->counts.starting + pool->counts.running;
}

static uint32_t alive(const struct pool *pool)
{
    return at_work(pool) + pool->counts.draining;
}

int pool_init(struct pool *pool, const struct pool_params *params)
{
    *pool = (struct pool){.params = *params,
                          .max_workers = params->max_workers,
                          .room_workers = params->max_workers,
                          .consuming = POOL_CONSUMING_UNKNOWN,
                          .random = params->seed};
    if (params->max_workers < 1 || params->max_workers > POOL_MAX_WORKERS)
        return -ERR_INVALID;
    pool->slot_count = POOL_SLOTS(params->max_workers);
    pool->slots = calloc(pool->slot_count, sizeof *pool->slots);
    return pool->slots ? 0 : -ERR_MEMORY;
}

void pool_clear(struct pool *pool)
{
    free(pool->slots);
    *pool = (struct pool){0};
}

void pool_limit(struct pool *pool, uint32_t max_workers)
{
    const uint32_t most = pool->params.max_workers;

    pool->max_workers = max_workers < most ? max_workers : most;
    pool_want(pool, pool->wanted);
    if (pool->room_workers < pool->max_workers)
        pool->room_workers = pool->max_workers;
}

void pool_want(struct pool *pool, uint32_t workers)
{
    pool->wanted = workers < pool->max_workers ? workers : pool->max_workers;
}

void pool_retire(struct pool *pool, size_t slot)
{
    if (slot < pool->slot_count && is_at_work(&pool->slots[slot]))
        pool->slots[slot].retired = true;
}

void pool_finish(struct pool *pool)
{
    pool->ending = true;
    pool_want(pool, 0);
}

void pool_consuming(struct pool *pool, int64_t workers)
{
    pool->consuming = workers;
}

void pool_cut_short(struct pool *pool)
{
    pool->patient = !pool->ending;
}

static void run(struct pool *pool, size_t slot, int64_t now_ns)
{
    if (move(pool, slot, EVENT_READY))
        startup_note(&pool->startup, now_ns - pool->slots[slot].started_ns);
}

void pool_ready(struct pool *pool, size_t slot, int64_t now_ns)
{
    run(pool, slot, now_ns);
    if (slot < pool->slot_count && pool->slots[slot].state == WORKER_RUNNING)
        pool->slots[slot].ready = true;
}

void pool_hung(struct pool *pool, size_t slot)
{
    if (!move(pool, slot, EVENT_HUNG))
        return;
    pool->slots[slot].hung = pool->slots[slot].kill_due = true;
    pool->counts.hung++;
}

static void kill_slot(struct pool *pool, size_t slot)
{
    if (move(pool, slot, EVENT_KILL))
        pool->slots[slot].kill_due = true;
}

void pool_abandon(struct pool *pool)
{
    pool->wanted = 0;
    for (size_t i = 0; i < pool->used; i++)
        kill_slot(pool, i);
}

void pool_tells(struct pool *pool, size_t slot)
{
    if (slot < pool->slot_count)
        pool->slots[slot].tells = pool->heard = true;
}

void pool_idle(struct pool *pool, size_t slot, bool idle)
{
    if (slot < pool->slot_count)
        pool->slots[slot].idle = idle;
}

void pool_took_up(struct pool *pool, size_t slot, int64_t took_up_ns)
{
    if (slot < pool->slot_count)
        pool->slots[slot].took_up_ns = took_up_ns;
}

/* The first restart comes at once, then 100 ms doubling to 30 s, each shortened by up to half. */
static int64_t backoff_ns(struct pool *pool)
{
    int64_t ns = POOL_BACKOFF_FIRST_NS;

    if (pool->crashes_in_row <= 1)
        return 0;
    for (uint32_t i = 2; i < pool->crashes_in_row && ns < POOL_BACKOFF_LAST_NS; i++)
        ns *= 2;
    if (ns > POOL_BACKOFF_LAST_NS)
        ns = POOL_BACKOFF_LAST_NS;
    return ns - (int64_t)(random_bits(&pool->random) % (uint64_t)(ns / 2));
}

/* Only a worker that was started since the last crash makes the back-off longer: it is the new
 * start that failed again. Several that end together are one incident. */
static void crashed(struct pool *pool, struct pool_end end, int64_t started_ns, int64_t now_ns)
{
    if (pool->fault != POOL_SOUND)
        return;
    bool configuration = !end.signal && (end.code == EX_NOPERM || end.code == EX_CONFIG);

    if (!end.signal && end.code == EX_USAGE) {
        pool->fault = POOL_USAGE;
        pool->fault_code = end.code;
        return;
    }
    if (configuration && !pool->startup.count) {
        pool->fault = POOL_GAVE_UP;
        pool->fault_code = end.code;
        return;
    }
    if (now_ns - pool->last_crash_ns > POOL_HEALTHY_NS &&
        now_ns - pool->start_from_ns > POOL_HEALTHY_NS)
        pool->crashes_in_row = 0;
    bool again = pool->crashes_in_row == 0 || started_ns >= pool->last_crash_ns;
    pool->last_crash_ns = now_ns;
    if (again && pool->crashes_in_row < UINT32_MAX)
        pool->crashes_in_row++;
    int64_t wait_ns = configuration ? POOL_REFUSED_RETRY_NS : again ? backoff_ns(pool) : 0;
    if (now_ns + wait_ns > pool->start_from_ns)
        pool->start_from_ns = now_ns + wait_ns;
}

/* A patient drain has no deadline: at that time it is only said how long it takes. False when there
 * is nothing to drain. */
static bool begin_drain(struct pool *pool, size_t slot, bool patient, int64_t now_ns)
{
    struct pool_slot *drained = &pool->slots[slot];

    if (!move(pool, slot, EVENT_DRAIN))
        return false;
    drained->patient = patient;
    drained->drained_ns = now_ns;
    drained->deadline_ns = now_ns + pool->params.drain_timeout_ns + POOL_DRAIN_GRACE_NS;
    return true;
}

enum pool_verdict pool_left(struct pool *pool, size_t slot, struct pool_end end, int64_t now_ns)
{
    if (!begin_drain(pool, slot, false, now_ns))
        return POOL_UNKNOWN;
    pool->slots[slot].left = true;
    pool->counts.crashed++;
    crashed(pool, end, pool->slots[slot].started_ns, now_ns);
    return POOL_CRASHED;
}

enum pool_verdict pool_ended(struct pool *pool, size_t slot, struct pool_end end, int64_t now_ns)
{
    if (slot >= pool->slot_count)
        return POOL_UNKNOWN;
    struct pool_slot before = pool->slots[slot];
    if (!move(pool, slot, EVENT_ENDED))
        return POOL_UNKNOWN;
    pool->slots[slot] = (struct pool_slot){0};
    if (before.left)
        return POOL_GONE;
    /* What was taken from a worker is done: nobody is left who could hold it. */
    if (before.state == WORKER_DRAINING && before.patient && !end.signal && end.code == EX_OK &&
        pool_is_empty(pool))
        pool->patient = false;

    bool asked = before.state == WORKER_DRAINING || (before.state == WORKER_KILLED && !before.hung);
    if (!asked) {
        pool->counts.crashed++;
        crashed(pool, end, before.started_ns, now_ns);
        return POOL_CRASHED;
    }
    /* SIGTERM may reach a worker before it can take it; 75 tells of a drain that ran out of
     * time. */
    bool clean = before.state == WORKER_KILLED || end.signal == SIGNAL_TERM ||
                 (!end.signal && (end.code == EX_OK || end.code == EX_TEMPFAIL));
    if (clean)
        pool->counts.stopped++;
    else
        pool->counts.crashed++;
    return clean ? POOL_STOPPED : POOL_CRASHED;
}

/* The actions of one step; full means that the caller has to come again. */
struct actions {
    struct pool_action *list;
    size_t count, capacity;
};

static bool add(struct actions *actions, enum pool_action_kind kind, size_t slot)
{
    if (actions->count == actions->capacity)
        return false;
    actions->list[actions->count++] = (struct pool_action){kind, slot};
    return true;
}

/* It is sure that the worker uses no scoreboard. */
static void note_silent(struct pool *pool, size_t slot, int64_t now_ns)
{
    run(pool, slot, now_ns);
    pool->slots[slot].silent_ns = now_ns;
}

/* The consumers of the queue cannot tell of the workers' while some worker drains, who may consume
 * no longer. */
static bool consumers_tell(const struct pool *pool)
{
    return !pool->heard && pool->consuming != POOL_CONSUMING_UNKNOWN && !pool->counts.draining;
}

/* A worker that consumes and has not said so: of those that are starting the oldest. */
static void step_consuming(struct pool *pool, int64_t now_ns)
{
    while (consumers_tell(pool) && pool->counts.running < pool->consuming) {
        struct pool_slot *oldest = NULL;
        for (size_t i = 0; i < pool->used; i++) {
            struct pool_slot *slot = &pool->slots[i];
            if (slot->state == WORKER_STARTING &&
                (!oldest || slot->started_ns < oldest->started_ns))
                oldest = slot;
        }
        if (!oldest)
            break;
        note_silent(pool, (size_t)(oldest - pool->slots), now_ns);
    }
}

/* A worker that has not used the scoreboard, starting or running. Returns when to look again. */
static int64_t step_unheard(struct pool *pool, size_t index, int64_t now_ns)
{
    const struct pool_slot *slot = &pool->slots[index];
    int64_t silent_ns = slot->started_ns + pool->params.start_timeout_ns;

    if (slot->ready || silent_ns <= now_ns) {
        note_silent(pool, index, now_ns);
        return POOL_NEVER;
    }
    if (slot->state == WORKER_RUNNING || pool->heard || consumers_tell(pool))
        return silent_ns;
    int64_t assumed_ns = slot->started_ns + POOL_SILENT_START_NS;
    if (assumed_ns > now_ns)
        return assumed_ns < silent_ns ? assumed_ns : silent_ns;
    run(pool, index, now_ns);
    return silent_ns;
}

/* A drain whose time is up: it is cut short, or left alone. Returns when to look again. */
static int64_t step_drain(struct pool *pool, size_t index, int64_t now_ns, struct actions *actions)
{
    struct pool_slot *slot = &pool->slots[index];

    if (slot->patient && pool->ending) {
        slot->patient = false;
        slot->deadline_ns = now_ns + pool->params.drain_timeout_ns + POOL_DRAIN_GRACE_NS;
    }
    if (slot->deadline_ns > now_ns)
        return slot->deadline_ns;
    if (!slot->patient) {
        kill_slot(pool, index);
        pool_cut_short(pool);
    } else if (add(actions, POOL_LEAVE, index)) {
        slot->deadline_ns = POOL_NEVER;
    }
    return POOL_NEVER;
}

/* Does what the time makes due for each worker, and kills what is to be killed. */
static void step_deadlines(struct pool *pool, int64_t now_ns, struct actions *actions,
                           int64_t *wake_ns)
{
    for (size_t i = 0; i < pool->used; i++) {
        struct pool_slot *slot = &pool->slots[i];
        int64_t due_ns = POOL_NEVER;

        if (slot->state == WORKER_STARTING && slot->tells) {
            due_ns = slot->started_ns + pool->params.start_timeout_ns;
            if (due_ns <= now_ns)
                run(pool, i, now_ns);
        } else if (slot->state == WORKER_STARTING ||
                   (slot->state == WORKER_RUNNING && !slot->tells && !slot->silent_ns)) {
            due_ns = step_unheard(pool, i, now_ns);
        } else if (slot->state == WORKER_DRAINING) {
            due_ns = step_drain(pool, i, now_ns, actions);
        }
        if (due_ns > now_ns && due_ns < *wake_ns)
            *wake_ns = due_ns;
        if (slot->kill_due && add(actions, POOL_KILL, i))
            slot->kill_due = false;
    }
}

static bool better_to_stop(const struct pool *pool, const struct pool_slot *a,
                           const struct pool_slot *b)
{
    if (pool->patient && a->idle != b->idle)
        return a->idle;
    if (a->state != b->state)
        return a->state == WORKER_RUNNING;
    if (pool->params.stop == POOL_STOP_IDLE && a->idle != b->idle)
        return a->idle;
    if (pool->patient && a->took_up_ns != b->took_up_ns)
        return a->took_up_ns > b->took_up_ns;
    return a->started_ns < b->started_ns;
}

static bool may_drain(const struct pool *pool)
{
    return pool->counts.draining < 2 * pool->room_workers;
}

static void step_retired(struct pool *pool, int64_t now_ns, struct actions *actions)
{
    for (size_t i = 0; i < pool->used && may_drain(pool) && actions->count < actions->capacity; i++)
        if (pool->slots[i].retired && begin_drain(pool, i, pool->patient, now_ns))
            add(actions, POOL_DRAIN, i);
}

static void step_down(struct pool *pool, int64_t now_ns, struct actions *actions)
{
    while (at_work(pool) > pool->wanted && may_drain(pool) && actions->count < actions->capacity) {
        struct pool_slot *chosen = NULL;
        for (size_t i = 0; i < pool->used; i++) {
            struct pool_slot *slot = &pool->slots[i];
            if (is_at_work(slot) && (!chosen || better_to_stop(pool, slot, chosen)))
                chosen = slot;
        }
        if (!chosen)
            break;
        size_t index = (size_t)(chosen - pool->slots);
        begin_drain(pool, index, pool->patient, now_ns);
        add(actions, POOL_DRAIN, index);
    }
}

static void step_up(struct pool *pool, int64_t now_ns, struct actions *actions, int64_t *wake_ns)
{
    if (pool->fault != POOL_SOUND || at_work(pool) >= pool->wanted)
        return;
    if (now_ns < pool->start_from_ns) {
        if (pool->start_from_ns < *wake_ns)
            *wake_ns = pool->start_from_ns;
        return;
    }
    for (size_t i = 0; actions->count < actions->capacity && at_work(pool) < pool->wanted &&
                       alive(pool) < POOL_SLOTS(pool->room_workers);
         i++) {
        if (!move(pool, i, EVENT_START))
            continue;
        pool->slots[i].started_ns = now_ns;
        pool->counts.spawned++;
        add(actions, POOL_START, i);
        int64_t due_ns = step_unheard(pool, i, now_ns);
        if (due_ns < *wake_ns)
            *wake_ns = due_ns;
    }
}

size_t pool_step(struct pool *pool, int64_t now_ns, struct pool_action *actions, size_t capacity,
                 int64_t *wake_ns)
{
    struct actions step = {.list = actions, .capacity = capacity};

    *wake_ns = POOL_NEVER;
    /* What a lowered max had left has gone. */
    if (alive(pool) <= POOL_SLOTS(pool->max_workers) &&
        pool->counts.draining <= 2 * pool->max_workers)
        pool->room_workers = pool->max_workers;
    step_consuming(pool, now_ns);
    step_retired(pool, now_ns, &step);
    step_down(pool, now_ns, &step);
    step_deadlines(pool, now_ns, &step, wake_ns);
    step_up(pool, now_ns, &step, wake_ns);
    return step.count;
}

bool pool_is_overdue(const struct pool *pool, size_t slot)
{
    const struct pool_slot *worker = &pool->slots[slot];

    return worker->state == WORKER_DRAINING && worker->patient && worker->deadline_ns == POOL_NEVER;
}

struct worker_counts pool_counts(const struct pool *pool)
{
    return pool->counts;
}

bool pool_is_empty(const struct pool *pool)
{
    return !alive(pool);
}
