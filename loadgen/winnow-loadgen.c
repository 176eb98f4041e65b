/* winnow-loadgen: sends events on a schedule that no slow system bends, and accounts for each. */
#include "arrivals.h"
#include "bodies.h"
#include "descriptors.h"
#include "error.h"
#include "ledger.h"
#include "load.h"
#include "loadgen_options.h"
#include "log.h"
#include "report.h"
#include "report_files.h"
#include "schedule_file.h"
#include "texts.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>

#define EXIT_BAD 1

/* What a run is made of besides its options. */
struct input {
    struct texts *texts;
    struct bodies *bodies;
    struct report_files files;
    struct ledger *ledger;
};

static int read_texts(const char *source, struct texts **texts, struct why *why)
{
    int error = texts_open(source, texts, why);

    if (error == -ERR_CONFIG)
        error_prefix(why, "--body");
    if (!error && texts_cut(*texts))
        log_event(LOG_WARN, "body_cut", "file=%s texts=%zu why=\"it is larger than %d MiB\"",
                  source, texts_count(*texts), TEXTS_MAX_MIB);
    return error;
}

/* Finds everything that may be wrong in the options before anything is sent. */
static int prepare(struct loadgen_options *options, struct input *input, struct why *why)
{
    struct load_settings *load = &options->load;
    int error = 0;

    if (options->schedule_file)
        error = schedule_file_read(options->schedule_file, &options->schedule, why);
    if (!error && options->arrivals.trace) {
        error = arrivals_check(&options->arrivals, why);
        if (error)
            error_prefix(why, "--trace");
    }
    if (!error)
        error = read_texts(options->body, &input->texts, why);
    if (!error)
        error = bodies_open(input->texts, &options->body_size, options->arrivals.seed,
                            &input->bodies, why);
    if (!error)
        error = report_files_open(&input->files, &options->files, why);
    uint64_t *run = &load->publisher.run;
    if (!error && getrandom(run, sizeof *run, 0) != sizeof *run)
        error = error_set(why, ERR_SYSTEM, "no random number for the run: %s", strerror(errno));
    if (!error && ledger_open(*run, load->verify, &input->ledger))
        error = error_set(why, ERR_MEMORY, "out of memory");
    load->publisher.bodies = input->bodies;
    load->timeline = input->files.timeline;
    load->progress = log_enabled(LOG_INFO) ? stderr : NULL;
    return error;
}

/* Names a few of the events that are missing. */
static void log_lost(const struct ledger *ledger, const struct bodies *bodies)
{
    uint64_t sequence = 0;

    for (int i = 0; i < 5 && ledger_next_lost(ledger, &sequence); i++, sequence++) {
        struct broker_bytes body = bodies_get(bodies, sequence);
        log_event(LOG_WARN, "lost", "sequence=%" PRIu64 " body=\"%.*s\"", sequence,
                  (int)(body.length < 200 ? body.length : 200), body.bytes);
    }
}

/* A run that ended with an error is reported all the same; the error is the run's rather than the
 * files'. */
static int write_report(struct input *input, const struct report *report, int error,
                        struct why *why)
{
    struct why files_why = {0};
    int files_error = report_files_write(&input->files, report, &files_why);

    if (report->verify)
        log_lost(input->ledger, input->bodies);
    report_print(stdout, report);
    if (error || !files_error)
        return error;
    *why = files_why;
    return files_error;
}

int main(int argc, char **argv)
{
    static struct loadgen_options options;
    struct input input = {.texts = NULL};
    struct report report;
    struct why why = {0};
    bool started = false;

    descriptors_open(DESCRIPTORS_SILENT);
    loadgen_options_parse(&options, argc, argv);
    int error = prepare(&options, &input, &why);
    if (!error)
        error = load_run(&options.load, input.ledger, &report, &started, &why);
    if (started)
        error = write_report(&input, &report, error, &why);
    bool good = started && report_is_good(&report);

    report_files_close(&input.files);
    ledger_close(input.ledger);
    bodies_close(input.bodies);
    texts_close(input.texts);
    schedule_clear(&options.schedule);
    if (error)
        return options_fail(LOADGEN_OPTIONS_PROGRAM, error, &why);
    return good ? EX_OK : EXIT_BAD;
}
