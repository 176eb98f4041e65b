#include "answer.h"

#include "log.h"
#include "reply.h"

#include <stdio.h>
#include <string.h>
#include <unistr.h>

int answer_check(const struct answerer *answerer, const struct delivery *delivery,
                 const struct broker_properties *properties, struct why *why)
{
    struct broker_bytes reply_to = broker_properties_get(properties, BROKER_REPLY_TO);

    if (delivery->body.length > answerer->max_body_bytes)
        return error_set(why, ERR_INVALID, "body of %zu bytes; at most %zu are accepted",
                         delivery->body.length, answerer->max_body_bytes);
    if (reply_to.bytes && topology_reserves(answerer->topology, reply_to))
        return error_set(why, ERR_INVALID, "reply_to names the farm's own queue '%.*s'",
                         (int)reply_to.length, reply_to.bytes);
    return 0;
}

static struct reply reply_to_delivery(const struct answerer *answerer,
                                      const struct delivery *delivery)
{
    return (struct reply){.worker = answerer->worker,
                          .redelivered = delivery->redelivered,
                          .without_properties = delivery->burial != BURIED_WHOLE,
                          .without_body = delivery->burial == BURIED_WITHOUT_BODY,
                          .limit_bytes = broker_properties_limit_bytes(answerer->broker)};
}

/* RabbitMQ's direct reply-to is no queue: a mandatory answer to it arrives and is returned as
 * well. */
static bool is_direct_reply(struct broker_bytes reply_to)
{
    static const char prefix[] = "amq.rabbitmq.reply-to.";

    return reply_to.length >= sizeof prefix - 1 &&
           memcmp(reply_to.bytes, prefix, sizeof prefix - 1) == 0;
}

int answer_result(struct answerer *answerer, const struct delivery *delivery,
                  struct broker_properties *properties, const struct job_result *result,
                  struct why *why)
{
    struct reply reply = reply_to_delivery(answerer, delivery);
    struct broker_bytes body = result->body.bytes ? result->body : delivery->body;
    struct broker_bytes reply_to = broker_properties_get(properties, BROKER_REPLY_TO);

    if (!reply_to.length)
        reply_to = broker_text(answerer->topology->results);
    int error = reply_result(properties, &reply, result);
    if (error == -ERR_INVALID)
        return error_set(why, ERR_INVALID,
                         "the result's content type or encoding is over 255 bytes long");
    if (error)
        return error_set(why, ERR_MEMORY, "out of memory");
    scoreboard_put_down(answerer->slot);
    scoreboard_set_state(answerer->slot, SCOREBOARD_SENDING);
    return broker_publish(answerer->broker, "", reply_to, properties, body,
                          !is_direct_reply(reply_to), NULL, why);
}

/* A reason may quote the sender's bytes, but a text header is UTF-8; cut to what a header takes. */
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

static int publish_dead(struct answerer *answerer, const struct broker_properties *properties,
                        struct broker_bytes body, const char *reason, struct why *why)
{
    scoreboard_set_state(answerer->slot, SCOREBOARD_SENDING);
    log_event(LOG_WARN, "dead", "queue=%s reason=\"%s\"", answerer->topology->dead, reason);
    return broker_publish(answerer->broker, answerer->topology->dead, (struct broker_bytes){"", 0},
                          properties, body, true, NULL, why);
}

int answer_dead(struct answerer *answerer, const struct delivery *delivery,
                struct broker_properties *properties, const char *reason, struct why *why)
{
    struct reply reply = reply_to_delivery(answerer, delivery);
    char copy[REPLY_REASON_SIZE];

    copy_reason(copy, reason);
    if (reply_dead(properties, &reply, copy))
        return error_set(why, ERR_MEMORY, "out of memory");
    scoreboard_put_down(answerer->slot);
    struct broker_bytes body = reply.without_body ? broker_text("") : delivery->body;
    return publish_dead(answerer, properties, body, copy, why);
}

int answer_returned(struct answerer *answerer, const struct broker_event *returned, struct why *why)
{
    struct broker_properties *properties = answerer->back_properties;
    char reason[512], copy[REPLY_REASON_SIZE];

    if (returned->exchange.length)
        return error_set(why, ERR_UNAVAILABLE, "'%s' takes no messages", answerer->topology->dead);
    if (broker_properties_decode(properties, returned->raw_properties))
        return error_set(why, ERR_UNAVAILABLE, "a returned message has malformed properties");
    snprintf(reason, sizeof reason, "unroutable result: no queue '%.*s' (%.*s)",
             (int)returned->routing_key.length, returned->routing_key.bytes,
             (int)returned->text.length, returned->text.bytes);
    copy_reason(copy, reason);
    if (reply_returned(properties, broker_properties_limit_bytes(answerer->broker), copy))
        return error_set(why, ERR_MEMORY, "out of memory");
    return publish_dead(answerer, properties, returned->body, copy, why);
}
