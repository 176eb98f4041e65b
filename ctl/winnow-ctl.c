/* winnow-ctl: asks and steers a farm. ctl_options.c has the command line; a verb is a file:
 * overview.c, terms.c, steer.c, watch.c, log_view.c, farms.c, send.c, words.c,
 * results.c. */
#include "ask.h"
#include "ctl_options.h"
#include "descriptors.h"
#include "error.h"
#include "farms.h"
#include "log_view.h"
#include "options.h"
#include "overview.h"
#include "results.h"
#include "send.h"
#include "sentence.h"
#include "steer.h"
#include "terms.h"
#include "verbatim.h"
#include "watch.h"
#include "words.h"
#include "words_follow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define EXIT_REFUSED 1

static void print_status(enum ctl_verb verb, const struct client_message *message,
                         const struct status *status)
{
    if (verb == CTL_WORKERS && !status->worker_count) {
        puts("No worker runs.");
    } else if (verb == CTL_WORKERS) {
        overview_print_workers(status, SIZE_MAX, stdout);
    } else if (verb == CTL_NODES && !status->node_count) {
        puts("The autoscaler of this farm has no --node: it runs all workers, and nodes wait.");
    } else if (verb == CTL_NODES) {
        overview_print_nodes(status, stdout);
    } else if (verb == CTL_EXPLAIN) {
        sentence_print(status, stdout);
        sentence_print_rest(status, stdout);
        terms_print(status, stdout);
    } else {
        overview_print(&message->envelope, status, stdout);
    }
}

static int show(struct client *client, const struct ctl_options *options, struct why *why)
{
    struct client_message message;
    struct status status;
    int error = ask_status(client, &options->common, options->wait_ns, &message, &status, why);

    if (error)
        return error;
    if (options->json)
        verbatim_print(message.text, message.length, stdout);
    else
        print_status(options->verb, &message, &status);
    status_clear(&status);
    return 0;
}

/* The verbs that are done when they were answered. */
static int ask_once(const struct ctl_options *options, int *code, struct why *why)
{
    struct client *client = NULL;
    bool done = true;
    int error = ask_open(&options->common, &client, why);

    if (!error && options->verb == CTL_FARMS)
        error = farms_print(client, options, stdout, why);
    else if (!error && options->verb == CTL_STEER)
        error = steer(client, options, &done, stdout, why);
    else if (!error)
        error = show(client, options, why);
    if (!error && !done) {
        (void)options_fail(CTL_OPTIONS_PROGRAM, -ERR_INVALID, why);
        *code = EXIT_REFUSED;
    }
    client_close(client);
    return error;
}

static int show_log(const struct ctl_options *options, int *code, struct why *why)
{
    bool complete = true;
    int error =
        options->argument_count
            ? log_view_files(options->arguments, options->argument_count, &complete, stdout, why)
            : 0;

    if (!complete)
        *code = EX_NOINPUT;
    return error || !options->follow ? error : log_view_follow(options, stdout, why);
}

/* The verbs that somebody else than an autoscaler answers. */
static int ask_others(const struct ctl_options *options, int *code, struct why *why)
{
    bool done = true;
    int error = options->verb == CTL_SEND ? send_event(options, &done, stdout, why)
                                          : words(options, &done, stdout, why);

    if (!error && !done) {
        (void)options_fail(CTL_OPTIONS_PROGRAM, -ERR_INVALID, why);
        *code = EXIT_REFUSED;
    }
    return error;
}

int main(int argc, char **argv)
{
    static struct ctl_options options;
    struct why why = {0};
    int code = EX_OK;
    int error;

    descriptors_open(DESCRIPTORS_FAILING);
    ctl_options_parse(&options, argc, argv);
    if (options.verb == CTL_LOG)
        error = show_log(&options, &code, &why);
    else if (options.verb == CTL_RESULTS)
        error = results_print(&options, stdout, &why);
    else if (options.verb == CTL_WORDS && options.words == CTL_WORDS_FOLLOW)
        error = words_follow(&options, stdout, &why);
    else if (options.verb == CTL_SEND || options.verb == CTL_WORDS)
        error = ask_others(&options, &code, &why);
    else if (options.watch)
        error = watch(&options, &why);
    else
        error = ask_once(&options, &code, &why);
    if (!error && (fflush(stdout) || ferror(stdout)))
        error = error_set(&why, ERR_SYSTEM, "cannot write to standard output: %s", strerror(errno));
    return error ? options_fail(CTL_OPTIONS_PROGRAM, error, &why) : code;
}
