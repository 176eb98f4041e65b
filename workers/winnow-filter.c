/* winnow-filter: a worker that replaces insults in the text of each event. */
#include "error.h"
#include "filter/filter.h"
#include "filter/filter_options.h"
#include "options.h"
#include "reload.h"
#include "units.h"
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#define PROGRAM "winnow-filter"

struct settings {
    struct worker_settings worker;
    struct filter_options filter;
};

enum {
    KEY_PREFETCH = OPTIONS_KEY_OWN,
    KEY_MAX_BODY,
    KEY_SERVICE_TIME,
    KEY_DRAIN_TIMEOUT,
};

static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "Working:", 2},
    {"prefetch", KEY_PREFETCH, "N", 0,
     "Most events held at once; less when they take long, so that about a quarter of a second of "
     "work "
     "is held (default: 250)",
     2},
    {"max-body", KEY_MAX_BODY, "SIZE", 0, "Larger bodies go to FARM.dead (default: 1MiB)", 2},
    {"service-time", KEY_SERVICE_TIME, "DURATION", 0,
     "Simulated cost added to each event, for experiments (default: none)", 2},
    {"drain-timeout", KEY_DRAIN_TIMEOUT, "DURATION", 0,
     "Longest from SIGTERM to the end; what would pass it is given back to the queue (default: "
     "$WINNOW_DRAIN_TIMEOUT, else 30s)",
     2},
    {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct settings *settings = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &settings->filter;
        return 0;
    case KEY_PREFETCH:
        settings->worker.prefetch =
            (uint16_t)options_count(state, "--prefetch", argument, 1, UINT16_MAX);
        return 0;
    case KEY_MAX_BODY:
        settings->worker.max_body_bytes =
            options_size(state, "--max-body", argument, 0, (size_t)512 << 20);
        return 0;
    case KEY_SERVICE_TIME:
        settings->worker.simulated_service_ns =
            options_duration(state, "--service-time", argument, 0, INT64_C(3600000000000));
        return 0;
    case KEY_DRAIN_TIMEOUT:
        settings->worker.drain_timeout_ns =
            options_duration(state, "--drain-timeout", argument, 0, INT64_C(86400000000000));
        return 0;
    case ARGP_KEY_ARG:
        /* --words FILE FILE... */
        if (!settings->filter.file_count)
            argp_error(state, "unexpected argument '%s'", argument);
        filter_options_add_file(&settings->filter, argument, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char doc[] =
    "Consumes events from FARM.work, replaces insults in their text, and "
    "sends each result to the event's "
    "reply_to queue, or to FARM.results.\v"
    "An event is acknowledged only after the broker has confirmed its "
    "result. SIGTERM and SIGINT drain: "
    "what is held is finished, then the worker exits with 0. What cannot be "
    "handled goes to FARM.dead with "
    "the reason in the header winnow-reason. SIGHUP loads the word lists anew.\n\n"
    "Exit codes: 0 drained, 64 usage, 69 broker unavailable, 75 drain "
    "time-out passed, 77 permission "
    "refused, 78 configuration.";

static const struct argp_child children[] = {{&filter_options_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {option_table, parse_option, NULL, doc, children, NULL, NULL};

struct filter_job {
    struct filter *filter;
    struct filter_result result;
    struct reload *reload;
};

static int filter_handle(void *context, const char *text, size_t length,
                         struct worker_output *output, struct why *why)
{
    struct filter_job *job = context;
    struct filter *renewed = reload_take(job->reload);

    if (renewed) {
        filter_close(job->filter);
        job->filter = renewed;
    }
    int error = filter_apply(job->filter, text, length, &job->result);
    if (error)
        return error_set(why, (enum error) - error, "%s", error_text(error));
    *output = (struct worker_output){
        .text = job->result.censored.text,
        .length = job->result.censored.length,
        .matches = (int64_t)job->result.spans.count,
    };
    return 0;
}

int main(int argc, char **argv)
{
    struct options options;
    struct settings settings = {.worker = {.options = &options,
                                           .prefetch = WORKER_DEFAULT_PREFETCH,
                                           .max_body_bytes = WORKER_DEFAULT_MAX_BODY_BYTES,
                                           .drain_timeout_ns = WORKER_DEFAULT_DRAIN_TIMEOUT_NS,
                                           .takes_hangup = true}};
    filter_options_init(&settings.filter);
    const char *drain_timeout = getenv(WORKER_DRAIN_TIMEOUT_VARIABLE);
    if (drain_timeout && units_parse_duration(drain_timeout, &settings.worker.drain_timeout_ns)) {
        fprintf(stderr, "%s: $%s: '%s' is not a duration; expected %s\n", PROGRAM,
                WORKER_DRAIN_TIMEOUT_VARIABLE, drain_timeout, UNITS_DURATION_FORM);
        return EX_USAGE;
    }
    options_parse(&options, PROGRAM, &argp, argc, argv, &settings);

    struct why why = {0};
    struct filter_job job = {0};
    int error = reload_open(&settings.filter, &job.reload, &why);
    if (!error)
        error = filter_open(&settings.filter, &job.filter, &why);
    if (!error)
        error = worker_run(&settings.worker,
                           &(struct worker_job){.handle = filter_handle, .context = &job}, &why);

    filter_close(job.filter);
    filter_result_clear(&job.result);
    return error ? options_fail(PROGRAM, error, &why) : EX_OK;
}
