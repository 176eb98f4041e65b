#include "worker.h"

#include "answer.h"
#include "broker/broker.h"
#include "clock.h"
#include "inbox.h"
#include "log.h"
#include "scoreboard.h"
#include "signals.h"
#include "topology.h"
#include "window.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One acknowledgement serves this many events, unless they have waited this long or nothing else is to do. */
#define ACK_BATCH_MSGS 50
#define ACK_DELAY_NS   (5 * CLOCK_NS_PER_MS)

/* A worker holds about this much measured work: enough to keep it busy while the broker answers, little enough
 * that a drain is short and others find something to do. */
#define HOLD_NS                 (250 * CLOCK_NS_PER_MS)
#define SERVICE_SMOOTHING       0.125
#define PREFETCH_CHANGE         1.5
#define PREFETCH_CHANGE_STEP_NS (250 * CLOCK_NS_PER_MS)

/* Between quick events the socket is looked at this often, not after each: a look costs two system calls. */
#define LOOK_NS (CLOCK_NS_PER_MS / 2)

/* A drain leaves the last result this long to be confirmed. */
#define CONFIRM_NS (50 * CLOCK_NS_PER_MS)

/* The death of a redelivered event's last worker is counted within this time, and looked for so often; a slot that
 * still shows the event then is that of a worker that hangs. */
#define COUNTED_WAIT_NS (200 * CLOCK_NS_PER_MS)
#define COUNTED_LOOK_NS CLOCK_NS_PER_MS
#define HUNG_LOOK_NS    (20 * CLOCK_NS_PER_MS)

/* How long to wait when the broker lets it in and then sends it away. */
#define RECONNECT_PAUSE_NS (100 * CLOCK_NS_PER_MS)

/* How long to take no work after the broker could not take a result. */
#define REFUSED_PAUSE_NS (500 * CLOCK_NS_PER_MS)

struct worker {
    const struct worker_settings *settings;
    const struct topology *topology;
    char name[BROKER_NAME_SIZE]; /* FARM/PROGRAM/HOST/PID: connection and consumer */
    int signal_fd;

    struct scoreboard *scoreboard;
    struct scoreboard_slot *slot; /* never NULL: one of its own when there is no scoreboard */

    struct broker *broker;
    struct answerer answerer;
    struct inbox inbox;   /* taken and waiting */
    struct window window; /* handled, published, unconfirmed */
    size_t in_flight;     /* waiting, published, or settled but not yet acknowledged */
    uint64_t settled_tag; /* acknowledging this and all before acknowledges ... */
    size_t settled;       /* ... so many events */
    int64_t settled_since_ns;

    int64_t started_ns;  /* when the first of the waiting events was taken up; 0: not yet */
    double service_ns;   /* smoothed time an event takes; 0: none measured */
    uint16_t prefetch;   /* as the broker has it */
    int64_t prefetch_ns; /* when it was last changed */
    /* STARTING: the broker has not said yet that it is there; RabbitMQ 3.10 closes the connection when one is
     * cancelled before that. ENDING: deliveries may still come. NONE: until one with another prefetch may begin. */
    enum { CONSUMER_NONE, CONSUMER_STARTING, CONSUMER_ACTIVE, CONSUMER_ENDING } consumer;
    int64_t pause_until_ns;

    int64_t looked_ns; /* when everything was last taken off the socket */

    bool queue_deleted; /* under it; to be told when it is there again */
    bool draining;
    int64_t drain_by_ns;
};

/* Whether the broker would take another result now. */
static bool takes_results(const struct worker *worker)
{
    return worker->broker && !broker_blocked(worker->broker) && !broker_backed_up(worker->broker);
}

/* ---- telling ---- */

static void tell_state(struct worker *worker)
{
    enum scoreboard_state state = !takes_results(worker) ? SCOREBOARD_BLOCKED
                                  : worker->draining     ? SCOREBOARD_DRAINING
                                                         : SCOREBOARD_WORKING;

    /* Whoever sees it working must not see how long ago it last was. */
    if (state != SCOREBOARD_BLOCKED &&
        atomic_load_explicit(&worker->slot->state, memory_order_relaxed) != (int32_t)state)
        scoreboard_progress(worker->slot, clock_now_ns());
    scoreboard_set_state(worker->slot, state);
}

static void handle_none(struct worker *worker)
{
    scoreboard_put_down(worker->slot);
}

/* While the socket takes a result the worker cannot be blamed, nor the event: the broker may have stopped reading. */
static void tell_sending(void *context)
{
    struct worker *worker = context;

    handle_none(worker);
    scoreboard_set_state(worker->slot, SCOREBOARD_SENDING);
}

static void tell_in_flight(struct worker *worker)
{
    scoreboard_set_in_flight(worker->slot, worker->in_flight);
}

static void tell_progress(struct worker *worker, int64_t now_ns)
{
    scoreboard_progress(worker->slot, now_ns);
}

/* ---- what is held ---- */

static struct scoreboard_fingerprint
fingerprint(struct worker *worker, struct broker_bytes raw_properties, struct broker_bytes body)
{
    struct broker_bytes id = {0};

    if (broker_properties_decode(worker->answerer.properties, raw_properties) == 0)
        id = broker_properties_get(worker->answerer.properties, BROKER_MESSAGE_ID);
    return scoreboard_fingerprint(id.bytes, id.length, raw_properties.bytes, raw_properties.length,
                                  body.bytes, body.length);
}

static int take(struct worker *worker, const struct broker_event *event, struct why *why)
{
    if (inbox_add(&worker->inbox, event)) {
        /* It is this event that ends the worker, not the one at hand. */
        scoreboard_take_up(worker->slot, fingerprint(worker, event->raw_properties, event->body),
                           clock_now_ns());
        return error_set(why, ERR_MEMORY, "no memory to hold an event of %zu bytes",
                         event->body.length);
    }
    worker->in_flight++;
    tell_in_flight(worker);
    return 0;
}

static void drop_first(struct worker *worker)
{
    inbox_drop_first(&worker->inbox);
    worker->started_ns = 0;
}

/* The connection is gone: everything unacknowledged comes back to the queue, for whoever takes it. */
static void forget(struct worker *worker)
{
    while (worker->inbox.first)
        drop_first(worker);
    window_clear(&worker->window);
    worker->in_flight = worker->settled = 0;
    tell_in_flight(worker);
}

static int acknowledge(struct worker *worker, struct why *why)
{
    if (!worker->settled)
        return 0;
    int error = broker_ack(worker->broker, worker->settled_tag, true, why);
    worker->in_flight -= worker->settled;
    worker->settled = 0;
    tell_in_flight(worker);
    return error;
}

/* Gives an event back to its queue. */
static int give_back(struct worker *worker, uint64_t tag, struct why *why)
{
    worker->in_flight--;
    tell_in_flight(worker);
    return broker_requeue(worker->broker, tag, false, why);
}

/* ---- answering ---- */

/* A message was published: the next one that the broker will confirm. delivery_tag 0: for no event. */
static int published(struct worker *worker, uint64_t delivery_tag, struct why *why)
{
    return window_add(&worker->window, delivery_tag) ? error_set(why, ERR_MEMORY, "out of memory")
                                                     : 0;
}

/* An event's last worker is killed when it hangs, and its death counted. */
static int64_t longest_wait_ns(const struct worker *worker)
{
    return scoreboard_hang_timeout_ns(worker->scoreboard) + COUNTED_WAIT_NS;
}

/* Begins with the first of the waiting events, unless the slot of the worker that had it before still shows it: false,
 * and it is to be tried again. That worker has died and is to be counted, or it hangs, which cost it its connection,
 * and this one would hang beside it. */
static bool take_up_first(struct worker *worker, int64_t now_ns)
{
    struct delivery *delivery = worker->inbox.first;

    if (worker->scoreboard) {
        struct scoreboard_fingerprint event =
            fingerprint(worker, delivery->raw_properties, delivery->body);
        if (delivery->redelivered) {
            if (!delivery->wait_from_ns)
                delivery->wait_from_ns = now_ns;
            if (now_ns - delivery->wait_from_ns < longest_wait_ns(worker) &&
                scoreboard_handled_elsewhere(worker->scoreboard, worker->slot, event,
                                             delivery->wait_from_ns))
                return false;
            delivery->poison = scoreboard_is_poison(worker->scoreboard, event);
        }
        scoreboard_take_up(worker->slot, event, now_ns);
    }
    worker->started_ns = now_ns;
    return true;
}

static int finish_first(struct worker *worker, struct why *why)
{
    const struct delivery *delivery = worker->inbox.first;
    int error = answer_event(&worker->answerer,
                             &(struct answer_event){.raw_properties = delivery->raw_properties,
                                                    .body = delivery->body,
                                                    .redelivered = delivery->redelivered,
                                                    .poison = delivery->poison},
                             why);
    if (!error)
        error = published(worker, delivery->tag, why);
    if (error)
        return error;

    int64_t done_ns = clock_now_ns();
    int64_t spent_ns = done_ns - worker->started_ns;
    worker->service_ns += worker->service_ns == 0
                              ? (double)spent_ns
                              : SERVICE_SMOOTHING * ((double)spent_ns - worker->service_ns);
    scoreboard_count_handled(worker->slot, spent_ns);
    tell_progress(worker, done_ns);
    drop_first(worker);
    return 0;
}

/* Works on the first of the waiting events; *until_ns is when it can go on. */
static int work_on_first(struct worker *worker, int64_t now_ns, int64_t *until_ns, struct why *why)
{
    if (!worker->started_ns && !take_up_first(worker, now_ns)) {
        int64_t waited_ns = now_ns - worker->inbox.first->wait_from_ns;
        *until_ns = now_ns + (waited_ns < COUNTED_WAIT_NS ? COUNTED_LOOK_NS : HUNG_LOOK_NS);
        return 0;
    }
    int64_t finish_ns = worker->started_ns + worker->settings->simulated_service_ns;
    if (now_ns < finish_ns && !worker->inbox.first->poison) {
        *until_ns = finish_ns;
        return 0;
    }
    *until_ns = now_ns;
    return finish_first(worker, why);
}

/* ---- the consumer ---- */

static int consume(struct worker *worker, struct why *why)
{
    worker->consumer = CONSUMER_STARTING;
    return broker_consume(worker->broker, worker->topology->work, worker->name, worker->prefetch,
                          false, why);
}

/* Cancels the consumer as soon as that can be done. */
static int stop_consuming(struct worker *worker, struct why *why)
{
    if (worker->consumer != CONSUMER_ACTIVE)
        return 0;
    worker->consumer = CONSUMER_ENDING;
    return broker_cancel(worker->broker, worker->name, why);
}

/* ---- what comes in ---- */

static int take_returned(struct worker *worker, const struct broker_event *event, struct why *why)
{
    int error = answer_returned(&worker->answerer, event, why);

    return error ? error : published(worker, 0, why);
}

/* Results that the broker could not take: their events go back to the queue, and this worker rests a while. */
static int take_refused(struct worker *worker, const struct broker_event *event, struct why *why)
{
    uint64_t oldest = window_oldest(&worker->window);

    worker->pause_until_ns = clock_now_ns() + REFUSED_PAUSE_NS;
    log_event(LOG_WARN, "result_refused", "why=\"the broker could not take a result\"");
    for (uint64_t each = event->multiple && oldest ? oldest : event->tag; each <= event->tag;
         each++) {
        uint64_t tag = window_refuse(&worker->window, each);
        int error = tag                    ? give_back(worker, tag, why)
                    : worker->window.holds ? error_set(why, ERR_UNAVAILABLE,
                                                       "the broker could not take a dead message")
                                           : 0; /* one that it has confirmed before */
        if (error)
            return error;
    }
    return 0;
}

static int take_event(struct worker *worker, const struct broker_event *event, struct why *why)
{
    switch (event->type) {
    case BROKER_DELIVERY:
        return take(worker, event, why);
    case BROKER_CONFIRMED:
        window_confirm(&worker->window, event->tag, event->multiple);
        return 0;
    case BROKER_NACKED:
        return take_refused(worker, event, why);
    case BROKER_RETURNED:
        return take_returned(worker, event, why);
    case BROKER_CONSUMING:
        scoreboard_tell_ready();
        worker->consumer = CONSUMER_ACTIVE;
        return worker->draining ? stop_consuming(worker, why) : 0;
    case BROKER_CANCEL_OK:
        worker->consumer = CONSUMER_NONE;
        return 0;
    case BROKER_CANCELLED:
        worker->consumer = CONSUMER_NONE;
        if (worker->draining)
            return 0;
        worker->queue_deleted = true;
        return error_set(why, ERR_UNAVAILABLE, "the queue '%s' was deleted",
                         worker->topology->work);
    default:
        return 0;
    }
}

static int start_drain(struct worker *worker, int64_t now_ns, struct why *why)
{
    worker->draining = true;
    worker->drain_by_ns = now_ns + worker->settings->drain_timeout_ns;
    tell_state(worker);
    log_event(LOG_INFO, "draining", "in_flight=%zu", worker->in_flight);
    return worker->broker ? stop_consuming(worker, why) : 0;
}

/* Takes everything off the socket, so that in_flight is what this worker really holds. */
static int take_all(struct worker *worker, struct why *why)
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
        handle_none(worker);
    if (got < 0)
        return got;
    worker->looked_ns = clock_now_ns();
    if (signals_next(worker->signal_fd) && !worker->draining) {
        int error = start_drain(worker, worker->looked_ns, why);
        if (error)
            return error;
    }

    uint64_t tag;
    size_t events = window_settled(&worker->window, &tag);
    if (events) {
        if (!worker->settled)
            worker->settled_since_ns = clock_now_ns();
        worker->settled += events;
        worker->settled_tag = tag;
    }
    return 0;
}

/* ---- the loop ---- */

static int connect(struct worker *worker, int64_t deadline_ns, struct why *why)
{
    struct broker_options options = options_broker(worker->settings->options, worker->name);
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
            error = published(worker, 0, why);
    }
    if (error)
        return error;
    /* One at first: how many it may hold is known after the first. */
    worker->prefetch = worker->service_ns > 0 ? worker->prefetch : 1;
    error = consume(worker, why);
    tell_state(worker);
    return error;
}

static int adapt_prefetch(struct worker *worker, int64_t now_ns, struct why *why)
{
    bool resting = worker->consumer == CONSUMER_NONE;

    if (worker->draining || worker->service_ns == 0 ||
        (worker->consumer != CONSUMER_ACTIVE && !resting))
        return 0;
    double fits = (double)HOLD_NS / worker->service_ns;
    uint16_t target = fits < 1                                    ? 1
                      : fits > (double)worker->settings->prefetch ? worker->settings->prefetch
                                                                  : (uint16_t)fits;
    bool at_first = worker->prefetch_ns == 0;
    bool far =
        target > worker->prefetch * PREFETCH_CHANGE || target * PREFETCH_CHANGE < worker->prefetch;
    if (!resting && (!far || (!at_first && now_ns - worker->prefetch_ns < PREFETCH_CHANGE_STEP_NS)))
        return 0;

    if (!resting)
        return stop_consuming(worker, why);
    /* What it may hold anew comes on top of what it holds, which must first become little. */
    if (target < worker->prefetch && worker->in_flight > target / 2)
        return 0;
    worker->prefetch = target;
    worker->prefetch_ns = now_ns;
    log_event(LOG_DEBUG, "prefetch", "msgs=%u service_ns=%.0f", target, worker->service_ns);
    return consume(worker, why);
}

/* Gives back what would not be done and confirmed in time. */
static int give_back_late(struct worker *worker, int64_t now_ns, struct why *why)
{
    size_t given = 0;

    int64_t begin_ns = worker->started_ns ? worker->started_ns : now_ns;
    double done_ns = (double)begin_ns + worker->service_ns + CONFIRM_NS;
    if (!worker->inbox.first || done_ns <= (double)worker->drain_by_ns)
        return 0;
    while (worker->inbox.first) {
        int error = give_back(worker, worker->inbox.first->tag, why);
        if (error)
            return error;
        drop_first(worker);
        given++;
    }
    handle_none(worker);
    scoreboard_count_given_back(worker->slot, given);
    log_event(LOG_WARN, "given_back", "events=%zu why=\"the drain time-out would pass\"", given);
    return 0;
}

/* Does what is due and sets *until_ns to when there will be more to do, if nothing comes in before. */
static int step(struct worker *worker, int64_t *until_ns, struct why *why)
{
    int64_t now_ns = clock_now_ns();
    int error = 0;

    if (!worker->inbox.first || now_ns - worker->looked_ns >= LOOK_NS)
        error = take_all(worker, why);
    if (error)
        return error;
    *until_ns = CLOCK_NEVER;
    tell_state(worker);
    if (!worker->started_ns)
        tell_progress(worker, now_ns);
    if (worker->draining) {
        error = give_back_late(worker, now_ns, why);
        *until_ns = worker->drain_by_ns;
    }
    bool may_work = worker->inbox.first && takes_results(worker);
    if (!error && may_work && now_ns < worker->pause_until_ns) {
        may_work = false;
        *until_ns = worker->pause_until_ns;
    }
    if (!error && may_work)
        error = work_on_first(worker, now_ns, until_ns, why);
    bool ack_due = worker->settled >= ACK_BATCH_MSGS || (worker->settled && !worker->inbox.first) ||
                   (worker->settled && now_ns - worker->settled_since_ns >= ACK_DELAY_NS);
    if (!error && ack_due)
        error = acknowledge(worker, why);
    if (!error && worker->settled && worker->settled_since_ns + ACK_DELAY_NS < *until_ns)
        *until_ns = worker->settled_since_ns + ACK_DELAY_NS;
    if (!error)
        error = adapt_prefetch(worker, now_ns, why);
    return error;
}

static bool drained(const struct worker *worker)
{
    return worker->draining && worker->consumer == CONSUMER_NONE && worker->in_flight == 0;
}

/* Works on one connection until it is drained (0) or an error ends the connection. */
static int work(struct worker *worker, struct why *why)
{
    while (!drained(worker)) {
        int64_t until_ns;
        int error = step(worker, &until_ns, why);

        if (error)
            return error;
        int64_t now_ns = clock_now_ns();
        if (worker->draining && now_ns >= worker->drain_by_ns && !worker->inbox.first)
            return drained(worker)
                       ? 0
                       : error_set(why, ERR_TIMEOUT,
                                   "the drain time-out passed with %zu results unconfirmed",
                                   worker->in_flight);
        if (until_ns > now_ns && !drained(worker))
            broker_wait(worker->broker, worker->signal_fd, until_ns);
    }
    return 0;
}

static void disconnect(struct worker *worker)
{
    broker_close(worker->broker);
    worker->broker = NULL;
    forget(worker);
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

/* Connections one after the other, until the worker is drained or something other than the connection fails. */
static int work_and_reconnect(struct worker *worker, struct why *why)
{
    int64_t deadline_ns = clock_now_ns() + worker->settings->options->connect_timeout_ns;
    int error = connect(worker, deadline_ns, why);

    for (enum log_level level = LOG_INFO; !error; level = LOG_WARN) {
        /* After a loss it is as much news as the loss was. */
        log_event(level, "consuming", "queue=%s", worker->topology->work);
        error = work(worker, why);
        /* What is missing a new connection declares anew. */
        if (error == -ERR_MISSING)
            worker->queue_deleted |= topology_lost_events(worker->topology, why);
        /* CONFIG: the broker's time-out for acknowledgements, say; a conflict shows again at the declare. */
        else if (error != -ERR_UNAVAILABLE && error != -ERR_CONFIG)
            break;
        disconnect(worker);
        handle_none(worker);
        log_event(LOG_WARN, "connection_lost", "why=\"%s\"", why->text);
        if (worker->draining)
            return 0; /* what it held has come back to the queue already */
        tell_state(worker);
        error = reconnect(worker, why);
    }
    /* Told to go while it had no connection: there is nothing to finish. */
    if (error == -ERR_TIMEOUT && !worker->broker)
        error = 0;
    /* What it was on when it failed stays on the scoreboard, to be counted against that event. */
    disconnect(worker);
    return error;
}

int worker_run(const struct worker_settings *settings, const struct worker_job *job,
               struct why *why)
{
    struct scoreboard_slot own_slot = {0};
    struct worker worker = {
        .settings = settings,
        .topology = &settings->options->topology,
        .signal_fd = -1,
    };
    inbox_init(&worker.inbox);

    int error = signals_open(&worker.signal_fd, why);
    if (!error)
        error = scoreboard_attach(&worker.scoreboard, &worker.slot, why);
    if (error)
        return error;
    if (!worker.slot)
        worker.slot = &own_slot;
    scoreboard_sign_on(worker.slot, settings->simulated_service_ns, settings->takes_hangup);
    broker_client_name(worker.topology->farm, settings->options->program, worker.name);
    worker.answerer = (struct answerer){
        .job = job,
        .topology = worker.topology,
        .worker = worker.name + strlen(worker.topology->farm) + strlen("/") +
                  strlen(settings->options->program) + strlen("/"),
        .sending = tell_sending,
        .context = &worker,
        .max_body_bytes = settings->max_body_bytes,
        .properties = broker_properties_open(),
    };
    if (!worker.answerer.properties)
        error = error_set(why, ERR_MEMORY, "out of memory");
    else
        error = work_and_reconnect(&worker, why);
    log_event(LOG_INFO, "stopped", "handled=%llu",
              (unsigned long long)atomic_load(&worker.slot->handled_msgs));

    broker_properties_close(worker.answerer.properties);
    event_clear(&worker.answerer.event);
    scoreboard_close(worker.scoreboard);
    close(worker.signal_fd);
    return error;
}
