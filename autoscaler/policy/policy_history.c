#include "policy_history.h"

#include "csv/number.h"
#include "policies.h"

#include <math.h>
#include <string.h>

/* What stands for a capacity that is measured. */
#define AUTO "\"auto\""

/* ---- writing ---- */

static void append(char text[POLICY_HISTORY_PARAMS_SIZE], const char *piece)
{
    size_t length = strlen(text), size = strlen(piece) + 1;

    if (length + size <= POLICY_HISTORY_PARAMS_SIZE)
        memcpy(text + length, piece, size);
}

static bool is_auto(const struct policy_param *param, double value)
{
    return value == POLICY_CAPACITY_AUTO &&
           param->offset == offsetof(struct policy_params, capacity_msgs);
}

void policy_history_params(const struct policy *policy, const struct policy_params *params,
                           char text[POLICY_HISTORY_PARAMS_SIZE])
{
    static const struct policy_params defaults = POLICY_DEFAULT_PARAMS;
    const struct policy_param *param;
    char number[NUMBER_TEXT_SIZE];

    text[0] = '\0';
    for (size_t i = 0; (param = policy_param_at(policy, i)); i++) {
        double value = policy_params_get(param, params);
        if (param->only_if_set && value == policy_params_get(param, &defaults))
            continue;
        append(text, i ? ",\"" : "{\"");
        append(text, param->name);
        append(text, "\":");
        number_format(value, number);
        append(text, is_auto(param, value) ? AUTO : number);
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
    row->arrival_source = sample->backlog_only ? HISTORY_NOT_MEASURED : HISTORY_OFFERED;
    row->ready_msgs = sample->ready_msgs;
    row->backlog_msgs = sample->backlog_msgs;
    row->most_ready_msgs = sample->most_ready_msgs;
    row->trigger = sample->trigger == POLICY_REACT ? "react" : "tick";
    row->workers = sample->workers;
    row->startup_s = sample->startup_s;
    row->starting_before = sample->starting_workers;
    row->silent_workers = sample->silent_workers;
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

/* Copies so much of the text; false when it does not fit. */
static bool take(char *copy, size_t size, const char *text, size_t length)
{
    if (length >= size)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return true;
}

/* A value as it stands in the JSON. */
static bool read_value(const char *text, double *value)
{
    *value = POLICY_CAPACITY_AUTO;
    return strcmp(text, AUTO) == 0 || number_parse(text, value) == 0;
}

/* {"name":value,...} as policy_history_params writes it, without spaces. */
static bool read_params(const char *at, const struct policy *policy, struct policy_params *params)
{
    char name[64], text[NUMBER_TEXT_SIZE];
    double value;

    if (*at++ != '{')
        return false;
    while (*at == '"') {
        size_t length = strcspn(++at, "\"");
        const char *after = at + length;
        if (strncmp(after, "\":", 2) != 0 || !take(name, sizeof name, at, length))
            return false;
        at = after + 2;
        length = strcspn(at, ",}");
        if (!at[length] || !take(text, sizeof text, at, length) || !read_value(text, &value))
            return false;
        const struct policy_param *param = policy_param_find(policy, name);
        if (param)
            policy_params_set(param, params, value);
        at += length + (at[length] == ',');
    }
    return strcmp(at, "}") == 0;
}

/* A number of workers as a decision has it; when it is none, *wrong names its column. */
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
    *policy = policies_find(row->policy);
    if (!*policy) {
        *wrong = "policy";
        return -ERR_CONFIG;
    }
    *params = (struct policy_params)POLICY_DEFAULT_PARAMS;
    policy_tune(*policy, params);
    /* A history of before start-up times were known: then a decision took no account of any. */
    if (isnan(row->starting_before))
        params->startup_s = 0;
    if (!read_params(row->params, *policy, params))
        *wrong = "params";
    params->min_workers = workers_of(row->min_workers, "min_workers", wrong);
    params->max_workers = workers_of(row->max_workers, "max_workers", wrong);
    *sample = (struct policy_sample){
        .trigger = strcmp(row->trigger, "react") == 0 ? POLICY_REACT : POLICY_TICK,
        .time_s = row->time_s,
        .interval_s = row->interval_s,
        .arrival_per_s = row->arrival_per_s,
        .backlog_only =
            row->arrival_source && strcmp(row->arrival_source, HISTORY_NOT_MEASURED) == 0,
        .ready_msgs = row->ready_msgs,
        .backlog_msgs = row->backlog_msgs,
        .most_ready_msgs = row->most_ready_msgs,
        .capacity_msgs = row->capacity_msgs,
        .useful_workers = row->useful_workers,
        .workers = workers_of(row->workers, "workers", wrong),
        .startup_s = row->startup_s,
        /* Unknown in a history of before they were told: then all workers ran, and told. */
        .starting_workers = row->starting_before > 0
                                ? workers_of(row->starting_before, "starting_before", wrong)
                                : 0,
        .silent_workers =
            row->silent_workers > 0 ? workers_of(row->silent_workers, "silent_workers", wrong) : 0,
        .blocked = row->blocked > 0,
    };
    return *wrong ? -ERR_CONFIG : 0;
}
