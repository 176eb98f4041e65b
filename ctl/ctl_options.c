#include "ctl_options.h"

#include "clock.h"
#include "units.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define WAIT_NS       (5 * CLOCK_NS_PER_S)
#define WAIT_FARMS_NS (1 * CLOCK_NS_PER_S)
#define WAIT_MOST_NS  (3600 * CLOCK_NS_PER_S)

#define PROPERTY_MAX_BYTES 255

#define WORDS_FORM "add, remove, list, random, broadcast or follow"

static const struct verb {
    const char *name;
    enum ctl_verb verb;
    enum command_verb command;
    size_t least, most; /* arguments */
    const char *form;   /* of them */
} verbs[] = {
    {"status", CTL_STATUS, COMMAND_STATUS, 0, 0, "no argument"},
    {"workers", CTL_WORKERS, COMMAND_STATUS, 0, 0, "no argument"},
    {"explain", CTL_EXPLAIN, COMMAND_STATUS, 0, 0, "no argument"},
    {"set", CTL_STEER, COMMAND_SET, 1, 3, "min=N, max=N, replicas=N or replicas=none"},
    {"pause", CTL_STEER, COMMAND_PAUSE, 0, 0, "no argument"},
    {"resume", CTL_STEER, COMMAND_RESUME, 0, 0, "no argument"},
    {"fix", CTL_STEER, COMMAND_SET, 1, 1, "the number of workers"},
    {"unfix", CTL_STEER, COMMAND_SET, 0, 0, "no argument"},
    {"stop", CTL_STEER, COMMAND_STOP, 1, 1, "the slot of a worker, as 'workers' lists it"},
    {"nodes", CTL_NODES, COMMAND_STATUS, 0, 0, "no argument"},
    {"drain", CTL_STEER, COMMAND_DRAIN, 1, 1, "a node, as 'nodes' lists it"},
    {"undrain", CTL_STEER, COMMAND_UNDRAIN, 1, 1, "a node, as 'nodes' lists it"},
    {"log", CTL_LOG, COMMAND_STATUS, 0, SIZE_MAX, "log files"},
    {"farms", CTL_FARMS, COMMAND_STATUS, 0, 0, "no argument"},
    {"send", CTL_SEND, COMMAND_STATUS, 0, 1, "a text, or - for standard input"},
    {"results", CTL_RESULTS, COMMAND_STATUS, 0, 0, "no argument"},
    {"words", CTL_WORDS, COMMAND_STATUS, 1, SIZE_MAX, WORDS_FORM},
};
#define VERBS (sizeof verbs / sizeof verbs[0])

#define VERB_FORM                                                                                  \
    "status, workers, explain, set, pause, resume, fix, unfix, stop, nodes, drain, undrain, log, " \
    "farms, send, words or results"

/* Behind the verb words. */
static const struct words_verb {
    const char *name;
    enum ctl_words words;
    size_t most; /* arguments */
    const char *form;
} words_verbs[] = {
    {"add", CTL_WORDS_ADD, SIZE_MAX, "words or phrases"},
    {"remove", CTL_WORDS_REMOVE, SIZE_MAX, "words or phrases"},
    {"list", CTL_WORDS_LIST, 1, "what the entries begin with"},
    {"random", CTL_WORDS_RANDOM, 1, "a count"},
    {"broadcast", CTL_WORDS_BROADCAST, 1, "start, stop, or nothing to ask"},
    {"follow", CTL_WORDS_FOLLOW, 0, "no argument"},
};
#define WORDS_VERBS (sizeof words_verbs / sizeof words_verbs[0])

enum {
    KEY_JSON = OPTIONS_KEY_OWN,
    KEY_WATCH,
    KEY_FOLLOW,
    KEY_WAIT,
    KEY_TYPE,
    KEY_QUEUE,
    KEY_FILE,
    KEY_LAST,
    KEY_SINCE
};

static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "Control:", 1},
    {"json", KEY_JSON, NULL, 0, "Print the farm's messages as they came, each on a line", 1},
    {"watch", KEY_WATCH, NULL, 0,
     "status: go on showing it until Ctrl-C; on a terminal in place, else a line each time", 1},
    {"follow", KEY_FOLLOW, NULL, 0,
     "log: go on showing what happens in the farm until Ctrl-C; results: and those to come", 1},
    {"last", KEY_LAST, "N", 0, "results: the last N", 1},
    {"since", KEY_SINCE, "TIME", 0,
     "results: those since a time, 2026-01-31 12:00 (UTC), or since a DURATION ago; a few from "
     "before it may be among them",
     1},
    {"wait", KEY_WAIT, "DURATION", 0,
     "How long to wait for an answer, 10ms to 1h (default: 5s; 1s for farms); send: wait for the "
     "result, 60s when no DURATION follows",
     1},
    {"type", KEY_TYPE, "TYPE", 0, "send: the event's property type", 1},
    {"file", KEY_FILE, "FILE", 0,
     "words add, words remove: a word list, - is standard input; give it again to take several", 1},
    {"queue", KEY_QUEUE, "NAME", 0, "The farm that works on this queue; send: to it", 1},
    {0}};

/* What has been read, and where it goes. */
struct input {
    struct ctl_options *options;
    const struct verb *verb; /* NULL: not yet */
};

static void refuse(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void refuse(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "%s: ", CTL_OPTIONS_PROGRAM);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(EX_USAGE);
}

/* ---- arguments ---- */

static int64_t read_workers(struct argp_state *state, const char *what, const char *text,
                            uint64_t least)
{
    return (int64_t)options_count(state, what, text, least, COMMAND_MOST_WORKERS);
}

static void refuse_twice(const char *key, bool given)
{
    if (given)
        refuse("set: %s is given twice", key);
}

/* "min=2". */
static void read_pair(struct argp_state *state, const struct verb *verb, const char *text,
                      struct command *command)
{
    if (strncmp(text, "min=", 4) == 0) {
        refuse_twice("min", command->min_workers != COMMAND_UNCHANGED);
        command->min_workers = read_workers(state, "min", text + 4, 0);
    } else if (strncmp(text, "max=", 4) == 0) {
        refuse_twice("max", command->max_workers != COMMAND_UNCHANGED);
        command->max_workers = read_workers(state, "max", text + 4, 1);
    } else if (strncmp(text, "replicas=", 9) == 0) {
        refuse_twice("replicas", command->replicas != COMMAND_UNCHANGED);
        command->replicas = strcmp(text + 9, "none") == 0
                                ? COMMAND_NONE
                                : read_workers(state, "replicas", text + 9, 0);
    } else {
        refuse("set: '%s' is no limit; expected %s", text, verb->form);
    }
}

static void read_node(const struct verb *verb, const char *name, size_t length,
                      struct command *command)
{
    if (length < sizeof command->node)
        memcpy(command->node, name, length);
    if (!node_name_is_valid(command->node))
        refuse("%s: '%s' is no node; expected " NODE_NAME_FORM, verb->name, name);
}

/* "7", or of a farm over several hosts "NODE/7". */
static void read_slot(struct argp_state *state, const struct verb *verb, const char *text,
                      struct command *command)
{
    const char *slash = strrchr(text, '/');

    if (slash)
        read_node(verb, text, (size_t)(slash - text), command);
    command->slot =
        (int64_t)options_count(state, verb->name, slash ? slash + 1 : text, 0, INT32_MAX);
}

static void read_command(struct argp_state *state, const struct verb *verb,
                         struct ctl_options *options)
{
    struct command *command = &options->command;
    char **arguments = options->arguments;

    *command = (struct command){.verb = verb->command,
                                .min_workers = COMMAND_UNCHANGED,
                                .max_workers = COMMAND_UNCHANGED,
                                .replicas = COMMAND_UNCHANGED};
    if (strcmp(verb->name, "set") == 0)
        for (size_t i = 0; i < options->argument_count; i++)
            read_pair(state, verb, arguments[i], command);
    else if (strcmp(verb->name, "fix") == 0)
        command->replicas = read_workers(state, "fix", arguments[0], 0);
    else if (strcmp(verb->name, "unfix") == 0)
        command->replicas = COMMAND_NONE;
    else if (strcmp(verb->name, "stop") == 0)
        read_slot(state, verb, arguments[0], command);
    else if (verb->command == COMMAND_DRAIN || verb->command == COMMAND_UNDRAIN)
        read_node(verb, arguments[0], strlen(arguments[0]), command);
    if (command->min_workers >= 0 && command->max_workers >= 0 &&
        command->min_workers > command->max_workers)
        refuse("set: min is greater than max; expected min <= max");
}

static void take_argument(struct input *input, char *text)
{
    struct ctl_options *options = input->options;

    if (input->verb) {
        options->arguments[options->argument_count++] = text;
        return;
    }
    for (size_t i = 0; i < VERBS && !input->verb; i++)
        if (strcmp(text, verbs[i].name) == 0)
            input->verb = &verbs[i];
    if (!input->verb)
        refuse("'%s' is not a verb; expected %s", text, VERB_FORM);
}

/* Takes the verb behind the verb words off the arguments. */
static void read_words(struct ctl_options *options)
{
    const struct words_verb *verb = words_verbs;
    const char *name = options->arguments[0];

    while (verb < words_verbs + WORDS_VERBS && strcmp(verb->name, name) != 0)
        verb++;
    if (verb == words_verbs + WORDS_VERBS)
        refuse("words: '%s' is not a verb; expected " WORDS_FORM, name);
    options->words = verb->words;
    options->arguments++;
    options->argument_count--;
    if (options->argument_count > verb->most)
        refuse("words %s: unexpected argument '%s'; expected %s", name,
               options->arguments[verb->most], verb->form);
    if (options->words == CTL_WORDS_BROADCAST && options->argument_count &&
        strcmp(options->arguments[0], "start") != 0 && strcmp(options->arguments[0], "stop") != 0)
        refuse("words broadcast: unexpected argument '%s'; expected %s", options->arguments[0],
               verb->form);
}

/* What options and arguments mean together. */
static void check(struct argp_state *state, const struct input *input)
{
    struct ctl_options *options = input->options;
    const struct verb *verb = input->verb;
    size_t count = options->argument_count;

    if (!verb)
        refuse("the verb is missing; expected %s", VERB_FORM);
    if (count < verb->least)
        refuse("%s: an argument is missing; expected %s", verb->name, verb->form);
    if (count > verb->most)
        refuse("%s: unexpected argument '%s'; expected %s", verb->name,
               options->arguments[verb->most], verb->form);
    if (options->watch && verb->verb != CTL_STATUS)
        refuse("--watch: '%s' cannot be watched; expected status --watch", verb->name);
    if (options->follow && verb->verb != CTL_LOG && verb->verb != CTL_RESULTS)
        refuse("--follow: '%s' cannot be followed; expected log --follow or results --follow",
               verb->name);
    if ((options->last >= 0 || options->since_s >= 0) && verb->verb != CTL_RESULTS)
        refuse("%s: '%s' has none; expected results", options->last >= 0 ? "--last" : "--since",
               verb->name);
    if (options->last >= 0 && options->since_s >= 0)
        refuse("--last and --since contradict each other; expected one of them");
    if (verb->verb == CTL_LOG && !options->follow && !count)
        refuse("log: expected --follow, or log files to merge");
    if (verb->verb == CTL_LOG && options->json && count)
        refuse("log: '%s' is not JSON; expected log --follow --json", options->arguments[0]);
    options->verb = verb->verb;
    read_command(state, verb, options);
    if (verb->verb == CTL_WORDS)
        read_words(options);
    if (options->file_count && (verb->verb != CTL_WORDS || options->words > CTL_WORDS_REMOVE))
        refuse("--file: expected words add --file FILE, or words remove --file FILE");
    if (options->type && verb->verb != CTL_SEND)
        refuse("--type: '%s' sends no event; expected send --type TYPE", verb->name);
    if (!options->wait_ns)
        options->wait_ns = verb->verb == CTL_FARMS ? WAIT_FARMS_NS : WAIT_NS;
}

/* Seconds since 1970. */
static int64_t read_time(const char *text)
{
    int64_t ns;

    if (units_parse_duration(text, &ns) == 0)
        ns = clock_wall_ms() * CLOCK_NS_PER_MS - ns;
    else if (units_parse_timestamp(text, &ns))
        refuse("--since: '%s' is no time; expected " UNITS_TIMESTAMP_FORM ", or %s", text,
               UNITS_DURATION_FORM);
    return ns > 0 ? ns / CLOCK_NS_PER_S : 0;
}

/* ---- the command line ---- */

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct input *input = state->input;
    struct ctl_options *options = input->options;

    switch (key) {
    case KEY_JSON:
        options->json = true;
        return 0;
    case KEY_WATCH:
        options->watch = true;
        return 0;
    case KEY_FOLLOW:
        options->follow = true;
        return 0;
    case KEY_WAIT:
        options->waits = true;
        options->wait_ns =
            options_duration(state, "--wait", argument, 10 * CLOCK_NS_PER_MS, WAIT_MOST_NS);
        return 0;
    case KEY_LAST:
        options->last = (int64_t)options_count(state, "--last", argument, 0, INT64_MAX / 2);
        return 0;
    case KEY_SINCE:
        options->since_s = read_time(argument);
        return 0;
    case KEY_TYPE:
        if (strlen(argument) > PROPERTY_MAX_BYTES)
            refuse("--type: expected at most %d bytes", PROPERTY_MAX_BYTES);
        options->type = argument;
        return 0;
    case KEY_FILE:
        options->files[options->file_count++] = argument;
        return 0;
    case KEY_QUEUE:
        options->common.queue.name = options_queue_name(state, "--queue", argument);
        return 0;
    case ARGP_KEY_ARG:
        take_argument(input, argument);
        return 0;
    case ARGP_KEY_END:
        check(state, input);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char doc[] =
    "Asks and steers the farm that a winnow-autoscaler runs, from any host that reaches the "
    "broker.\v"
    "status: what goes on in the farm, on one screen. workers: each of its workers. explain: the "
    "last decision in words, with each of its terms. farms: every farm that is run on this virtual "
    "host, whatever --farm says.\n\n"
    "set min=N max=N: other limits. fix N: exactly N workers, whatever the load; unfix: as it was "
    "(the same as set replicas=N and replicas=none). pause: the number of workers stays as it is; "
    "resume: it is decided again. stop SLOT: that worker finishes what it holds and ends; another "
    "takes its place if the number asks for it. All of them last until the autoscaler ends.\n\n"
    "nodes: the hosts of a farm over several. drain NODE: it runs nothing, and its share goes to "
    "others; undrain NODE: it gets its share again. There, workers are called NODE/SLOT.\n\n"
    "log FILE...: the logs of several programs and hosts as one, in the order of the clock that "
    "their lines carry; a line without one stays behind the line before it; - is standard input. "
    "log --follow: what happens in the farm from now on.\n\n"
    "send TEXT: one event for the farm, with the text as its body, or standard input when there is "
    "none or it is -; done when the broker has confirmed it. With --wait its result is written to "
    "standard output.\n\n"
    "results: those that FARM.results keeps as a stream (--results-type), each on a line, as often "
    "as "
    "they are asked for; --json: with their offset and message_id.\n\n"
    "words add WORD..., words remove WORD...: other entries for the farm's word service, each WORD "
    "a "
    "line of a word list; from standard input when there is neither a WORD nor a --file, or for -. "
    "words list [PREFIX]: its entries, as a list that winnow-filter --words takes. words random "
    "[N]: "
    "so many of them, different ones. words broadcast [start|stop]: whether one is sent every five "
    "seconds. words follow: what is sent, until Ctrl-C.\n\n"
    "Example: winnow-ctl --farm shop set max=20\n\n"
    "Exit codes: 0 done, 1 the autoscaler or the word service refused, or the event sent is dead, "
    "and why was said, 64 usage, 66 a log file could not be read, 69 nobody runs the farm or the "
    "broker is unavailable, 75 no answer in time, 77 permission, 78 configuration, or a word list "
    "could not be read.";

static const struct argp argp = {option_table,
                                 parse_option,
                                 "status|workers|explain|set|pause|resume|fix|unfix|stop|log "
                                 "[ARGUMENT...]\nnodes|drain|undrain|farms|send|words|results "
                                 "[ARGUMENT...]",
                                 doc,
                                 NULL,
                                 NULL,
                                 NULL};

/* Behind the verb send, --wait may stand alone: it has its duration in the next word only when that
 * reads as one. */
static void complete_wait(int argc, char **argv)
{
    static char alone[] = "--wait=60s";
    bool sends = false;
    int64_t ns;

    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        sends |= strcmp(argv[i], "send") == 0;
        if (sends && strcmp(argv[i], "--wait") == 0 &&
            (i + 1 == argc || units_parse_duration(argv[i + 1], &ns)))
            argv[i] = alone;
    }
}

void ctl_options_parse(struct ctl_options *options, int argc, char **argv)
{
    static char **arguments, **files; /* reachable to the end: nothing takes them for a leak */
    struct input input = {.options = options};

    arguments = calloc((size_t)argc + 1, sizeof *arguments);
    files = calloc((size_t)argc + 1, sizeof *files);
    if (!arguments || !files)
        exit(EX_OSERR);
    *options =
        (struct ctl_options){.arguments = arguments, .files = files, .last = -1, .since_s = -1};
    complete_wait(argc, argv);
    options_parse(&options->common, CTL_OPTIONS_PROGRAM, &argp, argc, argv, &input);
}
