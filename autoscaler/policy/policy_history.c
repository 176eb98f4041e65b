#include "policy_history.h"

#include "csv/number.h"

#include <math.h>
#include <string.h>

/* ---- writing ---- */

static void append(char text[POLICY_HISTORY_PARAMS_SIZE], const char *piece)
{
    size_t length = strlen(text), size = strlen(piece) + 1;

    if (length + size <= POLICY_HISTORY_PARAMS_SIZE)
        memcpy(text + length, piece, size);
}

void policy_history_params(const struct policy *policy, const struct policy_params *params,
                           char text[POLICY_HISTORY_PARAMS_SIZE])
{
    static const struct policy_params defaults = POLICY_DEFAULT_PARAMS;
    char number[NUMBER_TEXT_SIZE];
    size_t count;
    const struct policy_param *list = policy_param_list(&count);

    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        double value = policy_param_get(&list[i], params);
        bool always = i < POLICY_PARAMS_ALWAYS || (list[i].erlang && policy->ready);
        if (!always && (list[i].erlang || value == policy_param_get(&list[i], &defaults)))
            continue;
        append(text, i ? ",\"" : "{\"");
        append(text, list[i].name);
        append(text, "\":");
        number_format(value, number);
        append(text,
               i < POLICY_PARAMS_ALWAYS && value == POLICY_CAPACITY_AUTO ? "\"auto\"" : number);
    }
    append(text, "}");
}

void policy_history_write(const struct policy *policy, const struct policy_params *params,
                          const struct policy_sample *sample,
                          const struct policy_decision *decision, struct history_row *row)
{
    row->time_s = sample->time_s;
    row->interval_s = sample->interval_s;
    row->arrival_per_s = sample->arrival_per_s;
    row->ready_msgs = sample->ready_msgs;
    row->backlog_msgs = sample->backlog_msgs;
    row->trigger = sample->trigger == POLICY_REACT ? "react" : "tick";
    row->workers = sample->workers;
    row->blocked = sample->blocked;
    row->useful_workers = sample->useful_workers > 0 ? sample->useful_workers : (double)NAN;

    row->policy = policy->name;
    row->horizon_s = params->horizon_s;
    row->min_workers = params->min_workers;
    row->max_workers = params->max_workers;

    row->capacity_msgs = decision->capacity_msgs;
    row->formula_workers = decision->formula_workers;
    row->desired_workers = decision->desired_workers;
    row->reason = policy_reason_text(decision->reason);
    row->need_workers = decision->need_workers;
    row->smooth_per_s = decision->smooth_per_s;
    row->wait_workers = decision->wait_workers;
    row->drain_workers = decision->drain_workers;
}

/* ---- reading ---- */

static void set(struct policy_params *params, const char *name, size_t length, double value)
{
    size_t count;
    const struct policy_param *list = policy_param_list(&count);

    for (size_t i = 0; i < count; i++)
        if (strlen(list[i].name) == length && memcmp(list[i].name, name, length) == 0)
            policy_param_set(&list[i], params, value);
}

static int read_value(const char *text, size_t length, double *value)
{
    char copy[NUMBER_TEXT_SIZE];

    if (length >= sizeof copy)
        return -ERR_CONFIG;
    memcpy(copy, text, length);
    copy[length] = '\0';
    *value = POLICY_CAPACITY_AUTO;
    return strcmp(copy, "\"auto\"") == 0 || number_parse(copy, value) == 0 ? 0 : -ERR_CONFIG;
}

/* {"name":value,...} as policy_history_params writes it, without spaces. */
static int read_params(const char *at, struct policy_params *params)
{
    if (*at++ != '{')
        return -ERR_CONFIG;
    while (*at == '"') {
        double value;
        const char *name = at + 1;
        size_t name_length = strcspn(name, "\"");
        at = name + name_length;
        if (strncmp(at, "\":", 2) != 0)
            return -ERR_CONFIG;
        at += 2;
        size_t length = strcspn(at, ",}");
        if (!at[length] || read_value(at, length, &value))
            return -ERR_CONFIG;
        set(params, name, name_length, value);
        at += length + (at[length] == ',');
    }
    return strcmp(at, "}") == 0 ? 0 : -ERR_CONFIG;
}

/* A number of workers as decisions have it. */
static uint32_t workers_of(double number, const char *column, const char **wrong)
{
    if (number >= 0 && number <= UINT32_MAX)
        return (uint32_t)number;
    *wrong = column;
    return 0;
}

int policy_history_read(const struct history_row *row, const struct policy **policy,
                        struct policy_params *params, struct policy_sample *sample,
                        const char **wrong)
{
    *wrong = NULL;
    *policy = policy_find(row->policy);
    if (!*policy) {
        *wrong = "policy";
        return -ERR_CONFIG;
    }
    *params = (struct policy_params)POLICY_DEFAULT_PARAMS;
    policy_tune(*policy, params);
    if (read_params(row->params, params))
        *wrong = "params";
    params->min_workers = workers_of(row->min_workers, "min_workers", wrong);
    params->max_workers = workers_of(row->max_workers, "max_workers", wrong);
    *sample = (struct policy_sample){
        .trigger = strcmp(row->trigger, "react") == 0 ? POLICY_REACT : POLICY_TICK,
        .time_s = row->time_s,
        .interval_s = row->interval_s,
        .arrival_per_s = row->arrival_per_s,
        .ready_msgs = row->ready_msgs,
        .backlog_msgs = row->backlog_msgs,
        .capacity_msgs = row->capacity_msgs,
        .useful_workers = row->useful_workers,
        .workers = workers_of(row->workers, "workers", wrong),
        .blocked = row->blocked > 0,
    };
    return *wrong ? -ERR_CONFIG : 0;
}
