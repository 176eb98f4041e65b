#include "run_options.h"

#include "arguments.h"
#include "clock.h"
#include "options.h"
#include "program.h"
#include "worker_options.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define DEFAULT_TIMEOUT_NS       (600 * CLOCK_NS_PER_S)
#define MOST_TIMEOUT_NS          (86400 * CLOCK_NS_PER_S)
#define DEFAULT_MAX_RESULT_BYTES ((size_t)16 << 20)
#define MOST_RESULT_BYTES        ((size_t)512 << 20)
#define PROPERTY_MAX_BYTES       255
#define BODY                     "{}"

enum {
    KEY_KEEP = WORKER_OPTIONS_KEY_OWN,
    KEY_TYPE,
    KEY_TIMEOUT,
    KEY_MAX_RESULT,
    KEY_CONTENT_TYPE,
    KEY_PASS_URL,
};

static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "Running programs:", 1},
    {"keep", KEY_KEEP, NULL, 0,
     "PROGRAM is started once and lives on: it reads an event a line and writes an answer a line, "
     "both JSON objects",
     1},
    {"type", KEY_TYPE, "NAME=COMMAND", 0,
     "Instead of PROGRAM: the command for events whose property type is NAME; may be given several "
     "times, and events of other types go to FARM.dead. COMMAND is split at spaces, '' and \"\" "
     "keep words together; {} in it stands for the path of a file with the event's body, and "
     "standard input is empty then",
     1},
    {"timeout", KEY_TIMEOUT, "DURATION", 0,
     "Longest that one event may take; then PROGRAM and all that it has started are killed, and "
     "the event goes to FARM.dead (default: 10m)",
     1},
    {"max-result", KEY_MAX_RESULT, "SIZE", 0,
     "Events with longer results go to FARM.dead (default: 16MiB)", 1},
    {"content-type", KEY_CONTENT_TYPE, "TYPE", 0,
     "The content type of results (default: the event's)", 1},
    {"pass-url", KEY_PASS_URL, NULL, 0,
     "PROGRAM finds $AMQP_URL in its environment, with the password in it (default: it does not)",
     1},
    {0}};

/* ---- types ---- */

/* Each {} in the words becomes the path; constant, so that no word depends on an event. */
static bool put_path(struct argp_state *state, char **argv)
{
    bool found = false;

    for (char **word = argv, *at; *word; word++)
        while ((at = strstr(*word, BODY))) {
            char *replaced = NULL;
            if (asprintf(&replaced, "%.*s%s%s", (int)(at - *word), *word, PROGRAM_BODY_PATH,
                         at + strlen(BODY)) < 0)
                argp_failure(state, EX_OSERR, 0, "out of memory");
            *word = replaced;
            found = true;
        }
    return found;
}

static const struct run_type *find(const struct run_options *options, const char *name)
{
    for (size_t i = 0; i < options->type_count; i++)
        if (strcmp(options->types[i].name, name) == 0)
            return &options->types[i];
    return NULL;
}

static void add_type(struct run_options *options, char *text, struct argp_state *state)
{
    static struct run_type *types; /* reachable to the end: nothing takes it for a leak */
    char *command = strchr(text, '=');
    struct run_type type = {.name = text};
    struct why why;

    if (!command || command == text || command - text > PROPERTY_MAX_BYTES) {
        argp_error(state,
                   "--type: '%s' is not a type; expected NAME=COMMAND, with a name of 1 to %d "
                   "bytes",
                   text, PROPERTY_MAX_BYTES);
        return;
    }
    *command++ = '\0';
    if (find(options, text))
        argp_error(state, "--type: '%s' is given twice", text);
    if (arguments_split(command, &type.argv, &why))
        argp_error(state, "--type: '%s' is not a command: %s", command, why.text);
    if (strstr(type.argv[0], BODY))
        argp_error(state, "--type: the command of '%s' begins with {}; expected a program", text);
    type.body_is_file = put_path(state, type.argv);
    types = realloc(types, (options->type_count + 1) * sizeof *types);
    if (!types) {
        argp_failure(state, EX_OSERR, 0, "out of memory");
        return;
    }
    types[options->type_count++] = type;
    options->types = types;
}

/* ---- all of it ---- */

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct run_options *options = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        *options = (struct run_options){.timeout_ns = DEFAULT_TIMEOUT_NS,
                                        .max_result_bytes = DEFAULT_MAX_RESULT_BYTES};
        return 0;
    case KEY_KEEP:
        options->keep = true;
        return 0;
    case KEY_TYPE:
        add_type(options, argument, state);
        return 0;
    case KEY_TIMEOUT:
        options->timeout_ns =
            options_duration(state, "--timeout", argument, CLOCK_NS_PER_MS, MOST_TIMEOUT_NS);
        return 0;
    case KEY_MAX_RESULT:
        options->max_result_bytes =
            options_size(state, "--max-result", argument, 0, MOST_RESULT_BYTES);
        return 0;
    case KEY_CONTENT_TYPE:
        if (!*argument || strlen(argument) > PROPERTY_MAX_BYTES)
            argp_error(state, "--content-type: expected 1 to %d bytes", PROPERTY_MAX_BYTES);
        options->content_type = argument;
        return 0;
    case KEY_PASS_URL:
        options->passes_url = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp run_options_argp = {.options = option_table, .parser = parse_option};

void run_options_check(struct run_options *options, struct argp_state *state)
{
    if (options->argv && options->type_count)
        argp_error(state, "'%s': expected either a PROGRAM or --type", options->argv[0]);
    if (!options->argv && !options->type_count)
        argp_error(state, "the program is missing; expected -- PROGRAM [ARG...], or --type");
    if (options->keep && options->type_count)
        argp_error(state, "--keep: expected one PROGRAM, and no --type");
}
