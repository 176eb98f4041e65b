/* Declaring, querying and deleting queues, exchanges and bindings. */
#include "internal.h"

#include "clock.h"

#include <string.h>

#define MAX_ARGUMENTS 8
#define SEND_NS       (10 * CLOCK_NS_PER_S)

/* A channel beside the connection's own: what the broker refuses there costs no more than it. */
#define ASIDE_CHANNEL 2

static amqp_table_t to_table(const struct broker_argument *arguments,
                             amqp_table_entry_t entries[MAX_ARGUMENTS])
{
    int count = 0;

    for (; arguments && arguments[count].name && count < MAX_ARGUMENTS; count++) {
        const struct broker_argument *argument = &arguments[count];
        entries[count].key = amqp_cstring_bytes(argument->name);
        if (argument->text) {
            entries[count].value.kind = AMQP_FIELD_KIND_UTF8;
            entries[count].value.value.bytes = amqp_cstring_bytes(argument->text);
        } else if (argument->is_true) {
            entries[count].value.kind = AMQP_FIELD_KIND_BOOLEAN;
            entries[count].value.value.boolean = 1;
        } else {
            entries[count].value.kind = AMQP_FIELD_KIND_I64;
            entries[count].value.value.i64 = argument->number;
        }
    }
    return (amqp_table_t){count, entries};
}

int broker_declare_queue(struct broker *broker, const struct broker_queue *queue, struct why *why)
{
    amqp_table_entry_t entries[MAX_ARGUMENTS];
    amqp_queue_declare_t declare = {.queue = amqp_cstring_bytes(queue->name),
                                    .durable = queue->durable,
                                    .exclusive = queue->exclusive,
                                    .nowait = 1,
                                    .arguments = to_table(queue->arguments, entries)};

    return broker_queue_method(broker, AMQP_QUEUE_DECLARE_METHOD, &declare, why);
}

static int declare_exchange(struct broker *broker, const struct broker_exchange *exchange,
                            bool passive, struct why *why)
{
    amqp_exchange_declare_t declare = {.exchange = amqp_cstring_bytes(exchange->name),
                                       .type =
                                           amqp_cstring_bytes(exchange->topic ? "topic" : "fanout"),
                                       .passive = passive,
                                       .durable = exchange->durable,
                                       .auto_delete = exchange->auto_delete,
                                       .nowait = 1};

    return broker_queue_method(broker, AMQP_EXCHANGE_DECLARE_METHOD, &declare, why);
}

int broker_declare_exchange(struct broker *broker, const struct broker_exchange *exchange,
                            struct why *why)
{
    return declare_exchange(broker, exchange, false, why);
}

int broker_check_exchange(struct broker *broker, const struct broker_exchange *exchange,
                          struct why *why)
{
    return declare_exchange(broker, exchange, true, why);
}

int broker_bind(struct broker *broker, const char *queue, const char *exchange, const char *key,
                struct why *why)
{
    amqp_queue_bind_t bind = {.queue = amqp_cstring_bytes(queue),
                              .exchange = amqp_cstring_bytes(exchange),
                              .routing_key = amqp_cstring_bytes(key),
                              .nowait = 1};

    return broker_queue_method(broker, AMQP_QUEUE_BIND_METHOD, &bind, why);
}

int broker_unbind(struct broker *broker, const char *queue, const char *exchange, const char *key,
                  struct why *why)
{
    amqp_queue_unbind_t unbind = {.queue = amqp_cstring_bytes(queue),
                                  .exchange = amqp_cstring_bytes(exchange),
                                  .routing_key = amqp_cstring_bytes(key)};

    return broker_queue_method(broker, AMQP_QUEUE_UNBIND_METHOD, &unbind, why);
}

int broker_delete_queue(struct broker *broker, const char *queue, struct why *why)
{
    amqp_queue_delete_t delete = {.queue = amqp_cstring_bytes(queue), .nowait = 1};

    return broker_queue_method(broker, AMQP_QUEUE_DELETE_METHOD, &delete, why);
}

int broker_enable_confirms(struct broker *broker, struct why *why)
{
    amqp_confirm_select_t select = {.nowait = 1};

    return broker_queue_method(broker, AMQP_CONFIRM_SELECT_METHOD, &select, why);
}

int broker_ask_queue(struct broker *broker, const char *queue, struct why *why)
{
    amqp_queue_declare_t ask = {.queue = amqp_cstring_bytes(queue), .passive = 1};

    return broker_send_method(broker, AMQP_QUEUE_DECLARE_METHOD, &ask, why);
}

int broker_ask_purge(struct broker *broker, const char *queue, struct why *why)
{
    amqp_queue_purge_t ask = {.queue = amqp_cstring_bytes(queue)};

    return broker_send_method(broker, AMQP_QUEUE_PURGE_METHOD, &ask, why);
}

int broker_settle(struct broker *broker, struct why *why)
{
    int error = broker_flush_all(broker, clock_now_ns() + SEND_NS, why);

    if (error)
        return error;
    /* channel.flow(active) changes nothing, and is answered after everything before it. */
    amqp_channel_flow(broker->amqp, BROKER_CHANNEL, 1);
    return broker_fail_reply(broker, amqp_get_rpc_reply(broker->amqp), why);
}

int broker_query_queue(struct broker *broker, const char *queue, struct broker_queue_state *state,
                       struct why *why)
{
    int error = broker_flush_all(broker, clock_now_ns() + SEND_NS, why);

    if (error)
        return error;
    const amqp_queue_declare_ok_t *ok = amqp_queue_declare(
        broker->amqp, BROKER_CHANNEL, amqp_cstring_bytes(queue), 1, 0, 0, 0, amqp_empty_table);
    if (ok)
        *state = (struct broker_queue_state){ok->message_count, ok->consumer_count};
    return broker_fail_reply(broker, amqp_get_rpc_reply(broker->amqp), why);
}

/* The words with which the broker refused something on the channel aside, which it has closed. */
static bool speaks_of_stream(struct broker *broker, const amqp_channel_close_t *closed)
{
    static const char stream[] = "of queue type rabbit_stream_queue";
    amqp_channel_close_ok_t closed_ok = {0};
    bool found = memmem(closed->reply_text.bytes, closed->reply_text.len, stream, strlen(stream));

    amqp_send_method(broker->amqp, ASIDE_CHANNEL, AMQP_CHANNEL_CLOSE_OK_METHOD, &closed_ok);
    return found;
}

/* Of what type a queue is the broker tells nobody but who consumes it with an argument that no
 * queue takes: it names the type when a queue of that type has no such argument at all. A stream
 * has no priority of consumers, and of the others none is a text. */
static amqp_rpc_reply_t consume_wrongly(struct broker *broker, const char *queue)
{
    amqp_table_entry_t entry = {
        .key = amqp_cstring_bytes("x-priority"),
        .value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes("none")}};

    amqp_basic_consume(broker->amqp, ASIDE_CHANNEL, amqp_cstring_bytes(queue), amqp_empty_bytes, 0,
                       0, 0, (amqp_table_t){1, &entry});
    return amqp_get_rpc_reply(broker->amqp);
}

int broker_query_stream(struct broker *broker, const char *queue, bool *stream, struct why *why)
{
    int error = broker_flush_all(broker, clock_now_ns() + SEND_NS, why);

    *stream = false;
    if (error)
        return error;
    amqp_channel_open(broker->amqp, ASIDE_CHANNEL);
    error = broker_fail_reply(broker, amqp_get_rpc_reply(broker->amqp), why);
    if (error)
        return error;
    amqp_rpc_reply_t reply = consume_wrongly(broker, queue);
    if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION ||
        reply.reply.id != AMQP_CHANNEL_CLOSE_METHOD)
        return broker_fail_reply(
            broker,
            reply.reply_type == AMQP_RESPONSE_NORMAL
                ? amqp_channel_close(broker->amqp, ASIDE_CHANNEL, AMQP_REPLY_SUCCESS)
                : reply,
            why);
    *stream = speaks_of_stream(broker, reply.reply.decoded);
    amqp_maybe_release_buffers_on_channel(broker->amqp, ASIDE_CHANNEL);
    return 0;
}
