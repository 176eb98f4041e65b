#include "readings.h"

#include "clock.h"
#include "log.h"

#include <math.h>

/* A worker that uses the scoreboard is on it by then; what others hold is unknown from the start. */
#define ATTACHED_NS (200 * CLOCK_NS_PER_MS)

/* When none has said anything for so long, none will; even a slow host starts one in less. */
#define NEVER_SPEAKS_NS (3 * CLOCK_NS_PER_S)

int workers_init(struct workers *workers, struct pool *pool, struct scoreboard *scoreboard,
                 bool learns)
{
    *workers = (struct workers){.pool = pool, .scoreboard = scoreboard, .learns = learns};
    saturation_start(&workers->saturation);
    return capacity_init(&workers->capacity, pool->slot_count);
}

void workers_clear(struct workers *workers)
{
    capacity_clear(&workers->capacity);
}

void workers_ended(struct workers *workers, const struct scoreboard_slot *slot)
{
    workers->handled_by_ended += atomic_load_explicit(&slot->handled_msgs, memory_order_relaxed);
}

/* A worker of which nothing is heard. */
static bool is_silent(struct workers *workers, const struct pool_slot *slot, int64_t now_ns)
{
    int64_t age_ns = now_ns - slot->started_ns;

    if (age_ns >= POOL_SILENT_START_NS && !workers->told_silent) {
        workers->told_silent = true;
        log_event(
            LOG_WARN, "worker_silent",
            "why=\"the worker uses no scoreboard: what it holds is unknown and not counted\"");
    }
    if (workers->learns && !workers->spoke && age_ns >= NEVER_SPEAKS_NS)
        workers->cannot_learn = true;
    return age_ns >= ATTACHED_NS;
}

struct workers_view workers_look(struct workers *workers, int64_t now_ns)
{
    struct workers_view view = {.handled_msgs = (double)workers->handled_by_ended};

    for (size_t i = 0; i < workers->pool->slot_count; i++) {
        const struct pool_slot *worker = &workers->pool->slots[i];
        struct scoreboard_slot *slot = scoreboard_slot(workers->scoreboard, i);
        if (worker->state == POOL_EMPTY)
            continue;
        if (!atomic_load_explicit(&slot->pid, memory_order_relaxed)) {
            view.unknown |= is_silent(workers, worker, now_ns);
            continue;
        }
        workers->spoke = true;
        double held = (double)atomic_load_explicit(&slot->in_flight_msgs, memory_order_relaxed);
        view.in_flight_msgs += held;
        if (worker->state == POOL_DRAINING || worker->state == POOL_KILLED)
            view.draining_in_flight_msgs += held;
        view.handled_msgs +=
            (double)atomic_load_explicit(&slot->handled_msgs, memory_order_relaxed);
        if (worker->state == POOL_RUNNING) {
            view.running++;
            view.blocked +=
                atomic_load_explicit(&slot->state, memory_order_relaxed) == SCOREBOARD_BLOCKED;
        }
        int64_t simulated = atomic_load_explicit(&slot->simulated_service_ns, memory_order_relaxed);
        if (simulated)
            workers->simulated_service_s = (double)simulated / (double)CLOCK_NS_PER_S;
        pool_idle(workers->pool, i, held == 0);
    }
    return view;
}

static void learn_capacity(struct workers *workers, int64_t now_ns, double time_s)
{
    for (size_t i = 0; i < workers->pool->slot_count; i++) {
        const struct scoreboard_slot *slot = scoreboard_slot(workers->scoreboard, i);
        int64_t started_ns = atomic_load_explicit(&slot->started_ns, memory_order_relaxed);
        bool working = scoreboard_handling(slot).low != 0;
        struct capacity_reading reading = {
            .pid = atomic_load_explicit(&slot->pid, memory_order_relaxed),
            .handled_msgs = atomic_load_explicit(&slot->handled_msgs, memory_order_relaxed),
            .busy_ns = atomic_load_explicit(&slot->busy_ns, memory_order_relaxed),
            .working_s = working && now_ns > started_ns
                             ? (double)(now_ns - started_ns) / (double)CLOCK_NS_PER_S
                             : 0,
        };
        capacity_look(&workers->capacity, i, &reading);
    }
    capacity_looked(&workers->capacity, time_s);
}

void workers_learn(struct workers *workers, int64_t now_ns, double time_s, bool pressed,
                   double horizon_s)
{
    struct workers_view view = workers_look(workers, now_ns);
    struct pool_counts counts = pool_counts(workers->pool);

    learn_capacity(workers, now_ns, time_s);
    saturation_look(&workers->saturation,
                    &(struct saturation_look){
                        .time_s = time_s,
                        .workers = counts.running,
                        .steady = !counts.starting && !counts.draining,
                        .pressed = pressed,
                        .handled_msgs = view.handled_msgs,
                        .service_s = capacity_service_s(&workers->capacity, horizon_s),
                    });
}
