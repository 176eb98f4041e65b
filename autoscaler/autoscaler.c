/* winnow-autoscaler: samples, decides, starts and drains workers. */
#include "clock.h"
#include "error.h"
#include "history.h"
#include "launcher.h"
#include "log.h"
#include "options.h"
#include "policy.h"
#include "pool.h"
#include "sampler.h"
#include "scoreboard.h"
#include "signals.h"
#include "units.h"

#include <limits.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define PROGRAM        "winnow-autoscaler"
#define DEFAULT_WORKER "winnow-filter"

/* A sample waits this long for the broker's answers, and at most half an interval. */
#define ANSWER_NS (1 * CLOCK_NS_PER_S)

struct settings {
    int64_t interval_ns, drain_timeout_ns;
    struct policy_params params;
    const struct policy *policy;
    const char *history_path;
    enum sampler_count count;
    enum pool_stop stop;
    char **worker; /* program and arguments; NULL: the default */
};

/* ---- command line ---- */

enum {
    KEY_INTERVAL = OPTIONS_KEY_OWN,
    KEY_HORIZON,
    KEY_CAPACITY,
    KEY_MIN,
    KEY_MAX,
    KEY_POLICY,
    KEY_HISTORY,
    KEY_DRAIN_TIMEOUT,
    KEY_COUNT,
    KEY_STOP,
};

static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "Deciding:", 1},
    {"interval", KEY_INTERVAL, "DURATION", 0, "Time between decisions (default: 2s)", 1},
    {"horizon", KEY_HORIZON, "DURATION", 0,
     "T: the time in which backlog and arrivals should be cleared (default: 2s)", 1},
    {"capacity", KEY_CAPACITY, "N", 0, "C: events one worker clears within T (default: 1000)", 1},
    {"min", KEY_MIN, "N", 0, "Fewest workers (default: 0)", 1},
    {"max", KEY_MAX, "N", 0, "Most workers (default: 32)", 1},
    {"policy", KEY_POLICY, "NAME", 0, "How to decide: formula (default)", 1},
    {"history", KEY_HISTORY, "FILE.csv", 0, "Write one row a decision (continues the file)", 1},
    {"count", KEY_COUNT, "HOW", 0,
     "How arrivals are counted: consume the copies (default), or purge them at each decision, for "
     "large "
     "bodies or a distant broker",
     1},
    {NULL, 0, NULL, 0, "Workers:", 2},
    {"drain-timeout", KEY_DRAIN_TIMEOUT, "DURATION", 0,
     "Longest that a worker may take to finish what it holds (default: 30s)", 2},
    {"stop", KEY_STOP, "WHICH", 0,
     "Which worker goes when there are too many: oldest (default), or idle, one that holds nothing",
     2},
    {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct settings *settings = state->input;

    switch (key) {
    case KEY_INTERVAL:
        settings->interval_ns = options_duration(state, "--interval", argument,
                                                 10 * CLOCK_NS_PER_MS, 3600 * CLOCK_NS_PER_S);
        return 0;
    case KEY_HORIZON:
        settings->params.horizon_s =
            (double)options_duration(state, "--horizon", argument, CLOCK_NS_PER_MS,
                                     86400 * CLOCK_NS_PER_S) /
            (double)CLOCK_NS_PER_S;
        return 0;
    case KEY_CAPACITY:
        settings->params.capacity_msgs =
            (double)options_count(state, "--capacity", argument, 1, 1000000000);
        return 0;
    case KEY_MIN:
        settings->params.min_workers =
            (uint32_t)options_count(state, "--min", argument, 0, POOL_MAX_WORKERS);
        return 0;
    case KEY_MAX:
        settings->params.max_workers =
            (uint32_t)options_count(state, "--max", argument, 1, POOL_MAX_WORKERS);
        return 0;
    case KEY_POLICY:
        settings->policy = policy_find(argument);
        if (!settings->policy)
            argp_error(state, "--policy: '%s' is not a policy; expected formula", argument);
        return 0;
    case KEY_HISTORY:
        settings->history_path = argument;
        return 0;
    case KEY_DRAIN_TIMEOUT:
        settings->drain_timeout_ns =
            options_duration(state, "--drain-timeout", argument, 0, 86400 * CLOCK_NS_PER_S);
        return 0;
    case KEY_COUNT:
        if (strcmp(argument, "consume") && strcmp(argument, "purge"))
            argp_error(state, "--count: '%s' is not known; expected consume or purge", argument);
        settings->count = argument[0] == 'p' ? SAMPLER_PURGE : SAMPLER_CONSUME;
        return 0;
    case KEY_STOP:
        if (strcmp(argument, "oldest") && strcmp(argument, "idle"))
            argp_error(state, "--stop: '%s' is not known; expected oldest or idle", argument);
        settings->stop = argument[0] == 'i' ? POOL_STOP_IDLE : POOL_STOP_OLDEST;
        return 0;
    case ARGP_KEY_ARGS:
        settings->worker = state->argv + state->next;
        return 0;
    case ARGP_KEY_END:
        if (settings->params.min_workers > settings->params.max_workers)
            argp_error(state, "--min %u is more than --max %u", settings->params.min_workers,
                       settings->params.max_workers);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char doc[] =
    "Keeps as many workers running as a farm's load needs: every interval it reads the backlog B "
    "and the "
    "arrival rate λ, computes N = ceil((B + λT) / C), and starts or drains workers until N run.\v"
    "WORKER is any program that consumes FARM.work (default: winnow-filter, from the directory of "
    "this "
    "program or from PATH). It finds the broker and the farm in its environment: AMQP_URL, "
    "WINNOW_FARM, "
    "WINNOW_QUEUE_TYPE. SIGTERM must make it finish what it holds and exit with 0.\n\n"
    "SIGINT and SIGTERM drain all workers, then end; a second one ends them at once.\n\n"
    "Example: winnow-autoscaler --farm shop --max 8 --history shop.csv -- winnow-filter --words "
    "words.txt\n\n"
    "Exit codes: 0 done, 1 ended before the workers had drained, 64 usage, 69 broker unavailable, "
    "75 another "
    "autoscaler runs this farm, 77 permission refused, 78 configuration.";

static const struct argp argp = {option_table, parse_option, "[-- WORKER [ARG...]]", doc, NULL,
                                 NULL,         NULL};

/* ---- one farm ---- */

struct autoscaler {
    const struct options *options;
    const struct settings *settings;
    struct broker_options broker_options;
    char name[BROKER_NAME_SIZE];
    int signal_fd;

    struct sampler *sampler;
    struct policy_state policy_state;
    struct pool pool;
    struct launcher *launcher;
    struct scoreboard *scoreboard;
    struct history *history;

    int64_t start_ns, tick_ns; /* when it began; when the next sample is due */
    bool asking;               /* a sample's questions are out */
    int64_t answer_by_ns;

    uint64_t handled_by_ended;  /* events handled by workers that have ended */
    double handled_before;      /* total at the last decision */
    struct pool_counts counted; /* counts at the last decision */
    double simulated_service_s;
    bool told_silent, finishing, abandoned;
    struct why fault;
};

/* What the workers say of themselves, added up. */
struct farm_view {
    double in_flight_msgs, draining_in_flight_msgs; /* NAN when a worker does not say */
    double handled_msgs;
    size_t blocked;
};

static struct farm_view look_at_workers(struct autoscaler *self)
{
    struct farm_view view = {.handled_msgs = (double)self->handled_by_ended};
    size_t silent = 0;

    for (size_t i = 0; i < self->pool.slot_count; i++) {
        const struct pool_slot *worker = &self->pool.slots[i];
        struct scoreboard_slot *slot = scoreboard_slot(self->scoreboard, i);
        if (worker->state == POOL_EMPTY)
            continue;
        if (!atomic_load_explicit(&slot->pid, memory_order_relaxed)) {
            silent += worker->state == POOL_RUNNING;
            continue;
        }
        double held = (double)atomic_load_explicit(&slot->in_flight_msgs, memory_order_relaxed);
        view.in_flight_msgs += held;
        if (worker->state == POOL_DRAINING || worker->state == POOL_KILLED)
            view.draining_in_flight_msgs += held;
        view.handled_msgs +=
            (double)atomic_load_explicit(&slot->handled_msgs, memory_order_relaxed);
        view.blocked +=
            atomic_load_explicit(&slot->state, memory_order_relaxed) == SCOREBOARD_BLOCKED;
        int64_t simulated = atomic_load_explicit(&slot->simulated_service_ns, memory_order_relaxed);
        if (simulated)
            self->simulated_service_s = (double)simulated / (double)CLOCK_NS_PER_S;
        pool_idle(&self->pool, i, held == 0);
    }
    if (silent && !self->told_silent) {
        self->told_silent = true;
        log_event(
            LOG_WARN, "worker_silent",
            "why=\"the worker uses no scoreboard: what it holds is unknown and not counted\"");
    }
    if (silent)
        view.in_flight_msgs = view.handled_msgs = NAN;
    return view;
}

/* ---- workers ---- */

/* The first fault is the one to tell: what follows from it says less. */
static void note_fault(struct autoscaler *self, const struct why *why)
{
    if (self->pool.fault == POOL_SOUND || self->fault.text[0])
        return;
    self->fault = *why;
    log_event(LOG_ERROR, "workers_unusable", "why=\"%s\"", why->text);
}

static void worker_ended(struct autoscaler *self, const struct launcher_event *event)
{
    struct scoreboard_slot *slot = scoreboard_slot(self->scoreboard, event->slot);
    struct pool_end end = {.code = event->code, .signal = event->signal};
    struct why why;

    self->handled_by_ended += atomic_load(&slot->handled_msgs);
    scoreboard_clear(slot);
    if (pool_ended(&self->pool, event->slot, end, clock_now_ns()) == POOL_STOPPED) {
        log_event(LOG_DEBUG, "worker_stopped", "worker=%d", event->pid);
        return;
    }
    if (event->signal)
        log_event(LOG_WARN, "worker_crashed", "worker=%d signal=%d", event->pid, event->signal);
    else
        log_event(LOG_WARN, "worker_crashed", "worker=%d code=%d", event->pid, event->code);
    error_set(&why, ERR_CONFIG,
              "the worker '%s' ended with exit code %d; its own message says why, and no other is "
              "started",
              self->settings->worker[0], event->code);
    note_fault(self, &why);
}

static void start_worker(struct autoscaler *self, size_t slot)
{
    struct why why = {0};

    scoreboard_clear(scoreboard_slot(self->scoreboard, slot));
    int error = launcher_start(self->launcher, slot, &why);
    if (!error) {
        log_event(LOG_DEBUG, "worker_started", "worker=%d", launcher_pid(self->launcher, slot));
        return;
    }
    log_event(LOG_WARN, "worker_not_started", "why=\"%s\"", why.text);
    pool_ended(&self->pool, slot,
               (struct pool_end){.code = error == -ERR_CONFIG ? EX_CONFIG : EX_OSERR},
               clock_now_ns());
    note_fault(self, &why);
}

static void take_worker_events(struct autoscaler *self)
{
    struct launcher_event event;

    while (launcher_next(self->launcher, &event)) {
        if (event.type == LAUNCHER_READY)
            pool_ready(&self->pool, event.slot);
        else
            worker_ended(self, &event);
    }
}

/* Brings the processes in line with the pool; returns when the pool wants to be stepped again. */
static int64_t step_workers(struct autoscaler *self)
{
    struct pool_action actions[16];
    int64_t wake_ns;
    size_t count;

    for (size_t i = 0; i < self->pool.slot_count; i++)
        if (self->pool.slots[i].state == POOL_STARTING && !self->pool.slots[i].speaks &&
            atomic_load_explicit(&scoreboard_slot(self->scoreboard, i)->pid, memory_order_relaxed))
            pool_speaks(&self->pool, i);
    do {
        count = pool_step(&self->pool, clock_now_ns(), actions, sizeof actions / sizeof actions[0],
                          &wake_ns);
        for (size_t i = 0; i < count; i++) {
            size_t slot = actions[i].slot;
            switch (actions[i].kind) {
            case POOL_START:
                start_worker(self, slot);
                break;
            case POOL_DRAIN:
                launcher_drain(self->launcher, slot);
                break;
            case POOL_KILL:
                log_event(LOG_WARN, "worker_killed", "worker=%d",
                          launcher_pid(self->launcher, slot));
                launcher_kill(self->launcher, slot);
                break;
            }
        }
    } while (count);
    return wake_ns;
}

/* ---- deciding ---- */

/* A measurement for people: "?" when unknown. */
static const char *number(double value, char text[32])
{
    if (isnan(value))
        return "?";
    snprintf(text, 32, value < 10 && value != floor(value) ? "%.1f" : "%.0f", value);
    return text;
}

static void print_start(const struct autoscaler *self)
{
    const struct policy_params *params = &self->settings->params;

    printf("farm %s: N = ceil((B + λT) / C) with T = %g s, C = %g events, %u to %u workers of %s\n",
           self->options->topology.farm, params->horizon_s, params->capacity_msgs,
           params->min_workers, params->max_workers, self->settings->worker[0]);
    printf("    time  λ events/s   B events = ready + in flight    N  running starting draining  "
           "why\n");
    fflush(stdout);
}

static void print_row(const struct history_row *row)
{
    char clock[CLOCK_TIME_SIZE], texts[4][32];

    clock_time_of_day(clock);
    printf("%s  %10s  %9s = %5s + %-9s  %3u  %7u %8u %8u  %s\n", clock,
           number(row->sample.arrival_per_s, texts[0]), number(row->backlog_msgs, texts[1]),
           number(row->sample.ready_msgs, texts[2]), number(row->in_flight_msgs, texts[3]),
           row->decision.desired_workers, row->workers.running, row->workers.starting,
           row->workers.draining, row->reason);
    fflush(stdout);
}

static void decide(struct autoscaler *self, int64_t now_ns)
{
    struct farm_view view = look_at_workers(self);
    struct history_row row = {
        .time_s = (double)(now_ns - self->start_ns) / (double)CLOCK_NS_PER_S,
        .sample = sampler_read(self->sampler, now_ns),
        .in_flight_msgs = view.in_flight_msgs,
        .params = self->settings->params,
        .policy = self->settings->policy->name,
        .farm = self->options->topology.farm,
    };
    /* What draining workers hold is theirs to finish; what silent ones hold is not known to be backlog. */
    double held =
        isnan(view.in_flight_msgs) ? 0 : view.in_flight_msgs - view.draining_in_flight_msgs;
    row.backlog_msgs = row.sample.ready_msgs + held;
    struct policy_sample sample = {.backlog_msgs = row.backlog_msgs,
                                   .arrival_per_s = row.sample.arrival_per_s};

    self->settings->policy->decide(&sample, &self->settings->params, &self->policy_state,
                                   &row.decision);
    pool_want(&self->pool, row.decision.desired_workers);
    step_workers(self);

    row.workers = pool_counts(&self->pool);
    row.spawned = row.workers.spawned - self->counted.spawned;
    row.stopped = row.workers.stopped - self->counted.stopped;
    row.crashed = row.workers.crashed - self->counted.crashed;
    self->counted = row.workers;
    row.handled_per_s = row.sample.interval_s > 0
                            ? (view.handled_msgs - self->handled_before) / row.sample.interval_s
                            : NAN;
    self->handled_before = view.handled_msgs;
    row.reason = policy_reason_text(row.decision.reason);
    row.simulated_service_s = self->simulated_service_s;

    struct why why = {0};
    print_row(&row);
    if (self->history && history_write(self->history, &row, &why))
        log_event(LOG_ERROR, "history_not_written", "why=\"%s\"", why.text);
}

/* Samples and decides when it is time to; returns when it will be. */
static int64_t tick(struct autoscaler *self, int64_t now_ns)
{
    if (self->asking && (sampler_answered(self->sampler) || now_ns >= self->answer_by_ns)) {
        self->asking = false;
        decide(self, now_ns);
    }
    if (!self->asking && now_ns >= self->tick_ns) {
        int64_t patience_ns = self->settings->interval_ns / 2;
        self->asking = true;
        self->answer_by_ns = now_ns + (patience_ns < ANSWER_NS ? patience_ns : ANSWER_NS);
        sampler_ask(self->sampler);
        /* Ticks stay on their grid; those that were missed are not made up for. */
        while (self->tick_ns <= now_ns)
            self->tick_ns += self->settings->interval_ns;
    }
    return self->asking ? self->answer_by_ns : self->tick_ns;
}

/* ---- the loop ---- */

static void take_signals(struct autoscaler *self)
{
    int signal_number;

    while ((signal_number = signals_next(self->signal_fd)) != 0) {
        if (self->finishing) {
            log_event(LOG_WARN, "abandoning", "why=\"a second signal\"");
            pool_abandon(&self->pool);
            self->abandoned = true;
        } else {
            struct pool_counts counts = pool_counts(&self->pool);
            printf("draining %u workers; once more to end them at once\n",
                   counts.starting + counts.running);
            fflush(stdout);
        }
        self->finishing = true;
        pool_want(&self->pool, 0);
    }
}

static void wait(struct autoscaler *self, const struct pollfd *fds, size_t count, int64_t until_ns)
{
    struct pollfd all[SAMPLER_FDS + 2] = {
        {.fd = self->signal_fd, .events = POLLIN},
        {.fd = launcher_fd(self->launcher), .events = POLLIN},
    };
    struct timespec left;

    memcpy(all + 2, fds, count * sizeof *fds);
    ppoll(all, count + 2, clock_left(until_ns, &left), NULL);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int run(struct autoscaler *self, struct why *why)
{
    for (;;) {
        int64_t now_ns = clock_now_ns();
        struct pollfd fds[SAMPLER_FDS];
        size_t fd_count;
        int64_t until_ns = sampler_service(self->sampler, now_ns, fds, &fd_count);

        take_worker_events(self);
        take_signals(self);
        if (!self->finishing)
            until_ns = sooner(until_ns, tick(self, now_ns));
        until_ns = sooner(until_ns, step_workers(self));

        /* Workers that run go on; when none does and none will, there is nothing to stay for. */
        if (self->pool.fault == POOL_GAVE_UP ||
            (self->pool.fault == POOL_USAGE && pool_is_empty(&self->pool)))
            self->finishing = true;
        if (self->finishing)
            pool_want(&self->pool, 0);
        if (self->finishing && pool_is_empty(&self->pool))
            break;
        wait(self, fds, fd_count, until_ns);
    }
    if (self->pool.fault == POOL_SOUND)
        return 0;
    *why = self->fault;
    return self->pool.fault_code == EX_NOPERM ? -ERR_REFUSED : -ERR_CONFIG;
}

/* ---- set-up ---- */

/* winnow-filter from this program's directory, so that a build tree and an installation both work, else
 * whatever PATH has. */
static char *default_worker(void)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof DEFAULT_WORKER - 1);

    if (length > 0) {
        path[length] = '\0';
        char *name = strrchr(path, '/');
        memcpy(name + 1, DEFAULT_WORKER, sizeof DEFAULT_WORKER);
        if (access(path, X_OK) == 0)
            return strdup(path);
    }
    return strdup(DEFAULT_WORKER);
}

/* What every worker finds in its environment beside its place on the scoreboard. */
struct environment {
    char *list[9];
    size_t count;
    bool failed;
};

static void set_variable(struct environment *environment, const char *name, const char *value)
{
    if (!value)
        return;
    if (asprintf(&environment->list[environment->count], "%s=%s", name, value) < 0) {
        environment->list[environment->count] = NULL;
        environment->failed = true;
    } else {
        environment->count++;
    }
}

static void make_environment(struct environment *environment, const struct options *options,
                             const struct settings *settings)
{
    char drain_timeout[UNITS_TEXT_SIZE];

    units_format_duration(settings->drain_timeout_ns, drain_timeout);
    set_variable(environment, "AMQP_URL", options->amqp_url);
    set_variable(environment, "WINNOW_FARM", options->topology.farm);
    set_variable(environment, "WINNOW_QUEUE_TYPE",
                 topology_queue_type_name(options->topology.queue_type));
    set_variable(environment, "WINNOW_TLS_CA", options->tls_ca_file);
    set_variable(environment, "WINNOW_TLS_CERT", options->tls_cert_file);
    set_variable(environment, "WINNOW_TLS_KEY", options->tls_key_file);
    set_variable(environment, "WINNOW_DRAIN_TIMEOUT", drain_timeout);
    /* What is news to one worker is not to the farm. */
    set_variable(environment, "WINNOW_LOG_LEVEL",
                 log_level_name(options->log_level == LOG_INFO ? LOG_WARN : options->log_level));
}

static void clear_environment(struct environment *environment)
{
    for (size_t i = 0; i < environment->count; i++)
        free(environment->list[i]);
}

/* Everything that can be wrong is found here, before the first worker starts. */
static int set_up(struct autoscaler *self, const struct environment *environment, struct why *why)
{
    const struct settings *settings = self->settings;
    int error = launcher_check(settings->worker[0], why);

    if (!error && settings->history_path)
        error = history_open(settings->history_path, &self->history, why);
    if (!error)
        error = signals_open(&self->signal_fd, why);
    if (!error &&
        pool_init(&self->pool, &(struct pool_params){.max_workers = settings->params.max_workers,
                                                     .drain_timeout_ns = settings->drain_timeout_ns,
                                                     .stop = settings->stop,
                                                     .seed = (uint64_t)clock_now_ns()}))
        error = error_set(why, ERR_MEMORY, "out of memory");
    if (!error)
        error = scoreboard_create(self->pool.slot_count, &self->scoreboard, why);
    if (!error)
        error = launcher_open(
            &(struct launcher_settings){.slots = self->pool.slot_count,
                                        .command = settings->worker,
                                        .environment = (const char *const *)environment->list,
                                        .scoreboard_fd = scoreboard_fd(self->scoreboard),
                                        .scoreboard_variable = SCOREBOARD_FD_VARIABLE,
                                        .slot_variable = SCOREBOARD_SLOT_VARIABLE,
                                        .ready_variable = SCOREBOARD_READY_VARIABLE},
            &self->launcher, why);
    if (!error)
        error = sampler_open(&self->broker_options, &self->options->topology, settings->count,
                             self->signal_fd, clock_now_ns() + self->options->connect_timeout_ns,
                             &self->sampler, why);
    return error;
}

static void tear_down(struct autoscaler *self)
{
    sampler_close(self->sampler);
    launcher_close(self->launcher);
    scoreboard_close(self->scoreboard);
    pool_clear(&self->pool);
    history_close(self->history);
    if (self->signal_fd >= 0)
        close(self->signal_fd);
}

int main(int argc, char **argv)
{
    struct options options;
    struct settings settings = {.interval_ns = 2 * CLOCK_NS_PER_S,
                                .drain_timeout_ns = 30 * CLOCK_NS_PER_S,
                                .params = POLICY_DEFAULT_PARAMS,
                                .policy = policy_find("formula")};
    options_parse(&options, PROGRAM, &argp, argc, argv, &settings);

    struct why why = {0};
    struct environment environment = {0};
    char *worker[] = {default_worker(), NULL};
    if (!settings.worker)
        settings.worker = worker;
    make_environment(&environment, &options, &settings);

    struct autoscaler self = {.options = &options, .settings = &settings, .signal_fd = -1};
    broker_client_name(options.topology.farm, PROGRAM, self.name);
    self.broker_options = options_broker(&options, self.name);
    int error = !settings.worker[0] || environment.failed
                    ? error_set(&why, ERR_MEMORY, "out of memory")
                    : set_up(&self, &environment, &why);
    if (!error) {
        policy_start(&self.policy_state, &settings.params);
        pool_want(&self.pool, self.policy_state.desired_workers);
        self.start_ns = clock_now_ns();
        self.tick_ns = self.start_ns + settings.interval_ns;
        print_start(&self);
        error = run(&self, &why);
    }
    bool interrupted = error == -ERR_TIMEOUT; /* told to go before it was connected */
    bool abandoned = self.abandoned;

    tear_down(&self);
    clear_environment(&environment);
    free(worker[0]);
    if (error && !interrupted)
        return options_fail(PROGRAM, error, &why);
    return abandoned ? 1 : EX_OK;
}
