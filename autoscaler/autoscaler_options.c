#include "autoscaler_options.h"

#include "autoscaler/policy/policies.h"
#include "deciding_options.h"
#include "units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS INT64_C(1000000000)

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
    {"startup", KEY_STARTUP, "DURATION", 0,
     "With erlang: how long a worker takes from its start until it consumes, or auto, the default: "
     "the median of the last five",
     1},
    {"few-starts", KEY_FEW_STARTS, NULL, 0,
     "With erlang: hold workers that start slowly for longer, so that fewer start", 1},
    {"react", KEY_REACT, "DURATION", 0,
     "Look so often between decisions whether more workers are needed, and start them at once "
     "(default: off)",
     1},
    {"headroom", KEY_HEADROOM, "F", 0, "Run F times the workers needed, 1 to 100 (default: 1)", 1},
    {"scale-down-delay", KEY_SCALE_DOWN_DELAY, "DURATION", 0,
     "Drain workers only after fewer were enough for so long (default: 0, with erlang-quiet 5s; "
     "with workers that tell nothing 30s)",
     1},
    {"step-up", KEY_STEP_UP, "N", 0,
     "Start at most so many workers a decision (default: any number)", 1},
    {"step-down", KEY_STEP_DOWN, "N", 0, "Drain at most so many a decision (default: any number)",
     1},
    {"history", KEY_HISTORY, "FILE.csv", 0, "Write one row a decision (continues the file)", 1},
    {"count", KEY_COUNT, "HOW", 0,
     "How arrivals are counted: consume the copies (default), or purge them at each decision, for "
     "large bodies or a distant broker",
     1},
    {"queue", KEY_QUEUE, "NAME", 0,
     "Scale the workers of this queue, which is there and somebody else's, instead of a farm's "
     "own; nothing of it is changed. --farm is then this name, unless it is given",
     1},
    {"count-from", KEY_COUNT_FROM, "EXCHANGE[:KEY]", 0,
     "With --queue: count what this exchange gets by this routing key as arrivals; may be given "
     "several times. The last colon parts the two",
     1},
    {NULL, 0, NULL, 0, "Workers:", 2},
    {"drain-timeout", KEY_DRAIN_TIMEOUT, "DURATION", 0,
     "Longest that a worker may take to finish what it holds (default: 30s). When a scale-down had "
     "to cut a drain short, later ones take as long as they need, and only the autoscaler's end "
     "keeps to it",
     2},
    {"start-timeout", KEY_START_TIMEOUT, "DURATION", 0,
     "A worker that does not say or show that it consumes counts as starting for so long, then as "
     "one that runs and tells nothing (default: 5m)",
     2},
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
    {NULL, 0, NULL, 0, "A farm over several hosts:", 3},
    {"node", KEY_NODE, "NAME", 0,
     "This host is a node of the farm: it runs its share of the workers, and whichever node leads "
     "decides for all. Start one on each host, with a name of its own and otherwise the same "
     "options; --max is the farm's",
     3},
    {"node-max", KEY_NODE_MAX, "K", 0,
     "With --node: most workers on this host, and its weight when they are shared (default: --max)",
     3},
    {"rank", KEY_RANK, "R", 0,
     "With --node: of the nodes that live, the one with the highest leads (default: 0; of equal "
     "ranks the last name)",
     3},
    {NULL, 0, NULL, 0, "Several pools in one process:", 4},
    {"config", KEY_CONFIG, "FILE", 0,
     "Run a farm for each section [pool NAME] of this file, whose entries are these options, "
     "written key = value, and worker = WORKER ARG...; other options on the command line are for "
     "all of them. The entry total-max of a section [autoscaler] is the most workers of all farms "
     "together. SIGHUP has the file read anew",
     4},
    {"check", KEY_CHECK, NULL, 0,
     "With --config: say what is wrong in the file, or what would run, and end", 4},
    {"quiet", KEY_QUIET, NULL, 0, "Print no decisions; the log and the history go on", 1},
    {0}};

/* What a queue that is there asks of the other options. */
static void check_queue(struct argp_state *state, const struct autoscaler_options *settings)
{
    const struct policy *policy = settings->farm.leader.policy;
    const struct topology_queue *queue = &settings->options.queue;

    if (!queue->name)
        return;
    if (!settings->farm.node.worker)
        options_error(state,
                      "--queue needs a worker, behind -- or, in a file, as worker = ...: the "
                      "default, winnow-filter, would take what is in the queue for its events");
    if (policy->needs_arrival && !queue->source_count)
        options_error(
            state,
            "--policy %s needs the arrival rate, which nothing counts on a queue that is "
            "there: name the exchanges that feed it with --count-from, or take the policy "
            "formula",
            policy->name);
}

/* What is of one farm cannot be said of all. */
static void check_several(struct argp_state *state, const struct autoscaler_options *settings)
{
    const struct options *options = &settings->options;
    const char *name = options->farm_flag                   ? "--farm"
                       : options->queue.name                ? "--queue"
                       : options->queue.source_count        ? "--count-from"
                       : settings->farm.leader.history_path ? "--history"
                                                            : NULL;

    if (settings->check && !settings->config_path)
        options_error(state, "--check is for a file, which --config names");
    if (settings->config_path && name)
        options_error(state, "%s is of one farm; with --config it stands in the file", name);
    if (settings->config_path && settings->farm.host.name)
        options_error(state, "--node and --config exclude each other: the pools of a "
                             "configuration are on one host");
}

/* What several hosts ask of the other options. */
static void check_node(struct argp_state *state, struct autoscaler_options *settings)
{
    struct host_settings *host = &settings->farm.host;

    if (!host->name && (host->capacity || settings->ranked))
        options_error(state, "%s is of a node, which --node names",
                      host->capacity ? "--node-max" : "--rank");
    if (host->name && settings->farm.leader.standby)
        options_error(state, "--standby is for a farm on one host; a node stands by without it");
    if (host->name && !host->capacity)
        host->capacity = settings->farm.leader.params.max_workers;
}

/* What the options mean together. */
static void check_options(struct argp_state *state, struct autoscaler_options *settings)
{
    struct leader_settings *leader = &settings->farm.leader;
    const struct policy_param *wait = policy_param_find(leader->policy, POLICY_WAIT);
    const struct policy_param *few = policy_param_find(leader->policy, POLICY_FEW_STARTS);

    if (leader->params.min_workers > leader->params.max_workers)
        options_error(state, "--min %u is more than --max %u", leader->params.min_workers,
                      leader->params.max_workers);
    check_queue(state, settings);
    check_node(state, settings);
    if (settings->wait_s > 0 && !wait)
        options_error(state, "--wait is for --policy erlang; formula clears all within --horizon");
    if (settings->few_starts && !few)
        options_error(state, "--few-starts is for --policy erlang");
    if (!isnan(leader->params.scale_down_delay_s))
        leader->params.silent_delay_s = leader->params.scale_down_delay_s;
    policy_tune(leader->policy, &leader->params);
    if (settings->wait_s > 0 && wait)
        policy_params_set(wait, &leader->params, settings->wait_s);
    if (settings->few_starts && few)
        policy_params_set(few, &leader->params, 1);
    if (!leader->interval_ns)
        leader->interval_ns = (int64_t)(leader->policy->interval_s * (double)SECOND_NS);
    if (leader->react_ns >= leader->interval_ns && leader->react_ns)
        options_error(state, "--react must be shorter than --interval, the time between decisions");
}

/* Several farms. ARGP_ERR_UNKNOWN: the key is not about them. */
static error_t parse_several(int key, char *argument, struct autoscaler_options *settings)
{
    switch (key) {
    case KEY_CONFIG:
        settings->config_path = argument;
        return 0;
    case KEY_CHECK:
        settings->check = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* This host among several. ARGP_ERR_UNKNOWN: the key is not about it. */
static error_t parse_node(int key, char *argument, struct argp_state *state,
                          struct autoscaler_options *settings)
{
    struct host_settings *host = &settings->farm.host;

    switch (key) {
    case KEY_NODE:
        if (!node_name_is_valid(argument))
            options_error(state, "--node: '%.80s' is not a name; expected " NODE_NAME_FORM,
                          argument);
        host->name = argument;
        return 0;
    case KEY_NODE_MAX:
        host->capacity =
            (uint32_t)options_count(state, "--node-max", argument, 1, POOL_MAX_WORKERS);
        return 0;
    case KEY_RANK:
        host->rank = (int64_t)options_count(state, "--rank", argument, 0, REPORT_MOST_RANK);
        settings->ranked = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* A queue that is there. ARGP_ERR_UNKNOWN: the key is not about one. */
static error_t parse_queue(int key, char *argument, struct argp_state *state,
                           struct topology_queue *queue)
{
    switch (key) {
    case KEY_QUEUE:
        queue->name = options_queue_name(state, "--queue", argument);
        return 0;
    case KEY_COUNT_FROM:
        options_add_source(state, argument, queue);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ARGP_ERR_UNKNOWN: the key is none of the workers'. */
static error_t parse_workers(int key, char *argument, struct argp_state *state,
                             struct supervisor_settings *node)
{
    switch (key) {
    case KEY_DRAIN_TIMEOUT:
        node->drain_timeout_ns =
            options_duration(state, "--drain-timeout", argument, 0, 86400 * SECOND_NS);
        return 0;
    case KEY_START_TIMEOUT:
        node->start_timeout_ns =
            options_duration(state, "--start-timeout", argument, 0, 86400 * SECOND_NS);
        return 0;
    case KEY_STOP:
        if (strcmp(argument, "oldest") != 0 && strcmp(argument, "idle") != 0)
            options_error(state, "--stop: '%s' is not known; expected oldest or idle", argument);
        node->stop = argument[0] == 'i' ? POOL_STOP_IDLE : POOL_STOP_OLDEST;
        return 0;
    case KEY_HANG_TIMEOUT:
        node->hang_timeout_ns =
            options_duration(state, "--hang-timeout", argument, SECOND_NS / 100, 86400 * SECOND_NS);
        return 0;
    case KEY_MAX_ATTEMPTS:
        node->max_attempts = (uint32_t)options_count(state, "--max-attempts", argument, 1, 1000);
        return 0;
    case ARGP_KEY_ARGS:
        node->worker = state->argv + state->next;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct autoscaler_options *settings = state->input;

    if (key == ARGP_KEY_END) {
        check_options(state, settings);
        if (!(state->flags & ARGP_NO_ERRS))
            check_several(state, settings);
        return 0;
    }
    error_t taken = deciding_options_parse(key, argument, state, settings);
    if (taken == ARGP_ERR_UNKNOWN)
        taken = parse_several(key, argument, settings);
    if (taken == ARGP_ERR_UNKNOWN)
        taken = parse_queue(key, argument, state, &settings->options.queue);
    if (taken == ARGP_ERR_UNKNOWN)
        taken = parse_node(key, argument, state, settings);
    return taken == ARGP_ERR_UNKNOWN ? parse_workers(key, argument, state, &settings->farm.node)
                                     : taken;
}

static const char doc[] =
    "Keeps as many workers running as a farm's load needs: every interval it reads the backlog B "
    "and the "
    "arrival rate λ, computes N = ceil((B + λT) / C), and starts or drains workers until N run.\v"
    "WORKER is any program that consumes the queue (default: winnow-filter, from the directory of "
    "this "
    "program or from PATH). It finds the broker and the farm in its environment: AMQP_URL, "
    "WINNOW_FARM, "
    "WINNOW_QUEUE, WINNOW_QUEUE_TYPE. SIGTERM must make it finish what it holds and exit with "
    "0.\n\n"
    "SIGINT and SIGTERM drain all workers, then end; a second one ends them at once.\n\n"
    "Examples: winnow-autoscaler --farm shop --max 8 --history shop.csv -- winnow-filter --words "
    "words.txt\n"
    "winnow-autoscaler --queue tasks --count-from some.topic:jobs.# --max 8 -- python3 "
    "worker.py\n\n"
    "Exit codes: 0 done, 1 ended before the workers had drained, 64 usage, 69 broker unavailable, "
    "75 another autoscaler runs this farm, has this node's name or writes to this history, 77 "
    "permission refused, "
    "78 configuration.";

static const struct argp argp = {option_table, parse_option, "[-- WORKER [ARG...]]", doc, NULL,
                                 NULL,         NULL};

static void set_defaults(struct autoscaler_options *settings)
{
    *settings = (struct autoscaler_options){
        .farm.leader = {.program = AUTOSCALER_PROGRAM,
                        .policy = policies_find("formula"),
                        .params = POLICY_DEFAULT_PARAMS},
        .farm.node = {.drain_timeout_ns = 30 * SECOND_NS,
                      .start_timeout_ns = 300 * SECOND_NS,
                      .hang_timeout_ns = 60 * SECOND_NS,
                      .max_attempts = 3},
    };
    settings->farm.leader.params.scale_down_delay_s = POLICY_UNSET;
}

static void complete(struct autoscaler_options *settings)
{
    const struct host_settings *host = &settings->farm.host;

    settings->farm.node.max_workers =
        host->name ? host->capacity : settings->farm.leader.params.max_workers;
}

void autoscaler_options_parse(struct autoscaler_options *settings, int argc, char **argv)
{
    set_defaults(settings);
    options_parse(&settings->options, AUTOSCALER_PROGRAM, &argp, argc, argv, settings);
    complete(settings);
}

int autoscaler_options_read(struct autoscaler_options *settings, int argc, char **argv,
                            struct options_refusal *refusal)
{
    set_defaults(settings);
    int error =
        options_read(&settings->options, AUTOSCALER_PROGRAM, &argp, argc, argv, settings, refusal);
    complete(settings);
    return error;
}

const struct argp_option *autoscaler_options_find(const char *name)
{
    return options_find(&argp, name);
}

bool autoscaler_options_is_no_pools(const char *name)
{
    static const char *const names[] = {"config", "check", "log-level", "node", "node-max", "rank"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

int autoscaler_options_count(const struct autoscaler_options *settings, int argc, char **argv)
{
    char **worker = settings->farm.node.worker;
    int count = worker ? (int)(worker - argv) : argc;

    return worker && strcmp(argv[count - 1], "--") == 0 ? count - 1 : count;
}
