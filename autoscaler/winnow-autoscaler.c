/* winnow-autoscaler: the command line and the environment; farm.c does the work. */
#include "error.h"
#include "farm.h"
#include "log.h"
#include "options.h"
#include "units.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define PROGRAM        "winnow-autoscaler"
#define DEFAULT_WORKER "winnow-filter"
#define SECOND_NS      INT64_C(1000000000)

enum {
    KEY_INTERVAL = OPTIONS_KEY_OWN,
    KEY_HORIZON,
    KEY_CAPACITY,
    KEY_MIN,
    KEY_MAX,
    KEY_POLICY,
    KEY_HISTORY,
    KEY_DRAIN_TIMEOUT,
    KEY_COUNT,
    KEY_STOP,
    KEY_HANG_TIMEOUT,
    KEY_MAX_ATTEMPTS,
    KEY_STANDBY,
    KEY_QUIET,
    KEY_REACT,
    KEY_HEADROOM,
    KEY_SCALE_DOWN_DELAY,
    KEY_STEP_UP,
    KEY_STEP_DOWN,
    KEY_WAIT,
};

static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "Deciding:", 1},
    {"interval", KEY_INTERVAL, "DURATION", 0,
     "Time between decisions (default: 2s, with erlang 500ms)", 1},
    {"horizon", KEY_HORIZON, "DURATION", 0,
     "T: the time in which backlog and arrivals should be cleared (default: 2s)", 1},
    {"capacity", KEY_CAPACITY, "N", 0,
     "C: events one worker clears within T (default: 1000), or auto: measured from what the "
     "workers do",
     1},
    {"min", KEY_MIN, "N", 0, "Fewest workers (default: 0)", 1},
    {"max", KEY_MAX, "N", 0, "Most workers (default: 32)", 1},
    {"policy", KEY_POLICY, "NAME", 0,
     "How to decide: formula (default), erlang (the fewest workers with which few events wait "
     "longer "
     "than --wait), or erlang-quiet (the same with fewer starts)",
     1},
    {"wait", KEY_WAIT, "DURATION", 0, "With erlang: how long an event may wait (default: 200ms)",
     1},
    {"react", KEY_REACT, "DURATION", 0,
     "Look so often between decisions whether more workers are needed, and start them at once "
     "(default: off)",
     1},
    {"headroom", KEY_HEADROOM, "F", 0, "Run F times the workers needed, 1 to 100 (default: 1)", 1},
    {"scale-down-delay", KEY_SCALE_DOWN_DELAY, "DURATION", 0,
     "Drain workers only after fewer were enough for so long (default: 0, with erlang-quiet 5s)",
     1},
    {"step-up", KEY_STEP_UP, "N", 0,
     "Start at most so many workers a decision (default: any number)", 1},
    {"step-down", KEY_STEP_DOWN, "N", 0, "Drain at most so many a decision (default: any number)",
     1},
    {"history", KEY_HISTORY, "FILE.csv", 0, "Write one row a decision (continues the file)", 1},
    {"count", KEY_COUNT, "HOW", 0,
     "How arrivals are counted: consume the copies (default), or purge them at each decision, for "
     "large "
     "bodies or a distant broker",
     1},
    {NULL, 0, NULL, 0, "Workers:", 2},
    {"drain-timeout", KEY_DRAIN_TIMEOUT, "DURATION", 0,
     "Longest that a worker may take to finish what it holds (default: 30s)", 2},
    {"stop", KEY_STOP, "WHICH", 0,
     "Which worker goes when there are too many: oldest (default), or idle, one that holds nothing",
     2},
    {"hang-timeout", KEY_HANG_TIMEOUT, "DURATION", 0,
     "A worker that is on one event for longer is killed and replaced (default: 60s)", 2},
    {"max-attempts", KEY_MAX_ATTEMPTS, "N", 0,
     "An event that crashed or hung its worker so often goes to FARM.dead as poison (default: 3)",
     2},
    {"standby", KEY_STANDBY, NULL, 0,
     "Wait while another autoscaler runs this farm, and take over when it ends", 1},
    {"quiet", KEY_QUIET, NULL, 0, "Print no decisions; the log and the history go on", 1},
    {0}};

static double seconds(struct argp_state *state, const char *option, const char *text,
                      int64_t min_ns)
{
    return (double)options_duration(state, option, text, min_ns, 86400 * SECOND_NS) /
           (double)SECOND_NS;
}

/* What the options mean together. */
static void check_options(struct argp_state *state, struct farm_settings *settings)
{
    bool formula = settings->policy->need == policy_formula;

    if (settings->params.min_workers > settings->params.max_workers)
        argp_error(state, "--min %u is more than --max %u", settings->params.min_workers,
                   settings->params.max_workers);
    if (settings->wait_given && formula)
        argp_error(state, "--wait is for --policy erlang; formula clears all within --horizon");
    policy_tune(settings->policy, &settings->params);
    if (!settings->interval_ns)
        settings->interval_ns = (int64_t)(settings->policy->interval_s * (double)SECOND_NS);
    if (settings->react_ns >= settings->interval_ns && settings->react_ns)
        argp_error(state, "--react must be shorter than --interval, the time between decisions");
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct farm_settings *settings = state->input;

    switch (key) {
    case KEY_INTERVAL:
        settings->interval_ns =
            options_duration(state, "--interval", argument, SECOND_NS / 100, 3600 * SECOND_NS);
        return 0;
    case KEY_HORIZON:
        settings->params.horizon_s = seconds(state, "--horizon", argument, SECOND_NS / 1000);
        return 0;
    case KEY_CAPACITY:
        settings->params.capacity_msgs =
            strcmp(argument, "auto") == 0
                ? POLICY_CAPACITY_AUTO
                : (double)options_count(state, "--capacity", argument, 1, 1000000000);
        return 0;
    case KEY_MIN:
        settings->params.min_workers =
            (uint32_t)options_count(state, "--min", argument, 0, POOL_MAX_WORKERS);
        return 0;
    case KEY_MAX:
        settings->params.max_workers =
            (uint32_t)options_count(state, "--max", argument, 1, POOL_MAX_WORKERS);
        return 0;
    case KEY_POLICY:
        settings->policy = policy_find(argument);
        if (!settings->policy)
            argp_error(state,
                       "--policy: '%s' is not a policy; expected formula, erlang or erlang-quiet",
                       argument);
        return 0;
    case KEY_HISTORY:
        settings->history_path = argument;
        return 0;
    case KEY_DRAIN_TIMEOUT:
        settings->drain_timeout_ns =
            options_duration(state, "--drain-timeout", argument, 0, 86400 * SECOND_NS);
        return 0;
    case KEY_COUNT:
        if (strcmp(argument, "consume") != 0 && strcmp(argument, "purge") != 0)
            argp_error(state, "--count: '%s' is not known; expected consume or purge", argument);
        settings->count = argument[0] == 'p' ? SAMPLER_PURGE : SAMPLER_CONSUME;
        return 0;
    case KEY_STOP:
        if (strcmp(argument, "oldest") != 0 && strcmp(argument, "idle") != 0)
            argp_error(state, "--stop: '%s' is not known; expected oldest or idle", argument);
        settings->stop = argument[0] == 'i' ? POOL_STOP_IDLE : POOL_STOP_OLDEST;
        return 0;
    case KEY_HANG_TIMEOUT:
        settings->hang_timeout_ns =
            options_duration(state, "--hang-timeout", argument, SECOND_NS / 100, 86400 * SECOND_NS);
        return 0;
    case KEY_MAX_ATTEMPTS:
        settings->max_attempts =
            (uint32_t)options_count(state, "--max-attempts", argument, 1, 1000);
        return 0;
    case KEY_STANDBY:
        settings->standby = true;
        return 0;
    case KEY_QUIET:
        settings->quiet = true;
        return 0;
    case KEY_REACT:
        settings->react_ns =
            options_duration(state, "--react", argument, SECOND_NS / 100, 3600 * SECOND_NS);
        return 0;
    case KEY_HEADROOM:
        if (units_parse_rate(argument, &settings->params.headroom) ||
            settings->params.headroom < 1 || settings->params.headroom > 100)
            argp_error(state, "--headroom: '%s' is not a factor; expected 1 to 100, as 1.25",
                       argument);
        return 0;
    case KEY_SCALE_DOWN_DELAY:
        settings->params.scale_down_delay_s = seconds(state, "--scale-down-delay", argument, 0);
        return 0;
    case KEY_STEP_UP:
        settings->params.step_up =
            (double)options_count(state, "--step-up", argument, 1, POOL_MAX_WORKERS);
        return 0;
    case KEY_STEP_DOWN:
        settings->params.step_down =
            (double)options_count(state, "--step-down", argument, 1, POOL_MAX_WORKERS);
        return 0;
    case KEY_WAIT:
        settings->params.wait_s = seconds(state, "--wait", argument, SECOND_NS / 1000);
        settings->wait_given = true;
        return 0;
    case ARGP_KEY_ARGS:
        settings->worker = state->argv + state->next;
        return 0;
    case ARGP_KEY_END:
        check_options(state, settings);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char doc[] =
    "Keeps as many workers running as a farm's load needs: every interval it reads the backlog B "
    "and the "
    "arrival rate λ, computes N = ceil((B + λT) / C), and starts or drains workers until N run.\v"
    "WORKER is any program that consumes FARM.work (default: winnow-filter, from the directory of "
    "this "
    "program or from PATH). It finds the broker and the farm in its environment: AMQP_URL, "
    "WINNOW_FARM, "
    "WINNOW_QUEUE_TYPE. SIGTERM must make it finish what it holds and exit with 0.\n\n"
    "SIGINT and SIGTERM drain all workers, then end; a second one ends them at once.\n\n"
    "Example: winnow-autoscaler --farm shop --max 8 --history shop.csv -- winnow-filter --words "
    "words.txt\n\n"
    "Exit codes: 0 done, 1 ended before the workers had drained, 64 usage, 69 broker unavailable, "
    "75 another "
    "autoscaler runs this farm, 77 permission refused, 78 configuration.";

static const struct argp argp = {option_table, parse_option, "[-- WORKER [ARG...]]", doc, NULL,
                                 NULL,         NULL};

/* winnow-filter from this program's directory, so that a build tree and an installation both work, else
 * whatever PATH has. */
static char *default_worker(void)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof DEFAULT_WORKER - 1);

    if (length > 0) {
        path[length] = '\0';
        char *name = strrchr(path, '/');
        memcpy(name + 1, DEFAULT_WORKER, sizeof DEFAULT_WORKER);
        if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0)
            return strdup(path);
    }
    return strdup(DEFAULT_WORKER);
}

/* What every worker finds in its environment beside its place on the scoreboard. */
struct environment {
    char *list[9];
    size_t count;
    bool failed;
};

static void set_variable(struct environment *environment, const char *name, const char *value)
{
    if (!value)
        return;
    if (asprintf(&environment->list[environment->count], "%s=%s", name, value) < 0) {
        environment->list[environment->count] = NULL;
        environment->failed = true;
    } else {
        environment->count++;
    }
}

static void make_environment(struct environment *environment, const struct options *options,
                             const struct farm_settings *settings)
{
    char drain_timeout[UNITS_TEXT_SIZE];

    units_format_duration(settings->drain_timeout_ns, drain_timeout);
    set_variable(environment, "AMQP_URL", options->amqp_url);
    set_variable(environment, "WINNOW_FARM", options->topology.farm);
    set_variable(environment, "WINNOW_QUEUE_TYPE",
                 topology_queue_type_name(options->topology.queue_type));
    set_variable(environment, "WINNOW_TLS_CA", options->tls_ca_file);
    set_variable(environment, "WINNOW_TLS_CERT", options->tls_cert_file);
    set_variable(environment, "WINNOW_TLS_KEY", options->tls_key_file);
    set_variable(environment, "WINNOW_DRAIN_TIMEOUT", drain_timeout);
    /* What is news to one worker is not to the farm. */
    set_variable(environment, "WINNOW_LOG_LEVEL",
                 log_level_name(options->log_level == LOG_INFO ? LOG_WARN : options->log_level));
}

static void clear_environment(struct environment *environment)
{
    for (size_t i = 0; i < environment->count; i++)
        free(environment->list[i]);
}

/* *farm is NULL when it could not be opened. */
static int open_and_run(const struct farm_settings *settings, const struct options *options,
                        struct farm **farm, struct why *why)
{
    *farm = NULL;
    int error = farm_open(settings, options, farm, why);
    return error ? error : farm_run(*farm, why);
}

int main(int argc, char **argv)
{
    struct options options;
    struct farm_settings settings = {.drain_timeout_ns = 30 * SECOND_NS,
                                     .hang_timeout_ns = 60 * SECOND_NS,
                                     .max_attempts = 3,
                                     .params = POLICY_DEFAULT_PARAMS,
                                     .policy = policy_find("formula")};
    settings.params.scale_down_delay_s = POLICY_OWN;
    options_parse(&options, PROGRAM, &argp, argc, argv, &settings);

    struct why why = {0};
    struct environment environment = {0};
    struct farm *farm = NULL;
    char *worker[] = {default_worker(), NULL};
    if (!settings.worker)
        settings.worker = worker;
    make_environment(&environment, &options, &settings);
    settings.environment = (const char *const *)environment.list;

    int error = !settings.worker[0] || environment.failed
                    ? error_set(&why, ERR_MEMORY, "out of memory")
                    : open_and_run(&settings, &options, &farm, &why);
    /* One that gave way stands by again. */
    while (farm && error == -ERR_LOCKED && settings.standby) {
        farm_close(farm);
        error = open_and_run(&settings, &options, &farm, &why);
    }
    bool interrupted = !farm && error == -ERR_TIMEOUT; /* told to go before it was connected */
    bool abandoned = farm && farm_abandoned(farm);

    farm_close(farm);
    clear_environment(&environment);
    free(worker[0]);
    if (error && !interrupted)
        return options_fail(PROGRAM, error, &why);
    return abandoned ? 1 : EX_OK;
}
