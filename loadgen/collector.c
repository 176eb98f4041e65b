#include "collector.h"

#include "broker/connection.h"
#include "clock.h"
#include "log.h"
#include "reconnect.h"
#include "result_check.h"
#include "topology.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFETCH 500

/* At most so many at a time, so that the sending does not wait for the results. */
#define STEP_EVENTS 256

/* The queues of a run that crashed are deleted by the broker after so long without a consumer. */
#define EXPIRES_MS 600000

/* Wrong results that are logged one by one; all are counted. */
#define LOG_CORRUPTED 10

/* The run's queues and their consumers. It is all that an attempt to connect works with. */
struct queues {
    char results[COLLECTOR_QUEUE_SIZE], dead[COLLECTOR_QUEUE_SIZE + 8];
    char results_tag[BROKER_NAME_SIZE], dead_tag[BROKER_NAME_SIZE + 8];
    char dead_exchange[TOPOLOGY_NAME_SIZE];
    const char *type;
};

struct collector {
    const struct collector_settings *settings;
    struct queues queues;
    struct connection *connection;
    struct broker_properties *properties; /* of the message that is being taken */
    int64_t start_ns;
};

void collector_queue_name(const struct topology *topology, uint64_t run,
                          char queue[COLLECTOR_QUEUE_SIZE])
{
    snprintf(queue, COLLECTOR_QUEUE_SIZE, "%s.verify.%016" PRIx64, topology->farm, run);
}

static int declare(struct broker *broker, const char *name, const char *type, struct why *why)
{
    const struct broker_argument arguments[] = {
        {.name = "x-queue-type", .text = type}, {.name = "x-expires", .number = EXPIRES_MS}, {0}};
    const struct broker_queue queue = {.name = name, .durable = true, .arguments = arguments};

    return broker_declare_queue(broker, &queue, why);
}

static int set_up(const void *context, struct broker *broker, struct why *why)
{
    const struct queues *queues = context;
    int error = declare(broker, queues->results, queues->type, why);

    if (!error)
        error = declare(broker, queues->dead, queues->type, why);
    if (!error)
        error = broker_bind(broker, queues->dead, queues->dead_exchange, "", why);
    if (!error)
        error = broker_settle(broker, why);
    if (!error)
        error = broker_consume(broker, queues->results, queues->results_tag, PREFETCH, false, why);
    if (!error)
        error = broker_consume(broker, queues->dead, queues->dead_tag, PREFETCH, false, why);
    return error;
}

/* Of several brokers as the farm's, for a classic queue is away with its broker. On one alone a
 * quorum queue is no better: RabbitMQ 3.10 forgets one that it declared less than a second before
 * it was killed, and these are new in each run. */
static const char *queue_type(const struct options *options)
{
    bool several = broker_url_count(options->amqp_url) > 1;

    return several && options->topology.queue_type == QUEUE_QUORUM ? "quorum" : "classic";
}

static void name_queues(const struct collector_settings *settings, struct queues *queues)
{
    const struct topology *topology = &settings->options->topology;

    collector_queue_name(topology, settings->run, queues->results);
    snprintf(queues->dead, sizeof queues->dead, "%s.dead", queues->results);
    snprintf(queues->results_tag, sizeof queues->results_tag, "%s", settings->name);
    snprintf(queues->dead_tag, sizeof queues->dead_tag, "%s/dead", settings->name);
    snprintf(queues->dead_exchange, sizeof queues->dead_exchange, "%s", topology->dead);
    queues->type = queue_type(settings->options);
}

static int connect_first(struct collector *collector, int wake_fd, int64_t deadline_ns,
                         struct why *why)
{
    const struct connection_settings settings = {
        .broker = options_broker(collector->settings->options, collector->settings->name),
        .set_up = set_up,
        .context = &collector->queues,
        .context_bytes = sizeof collector->queues,
    };
    int error = connection_open(&settings, &collector->connection, why);

    return error ? error : connection_wait(collector->connection, wake_fd, deadline_ns, why);
}

static void free_collector(struct collector *collector)
{
    connection_close(collector->connection);
    broker_properties_close(collector->properties);
    free(collector);
}

int collector_open(const struct collector_settings *settings, int wake_fd, int64_t deadline_ns,
                   struct collector **out, struct why *why)
{
    struct collector *collector = calloc(1, sizeof *collector);

    if (!collector)
        return error_set(why, ERR_MEMORY, "out of memory");
    collector->settings = settings;
    name_queues(settings, &collector->queues);
    collector->properties = broker_properties_open();
    int error = collector->properties ? connect_first(collector, wake_fd, deadline_ns, why)
                                      : error_set(why, ERR_MEMORY, "out of memory");
    if (error)
        free_collector(collector);
    else
        *out = collector;
    return error;
}

static int delete_queues(struct broker *broker, const struct queues *queues, struct why *why)
{
    int error = broker_delete_queue(broker, queues->results, why);

    if (!error)
        error = broker_delete_queue(broker, queues->dead, why);
    return error ? error : broker_settle(broker, why);
}

void collector_close(struct collector *collector)
{
    if (!collector)
        return;
    const struct queues *queues = &collector->queues;
    struct broker *broker = connection_broker(collector->connection), *another = NULL;
    struct why why = {0};
    int error = 0;

    if (!broker) {
        struct broker_options options =
            options_broker(collector->settings->options, collector->settings->name);
        error = broker_open(&options, &another, &why);
    }
    if (!error)
        error = delete_queues(broker ? broker : another, queues, &why);
    if (error)
        log_event(LOG_WARN, "queues_left", "queues=\"%s %s\" gone_after_s=%d why=\"%s\"",
                  queues->results, queues->dead, EXPIRES_MS / 1000, why.text);
    broker_close(another);
    free_collector(collector);
}

void collector_start(struct collector *collector, int64_t start_ns)
{
    collector->start_ns = start_ns;
}

static bool is_dead(const struct collector *collector, const struct broker_event *event)
{
    const char *dead = collector->queues.dead_exchange;

    return event->exchange.length == strlen(dead) &&
           memcmp(event->exchange.bytes, dead, event->exchange.length) == 0;
}

static void take_result(struct collector *collector, const struct broker_event *event,
                        const struct event_id *id, struct result *result)
{
    const struct collector_settings *settings = collector->settings;
    struct ledger *ledger = settings->ledger;

    result->has_matches =
        settings->expect_same ||
        broker_headers_get_int(collector->properties, "winnow-matches", &result->matches);
    const char *wrong =
        result_check(result, bodies_get(settings->bodies, id->sequence), settings->mask);
    bool counted = ledger_result(ledger, id->sequence, !wrong, event->redelivered,
                                 clock_now_ns() - collector->start_ns - id->intended_ns);
    if (counted && wrong && ledger->counts.corrupted <= LOG_CORRUPTED)
        log_event(
            LOG_WARN, "corrupted", "sequence=%" PRIu64 " matches=%lld body=\"%.*s\" why=\"%s\"",
            id->sequence, result->has_matches ? (long long)result->matches : -1LL,
            (int)(event->body.length < 200 ? event->body.length : 200), event->body.bytes, wrong);
}

static void take_message(struct collector *collector, const struct broker_event *event)
{
    struct broker_properties *properties = collector->properties;
    struct ledger *ledger = collector->settings->ledger;
    bool dead = is_dead(collector, event);
    struct event_id id;

    /* Malformed properties name no event, and so the message counts as foreign. */
    (void)broker_properties_decode(properties, event->raw_properties);
    struct result result = {
        .message_id = broker_properties_get(properties, BROKER_MESSAGE_ID),
        .correlation_id = broker_properties_get(properties, BROKER_CORRELATION_ID),
        .body = event->body,
    };
    if (dead && broker_headers_has(properties, TOPOLOGY_DESTROYED_HEADER)) {
        log_event(LOG_WARN, "destroyed", "why=\"the farm's queue or exchange was deleted\"");
        ledger_queue_deleted(ledger);
    } else if (ledger_find(ledger, result.message_id, result.correlation_id, &id)) {
        if (dead)
            ledger_dead(ledger, id.sequence, event->redelivered);
        else
            take_result(collector, event, &id, &result);
    }
}

/* 1 when there may be more, 0 when not, or the connection's error. */
static int take_messages(struct collector *collector, struct why *why)
{
    struct broker *broker = connection_broker(collector->connection);
    struct broker_event event;
    uint64_t tag = 0;
    int got = 1;

    for (int i = 0; i < STEP_EVENTS && (got = broker_next(broker, &event, why)) == 1; i++) {
        if (event.type == BROKER_CANCELLED)
            return error_set(why, ERR_UNAVAILABLE, "a queue of the run was deleted");
        if (event.type == BROKER_CONSUMING)
            connection_mark_useful(collector->connection);
        if (event.type != BROKER_DELIVERY)
            continue;
        tag = event.tag;
        take_message(collector, &event);
    }
    int error = got >= 0 && tag ? broker_ack(broker, tag, true, why) : 0;
    if (!error)
        error = broker_flush(broker, why);
    return error ? error : got;
}

int collector_step(struct collector *collector, bool *more, struct why *why)
{
    if (!connection_broker(collector->connection)) {
        int64_t patience_ns = collector->settings->options->connect_timeout_ns;
        int back = reconnect_step(collector->connection, patience_ns, why);
        if (back != 1)
            return back;
    }
    int got = take_messages(collector, why);
    if (got < 0)
        reconnect_lost(collector->connection, got, why);
    *more |= got == 1;
    return 0;
}

void collector_poll(const struct collector *collector, struct pollfd *fd)
{
    connection_poll(collector->connection, fd);
}

int64_t collector_due_ns(const struct collector *collector)
{
    return connection_due_ns(collector->connection);
}

bool collector_read_work(struct collector *collector, struct broker_queue_state *work)
{
    const char *queue = collector->settings->options->topology.work;
    struct broker *broker = connection_broker(collector->connection);
    struct why why;

    if (!broker)
        return false;
    int error = broker_query_queue(broker, queue, work, &why);
    if (error)
        reconnect_lost(collector->connection, error, &why);
    return error == 0;
}

bool collector_lost(const struct collector *collector)
{
    return connection_broker(collector->connection) == NULL;
}
