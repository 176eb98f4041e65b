#include "answering.h"

#include "clock.h"
#include "log.h"
#include "workers/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A longer answer is not kept for the next one. */
#define KEPT_MOST_BYTES ((size_t)64 << 10)

#define DIRECT_PREFIX "amq.rabbitmq.reply-to."

void answering_clear(struct answering *answering)
{
    free(answering->text.bytes);
    answering->text = (struct word_answer){0};
}

/* RabbitMQ's direct reply-to is no queue: a mandatory message to it arrives, and is returned as
 * well. */
static bool is_direct_reply(struct broker_bytes queue)
{
    return queue.length >= strlen(DIRECT_PREFIX) &&
           memcmp(queue.bytes, DIRECT_PREFIX, strlen(DIRECT_PREFIX)) == 0;
}

static int out_of_memory(struct why *why)
{
    return error_set(why, ERR_MEMORY, "out of memory");
}

static int write_answer(struct answering *answering, const struct batch_item *item)
{
    return item->faulty
               ? word_answer_fault(&answering->text, &item->request.fault)
               : word_answer_write(&answering->text, &item->request, answering->broadcast_every_ns);
}

/* Turns the properties of a request into those of its answer. Nothing of the request is copied but
 * its names, so that none can say what costs the connection. */
static int set_properties(const struct answering *answering, const struct batch_item *item)
{
    struct broker_properties *properties = answering->properties;
    struct broker_bytes type = broker_properties_get(properties, BROKER_TYPE);
    struct broker_bytes id = broker_properties_get(properties, BROKER_CORRELATION_ID);

    if (!id.bytes)
        id = broker_properties_get(properties, BROKER_MESSAGE_ID);
    broker_properties_reduce(properties);
    broker_properties_set(properties, BROKER_TYPE, type);
    broker_properties_set(properties, BROKER_CORRELATION_ID, id);
    broker_properties_set(properties, BROKER_CONTENT_TYPE, broker_text("application/json"));
    int error =
        broker_headers_add_text(properties, "winnow-worker", broker_text(answering->instance));
    return error || !item->redelivered ? error
                                       : broker_headers_add_true(properties, "winnow-redelivered");
}

static int publish_answer(struct answering *answering, struct broker *broker,
                          const struct batch_item *item, struct broker_bytes queue,
                          uint64_t *sequence, struct why *why)
{
    if (write_answer(answering, item) || set_properties(answering, item))
        return out_of_memory(why);
    int error = broker_publish(broker, "", queue, answering->properties,
                               (struct broker_bytes){answering->text.bytes, answering->text.length},
                               !is_direct_reply(queue), sequence, why);
    if (answering->text.capacity > KEPT_MOST_BYTES)
        answering_clear(answering);
    return error;
}

static int publish_dead(struct answering *answering, struct broker *broker,
                        const struct batch_item *item, const struct reply *reply,
                        uint64_t *sequence, struct why *why)
{
    char reason[REPLY_REASON_SIZE];
    const struct lines_fault *fault = &item->request.fault;
    uint64_t unlogged;

    if (!item->dead && fault->line)
        snprintf(reason, sizeof reason, "line %u: %.*s", fault->line, REPLY_REASON_SIZE - 20,
                 fault->why.text);
    else
        snprintf(reason, sizeof reason, "%.*s", REPLY_REASON_SIZE - 1,
                 item->dead ? item->dead : fault->why.text);
    if (log_limit_allows(&answering->dead_log, clock_now_ns(), &unlogged))
        log_event(LOG_WARN, "dead", "queue=%s reason=\"%s\" unlogged=%llu",
                  answering->topology->dead, reason, (unsigned long long)unlogged);
    if (reply_dead(answering->properties, reply, reason))
        return out_of_memory(why);
    return broker_publish(broker, answering->topology->dead, broker_text(""), answering->properties,
                          item->body, true, sequence, why);
}

int answering_publish(struct answering *answering, struct broker *broker,
                      const struct batch_item *item, uint64_t *sequence, struct why *why)
{
    const struct reply reply = {.worker = answering->instance,
                                .redelivered = item->redelivered,
                                .limit_bytes = broker_properties_limit_bytes(broker)};

    *sequence = 0;
    /* Of malformed properties nothing is left. */
    if (broker_properties_decode(answering->properties, item->raw_properties) == -ERR_MEMORY)
        return out_of_memory(why);
    struct broker_bytes queue = broker_properties_get(answering->properties, BROKER_REPLY_TO);
    if (item->dead || (item->faulty && !queue.length))
        return publish_dead(answering, broker, item, &reply, sequence, why);
    if (!queue.length)
        return 0;
    return publish_answer(answering, broker, item, queue, sequence, why);
}

void answering_lost(struct answering *answering, const char *reason, struct broker_bytes queue)
{
    uint64_t unlogged;

    if (log_limit_allows(&answering->lost_log, clock_now_ns(), &unlogged))
        log_event(LOG_INFO, "answer_lost", "queue=\"%.*s\" why=\"%s\" unlogged=%llu",
                  (int)queue.length, queue.bytes ? queue.bytes : "", reason,
                  (unsigned long long)unlogged);
}
