#include "readings.h"

#include "clock.h"
#include "log.h"

#include <math.h>
#include <stdlib.h>

/* A worker that uses the scoreboard has usually said so within this time after its start. What
 * others hold is unknown from then on. */
#define ATTACHED_NS (200 * CLOCK_NS_PER_MS)

/* One that consumes and has said nothing for so long will not. */
#define SILENT_NS (1 * CLOCK_NS_PER_S)

int readings_init(struct readings *readings, size_t slots)
{
    *readings = (struct readings){0};
    readings->workers = calloc(slots, sizeof *readings->workers);
    readings->disbelieved = calloc(slots, sizeof *readings->disbelieved);
    return readings->workers && readings->disbelieved ? 0 : -ERR_MEMORY;
}

void readings_clear(struct readings *readings)
{
    free(readings->workers);
    free(readings->disbelieved);
    readings->workers = NULL;
    readings->disbelieved = NULL;
}

void readings_begin(struct readings *readings, size_t slot, int32_t pid)
{
    readings->workers[slot] = (struct worker_reading){.pid = pid};
}

void readings_keep(struct readings *readings, const struct scoreboard_slot *slot, int64_t now_ns)
{
    if (!scoreboard_impossible(slot, now_ns))
        readings->handled_by_ended_msgs +=
            (double)atomic_load_explicit(&slot->handled_msgs, memory_order_relaxed);
}

static double seconds(int64_t ns)
{
    return (double)ns / (double)CLOCK_NS_PER_S;
}

/* A worker of which nothing has been heard since it was started. Where others tell, one that starts
 * will, and holds nothing before. */
static void take_silent(struct readings *readings, const struct pool_slot *worker, int64_t now_ns,
                        struct node_report *report)
{
    bool starts = worker->state == WORKER_STARTING;
    int64_t silent_ns = worker->silent_ns ? now_ns - worker->silent_ns : 0;

    if (starts && readings->heard)
        return;
    report->unknown |= !starts || now_ns - worker->started_ns >= ATTACHED_NS;
    report->silent += starts || worker->state == WORKER_RUNNING;
    report->silent_s = fmax(report->silent_s, seconds(silent_ns));
    if (silent_ns >= SILENT_NS && !readings->silence_logged) {
        readings->silence_logged = true;
        log_event(
            LOG_WARN, "worker_silent",
            "why=\"the worker uses no scoreboard: what it holds is unknown and not counted\"");
    }
}

/* When the event at hand was taken up; 0: there is none. */
static int64_t took_up_ns(const struct scoreboard_slot *slot)
{
    return scoreboard_handling(slot).low
               ? atomic_load_explicit(&slot->started_ns, memory_order_relaxed)
               : 0;
}

/* What the worker says that it has done so far. */
static void read_worker(struct worker_reading *reading, const struct scoreboard_slot *slot,
                        int64_t now_ns)
{
    int64_t started_ns = atomic_load_explicit(&slot->started_ns, memory_order_relaxed);
    bool working = scoreboard_handling(slot).low != 0 && now_ns > started_ns;

    reading->tells = true;
    reading->blocked =
        atomic_load_explicit(&slot->state, memory_order_relaxed) == SCOREBOARD_BLOCKED;
    reading->in_flight_msgs =
        (double)atomic_load_explicit(&slot->in_flight_msgs, memory_order_relaxed);
    reading->handled_msgs = atomic_load_explicit(&slot->handled_msgs, memory_order_relaxed);
    reading->busy_ns = atomic_load_explicit(&slot->busy_ns, memory_order_relaxed);
    reading->working_s = working ? seconds(now_ns - started_ns) : 0;
}

/* Whether the slot's worker says what may be. Said once of each that does not. */
static bool believes(struct readings *readings, size_t index, const struct scoreboard_slot *slot,
                     int64_t now_ns)
{
    int32_t pid = atomic_load_explicit(&slot->pid, memory_order_acquire);
    const char *field = scoreboard_impossible(slot, now_ns);

    if (field && readings->disbelieved[index] != pid) {
        readings->disbelieved[index] = pid;
        log_event(
            LOG_WARN, "worker_disbelieved",
            "worker=%d field=%s why=\"its slot of the scoreboard says what cannot be: what it "
            "holds is unknown and not counted\"",
            pid, field);
    }
    return !field;
}

static void take_telling(struct readings *readings, const struct worker_reading *worker,
                         const struct scoreboard_slot *slot, struct node_report *report)
{
    int64_t simulated_ns = atomic_load_explicit(&slot->simulated_service_ns, memory_order_relaxed);

    readings->heard = true;
    report->in_flight_msgs += worker->in_flight_msgs;
    report->handled_msgs += (double)worker->handled_msgs;
    if (worker->state == WORKER_DRAINING || worker->state == WORKER_KILLED)
        report->draining_in_flight_msgs += worker->in_flight_msgs;
    if (worker->state == WORKER_RUNNING) {
        report->telling++;
        report->blocked += worker->blocked;
    }
    if (simulated_ns)
        readings->simulated_service_s = seconds(simulated_ns);
}

/* Reads one slot, and notes in the pool whether its worker holds nothing. */
static void take(struct readings *readings, struct pool *pool, size_t index,
                 const struct scoreboard_slot *slot, int64_t now_ns, struct node_report *report)
{
    const struct pool_slot *worker = &pool->slots[index];
    struct worker_reading *reading = &readings->workers[index];

    *reading = (struct worker_reading){.state = worker->state,
                                       .pid = reading->pid,
                                       .slot = (uint32_t)index,
                                       .started_ns = worker->started_ns};
    /* What a worker stores once, it stores before its pid. */
    if (atomic_load_explicit(&slot->pid, memory_order_acquire) &&
        believes(readings, index, slot, now_ns)) {
        read_worker(reading, slot, now_ns);
        take_telling(readings, reading, slot, report);
        pool_idle(pool, index, reading->in_flight_msgs <= 0);
        pool_took_up(pool, index, took_up_ns(slot));
    } else {
        take_silent(readings, worker, now_ns, report);
    }
    if (pool_is_overdue(pool, index))
        report->overdue_s = fmax(report->overdue_s, seconds(now_ns - worker->drained_ns));
}

struct node_report readings_take(struct readings *readings, struct pool *pool,
                                 struct scoreboard *scoreboard, int64_t now_ns)
{
    struct node_report report = {.handled_msgs = readings->handled_by_ended_msgs};

    for (size_t i = 0; i < pool->used; i++)
        if (pool->slots[i].state == WORKER_NONE)
            readings->workers[i] = (struct worker_reading){0};
        else
            take(readings, pool, i, scoreboard_slot(scoreboard, i), now_ns, &report);
    report.counts = pool_counts(pool);
    report.heard = readings->heard;
    report.startup_s = startup_median_s(&pool->startup);
    report.simulated_service_s = readings->simulated_service_s;
    report.readings = readings->workers;
    report.reading_count = pool->used;
    return report;
}
