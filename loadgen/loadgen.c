/* winnow-loadgen: sends events on a schedule that no slow system bends, and accounts for each. */
#include "bodies.h"
#include "error.h"
#include "ledger.h"
#include "log.h"
#include "options.h"
#include "report.h"
#include "run.h"
#include "schedule.h"
#include "schedule_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>

#define PROGRAM             "winnow-loadgen"
#define DEFAULT_WINDOW_MSGS 1000
#define MAX_WINDOW_MSGS     1000000
#define DEFAULT_TIMEOUT_NS  INT64_C(30000000000)
#define EXIT_BAD            1

struct settings {
    struct run_settings run;
    struct schedule schedule;
    const char *schedule_file;
    const char *body;
    const char *mask;
    const char *summary_path, *timeline_path;
};

enum {
    KEY_PHASE = OPTIONS_KEY_OWN,
    KEY_SCHEDULE,
    KEY_ARRIVAL,
    KEY_SEED,
    KEY_BODY,
    KEY_CONNECTIONS,
    KEY_CONFIRM_WINDOW,
    KEY_VERIFY,
    KEY_VERIFY_TIMEOUT,
    KEY_MASK,
    KEY_SUMMARY,
    KEY_TIMELINE,
};

static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "What to send, one of the first two:", 1},
    {"phase", KEY_PHASE, "DURATION@RATE[..RATE]", 0,
     "So many events per second for so long, or from one rate to another: 10s@500, 30s@1000..5k; "
     "give it again for the next phase",
     1},
    {"schedule", KEY_SCHEDULE, "FILE.csv", 0,
     "The phases as rows of a file with the columns " SCHEDULE_FILE_COLUMNS, 1},
    {"arrival", KEY_ARRIVAL, "KIND", 0,
     "constant, evenly spaced, or poisson, independent of each other (default: constant)", 1},
    {"seed", KEY_SEED, "N", 0,
     "Makes the poisson times; the same seed, the same times (default: 1)", 1},
    {"body", KEY_BODY, "FILE.txt|FILE.csv:COLUMN", 0,
     "Texts to send, in turn: one a line or one a row, blank ones skipped (default: a few built-in "
     "sentences)",
     1},
    {NULL, 0, NULL, 0, "How to send:", 2},
    {"connections", KEY_CONNECTIONS, "N", 0, "Connections to spread the events over (default: 1)",
     2},
    {"confirm-window", KEY_CONFIRM_WINDOW, "N", 0,
     "Most unconfirmed events on each connection; when it is full, sending waits and the lag grows "
     "(default: 1000)",
     2},
    {NULL, 0, NULL, 0, "What to find out:", 3},
    {"verify", KEY_VERIFY, NULL, 0,
     "Collect the results in a queue of this run's own and account for every event; needs workers "
     "on the farm",
     3},
    {"verify-timeout", KEY_VERIFY_TIMEOUT, "DURATION", 0,
     "After the schedule: how long to wait for missing confirms and results while nothing moves; "
     "time in which the broker blocks the connection is not counted (default: 30s)",
     3},
    {"mask", KEY_MASK, "TEXT", 0,
     "What the farm's workers replace a match with (default: CENSORED)", 3},
    {"summary", KEY_SUMMARY, "FILE.json", 0, "Write the totals and latencies as one JSON object",
     3},
    {"timeline", KEY_TIMELINE, "FILE.csv", 0,
     "Write a row a second: time_s, offered_per_s, published_per_s, confirmed_per_s, results_per_s",
     3},
    {0}};

static void add_phase(struct argp_state *state, struct schedule *schedule, const char *text)
{
    struct phase phase;
    struct why why = {0};

    if (phase_parse(text, &phase, &why) || schedule_add(schedule, &phase, &why))
        argp_failure(state, EX_USAGE, 0, "--phase: %s", why.text);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct settings *settings = state->input;
    struct run_settings *run = &settings->run;

    switch (key) {
    case KEY_PHASE:
        add_phase(state, &settings->schedule, argument);
        return 0;
    case KEY_SCHEDULE:
        if (settings->schedule_file)
            argp_failure(state, EX_USAGE, 0, "--schedule: only one file is possible");
        settings->schedule_file = argument;
        return 0;
    case KEY_ARRIVAL:
        if (strcmp(argument, "constant") == 0)
            run->arrival = SCHEDULE_CONSTANT;
        else if (strcmp(argument, "poisson") == 0)
            run->arrival = SCHEDULE_POISSON;
        else
            argp_failure(state, EX_USAGE, 0,
                         "--arrival: '%s' is not a kind of arrival; expected constant or poisson",
                         argument);
        return 0;
    case KEY_SEED:
        run->seed = options_count(state, "--seed", argument, 0, UINT64_MAX);
        return 0;
    case KEY_BODY:
        settings->body = argument;
        return 0;
    case KEY_CONNECTIONS:
        run->connections = options_count(state, "--connections", argument, 1, RUN_MAX_CONNECTIONS);
        return 0;
    case KEY_CONFIRM_WINDOW:
        run->window_msgs = options_count(state, "--confirm-window", argument, 1, MAX_WINDOW_MSGS);
        return 0;
    case KEY_VERIFY:
        run->verify = true;
        return 0;
    case KEY_VERIFY_TIMEOUT:
        run->verify_timeout_ns =
            options_duration(state, "--verify-timeout", argument, 0, INT64_C(86400000000000));
        return 0;
    case KEY_MASK:
        settings->mask = argument;
        return 0;
    case KEY_SUMMARY:
        settings->summary_path = argument;
        return 0;
    case KEY_TIMELINE:
        settings->timeline_path = argument;
        return 0;
    case ARGP_KEY_ARG:
        argp_failure(state, EX_USAGE, 0, "unexpected argument '%s'", argument);
        return 0;
    case ARGP_KEY_END:
        if (settings->schedule.count && settings->schedule_file)
            argp_failure(state, EX_USAGE, 0, "--phase and --schedule cannot be combined");
        if (!settings->schedule.count && !settings->schedule_file)
            argp_failure(state, EX_USAGE, 0, "nothing to send; expected --phase %s, or --schedule",
                         PHASE_FORM);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char doc[] =
    "Publishes events to FARM.events on an open-loop schedule, and with --verify accounts for "
    "every "
    "one of them.\v"
    "Each event has its time, whatever the system under load does: a late one is sent as soon as "
    "possible and none is left out. All latencies count from that time. Without --verify the "
    "results go to FARM.results, and stay there. An event that the broker refuses, or whose "
    "connection breaks, is sent again under the same message_id.\n\n"
    "A line a second goes to standard error (not with --log-level warn), the totals to standard "
    "output. SIGINT and SIGTERM stop the sending and leave five seconds for what is under way; a "
    "second one ends at once. The summary is written either way; unknown values in it are null.\n\n"
    "Example, a burst between two calm phases:\n"
    "  winnow-loadgen --phase 10s@200 --phase 20s@200..5k --phase 10s@200 --verify --summary "
    "run.json"
    "\n\n"
    "Exit codes: 0 done; 1 an event was lost, corrupted, returned as unroutable, left unconfirmed "
    "or "
    "not sent; 64 usage; 69 broker unavailable, or not back within --connect-timeout; 75 "
    "interrupted "
    "before the start; 77 permission refused; 78 configuration, or a file that cannot be used.";

static const struct argp argp = {option_table, parse_option, NULL, doc, NULL, NULL, NULL};

/* Opens a file to be written later; what is in it stays until then. */
static int open_output(const char *option, const char *path, int *fd, struct why *why)
{
    if (!path)
        return 0;
    *fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (*fd >= 0)
        return 0;
    return error_set(why, ERR_CONFIG, "%s: cannot write '%s': %s", option, path, strerror(errno));
}

static int write_summary(const char *path, int fd, const struct report *report, struct why *why)
{
    if (fd < 0)
        return 0;
    (void)!ftruncate(fd, 0); /* a pipe or a device has nothing to be emptied of */
    int error = report_write_summary(fd, report, why);
    if (error)
        error_prefix(why, "--summary: cannot write '%s'", path);
    return error;
}

/* Names a few of the events that are missing. */
static void log_lost(const struct ledger *ledger, const struct bodies *bodies)
{
    uint64_t sequence = 0;

    for (int i = 0; i < 5 && ledger_next_lost(ledger, &sequence); i++, sequence++) {
        struct broker_bytes body = bodies_of(bodies, sequence);
        log_event(LOG_WARN, "lost", "sequence=%" PRIu64 " body=\"%.*s\"", sequence,
                  (int)(body.length < 200 ? body.length : 200), body.bytes);
    }
}

int main(int argc, char **argv)
{
    static struct options options; /* its texts live as long as the process */
    struct settings settings = {.run = {.options = &options,
                                        .arrival = SCHEDULE_CONSTANT,
                                        .seed = 1,
                                        .connections = 1,
                                        .window_msgs = DEFAULT_WINDOW_MSGS,
                                        .verify_timeout_ns = DEFAULT_TIMEOUT_NS,
                                        .timeline_fd = -1},
                                .mask = "CENSORED"};
    struct bodies *bodies = NULL;
    struct ledger *ledger = NULL;
    struct report report;
    struct why why = {0};
    bool started = false;
    uint64_t run_id;
    int summary_fd = -1;

    schedule_init(&settings.schedule);
    options_parse(&options, PROGRAM, &argp, argc, argv, &settings);

    int error = 0;
    if (settings.schedule_file)
        error = schedule_file_read(settings.schedule_file, &settings.schedule, &why);
    if (!error)
        error = bodies_open(settings.body, &bodies, &why);
    if (!error)
        error = open_output("--summary", settings.summary_path, &summary_fd, &why);
    if (!error)
        error = open_output("--timeline", settings.timeline_path, &settings.run.timeline_fd, &why);
    if (!error && getrandom(&run_id, sizeof run_id, 0) != sizeof run_id)
        error = error_set(&why, ERR_SYSTEM, "no random number for the run: %s", strerror(errno));
    if (!error)
        error = ledger_open(run_id, broker_text(settings.mask), &ledger);
    if (!error) {
        settings.run.schedule = &settings.schedule;
        settings.run.bodies = bodies;
        settings.run.progress = log_enabled(LOG_INFO);
        error = run(&settings.run, run_id, ledger, &report, &started, &why);
    }

    if (started) {
        struct why summary_why = {0};
        int summary_error = write_summary(settings.summary_path, summary_fd, &report, &summary_why);
        if (report.verify)
            log_lost(ledger, bodies);
        report_print(stdout, &report);
        if (!error && summary_error) {
            error = summary_error;
            why = summary_why;
        }
    }
    bool good = started && report_is_good(&report);

    if (summary_fd >= 0)
        close(summary_fd);
    if (settings.run.timeline_fd >= 0)
        close(settings.run.timeline_fd);
    ledger_close(ledger);
    bodies_close(bodies);
    schedule_clear(&settings.schedule);
    if (error)
        return options_fail(PROGRAM, error, &why);
    return good ? EX_OK : EXIT_BAD;
}
