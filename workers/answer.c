#include "answer.h"

#include "log.h"
#include "reply.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistr.h>

/* A reason may quote the sender's bytes, but a text header is UTF-8; cut to what reply_dead takes. */
static void copy_reason(char copy[REPLY_REASON_SIZE], const char *reason)
{
    size_t length = strnlen(reason, REPLY_REASON_SIZE - 1);

    memcpy(copy, reason, length);
    copy[length] = '\0';
    if (!u8_check((const uint8_t *)copy, length))
        return;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)copy[i] >= 0x80)
            copy[i] = '?';
}

/* Sends the message whose properties are at hand to FARM.dead. */
static int publish_dead(struct answerer *answerer, const struct reply *reply,
                        struct broker_bytes body, const char *reason, struct why *why)
{
    char copy[REPLY_REASON_SIZE];

    copy_reason(copy, reason);
    if (reply_dead(answerer->properties, reply, copy))
        return error_set(why, ERR_MEMORY, "out of memory");
    answerer->sending(answerer->context);
    log_event(LOG_WARN, "dead", "queue=%s reason=\"%s\"", answerer->topology->dead, copy);
    return broker_publish(answerer->broker, answerer->topology->dead, (struct broker_bytes){"", 0},
                          answerer->properties, body, true, NULL, why);
}

/* RabbitMQ's direct reply-to is no queue: a mandatory answer to it arrives and is returned as well. */
static bool is_direct_reply(struct broker_bytes reply_to)
{
    static const char prefix[] = "amq.rabbitmq.reply-to.";

    return reply_to.length >= sizeof prefix - 1 &&
           memcmp(reply_to.bytes, prefix, sizeof prefix - 1) == 0;
}

/* Why an event cannot be handled, from its properties and size alone: 0, or -ERR_INVALID. */
static int check(const struct answerer *answerer, const struct answer_event *event, struct why *why)
{
    struct broker_bytes encoding =
        broker_properties_get(answerer->properties, BROKER_CONTENT_ENCODING);
    struct broker_bytes reply_to = broker_properties_get(answerer->properties, BROKER_REPLY_TO);

    if (event->poison)
        return error_set(why, ERR_INVALID,
                         "poison: it crashed or hung its worker as often as --max-attempts allows");
    if (event->body.length > answerer->max_body_bytes)
        return error_set(why, ERR_INVALID, "body of %zu bytes; at most %zu are accepted",
                         event->body.length, answerer->max_body_bytes);
    if (encoding.length && (encoding.length != strlen("utf-8") ||
                            strncasecmp(encoding.bytes, "utf-8", encoding.length) != 0))
        return error_set(why, ERR_INVALID, "content_encoding '%.*s'; expected utf-8 or none",
                         (int)encoding.length, encoding.bytes);
    if (reply_to.bytes && topology_reserves(answerer->topology, reply_to))
        return error_set(why, ERR_INVALID, "reply_to names the farm's own queue '%.*s'",
                         (int)reply_to.length, reply_to.bytes);
    return 0;
}

/* Handles the event and publishes its result. -ERR_INVALID: nothing was published, the event is dead. */
static int handle(struct answerer *answerer, const struct answer_event *event,
                  const struct reply *reply, struct why *why)
{
    struct broker_properties *properties = answerer->properties;
    struct worker_output output = {0};
    const char *body = event->body.bytes;
    size_t body_length = event->body.length;

    int error = check(answerer, event, why);
    if (error)
        return error;
    struct broker_bytes type = broker_properties_get(properties, BROKER_CONTENT_TYPE);
    error = event_parse(&answerer->event, event_is_json(type.bytes, type.length), body, body_length,
                        why);
    if (error)
        return error;
    error = answerer->job->handle(answerer->job->context, answerer->event.text,
                                  answerer->event.text_length, &output, why);
    if (error)
        return error;
    if (output.matches)
        error = event_build(&answerer->event, output.text, output.length, &body, &body_length);
    if (error)
        return error;

    struct broker_bytes reply_to = broker_properties_get(properties, BROKER_REPLY_TO);
    if (!reply_to.length)
        reply_to = broker_text(answerer->topology->results);
    struct reply said = *reply;
    said.matches = output.matches;
    if (reply_result(properties, &said))
        return error_set(why, ERR_MEMORY, "out of memory");
    answerer->sending(answerer->context);
    return broker_publish(answerer->broker, "", reply_to, properties,
                          (struct broker_bytes){body, body_length}, !is_direct_reply(reply_to),
                          NULL, why);
}

int answer_event(struct answerer *answerer, const struct answer_event *event, struct why *why)
{
    struct reply reply = {.worker = answerer->worker,
                          .matches = -1,
                          .redelivered = event->redelivered,
                          .room_bytes = broker_properties_room(answerer->broker)};
    struct why reason = {0};

    int error = broker_properties_decode(answerer->properties, event->raw_properties);
    if (error == -ERR_INVALID)
        error_set(&reason, ERR_INVALID, "malformed properties");
    else if (!error)
        error = handle(answerer, event, &reply, &reason);
    if (error == -ERR_INVALID)
        return publish_dead(answerer, &reply, event->body, reason.text, why);
    if (error)
        *why = reason;
    return error;
}

int answer_returned(struct answerer *answerer, const struct broker_event *returned, struct why *why)
{
    char reason[512];

    if (returned->exchange.length)
        return error_set(why, ERR_UNAVAILABLE, "'%s' takes no messages", answerer->topology->dead);
    if (broker_properties_decode(answerer->properties, returned->raw_properties))
        return error_set(why, ERR_UNAVAILABLE, "a returned message has malformed properties");
    snprintf(reason, sizeof reason, "unroutable result: no queue '%.*s' (%.*s)",
             (int)returned->routing_key.length, returned->routing_key.bytes,
             (int)returned->text.length, returned->text.bytes);

    struct reply reply = {
        .worker = answerer->worker,
        .matches = -1,
        .redelivered = broker_headers_has(answerer->properties, "winnow-redelivered"),
        .headers_dropped = broker_headers_has(answerer->properties, "winnow-headers-dropped"),
        .room_bytes = broker_properties_room(answerer->broker)};
    broker_headers_get_int(answerer->properties, "winnow-matches", &reply.matches);
    return publish_dead(answerer, &reply, returned->body, reason, why);
}
