#include "snapshot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1e9

/* Over less time a share would be mostly noise. */
#define LEAST_S 0.1

struct snapshot_busy {
    int32_t pid; /* of the worker that it is about */
    int64_t at_ns;
    double busy_s; /* until then */
    double share;  /* as it was told last */
};

static const char *const states[WORKER_STATES] = {[WORKER_NONE] = "",
                                                  [WORKER_STARTING] = "starting",
                                                  [WORKER_RUNNING] = "running",
                                                  [WORKER_DRAINING] = "draining",
                                                  [WORKER_KILLED] = "killed"};

void snapshot_clear(struct snapshot *snapshot)
{
    free(snapshot->busy);
    free(snapshot->workers);
    *snapshot = (struct snapshot){0};
}

static int reserve(struct snapshot *snapshot, size_t slots)
{
    if (slots <= snapshot->slots)
        return 0;
    struct snapshot_busy *busy = realloc(snapshot->busy, slots * sizeof *busy);
    if (busy)
        snapshot->busy = busy;
    struct status_worker *workers = realloc(snapshot->workers, slots * sizeof *workers);
    if (workers)
        snapshot->workers = workers;
    if (!busy || !workers)
        return -ERR_MEMORY;
    memset(busy + snapshot->slots, 0, (slots - snapshot->slots) * sizeof *busy);
    snapshot->slots = slots;
    return 0;
}

/* Of the time since the last snapshot, or since the worker's start. */
static double busy_share(struct snapshot_busy *busy, const struct worker_reading *worker,
                         int64_t now_ns)
{
    double busy_s = (double)worker->busy_ns / NS_PER_S + worker->working_s;

    if (busy->pid != worker->pid)
        *busy = (struct snapshot_busy){.pid = worker->pid, .at_ns = worker->started_ns};
    double passed_s = (double)(now_ns - busy->at_ns) / NS_PER_S;
    if (passed_s < LEAST_S)
        return busy->share;
    double share = fmin(fmax((busy_s - busy->busy_s) / passed_s, 0), 1);
    *busy = (struct snapshot_busy){
        .pid = worker->pid, .at_ns = now_ns, .busy_s = busy_s, .share = share};
    return share;
}

static struct status_worker worker_of(const struct node_report *report,
                                      const struct worker_reading *worker,
                                      struct snapshot_busy *busy, int64_t now_ns)
{
    struct status_worker told = {
        .slot = worker->slot,
        .pid = worker->pid,
        .since_s = (double)(now_ns - worker->started_ns) / NS_PER_S,
        .tells = worker->tells,
        .blocked = worker->blocked,
        .handled_msgs = (int64_t)worker->handled_msgs,
        .in_flight_msgs = worker->tells ? worker->in_flight_msgs : (double)NAN,
        .busy_share = worker->tells ? busy_share(busy, worker, now_ns) : (double)NAN,
    };

    memcpy(told.state, states[worker->state], strlen(states[worker->state]) + 1);
    if (report->node_names) {
        const char *node = report->node_names[worker->node];
        memcpy(told.node, node, strnlen(node, sizeof told.node - 1));
    }
    return told;
}

int snapshot_take(struct snapshot *snapshot, const struct node_report *report, int64_t now_ns,
                  struct status *status)
{
    if (reserve(snapshot, report->reading_count))
        return -ERR_MEMORY;
    status->starting = report->counts.starting;
    status->running = report->counts.running;
    status->draining = report->counts.draining;
    status->workers = snapshot->workers;
    status->worker_count = 0;
    for (size_t i = 0; i < report->reading_count; i++)
        if (report->readings[i].state != WORKER_NONE)
            snapshot->workers[status->worker_count++] =
                worker_of(report, &report->readings[i], &snapshot->busy[i], now_ns);
    return 0;
}
