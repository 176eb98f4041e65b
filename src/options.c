#include "options.h"

#include "printable.h"
#include "results_options.h"
#include "units.h"
#include "version.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum {
    KEY_AMQP = OPTIONS_KEY_COMMON,
    KEY_FARM,
    KEY_QUEUE_TYPE,
    KEY_TLS_CA,
    KEY_TLS_CERT,
    KEY_TLS_KEY,
    KEY_CONNECT_TIMEOUT,
    KEY_LOG_LEVEL,
};

static const struct argp_option connection_options[] = {
    {NULL, 0, NULL, 0, "Broker and farm:", 20},
    {"amqp", KEY_AMQP, "URL[,URL...]", 0,
     "Broker to use, amqp[s]://USER:PASSWORD@HOST:PORT/VHOST, or those of one cluster; a trailing "
     "slash alone names the empty virtual host (default: $AMQP_URL, else " BROKER_DEFAULT_URL ")",
     20},
    {"farm", KEY_FARM, "NAME", 0,
     "Farm, the prefix of its exchange and queues (default: $WINNOW_FARM, else the name in "
     "--queue, else " TOPOLOGY_DEFAULT_FARM ")",
     20},
    {"queue-type", KEY_QUEUE_TYPE, "TYPE", 0,
     "How the farm's queues are kept: classic, classic-v2 or quorum (default: "
     "$WINNOW_QUEUE_TYPE, else classic)",
     20},
    {"tls-ca", KEY_TLS_CA, "FILE", 0,
     "Certificate authorities to trust for amqps:// (default: $WINNOW_TLS_CA, else the system's)",
     20},
    {"tls-cert", KEY_TLS_CERT, "FILE", 0, "Client certificate ($WINNOW_TLS_CERT)", 20},
    {"tls-key", KEY_TLS_KEY, "FILE", 0, "Its key ($WINNOW_TLS_KEY)", 20},
    {"connect-timeout", KEY_CONNECT_TIMEOUT, "DURATION", 0,
     "How long to try the first connection (default: 30s)", 20},
    {0}};

static const struct argp_option log_options[] = {
    {"log-level", KEY_LOG_LEVEL, "LEVEL", 0,
     "error, warn, info or debug (default: $WINNOW_LOG_LEVEL, else info)", 30},
    {0}};

const char *argp_program_version = "winnow " WINNOW_VERSION;

/* Where a refusal is noted while options_read reads; NULL at other times. Argp has a place of its
 * own for such a thing, but another for each of the parsers. */
static _Thread_local struct options_refusal *noting;

/* Options are named as in a file, without their hyphens. */
static void note(struct argp_state *state, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void note(struct argp_state *state, const char *format, va_list args)
{
    struct options_refusal *refusal = noting;
    char text[sizeof refusal->why.text];

    if (refusal->error)
        return;
    vsnprintf(text, sizeof text, format, args);
    refusal->error = error_set(&refusal->why, ERR_INVALID, "%s", text + strspn(text, "-"));
    refusal->argument = state->next < state->argc ? state->next - 1 : 0;
}

void options_error(struct argp_state *state, const char *format, ...)
{
    va_list args;
    char text[1024];

    va_start(args, format);
    if (noting)
        note(state, format, args);
    else
        vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!noting)
        argp_error(state, "%s", text);
}

/* Not argp_error, which prints more than the one line that a person needs. */
static void refuse_line(struct argp_state *state, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void refuse_line(struct argp_state *state, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (noting) {
        note(state, format, args);
    } else {
        fprintf(stderr, "%s: ", state->name);
        vfprintf(stderr, format, args);
        fputc('\n', stderr);
        exit(EX_USAGE);
    }
    va_end(args);
}

static void refuse(struct argp_state *state, const char *option, const char *text, const char *what,
                   const char *form)
{
    refuse_line(state, "%s: '%s' is not %s; expected %s", option, text, what, form);
}

/* Takes a copy that lives as long as the process, and overwrites the argument, which `ps` shows. */
static const char *take_secret(char *argument)
{
    static char *taken; /* reachable to the end: nothing takes it for a leak */

    free(taken);
    taken = strdup(argument);
    memset(argument, '*', strlen(argument));
    return taken;
}

static error_t parse_connection(int key, char *argument, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->results;
        return 0;
    case KEY_AMQP:
        options->amqp_url = noting ? argument : take_secret(argument);
        return options->amqp_url ? 0 : ENOMEM;
    case KEY_FARM:
        options->farm_flag = options->farms[options->farm_count] = argument;
        options->farm_count += options->farm_count < OPTIONS_MOST_FARMS;
        return 0;
    case KEY_QUEUE_TYPE:
        if (topology_parse_queue_type(argument, &options->queue_type))
            refuse(state, "--queue-type", argument, "a queue type", TOPOLOGY_QUEUE_FORM);
        return 0;
    case KEY_TLS_CA:
        options->tls_flag = "--tls-ca";
        options->tls_ca_file = argument;
        return 0;
    case KEY_TLS_CERT:
        options->tls_flag = "--tls-cert";
        options->tls_cert_file = argument;
        return 0;
    case KEY_TLS_KEY:
        options->tls_flag = "--tls-key";
        options->tls_key_file = argument;
        return 0;
    case KEY_CONNECT_TIMEOUT:
        options->connect_timeout_ns =
            options_duration(state, "--connect-timeout", argument, 0, INT64_MAX / 2);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_log(int key, char *argument, struct argp_state *state)
{
    enum log_level *level = state->input;

    if (key != KEY_LOG_LEVEL)
        return ARGP_ERR_UNKNOWN;
    if (log_parse_level(argument, level))
        refuse(state, "--log-level", argument, "a level", LOG_LEVEL_FORM);
    return 0;
}

static const struct argp_child connection_children[] = {{&results_options_argp, 0, NULL, 0}, {0}};
static const struct argp connection_argp = {
    .options = connection_options, .parser = parse_connection, .children = connection_children};
static const struct argp log_argp = {.options = log_options, .parser = parse_log};

/* What the outermost parser hands to the program's own parser and to the common ones. */
struct inputs {
    void *own;
    struct options *options;
    enum log_level *level;
};

static error_t distribute(int key, char *argument, struct argp_state *state)
{
    (void)argument;
    const struct inputs *inputs = state->input;

    if (key != ARGP_KEY_INIT)
        return ARGP_ERR_UNKNOWN;
    int child = 0;
    state->child_inputs[child++] = inputs->own;
    if (inputs->options)
        state->child_inputs[child++] = inputs->options;
    state->child_inputs[child] = inputs->level;
    return 0;
}

/* 0 or an errno. */
static error_t parse(const char *program, const struct argp *argp, int argc, char **argv,
                     struct inputs *inputs)
{
    const struct argp own = {
        .options = argp->options, .parser = argp->parser, .children = argp->children};
    const struct argp_child with_connection[] = {
        {&own, 0, NULL, 0}, {&connection_argp, 0, NULL, 0}, {&log_argp, 0, NULL, 0}, {0}};
    const struct argp_child without[] = {{&own, 0, NULL, 0}, {&log_argp, 0, NULL, 0}, {0}};
    const struct argp whole = {.parser = distribute,
                               .args_doc = argp->args_doc,
                               .doc = argp->doc,
                               .children = inputs->options ? with_connection : without};
    unsigned quiet = noting ? ARGP_NO_ERRS | ARGP_NO_EXIT | ARGP_NO_HELP : 0;

    argp_err_exit_status = EX_USAGE;
    /* Messages name the program, wherever it was started from. */
    argv[0] = (char *)(uintptr_t)program;
    return argp_parse(&whole, argc, argv, ARGP_IN_ORDER | quiet, NULL, inputs);
}

static void parse_or_end(const char *program, const struct argp *argp, int argc, char **argv,
                         struct inputs *inputs)
{
    if (parse(program, argp, argc, argv, inputs))
        exit(EX_USAGE);
}

static enum log_level log_level_from_environment(const char *program)
{
    const char *text = getenv("WINNOW_LOG_LEVEL");
    enum log_level level = LOG_INFO;

    if (text && text[0] && log_parse_level(text, &level)) {
        fprintf(stderr, "%s: $WINNOW_LOG_LEVEL: '%s' is not a level; expected %s\n", program, text,
                LOG_LEVEL_FORM);
        exit(EX_USAGE);
    }
    return level;
}

const char *options_variable(const char *name)
{
    const char *value = getenv(name);

    return value && value[0] ? value : NULL;
}

static const char *from_environment(const char *name, const char *otherwise)
{
    const char *value = options_variable(name);

    return value ? value : otherwise;
}

/* The farm that all options together mean. */
static int make_topology(struct options *options, struct why *why)
{
    struct topology *topology = &options->topology;
    struct topology_queue *queue = &options->queue;

    if (!queue->name && !options->farm_flag)
        queue->name = options->queue_variable;
    const char *otherwise = queue->name ? queue->name : TOPOLOGY_DEFAULT_FARM;
    const char *farm = options->farm_flag ?: from_environment("WINNOW_FARM", otherwise);
    if (topology_init(topology, farm, options->queue_type))
        return error_set(why, ERR_INVALID, "%s: '%s' is not a farm's name; expected %s",
                         farm == queue->name
                             ? "--farm, which is the queue's name when it is not given"
                             : "--farm or $WINNOW_FARM",
                         farm, TOPOLOGY_FARM_FORM);
    if (queue->name && topology_use_queue(topology, queue))
        return error_set(why, ERR_INVALID,
                         "--queue or $WINNOW_QUEUE: '%s' is not a queue's name; expected %s",
                         queue->name, TOPOLOGY_WORK_FORM);
    if (results_options_read(&options->results, why))
        return -ERR_INVALID;
    topology_keep_results(topology, &options->results.results);
    if (topology->foreign && topology->kept.stream)
        return error_set(why, ERR_INVALID, "--results-type: only for FARM.results; see --results");
    if (!topology->foreign && (queue->results || queue->rejects_dead || queue->source_count))
        return error_set(why, ERR_INVALID,
                         "%s: only for a queue that is there, which --queue names; the farm '%s' "
                         "has its own",
                         queue->source_count ? "--count-from"
                         : queue->results    ? "--results"
                                             : "--dead reject",
                         topology->farm);
    return 0;
}

/* What all options mean together. */
static int check_together(struct options *options, struct why *why)
{
    int error = broker_check_url(options->amqp_url, why);

    if (error) {
        error_prefix(why, "--amqp or $AMQP_URL");
        return error;
    }
    if (options->tls_flag && !strstr(options->amqp_url, "amqps://"))
        return error_set(why, ERR_INVALID,
                         "%s: the URL in --amqp or $AMQP_URL is not encrypted; expected amqps://",
                         options->tls_flag);
    return make_topology(options, why);
}

static void take_environment(struct options *options, const char *program)
{
    *options = (struct options){.program = program,
                                .amqp_url = from_environment("AMQP_URL", BROKER_DEFAULT_URL),
                                .tls_ca_file = from_environment("WINNOW_TLS_CA", NULL),
                                .tls_cert_file = from_environment("WINNOW_TLS_CERT", NULL),
                                .tls_key_file = from_environment("WINNOW_TLS_KEY", NULL),
                                .connect_timeout_ns = OPTIONS_CONNECT_TIMEOUT_NS,
                                .log_level = log_level_from_environment(program)};
    results_options_init(&options->results);
    const char *type = from_environment("WINNOW_QUEUE_TYPE", "classic");
    if (topology_parse_queue_type(type, &options->queue_type)) {
        fprintf(stderr, "%s: $WINNOW_QUEUE_TYPE: '%s' is not a queue type; expected %s\n", program,
                type, TOPOLOGY_QUEUE_FORM);
        exit(EX_USAGE);
    }
}

void options_parse(struct options *options, const char *program, const struct argp *argp, int argc,
                   char **argv, void *input)
{
    struct why why;

    take_environment(options, program);
    struct inputs inputs = {.own = input, .options = options, .level = &options->log_level};
    parse_or_end(program, argp, argc, argv, &inputs);
    log_open(program, options->log_level);
    if (check_together(options, &why)) {
        fprintf(stderr, "%s: %s\n", program, why.text);
        exit(EX_USAGE);
    }
}

int options_read(struct options *options, const char *program, const struct argp *argp, int argc,
                 char **argv, void *input, struct options_refusal *refusal)
{
    *refusal = (struct options_refusal){0};
    take_environment(options, program);
    struct inputs inputs = {.own = input, .options = options, .level = &options->log_level};
    noting = refusal;
    error_t failed = parse(program, argp, argc, argv, &inputs);
    noting = NULL;
    if (failed && !refusal->error)
        refusal->error =
            error_set(&refusal->why, failed == ENOMEM ? ERR_MEMORY : ERR_INVALID,
                      failed == ENOMEM ? "out of memory" : "an option that cannot be read");
    if (!refusal->error)
        refusal->error = check_together(options, &refusal->why);
    return refusal->error;
}

static const struct argp_option *find_in(const struct argp_option *table, const char *name)
{
    for (; table->name || table->key || table->doc || table->group; table++)
        if (table->name && strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

const struct argp_option *options_find(const struct argp *argp, const char *name)
{
    const struct argp_option *found = find_in(argp->options, name);

    found = found ? found : find_in(connection_options, name);
    found = found ? found : find_in(results_options_argp.options, name);
    return found ? found : find_in(log_options, name);
}

void options_parse_local(const char *program, const struct argp *argp, int argc, char **argv,
                         void *input)
{
    enum log_level level = log_level_from_environment(program);
    struct inputs inputs = {.own = input, .level = &level};

    parse_or_end(program, argp, argc, argv, &inputs);
    log_open(program, level);
}

const char *options_queue_name(struct argp_state *state, const char *option, const char *text)
{
    size_t length = strlen(text);

    if (!length || length > TOPOLOGY_WORK_MAX_BYTES)
        refuse(state, option, text, "a queue's name", TOPOLOGY_WORK_FORM);
    return text;
}

void options_add_source(struct argp_state *state, char *text, struct topology_queue *queue)
{
    struct topology_source *source = &queue->sources[queue->source_count];

    if (queue->source_count == TOPOLOGY_MOST_SOURCES) {
        options_error(state, "--count-from: at most %d exchanges", TOPOLOGY_MOST_SOURCES);
        return;
    }
    switch (topology_parse_source(text, source)) {
    case 0:
        queue->source_count++;
        return;
    case -ERR_REFUSED:
        refuse_line(
            state,
            "--count-from: nothing can be bound to the default exchange, so what is published "
            "there cannot be counted. Leave --count-from out: then the arrival rate is what the "
            "queue takes, while all its workers tell what they do, and else decisions are by the "
            "backlog only");
        return;
    default:
        refuse(state, "--count-from", text, "an exchange", TOPOLOGY_SOURCE_FORM);
    }
}

struct broker_options options_broker(const struct options *options, const char *name)
{
    return (struct broker_options){.url = options->amqp_url,
                                   .tls_ca_file = options->tls_ca_file,
                                   .tls_cert_file = options->tls_cert_file,
                                   .tls_key_file = options->tls_key_file,
                                   .name = name};
}

int64_t options_duration(struct argp_state *state, const char *option, const char *text,
                         int64_t min_ns, int64_t max_ns)
{
    int64_t ns;

    if (units_parse_duration(text, &ns)) {
        refuse(state, option, text, "a duration", UNITS_DURATION_FORM);
        ns = min_ns;
    }
    if (ns < min_ns || ns > max_ns) {
        char range[128], least[UNITS_TEXT_SIZE], most[UNITS_TEXT_SIZE];
        units_format_duration(min_ns, least);
        units_format_duration(max_ns, most);
        snprintf(range, sizeof range, "%s to %s", least, most);
        refuse(state, option, text, "in range", range);
        ns = min_ns;
    }
    return ns;
}

uint64_t options_count(struct argp_state *state, const char *option, const char *text, uint64_t min,
                       uint64_t max)
{
    uint64_t count;

    if (units_parse_count(text, &count)) {
        refuse(state, option, text, "a count", UNITS_COUNT_FORM);
        count = min;
    }
    if (count < min || count > max) {
        char range[64];
        snprintf(range, sizeof range, "%llu to %llu", (unsigned long long)min,
                 (unsigned long long)max);
        refuse(state, option, text, "in range", range);
        count = min;
    }
    return count;
}

size_t options_size(struct argp_state *state, const char *option, const char *text, size_t min,
                    size_t max)
{
    size_t bytes;

    if (units_parse_size(text, &bytes)) {
        refuse(state, option, text, "a size", UNITS_SIZE_FORM);
        bytes = min;
    }
    if (bytes < min || bytes > max) {
        char range[64];
        snprintf(range, sizeof range, "%zu to %zu bytes", min, max);
        refuse(state, option, text, "in range", range);
        bytes = min;
    }
    return bytes;
}

int options_fail(const char *program, int error, const struct why *why)
{
    const char *text = why->text[0] ? why->text : error_text(error);
    char shown[4 * sizeof why->text];

    /* Names and answers of the broker are in it. */
    printable_write(text, strlen(text), false, shown, sizeof shown);
    fprintf(stderr, "%s: %s\n", program, shown);
    return error_exit_code(error);
}
