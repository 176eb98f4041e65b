#include "deciding_options.h"

#include "autoscaler/policy/policies.h"
#include "units.h"

#include <string.h>

#define SECOND_NS INT64_C(1000000000)

static double seconds(struct argp_state *state, const char *option, const char *text,
                      int64_t min_ns)
{
    return (double)options_duration(state, option, text, min_ns, 86400 * SECOND_NS) /
           (double)SECOND_NS;
}

/* How often, and how it is measured. ARGP_ERR_UNKNOWN: the key is none of these. */
static error_t parse_measuring(int key, char *argument, struct argp_state *state,
                               struct leader_settings *leader)
{
    switch (key) {
    case KEY_INTERVAL:
        leader->interval_ns =
            options_duration(state, "--interval", argument, SECOND_NS / 100, 3600 * SECOND_NS);
        return 0;
    case KEY_REACT:
        leader->react_ns =
            options_duration(state, "--react", argument, SECOND_NS / 100, 3600 * SECOND_NS);
        return 0;
    case KEY_COUNT:
        if (strcmp(argument, "consume") != 0 && strcmp(argument, "purge") != 0)
            options_error(state, "--count: '%s' is not known; expected consume or purge", argument);
        leader->counting = argument[0] == 'p' ? ARRIVAL_PURGE : ARRIVAL_CONSUME;
        return 0;
    case KEY_HISTORY:
        leader->history_path = argument;
        return 0;
    case KEY_STANDBY:
        leader->standby = true;
        return 0;
    case KEY_QUIET:
        leader->quiet = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The policy and what it goes by. ARGP_ERR_UNKNOWN: the key is none of these. */
static error_t parse_policy(int key, char *argument, struct argp_state *state,
                            struct autoscaler_options *settings)
{
    struct leader_settings *leader = &settings->farm.leader;
    struct policy_params *params = &leader->params;
    char names[128];

    switch (key) {
    case KEY_POLICY:
        policies_names(" or ", names, sizeof names);
        if (policies_find(argument))
            leader->policy = policies_find(argument);
        else
            options_error(state, "--policy: '%s' is not a policy; expected %s", argument, names);
        return 0;
    case KEY_HORIZON:
        params->horizon_s = seconds(state, "--horizon", argument, SECOND_NS / 1000);
        return 0;
    case KEY_CAPACITY:
        params->capacity_msgs =
            strcmp(argument, "auto") == 0
                ? POLICY_CAPACITY_AUTO
                : (double)options_count(state, "--capacity", argument, 1, 1000000000);
        return 0;
    case KEY_MIN:
        params->min_workers =
            (uint32_t)options_count(state, "--min", argument, 0, POOL_MAX_WORKERS);
        return 0;
    case KEY_MAX:
        params->max_workers =
            (uint32_t)options_count(state, "--max", argument, 1, POOL_MAX_WORKERS);
        return 0;
    case KEY_WAIT:
        settings->wait_s = seconds(state, "--wait", argument, SECOND_NS / 1000);
        return 0;
    case KEY_STARTUP:
        params->startup_s = strcmp(argument, "auto") == 0
                                ? POLICY_STARTUP_AUTO
                                : seconds(state, "--startup", argument, 0);
        return 0;
    case KEY_FEW_STARTS:
        settings->few_starts = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* What steadies every policy. ARGP_ERR_UNKNOWN: the key is none of these. */
static error_t parse_steadiness(int key, char *argument, struct argp_state *state,
                                struct policy_params *params)
{
    switch (key) {
    case KEY_HEADROOM:
        if (units_parse_rate(argument, &params->headroom) || params->headroom < 1 ||
            params->headroom > 100)
            options_error(state, "--headroom: '%s' is not a factor; expected 1 to 100, as 1.25",
                          argument);
        return 0;
    case KEY_SCALE_DOWN_DELAY:
        params->scale_down_delay_s = seconds(state, "--scale-down-delay", argument, 0);
        return 0;
    case KEY_STEP_UP:
        params->step_up = (double)options_count(state, "--step-up", argument, 1, POOL_MAX_WORKERS);
        return 0;
    case KEY_STEP_DOWN:
        params->step_down =
            (double)options_count(state, "--step-down", argument, 1, POOL_MAX_WORKERS);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

error_t deciding_options_parse(int key, char *argument, struct argp_state *state,
                               struct autoscaler_options *settings)
{
    error_t taken = parse_measuring(key, argument, state, &settings->farm.leader);

    if (taken == ARGP_ERR_UNKNOWN)
        taken = parse_policy(key, argument, state, settings);
    if (taken == ARGP_ERR_UNKNOWN)
        taken = parse_steadiness(key, argument, state, &settings->farm.leader.params);
    return taken;
}
