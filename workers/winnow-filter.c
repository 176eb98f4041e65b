/* winnow-filter: a worker that replaces insults in the text of each event. */
#include "descriptors.h"
#include "error.h"
#include "filter/filter_options.h"
#include "filter_job.h"
#include "options.h"
#include "worker.h"
#include "worker_options.h"

#include <sysexits.h>

#define PROGRAM "winnow-filter"

struct settings {
    struct worker_settings worker;
    struct filter_options filter;
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct settings *settings = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &settings->filter;
        state->child_inputs[1] = &settings->worker;
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
    "Consumes events from FARM.work, or from a queue that is there, replaces insults in their "
    "text, "
    "and sends each result to the event's reply_to queue, or to FARM.results.\v"
    "An event is acknowledged only after the broker has confirmed its result. SIGTERM and SIGINT "
    "drain: what is held is finished, then the worker exits with 0. What cannot be handled goes to "
    "FARM.dead with the reason in the header winnow-reason. SIGHUP loads the word lists anew, "
    "and with --watch so does a change of their files; those that are not there yet are waited "
    "for, as long as for the broker (--connect-timeout).\n\n"
    "Exit codes: 0 drained, 64 usage, 69 broker unavailable, 75 drain time-out passed, 77 "
    "permission refused, 78 configuration.";

static const struct argp_child children[] = {
    {&filter_options_argp, 0, NULL, 0}, {&worker_options_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {NULL, parse_option, NULL, doc, children, NULL, NULL};

int main(int argc, char **argv)
{
    struct options options;
    struct settings settings;
    struct filter_job *filter = NULL;
    struct job job;
    struct why why = {0};

    descriptors_open(DESCRIPTORS_SILENT);
    worker_options_init(&settings.worker, PROGRAM);
    settings.worker.options = &options;
    settings.worker.takes_hangup = true;
    filter_options_init(&settings.filter);
    options_parse(&options, PROGRAM, &argp, argc, argv, &settings);

    int error = filter_job_open(&settings.filter, options.connect_timeout_ns, &filter, &job, &why);
    if (!error)
        error = worker_run(&settings.worker, &job, &why);
    filter_job_close(filter);
    return error ? options_fail(PROGRAM, error, &why) : EX_OK;
}
