#include "word_service.h"

#include "answering.h"
#include "batch.h"
#include "broadcast.h"
#include "broker/broker.h"
#include "broker/connection.h"
#include "clock.h"
#include "log.h"
#include "news.h"
#include "scoreboard.h"
#include "signals.h"
#include "topology.h"
#include "unsettled.h"
#include "word_export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How often the store is looked at when nothing else makes it due: other instances switch
 * broadcasting and change words, and what they say of it may be lost. */
#define LOOK_NS CLOCK_NS_PER_S

#define LOGGED_PER_S 2

/* What has to be sent over a connection before it is of use. */
struct set_up {
    struct topology topology;
    char tag[BROKER_NAME_SIZE]; /* of the consumer of requests */
    /* Where news of other instances arrives. Each connection has another: the broker may still keep
     * that of the one before. */
    char news_queue[BROKER_NAME_SIZE + TOPOLOGY_NAME_SIZE + 16];
};

struct service {
    const struct word_service_settings *settings;
    struct set_up set_up;
    const char *instance; /* "host/pid" */
    const char *from;     /* "program/host/pid" */
    unsigned connections;
    int signal_fd;
    struct connection *connection;
    struct broker_properties *properties;
    struct scoreboard *scoreboard;
    struct scoreboard_slot *slot;

    struct batch batch;
    struct unsettled unsettled;
    struct answering answering;
    struct broadcast broadcast;
    struct word_export export;
    bool has_left;   /* not all that has come was taken */
    int consumers;   /* begun on this connection: of news, then of requests */
    int64_t look_ns; /* when the store is to be looked at */
    int store_error; /* of the last call; 0: it works */
    bool draining, cancelled;
    int64_t drain_by_ns;
};

static int declare(const void *context, struct broker *broker, struct why *why)
{
    static const char *const keys[] = {TOPOLOGY_KEY_WORDS, NULL};
    const struct set_up *set_up = context;
    int error = broker_enable_confirms(broker, why);

    if (!error)
        error = topology_declare_words(&set_up->topology, broker, why);
    if (!error)
        error = topology_listen(&set_up->topology, broker, set_up->news_queue, keys, why);
    if (!error)
        error = broker_consume(broker, set_up->news_queue, set_up->news_queue, 0, true, why);
    return error ? error
                 : broker_consume(broker, set_up->topology.words, set_up->tag, BATCH_MOST, false,
                                  why);
}

static void name_news_queue(struct service *service)
{
    snprintf(service->set_up.news_queue, sizeof service->set_up.news_queue, "%s/%s/%u",
             service->set_up.topology.control, service->from, service->connections++);
}

/* ---- the store ---- */

/* Says once that the store fails, and once that it works again. An error that no store can be
 * blamed for is returned. */
static int note_store(struct service *service, int error, const struct why *why)
{
    if (error == -ERR_MEMORY)
        return error;
    if (error && error != service->store_error)
        log_event(LOG_ERROR, "store_failed", "store=\"%s\" why=\"%s\" doing=\"refusing requests\"",
                  store_name(service->settings->store), why->text);
    else if (!error && service->store_error)
        log_event(LOG_INFO, "store_back", "store=\"%s\"", store_name(service->settings->store));
    service->store_error = error;
    return 0;
}

/* ---- what comes in ---- */

static bool came_by(const struct broker_event *event, const char *exchange)
{
    return event->exchange.length == strlen(exchange) &&
           memcmp(event->exchange.bytes, exchange, event->exchange.length) == 0;
}

static int take_delivery(struct service *service, const struct broker_event *event, struct why *why)
{
    if (came_by(event, service->set_up.topology.control)) {
        news_receive(event->body);
        service->look_ns = 0;
        return 0;
    }
    /* More than is held comes in only while nothing can be answered. */
    if (batch_is_full(&service->batch))
        return broker_requeue(connection_broker(service->connection), event->tag, false, why);
    return batch_add(&service->batch, event) ? error_set(why, ERR_MEMORY, "out of memory") : 0;
}

static int settle(struct service *service, const struct broker_event *event, bool taken,
                  struct why *why)
{
    connection_mark_useful(service->connection);
    if (!taken)
        answering_lost(&service->answering, "refused", (struct broker_bytes){0});
    unsettled_settle(&service->unsettled, event->tag, event->multiple);
    uint64_t sent = service->broadcast.sent;
    int error = broadcast_settled(&service->broadcast, event, taken, why);
    if (service->broadcast.sent != sent)
        service->look_ns = 0; /* to know when the next one is due */
    return error ? note_store(service, error, why) : 0;
}

static int take_event(struct service *service, const struct broker_event *event, struct why *why)
{
    switch (event->type) {
    case BROKER_DELIVERY:
        return take_delivery(service, event, why);
    case BROKER_CONFIRMED:
    case BROKER_NACKED:
        return settle(service, event, event->type == BROKER_CONFIRMED, why);
    case BROKER_RETURNED:
        answering_lost(&service->answering, "returned", event->routing_key);
        return 0;
    case BROKER_CONSUMING:
        if (++service->consumers == 2)
            scoreboard_tell_ready();
        return 0;
    case BROKER_CANCELLED:
        return error_set(why, ERR_MISSING, "a queue that is consumed was deleted");
    case BROKER_CANCEL_OK:
        service->cancelled = true;
        return 0;
    case BROKER_QUEUE_STATE:
    case BROKER_PURGED:
    default:
        return 0;
    }
}

/* So much must not wait to be sent that memory runs out. */
static bool may_publish(const struct broker *broker)
{
    return !broker_blocked(broker) && !broker_backed_up(broker);
}

/* Takes what has come. A full batch is carried out first. Only while nothing may be published is
 * all taken: what ends that comes the same way. */
static int receive(struct service *service, struct broker *broker, struct why *why)
{
    struct broker_event event;
    int error = 0, got = 1;

    while (!error && got == 1 && !(batch_is_full(&service->batch) && may_publish(broker))) {
        got = broker_next(broker, &event, why);
        error = got == 1 ? take_event(service, &event, why) : got;
    }
    service->has_left = !error && got == 1;
    return error;
}

/* ---- what goes out ---- */

/* Answers what was carried out, and tells the others of the version when there is a new one. */
static int answer(struct service *service, struct broker *broker, struct why *why)
{
    struct batch *batch = &service->batch;
    int64_t version = 0;
    int error = 0;

    for (size_t i = 0; !error && i < batch->done; i++) {
        const struct batch_item *item = &batch->items[i];
        uint64_t sequence = 0;
        error = answering_publish(&service->answering, broker, item, &sequence, why);
        if (!error)
            unsettled_add(&service->unsettled, item->tag, sequence);
        if (batch_changed(item)) {
            version = item->request.operation.version;
            service->look_ns = 0;
        }
    }
    if (!error && version)
        error = news_publish(&service->set_up.topology, broker, service->properties, service->from,
                             version, why);
    return error;
}

static int work(struct service *service, struct broker *broker, struct why *why)
{
    struct batch *batch = &service->batch;
    int64_t begin_ns = clock_now_ns();

    int error = batch_carry_out(batch, &service->set_up.topology, service->settings->store, why);
    error = note_store(service, error, why);
    if (!error)
        error = answer(service, broker, why);
    size_t done = batch->done;
    batch_drop(batch);
    for (size_t i = 0; i < done; i++)
        scoreboard_count_handled(service->slot, (clock_now_ns() - begin_ns) / (int64_t)done);
    return error;
}

static int acknowledge(struct service *service, struct broker *broker, struct why *why)
{
    uint64_t tag;

    return unsettled_take(&service->unsettled, &tag) ? broker_ack(broker, tag, true, why) : 0;
}

/* ---- looking at the store ---- */

static int look(struct service *service, struct broker *broker, int64_t now_ns, struct why *why)
{
    struct store_state state;
    int64_t wait_ns = LOOK_NS;
    bool lost = false;
    int error = store_look(service->settings->store, &state, why);

    if (!error && !service->draining)
        error = broadcast_step(&service->broadcast, broker, &state, &wait_ns, &lost, why);
    if (!error)
        error = word_export_step(&service->export, state.version, now_ns, &wait_ns, why);
    service->look_ns = now_ns + (wait_ns < LOOK_NS ? wait_ns : LOOK_NS);
    return lost ? error : note_store(service, error, why);
}

/* ---- the loop over one connection ---- */

static void tell(struct service *service, const struct broker *broker, int64_t now_ns)
{
    scoreboard_set_in_flight(service->slot, service->batch.count + service->unsettled.count);
    scoreboard_progress(service->slot, now_ns);
    scoreboard_set_state(service->slot, !may_publish(broker) ? SCOREBOARD_BLOCKED
                                        : service->draining  ? SCOREBOARD_DRAINING
                                                             : SCOREBOARD_WORKING);
}

/* Begins to drain when a signal asks for it. A consumer may be cancelled only once it has begun. */
static int obey(struct service *service, struct broker *broker, int64_t now_ns, struct why *why)
{
    if (!service->draining && signals_next(service->signal_fd)) {
        service->draining = true;
        service->drain_by_ns = now_ns + service->settings->drain_timeout_ns;
        log_event(LOG_INFO, "draining", "held=%zu", service->batch.count);
    }
    if (!service->draining || service->consumers != 2)
        return 0;
    service->consumers = 0;
    return broker_cancel(broker, service->set_up.tag, why);
}

static bool drained(const struct service *service)
{
    return service->cancelled && !service->batch.count && !service->unsettled.count;
}

static int step(struct service *service, struct broker *broker, int64_t *until_ns, struct why *why)
{
    int64_t now_ns = clock_now_ns();
    int error = receive(service, broker, why);

    if (!error)
        error = obey(service, broker, now_ns, why);
    if (!error && service->batch.count && may_publish(broker))
        error = work(service, broker, why);
    if (!error)
        error = acknowledge(service, broker, why);
    if (!error && now_ns >= service->look_ns)
        error = look(service, broker, now_ns, why);
    tell(service, broker, now_ns);
    bool goes_on = service->has_left || (service->batch.count && may_publish(broker));
    *until_ns = goes_on ? now_ns : service->look_ns;
    if (!error && service->draining && now_ns >= service->drain_by_ns && !drained(service))
        error =
            error_set(why, ERR_TIMEOUT, "the drain time-out passed with %zu requests unanswered",
                      service->batch.count + service->unsettled.count);
    return error;
}

/* Works over the connection until it is lost or the service has drained. */
static int work_on(struct service *service, struct why *why)
{
    struct broker *broker = connection_broker(service->connection);
    int64_t until_ns = 0;
    int error = 0;

    log_event(LOG_INFO, "consuming", "queue=%s", service->set_up.topology.words);
    while (!error && !drained(service)) {
        error = step(service, broker, &until_ns, why);
        if (!error && !drained(service) && until_ns > clock_now_ns())
            broker_wait(broker, service->draining ? -1 : service->signal_fd, until_ns);
    }
    return error;
}

/* ---- one connection after the other ---- */

/* Whether an error is no more than the loss of a connection: then another may do, in which what is
 * missing is declared anew. A conflict or a refusal shows again there. */
static bool is_loss(const struct service *service, int error)
{
    return error == -ERR_MISSING || error == -ERR_UNAVAILABLE || error == -ERR_CONFIG ||
           (error && broker_end(connection_broker(service->connection)) == BROKER_END_REFUSED);
}

/* What was held comes back to the queue, for whoever takes it. */
static void lose(struct service *service, int error, const struct why *why)
{
    log_event(LOG_WARN, "connection_lost", "why=\"%s\"", why->text);
    batch_clear(&service->batch);
    service->unsettled = (struct unsettled){0};
    broadcast_forget(&service->broadcast);
    service->consumers = 0;
    service->look_ns = 0;
    connection_lost(service->connection, error, why);
    name_news_queue(service);
    scoreboard_set_in_flight(service->slot, 0);
    scoreboard_set_state(service->slot, SCOREBOARD_BLOCKED);
}

static int work_and_reconnect(struct service *service, struct why *why)
{
    int64_t deadline_ns = clock_now_ns() + service->settings->options->connect_timeout_ns;
    int error;

    while (!(error = connection_wait(service->connection, service->signal_fd, deadline_ns, why))) {
        deadline_ns = CLOCK_NEVER;
        error = work_on(service, why);
        if (!is_loss(service, error))
            return error;
        lose(service, error, why);
        if (service->draining)
            return 0;
    }
    /* Told to go while it had no connection: there is nothing to finish. */
    return error == -ERR_TIMEOUT ? 0 : error;
}

/* ---- the beginning and the end ---- */

static int init(struct service *service, struct why *why)
{
    const struct options *options = service->settings->options;
    struct set_up *set_up = &service->set_up;

    set_up->topology = options->topology;
    broker_client_name(options->topology.farm, options->program, set_up->tag);
    service->from = set_up->tag + strlen(options->topology.farm) + strlen("/");
    service->instance = service->from + strlen(options->program) + strlen("/");
    name_news_queue(service);
    service->properties = broker_properties_open();
    if (!service->properties)
        return error_set(why, ERR_MEMORY, "out of memory");
    service->batch.properties = service->properties;
    service->answering = (struct answering){
        .topology = &set_up->topology,
        .instance = service->instance,
        .properties = service->properties,
        .broadcast_every_ns = service->settings->broadcast_every_ns,
        .dead_log = {.most_per_s = LOGGED_PER_S},
        .lost_log = {.most_per_s = LOGGED_PER_S},
    };
    service->broadcast = (struct broadcast){.topology = &set_up->topology,
                                            .instance = service->instance,
                                            .store = service->settings->store,
                                            .properties = service->properties,
                                            .every_ns = service->settings->broadcast_every_ns};
    int error = word_export_open(&service->export, service->settings->export_file,
                                 options->topology.farm, service->settings->store, why);
    if (!error)
        error = signals_open_with_hangup(&service->signal_fd, why);
    if (!error)
        error = scoreboard_attach(&service->scoreboard, &service->slot, why);
    if (error)
        return error;
    scoreboard_sign_on(service->slot, 0, false);
    const struct connection_settings settings = {.broker = options_broker(options, set_up->tag),
                                                 .set_up = declare,
                                                 .context = set_up,
                                                 .context_bytes = sizeof *set_up};
    return connection_open(&settings, &service->connection, why);
}

int word_service_run(const struct word_service_settings *settings, struct why *why)
{
    struct service *service = calloc(1, sizeof *service);

    if (!service)
        return error_set(why, ERR_MEMORY, "out of memory");
    service->settings = settings;
    service->signal_fd = -1;
    int error = init(service, why);
    if (!error) {
        error = work_and_reconnect(service, why);
        broadcast_give_up(&service->broadcast);
        connection_close(service->connection);
        log_event(LOG_INFO, "stopped", "handled=%llu",
                  (unsigned long long)atomic_load(&service->slot->handled_msgs));
    }
    batch_clear(&service->batch);
    answering_clear(&service->answering);
    broker_properties_close(service->properties);
    scoreboard_close(service->scoreboard);
    if (service->signal_fd >= 0)
        close(service->signal_fd);
    free(service);
    return error;
}
