#include "steering.h"

#include <math.h>
#include <string.h>

#define NS_PER_MS INT64_C(1000000)

static bool is_fixed(const struct policy_params *params)
{
    return params->replicas >= 0;
}

/* So much of the text as fits, which ends with a NUL. */
static void copy(char *to, size_t size, const char *text)
{
    size_t length = strnlen(text, size - 1);

    memcpy(to, text, length);
    to[length] = '\0';
}

static struct steering_outcome refuse(enum command_outcome outcome, const struct why *why)
{
    struct steering_outcome refused = {.answer.outcome = outcome};

    copy(refused.answer.reason, sizeof refused.answer.reason, why->text);
    return refused;
}

/* ---- the name of a status ---- */

int64_t steering_next_sequence(struct steering *steering, int64_t age_ms)
{
    steering->sequence = age_ms > steering->sequence ? age_ms : steering->sequence + 1;
    return steering->sequence;
}

/* 0, or why nobody should act upon that status any more. */
static int check_seen(const struct steering *steering, const struct command_seen *seen,
                      int64_t age_ms, struct why *why)
{
    if (seen->epoch != steering->epoch)
        return error_set(why, ERR_INVALID,
                         "that status is of another run of the autoscaler; expected one of epoch "
                         "%lld",
                         (long long)steering->epoch);
    if (seen->sequence > steering->sequence)
        return error_set(why, ERR_INVALID,
                         "there is no such status yet; expected a sequence of at most %lld",
                         (long long)steering->sequence);
    if (age_ms - seen->sequence > STEERING_SEEN_MS)
        return error_set(why, ERR_INVALID,
                         "that status is %lld s old; expected one of the last %d s",
                         (long long)(age_ms - seen->sequence) / 1000, STEERING_SEEN_MS / 1000);
    return 0;
}

/* ---- what is told ---- */

/* 0, or why the farm cannot have these. */
static int check_limits(const struct policy_params *params, bool fixes, struct why *why)
{
    if (params->min_workers > params->max_workers)
        return error_set(why, ERR_INVALID, "min would be %u and max %u; expected min <= max",
                         params->min_workers, params->max_workers);
    if (!is_fixed(params) ||
        (params->replicas >= params->min_workers && params->replicas <= params->max_workers))
        return 0;
    if (fixes)
        return error_set(why, ERR_INVALID, "replicas is %.0f; expected %u to %u, the limits",
                         params->replicas, params->min_workers, params->max_workers);
    return error_set(why, ERR_INVALID,
                     "the number of workers is fixed at %.0f; expected limits that allow it, or "
                     "replicas",
                     params->replicas);
}

static int set(struct policy_params *params, const struct command *command, struct why *why)
{
    if (command->min_workers != COMMAND_UNCHANGED)
        params->min_workers = (uint32_t)command->min_workers;
    if (command->max_workers != COMMAND_UNCHANGED)
        params->max_workers = (uint32_t)command->max_workers;
    if (command->replicas == COMMAND_NONE)
        params->replicas = POLICY_NOT_FIXED;
    else if (command->replicas != COMMAND_UNCHANGED)
        params->replicas = (double)command->replicas;
    return check_limits(params, command->replicas >= 0, why);
}

/* Whether the farm has that node; of a farm on one host none has a name. */
static int check_node(const char *node, const struct node_report *report, struct why *why)
{
    if (!report->node_names)
        return *node ? error_set(why, ERR_INVALID, "the farm is on one host; expected no node") : 0;
    if (!*node)
        return error_set(why, ERR_INVALID, "the farm is on several hosts; expected a node as well");
    for (size_t i = 0; i < report->node_count; i++)
        if (strcmp(report->node_names[i], node) == 0)
            return 0;
    return error_set(why, ERR_INVALID,
                     "there is no node '%s'; expected one that 'winnow-ctl nodes' lists", node);
}

/* NULL: there is no worker in that slot. */
static const struct worker_reading *find(const struct node_report *report, const char *node,
                                         int64_t slot)
{
    for (size_t i = 0; i < report->reading_count; i++) {
        const struct worker_reading *worker = &report->readings[i];
        if (worker->state != WORKER_NONE && worker->slot == slot &&
            (!*node || (report->node_names && strcmp(report->node_names[worker->node], node) == 0)))
            return worker;
    }
    return NULL;
}

/* The slot may be another worker's by now: the same command sent twice would stop two. 0, or that
 * it is so. A sequence is in whole milliseconds, within which the worker may have begun. */
static int check_stop_seen(const struct steering *steering, const struct command *command,
                           const struct node_report *report, struct why *why)
{
    const struct worker_reading *worker = find(report, command->node, command->slot);
    int64_t seen_ns = steering->begun_ns + (command->seen.sequence + 1) * NS_PER_MS;

    if (!worker || worker->started_ns <= seen_ns)
        return 0;
    return error_set(why, ERR_INVALID,
                     "slot %lld is another worker's since that status; expected one that has it",
                     (long long)command->slot);
}

/* One that drains already need not be told to. */
static int stop(struct steering *steering, const struct command *command,
                const struct node_report *report, bool *changed, struct why *why)
{
    int error = check_node(command->node, report, why);
    const struct worker_reading *worker = error ? NULL : find(report, command->node, command->slot);

    if (error)
        return error;
    if (!worker)
        return error_set(why, ERR_INVALID, "there is no worker in slot %lld; expected one that is",
                         (long long)command->slot);
    *changed = worker->state == WORKER_STARTING || worker->state == WORKER_RUNNING;
    if (*changed) {
        steering->stop_slot = (uint32_t)command->slot;
        steering->stop_pid = worker->pid;
        copy(steering->stop_node, sizeof steering->stop_node, command->node);
    }
    return 0;
}

/* To say it again is harmless. */
static int drain(const struct command *command, const struct node_report *report, bool *changed,
                 struct why *why)
{
    if (!report->node_names)
        return error_set(why, ERR_INVALID, "the farm is on one host; expected one over several");
    int error = check_node(command->node, report, why);
    *changed = !error;
    return error;
}

static bool equal(const struct policy_params *a, const struct policy_params *b)
{
    return a->min_workers == b->min_workers && a->max_workers == b->max_workers &&
           a->paused == b->paused && a->replicas == b->replicas;
}

struct steering_outcome steering_apply(struct steering *steering, const struct command *command,
                                       const struct envelope *envelope, const char *now,
                                       int64_t age_ms, const struct node_report *report)
{
    struct policy_params params = steering->params;
    struct steering_outcome outcome = {.answer.outcome = COMMAND_DONE};
    struct why why = {0};
    int error = check_seen(steering, &command->seen, age_ms, &why);

    if (!error && command->verb == COMMAND_STOP)
        error = check_stop_seen(steering, command, report, &why);
    if (error)
        return refuse(COMMAND_STALE, &why);
    if (command->verb == COMMAND_SET)
        error = set(&params, command, &why);
    else if (command->verb == COMMAND_STOP)
        error = stop(steering, command, report, &outcome.changed, &why);
    else if (command->verb >= COMMAND_DRAIN)
        error = drain(command, report, &outcome.changed, &why);
    else
        params.paused = command->verb == COMMAND_PAUSE;
    if (error)
        return refuse(COMMAND_REFUSED, &why);
    if (equal(&params, &steering->params))
        return outcome;
    outcome.changed = true;
    steering->params = params;
    copy(steering->by, sizeof steering->by, envelope->from);
    copy(steering->at, sizeof steering->at, now);
    steering->changed_ms = age_ms;
    return outcome;
}

void steering_inherit(struct steering *steering, const struct status_limits *limits)
{
    struct policy_params *params = &steering->params;

    /* Nobody has changed any: then they are as this process was told. */
    if (!*limits->at)
        return;
    params->min_workers = (uint32_t)limits->min_workers;
    params->max_workers = (uint32_t)limits->max_workers;
    params->paused = limits->paused;
    params->replicas = isnan(limits->replicas) ? POLICY_NOT_FIXED : limits->replicas;
    copy(steering->by, sizeof steering->by, limits->by);
    copy(steering->at, sizeof steering->at, limits->at);
    steering->changed_ms = isnan(limits->changed_s) ? 0 : -(int64_t)(limits->changed_s * 1000);
}

void steering_reconfigure(struct steering *steering, const struct policy_params *before,
                          const struct policy_params *after, const char *now, int64_t age_ms)
{
    struct policy_params params = *after;
    const struct policy_params *present = &steering->params;

    if (before->min_workers == after->min_workers && before->max_workers == after->max_workers) {
        params.min_workers = present->min_workers;
        params.max_workers = present->max_workers;
    }
    params.paused = present->paused;
    params.replicas = present->replicas;
    params.total_allowed = present->total_allowed;
    steering->params = params;
    copy(steering->by, sizeof steering->by, "configuration");
    copy(steering->at, sizeof steering->at, now);
    steering->changed_ms = age_ms;
}

struct status_limits steering_limits(const struct steering *steering, int64_t age_ms)
{
    const struct policy_params *params = &steering->params;
    struct status_limits limits = {.min_workers = params->min_workers,
                                   .max_workers = params->max_workers,
                                   .paused = params->paused > 0,
                                   .replicas = is_fixed(params) ? params->replicas : (double)NAN};

    copy(limits.by, sizeof limits.by, steering->by);
    copy(limits.at, sizeof limits.at, steering->at);
    limits.changed_s = *limits.at ? (double)(age_ms - steering->changed_ms) / 1000 : (double)NAN;
    return limits;
}
