#include "results.h"

#include "broker/broker.h"
#include "clock.h"
#include "plain_json.h"
#include "signals.h"

#include <poll.h>
#include <stdlib.h>

#define TAG      "results"
#define PREFETCH 1000

/* The broker hands out what is there before it answers a question that was sent after the last
 * acknowledgement; only the first results of a consumer may still be on their way then. So many
 * answers without a result before them are the end, this long apart. */
#define QUIET_ANSWERS 3
#define PAUSE_NS      (100 * CLOCK_NS_PER_MS)

struct reading {
    const struct ctl_options *options;
    const char *queue;
    struct broker *broker;
    struct broker_properties *properties;
    struct plain_json json;
    int signal_fd;

    bool prints;
    FILE *out;
    int64_t next;  /* the offset behind the last result; 0: there was none */
    int64_t least; /* results of lower offsets are left out */
    int64_t most;  /* and so are those from here on */

    int quiet; /* answers without a result before them */
    int64_t ask_ns;
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

static int take(struct reading *reading, const struct broker_event *event, struct why *why)
{
    int64_t offset;

    if (broker_properties_decode(reading->properties, event->raw_properties) ||
        !broker_headers_get_int(reading->properties, BROKER_OFFSET_HEADER, &offset))
        return error_set(why, ERR_CONFIG, "'%s' is no stream", reading->queue);
    reading->quiet = 0;
    reading->next = offset + 1;
    reading->ended |= reading->next >= reading->most;
    if (reading->prints && offset >= reading->least && offset < reading->most) {
        if (reading->options->json)
            write_json(reading, offset, event->body);
        else
            fwrite(event->body.bytes, 1, event->body.length, reading->out);
        putc('\n', reading->out);
        if (reading->json.failed)
            return error_set(why, ERR_MEMORY, "out of memory");
    }
    return broker_ack(reading->broker, event->tag, false, why);
}

/* ---- up to the end ---- */

static int take_event(struct reading *reading, const struct broker_event *event, struct why *why)
{
    switch (event->type) {
    case BROKER_DELIVERY:
        return take(reading, event, why);
    case BROKER_QUEUE_STATE:
        reading->asked = false;
        reading->ask_ns = clock_now_ns() + PAUSE_NS;
        reading->ended |= ++reading->quiet >= QUIET_ANSWERS;
        return 0;
    case BROKER_CANCELLED:
        return error_set(why, ERR_MISSING, "the queue '%s' was deleted", reading->queue);
    default:
        return 0;
    }
}

/* Waits; and, where an end is looked for, asks whether it has come. */
static int wait(struct reading *reading, bool endless, struct why *why)
{
    int64_t until_ns = CLOCK_NEVER;

    if (fflush(reading->out))
        reading->ended = true; /* whoever reads has seen enough; main says the rest */
    if (!endless && !reading->asked) {
        until_ns = reading->ask_ns;
        if (clock_now_ns() >= reading->ask_ns) {
            reading->asked = true;
            return broker_ask_queue(reading->broker, reading->queue, why);
        }
    }
    broker_wait(reading->broker, reading->signal_fd, until_ns);
    reading->ended |= signals_next(reading->signal_fd) != 0;
    return 0;
}

static int consume(struct reading *reading, const struct broker_offset *from, bool endless,
                   struct why *why)
{
    int error = broker_consume_stream(reading->broker, reading->queue, TAG, PREFETCH, from, why);

    reading->ask_ns = clock_now_ns() + PAUSE_NS;
    reading->asked = reading->ended = false;
    reading->quiet = 0;
    while (!error && !reading->ended) {
        struct broker_event event;
        int got = broker_next(reading->broker, &event, why);
        if (got > 0)
            error = take_event(reading, &event, why);
        else
            error = got < 0 ? got : wait(reading, endless, why);
    }
    return error;
}

/* ---- all of it ---- */

static int connect(struct reading *reading, struct why *why)
{
    const struct options *options = &reading->options->common;
    char name[BROKER_NAME_SIZE];
    struct broker_queue_state state;
    bool stream = false;

    broker_client_name(options->topology.farm, options->program, name);
    const struct broker_options settings = options_broker(options, name);
    broker_close(reading->broker);
    reading->broker = NULL;
    int error = broker_open(&settings, &reading->broker, why);
    if (!error)
        error = broker_query_queue(reading->broker, reading->queue, &state, why);
    if (error == -ERR_MISSING)
        return error_set(why, ERR_UNAVAILABLE,
                         "there is no queue '%s': no worker has run in the farm '%s'",
                         reading->queue, options->topology.farm);
    if (!error)
        error = broker_query_stream(reading->broker, reading->queue, &stream, why);
    if (!error && !stream)
        error =
            error_set(why, ERR_CONFIG,
                      "'%s' is a queue: who reads a result there takes it from the others; give "
                      "winnow-autoscaler --results-type stream in a farm that shall keep them",
                      reading->queue);
    return error;
}

/* The last N are those before the end, which the last ones tell: what is there at that place comes
 * as several at once. */
static int find_last(struct reading *reading, struct broker_offset *from, struct why *why)
{
    int error = consume(reading, &(struct broker_offset){.from = BROKER_FROM_LAST}, false, why);

    if (error)
        return error;
    reading->most = reading->next;
    reading->least =
        reading->next > reading->options->last ? reading->next - reading->options->last : 0;
    *from = (struct broker_offset){BROKER_FROM_OFFSET, (uint64_t)reading->least};
    return connect(reading, why);
}

static int print(struct reading *reading, struct why *why)
{
    const struct ctl_options *options = reading->options;
    struct broker_offset from = {.from = options->follow ? BROKER_FROM_NEXT : BROKER_FROM_FIRST};
    int error = connect(reading, why);

    reading->most = INT64_MAX;
    if (!error && options->since_s >= 0)
        from = (struct broker_offset){BROKER_FROM_TIME, (uint64_t)options->since_s};
    if (!error && options->last >= 0)
        error = find_last(reading, &from, why);
    if (error || (reading->least == reading->most && !options->follow))
        return error;
    if (options->follow)
        reading->most = INT64_MAX;
    reading->prints = true;
    return consume(reading, &from, options->follow, why);
}

int results_print(const struct ctl_options *options, FILE *out, struct why *why)
{
    struct reading reading = {.options = options,
                              .queue = options->common.topology.results,
                              .properties = broker_properties_open(),
                              .out = out};
    int error = reading.properties ? signals_open(&reading.signal_fd, why)
                                   : error_set(why, ERR_MEMORY, "out of memory");

    if (!error)
        error = print(&reading, why);
    broker_close(reading.broker);
    broker_properties_close(reading.properties);
    free(reading.json.bytes);
    return error;
}
