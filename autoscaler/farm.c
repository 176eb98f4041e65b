#include "farm.h"

#include "autoscaler/leader/console.h"
#include "autoscaler/leader/history.h"
#include "autoscaler/node/launcher.h"
#include "autoscaler/node/readings.h"
#include "clock.h"
#include "log.h"
#include "scoreboard.h"
#include "signals.h"

#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define PROGRAM "winnow-autoscaler"

/* A worker without an event looks for one at least every heartbeat. */
#define IDLE_HANG_NS (BROKER_HEARTBEAT_S * CLOCK_NS_PER_S)

/* The loop goes round at least every heartbeat. */
#define STANDSTILL_NS (2 * CLOCK_NS_PER_S)

/* Workers that wait for the broker are looked at this often: each look costs system calls. */
#define STOPPED_LOOK_NS (1 * CLOCK_NS_PER_S)

/* A sample waits this long for the broker's answers. */
#define ANSWER_NS (1 * CLOCK_NS_PER_S)

/* So often the workers are looked at to learn from. */
#define LEARN_NS (100 * CLOCK_NS_PER_MS)

struct farm {
    const struct options *options;
    const struct farm_settings *settings;
    struct broker_options broker_options;
    char name[BROKER_NAME_SIZE];
    int signal_fd, hangup_fd;

    struct sampler *sampler;
    struct policy_state policy_state;
    struct pool pool;
    struct launcher *launcher;
    struct scoreboard *scoreboard;
    struct history *history;

    int64_t start_ns, tick_ns; /* when it began; when the next sample is due */
    bool asking;               /* a sample's questions are out */
    int64_t answer_by_ns;

    int64_t react_ns;                 /* when the next look between ticks is due */
    bool reacting;                    /* it is on, and its question is out */
    int64_t learn_ns;                 /* when the workers are learnt from next */
    double arrival_per_s, ready_msgs; /* at the last tick; NAN: unknown */

    struct workers workers;
    double handled_before;      /* total at the last decision */
    struct pool_counts counted; /* counts at the last decision */
    bool *renew;                /* by slot: its worker is still to be told of a SIGHUP */
    bool renewing;              /* some are */
    int64_t looked_ns,
        judge_from_ns;       /* for hung workers: when it last looked, and since when it can tell */
    int64_t stopped_look_ns; /* when stopped processes are looked for next */
    bool finishing;          /* the workers drain, and then it ends */
    bool told;               /* by a signal */
    bool abandoned, gave_way;
    struct why fault;
};

/* ---- workers ---- */

/* The first fault is the one to tell: what follows from it says less. */
static void note_fault(struct farm *farm, const struct why *why)
{
    if (farm->pool.fault == POOL_SOUND || farm->fault.text[0])
        return;
    farm->fault = *why;
    log_event(LOG_ERROR, "workers_unusable", "why=\"%s\"", why->text);
}

/* The event that a worker died of is counted before its slot is cleared: others wait for that. */
static void count_attempt(struct farm *farm, struct scoreboard_slot *slot)
{
    struct scoreboard_fingerprint event = scoreboard_handling(slot);

    if (!event.low)
        return;
    uint32_t attempts = scoreboard_count_attempt(farm->scoreboard, event);
    log_event(LOG_WARN, "attempt_failed", "event=%016llx%016llx attempts=%u of=%u",
              (unsigned long long)event.high, (unsigned long long)event.low, attempts,
              farm->settings->max_attempts);
}

static void worker_ended(struct farm *farm, const struct launcher_event *event)
{
    struct scoreboard_slot *slot = scoreboard_slot(farm->scoreboard, event->slot);
    struct pool_end end = {.code = event->code, .signal = event->signal};
    struct why why;

    workers_ended(&farm->workers, slot);
    enum pool_verdict verdict = pool_ended(&farm->pool, event->slot, end, clock_now_ns());
    if (verdict == POOL_CRASHED)
        count_attempt(farm, slot);
    scoreboard_clear(slot);
    if (verdict == POOL_STOPPED) {
        log_event(LOG_DEBUG, "worker_stopped", "worker=%d", event->pid);
        return;
    }
    if (event->signal)
        log_event(LOG_WARN, "worker_crashed", "worker=%d signal=%d", event->pid, event->signal);
    else
        log_event(LOG_WARN, "worker_crashed", "worker=%d code=%d%s", event->pid, event->code,
                  event->code ? "" : " why=\"it ended though nobody had asked it to\"");
    error_set(&why, ERR_CONFIG,
              "the worker '%s' ended with exit code %d; its own message says why, and no other is "
              "started",
              farm->settings->worker[0], event->code);
    note_fault(farm, &why);
}

static void start_worker(struct farm *farm, size_t slot)
{
    struct why why = {0};

    scoreboard_clear(scoreboard_slot(farm->scoreboard, slot));
    farm->renew[slot] = false;
    int error = launcher_start(farm->launcher, slot, &why);
    if (!error) {
        log_event(LOG_DEBUG, "worker_started", "worker=%d", launcher_pid(farm->launcher, slot));
        return;
    }
    log_event(LOG_WARN, "worker_not_started", "why=\"%s\"", why.text);
    pool_ended(&farm->pool, slot,
               (struct pool_end){.code = error == -ERR_CONFIG ? EX_CONFIG : EX_OSERR},
               clock_now_ns());
    note_fault(farm, &why);
}

static void take_worker_events(struct farm *farm)
{
    struct launcher_event event;

    while (launcher_next(farm->launcher, &event)) {
        if (event.type == LAUNCHER_READY)
            pool_ready(&farm->pool, event.slot);
        else
            worker_ended(farm, &event);
    }
}

/* Finds workers that make no progress; returns when the next could be found. */
static int64_t find_hung(struct farm *farm, int64_t now_ns)
{
    int64_t wake_ns = CLOCK_NEVER;

    /* When nobody looked for so long, the whole host may have stood still: judge from now on. */
    if (now_ns - farm->looked_ns > STANDSTILL_NS)
        farm->judge_from_ns = now_ns;
    farm->looked_ns = now_ns;
    bool look_for_stopped = now_ns >= farm->stopped_look_ns;
    if (look_for_stopped)
        farm->stopped_look_ns = now_ns + STOPPED_LOOK_NS;
    for (size_t i = 0; i < farm->pool.slot_count; i++) {
        const struct scoreboard_slot *slot = scoreboard_slot(farm->scoreboard, i);
        enum pool_state state = farm->pool.slots[i].state;
        int32_t said = atomic_load_explicit(&slot->state, memory_order_acquire);
        /* One that drains may be, long before its deadline. */
        if ((state != POOL_RUNNING && state != POOL_DRAINING) || said == SCOREBOARD_EMPTY)
            continue;
        int64_t hung_ns = scoreboard_hung_at_ns(slot, farm->judge_from_ns,
                                                farm->settings->hang_timeout_ns, IDLE_HANG_NS);
        if (hung_ns > now_ns) {
            wake_ns = hung_ns < wake_ns ? hung_ns : wake_ns;
            continue;
        }
        /* One that waits for the broker is not hung, unless its process was stopped meanwhile. */
        if ((said == SCOREBOARD_BLOCKED || said == SCOREBOARD_SENDING) &&
            !(look_for_stopped && launcher_stopped(farm->launcher, i)))
            continue;
        log_event(LOG_WARN, "worker_hung", "worker=%d", launcher_pid(farm->launcher, i));
        pool_hung(&farm->pool, i);
    }
    return wake_ns;
}

/* Brings the processes in line with the pool; returns when the pool wants to be stepped again. */
static int64_t step_workers(struct farm *farm)
{
    struct pool_action actions[16];
    int64_t wake_ns;
    size_t count;

    for (size_t i = 0; i < farm->pool.slot_count; i++)
        if (farm->pool.slots[i].state == POOL_STARTING && !farm->pool.slots[i].speaks &&
            atomic_load_explicit(&scoreboard_slot(farm->scoreboard, i)->pid, memory_order_relaxed))
            pool_speaks(&farm->pool, i);
    do {
        count = pool_step(&farm->pool, clock_now_ns(), actions, sizeof actions / sizeof actions[0],
                          &wake_ns);
        for (size_t i = 0; i < count; i++) {
            size_t slot = actions[i].slot;
            switch (actions[i].kind) {
            case POOL_START:
                start_worker(farm, slot);
                break;
            case POOL_DRAIN:
                launcher_drain(farm->launcher, slot);
                break;
            case POOL_KILL:
                log_event(LOG_WARN, "worker_killed", "worker=%d",
                          launcher_pid(farm->launcher, slot));
                launcher_kill(farm->launcher, slot);
                break;
            }
        }
    } while (count);
    return wake_ns;
}

/* ---- deciding ---- */

/* Some worker is a consumer of the work queue, but for a moment in which it consumes anew. */
static bool consumes(const struct workers_view *view)
{
    return view->running > view->blocked;
}

/* Puts the sample and what the workers hold together. */
static void fill_row(struct farm *farm, const struct workers_view *view, int64_t now_ns,
                     struct history_row *row)
{
    row->time_s = (double)(now_ns - farm->start_ns) / (double)CLOCK_NS_PER_S;
    row->in_flight_msgs = view->unknown ? (double)NAN : view->in_flight_msgs;
    row->params = farm->settings->params;
    row->policy = farm->settings->policy->name;
    row->farm = farm->options->topology.farm;
    /* What draining workers hold is theirs to finish; what silent ones hold is not known to be backlog. */
    row->backlog_msgs =
        row->sample.ready_msgs + view->in_flight_msgs - view->draining_in_flight_msgs;

    struct pool_counts counts = pool_counts(&farm->pool);
    double horizon_s = farm->settings->params.horizon_s;
    row->given = (struct policy_sample){
        .backlog_msgs = row->backlog_msgs,
        .arrival_per_s = row->sample.arrival_per_s,
        .ready_msgs = row->sample.ready_msgs,
        .time_s = row->time_s,
        .interval_s = row->sample.interval_s,
        .capacity_msgs = horizon_s / capacity_service_s(&farm->workers.capacity, horizon_s),
        .useful_workers = saturation_useful_workers(&farm->workers.saturation),
        .workers = counts.starting + counts.running,
        .blocked = view->running && view->blocked == view->running,
    };
}

/* Carries the decision out, and writes it down. */
static void carry_out(struct farm *farm, const struct workers_view *view, struct history_row *row)
{
    pool_want(&farm->pool, row->decision.desired_workers);
    step_workers(farm);

    row->workers = pool_counts(&farm->pool);
    row->spawned = row->workers.spawned - farm->counted.spawned;
    row->stopped = row->workers.stopped - farm->counted.stopped;
    row->crashed = row->workers.crashed - farm->counted.crashed;
    farm->counted = row->workers;
    row->reason = policy_reason_text(row->decision.reason);
    row->simulated_service_s = farm->workers.simulated_service_s;
    if (row->given.trigger == POLICY_TICK) {
        row->handled_per_s =
            row->sample.interval_s > 0 && !view->unknown
                ? (view->handled_msgs - farm->handled_before) / row->sample.interval_s
                : NAN;
        farm->handled_before = view->handled_msgs;
    }

    struct why why = {0};
    if (!farm->settings->quiet)
        console_row(row);
    if (farm->history && history_write(farm->history, row, &why))
        log_event(LOG_ERROR, "history_not_written", "why=\"%s\"", why.text);
}

static bool ask_policy(struct farm *farm, struct history_row *row)
{
    if (!policy_decide(farm->settings->policy, &row->given, &farm->settings->params,
                       &farm->policy_state, &row->decision))
        return true;
    log_event(LOG_ERROR, "undecided", "policy=%s why=\"a value out of range\"", row->policy);
    return false;
}

static void decide(struct farm *farm, int64_t now_ns)
{
    struct workers_view view = workers_look(&farm->workers, now_ns);
    struct history_row row = {.sample = sampler_read(farm->sampler, consumes(&view), now_ns)};

    fill_row(farm, &view, now_ns, &row);
    farm->arrival_per_s = row.sample.arrival_per_s;
    farm->ready_msgs = row.sample.ready_msgs;
    if (ask_policy(farm, &row))
        carry_out(farm, &view, &row);
}

/* Between ticks the rate is at least that of the last, and what has come since would make it at the next. The
 * copies belong to the next tick's row. */
static void react(struct farm *farm, int64_t now_ns)
{
    struct workers_view view = workers_look(&farm->workers, now_ns);
    struct history_row row = {.sample = sampler_peek(farm->sampler, consumes(&view), now_ns),
                              .handled_per_s = NAN};
    double arrived_msgs = row.sample.arrived_msgs;
    uint32_t before = farm->policy_state.desired_workers;

    row.sample.arrived_msgs = NAN;
    row.sample.arrival_per_s = farm->arrival_per_s;
    if (arrived_msgs > 0)
        row.sample.arrival_per_s =
            fmax(farm->arrival_per_s,
                 arrived_msgs / ((double)farm->settings->interval_ns / (double)CLOCK_NS_PER_S));
    fill_row(farm, &view, now_ns, &row);
    row.given.trigger = POLICY_REACT;
    if (!isnan(row.sample.ready_msgs))
        farm->ready_msgs = row.sample.ready_msgs;
    if (ask_policy(farm, &row) && row.decision.desired_workers > before)
        carry_out(farm, &view, &row);
}

/* Looks for a rise when it is time to; returns when it will be. */
static int64_t look_between(struct farm *farm, int64_t now_ns)
{
    if (!farm->settings->react_ns)
        return CLOCK_NEVER;
    if (farm->asking) {
        farm->reacting = false;
        return CLOCK_NEVER;
    }
    if (farm->reacting && sampler_answered(farm->sampler)) {
        farm->reacting = false;
        react(farm, now_ns);
    }
    if (now_ns >= farm->react_ns) {
        farm->reacting = true;
        sampler_ask_ready(farm->sampler);
        farm->react_ns = now_ns + farm->settings->react_ns;
    }
    return farm->react_ns;
}

/* Learns from the workers when it is time to; returns when it will be. */
static int64_t learn(struct farm *farm, int64_t now_ns)
{
    if (!farm->workers.learns)
        return CLOCK_NEVER;
    if (now_ns >= farm->learn_ns) {
        farm->learn_ns = now_ns + LEARN_NS;
        workers_learn(&farm->workers, now_ns,
                      (double)(now_ns - farm->start_ns) / (double)CLOCK_NS_PER_S,
                      farm->ready_msgs > 0, farm->settings->params.horizon_s);
    }
    if (farm->workers.cannot_learn && !farm->finishing) {
        error_set(
            &farm->fault, ERR_CONFIG,
            "--capacity auto needs workers that tell on the scoreboard what they do, and '%s' "
            "tells nothing; give --capacity a number",
            farm->settings->worker[0]);
        log_event(LOG_ERROR, "workers_unusable", "why=\"%s\"", farm->fault.text);
        farm->finishing = true;
    }
    return farm->learn_ns;
}

/* Samples and decides when it is time to; returns when it will be. */
static int64_t tick(struct farm *farm, int64_t now_ns)
{
    if (farm->asking && (sampler_answered(farm->sampler) || now_ns >= farm->answer_by_ns)) {
        farm->asking = false;
        decide(farm, now_ns);
        /* After a late answer the next tick may be so near that its rate would be mostly noise. */
        while (farm->tick_ns - now_ns < farm->settings->interval_ns / 3)
            farm->tick_ns += farm->settings->interval_ns;
    }
    if (!farm->asking && now_ns >= farm->tick_ns) {
        farm->asking = true;
        farm->answer_by_ns = now_ns + ANSWER_NS;
        sampler_ask(farm->sampler);
        /* Ticks stay on their grid; those that were missed are not made up for. */
        while (farm->tick_ns <= now_ns)
            farm->tick_ns += farm->settings->interval_ns;
    }
    return farm->asking ? farm->answer_by_ns : farm->tick_ns;
}

/* ---- the loop ---- */

/* Passes SIGHUP on to the workers that said that they take it: it would end any other. One that has just been
 * started has read its files perhaps, but not said so yet: it is told when it has. */
static void renew_workers(struct farm *farm)
{
    if (!farm->renewing)
        return;
    farm->renewing = false;
    for (size_t i = 0; i < farm->pool.slot_count; i++) {
        if (!farm->renew[i])
            continue;
        if (farm->pool.slots[i].state == POOL_EMPTY) {
            farm->renew[i] = false;
        } else if (atomic_load(&scoreboard_slot(farm->scoreboard, i)->takes_hangup)) {
            farm->renew[i] = false;
            launcher_renew(farm->launcher, i);
        } else {
            farm->renewing = true;
        }
    }
}

static void take_hangup(struct farm *farm)
{
    log_event(LOG_INFO, "renewing", "workers=%u", pool_counts(&farm->pool).running);
    for (size_t i = 0; i < farm->pool.slot_count; i++)
        farm->renew[i] = true;
    farm->renewing = true;
}

static void take_signals(struct farm *farm)
{
    int signal;

    while ((signal = signals_next(farm->hangup_fd))) {
        if (signal == SIGHUP)
            take_hangup(farm);
        else
            signals_ask_to_end();
    }
    while (signals_next(farm->signal_fd)) {
        if (farm->told) {
            log_event(LOG_WARN, "abandoning", "why=\"a second signal\"");
            pool_abandon(&farm->pool);
            farm->abandoned = true;
        } else {
            struct pool_counts counts = pool_counts(&farm->pool);
            uint32_t workers = counts.starting + counts.running + counts.draining;
            if (workers && !farm->settings->quiet && console_listens())
                printf("draining %u worker%s; once more to end them at once\n", workers,
                       workers == 1 ? "" : "s");
            fflush(stdout);
        }
        farm->told = farm->finishing = true;
        pool_want(&farm->pool, 0);
    }
}

static void wait(struct farm *farm, const struct pollfd *fds, size_t count, int64_t until_ns)
{
    struct pollfd all[SAMPLER_FDS + 3] = {
        {.fd = farm->signal_fd, .events = POLLIN},
        {.fd = farm->hangup_fd, .events = POLLIN},
        {.fd = launcher_fd(farm->launcher), .events = POLLIN},
    };
    struct timespec left;

    memcpy(all + 3, fds, count * sizeof *fds);
    ppoll(all, count + 3, clock_left(until_ns, &left), NULL);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Another autoscaler runs the farm: with these workers there would be too many. */
static void give_way(struct farm *farm)
{
    error_set(&farm->fault, ERR_LOCKED,
              "another autoscaler has taken over the farm '%s' while the connection was lost",
              farm->options->topology.farm);
    log_event(LOG_ERROR, "giving_way", "why=\"%s\" doing=\"draining the workers\"",
              farm->fault.text);
    farm->gave_way = farm->finishing = true;
}

int farm_run(struct farm *farm, struct why *why)
{
    if (!farm->settings->quiet)
        console_start(farm->options->topology.farm, farm->settings->policy, &farm->settings->params,
                      farm->settings->worker[0]);
    for (;;) {
        struct pollfd fds[SAMPLER_FDS];
        size_t fd_count;
        int64_t until_ns = sampler_service(farm->sampler, !farm->finishing, fds, &fd_count);
        int64_t now_ns = clock_now_ns();

        take_worker_events(farm);
        take_signals(farm);
        renew_workers(farm);
        if (!farm->finishing && sampler_usurped(farm->sampler))
            give_way(farm);
        if (!farm->finishing) {
            until_ns = sooner(until_ns, learn(farm, now_ns));
            until_ns = sooner(until_ns, look_between(farm, now_ns));
            until_ns = sooner(until_ns, tick(farm, now_ns));
        }
        int64_t hung_ns = find_hung(farm, now_ns);
        until_ns = sooner(until_ns, sooner(hung_ns, step_workers(farm)));

        /* Workers that run go on; when none does and none will, there is nothing to stay for. */
        if (farm->pool.fault == POOL_GAVE_UP ||
            (farm->pool.fault == POOL_USAGE && pool_is_empty(&farm->pool)))
            farm->finishing = true;
        if (farm->finishing)
            pool_want(&farm->pool, 0);
        if (farm->finishing && pool_is_empty(&farm->pool))
            break;
        wait(farm, fds, fd_count, until_ns);
    }
    if (farm->pool.fault == POOL_SOUND && !farm->workers.cannot_learn && !farm->gave_way)
        return 0;
    *why = farm->fault;
    if (farm->gave_way)
        return farm->told ? 0 : -ERR_LOCKED;
    return farm->pool.fault_code == EX_NOPERM ? -ERR_REFUSED : -ERR_CONFIG;
}

/* ---- opening and closing ---- */

static int set_up(struct farm *farm, struct why *why)
{
    const struct farm_settings *settings = farm->settings;
    int error = launcher_check(settings->worker[0], why);

    if (!error && settings->history_path)
        error = history_open(settings->history_path, &farm->history, why);
    if (!error)
        error = signals_open(&farm->signal_fd, why);
    if (!error)
        error = signals_open_hangup(&farm->hangup_fd, why);
    if (!error &&
        pool_init(&farm->pool, &(struct pool_params){.max_workers = settings->params.max_workers,
                                                     .drain_timeout_ns = settings->drain_timeout_ns,
                                                     .stop = settings->stop,
                                                     .seed = (uint64_t)clock_now_ns()}))
        error = error_set(why, ERR_MEMORY, "out of memory");
    if (!error && !(farm->renew = calloc(farm->pool.slot_count, sizeof *farm->renew)))
        error = error_set(why, ERR_MEMORY, "out of memory");
    if (!error)
        error = scoreboard_create(farm->pool.slot_count, settings->max_attempts,
                                  settings->hang_timeout_ns, &farm->scoreboard, why);
    if (!error && workers_init(&farm->workers, &farm->pool, farm->scoreboard,
                               settings->params.capacity_msgs == POLICY_CAPACITY_AUTO))
        error = error_set(why, ERR_MEMORY, "out of memory");
    if (!error)
        error = launcher_open(
            &(struct launcher_settings){.slots = farm->pool.slot_count,
                                        .command = settings->worker,
                                        .environment = settings->environment,
                                        .scoreboard_fd = scoreboard_fd(farm->scoreboard),
                                        .scoreboard_variable = SCOREBOARD_FD_VARIABLE,
                                        .slot_variable = SCOREBOARD_SLOT_VARIABLE,
                                        .ready_variable = SCOREBOARD_READY_VARIABLE},
            &farm->launcher, why);
    if (!error)
        error =
            sampler_open(&farm->broker_options, &farm->options->topology, settings->count,
                         settings->standby, farm->signal_fd,
                         clock_now_ns() + farm->options->connect_timeout_ns, &farm->sampler, why);
    return error;
}

void farm_close(struct farm *farm)
{
    if (!farm)
        return;
    sampler_close(farm->sampler);
    launcher_close(farm->launcher);
    workers_clear(&farm->workers);
    scoreboard_close(farm->scoreboard);
    pool_clear(&farm->pool);
    history_close(farm->history);
    free(farm->renew);
    if (farm->signal_fd >= 0)
        close(farm->signal_fd);
    if (farm->hangup_fd >= 0)
        close(farm->hangup_fd);
    free(farm);
}

int farm_open(const struct farm_settings *settings, const struct options *options,
              struct farm **out, struct why *why)
{
    struct farm *farm = calloc(1, sizeof *farm);
    if (!farm)
        return error_set(why, ERR_MEMORY, "out of memory");

    farm->options = options;
    farm->settings = settings;
    farm->signal_fd = farm->hangup_fd = -1;
    broker_client_name(options->topology.farm, PROGRAM, farm->name);
    farm->broker_options = options_broker(options, farm->name);
    int error = set_up(farm, why);
    if (error) {
        farm_close(farm);
        return error;
    }
    policy_start(&farm->policy_state, &settings->params);
    pool_want(&farm->pool, farm->policy_state.desired_workers);
    farm->start_ns = clock_now_ns();
    farm->tick_ns = farm->start_ns + settings->interval_ns;
    farm->react_ns = farm->start_ns + settings->react_ns;
    *out = farm;
    return 0;
}

bool farm_abandoned(const struct farm *farm)
{
    return farm->abandoned;
}
