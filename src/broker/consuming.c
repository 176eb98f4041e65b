/* Beginning and ending a consumer, and settling what it was given. */
#include "internal.h"

#include "clock.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

/* Longest that the protocol can carry. */
#define TAG_SIZE 256

/* How long a last word may take to be read. */
#define LAST_WORD_NS (1 * CLOCK_NS_PER_S)

static amqp_bytes_t current_tag(const struct broker *broker, const char *tag, char text[TAG_SIZE])
{
    if (!broker->cancels)
        return amqp_cstring_bytes(tag);
    snprintf(text, TAG_SIZE, "%s/%u", tag, broker->cancels);
    return amqp_cstring_bytes(text);
}

int broker_consume(struct broker *broker, const char *queue, const char *tag, uint16_t prefetch,
                   bool exclusive, struct why *why)
{
    char text[TAG_SIZE];

    broker->acknowledges = prefetch != 0;
    if (prefetch) {
        amqp_basic_qos_t qos = {.prefetch_count = prefetch};
        int error = broker_queue_method(broker, AMQP_BASIC_QOS_METHOD, &qos, why);
        if (error)
            return error;
    }
    amqp_basic_consume_t consume = {.queue = amqp_cstring_bytes(queue),
                                    .consumer_tag = current_tag(broker, tag, text),
                                    .no_ack = prefetch == 0,
                                    .exclusive = exclusive};
    return broker_send_method(broker, AMQP_BASIC_CONSUME_METHOD, &consume, why);
}

static amqp_field_value_t offset_value(const struct broker_offset *offset)
{
    static const char *const names[] = {
        [BROKER_FROM_FIRST] = "first", [BROKER_FROM_LAST] = "last", [BROKER_FROM_NEXT] = "next"};

    if (offset->from == BROKER_FROM_OFFSET)
        return (amqp_field_value_t){.kind = AMQP_FIELD_KIND_I64,
                                    .value.i64 = (int64_t)offset->value};
    if (offset->from == BROKER_FROM_TIME)
        return (amqp_field_value_t){.kind = AMQP_FIELD_KIND_TIMESTAMP, .value.u64 = offset->value};
    return (amqp_field_value_t){.kind = AMQP_FIELD_KIND_UTF8,
                                .value.bytes = amqp_cstring_bytes(names[offset->from])};
}

int broker_consume_stream(struct broker *broker, const char *queue, const char *tag,
                          uint16_t prefetch, const struct broker_offset *offset, struct why *why)
{
    char text[TAG_SIZE];
    amqp_basic_qos_t qos = {.prefetch_count = prefetch};
    amqp_table_entry_t from = {.key = amqp_cstring_bytes("x-stream-offset"),
                               .value = offset_value(offset)};
    amqp_basic_consume_t consume = {.queue = amqp_cstring_bytes(queue),
                                    .consumer_tag = current_tag(broker, tag, text),
                                    .arguments = {1, &from}};
    int error = broker_queue_method(broker, AMQP_BASIC_QOS_METHOD, &qos, why);

    broker->acknowledges = true;
    return error ? error : broker_send_method(broker, AMQP_BASIC_CONSUME_METHOD, &consume, why);
}

int broker_cancel(struct broker *broker, const char *tag, struct why *why)
{
    char text[TAG_SIZE];
    amqp_basic_cancel_t cancel = {.consumer_tag = current_tag(broker, tag, text)};
    int error = broker_send_method(broker, AMQP_BASIC_CANCEL_METHOD, &cancel, why);

    broker->cancels++;
    return error;
}

int broker_ack(struct broker *broker, uint64_t delivery_tag, bool multiple, struct why *why)
{
    amqp_basic_ack_t ack = {.delivery_tag = delivery_tag, .multiple = multiple};

    return broker_queue_method(broker, AMQP_BASIC_ACK_METHOD, &ack, why);
}

int broker_requeue(struct broker *broker, uint64_t delivery_tag, bool multiple, struct why *why)
{
    amqp_basic_nack_t nack = {.delivery_tag = delivery_tag, .multiple = multiple, .requeue = 1};

    return broker_queue_method(broker, AMQP_BASIC_NACK_METHOD, &nack, why);
}

int broker_reject(struct broker *broker, uint64_t delivery_tag, struct why *why)
{
    amqp_basic_reject_t reject = {.delivery_tag = delivery_tag};

    return broker_queue_method(broker, AMQP_BASIC_REJECT_METHOD, &reject, why);
}

void broker_reject_last(struct broker *broker, uint64_t delivery_tag)
{
    int64_t deadline_ns = clock_now_ns() + LAST_WORD_NS;
    struct pollfd socket = {.fd = broker_socket(broker), .events = POLLIN};
    struct timespec left;
    char unread[4096];
    struct why why;

    if (broker_reject(broker, delivery_tag, &why) || broker_flush_all(broker, deadline_ns, &why))
        return;
    /* A socket that is closed while something in it is unread resets the connection, and the broker
     * might never see what was sent last. So it is read until the broker has come to the end. */
    shutdown(socket.fd, SHUT_WR);
    while (ppoll(&socket, 1, clock_left(deadline_ns, &left), NULL) == 1 &&
           recv(socket.fd, unread, sizeof unread, MSG_DONTWAIT) > 0)
        continue;
}
