/* Declaring, looking at and deleting what the broker holds; each call waits for its answer. */
#include "internal.h"

#include "clock.h"

#define MAX_ARGUMENTS 8
#define SEND_NS       (10 * CLOCK_NS_PER_S)

/* Begins every call here: the library may send only when nothing of ours waits to be. */
static int begin(struct broker *broker, struct why *why)
{
    return broker_flush_all(broker, clock_now_ns() + SEND_NS, why);
}

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
        } else {
            entries[count].value.kind = AMQP_FIELD_KIND_I64;
            entries[count].value.value.i64 = argument->number;
        }
    }
    return (amqp_table_t){count, entries};
}

/* Ends every call here: what was asked of which entity belongs in front of the broker's words. */
static int finish(struct broker *broker, const char *kind, const char *name, struct why *why)
{
    int error = broker_fail_reply(broker, amqp_get_rpc_reply(broker->amqp), why);

    if (error == -ERR_CONFIG)
        error_prefix(why,
                     "%s '%s' exists with other arguments; delete it or start with the ones it has",
                     kind, name);
    else if (error)
        error_prefix(why, "%s '%s'", kind, name);
    return error;
}

int broker_declare_queue(struct broker *broker, const struct broker_queue *queue,
                         struct broker_queue_state *state, struct why *why)
{
    amqp_table_entry_t entries[MAX_ARGUMENTS];
    int error = begin(broker, why);

    if (error)
        return error;
    const amqp_queue_declare_ok_t *ok = amqp_queue_declare(
        broker->amqp, BROKER_CHANNEL, amqp_cstring_bytes(queue->name), queue->passive,
        queue->durable, queue->exclusive, 0, to_table(queue->arguments, entries));

    if (ok && state)
        *state = (struct broker_queue_state){ok->message_count, ok->consumer_count};
    return finish(broker, "queue", queue->name, why);
}

int broker_declare_fanout(struct broker *broker, const char *exchange, struct why *why)
{
    int error = begin(broker, why);

    if (error)
        return error;
    amqp_exchange_declare(broker->amqp, BROKER_CHANNEL, amqp_cstring_bytes(exchange),
                          amqp_cstring_bytes("fanout"), 0, 1, 0, 0, amqp_empty_table);
    return finish(broker, "exchange", exchange, why);
}

int broker_find_exchange(struct broker *broker, const char *exchange, struct why *why)
{
    int error = begin(broker, why);

    if (error)
        return error;
    amqp_exchange_declare(broker->amqp, BROKER_CHANNEL, amqp_cstring_bytes(exchange),
                          amqp_cstring_bytes("fanout"), 1, 1, 0, 0, amqp_empty_table);
    return finish(broker, "exchange", exchange, why);
}

int broker_bind(struct broker *broker, const char *queue, const char *exchange, struct why *why)
{
    int error = begin(broker, why);

    if (error)
        return error;
    amqp_queue_bind(broker->amqp, BROKER_CHANNEL, amqp_cstring_bytes(queue),
                    amqp_cstring_bytes(exchange), amqp_empty_bytes, amqp_empty_table);
    return finish(broker, "binding of queue", queue, why);
}

int broker_delete_queue(struct broker *broker, const char *queue, struct why *why)
{
    int error = begin(broker, why);

    if (error)
        return error;
    amqp_queue_delete(broker->amqp, BROKER_CHANNEL, amqp_cstring_bytes(queue), 0, 0);
    return finish(broker, "queue", queue, why);
}

int broker_enable_confirms(struct broker *broker, struct why *why)
{
    int error = begin(broker, why);

    if (error)
        return error;
    amqp_confirm_select(broker->amqp, BROKER_CHANNEL);
    return broker_fail_reply(broker, amqp_get_rpc_reply(broker->amqp), why);
}
