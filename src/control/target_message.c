#include "target_message.h"

#include "fields.h"
#include "members.h"
#include "report_message.h"
#include "token_message.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

static const struct field own_fields[] = {
    FIELD(FIELD_TEXT, target_message, node),
    FIELD(FIELD_INTEGER, target_message, epoch),
    FIELD(FIELD_INTEGER, target_message, sequence),
    FIELD(FIELD_INTEGER, target_message, workers),
    FIELD(FIELD_COUNT, target_message, farm_workers),
    FIELD(FIELD_COUNT, target_message, farm_nodes),
    FIELD(FIELD_BOOL, target_message, drained),
    FIELD(FIELD_INTEGER, target_message, stop_slot),
    FIELD(FIELD_INTEGER, target_message, stop_pid),
    FIELD(FIELD_TEXT, target_message, leader),
    FIELD(FIELD_INTEGER, target_message, leader_capacity),
    FIELD(FIELD_INTEGER, target_message, leader_rank),
    FIELD(FIELD_TEXT, target_message, successor),
    FIELD(FIELD_INTEGER, target_message, successor_rank),
    {0},
};

int target_message_write(const struct envelope *envelope, const struct target_message *target,
                         char **text, size_t *length)
{
    json_t *members = fields_write(own_fields, target);

    if (members &&
        (json_object_set_new(members, "limits", status_limits_write(&target->limits)) ||
         (target->events && event_records_write(members, target->events, target->event_count)))) {
        json_decref(members);
        members = NULL;
    }
    return envelope_write(envelope, members, text, length);
}

static int refuse(struct why *why, const char *name, const char *expected)
{
    return error_set(why, ERR_INVALID, "\"%s\" cannot be so; expected %s", name, expected);
}

static int check_limits(const struct status_limits *limits, struct why *why)
{
    if (limits->max_workers < 1 || limits->max_workers > TARGET_MOST_WORKERS ||
        limits->min_workers > limits->max_workers)
        return refuse(why, "limits", "min <= max, and max 1 to 1000");
    if (!isnan(limits->replicas) && !(limits->replicas >= (double)limits->min_workers &&
                                      limits->replicas <= (double)limits->max_workers))
        return refuse(why, "replicas", "a number between the limits, or null");
    return 0;
}

static int check_others(const struct target_message *target, struct why *why)
{
    if (!node_name_is_valid(target->leader))
        return refuse(why, "leader", NODE_NAME_FORM);
    if (target->leader_capacity < 1 || target->leader_capacity > TARGET_MOST_WORKERS)
        return refuse(why, "leader_capacity", "1 to 1000");
    if (target->leader_rank > REPORT_MOST_RANK)
        return refuse(why, "leader_rank", "0 to 1000000");
    if (target->successor[0] && !node_name_is_valid(target->successor))
        return refuse(why, "successor", "empty, or " NODE_NAME_FORM);
    if (target->successor_rank > REPORT_MOST_RANK)
        return refuse(why, "successor_rank", "0 to 1000000");
    return 0;
}

static int check(const struct target_message *target, struct why *why)
{
    if (!node_name_is_valid(target->node))
        return refuse(why, "node", NODE_NAME_FORM);
    if (target->epoch < 1 || target->sequence < 1 || target->sequence > TOKEN_EPOCH_MAX)
        return refuse(why, "epoch", "1 or more, as of sequence, and exact in every reader");
    if (target->workers > TARGET_MOST_WORKERS)
        return refuse(why, "workers", "0 to 1000");
    if (target->farm_workers > TARGET_MOST_WORKERS)
        return refuse(why, "farm_workers", "0 to 1000");
    if (target->farm_nodes > TARGET_MOST_WORKERS)
        return refuse(why, "farm_nodes", "0 to 1000");
    if (target->stop_slot >= REPORT_MOST_WORKERS || target->stop_pid > INT32_MAX)
        return refuse(why, "stop_slot", "less than 3000, and stop_pid that of a process");
    int error = check_others(target, why);
    if (!error)
        error = token_message_check_epoch(target->epoch, why);
    return error ? error : check_limits(&target->limits, why);
}

int target_message_read(const json_t *message, struct target_message *target, struct why *why)
{
    const json_t *limits;

    *target = (struct target_message){0};
    int error = fields_read(own_fields, message, target, why);
    if (!error)
        error = members_object(message, "limits", &limits, why);
    if (!error)
        error = status_limits_read(limits, &target->limits, why);
    if (!error)
        error = check(target, why);
    return error ? error : event_records_read(message, &target->events, &target->event_count, why);
}

void target_message_clear(struct target_message *target)
{
    free(target->events);
    target->events = NULL;
    target->event_count = 0;
}
