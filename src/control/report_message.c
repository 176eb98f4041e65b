#include "report_message.h"

#include "fields.h"
#include "members.h"
#include "times.h"
#include "token_message.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct field worker_fields[] = {
    FIELD(FIELD_INTEGER, report_worker, slot),
    FIELD(FIELD_INTEGER, report_worker, pid),
    FIELD(FIELD_TEXT, report_worker, state),
    FIELD(FIELD_REAL, report_worker, since_s),
    FIELD(FIELD_BOOL, report_worker, tells),
    FIELD(FIELD_BOOL, report_worker, blocked),
    FIELD(FIELD_INTEGER, report_worker, handled_msgs),
    FIELD(FIELD_INTEGER, report_worker, busy_ns),
    FIELD(FIELD_REAL, report_worker, in_flight_msgs),
    FIELD(FIELD_REAL, report_worker, working_s),
    {0},
};

static const struct field own_fields[] = {
    FIELD(FIELD_TEXT, report_message, node),
    FIELD(FIELD_TEXT, report_message, boot),
    FIELD(FIELD_INTEGER, report_message, capacity),
    FIELD(FIELD_INTEGER, report_message, rank),
    FIELD(FIELD_BOOL, report_message, consuming),
    FIELD(FIELD_BOOL, report_message, leaving),
    FIELD(FIELD_BOOL, report_message, drained),
    FIELD(FIELD_INTEGER, report_message, epoch),
    FIELD(FIELD_INTEGER, report_message, sequence),
    FIELD(FIELD_INTEGER, report_message, target),
    FIELD(FIELD_INTEGER, report_message, starting),
    FIELD(FIELD_INTEGER, report_message, running),
    FIELD(FIELD_INTEGER, report_message, draining),
    FIELD(FIELD_INTEGER, report_message, spawned),
    FIELD(FIELD_INTEGER, report_message, stopped),
    FIELD(FIELD_INTEGER, report_message, crashed),
    FIELD(FIELD_INTEGER, report_message, hung),
    FIELD(FIELD_INTEGER, report_message, telling),
    FIELD(FIELD_INTEGER, report_message, blocked),
    FIELD(FIELD_INTEGER, report_message, silent),
    FIELD(FIELD_BOOL, report_message, unknown),
    FIELD(FIELD_BOOL, report_message, heard),
    FIELD(FIELD_REAL, report_message, in_flight_msgs),
    FIELD(FIELD_REAL, report_message, draining_in_flight_msgs),
    FIELD(FIELD_REAL, report_message, handled_msgs),
    FIELD(FIELD_REAL, report_message, dead_msgs),
    FIELD(FIELD_REAL, report_message, given_back_msgs),
    FIELD(FIELD_REAL, report_message, startup_s),
    FIELD(FIELD_REAL, report_message, simulated_service_s),
    FIELD(FIELD_REAL, report_message, silent_s),
    FIELD(FIELD_REAL, report_message, overdue_s),
    {0},
};

static json_t *write_workers(const struct report_message *report)
{
    json_t *array = json_array();

    for (size_t i = 0; array && i < report->worker_count; i++)
        if (json_array_append_new(array, fields_write(worker_fields, &report->workers[i]))) {
            json_decref(array);
            array = NULL;
        }
    return array;
}

int report_message_write(const struct envelope *envelope, const struct report_message *report,
                         char **text, size_t *length)
{
    json_t *members = fields_write(own_fields, report);

    if (members && (times_write(members, "handling", &report->handling) ||
                    json_object_set_new(members, "workers", write_workers(report)) ||
                    (report->event_count &&
                     event_records_write(members, report->events, report->event_count)))) {
        json_decref(members);
        members = NULL;
    }
    return envelope_write(envelope, members, text, length);
}

static int refuse(struct why *why, const char *name, const char *expected)
{
    return error_set(why, ERR_INVALID, "\"%s\" cannot be so; expected %s", name, expected);
}

/* Known, and not less than nothing. */
static bool is_sum(double value)
{
    return value >= 0 && value <= (double)REPORT_MOST_SUM;
}

static bool is_time(double value)
{
    return value >= 0 && value <= REPORT_MOST_S;
}

static int check_worker(const struct report_worker *worker, struct why *why)
{
    static const char *const states[] = {"starting", "running", "draining", "killed"};
    bool known = false;

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        known |= strcmp(worker->state, states[i]) == 0;
    if (!known)
        return refuse(why, "state", "starting, running, draining or killed");
    if (worker->slot >= REPORT_MOST_WORKERS)
        return refuse(why, "slot", "less than 3000");
    if (worker->pid < 1 || worker->pid > INT32_MAX)
        return refuse(why, "pid", "that of a process");
    if (!is_time(worker->since_s))
        return refuse(why, "since_s", "a time that has passed");
    if (worker->tells && (!is_sum(worker->in_flight_msgs) || !is_time(worker->working_s)))
        return refuse(why, "in_flight_msgs", "a number, as of working_s, of a worker that tells");
    return 0;
}

static int read_worker(const json_t *object, struct report_worker *worker, struct why *why)
{
    int error = fields_read(worker_fields, object, worker, why);

    return error ? error : check_worker(worker, why);
}

static int read_workers(const json_t *message, struct report_message *report, struct why *why)
{
    const json_t *array;
    int error = members_array(message, "workers", &array, why);
    size_t count = error ? 0 : json_array_size(array);

    if (count > REPORT_MOST_WORKERS)
        return error_set(why, ERR_INVALID, "%zu workers; expected at most %d", count,
                         REPORT_MOST_WORKERS);
    if (!count)
        return error;
    report->workers = calloc(count, sizeof *report->workers);
    if (!report->workers)
        return error_set(why, ERR_MEMORY, "out of memory");
    report->worker_count = count;
    for (size_t i = 0; !error && i < count; i++) {
        error = read_worker(json_array_get(array, i), &report->workers[i], why);
        if (error)
            error_prefix(why, "in worker %zu", i);
    }
    return error;
}

/* What the leader reckons with. */
static int check(const struct report_message *report, struct why *why)
{
    const int64_t counts[] = {report->target,  report->starting, report->running, report->draining,
                              report->telling, report->blocked,  report->silent};
    const int64_t ended[] = {report->spawned, report->stopped, report->crashed, report->hung};
    const double sums[] = {report->in_flight_msgs, report->draining_in_flight_msgs,
                           report->handled_msgs, report->dead_msgs, report->given_back_msgs};
    const double times[] = {report->simulated_service_s, report->silent_s, report->overdue_s};

    if (!node_name_is_valid(report->node))
        return refuse(why, "node", NODE_NAME_FORM);
    if (!report->boot[0])
        return refuse(why, "boot", "a name of this start");
    if (report->capacity < 1 || report->capacity > REPORT_MOST_WORKERS)
        return refuse(why, "capacity", "1 to 3000");
    if (report->sequence > TOKEN_EPOCH_MAX)
        return refuse(why, "sequence", "one that is exact in every reader");
    if (report->rank > REPORT_MOST_RANK)
        return refuse(why, "rank", "0 to 1000000");
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (counts[i] > REPORT_MOST_WORKERS)
            return refuse(why, "target", "at most 3000, as every number of workers");
    for (size_t i = 0; i < sizeof ended / sizeof ended[0]; i++)
        if (ended[i] > REPORT_MOST_ENDED)
            return refuse(why, "spawned", "at most 2^40, as of all that started or ended");
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++)
        if (!is_sum(sums[i]))
            return refuse(why, "in_flight_msgs", "0 to 2^53, as of every sum");
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        if (!is_time(times[i]))
            return refuse(why, "silent_s", "0 to 10^9, as of every time");
    if (!isnan(report->startup_s) && !is_time(report->startup_s))
        return refuse(why, "startup_s", "a time, or null");
    return token_message_check_epoch(report->epoch, why);
}

int report_message_read(const json_t *message, struct report_message *report, struct why *why)
{
    *report = (struct report_message){0};
    int error = fields_read(own_fields, message, report, why);

    if (!error)
        error = check(report, why);
    if (!error)
        error = times_read(message, "handling", &report->handling, why);
    if (!error)
        error = read_workers(message, report, why);
    if (!error)
        error = event_records_read(message, &report->events, &report->event_count, why);
    if (error)
        report_message_clear(report);
    return error;
}

void report_message_clear(struct report_message *report)
{
    free(report->workers);
    free(report->events);
    *report = (struct report_message){0};
}
