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

/* How often what workers tell of their times is added up. It is on cache lines of its own, and the
 * rest of a slot is read at every step. */
#define TIMES_EVERY_NS (100 * CLOCK_NS_PER_MS)

/* No worker counts further. */
#define MOST_COUNT (UINT64_C(1) << 53)

/* The counts of one worker that are in the sums. */
struct readings_own {
    uint64_t handled_msgs, dead_msgs, given_back_msgs;
    int64_t busy_ns;
    uint64_t handled_within[TIME_CLASSES];
};

int readings_init(struct readings *readings, size_t slots)
{
    *readings = (struct readings){0};
    readings->workers = calloc(slots, sizeof *readings->workers);
    readings->disbelieved = calloc(slots, sizeof *readings->disbelieved);
    readings->own = calloc(slots, sizeof *readings->own);
    return readings->workers && readings->disbelieved && readings->own ? 0 : -ERR_MEMORY;
}

void readings_clear(struct readings *readings)
{
    free(readings->workers);
    free(readings->disbelieved);
    free(readings->own);
    readings->workers = NULL;
    readings->disbelieved = NULL;
    readings->own = NULL;
}

void readings_begin(struct readings *readings, size_t slot, int32_t pid)
{
    readings->workers[slot] = (struct worker_reading){.pid = pid};
}

static double seconds(int64_t ns)
{
    return (double)ns / (double)CLOCK_NS_PER_S;
}

/* By what a count has grown since it was last added up. One that has fallen adds nothing until it
 * has grown past what it was; nor does one that cannot be. */
static double growth_of(const _Atomic uint64_t *place, uint64_t *own)
{
    uint64_t count = atomic_load_explicit(place, memory_order_relaxed), before = *own;

    if (count <= before || count > MOST_COUNT)
        return 0;
    *own = count;
    return (double)(count - before);
}

/* Each adds what the slot's worker has done since it was last called. */
static void add_up_events(struct readings *readings, size_t index,
                          const struct scoreboard_slot *slot)
{
    struct readings_own *own = &readings->own[index];

    readings->handled_msgs += growth_of(&slot->handled_msgs, &own->handled_msgs);
    readings->dead_msgs += growth_of(&slot->dead_msgs, &own->dead_msgs);
    readings->given_back_msgs += growth_of(&slot->given_back_msgs, &own->given_back_msgs);
}

static void add_up_times(struct readings *readings, size_t index,
                         const struct scoreboard_slot *slot)
{
    struct readings_own *own = &readings->own[index];
    int64_t busy_ns = atomic_load_explicit(&slot->busy_ns, memory_order_relaxed);

    if (busy_ns > own->busy_ns) {
        readings->handling.sum_s += seconds(busy_ns - own->busy_ns);
        own->busy_ns = busy_ns;
    }
    for (size_t i = 0; i < TIME_CLASSES; i++)
        readings->handling.count[i] +=
            (uint64_t)growth_of(&slot->handled_within[i], &own->handled_within[i]);
}

/* What the slot says that cannot be; NULL: nothing. now_ns may be from before this process stood
 * still, and its workers did not. */
static const char *impossible(const struct scoreboard_slot *slot, int64_t now_ns)
{
    const char *field = scoreboard_impossible(slot, now_ns);

    return field ? scoreboard_impossible(slot, clock_now_ns()) : NULL;
}

void readings_keep(struct readings *readings, size_t index, const struct scoreboard_slot *slot,
                   int64_t now_ns)
{
    if (!impossible(slot, now_ns)) {
        add_up_events(readings, index, slot);
        add_up_times(readings, index, slot);
    }
    readings->own[index] = (struct readings_own){0};
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
    const char *field = impossible(slot, now_ns);

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
        add_up_events(readings, index, slot);
        if (readings->times_ns == now_ns)
            add_up_times(readings, index, slot);
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
    struct node_report report = {0};

    if (now_ns - readings->times_ns >= TIMES_EVERY_NS)
        readings->times_ns = now_ns;
    for (size_t i = 0; i < pool->used; i++)
        if (pool->slots[i].state == WORKER_NONE)
            readings->workers[i] = (struct worker_reading){0};
        else
            take(readings, pool, i, scoreboard_slot(scoreboard, i), now_ns, &report);
    report.counts = pool_counts(pool);
    report.handled_msgs = readings->handled_msgs;
    report.dead_msgs = readings->dead_msgs;
    report.given_back_msgs = readings->given_back_msgs;
    report.handling = readings->handling;
    report.heard = readings->heard;
    report.startup_s = startup_median_s(&pool->startup);
    report.simulated_service_s = readings->simulated_service_s;
    report.readings = readings->workers;
    report.reading_count = pool->used;
    return report;
}
