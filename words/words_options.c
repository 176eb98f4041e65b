#include "words_options.h"

#include "options.h"
#include "units.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#define DRAIN_TIMEOUT_VARIABLE   "WINNOW_DRAIN_TIMEOUT"
#define DEFAULT_DRAIN_TIMEOUT_NS INT64_C(30000000000)
#define LONGEST_NS               INT64_C(86400000000000)

enum {
    KEY_STORE = OPTIONS_KEY_OWN,
    KEY_REDIS_RELAXED,
    KEY_IMPORT,
    KEY_EXPORT,
    KEY_BROADCAST_EVERY,
    KEY_DRAIN_TIMEOUT,
};

static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "Words:", 1},
    {"store", KEY_STORE, "STORE", 0,
     "Where the words are kept: the path of an SQLite file, for all instances of one host, or "
     "redis://HOST:PORT/DB for several hosts, with its password in $WINNOW_REDIS_PASSWORD "
     "(default: "
     "$XDG_STATE_HOME/winnow/FARM.db, else /var/lib/winnow/FARM.db)",
     1},
    {"redis-relaxed", KEY_REDIS_RELAXED, NULL, 0,
     "Work with a Redis that may lose what it has answered: one without appendfsync always", 1},
    {"import", KEY_IMPORT, "FILE", 0,
     "Add the entries of a word list to the store, say how many were new, and end", 1},
    {"export", KEY_EXPORT, "FILE", 0,
     "Write the list there after each change, as a file that winnow-filter --words takes", 1},
    {"broadcast-every", KEY_BROADCAST_EVERY, "DURATION", 0,
     "The time between two broadcasts, the same for all instances (default: 5s)", 1},
    {"drain-timeout", KEY_DRAIN_TIMEOUT, "DURATION", 0,
     "Longest from SIGTERM to the end (default: $" DRAIN_TIMEOUT_VARIABLE ", else 30s)", 1},
    {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct words_options *options = state->input;

    switch (key) {
    case KEY_STORE:
        options->store = argument;
        return 0;
    case KEY_REDIS_RELAXED:
        options->redis_relaxed = true;
        return 0;
    case KEY_IMPORT:
        options->import_file = argument;
        return 0;
    case KEY_EXPORT:
        options->export_file = argument;
        return 0;
    case KEY_BROADCAST_EVERY:
        options->broadcast_every_ns =
            options_duration(state, "--broadcast-every", argument, INT64_C(10000000), LONGEST_NS);
        return 0;
    case KEY_DRAIN_TIMEOUT:
        options->drain_timeout_ns =
            options_duration(state, "--drain-timeout", argument, 0, LONGEST_NS);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char doc[] =
    "Keeps a farm's words: takes requests from FARM.words that add and remove entries, list them "
    "or "
    "ask for some at random, and answers each when what it changed is on disk. While broadcasting "
    "is "
    "on, sends an insult at random to the exchange FARM.insults every five seconds.\v"
    "Any number of instances work together on one store, and one of them broadcasts. SIGTERM and "
    "SIGINT drain: what is held is answered, then the service exits with 0. What cannot be handled "
    "goes to FARM.dead with the reason in the header winnow-reason.\n\n"
    "Exit codes: 0 drained, 64 usage, 69 broker or Redis unavailable, 71 the disk is full or "
    "fails, 75 store locked or drain time-out passed, 77 permission refused, 78 configuration, or "
    "a list that cannot be read.";

const struct argp words_options_argp = {
    .options = option_table, .parser = parse_option, .doc = doc};

void words_options_init(struct words_options *options, const char *program)
{
    const char *drain_timeout = getenv(DRAIN_TIMEOUT_VARIABLE);

    *options = (struct words_options){.broadcast_every_ns = WORDS_OPTIONS_EVERY_NS,
                                      .drain_timeout_ns = DEFAULT_DRAIN_TIMEOUT_NS};
    if (drain_timeout && units_parse_duration(drain_timeout, &options->drain_timeout_ns)) {
        fprintf(stderr, "%s: $" DRAIN_TIMEOUT_VARIABLE ": '%s' is not a duration; expected %s\n",
                program, drain_timeout, UNITS_DURATION_FORM);
        exit(EX_USAGE);
    }
}
