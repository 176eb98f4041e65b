#include "metrics.h"

#include "csv/number.h"

#include <math.h>
#include <string.h>

struct metric;
/* Writes the lines of one farm. */
typedef void metric_writer(const struct metric *metric, const struct metrics_farm *farm,
                           struct metrics_text *text);

struct metric {
    const char *name, *type;
    metric_writer *write;
    size_t
        offset; /* of what the writer writes: within struct status, unless the writer says else */
    const char *help;
};

static void begin_line(const struct metric *metric, const char *suffix,
                       const struct metrics_farm *farm, struct metrics_text *text)
{
    metrics_text_begin_line(text, metric->name, suffix, farm->farm);
}

/* What is unknown has no line. */
static void put_line(const struct metric *metric, const struct metrics_farm *farm, double value,
                     struct metrics_text *text)
{
    if (!isfinite(value))
        return;
    begin_line(metric, "", farm, text);
    metrics_text_end_line(text, value);
}

static const void *place(const struct metric *metric, const struct metrics_farm *farm)
{
    return (const char *)farm->status + metric->offset;
}

/* ---- writers: of numbers that stand in the status as they are ---- */

static void write_integer(const struct metric *metric, const struct metrics_farm *farm,
                          struct metrics_text *text)
{
    put_line(metric, farm, (double)*(const int64_t *)place(metric, farm), text);
}

static void write_real(const struct metric *metric, const struct metrics_farm *farm,
                       struct metrics_text *text)
{
    put_line(metric, farm, *(const double *)place(metric, farm), text);
}

static void write_bool(const struct metric *metric, const struct metrics_farm *farm,
                       struct metrics_text *text)
{
    put_line(metric, farm, *(const bool *)place(metric, farm), text);
}

/* A time span that has gone on since the status was made. */
static void write_span(const struct metric *metric, const struct metrics_farm *farm,
                       struct metrics_text *text)
{
    put_line(metric, farm, *(const double *)place(metric, farm) + farm->age_s, text);
}

/* ---- writers: of what workers tell ---- */

/* Where nothing was ever handled and some worker tells nothing, nobody knows what was. */
static bool workers_tell(const struct status *status)
{
    return status->counters.handled_msgs > 0 || status->decision.silent_workers == 0;
}

static void write_handled(const struct metric *metric, const struct metrics_farm *farm,
                          struct metrics_text *text)
{
    if (workers_tell(farm->status))
        write_integer(metric, farm, text);
}

static void write_told(const struct metric *metric, const struct metrics_farm *farm,
                       struct metrics_text *text)
{
    if (workers_tell(farm->status))
        write_real(metric, farm, text);
}

static void write_times(const struct metric *metric, const struct metrics_farm *farm,
                        struct metrics_text *text)
{
    const struct time_classes *times = place(metric, farm);
    double count = 0;

    if (!isfinite(times->sum_s))
        return;
    for (size_t i = 0; i < TIME_CLASSES; i++) {
        count += (double)times->count[i];
        begin_line(metric, "_bucket", farm, text);
        metrics_text_label(text, "le", time_classes_bound(i));
        metrics_text_end_line(text, count);
    }
    begin_line(metric, "_sum", farm, text);
    metrics_text_end_line(text, times->sum_s);
    begin_line(metric, "_count", farm, text);
    metrics_text_end_line(text, count);
}

static void write_told_times(const struct metric *metric, const struct metrics_farm *farm,
                             struct metrics_text *text)
{
    if (workers_tell(farm->status))
        write_times(metric, farm, text);
}

static void put_worker_line(const struct metric *metric, const struct metrics_farm *farm,
                            const struct status_worker *worker, double value,
                            struct metrics_text *text)
{
    char slot[NUMBER_TEXT_SIZE];

    if (!isfinite(value))
        return;
    number_format((double)worker->slot, slot);
    begin_line(metric, "", farm, text);
    if (worker->node[0])
        metrics_text_label(text, "node", worker->node);
    metrics_text_label(text, "slot", slot);
    metrics_text_end_line(text, value);
}

static void write_busy(const struct metric *metric, const struct metrics_farm *farm,
                       struct metrics_text *text)
{
    const struct status *status = farm->status;

    for (size_t i = 0; i < status->worker_count; i++)
        put_worker_line(metric, farm, &status->workers[i], status->workers[i].busy_share, text);
}

static void write_held(const struct metric *metric, const struct metrics_farm *farm,
                       struct metrics_text *text)
{
    const struct status *status = farm->status;

    for (size_t i = 0; i < status->worker_count; i++)
        put_worker_line(metric, farm, &status->workers[i], status->workers[i].in_flight_msgs, text);
}

/* ---- writers: of the rest ---- */

static bool is_fresh(const struct metrics_farm *farm)
{
    return farm->status && farm->age_s <= METRICS_FRESH_S;
}

static void write_up(const struct metric *metric, const struct metrics_farm *farm,
                     struct metrics_text *text)
{
    put_line(metric, farm, is_fresh(farm), text);
}

static void write_age(const struct metric *metric, const struct metrics_farm *farm,
                      struct metrics_text *text)
{
    if (farm->status)
        put_line(metric, farm, farm->age_s, text);
}

static void write_broker(const struct metric *metric, const struct metrics_farm *farm,
                         struct metrics_text *text)
{
    begin_line(metric, "", farm, text);
    metrics_text_label(text, "from", "page");
    metrics_text_end_line(text, farm->connected);
    if (!is_fresh(farm))
        return;
    begin_line(metric, "", farm, text);
    metrics_text_label(text, "from", "autoscaler");
    metrics_text_end_line(text, !isfinite(farm->status->broker_away_s));
}

/* node: NULL where it is of the whole farm */
static void put_state(const struct metric *metric, const struct metrics_farm *farm,
                      const char *node, const char *state, int64_t value, struct metrics_text *text)
{
    begin_line(metric, "", farm, text);
    if (node)
        metrics_text_label(text, "node", node);
    metrics_text_label(text, "state", state);
    metrics_text_end_line(text, (double)value);
}

static void write_states(const struct metric *metric, const struct metrics_farm *farm,
                         struct metrics_text *text)
{
    const struct status *status = farm->status;

    put_state(metric, farm, NULL, "starting", status->starting, text);
    put_state(metric, farm, NULL, "running", status->running, text);
    put_state(metric, farm, NULL, "draining", status->draining, text);
}

static void write_arrived(const struct metric *metric, const struct metrics_farm *farm,
                          struct metrics_text *text)
{
    const char *source = farm->status->decision.arrival_source;

    if (source && strcmp(source, HISTORY_NOT_MEASURED) != 0)
        write_integer(metric, farm, text);
}

static void write_reason(const struct metric *metric, const struct metrics_farm *farm,
                         struct metrics_text *text)
{
    const char *reason = farm->status->decision.reason;

    if (!reason)
        return;
    begin_line(metric, "", farm, text);
    metrics_text_label(text, "reason", reason);
    metrics_text_end_line(text, 1);
}

static void write_service_time(const struct metric *metric, const struct metrics_farm *farm,
                               struct metrics_text *text)
{
    const struct history_row *row = &farm->status->decision;

    put_line(metric, farm, row->horizon_s / row->capacity_msgs, text);
}

/* ---- writers: of nodes; their offset is within struct status_node ---- */

static void write_node_states(const struct metric *metric, const struct metrics_farm *farm,
                              struct metrics_text *text)
{
    const struct status *status = farm->status;

    for (const struct status_node *node = status->nodes; node < status->nodes + status->node_count;
         node++)
        put_state(metric, farm, node->name, node->state, 1, text);
}

static void write_node_workers(const struct metric *metric, const struct metrics_farm *farm,
                               struct metrics_text *text)
{
    const struct status *status = farm->status;

    for (const struct status_node *node = status->nodes; node < status->nodes + status->node_count;
         node++) {
        put_state(metric, farm, node->name, "starting", node->starting, text);
        put_state(metric, farm, node->name, "running", node->running, text);
        put_state(metric, farm, node->name, "draining", node->draining, text);
    }
}

static void put_node_line(const struct metric *metric, const struct metrics_farm *farm,
                          const struct status_node *node, double value, struct metrics_text *text)
{
    if (!isfinite(value))
        return;
    begin_line(metric, "", farm, text);
    metrics_text_label(text, "node", node->name);
    metrics_text_end_line(text, value);
}

static void write_node_integer(const struct metric *metric, const struct metrics_farm *farm,
                               struct metrics_text *text)
{
    const struct status *status = farm->status;

    for (size_t i = 0; i < status->node_count; i++) {
        const void *at = (const char *)&status->nodes[i] + metric->offset;
        put_node_line(metric, farm, &status->nodes[i], (double)*(const int64_t *)at, text);
    }
}

static void write_node_age(const struct metric *metric, const struct metrics_farm *farm,
                           struct metrics_text *text)
{
    const struct status *status = farm->status;

    for (size_t i = 0; i < status->node_count; i++)
        put_node_line(metric, farm, &status->nodes[i], status->nodes[i].age_s + farm->age_s, text);
}

/* ---- the table ---- */

#define IN(member)      offsetof(struct status, member)
#define OF_NODE(member) offsetof(struct status_node, member)

/* These are of a farm whatever is known of it. */
static const struct metric always[] = {
    {"winnow_up", "gauge", write_up, 0,
     "1 while the farm's autoscaler tells what it does, else 0."},
    {"winnow_status_age_seconds", "gauge", write_age, 0,
     "Time since the last status of the farm came in."},
    {"winnow_broker_up", "gauge", write_broker, 0,
     "1 while the connection to the broker is there, of winnow-page and of the autoscaler."},
};

static const struct metric metrics[] = {
    {"winnow_workers", "gauge", write_states, 0, "Workers by what they do."},
    {"winnow_desired_workers", "gauge", write_real, IN(decision.desired_workers),
     "Workers that there shall be, N, as was decided last."},
    {"winnow_formula_workers", "gauge", write_real, IN(decision.formula_workers),
     "Workers that the policy alone would have, before limits, delays and steps."},
    {"winnow_min_workers", "gauge", write_integer, IN(limits.min_workers),
     "The least workers that there may be."},
    {"winnow_max_workers", "gauge", write_integer, IN(limits.max_workers),
     "The most workers that there may be."},
    {"winnow_fixed_workers", "gauge", write_real, IN(limits.replicas),
     "The number of workers that somebody has fixed; absent when nobody has."},
    {"winnow_useful_workers", "gauge", write_real, IN(decision.useful_workers),
     "More workers than this were seen not to help; absent while no such limit was seen."},
    {"winnow_silent_workers", "gauge", write_real, IN(decision.silent_workers),
     "Workers that do not tell what they do."},
    {"winnow_paused", "gauge", write_bool, IN(limits.paused),
     "1 while somebody has the number of workers stay as it is, else 0."},
    {"winnow_decision_reason", "gauge", write_reason, 0,
     "Always 1; its label says what bound the last decision."},
    {"winnow_decision_age_seconds", "gauge", write_span, IN(decided_s),
     "Time since the last decision."},
    {"winnow_epoch", "gauge", write_integer, IN(epoch),
     "Which run of an autoscaler the counters are of; another one begins them at 0."},
    {"winnow_autoscaler_uptime_seconds", "gauge", write_span, IN(age_s),
     "Time since the autoscaler began to run the farm."},

    {"winnow_backlog_events", "gauge", write_real, IN(decision.backlog_msgs),
     "Events that wait or are at hand, B, less what draining workers hold."},
    {"winnow_ready_events", "gauge", write_real, IN(decision.ready_msgs),
     "Events in the work queue that no worker has."},
    {"winnow_in_flight_events", "gauge", write_real, IN(decision.in_flight_msgs),
     "Events that workers hold."},
    {"winnow_arrivals_per_second", "gauge", write_real, IN(decision.arrival_per_s),
     "Events that arrive in a second, as it was decided by."},
    {"winnow_accepted_per_second", "gauge", write_real, IN(decision.accepted_per_s),
     "Events that the work queue takes in a second."},
    {"winnow_blocked", "gauge", write_real, IN(decision.blocked),
     "1 while the broker takes nothing from any worker, else 0."},
    {"winnow_capacity_events", "gauge", write_real, IN(decision.capacity_msgs),
     "Events that one worker handles within the horizon, C."},
    {"winnow_horizon_seconds", "gauge", write_real, IN(decision.horizon_s), "The horizon, T."},
    {"winnow_service_time_seconds", "gauge", write_service_time, 0,
     "Time that an event takes a worker, as it was decided by: T / C."},
    {"winnow_startup_seconds", "gauge", write_real, IN(decision.startup_s),
     "Time that a worker takes to start, as lately."},
    {"winnow_overdue_seconds", "gauge", write_real, IN(decision.overdue_s),
     "How long the longest drain has lasted that goes on past its time-out; 0 when none does."},

    {"winnow_arrived_events_total", "counter", write_arrived, IN(counters.arrived_msgs),
     "Events that have arrived, as far as they were counted."},
    {"winnow_handled_events_total", "counter", write_handled, IN(counters.handled_msgs),
     "Events that workers have answered."},
    {"winnow_dead_events_total", "counter", write_told, IN(counters.dead_msgs),
     "Events that workers could not handle."},
    {"winnow_given_back_events_total", "counter", write_told, IN(counters.given_back_msgs),
     "Events that workers gave back to the queue because their drain ran out of time."},
    {"winnow_workers_spawned_total", "counter", write_integer, IN(counters.spawned),
     "Workers that were started."},
    {"winnow_workers_stopped_total", "counter", write_integer, IN(counters.stopped),
     "Workers that ended as they were asked to."},
    {"winnow_workers_crashed_total", "counter", write_integer, IN(counters.crashed),
     "Workers that ended otherwise, those that hung among them."},
    {"winnow_workers_hung_total", "counter", write_real, IN(counters.hung),
     "Workers that were killed because they made no progress."},
    {"winnow_decisions_total", "counter", write_integer, IN(counters.decisions),
     "Decisions that were made."},
    {"winnow_untold_messages_total", "counter", write_integer, IN(counters.untold_msgs),
     "Statuses, answers and log events that the autoscaler had no room to publish."},

    {"winnow_handling_seconds", "histogram", write_told_times, IN(handling),
     "How long events took, from being taken up until they were answered."},
    {"winnow_measurement_age_seconds", "histogram", write_times, IN(measured),
     "How old the broker's answers were by which a decision was made, the older of the two."},

    {"winnow_worker_busy_ratio", "gauge", write_busy, 0,
     "Share of its time that the worker in this slot is at work."},
    {"winnow_worker_in_flight_events", "gauge", write_held, 0,
     "Events that the worker in this slot holds."},

    {"winnow_node_state", "gauge", write_node_states, 0,
     "Always 1; its label says how the node is: up, leaving, drained, unable, lost."},
    {"winnow_node_workers", "gauge", write_node_workers, 0, "Workers of a node by what they do."},
    {"winnow_node_target_workers", "gauge", write_node_integer, OF_NODE(target),
     "Workers that the node is ordered to run."},
    {"winnow_node_capacity_workers", "gauge", write_node_integer, OF_NODE(capacity),
     "Workers that the node can run."},
    {"winnow_node_report_age_seconds", "gauge", write_node_age, 0,
     "Time since the leader heard of the node."},
};

int metrics_write(const struct metrics_farm *farms, size_t count, struct metrics_text *text)
{
    metrics_text_clear(text);
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
        metrics_text_head(text, always[i].name, always[i].type, always[i].help);
        for (size_t farm = 0; farm < count; farm++)
            always[i].write(&always[i], &farms[farm], text);
    }
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        metrics_text_head(text, metrics[i].name, metrics[i].type, metrics[i].help);
        for (size_t farm = 0; farm < count; farm++)
            if (is_fresh(&farms[farm]))
                metrics[i].write(&metrics[i], &farms[farm], text);
    }
    return text->failed ? -ERR_MEMORY : 0;
}
