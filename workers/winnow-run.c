/* winnow-run: a worker whose work is any program. */
#include "descriptors.h"
#include "error.h"
#include "keep_job.h"
#include "options.h"
#include "run_job.h"
#include "run_options.h"
#include "worker.h"
#include "worker_options.h"

#include <sysexits.h>

#define PROGRAM "winnow-run"

struct settings {
    struct worker_settings worker;
    struct run_options run;
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct settings *settings = state->input;

    (void)argument;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &settings->run;
        state->child_inputs[1] = &settings->worker;
        return 0;
    case ARGP_KEY_ARGS:
        settings->run.argv = state->argv + state->next;
        return 0;
    case ARGP_KEY_END:
        run_options_check(&settings->run, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char doc[] =
    "Consumes events from FARM.work, runs PROGRAM for each, and sends what it writes to the "
    "event's "
    "reply_to queue, or to FARM.results.\v"
    "PROGRAM finds the event's body on its standard input and what it says of itself in its "
    "environment: WINNOW_MESSAGE_ID, WINNOW_CORRELATION_ID, WINNOW_CONTENT_TYPE, WINNOW_TYPE, "
    "WINNOW_REDELIVERED, WINNOW_ATTEMPT and WINNOW_HEADERS (JSON). It exits with 0: its standard "
    "output is the result. With 75: the event is tried again later, --max-attempts times at most. "
    "Else, by a signal or after --timeout: the event goes to FARM.dead, and the header "
    "winnow-reason has the exit code or signal and the last line of its standard error, all of "
    "which is logged. What PROGRAM leaves running is killed. No word of an event becomes part of a "
    "command line.\n\n"
    "With --keep it reads a line for each event, such as {\"id\":7,\"text\":\"...\"}, or base64 in "
    "place of text, and answers with the line {\"id\":7,\"text\":\"...\"}, base64, dead or "
    "later.\n\n"
    "Example: winnow-run --type 'shell=sh {}' --type 'python=python3 {}' --timeout 30s\n\n"
    "Exit codes: 0 drained, 64 usage, 69 broker unavailable, 75 drain time-out passed, 77 "
    "permission refused, 78 configuration, a program that cannot be run among it.";

static const struct argp_child children[] = {
    {&run_options_argp, 0, NULL, 0}, {&worker_options_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    NULL, parse_option, "-- PROGRAM [ARG...]\n--type NAME=COMMAND...", doc, children, NULL, NULL};

int main(int argc, char **argv)
{
    struct options options;
    struct settings settings;
    struct run_job *run = NULL;
    struct keep_job *keep = NULL;
    struct job job;
    struct why why = {0};

    descriptors_open(DESCRIPTORS_SILENT);
    worker_options_init(&settings.worker, PROGRAM);
    settings.worker.options = &options;
    options_parse(&options, PROGRAM, &argp, argc, argv, &settings);

    int error = settings.run.keep ? keep_job_open(&settings.run, &keep, &job, &why)
                                  : run_job_open(&settings.run, &run, &job, &why);
    if (!error)
        error = worker_run(&settings.worker, &job, &why);
    run_job_close(run);
    keep_job_close(keep);
    return error ? options_fail(PROGRAM, error, &why) : EX_OK;
}
