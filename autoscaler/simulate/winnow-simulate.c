/* winnow-simulate: the command line; evaluation.c does the work. */
#include "candidate.h"
#include "csv/history_reader.h"
#include "csv/history_writer.h"
#include "csv/trace.h"
#include "error.h"
#include "evaluation.h"
#include "explain.h"
#include "options.h"
#include "recommend.h"
#include "score_table.h"
#include "service_file.h"
#include "workload.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define PROGRAM      "winnow-simulate"
#define SECOND_NS    INT64_C(1000000000)
#define MAX_POLICIES 64

struct settings {
    const char *trace, *service_time, *policies, *scores_path, *history_path;
    const char *replay_path, *explain_path;
    struct candidate_defaults defaults;
    int64_t startup_ns, late_ns, from_ns, until_ns;
    uint64_t seed, run;
    bool no_oracle, recommend, has_capacity;
};

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
    {"startup", KEY_STARTUP, "DURATION", 0,
     "From the start of a worker to its first event (default: 20ms)", 1},
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

static void take_end(struct argp_state *state, const struct settings *settings)
{
    const struct policy_params *params = &settings->defaults.params;

    if (params->min_workers > params->max_workers)
        argp_failure(state, EX_USAGE, 0, "--min %u is more than --max %u", params->min_workers,
                     params->max_workers);
    if (settings->from_ns >= settings->until_ns)
        argp_failure(state, EX_USAGE, 0, "--from is not before --until");
    if (settings->replay_path || settings->explain_path)
        return;
    if (!settings->trace)
        argp_failure(state, EX_USAGE, 0, "--trace is missing; expected " TRACE_FORM);
    if (!settings->service_time)
        argp_failure(state, EX_USAGE, 0, "--service-time is missing; expected " SERVICE_FORM);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct settings *settings = state->input;
    struct policy_params *params = &settings->defaults.params;

    switch (key) {
    case KEY_TRACE:
        settings->trace = argument;
        return 0;
    case KEY_RUN:
        settings->run = options_count(state, "--run", argument, 0, HISTORY_READER_LAST_RUN - 1);
        return 0;
    case KEY_FROM:
        settings->from_ns = options_duration(state, "--from", argument, 0, INT64_MAX);
        return 0;
    case KEY_UNTIL:
        settings->until_ns = options_duration(state, "--until", argument, 1, INT64_MAX);
        return 0;
    case KEY_SERVICE_TIME:
        settings->service_time = argument;
        return 0;
    case KEY_STARTUP:
        settings->startup_ns = options_duration(state, "--startup", argument, 0, 3600 * SECOND_NS);
        return 0;
    case KEY_SEED:
        settings->seed = options_count(state, "--seed", argument, 0, UINT64_MAX);
        return 0;
    case KEY_POLICY:
        settings->policies = argument;
        return 0;
    case KEY_WAIT_P95:
        settings->late_ns =
            options_duration(state, "--wait-p95", argument, SECOND_NS / 1000, 3600 * SECOND_NS);
        return 0;
    case KEY_INTERVAL:
        settings->defaults.interval_ns =
            options_duration(state, "--interval", argument, SECOND_NS / 100, 3600 * SECOND_NS);
        return 0;
    case KEY_HORIZON:
        params->horizon_s = (double)options_duration(state, "--horizon", argument, SECOND_NS / 1000,
                                                     86400 * SECOND_NS) /
                            (double)SECOND_NS;
        return 0;
    case KEY_CAPACITY:
        settings->has_capacity = strcmp(argument, "auto") != 0;
        if (settings->has_capacity)
            params->capacity_msgs =
                (double)options_count(state, "--capacity", argument, 1, 1000000000);
        return 0;
    case KEY_MIN:
        params->min_workers =
            (uint32_t)options_count(state, "--min", argument, 0, POOL_MAX_WORKERS);
        return 0;
    case KEY_MAX:
        params->max_workers =
            (uint32_t)options_count(state, "--max", argument, 1, POOL_MAX_WORKERS);
        return 0;
    case KEY_SCORES:
        settings->scores_path = argument;
        return 0;
    case KEY_HISTORY:
        settings->history_path = argument;
        return 0;
    case KEY_NO_ORACLE:
        settings->no_oracle = true;
        return 0;
    case KEY_RECOMMEND:
        settings->recommend = true;
        return 0;
    case KEY_REPLAY:
        settings->replay_path = argument;
        return 0;
    case KEY_EXPLAIN:
        settings->explain_path = argument;
        return 0;
    case ARGP_KEY_ARG:
        argp_failure(state, EX_USAGE, 0, "unexpected argument '%s'", argument);
        return 0;
    case ARGP_KEY_END:
        take_end(state, settings);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
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
    "Exit codes: 0 done, 1 a replay differed or the target is met by nothing, 64 usage, 78 a file "
    "is not as it must be.";

static const struct argp argp = {option_table, parse_option, NULL, doc, NULL, NULL, NULL};

/* ---- trying policies ---- */

static double until_s(const struct settings *settings)
{
    return settings->until_ns == INT64_MAX ? (double)INFINITY
                                           : (double)settings->until_ns / (double)SECOND_NS;
}

static int open_trial(const struct settings *settings, struct evaluation *evaluation,
                      int64_t **times_ns, struct why *why)
{
    *evaluation =
        (struct evaluation){.startup_ns = settings->startup_ns, .late_ns = settings->late_ns};
    /* Two streams of random numbers that have nothing in common. */
    int error =
        service_parse(settings->service_time, ~settings->seed, &evaluation->service, times_ns, why);
    if (error) {
        error_prefix(why, "--service-time");
        return error;
    }
    error =
        workload_open(settings->trace, settings->run, (double)settings->from_ns / (double)SECOND_NS,
                      until_s(settings), settings->seed, &evaluation->workload, why);
    if (error)
        error_prefix(why, "--trace");
    return error;
}

static int parse_policies(const struct settings *settings, struct candidate_spec *specs,
                          size_t *count, struct why *why)
{
    char *names = strdup(settings->policies), *rest = names, *name;
    int error = names ? 0 : error_set(why, ERR_MEMORY, "out of memory");

    for (*count = 0; !error && (name = strsep(&rest, ",")); ++*count) {
        if (*count == MAX_POLICIES)
            error = error_set(why, ERR_INVALID, "more than %d policies", MAX_POLICIES);
        else
            error = candidate_parse(name, &settings->defaults, &specs[*count], why);
        if (error)
            break;
    }
    free(names);
    if (error == -ERR_INVALID)
        error_prefix(why, "--policy");
    return error;
}

static int try_policies(const struct settings *settings, struct evaluation *evaluation,
                        struct why *why)
{
    static struct candidate_spec specs[MAX_POLICIES];
    struct score_table_row rows[MAX_POLICIES];
    struct history_writer *history = NULL;
    size_t count;
    int error = parse_policies(settings, specs, &count, why);

    if (!error && settings->history_path)
        error = history_writer_open(settings->history_path, &history, why);
    if (!error && !settings->no_oracle)
        error = evaluation_need(evaluation, &specs[0], why);
    for (size_t i = 0; !error && i < count; i++) {
        rows[i].policy = specs[i].name;
        error = evaluation_run(evaluation, &specs[i], i ? NULL : history, &rows[i].score, why);
    }
    if (!error && settings->scores_path)
        error = score_table_write(settings->scores_path, rows, count, why);
    if (!error) {
        printf(
            "%llu events in %.0f s, mean load %.2f workers; target: 95 %% wait at most %.0f ms\n",
            (unsigned long long)rows[0].score.events, rows[0].score.duration_s,
            rows[0].score.work_s / rows[0].score.duration_s, (double)settings->late_ns / 1e6);
        score_table_print(stdout, rows, count);
    }
    history_writer_close(history);
    return error;
}

int main(int argc, char **argv)
{
    struct settings settings = {.policies = "formula,erlang",
                                .startup_ns = SECOND_NS / 50,
                                .late_ns = SECOND_NS / 5,
                                .until_ns = INT64_MAX,
                                .seed = 1,
                                .run = HISTORY_READER_LAST_RUN,
                                .defaults = {.params = POLICY_DEFAULT_PARAMS}};
    settings.defaults.params.scale_down_delay_s = POLICY_UNSET;
    options_parse_local(PROGRAM, &argp, argc, argv, &settings);
    settings.defaults.wait_s = (double)settings.late_ns / (double)SECOND_NS;

    struct why why = {0};
    struct evaluation evaluation = {0};
    int64_t *times_ns = NULL;
    bool good = true;
    int error;
    if (settings.replay_path) {
        error = explain_replay(settings.replay_path, settings.run, &good, &why);
    } else if (settings.explain_path) {
        error = explain_history(settings.explain_path, settings.run, &good, &why);
    } else {
        error = open_trial(&settings, &evaluation, &times_ns, &why);
        if (!error && !settings.has_capacity)
            settings.defaults.params.capacity_msgs =
                settings.defaults.params.horizon_s * 1e9 / evaluation.service.mean_ns;
        if (!error && settings.recommend)
            error = recommend(
                &evaluation,
                &(struct recommend_settings){.source = settings.trace,
                                             .run = settings.run,
                                             .seed = settings.seed,
                                             .from_s = (double)settings.from_ns / (double)SECOND_NS,
                                             .until_s = until_s(&settings),
                                             .defaults = settings.defaults},
                &good, &why);
        else if (!error)
            error = try_policies(&settings, &evaluation, &why);
    }
    if (!error && (fflush(stdout) || ferror(stdout)))
        error = error_set(&why, ERR_SYSTEM, "cannot write to standard output");
    evaluation_clear(&evaluation);
    workload_close(evaluation.workload);
    free(times_ns);
    if (error)
        return options_fail(PROGRAM, error, &why);
    return good ? EX_OK : 1;
}
