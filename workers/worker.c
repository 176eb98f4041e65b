#include "worker.h"

#include "broker/broker.h"
#include "broker/connection.h"
#include "clock.h"
#include "deep_stack.h"
#include "log.h"
#include "log_limit.h"
#include "permissions.h"
#include "session.h"
#include "signals.h"
#include "suspects.h"
#include "topology.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

/* So many losses of connections are logged in a second. */
#define LOSSES_LOGGED 2

/* What has to be sent over a connection before a worker can use it. */
struct declaration {
    struct topology topology;
    bool tell_destroyed; /* that events were lost with their queue */
    bool alone;          /* no autoscaler has looked at the queue before */
};

struct worker {
    const struct worker_settings *settings;
    const struct job *job;
    char name[BROKER_NAME_SIZE]; /* FARM/PROGRAM/HOST/PID: connection and consumer */
    int signal_fd;
    struct declaration declaration;
    struct connection *connection;
    struct session session;

    struct log_limit loss_log;
};

static int declare(const void *context, struct broker *broker, struct why *why)
{
    const struct declaration *declaration = context;
    int error = broker_enable_confirms(broker, why);

    if (!error)
        error = topology_declare(&declaration->topology, broker, why);
    if (!error && declaration->alone)
        error = topology_refuse_stream(&declaration->topology, broker, why);
    if (!error && declaration->tell_destroyed)
        error = topology_tell_destroyed(&declaration->topology, broker, why);
    return error;
}

/* ---- one connection after the other ---- */

/* Works over the connection until it is lost or the worker ends. */
static int work(struct worker *worker, struct why *why)
{
    size_t published = worker->declaration.tell_destroyed ? 1 : 0;

    worker->session.queue_deleted = false;
    return session_run(&worker->session, connection_broker(worker->connection), published, why);
}

/* Whether an error is no more than the loss of a connection: then another may do. */
static bool is_loss(struct worker *worker, int error, const struct why *why)
{
    if (error && broker_end(connection_broker(worker->connection)) == BROKER_END_REFUSED)
        return true; /* it is about an event, whatever it is */
    switch (error) {
    case -ERR_MISSING:
        /* What is missing a new connection declares anew. */
        worker->session.queue_deleted |= topology_lost_events(&worker->declaration.topology, why);
        return true;
    case -ERR_CONFIG:
        /* The broker's time-out for acknowledgements, say. A conflict shows again at the
         * declare. */
    case -ERR_UNAVAILABLE:
        return true;
    default:
        return false;
    }
}

/* An event may cost many connections in a short time. True when it is news that the worker goes on
 * afterwards. */
static bool log_loss(struct worker *worker, const struct suspects_verdict *verdict, int64_t now_ns,
                     const struct why *why)
{
    char against[100] = "";
    uint64_t unlogged;

    if (!log_limit_allows(&worker->loss_log, now_ns, &unlogged))
        return false;
    if (verdict->event.low)
        snprintf(against, sizeof against, " fingerprint=%016llx%016llx attempts=%u of=%u",
                 (unsigned long long)verdict->event.high, (unsigned long long)verdict->event.low,
                 verdict->attempts, scoreboard_max_attempts(worker->session.scoreboard));
    else if (verdict->suspects)
        snprintf(against, sizeof against, " suspects=%zu", verdict->suspects);
    log_event(LOG_WARN, "connection_lost", "why=\"%s\"%s unlogged=%llu", why->text, against,
              (unsigned long long)unlogged);
    return !verdict->event.low;
}

static bool lose(struct worker *worker, int error, const struct why *why)
{
    struct session *session = &worker->session;
    int64_t now_ns = clock_now_ns();
    enum broker_end end = broker_end(connection_broker(worker->connection));
    struct suspects_verdict verdict = suspects_judge(session->scoreboard, &session->unacked,
                                                     &session->handling, end, now_ns, why);

    /* Where the broker itself goes on, so does the worker. */
    if (verdict.event.low)
        trials_lost(&session->trials, now_ns);
    bool news = log_loss(worker, &verdict, now_ns, why) && end != BROKER_END_REFUSED;
    /* An error that makes suspects or counts is a step forward, and no event takes many. */
    bool tells = end == BROKER_END_REFUSED && (verdict.suspects || verdict.event.low);
    if (worker->session.confirmed || tells)
        connection_mark_useful(worker->connection);
    connection_lost(worker->connection, error, why);
    session_lose_connection(&worker->session);
    return news;
}

/* Until it has a connection, over which what is missing of the farm's own is declared. What is
 * missing of somebody else's is waited for. */
static int await_connection(struct worker *worker, int64_t deadline_ns, struct why *why)
{
    int error;

    for (bool logged = false;; logged = true) {
        error = connection_wait(worker->connection, worker->signal_fd, deadline_ns, why);
        if (error != -ERR_MISSING || clock_now_ns() >= deadline_ns)
            return error;
        if (!logged && worker->declaration.topology.foreign)
            log_event(LOG_WARN, "entity_missing", "why=\"%s\" doing=\"waiting for it\"", why->text);
    }
}

static int reconnect(struct worker *worker, struct why *why)
{
    worker->declaration.tell_destroyed =
        worker->session.queue_deleted && !worker->declaration.topology.foreign;
    return await_connection(worker, CLOCK_NEVER, why);
}

static int work_and_reconnect(struct worker *worker, struct why *why)
{
    int64_t deadline_ns = clock_now_ns() + worker->settings->options->connect_timeout_ns;
    int error = await_connection(worker, deadline_ns, why);

    for (enum log_level level = LOG_INFO; !error;) {
        log_event(level, "consuming", "queue=%s", worker->declaration.topology.work);
        error = work(worker, why);
        if (error == -ERR_REFUSED)
            permissions_explain(&worker->declaration.topology, PERMISSIONS_WORKER, why);
        if (!is_loss(worker, error, why))
            return error;
        level = lose(worker, error, why) ? LOG_WARN : LOG_DEBUG;
        if (worker->session.draining)
            return 0; /* what it held has come back to the queue already */
        error = reconnect(worker, why);
    }
    /* Told to go while it had no connection: there is nothing to finish. */
    return error == -ERR_TIMEOUT ? 0 : error;
}

/* ---- the beginning and the end ---- */

static int set_up(struct worker *worker, struct why *why)
{
    const struct options *options = worker->settings->options;
    int error = worker->settings->takes_hangup ? signals_open(&worker->signal_fd, why)
                                               : signals_open_with_hangup(&worker->signal_fd, why);

    worker->declaration.topology = options->topology;
    worker->declaration.alone = !options_variable(SCOREBOARD_FD_VARIABLE);
    broker_client_name(options->topology.farm, options->program, worker->name);
    if (!error)
        error = session_init(&worker->session, worker->settings, worker->job, worker->name,
                             worker->signal_fd, why);
    if (error)
        return error;
    struct connection_settings settings = {
        .broker = options_broker(options, worker->name),
        .set_up = declare,
        .context = &worker->declaration,
        .context_bytes = sizeof worker->declaration,
        .missing_pause_ns = topology_missing_pause_ns(&options->topology),
    };
    settings.broker.heartbeat_s = worker->settings->heartbeat_s;
    return connection_open(&settings, &worker->connection, why);
}

/* Ends the process, though the job is still on an event. When that was given back, nothing is
 * counted against it. Not by exit(): the thread may be using what that cleans up. */
static void end_beside_thread(struct worker *worker, int error, const struct why *why)
{
    if (!handling_is_wanted(&worker->session.handling))
        scoreboard_put_down(worker->session.slot);
    _exit(error ? options_fail(worker->settings->options->program, error, why) : EX_OK);
}

static int run(void *context, struct why *why)
{
    struct worker *worker = context;
    int error = set_up(worker, why);

    if (!error) {
        error = work_and_reconnect(worker, why);
        /* What was at hand when it failed stays on the scoreboard, to be counted against it. */
        connection_close(worker->connection);
        log_event(LOG_INFO, "stopped", "handled=%llu",
                  (unsigned long long)atomic_load(&worker->session.slot->handled_msgs));
    }
    if (handling_is_on_thread(&worker->session.handling))
        end_beside_thread(worker, error, why);
    return error;
}

int worker_run(const struct worker_settings *settings, const struct job *job, struct why *why)
{
    struct worker worker = {.settings = settings,
                            .job = job,
                            .signal_fd = -1,
                            .loss_log = {.most_per_s = LOSSES_LOGGED}};
    int error = deep_stack_run(run, &worker, why);

    session_clear(&worker.session);
    if (worker.signal_fd >= 0)
        close(worker.signal_fd);
    return error;
}
