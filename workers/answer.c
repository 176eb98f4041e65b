#include "answer.h"

#include "clock.h"
#include "log.h"
#include "reply.h"
#include "result_copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#define DIRECT_PREFIX "amq.rabbitmq.reply-to."

/* RabbitMQ's direct reply-to is no queue: a mandatory answer to it arrives and is returned as
 * well. */
static bool is_direct_reply(struct broker_bytes reply_to)
{
    return reply_to.length >= strlen(DIRECT_PREFIX) &&
           memcmp(reply_to.bytes, DIRECT_PREFIX, strlen(DIRECT_PREFIX)) == 0;
}

/* Whether it has the form in which RabbitMQ hands them out, BASE64.KEY: what is published to any
 * other is confirmed and goes nowhere. */
static bool is_whole_direct_reply(struct broker_bytes reply_to)
{
    static const char base64[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_";
    const char *at = reply_to.bytes + strlen(DIRECT_PREFIX);
    const char *end = reply_to.bytes + reply_to.length, *begin = at;

    while (at < end && *at && strchr(base64, *at))
        at++;
    return at > begin && at + 1 < end && *at == '.';
}

int answer_check(const struct answerer *answerer, const struct delivery *delivery,
                 const struct broker_properties *properties, struct why *why)
{
    struct broker_bytes reply_to = broker_properties_get(properties, BROKER_REPLY_TO);

    if (delivery->body.length > answerer->max_body_bytes)
        return error_set(why, ERR_INVALID, "body of %zu bytes; at most %zu are accepted",
                         delivery->body.length, answerer->max_body_bytes);
    if (!reply_to.bytes)
        return 0;
    if (topology_reserves(answerer->topology, reply_to))
        return error_set(why, ERR_INVALID, "reply_to names the farm's own queue '%.*s'",
                         (int)reply_to.length, reply_to.bytes);
    if (is_direct_reply(reply_to) && !is_whole_direct_reply(reply_to))
        return error_set(why, ERR_INVALID, "reply_to is no direct reply-to of RabbitMQ: '%.*s'",
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

struct broker_bytes answer_queue(const struct answerer *answerer,
                                 const struct broker_properties *properties)
{
    struct broker_bytes reply_to = broker_properties_get(properties, BROKER_REPLY_TO);

    return reply_to.length ? reply_to : broker_text(answerer->topology->results);
}

/* ---- publishing ---- */

static int out_of_memory(struct why *why)
{
    return error_set(why, ERR_MEMORY, "out of memory");
}

static int publish_result(struct answerer *answerer, const struct delivery *delivery,
                          struct broker_properties *properties, struct why *why)
{
    const struct job_result *result = delivery->result;
    struct reply reply = reply_to_delivery(answerer, delivery);
    int error = reply_result(properties, &reply, result);

    if (error == -ERR_INVALID)
        return error_set(why, ERR_INVALID,
                         "the result's content type or encoding is over 255 bytes long");
    if (error)
        return out_of_memory(why);
    scoreboard_put_down(answerer->slot);
    scoreboard_set_state(answerer->slot, SCOREBOARD_SENDING);
    return broker_publish(answerer->broker, "", delivery->queue, properties,
                          result->body.bytes ? result->body : delivery->body,
                          !is_direct_reply(delivery->queue), NULL, why);
}

/* FARM.dead of somebody else's queue is there from the first event that is dead. */
static int need_dead(struct answerer *answerer, struct why *why)
{
    int error =
        answerer->has_dead ? 0 : topology_declare_dead(answerer->topology, answerer->broker, why);

    answerer->has_dead |= !error;
    return error;
}

/* The event as it came, or its result where there is one. */
static int publish_dead(struct answerer *answerer, const struct delivery *delivery,
                        struct broker_properties *properties, struct why *why)
{
    const struct job_result *result = delivery->result;
    struct reply reply = reply_to_delivery(answerer, delivery);
    int error = result ? reply_result(properties, &reply, result) : 0;

    if (!error)
        error = result ? reply_returned(properties, reply.limit_bytes, delivery->dead_reason)
                       : reply_dead(properties, &reply, delivery->dead_reason);
    if (error)
        return out_of_memory(why);
    scoreboard_put_down(answerer->slot);
    scoreboard_set_state(answerer->slot, SCOREBOARD_SENDING);
    error = need_dead(answerer, why);
    if (error)
        return error;
    struct broker_bytes body = reply.without_body             ? broker_text("")
                               : result && result->body.bytes ? result->body
                                                              : delivery->body;
    return broker_publish(answerer->broker, answerer->topology->dead, broker_text(""), properties,
                          body, true, NULL, why);
}

int answer_result(struct answerer *answerer, struct delivery *delivery,
                  struct broker_properties *properties, const struct job_result *result,
                  struct why *why)
{
    delivery->queue = answer_queue(answerer, properties);
    if (!delivery->queue.length) {
        scoreboard_put_down(answerer->slot);
        return ANSWER_NOWHERE;
    }
    delivery->message_id = broker_properties_get(properties, BROKER_MESSAGE_ID);
    delivery->correlation_id = broker_properties_get(properties, BROKER_CORRELATION_ID);
    if (!delivery->correlation_id.bytes)
        delivery->correlation_id = delivery->message_id;
    delivery->result = result_copy(result);
    return delivery->result ? publish_result(answerer, delivery, properties, why)
                            : out_of_memory(why);
}

/* A reason may quote the sender's bytes, but a text header is UTF-8; cut to what a header takes. */
static char *copy_reason(const char *reason)
{
    size_t length = strnlen(reason, REPLY_REASON_SIZE - 1);
    char *copy = strndup(reason, length);

    if (!copy || !u8_check((const uint8_t *)copy, length))
        return copy;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)copy[i] >= 0x80)
            copy[i] = '?';
    return copy;
}

/* From now on the answer is FARM.dead, for this reason. */
static int set_dead(struct answerer *answerer, struct delivery *delivery, const char *reason,
                    struct why *why)
{
    char *copy = copy_reason(reason);

    if (!copy)
        return out_of_memory(why);
    scoreboard_count_dead(answerer->slot);
    free(delivery->dead_reason);
    delivery->dead_reason = copy;
    return 0;
}

/* A whole backlog may be dead for one reason. */
static void tell_dead(struct answerer *answerer, const struct delivery *delivery)
{
    bool rejects = answerer->topology->rejects_dead;
    uint64_t unlogged;

    if (log_limit_allows(&answerer->dead_log, clock_now_ns(), &unlogged))
        log_event(LOG_WARN, "dead", "%s=%s reason=\"%s\" unlogged=%llu",
                  rejects ? "rejected_from" : "queue",
                  rejects ? answerer->topology->work : answerer->topology->dead,
                  delivery->dead_reason, (unsigned long long)unlogged);
}

static void drop_result(struct delivery *delivery)
{
    free(delivery->result);
    delivery->result = NULL;
}

int answer_dead(struct answerer *answerer, struct delivery *delivery,
                struct broker_properties *properties, const char *reason, struct why *why)
{
    int error = set_dead(answerer, delivery, reason, why);

    drop_result(delivery);
    if (error)
        return error;
    tell_dead(answerer, delivery);
    if (answerer->topology->rejects_dead) {
        scoreboard_put_down(answerer->slot);
        return ANSWER_REJECT;
    }
    return publish_dead(answerer, delivery, properties, why);
}

/* ---- once more ---- */

int answer_again(struct answerer *answerer, struct delivery *delivery, struct why *why)
{
    struct broker_properties *properties = answerer->back_properties;

    /* Of malformed properties nothing is left, as at the first time. */
    if (broker_properties_decode(properties, delivery->raw_properties) == -ERR_MEMORY)
        return out_of_memory(why);
    return delivery->dead_reason ? publish_dead(answerer, delivery, properties, why)
                                 : publish_result(answerer, delivery, properties, why);
}

int answer_refused(struct answerer *answerer, struct delivery *delivery, struct why *why)
{
    char reason[REPLY_REASON_SIZE];

    snprintf(reason, sizeof reason, "refused by '%.*s'", (int)delivery->queue.length,
             delivery->queue.bytes);
    drop_result(delivery);
    int error = set_dead(answerer, delivery, reason, why);
    if (error)
        return error;
    return answerer->topology->rejects_dead ? ANSWER_REJECT : answer_again(answerer, delivery, why);
}

static bool same(struct broker_bytes a, struct broker_bytes b)
{
    return a.length == b.length && (!a.length || memcmp(a.bytes, b.bytes, a.length) == 0);
}

bool answer_is(const struct delivery *delivery, const struct broker_event *returned,
               const struct broker_properties *properties)
{
    const struct job_result *result = delivery->result;

    return !delivery->dead_reason && same(delivery->queue, returned->routing_key) &&
           same(delivery->message_id, broker_properties_get(properties, BROKER_MESSAGE_ID)) &&
           same(delivery->correlation_id,
                broker_properties_get(properties, BROKER_CORRELATION_ID)) &&
           same(result->body.bytes ? result->body : delivery->body, returned->body);
}

int answer_returned(struct answerer *answerer, struct delivery *delivery,
                    const struct broker_event *returned, struct why *why)
{
    char reason[512];

    snprintf(reason, sizeof reason, "unroutable result: no queue '%.*s' (%.*s)",
             (int)returned->routing_key.length, returned->routing_key.bytes,
             (int)returned->text.length, returned->text.bytes);
    int error = set_dead(answerer, delivery, reason, why);
    if (error)
        return error;
    tell_dead(answerer, delivery);
    return answerer->topology->rejects_dead ? ANSWER_REJECT : answer_again(answerer, delivery, why);
}
