#include "worker.h"

#include "answer.h"
#include "broker/broker.h"
#include "clock.h"
#include "consumer.h"
#include "handling.h"
#include "inbox.h"
#include "log.h"
#include "scoreboard.h"
#include "signals.h"
#include "topology.h"
#include "unacked.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* A worker holds about this much measured work: enough to keep it busy while the broker answers,
 * little enough that a drain is short and others find something to do. */
#define HOLD_NS (250 * CLOCK_NS_PER_MS)

/* Between quick events the socket is read this often, not after each: that costs two system
 * calls. */
#define RECEIVE_EVERY_NS (CLOCK_NS_PER_MS / 2)

/* A drain leaves the last result this long to be confirmed. */
#define CONFIRM_NS (50 * CLOCK_NS_PER_MS)

/* How long to wait when the broker lets it in and then sends it away. */
#define RECONNECT_PAUSE_NS (100 * CLOCK_NS_PER_MS)

/* How long to take no work after the broker could not take a result. */
#define REFUSED_PAUSE_NS (500 * CLOCK_NS_PER_MS)

/* How long an event that its job wants later is kept before it goes back to the queue. */
#define LATER_PAUSE_NS (1 * CLOCK_NS_PER_S)

struct worker {
    const struct worker_settings *settings;
    const struct topology *topology;
    char name[BROKER_NAME_SIZE]; /* FARM/PROGRAM/HOST/PID: connection and consumer */
    int signal_fd;

    struct scoreboard *scoreboard; /* NULL: there is none */
    struct scoreboard_slot *slot;  /* never NULL: without a scoreboard it is own_slot */
    struct scoreboard_slot own_slot;

    struct broker *broker; /* NULL: there is no connection */
    struct answerer answerer;
    struct consumer consumer;
    struct inbox inbox;       /* events to be taken to hand */
    struct handling handling; /* the event at hand */
    struct inbox aside;       /* events that their job wants later */
    struct unacked unacked;   /* all of them, and those whose answers are on their way */

    int64_t received_ns;    /* when everything was last taken off the socket */
    int64_t pause_until_ns; /* no work is done before */
    bool queue_deleted;     /* under it; to be told when it is there again */
    bool draining;
    int64_t drain_by_ns;
};

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Whether the broker would take another message now. */
static bool may_publish(const struct worker *worker)
{
    return worker->broker && !broker_blocked(worker->broker) && !broker_backed_up(worker->broker);
}

/* A state other than blocked counts as a sign of life, unless it is the job that is to show
 * some. */
static void tell_state(struct worker *worker, int64_t now_ns)
{
    enum scoreboard_state state = !may_publish(worker) ? SCOREBOARD_BLOCKED
                                  : worker->draining   ? SCOREBOARD_DRAINING
                                                       : SCOREBOARD_WORKING;
    enum handling_stage stage = worker->handling.stage;
    bool idle = stage == HANDLING_NOTHING || stage == HANDLING_WAITING;
    bool changes =
        atomic_load_explicit(&worker->slot->state, memory_order_relaxed) != (int32_t)state;

    if (idle || (changes && state != SCOREBOARD_BLOCKED && stage != HANDLING_ON_THREAD))
        scoreboard_progress(worker->slot, now_ns);
    if (changes)
        scoreboard_set_state(worker->slot, state);
}

/* ---- events that go back to the queue ---- */

static int give_back_first(struct worker *worker, struct inbox *inbox, struct why *why)
{
    struct delivery *delivery = inbox_take(inbox);
    int error = unacked_give_back(&worker->unacked, worker->broker, delivery->tag, why);

    free(delivery);
    return error;
}

/* Gives back the whole inbox; *given grows by how many events that was. */
static int give_back_inbox(struct worker *worker, size_t *given, struct why *why)
{
    int error = 0;

    for (; !error && worker->inbox.first; (*given)++)
        error = give_back_first(worker, &worker->inbox, why);
    return error;
}

static int give_back_handling(struct worker *worker, size_t *given, struct why *why)
{
    uint64_t tag = worker->handling.delivery->tag;

    (*given)++;
    handling_abandon(&worker->handling);
    return unacked_give_back(&worker->unacked, worker->broker, tag, why);
}

/* Gives back what would not be done and confirmed before the drain's end. What is on the job's
 * thread may take less time than an event usually does, and has until then. */
static int give_back_late(struct worker *worker, int64_t now_ns, struct why *why)
{
    struct handling *handling = &worker->handling;
    bool wanted = handling_is_wanted(handling);
    bool on_thread = wanted && handling_is_on_thread(handling);
    int64_t begin_ns = wanted && handling->started_ns ? handling->started_ns : now_ns;
    bool late = (double)begin_ns + handling->service_ns + CONFIRM_NS > (double)worker->drain_by_ns;
    size_t given = 0;
    int error = 0;

    if (late)
        error = give_back_inbox(worker, &given, why);
    if (!error && wanted && (on_thread ? now_ns >= worker->drain_by_ns : late))
        error = give_back_handling(worker, &given, why);
    if (!given)
        return error;
    scoreboard_count_given_back(worker->slot, given);
    log_event(LOG_WARN, "given_back", "events=%zu why=\"the drain time-out would pass\"", given);
    return error;
}

/* True when the event at hand takes longer than the worker would hold work for. */
static bool takes_long(const struct worker *worker, int64_t now_ns)
{
    return may_publish(worker) && worker->handling.stage != HANDLING_NOTHING &&
           now_ns - worker->handling.since_ns >= HOLD_NS;
}

/* What is held beside an event that takes long goes to where another worker can do it, as soon as
 * the broker would not hand it out to this one again. */
static int give_back_beside(struct worker *worker, int64_t now_ns, struct why *why)
{
    size_t given = 0;

    if (!worker->inbox.first || !takes_long(worker, now_ns) ||
        !consumer_is_stopped(&worker->consumer))
        return 0;
    int error = give_back_inbox(worker, &given, why);
    log_event(LOG_DEBUG, "given_back", "events=%zu why=\"the event at hand takes long\"", given);
    return error;
}

/* Gives back the events that were set aside long enough; in a drain all of them. */
static int give_back_aside(struct worker *worker, int64_t now_ns, int64_t *until_ns,
                           struct why *why)
{
    const struct inbox *aside = &worker->aside;
    int error = 0;

    while (!error && aside->first && (worker->draining || aside->first->back_ns <= now_ns))
        error = give_back_first(worker, &worker->aside, why);
    if (aside->first)
        *until_ns = sooner(*until_ns, aside->first->back_ns);
    return error;
}

/* ---- what comes in ---- */

static int take_delivery(struct worker *worker, const struct broker_event *event, struct why *why)
{
    struct broker_properties *properties = worker->answerer.back_properties;

    if (inbox_add(&worker->inbox, event)) {
        /* It is this event that ends the worker, not the one at hand. */
        broker_properties_decode(properties, event->raw_properties);
        scoreboard_take_up(worker->slot,
                           handling_fingerprint(properties, event->raw_properties, event->body),
                           clock_now_ns());
        return error_set(why, ERR_MEMORY, "no memory to hold an event of %zu bytes",
                         event->body.length);
    }
    unacked_add(&worker->unacked);
    return 0;
}

static int take_returned(struct worker *worker, const struct broker_event *event, struct why *why)
{
    int error = answer_returned(&worker->answerer, event, why);

    return error ? error : unacked_published(&worker->unacked, 0, why);
}

/* The events of results that the broker could not take go back to the queue, and this worker rests
 * a while. */
static int take_refused(struct worker *worker, const struct broker_event *event, struct why *why)
{
    worker->pause_until_ns = clock_now_ns() + REFUSED_PAUSE_NS;
    log_event(LOG_WARN, "result_refused", "why=\"the broker could not take a result\"");
    return unacked_refused(&worker->unacked, worker->broker, event, why);
}

static int take_cancelled(struct worker *worker, struct why *why)
{
    consumer_take(&worker->consumer, BROKER_CANCELLED);
    if (worker->draining)
        return 0;
    worker->queue_deleted = true;
    return error_set(why, ERR_UNAVAILABLE, "the queue '%s' was deleted", worker->topology->work);
}

static int take_event(struct worker *worker, const struct broker_event *event, struct why *why)
{
    switch (event->type) {
    case BROKER_DELIVERY:
        return take_delivery(worker, event, why);
    case BROKER_CONFIRMED:
        unacked_confirmed(&worker->unacked, event);
        return 0;
    case BROKER_NACKED:
        return take_refused(worker, event, why);
    case BROKER_RETURNED:
        return take_returned(worker, event, why);
    case BROKER_CONSUMING:
        scoreboard_tell_ready();
        consumer_take(&worker->consumer, event->type);
        return 0;
    case BROKER_CANCEL_OK:
        consumer_take(&worker->consumer, event->type);
        return 0;
    case BROKER_CANCELLED:
        return take_cancelled(worker, why);
    default:
        return 0;
    }
}

static int start_drain(struct worker *worker, int64_t now_ns, struct why *why)
{
    worker->draining = true;
    worker->drain_by_ns = now_ns + worker->settings->drain_timeout_ns;
    log_event(LOG_INFO, "draining", "in_flight=%zu", worker->unacked.count);
    return consumer_step(&worker->consumer, worker->broker, 0, 0, now_ns, why);
}

/* Takes everything off the socket, so that what is in flight is what this worker really holds. */
static int receive(struct worker *worker, struct why *why)
{
    struct broker_event event;
    int got;

    while ((got = broker_next(worker->broker, &event, why)) == 1) {
        int error = take_event(worker, &event, why);
        if (error)
            return error;
    }
    /* Which event there is no memory to receive is not known: none is blamed. */
    if (got == -ERR_MEMORY)
        scoreboard_put_down(worker->slot);
    if (got < 0)
        return got;
    worker->received_ns = clock_now_ns();
    return signals_next(worker->signal_fd) && !worker->draining
               ? start_drain(worker, worker->received_ns, why)
               : 0;
}

/* ---- the loop ---- */

/* An event that could be worked on now. */
static bool has_work(const struct worker *worker)
{
    return worker->handling.stage == HANDLING_NOTHING ? worker->inbox.first != NULL
                                                      : !handling_is_on_thread(&worker->handling);
}

static int set_aside(struct worker *worker, struct delivery *delivery, int64_t now_ns)
{
    delivery->back_ns = now_ns + LATER_PAUSE_NS;
    inbox_put(&worker->aside, delivery);
    consumer_set_aside(&worker->consumer);
    return 0;
}

/* Works on the event at hand, or takes one to hand, as far as that is possible now. */
static int work(struct worker *worker, int64_t now_ns, int64_t *until_ns, struct why *why)
{
    struct handling *handling = &worker->handling;

    handling_collect(handling);
    if (!has_work(worker) || !may_publish(worker))
        return 0;
    if (now_ns < worker->pause_until_ns) {
        *until_ns = sooner(*until_ns, worker->pause_until_ns);
        return 0;
    }
    if (handling->stage == HANDLING_NOTHING)
        handling_begin(handling, inbox_take(&worker->inbox), now_ns);
    int64_t again_ns;
    int end = handling_step(handling, now_ns, &again_ns, why);
    if (end < 0)
        return end;
    *until_ns = sooner(*until_ns, end == HANDLING_GOES_ON ? again_ns : now_ns);
    if (end == HANDLING_GOES_ON)
        return 0;
    struct delivery *delivery = handling_take(handling);
    if (end == HANDLING_LATER)
        return set_aside(worker, delivery, now_ns);
    int error = unacked_published(&worker->unacked, delivery->tag, why);
    free(delivery);
    return error;
}

static int acknowledge(struct worker *worker, int64_t now_ns, int64_t *until_ns, struct why *why)
{
    const struct delivery *first_aside = worker->aside.first;
    int64_t again_ns;
    int error = unacked_acknowledge(&worker->unacked, worker->broker,
                                    first_aside ? first_aside->tag : UINT64_MAX, !has_work(worker),
                                    now_ns, &again_ns, why);

    *until_ns = sooner(*until_ns, again_ns);
    return error;
}

/* How many events the worker would have handed out to it. Beside one that takes long none, unless
 * the broker hands out no second one anyway. */
static uint16_t wanted_prefetch(const struct worker *worker, int64_t now_ns)
{
    const struct consumer *consumer = &worker->consumer;
    const struct handling *handling = &worker->handling;
    size_t limit = worker->settings->prefetch, aside = worker->aside.count;
    size_t most = limit > aside ? limit - aside : 0;

    if (worker->draining || (handling->stage != HANDLING_NOTHING && !handling_is_wanted(handling)))
        return 0;
    if (takes_long(worker, now_ns))
        return consumer->state == CONSUMER_ACTIVE && consumer->prefetch == 1 ? 1 : 0;
    /* One at first: how many it may hold is known after the first. */
    double fits = handling->service_ns > 0 ? (double)HOLD_NS / handling->service_ns : 1;
    if (fits < 1)
        fits = 1;
    return fits < (double)most ? (uint16_t)fits : (uint16_t)most;
}

/* Does what is due and sets *until_ns to when there will be more to do, if nothing comes in
 * before. */
static int step(struct worker *worker, int64_t *until_ns, struct why *why)
{
    int64_t now_ns = clock_now_ns();
    int error = 0;

    if (!has_work(worker) || now_ns - worker->received_ns >= RECEIVE_EVERY_NS)
        error = receive(worker, why);
    if (error)
        return error;
    *until_ns = CLOCK_NEVER;
    tell_state(worker, now_ns);
    if (worker->draining) {
        error = give_back_late(worker, now_ns, why);
        *until_ns = worker->drain_by_ns;
    }
    if (!error)
        error = work(worker, now_ns, until_ns, why);
    if (!error)
        error = give_back_aside(worker, now_ns, until_ns, why);
    if (!error)
        error = acknowledge(worker, now_ns, until_ns, why);
    if (!error)
        error = consumer_step(&worker->consumer, worker->broker, wanted_prefetch(worker, now_ns),
                              worker->unacked.count - worker->aside.count, now_ns, why);
    if (!error)
        error = give_back_beside(worker, now_ns, why);
    int64_t long_ns = worker->handling.since_ns + HOLD_NS;
    if (worker->handling.stage != HANDLING_NOTHING && now_ns < long_ns)
        *until_ns = sooner(*until_ns, long_ns);
    return error;
}

static bool drained(const struct worker *worker)
{
    return worker->draining && worker->consumer.state == CONSUMER_NONE &&
           worker->unacked.count == 0;
}

/* Works on one connection until it is drained (0) or an error ends the connection. */
static int work_until_drained(struct worker *worker, struct why *why)
{
    while (!drained(worker)) {
        int64_t until_ns;
        int error = step(worker, &until_ns, why);

        if (error)
            return error;
        int64_t now_ns = clock_now_ns();
        bool answered = !worker->inbox.first && !handling_is_wanted(&worker->handling);
        if (worker->draining && now_ns >= worker->drain_by_ns && answered)
            return drained(worker)
                       ? 0
                       : error_set(why, ERR_TIMEOUT,
                                   "the drain time-out passed with %zu results unconfirmed",
                                   worker->unacked.count);
        if (until_ns > now_ns && !drained(worker))
            broker_wait(worker->broker, handling_wake_fd(&worker->handling), until_ns);
    }
    return 0;
}

/* ---- connections ---- */

static int connect(struct worker *worker, int64_t deadline_ns, struct why *why)
{
    struct broker_options options = options_broker(worker->settings->options, worker->name);

    options.heartbeat_s = worker->settings->heartbeat_s;
    int error = broker_open_retry(&options, worker->signal_fd, deadline_ns, &worker->broker, why);
    worker->answerer.broker = worker->broker;
    if (!error)
        error = broker_enable_confirms(worker->broker, why);
    if (!error)
        error = topology_declare(worker->topology, worker->broker, why);
    if (!error && worker->queue_deleted) {
        worker->queue_deleted = false;
        error = topology_tell_destroyed(worker->topology, worker->broker, why);
        if (!error)
            error = unacked_published(&worker->unacked, 0, why);
    }
    return error;
}

/* Everything unacknowledged comes back to the queue, for whoever takes it. */
static void disconnect(struct worker *worker)
{
    broker_close(worker->broker);
    worker->broker = NULL;
    consumer_forget(&worker->consumer);
    inbox_clear(&worker->inbox);
    inbox_clear(&worker->aside);
    unacked_forget(&worker->unacked);
}

/* Until it has a connection again, in which what somebody deleted is declared anew. */
static int reconnect(struct worker *worker, struct why *why)
{
    for (;;) {
        int error = connect(worker, CLOCK_NEVER, why);
        if (error != -ERR_UNAVAILABLE && error != -ERR_MISSING)
            return error;
        disconnect(worker);
        struct pollfd wake = {.fd = worker->signal_fd, .events = POLLIN};
        struct timespec left;
        if (ppoll(&wake, 1, clock_left(clock_now_ns() + RECONNECT_PAUSE_NS, &left), NULL) > 0)
            return error_set(why, ERR_TIMEOUT, "told to go while it had no connection");
    }
}

/* Connections one after the other, until the worker is drained or something other than the
 * connection fails. */
static int work_and_reconnect(struct worker *worker, struct why *why)
{
    int64_t deadline_ns = clock_now_ns() + worker->settings->options->connect_timeout_ns;
    int error = connect(worker, deadline_ns, why);

    for (enum log_level level = LOG_INFO; !error; level = LOG_WARN) {
        /* After a loss it is as much news as the loss was. */
        log_event(level, "consuming", "queue=%s", worker->topology->work);
        error = work_until_drained(worker, why);
        /* What is missing a new connection declares anew. */
        if (error == -ERR_MISSING)
            worker->queue_deleted |= topology_lost_events(worker->topology, why);
        /* CONFIG: the broker's time-out for acknowledgements, say; a conflict shows again at the
         * declare. */
        else if (error != -ERR_UNAVAILABLE && error != -ERR_CONFIG)
            break;
        disconnect(worker);
        handling_abandon(&worker->handling);
        log_event(LOG_WARN, "connection_lost", "why=\"%s\"", why->text);
        if (worker->draining)
            return 0; /* what it held has come back to the queue already */
        tell_state(worker, clock_now_ns());
        error = reconnect(worker, why);
    }
    /* Told to go while it had no connection: there is nothing to finish. */
    if (error == -ERR_TIMEOUT && !worker->broker)
        error = 0;
    /* What it was on when it failed stays on the scoreboard, to be counted against that event. */
    disconnect(worker);
    return error;
}

/* ---- the beginning and the end ---- */

static int set_up(struct worker *worker, const struct job *job, struct why *why)
{
    const struct worker_settings *settings = worker->settings;
    const char *program = settings->options->program;
    int error = signals_open(&worker->signal_fd, why);

    if (!error)
        error = scoreboard_attach(&worker->scoreboard, &worker->slot, why);
    if (error)
        return error;
    if (!worker->slot)
        worker->slot = &worker->own_slot;
    scoreboard_sign_on(worker->slot, settings->simulated_service_ns, settings->takes_hangup);
    broker_client_name(worker->topology->farm, program, worker->name);
    worker->consumer = (struct consumer){.queue = worker->topology->work, .tag = worker->name};
    inbox_init(&worker->inbox);
    inbox_init(&worker->aside);
    unacked_init(&worker->unacked, worker->slot);
    worker->answerer = (struct answerer){
        .topology = worker->topology,
        .worker = worker->name + strlen(worker->topology->farm) + strlen("/") + strlen(program) +
                  strlen("/"),
        .max_body_bytes = settings->max_body_bytes,
        .slot = worker->slot,
        .back_properties = broker_properties_open(),
    };
    worker->handling = (struct handling){
        .job = job,
        .answerer = &worker->answerer,
        .scoreboard = worker->scoreboard,
        .slot = worker->slot,
        .simulated_service_ns = settings->simulated_service_ns,
        .signal_fd = worker->signal_fd,
    };
    error = handling_init(&worker->handling, why);
    return worker->answerer.back_properties ? error : error_set(why, ERR_MEMORY, "out of memory");
}

static void tear_down(struct worker *worker)
{
    handling_clear(&worker->handling);
    broker_properties_close(worker->answerer.back_properties);
    scoreboard_close(worker->scoreboard);
    if (worker->signal_fd >= 0)
        close(worker->signal_fd);
}

/* Ends the process, though the job is still on an event; that was given back, so nothing is counted
 * against it. Not by exit(): the thread may be using what that cleans up. */
static void end_beside_thread(struct worker *worker, int error, const struct why *why)
{
    if (!handling_is_wanted(&worker->handling))
        scoreboard_put_down(worker->slot);
    _exit(error ? options_fail(worker->settings->options->program, error, why) : EX_OK);
}

int worker_run(const struct worker_settings *settings, const struct job *job, struct why *why)
{
    struct worker worker = {
        .settings = settings,
        .topology = &settings->options->topology,
        .signal_fd = -1,
        .handling.wake_fd = -1,
    };
    int error = set_up(&worker, job, why);

    if (!error) {
        error = work_and_reconnect(&worker, why);
        log_event(LOG_INFO, "stopped", "handled=%llu",
                  (unsigned long long)atomic_load(&worker.slot->handled_msgs));
    }
    if (handling_is_on_thread(&worker.handling))
        end_beside_thread(&worker, error, why);
    tear_down(&worker);
    return error;
}
