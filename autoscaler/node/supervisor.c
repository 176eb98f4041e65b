#include "supervisor.h"

#include "clock.h"
#include "hang_watch.h"
#include "launcher.h"
#include "log.h"
#include "readings.h"
#include "scoreboard.h"
#include "tally.h"

#include <stdlib.h>
#include <sysexits.h>

/* What a worker has left behind is looked at this often, if no SIGCHLD wakes the loop before. */
#define REST_NS (20 * CLOCK_NS_PER_MS)

/* What one host counts is on the others' scoreboards by then: a report is at most 20 ms late, the
 * leader gathers for 20 ms, and sends at most every 50 ms. The rest is the broker's. */
#define SETTLE_NS (250 * CLOCK_NS_PER_MS)

struct supervisor {
    const struct supervisor_settings *settings;
    struct pool pool;
    struct scoreboard *scoreboard;
    struct launcher *launcher;
    struct readings readings;
    struct hang_watch hang_watch;
    struct tally tally;
    bool *renew;   /* by slot: its worker is still to be sent a SIGHUP */
    bool renewing; /* some are */
    struct why fault;
};

/* ---- what happens to workers ---- */

/* The first fault is the one to tell: what follows from it says less. */
static void note_fault(struct supervisor *supervisor, const struct why *why)
{
    if (supervisor->pool.fault == POOL_SOUND || supervisor->fault.text[0])
        return;
    supervisor->fault = *why;
    log_event(LOG_ERROR, "workers_unusable", "why=\"%s\"", why->text);
}

/* The event that a worker died of is counted before its slot is cleared: others wait for that. */
static void count_attempt(struct supervisor *supervisor, struct scoreboard_slot *slot)
{
    struct scoreboard_fingerprint event = scoreboard_handling(slot);

    if (!event.low)
        return;
    uint32_t attempts = scoreboard_count_attempt(
        supervisor->scoreboard, event,
        atomic_load_explicit(&slot->started_ns, memory_order_relaxed), clock_now_ns());
    log_event(LOG_WARN, "attempt_failed", "fingerprint=%016llx%016llx attempts=%u of=%u",
              (unsigned long long)event.high, (unsigned long long)event.low, attempts,
              supervisor->settings->max_attempts);
}

static void log_crash(const struct launcher_event *event)
{
    if (event->signal)
        log_event(LOG_WARN, "worker_crashed", "worker=%d signal=%d slot=%zu", event->pid,
                  event->signal, event->slot);
    else
        log_event(LOG_WARN, "worker_crashed", "worker=%d code=%d slot=%zu%s", event->pid,
                  event->code, event->slot,
                  event->code ? "" : " why=\"it ended though nobody had asked it to\"");
}

/* For how long the slot's worker has been draining; 0 when it has not. */
static double drained_s(const struct supervisor *supervisor, size_t slot)
{
    int64_t drained_ns = supervisor->pool.slots[slot].drained_ns;

    return drained_ns ? (double)(clock_now_ns() - drained_ns) / (double)CLOCK_NS_PER_S : 0;
}

static void tell_crash(struct supervisor *supervisor, const struct launcher_event *event)
{
    struct why why;

    log_crash(event);
    error_set(&why, ERR_CONFIG,
              "the worker '%s' ended with exit code %d; its own message says why, and no other is "
              "started",
              supervisor->settings->worker[0], event->code);
    note_fault(supervisor, &why);
}

/* The event that it had at hand is nobody's any more; what else it told stands until those that it
 * left behind have ended. When one of them is who tells, it may still answer. */
static void worker_left(struct supervisor *supervisor, const struct launcher_event *event)
{
    struct scoreboard_slot *slot = scoreboard_slot(supervisor->scoreboard, event->slot);
    struct pool_end end = {.code = event->code, .signal = event->signal};

    if (pool_left(&supervisor->pool, event->slot, end, clock_now_ns()) != POOL_CRASHED)
        return;
    if (atomic_load(&slot->pid) == event->pid) {
        count_attempt(supervisor, slot);
        scoreboard_put_down(slot);
    }
    tell_crash(supervisor, event);
}

static void worker_ended(struct supervisor *supervisor, const struct launcher_event *event)
{
    struct scoreboard_slot *slot = scoreboard_slot(supervisor->scoreboard, event->slot);
    struct pool_end end = {.code = event->code, .signal = event->signal};

    if (pool_is_overdue(&supervisor->pool, event->slot))
        log_event(LOG_INFO, "drain_ended", "worker=%d after_s=%.1f slot=%zu", event->pid,
                  drained_s(supervisor, event->slot), event->slot);
    readings_keep(&supervisor->readings, event->slot, slot, clock_now_ns());
    enum pool_verdict verdict = pool_ended(&supervisor->pool, event->slot, end, clock_now_ns());
    if (verdict == POOL_CRASHED)
        count_attempt(supervisor, slot);
    if (atomic_load_explicit(&slot->given_back_msgs, memory_order_relaxed))
        pool_cut_short(&supervisor->pool);
    scoreboard_clear(slot);
    if (verdict == POOL_CRASHED)
        tell_crash(supervisor, event);
    else
        log_event(LOG_DEBUG, "worker_stopped", "worker=%d slot=%zu", event->pid, event->slot);
}

static void take_worker_events(struct supervisor *supervisor)
{
    struct launcher_event event;

    while (launcher_next(supervisor->launcher, &event)) {
        switch (event.type) {
        case LAUNCHER_READY:
            pool_ready(&supervisor->pool, event.slot, clock_now_ns());
            break;
        case LAUNCHER_LEFT:
            worker_left(supervisor, &event);
            break;
        case LAUNCHER_ENDED:
            worker_ended(supervisor, &event);
            break;
        }
    }
}

/* ---- starting and ending them ---- */

static void start_worker(struct supervisor *supervisor, size_t slot)
{
    struct why why = {0};

    scoreboard_prepare(supervisor->scoreboard, slot);
    supervisor->renew[slot] = false;
    int error = launcher_start(supervisor->launcher, slot, &why);
    if (!error) {
        int pid = launcher_pid(supervisor->launcher, slot);
        readings_begin(&supervisor->readings, slot, pid);
        log_event(LOG_DEBUG, "worker_started", "worker=%d slot=%zu", pid, slot);
        return;
    }
    log_event(LOG_WARN, "worker_not_started", "slot=%zu why=\"%s\"", slot, why.text);
    pool_ended(&supervisor->pool, slot,
               (struct pool_end){.code = error == -ERR_CONFIG ? EX_CONFIG : EX_OSERR},
               clock_now_ns());
    note_fault(supervisor, &why);
}

static void act(struct supervisor *supervisor, struct pool_action action)
{
    switch (action.kind) {
    case POOL_START:
        start_worker(supervisor, action.slot);
        break;
    case POOL_DRAIN:
        log_event(LOG_DEBUG, "worker_draining", "worker=%d slot=%zu",
                  launcher_pid(supervisor->launcher, action.slot), action.slot);
        launcher_drain(supervisor->launcher, action.slot);
        break;
    case POOL_KILL:
        log_event(LOG_WARN, "worker_killed", "worker=%d slot=%zu",
                  launcher_pid(supervisor->launcher, action.slot), action.slot);
        launcher_kill(supervisor->launcher, action.slot);
        break;
    case POOL_LEAVE:
        log_event(
            LOG_WARN, "drain_overdue",
            "worker=%d after_s=%.1f slot=%zu why=\"a scale-down cut a drain short before: what was "
            "taken then may be in hand here\" doing=\"leaving it alone until it is done\"",
            launcher_pid(supervisor->launcher, action.slot), drained_s(supervisor, action.slot),
            action.slot);
        break;
    }
}

/* A worker that is on the scoreboard will say itself when it consumes. */
static void note_telling(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->pool.used; i++)
        if (supervisor->pool.slots[i].state != WORKER_NONE && !supervisor->pool.slots[i].tells &&
            atomic_load_explicit(&scoreboard_slot(supervisor->scoreboard, i)->pid,
                                 memory_order_relaxed))
            pool_tells(&supervisor->pool, i);
}

/* Brings the processes in line with the pool, as far as its turn lets it; returns when the pool
 * wants to be stepped again. */
static int64_t step_pool(struct supervisor *supervisor)
{
    int64_t now_ns = clock_now_ns(), turn_ns = supervisor->settings->turn_ns;
    int64_t until_ns = turn_ns ? now_ns + turn_ns : CLOCK_NEVER;
    struct pool_action action;
    int64_t wake_ns;

    note_telling(supervisor);
    while (pool_step(&supervisor->pool, now_ns, &action, 1, &wake_ns)) {
        act(supervisor, action);
        now_ns = clock_now_ns();
        if (now_ns >= until_ns)
            return now_ns;
    }
    return wake_ns;
}

/* ---- SIGHUP ---- */

/* A worker that has just been started may have read its files, and not yet said that it takes
 * SIGHUP. */
static void step_renewal(struct supervisor *supervisor)
{
    if (!supervisor->renewing)
        return;
    supervisor->renewing = false;
    for (size_t i = 0; i < supervisor->pool.used; i++) {
        if (!supervisor->renew[i])
            continue;
        if (supervisor->pool.slots[i].state == WORKER_NONE) {
            supervisor->renew[i] = false;
        } else if (atomic_load(&scoreboard_slot(supervisor->scoreboard, i)->takes_hangup)) {
            supervisor->renew[i] = false;
            launcher_renew(supervisor->launcher, i);
        } else {
            supervisor->renewing = true;
        }
    }
}

void supervisor_renew(struct supervisor *supervisor)
{
    log_event(LOG_INFO, "renewing", "workers=%u", pool_counts(&supervisor->pool).running);
    for (size_t i = 0; i < supervisor->pool.used; i++)
        supervisor->renew[i] = true;
    supervisor->renewing = true;
}

/* ---- messages and steps ---- */

void supervisor_target(struct supervisor *supervisor, struct node_target target)
{
    struct pool *pool = &supervisor->pool;

    if (target.ending) {
        pool_finish(pool);
        return;
    }
    pool_limit(pool, target.max_workers);
    pool_want(pool, target.workers);
    pool_consuming(pool, target.consuming);
    if (target.stop.pid && target.stop.slot < pool->used &&
        launcher_pid(supervisor->launcher, target.stop.slot) == target.stop.pid)
        pool_retire(pool, target.stop.slot);
}

struct node_report supervisor_report(struct supervisor *supervisor, int64_t now_ns)
{
    return readings_take(&supervisor->readings, &supervisor->pool, supervisor->scoreboard, now_ns);
}

size_t supervisor_tell_events(struct supervisor *supervisor, int64_t now_ns,
                              struct event_record records[EVENT_RECORDS_MOST])
{
    return tally_tell(&supervisor->tally, supervisor->scoreboard, now_ns, records);
}

void supervisor_hear_events(struct supervisor *supervisor, int64_t now_ns,
                            struct event_record *records, size_t count)
{
    tally_hear(&supervisor->tally, supervisor->scoreboard, now_ns, records, count);
}

struct worker_counts supervisor_counts(const struct supervisor *supervisor)
{
    return pool_counts(&supervisor->pool);
}

int64_t supervisor_step(struct supervisor *supervisor, int64_t now_ns)
{
    take_worker_events(supervisor);
    step_renewal(supervisor);
    int64_t hung_ns = hang_watch_step(&supervisor->hang_watch, &supervisor->pool,
                                      supervisor->launcher, supervisor->scoreboard, now_ns);
    int64_t pool_ns = step_pool(supervisor);
    int64_t wake_ns = hung_ns < pool_ns ? hung_ns : pool_ns;
    bool soon = launcher_waits_for_rest(supervisor->launcher) && now_ns + REST_NS < wake_ns;
    return soon ? now_ns + REST_NS : wake_ns;
}

int supervisor_fd(const struct supervisor *supervisor)
{
    return launcher_fd(supervisor->launcher);
}

void supervisor_abandon(struct supervisor *supervisor)
{
    pool_abandon(&supervisor->pool);
}

int supervisor_fault(const struct supervisor *supervisor, struct why *why)
{
    if (supervisor->pool.fault == POOL_SOUND)
        return 0;
    *why = supervisor->fault;
    return supervisor->pool.fault_code == EX_NOPERM ? -ERR_REFUSED : -ERR_CONFIG;
}

bool supervisor_gave_up(const struct supervisor *supervisor)
{
    return supervisor->pool.fault == POOL_GAVE_UP ||
           (supervisor->pool.fault == POOL_USAGE && pool_is_empty(&supervisor->pool));
}

bool supervisor_is_empty(const struct supervisor *supervisor)
{
    return pool_is_empty(&supervisor->pool);
}

/* ---- opening and closing ---- */

static int set_up(struct supervisor *supervisor, struct why *why)
{
    const struct supervisor_settings *settings = supervisor->settings;
    const struct pool_params params = {.max_workers = POOL_MAX_WORKERS,
                                       .drain_timeout_ns = settings->drain_timeout_ns,
                                       .start_timeout_ns = settings->start_timeout_ns,
                                       .stop = settings->stop,
                                       .seed = (uint64_t)clock_now_ns()};
    int error = launcher_check(settings->worker[0], why);
    if (error)
        return error;

    if (pool_init(&supervisor->pool, &params) ||
        readings_init(&supervisor->readings, supervisor->pool.slot_count) ||
        !(supervisor->renew = calloc(supervisor->pool.slot_count, sizeof *supervisor->renew)))
        return error_set(why, ERR_MEMORY, "out of memory");
    pool_limit(&supervisor->pool, settings->max_workers);
    error = scoreboard_create(supervisor->pool.slot_count, settings->max_attempts,
                              settings->hang_timeout_ns, &supervisor->scoreboard, why);
    if (error)
        return error;
    if (settings->several_hosts)
        scoreboard_settle(supervisor->scoreboard, SETTLE_NS);
    const struct launcher_settings launcher = {.slots = supervisor->pool.slot_count,
                                               .command = settings->worker,
                                               .environment = settings->environment,
                                               .scoreboard_fd =
                                                   scoreboard_fd(supervisor->scoreboard),
                                               .guardian = settings->guardian,
                                               .scoreboard_variable = SCOREBOARD_FD_VARIABLE,
                                               .slot_variable = SCOREBOARD_SLOT_VARIABLE,
                                               .ready_variable = SCOREBOARD_READY_VARIABLE};
    return launcher_open(&launcher, &supervisor->launcher, why);
}

int supervisor_open(const struct supervisor_settings *settings, struct supervisor **out,
                    struct why *why)
{
    struct supervisor *supervisor = calloc(1, sizeof *supervisor);
    if (!supervisor)
        return error_set(why, ERR_MEMORY, "out of memory");

    supervisor->settings = settings;
    supervisor->hang_watch.hang_timeout_ns = settings->hang_timeout_ns;
    int error = set_up(supervisor, why);
    if (error) {
        supervisor_close(supervisor);
        return error;
    }
    *out = supervisor;
    return 0;
}

void supervisor_close(struct supervisor *supervisor)
{
    if (!supervisor)
        return;
    launcher_close(supervisor->launcher);
    readings_clear(&supervisor->readings);
    scoreboard_close(supervisor->scoreboard);
    pool_clear(&supervisor->pool);
    free(supervisor->renew);
    free(supervisor);
}
