/* simulation.h - a farm on simulated time: one queue, and workers that are started and drained by
 * the same pool as live ones. Pure: the caller decides how many workers there should be, and when.
 *
 * The model, exactly, so that a second implementation gives the same numbers:
 *
 * - Time is whole nanoseconds from 0. Events wait in one queue, first come, first served.
 * - A worker takes one event at a time, the oldest, as soon as it is free; prefetch is not
 *   modelled. Of several free workers the one with the lowest slot number takes it. The k-th event
 *   to start takes the k-th service time.
 * - A worker that is started at t is ready at t + startup, and takes its first event then. The k-th
 *   to be started takes the k-th startup time.
 * - A free worker that is told to drain ends at once; a busy one when its event is done, however
 *   long that takes; a starting one when it would have been ready. Nothing crashes, nothing hangs.
 * - What happens at the same time happens in this order: workers become ready or done, by slot
 *   number; then an event arrives; then decisions.
 * - simulation_want steps the pool until it has no more actions; so does the end of a worker while
 *   the number of those starting and running is not the one wanted.
 * - The run is over when the trace is at its end and no event is waiting or in service. Workers
 *   that are alive then are counted until then.
 *
 * It takes 8 bytes for each event of the longest queue; the length of the trace does not matter. */
#ifndef WINNOW_SIMULATION_H
#define WINNOW_SIMULATION_H

#include "autoscaler/node/pool.h"
#include "histogram.h"
#include "moments.h"
#include "service.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the events come from.
 *
 * next   1 and the time of the next event, never less than the one before; 0 when there are no
 *        more, and then the time at which the trace ends, likewise; or a negative error */
struct simulation_source {
    void *context;
    int (*next)(void *context, int64_t *at_ns);
};

struct simulation_params {
    struct simulation_source source;
    struct service service; /* at its start; copied */
    struct service startup; /* likewise: from the start of a worker to its first event */
    int64_t late_ns;        /* an event that waits longer is late */
    uint32_t max_workers;   /* 1 .. POOL_MAX_WORKERS */
    enum pool_stop stop;
};

struct simulation_worker {
    bool busy;
    int64_t since_ns; /* since when it is busy, or free */
    uint32_t streak;  /* events it has begun without being free for SIMULATION_IDLE_NS */
};

#define SIMULATION_IDLE_NS INT64_C(1000000000)

/* What can be seen of the farm at a moment. */
struct simulation_view {
    int64_t now_ns;
    uint64_t arrived, handled;    /* events since the start */
    uint64_t waiting;             /* in the queue */
    uint32_t busy, draining_busy; /* workers with an event: all of them; those that drain */
    uint32_t free;                /* running, without an event */
    double busy_s;                /* service done since the start, of all workers */
    struct worker_counts workers;
    double startup_s; /* of the last workers that have started; NAN: none has yet */
};

struct simulation {
    struct simulation_params params;
    struct service service, startup;
    struct pool pool;
    struct simulation_worker *workers; /* one a slot */
    struct moments moments;            /* of each that is starting or busy: when that is over */
    uint64_t *free_slots;              /* one bit a slot: its worker is free */

    int64_t *queue; /* when the waiting events arrived: a ring, its size a power of two */
    size_t queue_capacity;

    int64_t now_ns, next_arrival_ns;
    bool more; /* there is a next arrival; if not, next_arrival_ns is the trace's end */
    int error; /* of the source, or out of memory: nothing happens any more */
    uint64_t arrived, started, handled, late;
    uint32_t busy, draining_busy, peak_workers;
    double work_s;          /* service times of the events that were started */
    int64_t finished_ns;    /* service done, of events that are finished */
    uint64_t busy_since_ns; /* the sum of since_ns over busy workers; may wrap around */
    int64_t ended_alive_ns; /* lifetime of workers that have ended */
    struct histogram waits;
};

/* 0, -ERR_INVALID (a parameter out of its range), -ERR_MEMORY or an error of the source. Nothing is
 * to be cleared after an error. */
int simulation_init(struct simulation *simulation, const struct simulation_params *params);
void simulation_clear(struct simulation *simulation);

enum simulation_stop {
    SIMULATION_DUE,     /* it is until_ns, and everything up to it has happened */
    SIMULATION_ARRIVED, /* an event has arrived, now */
    SIMULATION_OVER,    /* nothing will happen any more */
    SIMULATION_FAILED,  /* see error */
};

/* Lets time pass to until_ns, to the next arrival when each_arrival is set, or to the end,
 * whichever comes first. */
enum simulation_stop simulation_advance(struct simulation *simulation, int64_t until_ns,
                                        bool each_arrival);

/* From now on so many workers should be starting or running. */
void simulation_want(struct simulation *simulation, uint32_t workers);

struct simulation_view simulation_view(const struct simulation *simulation);

/* Seconds that workers have been alive: starting, running or draining. */
double simulation_worker_s(const struct simulation *simulation);

#endif
