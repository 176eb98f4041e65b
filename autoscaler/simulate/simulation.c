#include "simulation.h"

#include "error.h"

#include <stdlib.h>

#define NS_PER_S 1e9

/* ---- free workers ---- */

static bool is_free(const struct simulation *simulation, size_t slot)
{
    return simulation->free_slots[slot / 64] >> (slot % 64) & 1;
}

static void set_free(struct simulation *simulation, size_t slot, bool free)
{
    uint64_t bit = UINT64_C(1) << (slot % 64);

    if (free)
        simulation->free_slots[slot / 64] |= bit;
    else
        simulation->free_slots[slot / 64] &= ~bit;
}

static size_t words_of(const struct simulation *simulation)
{
    return (simulation->pool.slot_count + 63) / 64;
}

/* The lowest slot of a free worker; slot_count when there is none. */
static size_t find_free(const struct simulation *simulation)
{
    for (size_t i = 0, words = words_of(simulation); i < words; i++)
        if (simulation->free_slots[i])
            return i * 64 + (size_t)__builtin_ctzll(simulation->free_slots[i]);
    return simulation->pool.slot_count;
}

/* ---- workers ---- */

/* Takes the oldest event off the queue; returns when it will be done. */
static int64_t begin(struct simulation *simulation, size_t slot)
{
    struct simulation_worker *worker = &simulation->workers[slot];
    int64_t service_ns = service_next(&simulation->service);
    int64_t arrived_ns = simulation->queue[simulation->started & (simulation->queue_capacity - 1)];
    int64_t wait_ns = simulation->now_ns - arrived_ns;
    histogram_record(&simulation->waits, wait_ns);
    simulation->late += wait_ns > simulation->params.late_ns;
    simulation->started++;
    simulation->work_s += (double)service_ns / NS_PER_S;

    if (worker->busy)
        worker->streak++;
    else
        worker->streak =
            simulation->now_ns - worker->since_ns >= SIMULATION_IDLE_NS ? 1 : worker->streak + 1;
    worker->busy = true;
    worker->since_ns = simulation->now_ns;
    simulation->busy++;
    simulation->busy_since_ns += (uint64_t)simulation->now_ns;
    return simulation->now_ns + service_ns;
}

static void become_free(struct simulation *simulation, size_t slot)
{
    simulation->workers[slot].busy = false;
    simulation->workers[slot].since_ns = simulation->now_ns;
    set_free(simulation, slot, true);
}

static void end_worker(struct simulation *simulation, size_t slot)
{
    simulation->ended_alive_ns += simulation->now_ns - simulation->pool.slots[slot].started_ns;
    set_free(simulation, slot, false);
    simulation->workers[slot] = (struct simulation_worker){0};
    pool_ended(&simulation->pool, slot, (struct pool_end){0}, simulation->now_ns);
}

/* A worker that is told to drain while it is starting or busy ends at its next moment. */
static void carry_out(struct simulation *simulation, const struct pool_action *action)
{
    size_t slot = action->slot;

    if (action->kind == POOL_START) {
        int64_t startup_ns = service_next(&simulation->startup);
        pool_tells(&simulation->pool, slot);
        moments_add(&simulation->moments, (struct moment){simulation->now_ns + startup_ns, slot});
    } else if (simulation->workers[slot].busy) {
        simulation->draining_busy++;
    } else if (is_free(simulation, slot)) {
        end_worker(simulation, slot);
    }
}

/* As live: the pool's actions are carried out, and it is asked again, until it has none. */
static void step(struct simulation *simulation)
{
    struct pool *pool = &simulation->pool;
    struct pool_action actions[16];
    int64_t wake_ns;
    size_t count;

    for (size_t i = 0; i < pool->slot_count; i++)
        pool_idle(pool, i, !simulation->workers[i].busy);
    while ((count = pool_step(pool, simulation->now_ns, actions, sizeof actions / sizeof actions[0],
                              &wake_ns))) {
        for (size_t i = 0; i < count; i++)
            carry_out(simulation, &actions[i]);
        uint32_t alive = pool->counts.starting + pool->counts.running + pool->counts.draining;
        if (alive > simulation->peak_workers)
            simulation->peak_workers = alive;
    }
}

/* The worker of the first moment has become ready, or is done with its event. */
static void handle_moment(struct simulation *simulation)
{
    size_t slot = simulation->moments.heap[0].slot;
    struct simulation_worker *worker = &simulation->workers[slot];
    bool drains = simulation->pool.slots[slot].state == WORKER_DRAINING;

    if (worker->busy) {
        simulation->handled++;
        simulation->busy--;
        simulation->finished_ns += simulation->now_ns - worker->since_ns;
        simulation->busy_since_ns -= (uint64_t)worker->since_ns;
        simulation->draining_busy -= drains;
    } else {
        pool_ready(&simulation->pool, slot, simulation->now_ns);
    }
    if (drains) {
        moments_drop_first(&simulation->moments);
        end_worker(simulation, slot);
        const struct worker_counts *counts = &simulation->pool.counts;
        if (counts->starting + counts->running != simulation->pool.wanted)
            step(simulation);
    } else if (simulation->arrived > simulation->started) {
        moments_replace_first(&simulation->moments, (struct moment){begin(simulation, slot), slot});
    } else {
        moments_drop_first(&simulation->moments);
        become_free(simulation, slot);
    }
}

/* The k-th event to arrive is at place k modulo the ring's size, so a larger ring has other
 * places. */
static int grow_queue(struct simulation *simulation)
{
    size_t before = simulation->queue_capacity, after = before ? before * 2 : 64;
    int64_t *queue = calloc(after, sizeof *queue);

    if (!queue)
        return -ERR_MEMORY;
    for (uint64_t i = simulation->started; i < simulation->arrived; i++)
        queue[i & (after - 1)] = simulation->queue[i & (before - 1)];
    free(simulation->queue);
    simulation->queue = queue;
    simulation->queue_capacity = after;
    return 0;
}

/* The next event, or the end of the trace. */
static void fetch_arrival(struct simulation *simulation)
{
    int got = simulation->params.source.next(simulation->params.source.context,
                                             &simulation->next_arrival_ns);

    simulation->more = got > 0;
    if (got < 0)
        simulation->error = got;
}

static void handle_arrival(struct simulation *simulation)
{
    size_t slot = find_free(simulation);

    if (simulation->arrived - simulation->started == simulation->queue_capacity)
        simulation->error = grow_queue(simulation);
    if (simulation->error)
        return;
    simulation->queue[simulation->arrived & (simulation->queue_capacity - 1)] = simulation->now_ns;
    simulation->arrived++;
    fetch_arrival(simulation);
    if (slot < simulation->pool.slot_count) {
        set_free(simulation, slot, false);
        moments_add(&simulation->moments, (struct moment){begin(simulation, slot), slot});
    }
}

/* ---- the farm ---- */

int simulation_init(struct simulation *simulation, const struct simulation_params *params)
{
    *simulation = (struct simulation){
        .params = *params, .service = params->service, .startup = params->startup};
    histogram_init(&simulation->waits);
    if (!(params->startup.mean_ns >= 0))
        return -ERR_INVALID;
    /* No drain is cut short, and no start takes too long: their deadlines are beyond any time that
     * is simulated. */
    int error =
        pool_init(&simulation->pool, &(struct pool_params){.max_workers = params->max_workers,
                                                           .drain_timeout_ns = INT64_MAX / 4,
                                                           .start_timeout_ns = INT64_MAX / 4,
                                                           .stop = params->stop});
    if (error)
        return error;
    size_t slots = simulation->pool.slot_count;
    simulation->workers = calloc(slots, sizeof *simulation->workers);
    simulation->free_slots = calloc(words_of(simulation), sizeof *simulation->free_slots);
    if (!simulation->workers || !simulation->free_slots ||
        moments_init(&simulation->moments, slots) || grow_queue(simulation)) {
        simulation_clear(simulation);
        return -ERR_MEMORY;
    }
    fetch_arrival(simulation);
    error = simulation->error;
    if (error)
        simulation_clear(simulation);
    return error;
}

void simulation_clear(struct simulation *simulation)
{
    free(simulation->queue);
    free(simulation->workers);
    moments_clear(&simulation->moments);
    free(simulation->free_slots);
    pool_clear(&simulation->pool);
    *simulation = (struct simulation){0};
}

/* Nothing will happen any more but the end of the trace. */
static bool is_idle(const struct simulation *simulation)
{
    return !simulation->more && !simulation->busy && simulation->started == simulation->arrived;
}

enum simulation_stop simulation_advance(struct simulation *simulation, int64_t until_ns,
                                        bool each_arrival)
{
    while (!simulation->error) {
        /* With no more arrivals next_arrival_ns is the trace's end. */
        int64_t at_ns = simulation->next_arrival_ns;
        bool moment = simulation->moments.count && (simulation->moments.heap[0].at_ns <= at_ns ||
                                                    (!simulation->more && !is_idle(simulation)));
        if (moment)
            at_ns = simulation->moments.heap[0].at_ns;
        else if (at_ns < simulation->now_ns)
            at_ns = simulation->now_ns;
        if (at_ns > until_ns || (!moment && !simulation->more && !is_idle(simulation))) {
            simulation->now_ns = until_ns;
            return SIMULATION_DUE;
        }
        simulation->now_ns = at_ns;
        if (moment) {
            handle_moment(simulation);
            continue;
        }
        if (!simulation->more)
            return SIMULATION_OVER;
        handle_arrival(simulation);
        if (each_arrival)
            return SIMULATION_ARRIVED;
    }
    return SIMULATION_FAILED;
}

void simulation_want(struct simulation *simulation, uint32_t workers)
{
    const struct worker_counts *counts = &simulation->pool.counts;

    pool_want(&simulation->pool, workers);
    if (counts->starting + counts->running != simulation->pool.wanted)
        step(simulation);
}

struct simulation_view simulation_view(const struct simulation *simulation)
{
    uint32_t free = 0;

    for (size_t i = 0, words = words_of(simulation); i < words; i++)
        free += (uint32_t)__builtin_popcountll(simulation->free_slots[i]);
    uint64_t busy_ns = (uint64_t)simulation->finished_ns +
                       simulation->busy * (uint64_t)simulation->now_ns - simulation->busy_since_ns;
    return (struct simulation_view){.now_ns = simulation->now_ns,
                                    .arrived = simulation->arrived,
                                    .handled = simulation->handled,
                                    .waiting = simulation->arrived - simulation->started,
                                    .busy = simulation->busy,
                                    .draining_busy = simulation->draining_busy,
                                    .free = free,
                                    .busy_s = (double)busy_ns / NS_PER_S,
                                    .workers = pool_counts(&simulation->pool),
                                    .startup_s = startup_median_s(&simulation->pool.startup)};
}

double simulation_worker_s(const struct simulation *simulation)
{
    int64_t alive_ns = simulation->ended_alive_ns;

    for (size_t i = 0; i < simulation->pool.slot_count; i++)
        if (simulation->pool.slots[i].state != WORKER_NONE)
            alive_ns += simulation->now_ns - simulation->pool.slots[i].started_ns;
    return (double)alive_ns / NS_PER_S;
}
