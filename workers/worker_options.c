#include "worker_options.h"

#include "units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define DEFAULT_PREFETCH         250
#define DEFAULT_MAX_BODY_BYTES   ((size_t)1 << 20)
#define DEFAULT_DRAIN_TIMEOUT_NS INT64_C(30000000000)

enum {
    KEY_PREFETCH = OPTIONS_KEY_OWN,
    KEY_MAX_BODY,
    KEY_SERVICE_TIME,
    KEY_DRAIN_TIMEOUT,
    KEY_QUEUE,
    KEY_RESULTS,
    KEY_DEAD,
};

static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "Working:", 2},
    {"prefetch", KEY_PREFETCH, "N", 0,
     "Most events held at once; less when they take long, so that about a quarter of a second of "
     "work is held (default: 250)",
     2},
    {"max-body", KEY_MAX_BODY, "SIZE", 0, "Larger bodies go to FARM.dead (default: 1MiB)", 2},
    {"service-time", KEY_SERVICE_TIME, "DURATION", 0,
     "Simulated cost added to each event, for experiments (default: none)", 2},
    {"drain-timeout", KEY_DRAIN_TIMEOUT, "DURATION", 0,
     "Longest from SIGTERM to the end; what would pass it is given back to the queue (default: "
     "$" WORKER_OPTIONS_DRAIN_TIMEOUT_VARIABLE ", else 30s)",
     2},
    {"queue", KEY_QUEUE, "NAME", 0,
     "Consume this queue, which is there and somebody else's, in place of FARM.work; nothing of it "
     "is changed (default: $WINNOW_QUEUE, unless --farm is given)",
     2},
    {"results", KEY_RESULTS, "QUEUE", 0,
     "With --queue: the queue, which is there, of results whose event has no reply_to (default: "
     "they go nowhere)",
     2},
    {"dead", KEY_DEAD, "HOW", 0,
     "With --queue: what becomes of an event that cannot be handled: farm, it goes to FARM.dead "
     "with the reason (default), or reject, it goes where the queue's own dead-lettering sends it, "
     "and is lost where it has none",
     2},
    {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct worker_settings *settings = state->input;
    struct topology_queue *queue = &settings->options->queue;

    switch (key) {
    case ARGP_KEY_INIT:
        settings->options->queue_variable = options_variable("WINNOW_QUEUE");
        return 0;
    case KEY_QUEUE:
        queue->name = options_queue_name(state, "--queue", argument);
        return 0;
    case KEY_RESULTS:
        queue->results = options_queue_name(state, "--results", argument);
        return 0;
    case KEY_DEAD:
        if (strcmp(argument, "farm") != 0 && strcmp(argument, "reject") != 0)
            argp_error(state, "--dead: '%s' is not known; expected farm or reject", argument);
        queue->rejects_dead = argument[0] == 'r';
        return 0;
    case KEY_PREFETCH:
        settings->prefetch = (uint16_t)options_count(state, "--prefetch", argument, 1, UINT16_MAX);
        return 0;
    case KEY_MAX_BODY:
        settings->max_body_bytes =
            options_size(state, "--max-body", argument, 0, (size_t)512 << 20);
        return 0;
    case KEY_SERVICE_TIME:
        settings->simulated_service_ns =
            options_duration(state, "--service-time", argument, 0, INT64_C(3600000000000));
        return 0;
    case KEY_DRAIN_TIMEOUT:
        settings->drain_timeout_ns =
            options_duration(state, "--drain-timeout", argument, 0, INT64_C(86400000000000));
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp worker_options_argp = {.options = option_table, .parser = parse_option};

void worker_options_init(struct worker_settings *settings, const char *program)
{
    const char *drain_timeout = getenv(WORKER_OPTIONS_DRAIN_TIMEOUT_VARIABLE);

    *settings = (struct worker_settings){.prefetch = DEFAULT_PREFETCH,
                                         .max_body_bytes = DEFAULT_MAX_BODY_BYTES,
                                         .drain_timeout_ns = DEFAULT_DRAIN_TIMEOUT_NS};
    if (drain_timeout && units_parse_duration(drain_timeout, &settings->drain_timeout_ns)) {
        fprintf(stderr, "%s: $%s: '%s' is not a duration; expected %s\n", program,
                WORKER_OPTIONS_DRAIN_TIMEOUT_VARIABLE, drain_timeout, UNITS_DURATION_FORM);
        exit(EX_USAGE);
    }
}
