#include "results_options.h"

#include "clock.h"
#include "units.h"

#include <stdlib.h>
#include <string.h>

/* Numbers that neither options.c nor a program gives to options of its own. */
enum { KEY_TYPE = 0x180, KEY_MAX_BYTES, KEY_MAX_AGE };

static const char stream_name[] = "stream", queue_name[] = "queue";

static const struct argp_option option_table[] = {
    {"results-type", KEY_TYPE, "TYPE", 0,
     "How FARM.results is kept: queue, or stream, which any number of clients read, and again "
     "(default: $WINNOW_RESULTS_TYPE, else queue)",
     20},
    {"results-max-bytes", KEY_MAX_BYTES, "SIZE", 0,
     "Most bytes that the stream keeps, 1MiB at least; the oldest results go first (default: "
     "$WINNOW_RESULTS_MAX_BYTES, else 1GiB)",
     20},
    {"results-max-age", KEY_MAX_AGE, "DURATION", 0,
     "How long the stream keeps a result, 1s at least (default: $WINNOW_RESULTS_MAX_AGE, else "
     "however long)",
     20},
    {0}};

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value && value[0] ? value : NULL;
}

void results_options_init(struct results_options *options)
{
    *options = (struct results_options){.type = variable("WINNOW_RESULTS_TYPE"),
                                        .max_bytes = variable("WINNOW_RESULTS_MAX_BYTES"),
                                        .max_age = variable("WINNOW_RESULTS_MAX_AGE")};
}

static int read_type(struct results_options *options, struct why *why)
{
    const char *type = options->type ? options->type : queue_name;

    options->results.stream = strcmp(type, stream_name) == 0;
    if (!options->results.stream && strcmp(type, queue_name) != 0)
        return error_set(
            why, ERR_INVALID,
            "--results-type or $WINNOW_RESULTS_TYPE: '%s' is not a type; expected queue or "
            "stream",
            type);
    if (!options->results.stream && (options->max_bytes || options->max_age))
        return error_set(
            why, ERR_INVALID,
            "%s: a queue keeps results until they are taken; expected --results-type stream "
            "beside it",
            options->max_bytes ? "--results-max-bytes" : "--results-max-age");
    return 0;
}

static int read_limits(struct results_options *options, struct why *why)
{
    struct topology_results *results = &options->results;
    size_t bytes = TOPOLOGY_RESULTS_BYTES;
    int64_t age_ns = 0;

    if (options->max_bytes && (units_parse_size(options->max_bytes, &bytes) ||
                               bytes < TOPOLOGY_RESULTS_MIN_BYTES || bytes > INT64_MAX))
        return error_set(
            why, ERR_INVALID,
            "--results-max-bytes or $WINNOW_RESULTS_MAX_BYTES: '%s' is not a size of 1MiB "
            "or more; expected " UNITS_SIZE_FORM,
            options->max_bytes);
    if (options->max_age &&
        (units_parse_duration(options->max_age, &age_ns) || age_ns < CLOCK_NS_PER_S))
        return error_set(
            why, ERR_INVALID,
            "--results-max-age or $WINNOW_RESULTS_MAX_AGE: '%s' is not a duration of 1s or "
            "more; expected " UNITS_DURATION_FORM,
            options->max_age);
    results->max_bytes = (int64_t)bytes;
    results->max_age_s = age_ns / CLOCK_NS_PER_S;
    return 0;
}

int results_options_read(struct results_options *options, struct why *why)
{
    int error = read_type(options, why);

    return error ? error : read_limits(options, why);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct results_options *options = state->input;

    switch (key) {
    case KEY_TYPE:
        options->type = argument;
        return 0;
    case KEY_MAX_BYTES:
        options->max_bytes = argument;
        return 0;
    case KEY_MAX_AGE:
        options->max_age = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp results_options_argp = {.options = option_table, .parser = parse_option};

const char *results_options_type(const struct topology_results *results)
{
    return results->stream ? stream_name : queue_name;
}
