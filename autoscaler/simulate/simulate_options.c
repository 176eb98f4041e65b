#include "simulate_options.h"

#include "autoscaler/node/pool.h"
#include "csv/history_reader.h"
#include "csv/trace.h"
#include "options.h"
#include "service_file.h"

#include <math.h>
#include <string.h>
#include <sysexits.h>

#define SECOND_NS INT64_C(1000000000)

enum {
    KEY_TRACE = OPTIONS_KEY_OWN,
    KEY_RUN,
    KEY_FROM,
    KEY_UNTIL,
    KEY_SERVICE_TIME,
    KEY_STARTUP,
    KEY_SEED,
    KEY_POLICY,
    KEY_WAIT_P95,
    KEY_INTERVAL,
    KEY_HORIZON,
    KEY_CAPACITY,
    KEY_MIN,
    KEY_MAX,
    KEY_SCORES,
    KEY_HISTORY,
    KEY_NO_ORACLE,
    KEY_RECOMMEND,
    KEY_REPLAY,
    KEY_EXPLAIN,
};

static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "The load:", 1},
    {"trace", KEY_TRACE, "FILE.csv[:TIME[,COUNT]]", 0,
     "When events arrive: a trace with the columns time_s and, if a row is more than one event, "
     "count; or a history that winnow-autoscaler wrote",
     1},
    {"run", KEY_RUN, "N", 0, "Which run of a history (default: the last)", 1},
    {"from", KEY_FROM, "DURATION", 0, "Only from so far into the trace", 1},
    {"until", KEY_UNTIL, "DURATION", 0, "Only until so far into the trace", 1},
    {"service-time", KEY_SERVICE_TIME, "D|exp:D|FILE.csv:COLUMN", 0,
     "What a worker needs for an event: always D, exponential with mean D, or drawn from recorded "
     "seconds",
     1},
    {"startup", KEY_STARTUP, "D|exp:D|FILE.csv:COLUMN", 0,
     "From the start of a worker to its first event, likewise (default: 20ms)", 1},
    {"seed", KEY_SEED, "N", 0, "Makes what is random (default: 1)", 1},
    {NULL, 0, NULL, 0, "The policies:", 2},
    {"policy", KEY_POLICY, "NAME[,NAME...]", 0,
     "Which to try (default: formula,erlang): formula, erlang, erlang-quiet, also with parameters "
     "(erlang:epsilon=0.1:interval_s=1); hpa, kpa, horizon, celery, target, phpfpm, spring; "
     "fixed:N; the yardsticks work and oracle:SECONDS",
     2},
    {"wait-p95", KEY_WAIT_P95, "DURATION", 0,
     "The target: so long may all but 5 % of the events wait (default: 200ms)", 2},
    {"interval", KEY_INTERVAL, "DURATION", 0,
     "Time between decisions of formula and erlang (default: what suits the policy)", 2},
    {"horizon", KEY_HORIZON, "DURATION", 0, "T of the formula (default: 2s)", 2},
    {"capacity", KEY_CAPACITY, "N|auto", 0,
     "C, events one worker clears within T; auto, the default: T over the mean service time", 2},
    {"min", KEY_MIN, "N", 0, "Fewest workers (default: 0)", 2},
    {"max", KEY_MAX, "N", 0, "Most workers (default: 32)", 2},
    {NULL, 0, NULL, 0, "What to do:", 3},
    {"scores", KEY_SCORES, "FILE.csv", 0, "Write the scores, a row a policy", 3},
    {"history", KEY_HISTORY, "FILE.csv", 0,
     "Write the decisions of the first policy as winnow-autoscaler would (continues the file)", 3},
    {"no-oracle", KEY_NO_ORACLE, NULL, 0,
     "Leave out what needs oracle:10, which takes longer than all else", 3},
    {"recommend", KEY_RECOMMEND, NULL, 0,
     "Find the policy that meets the target with the fewest worker-seconds, and print the command "
     "line to run",
     3},
    {"replay", KEY_REPLAY, "HISTORY.csv", 0,
     "Decide again what a history tells, and end with 1 and the row if anything differs", 3},
    {"explain", KEY_EXPLAIN, "HISTORY.csv", 0,
     "Tell row by row which term decided, and what other policies would have done", 3},
    {0}};

static double seconds(struct argp_state *state, const char *option, const char *text,
                      int64_t min_ns, int64_t max_ns)
{
    return (double)options_duration(state, option, text, min_ns, max_ns) / (double)SECOND_NS;
}

static uint32_t workers(struct argp_state *state, const char *option, const char *text,
                        uint64_t least)
{
    return (uint32_t)options_count(state, option, text, least, POOL_MAX_WORKERS);
}

/* What the options mean together. */
static void check_options(struct argp_state *state, const struct simulate_options *options)
{
    const struct policy_params *params = &options->comparison.defaults.params;

    if (params->min_workers > params->max_workers)
        argp_failure(state, EX_USAGE, 0, "--min %u is more than --max %u", params->min_workers,
                     params->max_workers);
    if (options->from_s >= options->until_s)
        argp_failure(state, EX_USAGE, 0, "--from is not before --until");
    if (options->replay_path || options->explain_path)
        return;
    if (!options->trace)
        argp_failure(state, EX_USAGE, 0, "--trace is missing; expected " TRACE_FORM);
    if (!options->service_time)
        argp_failure(state, EX_USAGE, 0, "--service-time is missing; expected " SERVICE_FORM);
}

/* ARGP_ERR_UNKNOWN: the key is none of the load's. */
static error_t parse_load(int key, char *argument, struct argp_state *state,
                          struct simulate_options *options)
{
    switch (key) {
    case KEY_TRACE:
        options->trace = argument;
        return 0;
    case KEY_RUN:
        options->run = options_count(state, "--run", argument, 0, HISTORY_READER_LAST_RUN - 1);
        return 0;
    case KEY_FROM:
        options->from_s = seconds(state, "--from", argument, 0, INT64_MAX);
        return 0;
    case KEY_UNTIL:
        options->until_s = seconds(state, "--until", argument, 1, INT64_MAX);
        return 0;
    case KEY_SERVICE_TIME:
        options->service_time = argument;
        return 0;
    case KEY_STARTUP:
        options->startup = argument;
        return 0;
    case KEY_SEED:
        options->seed = options_count(state, "--seed", argument, 0, UINT64_MAX);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ARGP_ERR_UNKNOWN: the key is none of the policies'. */
static error_t parse_policies(int key, char *argument, struct argp_state *state,
                              struct simulate_options *options)
{
    struct candidate_defaults *defaults = &options->comparison.defaults;
    struct policy_params *params = &defaults->params;

    switch (key) {
    case KEY_POLICY:
        options->comparison.candidates = argument;
        return 0;
    case KEY_WAIT_P95:
        options->late_ns =
            options_duration(state, "--wait-p95", argument, SECOND_NS / 1000, 3600 * SECOND_NS);
        return 0;
    case KEY_INTERVAL:
        defaults->interval_ns =
            options_duration(state, "--interval", argument, SECOND_NS / 100, 3600 * SECOND_NS);
        return 0;
    case KEY_HORIZON:
        params->horizon_s =
            seconds(state, "--horizon", argument, SECOND_NS / 1000, 86400 * SECOND_NS);
        return 0;
    case KEY_CAPACITY:
        options->has_capacity = strcmp(argument, "auto") != 0;
        if (options->has_capacity)
            params->capacity_msgs =
                (double)options_count(state, "--capacity", argument, 1, 1000000000);
        return 0;
    case KEY_MIN:
        params->min_workers = workers(state, "--min", argument, 0);
        return 0;
    case KEY_MAX:
        params->max_workers = workers(state, "--max", argument, 1);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ARGP_ERR_UNKNOWN: the key says nothing of what to do. */
static error_t parse_doing(int key, char *argument, struct argp_state *state,
                           struct simulate_options *options)
{
    switch (key) {
    case KEY_SCORES:
        options->comparison.scores_path = argument;
        return 0;
    case KEY_HISTORY:
        options->comparison.history_path = argument;
        return 0;
    case KEY_NO_ORACLE:
        options->comparison.no_oracle = true;
        return 0;
    case KEY_RECOMMEND:
        options->recommend = true;
        return 0;
    case KEY_REPLAY:
        options->replay_path = argument;
        return 0;
    case KEY_EXPLAIN:
        options->explain_path = argument;
        return 0;
    case ARGP_KEY_ARG:
        argp_failure(state, EX_USAGE, 0, "unexpected argument '%s'", argument);
        return 0;
    case ARGP_KEY_END:
        check_options(state, options);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct simulate_options *options = state->input;
    error_t taken = parse_load(key, argument, state, options);

    if (taken == ARGP_ERR_UNKNOWN)
        taken = parse_policies(key, argument, state, options);
    return taken == ARGP_ERR_UNKNOWN ? parse_doing(key, argument, state, options) : taken;
}

static const char doc[] =
    "Runs scaling policies on a recorded or made-up trace of arrivals, on simulated time, with the "
    "same policy and pool as winnow-autoscaler, and tells what each would have cost and how long "
    "events would have waited.\v"
    "Waits are from an event's arrival to the start of its service. Worker-seconds count from the "
    "start of a worker to its end. /work compares them with the service itself, /oracle with "
    "oracle:10, which knows all arrivals and just meets the target; under and over are the shares "
    "of the time with fewer or more workers than it, and by how many.\n\n"
    "Example: winnow-simulate --trace day.csv --service-time exp:20ms --policy "
    "formula,erlang,phpfpm --scores scores.csv\n\n"
    "Exit codes: 0 done, 1 a replay differed or the target is met by nothing, 64 usage, "
    "75 another program writes to the history, 78 a file is not as it must be.";

static const struct argp argp = {option_table, parse_option, NULL, doc, NULL, NULL, NULL};

void simulate_options_parse(struct simulate_options *options, int argc, char **argv)
{
    struct candidate_defaults *defaults = &options->comparison.defaults;

    *options = (struct simulate_options){
        .run = HISTORY_READER_LAST_RUN,
        .until_s = INFINITY,
        .startup = "20ms",
        .seed = 1,
        .late_ns = SECOND_NS / 5,
        .comparison = {.candidates = "formula,erlang",
                       .defaults = {.params = POLICY_DEFAULT_PARAMS}},
    };
    defaults->params.scale_down_delay_s = POLICY_UNSET;
    options_parse_local(SIMULATE_OPTIONS_PROGRAM, &argp, argc, argv, options);
    defaults->wait_s = (double)options->late_ns / (double)SECOND_NS;
}
