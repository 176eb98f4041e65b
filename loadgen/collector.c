#include "collector.h"

#include "clock.h"
#include "connection.h"
#include "log.h"
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

struct collector {
    const struct collector_settings *settings;
    struct connection connection;
    struct broker_properties *properties;
    char results[COLLECTOR_QUEUE_SIZE], dead[COLLECTOR_QUEUE_SIZE + 8];
    char dead_tag[BROKER_NAME_SIZE + 8];
    int64_t start_ns;
};

void collector_queue_name(const struct topology *topology, uint64_t run,
                          char queue[COLLECTOR_QUEUE_SIZE])
{
    snprintf(queue, COLLECTOR_QUEUE_SIZE, "%s.verify.%016" PRIx64, topology->farm, run);
}

static int declare(struct broker *broker, const char *name, struct why *why)
{
    const struct broker_argument arguments[] = {{.name = "x-expires", .number = EXPIRES_MS}, {0}};
    const struct broker_queue queue = {.name = name, .durable = true, .arguments = arguments};

    return broker_declare_queue(broker, &queue, why);
}

static int start_consuming(struct collector *collector, struct why *why)
{
    struct broker *broker = collector->connection.broker;
    int error = declare(broker, collector->results, why);

    if (!error)
        error = declare(broker, collector->dead, why);
    if (!error)
        error =
            broker_bind(broker, collector->dead, collector->settings->options->topology.dead, why);
    if (!error)
        error = broker_settle(broker, why);
    if (!error)
        error = broker_consume(broker, collector->results, collector->settings->name, PREFETCH,
                               false, why);
    if (!error)
        error = broker_consume(broker, collector->dead, collector->dead_tag, PREFETCH, false, why);
    return error;
}

int collector_open(const struct collector_settings *settings, int wake_fd, int64_t deadline_ns,
                   struct collector **out, struct why *why)
{
    struct collector *collector = calloc(1, sizeof *collector);

    if (!collector)
        return error_set(why, ERR_MEMORY, "out of memory");
    collector->settings = settings;
    collector_queue_name(&settings->options->topology, settings->run, collector->results);
    snprintf(collector->dead, sizeof collector->dead, "%s.dead", collector->results);
    snprintf(collector->dead_tag, sizeof collector->dead_tag, "%s/dead", settings->name);
    loadgen_connection_init(&collector->connection, settings->options, settings->name);
    collector->properties = broker_properties_open();
    int error = collector->properties
                    ? loadgen_connection_open(&collector->connection, wake_fd, deadline_ns, why)
                    : error_set(why, ERR_MEMORY, "out of memory");
    if (!error)
        error = start_consuming(collector, why);
    if (error) {
        loadgen_connection_clear(&collector->connection);
        broker_properties_close(collector->properties);
        free(collector);
        return error;
    }
    *out = collector;
    return 0;
}

void collector_close(struct collector *collector)
{
    struct why why = {0};

    if (!collector)
        return;
    if (!collector->connection.broker) {
        collector->connection.reopen_ns = 0;
        loadgen_connection_reopen(&collector->connection, clock_now_ns(), &why);
    }
    struct broker *broker = collector->connection.broker;
    if (!broker || broker_delete_queue(broker, collector->results, &why) ||
        broker_delete_queue(broker, collector->dead, &why) || broker_settle(broker, &why))
        log_event(LOG_WARN, "queues_left", "queues=\"%s %s\" gone_after_s=%d why=\"%s\"",
                  collector->results, collector->dead, EXPIRES_MS / 1000,
                  why.text[0] ? why.text : collector->connection.lost_why.text);
    loadgen_connection_clear(&collector->connection);
    broker_properties_close(collector->properties);
    free(collector);
}

void collector_start(struct collector *collector, int64_t start_ns)
{
    collector->start_ns = start_ns;
}

static bool is_dead(const struct collector *collector, const struct broker_event *event)
{
    const char *dead = collector->settings->options->topology.dead;

    return event->exchange.length == strlen(dead) &&
           memcmp(event->exchange.bytes, dead, event->exchange.length) == 0;
}

static void take_result(struct collector *collector, const struct broker_event *event,
                        const struct event_id *id, struct result *result)
{
    const struct collector_settings *settings = collector->settings;
    struct ledger *ledger = settings->ledger;

    result->has_matches =
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
    struct broker *broker = collector->connection.broker;
    struct broker_event event;
    uint64_t tag = 0;
    int got = 1;

    for (int i = 0; i < STEP_EVENTS && (got = broker_next(broker, &event, why)) == 1; i++) {
        if (event.type == BROKER_CANCELLED)
            return error_set(why, ERR_UNAVAILABLE, "a queue of the run was deleted");
        if (event.type == BROKER_CONSUMING)
            loadgen_connection_prove(&collector->connection);
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
    struct connection *connection = &collector->connection;

    if (!connection->broker) {
        int back = loadgen_connection_reopen(connection, clock_now_ns(), why);
        if (back != 1)
            return back;
        int error = start_consuming(collector, why);
        if (error) {
            loadgen_connection_lose(connection, error, why);
            return 0;
        }
    }
    int got = take_messages(collector, why);
    if (got < 0)
        loadgen_connection_lose(connection, got, why);
    *more |= got == 1;
    return 0;
}

void collector_poll(const struct collector *collector, struct pollfd *fd)
{
    const struct broker *broker = collector->connection.broker;

    *fd = (struct pollfd){.fd = broker ? broker_fd(broker) : -1,
                          .events = broker ? broker_poll_events(broker) : 0};
}

int64_t collector_due_ns(const struct collector *collector)
{
    return loadgen_connection_due_ns(&collector->connection);
}

bool collector_read_work(struct collector *collector, struct broker_queue_state *work)
{
    const char *queue = collector->settings->options->topology.work;
    struct broker *broker = collector->connection.broker;
    struct why why;

    if (!broker)
        return false;
    int error = broker_look_at_queue(broker, queue, work, &why);
    if (error)
        loadgen_connection_lose(&collector->connection, error, &why);
    return error == 0;
}

bool collector_lost(const struct collector *collector)
{
    return collector->connection.broker == NULL;
}
