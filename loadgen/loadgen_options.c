#include "loadgen_options.h"

#include "error.h"
#include "phase_parse.h"
#include "schedule_file.h"
#include "units.h"

#include <argp.h>
#include <string.h>
#include <sysexits.h>

#define DEFAULT_WINDOW_MSGS 1000
#define MAX_WINDOW_MSGS     1000000
#define DEFAULT_TIMEOUT_NS  INT64_C(30000000000)
#define MAX_TIMEOUT_NS      INT64_C(86400000000000)
#define MAX_SPEED           1e6

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
    KEY_EXPECT_DEAD,
    KEY_EXPECT_SAME,
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
     "Most unconfirmed events on each connection, those that were refused among them; when it is "
     "full, sending waits and the lag grows (default: 1000)",
     3},
    {NULL, 0, NULL, 0, "What to find out:", 4},
    {"verify", KEY_VERIFY, NULL, 0,
     "Collect the results in a queue of this run's own and account for every event; needs workers "
     "on the farm",
     4},
    {"expect-dead", KEY_EXPECT_DEAD, NULL, 0,
     "With --verify: an event that ends in FARM.dead is answered (default: that is bad, as if it "
     "were lost)",
     4},
    {"expect-same", KEY_EXPECT_SAME, NULL, 0,
     "With --verify: the right result is the event's text as it was sent, such as winnow-run -- "
     "cat "
     "answers (default: the text with its matches replaced)",
     4},
    {"verify-timeout", KEY_VERIFY_TIMEOUT, "DURATION", 0,
     "After the schedule: how long to wait for missing confirms and results while nothing moves; "
     "time in which the broker blocks or is away is not counted (default: 30s)",
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
     "PREFIX.end_to_end.hdr, for the plotters of HdrHistogram",
     4},
    {0}};

static void add_phase(struct argp_state *state, struct schedule *schedule, const char *text)
{
    struct phase phase;
    struct why why = {0};

    if (phase_parse(text, &phase, &why) || schedule_add(schedule, &phase, &why))
        argp_failure(state, EX_USAGE, 0, "--phase: %s", why.text);
}

static void add_header(struct argp_state *state, struct loadgen_options *options, char *text)
{
    size_t count = options->load.publisher.header_count;
    size_t length = strcspn(text, "=");

    if (text[length] == '\0' || length == 0 || length > 255)
        argp_failure(state, EX_USAGE, 0,
                     "--header: '%s' is not a header; expected NAME=VALUE, with a NAME of 1 to 255 "
                     "bytes",
                     text);
    if (count == LOADGEN_OPTIONS_MAX_HEADERS)
        argp_failure(state, EX_USAGE, 0, "--header: at most %d are possible",
                     LOADGEN_OPTIONS_MAX_HEADERS);
    text[length] = '\0';
    options->headers[count] = (struct publisher_header){.name = text, .value = text + length + 1};
    options->load.publisher.header_count++;
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

static enum schedule_arrival parse_arrival(struct argp_state *state, const char *text)
{
    if (strcmp(text, "constant") == 0)
        return SCHEDULE_CONSTANT;
    if (strcmp(text, "poisson") != 0)
        argp_failure(state, EX_USAGE, 0,
                     "--arrival: '%s' is not a kind of arrival; expected constant or poisson",
                     text);
    return SCHEDULE_POISSON;
}

/* Takes the one file that an option may name. */
static void take_file(struct argp_state *state, const char *option, char *argument,
                      const char **file)
{
    if (*file)
        argp_failure(state, EX_USAGE, 0, "%s: only one file is possible", option);
    *file = argument;
}

static void parse_size(struct argp_state *state, const char *text, struct body_size *size)
{
    struct why why = {0};

    if (body_size_parse(text, size, &why))
        argp_failure(state, EX_USAGE, 0, "--body-size: %s", why.text);
}

static void check_combination(struct argp_state *state, const struct loadgen_options *options)
{
    const char *trace = options->arrivals.trace;

    if ((options->schedule.count > 0) + (options->schedule_file != NULL) + (trace != NULL) > 1)
        argp_failure(state, EX_USAGE, 0, "--phase, --schedule and --trace cannot be combined");
    if (!options->schedule.count && !options->schedule_file && !trace)
        argp_failure(state, EX_USAGE, 0,
                     "nothing to send; expected --phase %s, or --schedule, or --trace",
                     PHASE_PARSE_FORM);
    if (!trace && options->arrivals.speed != 1)
        argp_failure(state, EX_USAGE, 0, "--speed is for a --trace");
    if (options->load.expect_dead && !options->load.verify)
        argp_failure(state, EX_USAGE, 0, "--expect-dead: expected --verify beside it");
    if (options->load.expect_same && !options->load.verify)
        argp_failure(state, EX_USAGE, 0, "--expect-same: expected --verify beside it");
}

/* ---- each group of options: 0, or ARGP_ERR_UNKNOWN when the key is none of its own ---- */

static error_t parse_when(struct loadgen_options *options, int key, char *argument,
                          struct argp_state *state)
{
    struct arrivals_settings *arrivals = &options->arrivals;

    switch (key) {
    case KEY_PHASE:
        add_phase(state, &options->schedule, argument);
        return 0;
    case KEY_SCHEDULE:
        take_file(state, "--schedule", argument, &options->schedule_file);
        return 0;
    case KEY_TRACE:
        take_file(state, "--trace", argument, &arrivals->trace);
        return 0;
    case KEY_SPEED:
        arrivals->speed = parse_speed(state, argument);
        return 0;
    case KEY_EVENTS:
        arrivals->max_events = options_count(state, "--events", argument, 1, UINT64_MAX);
        return 0;
    case KEY_ARRIVAL:
        arrivals->arrival = parse_arrival(state, argument);
        return 0;
    case KEY_SEED:
        arrivals->seed = options_count(state, "--seed", argument, 0, UINT64_MAX);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_what(struct loadgen_options *options, int key, char *argument,
                          struct argp_state *state)
{
    switch (key) {
    case KEY_BODY:
        options->body = argument;
        return 0;
    case KEY_BODY_SIZE:
        parse_size(state, argument, &options->body_size);
        return 0;
    case KEY_HEADER:
        add_header(state, options, argument);
        return 0;
    case KEY_TRANSIENT:
        options->load.publisher.transient = true;
        return 0;
    case KEY_NO_MANDATORY:
        options->load.publisher.mandatory = false;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_how(struct loadgen_options *options, int key, const char *argument,
                         struct argp_state *state)
{
    struct publisher_settings *publisher = &options->load.publisher;

    switch (key) {
    case KEY_CONNECTIONS:
        publisher->connections =
            options_count(state, "--connections", argument, 1, LOAD_MAX_CONNECTIONS);
        return 0;
    case KEY_CONFIRM_WINDOW:
        publisher->window_msgs =
            options_count(state, "--confirm-window", argument, 1, MAX_WINDOW_MSGS);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_findings(struct loadgen_options *options, int key, const char *argument,
                              struct argp_state *state)
{
    switch (key) {
    case KEY_VERIFY:
        options->load.verify = true;
        return 0;
    case KEY_EXPECT_DEAD:
        options->load.expect_dead = true;
        return 0;
    case KEY_EXPECT_SAME:
        options->load.expect_same = true;
        return 0;
    case KEY_VERIFY_TIMEOUT:
        options->load.verify_timeout_ns =
            options_duration(state, "--verify-timeout", argument, 0, MAX_TIMEOUT_NS);
        return 0;
    case KEY_MASK:
        options->load.mask = argument;
        return 0;
    case KEY_SUMMARY:
        options->files.summary = argument;
        return 0;
    case KEY_TIMELINE:
        options->files.timeline = argument;
        return 0;
    case KEY_HDR:
        options->files.hdr_prefix = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct loadgen_options *options = state->input;

    switch (key) {
    case ARGP_KEY_ARG:
        argp_failure(state, EX_USAGE, 0, "unexpected argument '%s'", argument);
        return 0;
    case ARGP_KEY_END:
        check_combination(state, options);
        return 0;
    default:
        return parse_when(options, key, argument, state) &&
                       parse_what(options, key, argument, state) &&
                       parse_how(options, key, argument, state) &&
                       parse_findings(options, key, argument, state)
                   ? ARGP_ERR_UNKNOWN
                   : 0;
    }
}

static const char doc[] =
    "Publishes events to FARM.events on an open-loop schedule, and with --verify accounts for "
    "every one of them.\v"
    "Each event has its time, whatever the system under load does: a late one is sent as soon as "
    "possible and none is left out. All latencies count from that time. Without --verify the "
    "results go to FARM.results, and stay there. An event that the broker refuses is sent again "
    "under the same message_id, after 100 ms, then twice as long, up to 5 s; so is one whose "
    "connection breaks, but at once.\n\n"
    "A line a second goes to standard error (not with --log-level warn), the totals to standard "
    "output. SIGINT and SIGTERM stop the sending and leave five seconds for what is under way; a "
    "second one ends at once. The summary is written either way; unknown values in it are null.\n\n"
    "Examples, a burst between two calm phases, and a recorded day in 24 minutes:\n"
    "  winnow-loadgen --phase 10s@200 --phase 20s@200..5k --phase 10s@200 --verify\n"
    "  winnow-loadgen --trace day.csv:when,requests --speed 60 --arrival poisson\n\n"
    "Exit codes: 0 done; 1 an event was lost, dead without --expect-dead, corrupted, returned as "
    "unroutable, left unconfirmed "
    "or given up, or the sending ended behind its schedule by more than 1 % of it and half a "
    "second, "
    "not counting time in which the broker blocked or was away; 64 usage; 69 broker unavailable, "
    "or not back within --connect-timeout; 75 interrupted before the start; 77 permission "
    "refused; 78 configuration, or a file that cannot be used.";

static const struct argp argp = {option_table, parse_option, NULL, doc, NULL, NULL, NULL};

void loadgen_options_parse(struct loadgen_options *options, int argc, char **argv)
{
    *options = (struct loadgen_options){
        .load = {.publisher = {.options = &options->common,
                               .connections = 1,
                               .window_msgs = DEFAULT_WINDOW_MSGS,
                               .headers = options->headers,
                               .mandatory = true},
                 .arrivals = &options->arrivals,
                 .mask = "CENSORED",
                 .verify_timeout_ns = DEFAULT_TIMEOUT_NS},
        .arrivals = {.schedule = &options->schedule,
                     .speed = 1,
                     .seed = 1,
                     .max_events = UINT64_MAX},
    };
    schedule_init(&options->schedule);
    options_parse(&options->common, LOADGEN_OPTIONS_PROGRAM, &argp, argc, argv, options);
}
