#include "send.h"

#include "answers.h"
#include "broker/broker.h"
#include "broker/connection.h"
#include "buffer.h"
#include "clock.h"
#include "printable.h"
#include "topology.h"
#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)64 << 10)

struct sending {
    const struct ctl_options *options;
    char id[24]; /* the event's message_id */
    char name[BROKER_NAME_SIZE];
    struct answers answers;
    struct connection *connection;
    struct broker *broker;
    struct broker_properties *properties;
    bool confirmed;
};

/* ---- connecting ---- */

static int connect(struct sending *sending, struct why *why)
{
    const struct options *options = &sending->options->common;
    const struct connection_settings settings = {.broker = options_broker(options, sending->name),
                                                 .set_up = answers_set_up,
                                                 .context = &sending->answers,
                                                 .context_bytes = sizeof sending->answers};
    int error = connection_open(&settings, &sending->connection, why);

    if (!error)
        error = connection_wait(sending->connection, -1,
                                clock_now_ns() + options->connect_timeout_ns, why);
    if (!error)
        sending->broker = connection_broker(sending->connection);
    return error;
}

/* A foreign queue's farm may have no FARM.dead yet, and not everybody may listen to it. Then the
 * event is sent all the same. */
static int connect_and_watch(struct sending *sending, struct why *why)
{
    int error = connect(sending, why);

    if ((error != -ERR_MISSING && error != -ERR_REFUSED) || !sending->answers.watches_dead)
        return error;
    connection_close(sending->connection);
    sending->connection = NULL;
    sending->answers.watches_dead = false;
    return connect(sending, why);
}

/* ---- the event ---- */

/* Standard input, whole. */
static int read_input(char **text, size_t *length, struct why *why)
{
    size_t capacity = 0, got = 1;

    while (got) {
        if (!buffer_reserve(text, &capacity, *length + PIECE_BYTES))
            return error_set(why, ERR_MEMORY, "out of memory");
        got = fread(*text + *length, 1, PIECE_BYTES, stdin);
        *length += got;
    }
    return ferror(stdin)
               ? error_set(why, ERR_SYSTEM, "cannot read standard input: %s", strerror(errno))
               : 0;
}

static int publish(struct sending *sending, struct broker_bytes body, struct why *why)
{
    const struct ctl_options *options = sending->options;
    const struct topology *topology = &options->common.topology;
    struct broker_properties *properties = sending->properties;

    /* Texts of these lengths are taken. */
    (void)broker_properties_set(properties, BROKER_MESSAGE_ID, broker_text(sending->id));
    if (options->type)
        (void)broker_properties_set(properties, BROKER_TYPE, broker_text(options->type));
    if (options->waits)
        (void)broker_properties_set(properties, BROKER_REPLY_TO, broker_text(ANSWERS_REPLY_TO));
    broker_properties_set_persistent(properties, true);
    return broker_publish(sending->broker, topology->events,
                          broker_text(topology->foreign ? topology->work : ""), properties, body,
                          true, NULL, why);
}

/* ---- what becomes of it ---- */

static bool is(struct broker_bytes bytes, const char *text)
{
    return bytes.length == strlen(text) && memcmp(bytes.bytes, text, bytes.length) == 0;
}

/* A shell's prompt shall begin a line. A file or a pipe gets the result's bytes alone. */
static void end_line_on_terminal(struct broker_bytes body, FILE *out)
{
    const char *bytes = body.bytes;

    if (isatty(fileno(out)) && (!body.length || bytes[body.length - 1] != '\n'))
        fputc('\n', out);
}

/* A copy of what went to FARM.dead, if it is this event. */
static bool take_dead(const struct sending *sending, struct why *why)
{
    struct broker_bytes reason = broker_headers_get_text(sending->properties, "winnow-reason");
    char text[400];

    if (!is(broker_properties_get(sending->properties, BROKER_MESSAGE_ID), sending->id))
        return false;
    printable_write(reason.bytes ? reason.bytes : "no reason is given", reason.length, false, text,
                    sizeof text);
    error_set(why, ERR_INVALID, "the event is dead: %s", text);
    return true;
}

/* True when all has come that is waited for. */
static bool take_delivery(const struct sending *sending, const struct broker_event *event,
                          bool *done, FILE *out, struct why *why)
{
    if (broker_properties_decode(sending->properties, event->raw_properties))
        return false;
    if (is(event->exchange, sending->options->common.topology.dead)) {
        *done = !take_dead(sending, why);
        return !*done;
    }
    if (!is(broker_properties_get(sending->properties, BROKER_CORRELATION_ID), sending->id))
        return false;
    fwrite(event->body.bytes, 1, event->body.length, out);
    end_line_on_terminal(event->body, out);
    return true;
}

static int nobody(const struct sending *sending, struct why *why)
{
    const struct topology *topology = &sending->options->common.topology;

    return topology->foreign
               ? error_set(why, ERR_UNAVAILABLE, "there is no queue '%s'", topology->work)
               : error_set(why, ERR_UNAVAILABLE,
                           "no queue takes events of the farm '%s'; start winnow-autoscaler or a "
                           "worker with --farm '%s'",
                           topology->farm, topology->farm);
}

/* *ended: nothing more is waited for. */
static int take(struct sending *sending, const struct broker_event *event, bool *ended, bool *done,
                FILE *out, struct why *why)
{
    switch (event->type) {
    case BROKER_RETURNED:
        return nobody(sending, why);
    case BROKER_NACKED:
        return error_set(why, ERR_TIMEOUT, "the queue refused the event: it is full; try again");
    case BROKER_CONFIRMED:
        sending->confirmed = true;
        *ended = !sending->options->waits;
        return 0;
    case BROKER_DELIVERY:
        *ended = take_delivery(sending, event, done, out, why);
        return 0;
    default:
        return 0;
    }
}

static int too_late(const struct sending *sending, struct why *why)
{
    char wait[UNITS_TEXT_SIZE];

    units_format_duration(sending->options->wait_ns, wait);
    if (!sending->confirmed)
        return error_set(why, ERR_TIMEOUT, "the broker did not confirm the event within %s", wait);
    return error_set(why, ERR_TIMEOUT,
                     "no result within %s; the event is with the farm, and its result will go "
                     "nowhere%s",
                     wait,
                     sending->answers.watches_dead
                         ? ""
                         : " (whether it went to FARM.dead could not be watched)");
}

static int await(struct sending *sending, bool *done, FILE *out, struct why *why)
{
    int64_t deadline_ns = clock_now_ns() + sending->options->wait_ns;
    bool ended = false;

    for (;;) {
        struct broker_event event;
        int got = broker_next(sending->broker, &event, why);
        if (got > 0)
            got = take(sending, &event, &ended, done, out, why);
        else if (got == 0 && clock_now_ns() >= deadline_ns)
            return too_late(sending, why);
        else if (got == 0)
            broker_wait(sending->broker, -1, deadline_ns);
        if (got == -ERR_MISSING)
            return nobody(sending, why);
        if (got < 0 || ended)
            return got;
    }
}

/* ---- all of it ---- */

static int init(struct sending *sending, const struct ctl_options *options, struct why *why)
{
    const char *farm = options->common.topology.farm;
    uint64_t random;

    *sending = (struct sending){.options = options};
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return error_set(why, ERR_SYSTEM, "no random number: %s", strerror(errno));
    sending->answers = (struct answers){.topology = &options->common.topology,
                                        .waits = options->waits,
                                        .watches_dead = options->waits};
    snprintf(sending->id, sizeof sending->id, "%016" PRIx64, random);
    snprintf(sending->answers.queue, sizeof sending->answers.queue, "%s.send.%s", farm,
             sending->id);
    broker_client_name(farm, options->common.program, sending->name);
    sending->properties = broker_properties_open();
    return sending->properties ? 0 : error_set(why, ERR_MEMORY, "out of memory");
}

int send_event(const struct ctl_options *options, bool *done, FILE *out, struct why *why)
{
    const char *argument = options->argument_count ? options->arguments[0] : "-";
    struct broker_bytes body = broker_text(argument);
    struct sending sending;
    char *text = NULL;
    int error = init(&sending, options, why);

    *done = true;
    if (!error && strcmp(argument, "-") == 0) {
        body.length = 0;
        error = read_input(&text, &body.length, why);
        body.bytes = text;
    }
    if (!error)
        error = connect_and_watch(&sending, why);
    if (!error)
        error = publish(&sending, body, why);
    if (!error)
        error = await(&sending, done, out, why);
    if (sending.broker)
        answers_leave(&sending.answers, sending.broker);
    connection_close(sending.connection);
    broker_properties_close(sending.properties);
    free(text);
    return error;
}
