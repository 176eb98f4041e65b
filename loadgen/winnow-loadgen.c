/* winnow-loadgen: sends events on a schedule that no slow system bends, and accounts for each. */
#include "arrivals.h"
#include "bodies.h"
#include "error.h"
#include "ledger.h"
#include "load.h"
#include "log.h"
#include "options.h"
#include "report.h"
#include "schedule.h"
#include "schedule_file.h"
#include "units.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
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

#define MAX_HEADERS 64
#define MAX_SPEED   1e6

struct settings {
    struct load_settings run;
    struct arrivals_settings arrivals;
    struct schedule schedule;
    struct publisher_header headers[MAX_HEADERS];
    struct bodies_size size;
    const char *schedule_file;
    const char *body;
    const char *mask;
    const char *summary_path, *timeline_path, *hdr_prefix;
};

/* The files that are written at the end, opened at the start. */
struct outputs {
    int summary_fd;
    int hdr_fds[REPORT_LATENCIES];
};

enum {
    KEY_PHASE = OPTIONS_KEY_OWN,
    KEY_SCHEDULE,
    KEY_TRACE,
    KEY_SPEED,
    KEY_EVENTS,
    KEY_ARRIVAL,
    KEY_SEED,
    KEY_BODY,
    KEY_BODY_SIZE,
    KEY_HEADER,
    KEY_TRANSIENT,
    KEY_NO_MANDATORY,
    KEY_CONNECTIONS,
    KEY_CONFIRM_WINDOW,
    KEY_VERIFY,
    KEY_VERIFY_TIMEOUT,
    KEY_MASK,
    KEY_SUMMARY,
    KEY_TIMELINE,
    KEY_HDR,
};

static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "When to send: --phase, --schedule or --trace", 1},
    {"phase", KEY_PHASE, "DURATION@RATE...", 0,
     "So many events per second for so long (10s@500), in a straight line to another rate "
     "(30s@1k..5k), or in waves from one to the other and back every so often (1m@100~500/20s); "
     "behind it, so many at once every so often (1m@50+1k/10s). Give it again for the next phase",
     1},
    {"schedule", KEY_SCHEDULE, "FILE.csv", 0,
     "The phases as rows of a file with the columns " SCHEDULE_FILE_COLUMNS
     " and, for waves and bursts, " SCHEDULE_FILE_OPTIONAL,
     1},
    {"trace", KEY_TRACE, "FILE.csv[:TIME[,COUNT]]", 0,
     "Replay recorded arrivals: a row an event at its TIME (default: time_s), seconds or "
     "timestamps; or with a COUNT (default: count, if there is such a column) so many from that "
     "time until the next row's",
     1},
    {"speed", KEY_SPEED, "FACTOR", 0, "Replay the trace so many times as fast (default: 1)", 1},
    {"events", KEY_EVENTS, "N", 0, "End after so many events, if the schedule goes on", 1},
    {"arrival", KEY_ARRIVAL, "KIND", 0,
     "constant, evenly spaced, or poisson, independent of each other (default: constant); a "
     "trace's own times stay as they are, and its counts exact",
     1},
    {"seed", KEY_SEED, "N", 0,
     "Makes the poisson times and drawn sizes; the same seed, the same run (default: 1)", 1},
    {NULL, 0, NULL, 0, "What to send:", 2},
    {"body", KEY_BODY, "FILE.txt|FILE.csv:COLUMN", 0,
     "Texts to send, in turn: one a line or one a row, blank ones skipped; of a file over 64 MiB, "
     "those in the first 64 MiB (default: a few built-in sentences)",
     2},
    {"body-size", KEY_BODY_SIZE, "BYTES|FROM..TO|exp:MEAN", 0,
     "Instead of one text each, texts put together to so many bytes: always the same, any number "
     "between two, or exponential: 100, 100..2000, exp:4KiB",
     2},
    {"header", KEY_HEADER, "NAME=VALUE", 0, "A header of every event; may be given again", 2},
    {"transient", KEY_TRANSIENT, NULL, 0,
     "Events that the broker may keep in memory alone (default: persistent)", 2},
    {"no-mandatory", KEY_NO_MANDATORY, NULL, 0,
     "Let the broker drop events that no queue takes, instead of returning them", 2},
    {NULL, 0, NULL, 0, "How to send:", 3},
    {"connections", KEY_CONNECTIONS, "N", 0, "Connections to spread the events over (default: 1)",
     3},
    {"confirm-window", KEY_CONFIRM_WINDOW, "N", 0,
     "Most unconfirmed events on each connection; when it is full, sending waits and the lag grows "
     "(default: 1000)",
     3},
    {NULL, 0, NULL, 0, "What to find out:", 4},
    {"verify", KEY_VERIFY, NULL, 0,
     "Collect the results in a queue of this run's own and account for every event; needs workers "
     "on the farm",
     4},
    {"verify-timeout", KEY_VERIFY_TIMEOUT, "DURATION", 0,
     "After the schedule: how long to wait for missing confirms and results while nothing moves; "
     "time in which the broker blocks the connection is not counted (default: 30s)",
     4},
    {"mask", KEY_MASK, "TEXT", 0,
     "What the farm's workers replace a match with (default: CENSORED)", 4},
    {"summary", KEY_SUMMARY, "FILE.json", 0, "Write the totals and latencies as one JSON object",
     4},
    {"timeline", KEY_TIMELINE, "FILE.csv", 0,
     "Write a row a second: time_s, offered_per_s, published_per_s, confirmed_per_s, results_per_s",
     4},
    {"hdr", KEY_HDR, "PREFIX", 0,
     "Write the latencies in milliseconds as PREFIX.lag.hdr, PREFIX.confirm.hdr and "
     "PREFIX.end_to_end.hdr, for HdrHistogram's plotters",
     4},
    {0}};

static void add_phase(struct argp_state *state, struct schedule *schedule, const char *text)
{
    struct phase phase;
    struct why why = {0};

    if (phase_parse(text, &phase, &why) || schedule_add(schedule, &phase, &why))
        argp_failure(state, EX_USAGE, 0, "--phase: %s", why.text);
}

static void add_header(struct argp_state *state, struct settings *settings, char *text)
{
    size_t count = settings->run.header_count;
    char *value = strchr(text, '=');

    if (!value || value == text || value - text > 255)
        argp_failure(state, EX_USAGE, 0,
                     "--header: '%s' is not a header; expected NAME=VALUE, with a NAME of 1 to 255 "
                     "bytes",
                     text);
    if (count == MAX_HEADERS)
        argp_failure(state, EX_USAGE, 0, "--header: at most %d are possible", MAX_HEADERS);
    *value = '\0';
    settings->headers[count] = (struct publisher_header){.name = text, .value = value + 1};
    settings->run.header_count++;
}

static double parse_speed(struct argp_state *state, const char *text)
{
    double speed = 0;

    if (units_parse_rate(text, &speed) != 0 || !(speed > 0 && speed <= MAX_SPEED))
        argp_failure(
            state, EX_USAGE, 0,
            "--speed: '%s' is not a factor; expected more than 0, like 0.5 or 10, up to %g", text,
            MAX_SPEED);
    return speed;
}

static void parse_size(struct argp_state *state, const char *text, struct bodies_size *size)
{
    struct why why = {0};

    if (bodies_parse_size(text, size, &why))
        argp_failure(state, EX_USAGE, 0, "--body-size: %s", why.text);
}

static void check_combination(struct argp_state *state, const struct settings *settings)
{
    const char *trace = settings->arrivals.trace;

    if ((settings->schedule.count > 0) + (settings->schedule_file != NULL) + (trace != NULL) > 1)
        argp_failure(state, EX_USAGE, 0, "--phase, --schedule and --trace cannot be combined");
    if (!settings->schedule.count && !settings->schedule_file && !trace)
        argp_failure(state, EX_USAGE, 0,
                     "nothing to send; expected --phase %s, or --schedule, or --trace", PHASE_FORM);
    if (!trace && settings->arrivals.speed != 1)
        argp_failure(state, EX_USAGE, 0, "--speed is for a --trace");
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct settings *settings = state->input;
    struct load_settings *run = &settings->run;

    switch (key) {
    case KEY_PHASE:
        add_phase(state, &settings->schedule, argument);
        return 0;
    case KEY_SCHEDULE:
        if (settings->schedule_file)
            argp_failure(state, EX_USAGE, 0, "--schedule: only one file is possible");
        settings->schedule_file = argument;
        return 0;
    case KEY_TRACE:
        if (settings->arrivals.trace)
            argp_failure(state, EX_USAGE, 0, "--trace: only one file is possible");
        settings->arrivals.trace = argument;
        return 0;
    case KEY_SPEED:
        settings->arrivals.speed = parse_speed(state, argument);
        return 0;
    case KEY_EVENTS:
        settings->arrivals.max_events = options_count(state, "--events", argument, 1, UINT64_MAX);
        return 0;
    case KEY_ARRIVAL:
        if (strcmp(argument, "constant") == 0)
            settings->arrivals.arrival = SCHEDULE_CONSTANT;
        else if (strcmp(argument, "poisson") == 0)
            settings->arrivals.arrival = SCHEDULE_POISSON;
        else
            argp_failure(state, EX_USAGE, 0,
                         "--arrival: '%s' is not a kind of arrival; expected constant or poisson",
                         argument);
        return 0;
    case KEY_SEED:
        settings->arrivals.seed = options_count(state, "--seed", argument, 0, UINT64_MAX);
        return 0;
    case KEY_BODY:
        settings->body = argument;
        return 0;
    case KEY_BODY_SIZE:
        parse_size(state, argument, &settings->size);
        return 0;
    case KEY_HEADER:
        add_header(state, settings, argument);
        return 0;
    case KEY_TRANSIENT:
        run->transient = true;
        return 0;
    case KEY_NO_MANDATORY:
        run->mandatory = false;
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
    case KEY_HDR:
        settings->hdr_prefix = argument;
        return 0;
    case ARGP_KEY_ARG:
        argp_failure(state, EX_USAGE, 0, "unexpected argument '%s'", argument);
        return 0;
    case ARGP_KEY_END:
        check_combination(state, settings);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char doc[] =
    "Publishes events to FARM.events on an open-loop schedule, and with --verify accounts for "
    "every one of them.\v"
    "Each event has its time, whatever the system under load does: a late one is sent as soon as "
    "possible and none is left out. All latencies count from that time. Without --verify the "
    "results go to FARM.results, and stay there. An event that the broker refuses, or whose "
    "connection breaks, is sent again under the same message_id.\n\n"
    "A line a second goes to standard error (not with --log-level warn), the totals to standard "
    "output. SIGINT and SIGTERM stop the sending and leave five seconds for what is under way; a "
    "second one ends at once. The summary is written either way; unknown values in it are null.\n\n"
    "Examples, a burst between two calm phases, and a recorded day in 24 minutes:\n"
    "  winnow-loadgen --phase 10s@200 --phase 20s@200..5k --phase 10s@200 --verify\n"
    "  winnow-loadgen --trace day.csv:when,requests --speed 60 --arrival poisson\n\n"
    "Exit codes: 0 done; 1 an event was lost, corrupted, returned as unroutable, left unconfirmed "
    "or given up, or the sending ended behind its schedule by more than 1 % of it and half a "
    "second, "
    "not counting time in which the broker blocked or was away; 64 usage; 69 broker unavailable, "
    "or not back within --connect-timeout; 75 interrupted before the start; 77 permission "
    "refused; 78 configuration, or a file that cannot be used.";

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

static int open_outputs(struct settings *settings, struct outputs *outputs, struct why *why)
{
    int error = open_output("--summary", settings->summary_path, &outputs->summary_fd, why);

    if (!error)
        error = open_output("--timeline", settings->timeline_path, &settings->run.timeline_fd, why);
    for (size_t i = 0; !error && settings->hdr_prefix && i < REPORT_LATENCIES; i++) {
        char path[PATH_MAX];
        int length =
            snprintf(path, sizeof path, "%s.%s.hdr", settings->hdr_prefix, report_latency_names[i]);
        if (length >= (int)sizeof path)
            return error_set(why, ERR_CONFIG, "--hdr: the prefix is too long");
        error = open_output("--hdr", path, &outputs->hdr_fds[i], why);
    }
    return error;
}

static int write_outputs(const struct settings *settings, const struct outputs *outputs,
                         const struct report *report, struct why *why)
{
    int error = 0;

    if (outputs->summary_fd >= 0) {
        (void)!ftruncate(outputs->summary_fd,
                         0); /* a pipe or a device has nothing to be emptied of */
        error = report_write_summary(outputs->summary_fd, report, why);
        if (error)
            error_prefix(why, "--summary: cannot write '%s'", settings->summary_path);
    }
    for (size_t i = 0; !error && i < REPORT_LATENCIES && outputs->hdr_fds[i] >= 0; i++) {
        (void)!ftruncate(outputs->hdr_fds[i], 0);
        error = report_write_hdr(outputs->hdr_fds[i], report, i, why);
        if (error)
            error_prefix(why, "--hdr: cannot write '%s.%s.hdr'", settings->hdr_prefix,
                         report_latency_names[i]);
    }
    return error;
}

static void close_outputs(const struct settings *settings, const struct outputs *outputs)
{
    if (outputs->summary_fd >= 0)
        close(outputs->summary_fd);
    if (settings->run.timeline_fd >= 0)
        close(settings->run.timeline_fd);
    for (size_t i = 0; i < REPORT_LATENCIES; i++)
        if (outputs->hdr_fds[i] >= 0)
            close(outputs->hdr_fds[i]);
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

/* Everything that may be wrong in what was given is found here, before anything is sent. */
static int prepare(struct settings *settings, struct outputs *outputs, struct bodies **bodies,
                   struct why *why)
{
    const struct bodies_size *size = settings->size.kind != BODIES_AS_IS ? &settings->size : NULL;
    int error = 0;

    if (settings->schedule_file)
        error = schedule_file_read(settings->schedule_file, &settings->schedule, why);
    if (!error && settings->arrivals.trace) {
        error = arrivals_check(&settings->arrivals, why);
        if (error)
            error_prefix(why, "--trace");
    }
    if (!error)
        error = bodies_open(settings->body, size, settings->arrivals.seed, bodies, why);
    if (!error && bodies_cut(*bodies))
        log_event(LOG_WARN, "body_cut", "file=%s texts=%zu why=\"it is larger than %d MiB\"",
                  settings->body, bodies_count(*bodies), BODIES_MAX_MIB);
    return error ? error : open_outputs(settings, outputs, why);
}

int main(int argc, char **argv)
{
    static struct options options; /* its texts live as long as the process */
    struct settings settings = {.run = {.options = &options,
                                        .mandatory = true,
                                        .connections = 1,
                                        .window_msgs = DEFAULT_WINDOW_MSGS,
                                        .verify_timeout_ns = DEFAULT_TIMEOUT_NS,
                                        .timeline_fd = -1},
                                .arrivals = {.speed = 1, .seed = 1, .max_events = UINT64_MAX},
                                .mask = "CENSORED"};
    struct outputs outputs = {.summary_fd = -1, .hdr_fds = {-1, -1, -1}};
    struct bodies *bodies = NULL;
    struct ledger *ledger = NULL;
    struct report report;
    struct why why = {0};
    bool started = false;
    uint64_t run_id;

    schedule_init(&settings.schedule);
    options_parse(&options, PROGRAM, &argp, argc, argv, &settings);

    int error = prepare(&settings, &outputs, &bodies, &why);
    if (!error && getrandom(&run_id, sizeof run_id, 0) != sizeof run_id)
        error = error_set(&why, ERR_SYSTEM, "no random number for the run: %s", strerror(errno));
    if (!error)
        error = ledger_open(run_id, broker_text(settings.mask), settings.run.verify, &ledger);
    if (!error) {
        settings.arrivals.schedule = &settings.schedule;
        settings.run.arrivals = &settings.arrivals;
        settings.run.headers = settings.headers;
        settings.run.bodies = bodies;
        settings.run.progress = log_enabled(LOG_INFO);
        error = load_run(&settings.run, run_id, ledger, &report, &started, &why);
    }

    if (started) {
        struct why output_why = {0};
        int output_error = write_outputs(&settings, &outputs, &report, &output_why);
        if (report.verify)
            log_lost(ledger, bodies);
        report_print(stdout, &report);
        if (!error && output_error) {
            error = output_error;
            why = output_why;
        }
    }
    bool good = started && report_is_good(&report);

    close_outputs(&settings, &outputs);
    ledger_close(ledger);
    bodies_close(bodies);
    schedule_clear(&settings.schedule);
    if (error)
        return options_fail(PROGRAM, error, &why);
    return good ? EX_OK : EXIT_BAD;
}
