#include "status.h"

#include "fields.h"
#include "members.h"
#include "times.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_WORKERS 3000 /* slots of a farm at its greatest */

static const struct field limits_fields[] = {
    FIELD(FIELD_INTEGER, status_limits, min_workers),
    FIELD(FIELD_INTEGER, status_limits, max_workers),
    FIELD(FIELD_BOOL, status_limits, paused),
    FIELD(FIELD_WHOLE, status_limits, replicas),
    FIELD(FIELD_TEXT, status_limits, by),
    FIELD(FIELD_TEXT, status_limits, at),
    FIELD(FIELD_REAL, status_limits, changed_s),
    {0},
};

static const struct field counters_fields[] = {
    FIELD(FIELD_INTEGER, status_counters, arrived_msgs),
    FIELD(FIELD_INTEGER, status_counters, handled_msgs),
    FIELD(FIELD_INTEGER, status_counters, spawned),
    FIELD(FIELD_INTEGER, status_counters, stopped),
    FIELD(FIELD_INTEGER, status_counters, crashed),
    FIELD(FIELD_INTEGER, status_counters, decisions),
    FIELD(FIELD_INTEGER, status_counters, untold_msgs),
    FIELD(FIELD_COUNT, status_counters, dead_msgs),
    FIELD(FIELD_COUNT, status_counters, given_back_msgs),
    FIELD(FIELD_COUNT, status_counters, hung),
    {0},
};

static const struct field worker_fields[] = {
    FIELD(FIELD_INTEGER, status_worker, slot),
    FIELD(FIELD_INTEGER, status_worker, pid),
    FIELD(FIELD_TEXT, status_worker, state),
    FIELD(FIELD_REAL, status_worker, since_s),
    FIELD(FIELD_BOOL, status_worker, tells),
    FIELD(FIELD_BOOL, status_worker, blocked),
    FIELD(FIELD_INTEGER, status_worker, handled_msgs),
    FIELD(FIELD_REAL, status_worker, in_flight_msgs),
    FIELD(FIELD_REAL, status_worker, busy_share),
    {0},
};

static const struct field node_fields[] = {
    FIELD(FIELD_TEXT, status_node, name),        FIELD(FIELD_TEXT, status_node, state),
    FIELD(FIELD_INTEGER, status_node, capacity), FIELD(FIELD_INTEGER, status_node, rank),
    FIELD(FIELD_INTEGER, status_node, target),   FIELD(FIELD_INTEGER, status_node, starting),
    FIELD(FIELD_INTEGER, status_node, running),  FIELD(FIELD_INTEGER, status_node, draining),
    FIELD(FIELD_REAL, status_node, age_s),       {0},
};

static const struct field own_fields[] = {
    FIELD(FIELD_INTEGER, status, epoch),      FIELD(FIELD_INTEGER, status, sequence),
    FIELD(FIELD_TEXT, status, state),         FIELD(FIELD_REAL, status, age_s),
    FIELD(FIELD_REAL, status, broker_away_s), FIELD(FIELD_REAL, status, decided_s),
    FIELD(FIELD_INTEGER, status, starting),   FIELD(FIELD_INTEGER, status, running),
    FIELD(FIELD_INTEGER, status, draining),   {0},
};

json_t *status_limits_write(const struct status_limits *limits)
{
    return fields_write(limits_fields, limits);
}

int status_limits_read(const json_t *object, struct status_limits *limits, struct why *why)
{
    return fields_read(limits_fields, object, limits, why);
}

bool status_limits_are_same(const struct status_limits *a, const struct status_limits *b)
{
    bool fixed_alike = a->replicas == b->replicas || (isnan(a->replicas) && isnan(b->replicas));

    return a->min_workers == b->min_workers && a->max_workers == b->max_workers &&
           a->paused == b->paused && fixed_alike && strcmp(a->at, b->at) == 0;
}

static json_t *write_decision(const struct history_row *row)
{
    const struct history_column *column;
    struct history_row copy = *row;
    json_t *object = json_object();
    bool made = object;

    for (size_t i = 0; made && (column = history_format_at(i)); i++) {
        const char *text =
            column->kind == HISTORY_TEXT ? *history_format_text(column, &copy) : NULL;
        double number =
            column->kind == HISTORY_TEXT ? (double)NAN : *history_format_number(column, &copy);
        json_t *value = text ? json_string(text) : isfinite(number) ? json_real(number) : NULL;
        if (text || isfinite(number)) /* what is unknown is left out */
            made = json_object_set_new(object, column->name, value) == 0;
    }
    if (made)
        return object;
    json_decref(object);
    return NULL;
}

/* NULL when out of memory. */
static json_t *write_worker(const struct status_worker *worker)
{
    json_t *object = fields_write(worker_fields, worker);

    if (object && worker->node[0] &&
        json_object_set_new(object, "node", fields_text(worker->node))) {
        json_decref(object);
        object = NULL;
    }
    return object;
}

static json_t *write_workers(const struct status *status)
{
    json_t *array = json_array();

    for (size_t i = 0; array && i < status->worker_count; i++)
        if (json_array_append_new(array, write_worker(&status->workers[i]))) {
            json_decref(array);
            array = NULL;
        }
    return array;
}

/* What only a farm over several hosts says. Whether that worked. */
static bool put_nodes(json_t *members, const struct status *status)
{
    json_t *array;

    if (!status->node_count)
        return true;
    array = json_array();
    for (size_t i = 0; array && i < status->node_count; i++)
        if (json_array_append_new(array, fields_write(node_fields, &status->nodes[i]))) {
            json_decref(array);
            array = NULL;
        }
    return json_object_set_new(members, "leader", fields_text(status->leader)) == 0 &&
           json_object_set_new(members, "nodes", array) == 0;
}

int status_write(const struct envelope *envelope, const struct status *status, char **text,
                 size_t *length)
{
    json_t *members = fields_write(own_fields, status);
    bool made = members &&
                json_object_set_new(members, "limits", status_limits_write(&status->limits)) == 0 &&
                json_object_set_new(members, "counters",
                                    fields_write(counters_fields, &status->counters)) == 0 &&
                times_write(members, "handling", &status->handling) == 0 &&
                times_write(members, "measured", &status->measured) == 0 &&
                json_object_set_new(members, "decision", write_decision(&status->decision)) == 0 &&
                json_object_set_new(members, "workers", write_workers(status)) == 0 &&
                put_nodes(members, status);

    if (!made) {
        json_decref(members);
        members = NULL;
    }
    return envelope_write(envelope, members, text, length);
}

static int read_part(const json_t *message, const char *name, const struct field *fields,
                     void *values, struct why *why)
{
    const json_t *part;
    int error = members_object(message, name, &part, why);

    if (error)
        return error;
    error = fields_read(fields, part, values, why);
    if (error)
        error_prefix(why, "in \"%s\"", name);
    return error;
}

static int read_worker(const json_t *object, struct status_worker *worker, struct why *why)
{
    int error = fields_read(worker_fields, object, worker, why);

    if (error || members_kind(object, "node") == MEMBERS_ABSENT)
        return error;
    return members_text(object, "node", worker->node, sizeof worker->node, why);
}

static int read_nodes(const json_t *message, struct status *status, struct why *why)
{
    const json_t *array;
    int error;

    if (members_kind(message, "nodes") == MEMBERS_ABSENT)
        return 0;
    error = members_array(message, "nodes", &array, why);
    size_t count = error ? 0 : json_array_size(array);
    if (count > STATUS_MOST_NODES)
        return error_set(why, ERR_INVALID, "%zu nodes; expected at most %d", count,
                         STATUS_MOST_NODES);
    if (!error)
        error = members_text(message, "leader", status->leader, sizeof status->leader, why);
    if (error || !count)
        return error;
    status->nodes = calloc(count, sizeof *status->nodes);
    if (!status->nodes)
        return error_set(why, ERR_MEMORY, "out of memory");
    status->node_count = count;
    for (size_t i = 0; !error && i < count; i++) {
        error = fields_read(node_fields, json_array_get(array, i), &status->nodes[i], why);
        if (error)
            error_prefix(why, "in node %zu", i);
    }
    return error;
}

static int read_workers(const json_t *message, struct status *status, struct why *why)
{
    const json_t *array;
    int error = members_array(message, "workers", &array, why);
    size_t count = error ? 0 : json_array_size(array);

    if (count > MOST_WORKERS)
        return error_set(why, ERR_INVALID, "%zu workers; expected at most %d", count, MOST_WORKERS);
    if (!count)
        return error;
    status->workers = calloc(count, sizeof *status->workers);
    if (!status->workers)
        return error_set(why, ERR_MEMORY, "out of memory");
    status->worker_count = count;
    for (size_t i = 0; !error && i < count; i++) {
        error = read_worker(json_array_get(array, i), &status->workers[i], why);
        if (error)
            error_prefix(why, "in worker %zu", i);
    }
    return error;
}

/* The columns of the history that are there. */
static int read_decision(const json_t *message, struct history_row *row, struct why *why)
{
    const struct history_column *column;
    const json_t *object;
    int error = members_object(message, "decision", &object, why);

    history_format_clear(row);
    for (size_t i = 0; !error && (column = history_format_at(i)); i++) {
        const json_t *value = json_object_get(object, column->name);
        if (!value)
            continue;
        if (column->kind == HISTORY_TEXT && json_is_string(value))
            *history_format_text(column, row) = json_string_value(value);
        else if (column->kind != HISTORY_TEXT && json_is_number(value))
            *history_format_number(column, row) = json_number_value(value);
        else
            error = error_set(why, ERR_INVALID, "in \"decision\": \"%s\" is no %s", column->name,
                              column->kind == HISTORY_TEXT ? "text" : "number");
    }
    return error;
}

int status_read(json_t *message, struct status *status, struct why *why)
{
    *status = (struct status){.message = json_incref(message)};
    int error = fields_read(own_fields, message, status, why);

    if (!error)
        error = read_part(message, "limits", limits_fields, &status->limits, why);
    if (!error)
        error = read_part(message, "counters", counters_fields, &status->counters, why);
    if (!error)
        error = times_read(message, "handling", &status->handling, why);
    if (!error)
        error = times_read(message, "measured", &status->measured, why);
    if (!error)
        error = read_decision(message, &status->decision, why);
    if (!error)
        error = read_workers(message, status, why);
    if (!error)
        error = read_nodes(message, status, why);
    if (error)
        status_clear(status);
    return error;
}

void status_clear(struct status *status)
{
    free(status->workers);
    free(status->nodes);
    json_decref(status->message);
    *status = (struct status){0};
}
