#include "results.h"

#include "broker/broker.h"
#include "broker/connection.h"
#include "clock.h"
#include "log.h"
#include "plain_json.h"
#include "signals.h"

#include <poll.h>
#include <stdlib.h>

#define TAG      "results"
#define PREFETCH 1000

/* The broker hands out what is there and allowed before it answers a question that was sent after
 * the last acknowledgement. So whoever has got fewer results meanwhile than are allowed has got
 * all; only the first of a consumer may still be on its way. Without any, so many answers are the
 * end, this long apart. */
#define QUIET_ANSWERS 3
#define PAUSE_NS      (100 * CLOCK_NS_PER_MS)

struct reading {
    const struct ctl_options *options;
    const char *queue;
    char name[BROKER_NAME_SIZE];
    struct connection *connection;
    struct broker_properties *properties;
    struct plain_json json;
    int signal_fd;
    bool connected; /* at least once */
    bool said_away;
    bool interrupted; /* a signal asked to end, or whoever reads has seen enough */

    bool prints;
    FILE *out;
    int64_t next;  /* the offset behind the last result; 0: there was none */
    int64_t least; /* results of lower offsets are left out */
    int64_t most;  /* and so are those from here on */

    /* Of the consumer at work. */
    int64_t taken, taken_at_question;
    int answers;
    int64_t ask_ns; /* when to ask */
    bool asked, ended;
};

/* ---- one result ---- */

static void put_property(struct plain_json *json, const char *name, struct broker_bytes value)
{
    if (!value.bytes)
        return;
    plain_json_put(json, name);
    plain_json_add_bytes(json, value.bytes, value.length);
}

static void write_json(struct reading *reading, int64_t offset, struct broker_bytes body)
{
    struct plain_json *json = &reading->json;
    const struct broker_properties *properties = reading->properties;

    json->length = 0;
    plain_json_put(json, "{\"offset\":");
    plain_json_add_int(json, offset);
    put_property(json, ",\"message_id\":", broker_properties_get(properties, BROKER_MESSAGE_ID));
    put_property(json,
                 ",\"correlation_id\":", broker_properties_get(properties, BROKER_CORRELATION_ID));
    put_property(json, ",\"body\":", body);
    plain_json_put(json, "}");
    fwrite(json->bytes, 1, json->length, reading->out);
}

static void print(struct reading *reading, int64_t offset, struct broker_bytes body)
{
    if (reading->options->json)
        write_json(reading, offset, body);
    else
        fwrite(body.bytes, 1, body.length, reading->out);
    putc('\n', reading->out);
}

/* What comes first may lie before the place that was asked for: in one piece with it. */
static bool is_wanted(const struct reading *reading, int64_t offset)
{
    return offset >= reading->next && offset >= reading->least && offset < reading->most;
}

static int take(struct reading *reading, const struct broker_event *event, struct why *why)
{
    int64_t offset;

    if (broker_properties_decode(reading->properties, event->raw_properties) ||
        !broker_headers_get_int(reading->properties, BROKER_OFFSET_HEADER, &offset))
        return error_set(why, ERR_CONFIG, "'%s' is no stream", reading->queue);
    connection_mark_useful(reading->connection);
    if (!reading->taken++)
        reading->ask_ns = 0;
    if (reading->prints && is_wanted(reading, offset))
        print(reading, offset, event->body);
    if (reading->json.failed)
        return error_set(why, ERR_MEMORY, "out of memory");
    if (offset >= reading->next)
        reading->next = offset + 1;
    reading->ended |= reading->next >= reading->most;
    return broker_ack(connection_broker(reading->connection), event->tag, false, why);
}

/* ---- up to the end ---- */

static void take_answer(struct reading *reading)
{
    bool has_all =
        reading->taken_at_question && reading->taken - reading->taken_at_question < PREFETCH;

    reading->asked = false;
    reading->ask_ns = reading->taken ? 0 : clock_now_ns() + PAUSE_NS;
    reading->ended |= has_all || (++reading->answers >= QUIET_ANSWERS && !reading->taken);
}

static int take_event(struct reading *reading, const struct broker_event *event, struct why *why)
{
    switch (event->type) {
    case BROKER_DELIVERY:
        return take(reading, event, why);
    case BROKER_QUEUE_STATE:
        take_answer(reading);
        return 0;
    case BROKER_CANCELLED: /* by a broker that ends, or deleted: the next attempt tells */
        return error_set(why, ERR_UNAVAILABLE, "the broker ended the reading of '%s'",
                         reading->queue);
    default:
        return 0;
    }
}

/* Waits; and, where an end is looked for, asks whether it has come. */
static int wait(struct reading *reading, bool endless, struct why *why)
{
    struct broker *broker = connection_broker(reading->connection);
    int64_t until_ns = CLOCK_NEVER;

    if (fflush(reading->out))
        reading->interrupted = true; /* main says the rest */
    if (!endless && !reading->asked) {
        until_ns = reading->ask_ns;
        if (clock_now_ns() >= reading->ask_ns) {
            reading->asked = true;
            reading->taken_at_question = reading->taken;
            return broker_ask_queue(broker, reading->queue, why);
        }
    }
    broker_wait(broker, reading->signal_fd, until_ns);
    reading->interrupted |= signals_next(reading->signal_fd) != 0;
    return 0;
}

/* Over one connection. */
static int consume(struct reading *reading, const struct broker_offset *from, bool endless,
                   struct why *why)
{
    struct broker *broker = connection_broker(reading->connection);
    int error = broker_consume_stream(broker, reading->queue, TAG, PREFETCH, from, why);

    reading->ask_ns = clock_now_ns() + PAUSE_NS;
    reading->asked = false;
    reading->taken = reading->answers = 0;
    while (!error && !reading->ended && !reading->interrupted) {
        struct broker_event event;
        int got = broker_next(broker, &event, why);
        if (got > 0)
            error = take_event(reading, &event, why);
        else
            error = got < 0 ? got : wait(reading, endless, why);
    }
    return error;
}

/* ---- over as many connections as it takes ---- */

static int check_queue(const struct reading *reading, struct why *why)
{
    struct broker *broker = connection_broker(reading->connection);
    struct broker_queue_state state;
    bool stream = false;
    int error = broker_query_queue(broker, reading->queue, &state, why);

    if (error == -ERR_MISSING)
        return error_set(why, ERR_UNAVAILABLE,
                         "there is no queue '%s': no worker has run in the farm '%s'",
                         reading->queue, reading->options->common.topology.farm);
    if (!error)
        error = broker_query_stream(broker, reading->queue, &stream, why);
    if (!error && !stream)
        error =
            error_set(why, ERR_CONFIG,
                      "'%s' is a queue: who reads a result there takes it from the others; give "
                      "winnow-autoscaler --results-type stream in a farm that shall keep them",
                      reading->queue);
    return error;
}

static void say_heard(struct reading *reading)
{
    if (reading->said_away)
        log_event(LOG_INFO, "farm_heard", "farm=%s", reading->options->common.topology.farm);
    reading->said_away = false;
}

/* Waits for a connection, or until a signal asks to end. */
static int connect(struct reading *reading, struct why *why)
{
    int64_t deadline_ns = reading->connected
                              ? CLOCK_NEVER
                              : clock_now_ns() + reading->options->common.connect_timeout_ns;
    int error = connection_wait(reading->connection, reading->signal_fd, deadline_ns, why);

    if (error == -ERR_TIMEOUT && signals_next(reading->signal_fd)) {
        reading->interrupted = true;
        return 0;
    }
    if (!error && !reading->connected)
        error = check_queue(reading, why);
    if (!error)
        say_heard(reading);
    reading->connected |= !error;
    return error;
}

static void lose(struct reading *reading, int error, const struct why *why)
{
    connection_lost(reading->connection, error, why);
    if (!reading->said_away)
        log_event(LOG_WARN, "farm_silent", "farm=%s why=\"%s\"",
                  reading->options->common.topology.farm, why->text);
    reading->said_away = true;
}

static int open_connection(struct reading *reading, struct why *why)
{
    const struct options *options = &reading->options->common;

    broker_client_name(options->topology.farm, options->program, reading->name);
    const struct connection_settings settings = {.broker = options_broker(options, reading->name)};
    return connection_open(&settings, &reading->connection, why);
}

/* Takes results from a place on. After the loss of a connection it goes on behind the last one. */
static int read_from(struct reading *reading, struct broker_offset from, bool endless,
                     struct why *why)
{
    int error = open_connection(reading, why);
    bool lost = !error;

    reading->next = 0;
    reading->ended = false;
    while (lost) {
        error = connect(reading, why);
        if (!error && !reading->interrupted)
            error = consume(reading, &from, endless, why);
        lost = error == -ERR_UNAVAILABLE && reading->connected;
        if (lost)
            lose(reading, error, why);
        if (reading->next)
            from = (struct broker_offset){BROKER_FROM_OFFSET, (uint64_t)reading->next};
    }
    connection_close(reading->connection);
    reading->connection = NULL;
    return error;
}

/* ---- all of it ---- */

/* Where the results end now: what comes later is none of those that are there. */
static int find_end(struct reading *reading, int64_t *end, struct why *why)
{
    reading->most = INT64_MAX;
    int error = read_from(reading, (struct broker_offset){.from = BROKER_FROM_LAST}, false, why);
    *end = reading->next;
    return error;
}

static int print_from(struct reading *reading, int64_t end, struct why *why)
{
    const struct ctl_options *options = reading->options;
    struct broker_offset from = {.from = BROKER_FROM_FIRST};

    if (options->since_s >= 0)
        from = (struct broker_offset){BROKER_FROM_TIME, (uint64_t)options->since_s};
    if (options->last >= 0) {
        reading->least = end > options->last ? end - options->last : 0;
        from = (struct broker_offset){BROKER_FROM_OFFSET, (uint64_t)reading->least};
    }
    reading->most = options->follow ? INT64_MAX : end;
    if (reading->least >= reading->most)
        return 0;
    reading->prints = true;
    return read_from(reading, from, options->follow, why);
}

int results_print(const struct ctl_options *options, FILE *out, struct why *why)
{
    struct reading reading = {.options = options,
                              .queue = options->common.topology.results,
                              .properties = broker_properties_open(),
                              .out = out};
    int64_t end = 0;
    int error = reading.properties ? signals_open(&reading.signal_fd, why)
                                   : error_set(why, ERR_MEMORY, "out of memory");

    if (!error && (!options->follow || options->last >= 0))
        error = find_end(&reading, &end, why);
    if (!error && !reading.interrupted)
        error = print_from(&reading, end, why);
    broker_properties_close(reading.properties);
    free(reading.json.bytes);
    return error;
}
