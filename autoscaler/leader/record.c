#include "record.h"

#include "console.h"
#include "log.h"

#include <math.h>

int record_check(const char *history_path, struct why *why)
{
    return history_path ? history_writer_check(history_path, why) : 0;
}

/* Whoever took over from an autoscaler that still drains its workers decides at once, and writes
 * down what it decides as soon as the other has closed the history. */
static int open_history(struct record *record, struct why *why)
{
    const struct record_settings *settings = &record->settings;

    if (!settings->history_path || record->history)
        return 0;
    int error = history_writer_open(settings->history_path, &record->history, why);
    if (error != -ERR_LOCKED || !settings->may_wait)
        return error;
    if (!record->waiting)
        log_event(LOG_WARN, "history_not_open", "why=\"%s\" doing=\"deciding without it\"",
                  why->text);
    record->waiting = true;
    return 0;
}

int record_open(const struct record_settings *settings, struct record *record, struct why *why)
{
    *record = (struct record){.settings = *settings, .epoch = NAN};
    history_format_clear(&record->row);
    int error = open_history(record, why);

    if (!error && !settings->quiet)
        console_start(settings->farm, settings->policy, settings->params, settings->worker);
    if (!error && !settings->quiet && !settings->one_of_several)
        console_head(false);
    return error;
}

void record_close(struct record *record)
{
    history_writer_close(record->history);
    record->history = NULL;
}

/* How many events a second were handled since the last tick; NAN when some worker does not tell. */
static double handled_per_s(struct record *record, const struct decision_record *decided,
                            bool unknown)
{
    const struct node_report *report = &decided->report;
    double before_msgs = record->handled_msgs;

    record->handled_msgs = report->handled_msgs;
    if (!(decided->sampled.interval_s > 0) || unknown)
        return NAN;
    return (report->handled_msgs - before_msgs) / decided->sampled.interval_s;
}

void record_write(struct record *record, const struct decision_record *decided,
                  const struct node_report *after)
{
    const struct record_settings *settings = &record->settings;
    const struct worker_counts *counts = &after->counts;
    struct history_row *row = &record->row;
    struct why why = {0};

    policy_history_params(settings->policy, settings->params, record->params_text);
    history_format_clear(row);
    policy_history_write(settings->policy, settings->params, &decided->sample, &decided->decision,
                         row);
    row->params = record->params_text;
    row->farm = settings->farm;
    row->epoch = record->epoch;
    row->arrived_msgs = decided->sampled.arrived_msgs;
    row->arrival_age_s = decided->sampled.arrival_age_s;
    row->backlog_age_s = decided->sampled.ready_age_s;
    /* A worker that now turns out to tell nothing told nothing before. */
    bool unknown = decided->report.unknown || after->unknown;
    row->in_flight_msgs = unknown ? (double)NAN : decided->report.in_flight_msgs;
    row->running_workers = counts->running;
    row->starting_workers = counts->starting;
    row->draining_workers = counts->draining;
    row->spawned = (double)(counts->spawned - record->counted.spawned);
    row->stopped = (double)(counts->stopped - record->counted.stopped);
    row->crashed = (double)(counts->crashed - record->counted.crashed);
    row->overdue_s = after->overdue_s;
    if (decided->by_accepted)
        row->arrival_source = HISTORY_ACCEPTED;
    row->accepted_per_s = decided->accepted_per_s;
    row->simulated_service_s = after->simulated_service_s;
    record->counted = *counts;
    if (decided->sample.trigger == POLICY_TICK)
        row->handled_per_s = handled_per_s(record, decided, unknown);

    if (!settings->quiet)
        console_row(row, settings->one_of_several);
    if (open_history(record, &why) ||
        (record->history && history_writer_append(record->history, row, &why)))
        log_event(LOG_ERROR, "history_not_written", "why=\"%s\"", why.text);
}
