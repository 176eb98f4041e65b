#include "roster_view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1e9

/* ---- as one node ---- */

static int reserve(struct roster *roster)
{
    size_t workers = 0;

    for (size_t i = 0; i < roster->count; i++)
        workers += roster->nodes[i]->report.worker_count;
    if (workers <= roster->reading_room)
        return 0;
    struct worker_reading *readings = realloc(roster->readings, workers * sizeof *readings);
    if (!readings)
        return -ERR_MEMORY;
    roster->readings = readings;
    roster->reading_room = workers;
    return 0;
}

static enum worker_state state_of(const char *word)
{
    return strcmp(word, "starting") == 0  ? WORKER_STARTING
           : strcmp(word, "running") == 0 ? WORKER_RUNNING
           : strcmp(word, "killed") == 0  ? WORKER_KILLED
                                          : WORKER_DRAINING;
}

static struct worker_reading reading_of(const struct report_worker *worker, size_t node,
                                        int64_t heard_ns)
{
    struct worker_reading reading = {.state = state_of(worker->state),
                                     .node = (uint32_t)node,
                                     .slot = (uint32_t)worker->slot,
                                     .pid = (int32_t)worker->pid,
                                     .started_ns = heard_ns - (int64_t)(worker->since_s * NS_PER_S),
                                     .tells = worker->tells};

    if (!worker->tells)
        return reading;
    reading.blocked = worker->blocked;
    reading.in_flight_msgs = worker->in_flight_msgs;
    reading.handled_msgs = (uint64_t)worker->handled_msgs;
    reading.busy_ns = worker->busy_ns;
    reading.working_s = worker->working_s;
    return reading;
}

/* It counts for ever, whatever has become of the node that did it. */
static void set_done(const struct roster_done *done, struct node_report *sum)
{
    sum->handled_msgs = done->handled_msgs;
    sum->dead_msgs = done->dead_msgs;
    sum->given_back_msgs = done->given_back_msgs;
    sum->handling = done->handling;
    sum->counts.spawned = (uint64_t)done->spawned;
    sum->counts.stopped = (uint64_t)done->stopped;
    sum->counts.crashed = (uint64_t)done->crashed;
    sum->counts.hung = (uint64_t)done->hung;
}

static void add_present(const struct roster_node *node, int64_t now_ns, struct node_report *sum)
{
    const struct report_message *report = &node->report;
    double age_s = (double)(now_ns - node->heard_ns) / NS_PER_S;

    sum->counts.starting += (uint32_t)report->starting;
    sum->counts.running += (uint32_t)report->running;
    sum->counts.draining += (uint32_t)report->draining;
    sum->telling += (uint32_t)report->telling;
    sum->blocked += (uint32_t)report->blocked;
    sum->silent += (uint32_t)report->silent;
    sum->in_flight_msgs += report->in_flight_msgs;
    sum->draining_in_flight_msgs += report->draining_in_flight_msgs;
    sum->unknown |= report->unknown || now_ns - node->heard_ns > ROSTER_FRESH_NS;
    sum->heard |= report->heard;
    sum->startup_s = fmax(sum->startup_s, report->startup_s);
    sum->simulated_service_s = fmax(sum->simulated_service_s, report->simulated_service_s);
    sum->silent_s = fmax(sum->silent_s, report->silent_s);
    sum->overdue_s = fmax(sum->overdue_s, report->overdue_s);
    sum->age_s = fmax(sum->age_s, age_s);
}

int roster_view_report(struct roster *roster, int64_t now_ns, struct node_report *sum)
{
    *sum = (struct node_report){
        .startup_s = NAN, .node_names = roster->names, .node_count = roster->count};
    if (reserve(roster))
        return -ERR_MEMORY;
    for (size_t i = 0; i < roster->count; i++) {
        const struct roster_node *node = roster->nodes[i];
        roster->names[i] = node->report.node;
        if (node->lost)
            continue;
        add_present(node, now_ns, sum);
        for (size_t j = 0; j < node->report.worker_count; j++)
            roster->readings[sum->reading_count++] =
                reading_of(&node->report.workers[j], i, node->heard_ns);
    }
    sum->readings = roster->readings;
    set_done(&roster->done, sum);
    return 0;
}

/* ---- who leads next ---- */

const struct roster_node *roster_view_successor(const struct roster *roster, const char *leader)
{
    const struct roster_node *best = NULL;

    /* Of equal ranks the last by name is the highest. */
    for (size_t i = 0; i < roster->count; i++) {
        const struct roster_node *node = roster->nodes[i];
        if (!node->lost && node->report.consuming && strcmp(node->report.node, leader) != 0 &&
            (!best || node->report.rank >= best->report.rank))
            best = node;
    }
    return best;
}

/* ---- for people ---- */

static const char *state_word(const struct roster_node *node)
{
    return node->lost             ? "lost"
           : node->report.leaving ? "leaving"
           : node->drained        ? "drained"
           : node->retry_ns       ? "unable"
                                  : "up";
}

size_t roster_view_nodes(const struct roster *roster, int64_t now_ns, struct status_node *nodes)
{
    for (size_t i = 0; i < roster->count; i++) {
        const struct roster_node *node = roster->nodes[i];
        const struct report_message *report = &node->report;
        nodes[i] = (struct status_node){.capacity = report->capacity,
                                        .rank = report->rank,
                                        .target = node->order,
                                        .age_s = (double)(now_ns - node->heard_ns) / NS_PER_S};
        memcpy(nodes[i].name, report->node, sizeof nodes[i].name);
        memcpy(nodes[i].state, state_word(node), strlen(state_word(node)) + 1);
        if (node->lost)
            continue;
        nodes[i].starting = report->starting;
        nodes[i].running = report->running;
        nodes[i].draining = report->draining;
    }
    return roster->count;
}
