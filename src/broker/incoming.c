/* The frames that come in, put together to events. */
#include "internal.h"

#include "buffer.h"

#include <stdlib.h>
#include <sys/time.h>

/* The memory for assembling a body is freed afterwards when it has grown beyond this. */
#define BODY_KEEP_BYTES (4u << 20)

/* Copies what the event borrows from the library, which reuses its memory for the frames that
 * follow. */
static bool save(struct incoming *incoming)
{
    struct broker_bytes *parts[] = {&incoming->event.exchange, &incoming->event.routing_key,
                                    &incoming->event.raw_properties, &incoming->event.text};
    size_t total = 0, offset = 0;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        total += parts[i]->length;
    if (!buffer_reserve(&incoming->saved, &incoming->saved_capacity, total + 1))
        return false;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!parts[i]->bytes)
            continue;
        memcpy(incoming->saved + offset, parts[i]->bytes, parts[i]->length);
        parts[i]->bytes = incoming->saved + offset;
        offset += parts[i]->length;
    }
    return true;
}

/* Each take_ function returns 1 when the event is complete, 0 when more frames are needed, or an
 * error. */

static int take_header(struct broker *broker, const amqp_frame_t *frame)
{
    struct incoming *incoming = &broker->incoming;

    incoming->event.raw_properties = broker_from_amqp(frame->payload.properties.raw);
    incoming->body_size = frame->payload.properties.body_size;
    incoming->body_length = 0;
    incoming->event.body = (struct broker_bytes){"", 0};
    incoming->expects = incoming->body_size ? INCOMING_BODY : INCOMING_NONE;
    return incoming->body_size == 0;
}

static int take_body(struct broker *broker, const amqp_frame_t *frame, struct why *why)
{
    struct incoming *incoming = &broker->incoming;
    struct broker_bytes part = broker_from_amqp(frame->payload.body_fragment);

    if (incoming->body_length == 0 && part.length >= incoming->body_size) {
        incoming->event.body = part;
        incoming->expects = INCOMING_NONE;
        return 1;
    }
    if (incoming->body_length == 0 &&
        (incoming->body_size > SIZE_MAX || !save(incoming) ||
         !buffer_reserve(&incoming->body, &incoming->body_capacity, (size_t)incoming->body_size))) {
        broker->end = BROKER_END_ELSE;
        return error_set(why, ERR_MEMORY, "no memory for a message of %llu bytes",
                         (unsigned long long)incoming->body_size);
    }
    if (part.length > incoming->body_size - incoming->body_length)
        return broker_fail_status(broker, AMQP_STATUS_BAD_AMQP_DATA, why);
    memcpy(incoming->body + incoming->body_length, part.bytes, part.length);
    incoming->body_length += part.length;
    amqp_maybe_release_buffers(broker->amqp);
    if (incoming->body_length < incoming->body_size)
        return 0;
    incoming->event.body = (struct broker_bytes){incoming->body, incoming->body_length};
    incoming->expects = INCOMING_NONE;
    return 1;
}

static int take_method(struct broker *broker, const amqp_frame_t *frame, struct why *why)
{
    struct broker_event *event = &broker->incoming.event;
    const void *decoded = frame->payload.method.decoded;

    *event = (struct broker_event){0};
    switch (frame->payload.method.id) {
    case AMQP_BASIC_DELIVER_METHOD: {
        const amqp_basic_deliver_t *deliver = decoded;
        event->type = BROKER_DELIVERY;
        event->tag = deliver->delivery_tag;
        event->redelivered = deliver->redelivered;
        event->exchange = broker_from_amqp(deliver->exchange);
        event->routing_key = broker_from_amqp(deliver->routing_key);
        broker->incoming.expects = INCOMING_HEADER;
        return 0;
    }
    case AMQP_BASIC_RETURN_METHOD: {
        const amqp_basic_return_t *returned = decoded;
        event->type = BROKER_RETURNED;
        event->exchange = broker_from_amqp(returned->exchange);
        event->routing_key = broker_from_amqp(returned->routing_key);
        event->text = broker_from_amqp(returned->reply_text);
        broker->incoming.expects = INCOMING_HEADER;
        return 0;
    }
    case AMQP_BASIC_ACK_METHOD: {
        const amqp_basic_ack_t *ack = decoded;
        event->type = BROKER_CONFIRMED;
        event->tag = ack->delivery_tag;
        event->multiple = ack->multiple;
        return 1;
    }
    case AMQP_BASIC_NACK_METHOD: {
        const amqp_basic_nack_t *nack = decoded;
        event->type = BROKER_NACKED;
        event->tag = nack->delivery_tag;
        event->multiple = nack->multiple;
        return 1;
    }
    case AMQP_BASIC_CONSUME_OK_METHOD:
        event->type = BROKER_CONSUMING;
        return 1;
    case AMQP_BASIC_CANCEL_METHOD:
        event->type = BROKER_CANCELLED;
        return 1;
    case AMQP_BASIC_CANCEL_OK_METHOD:
        event->type = BROKER_CANCEL_OK;
        return 1;
    case AMQP_QUEUE_DECLARE_OK_METHOD: {
        const amqp_queue_declare_ok_t *ok = decoded;
        event->type = BROKER_QUEUE_STATE;
        event->text = broker_from_amqp(ok->queue);
        event->state = (struct broker_queue_state){ok->message_count, ok->consumer_count};
        return 1;
    }
    case AMQP_QUEUE_PURGE_OK_METHOD: {
        const amqp_queue_purge_ok_t *ok = decoded;
        event->type = BROKER_PURGED;
        event->state.ready_msgs = ok->message_count;
        return 1;
    }
    case AMQP_CHANNEL_CLOSE_METHOD:
        return broker_fail_closed(broker, frame->payload.method, why);
    default:
        return 0; /* the answer to basic.qos, for one */
    }
}

/* The connection's own methods may come between the frames of a message. */
static int take_connection_method(struct broker *broker, const amqp_frame_t *frame, struct why *why)
{
    switch (frame->payload.method.id) {
    case AMQP_CONNECTION_BLOCKED_METHOD:
        broker->blocked = true;
        return 0;
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
        broker->blocked = false;
        return 0;
    case AMQP_CONNECTION_CLOSE_METHOD:
        return broker_fail_closed(broker, frame->payload.method, why);
    default:
        return 0;
    }
}

static int take_frame(struct broker *broker, const amqp_frame_t *frame, struct why *why)
{
    enum expected expects = broker->incoming.expects;

    if (frame->frame_type == AMQP_FRAME_METHOD && frame->channel == 0)
        return take_connection_method(broker, frame, why);
    if (frame->frame_type == AMQP_FRAME_METHOD && expects == INCOMING_NONE)
        return take_method(broker, frame, why);
    if (frame->frame_type == AMQP_FRAME_HEADER && expects == INCOMING_HEADER)
        return take_header(broker, frame);
    if (frame->frame_type == AMQP_FRAME_BODY && expects == INCOMING_BODY)
        return take_body(broker, frame, why);
    if (frame->frame_type == AMQP_FRAME_HEARTBEAT)
        return 0;
    return broker_fail_status(broker, AMQP_STATUS_BAD_AMQP_DATA, why);
}

/* A delivery whose properties cannot be taken in would come back for ever: it is rejected, and its
 * queue's dead-letter exchange has it. */
static int fail_frame(struct broker *broker, int status, struct why *why)
{
    const struct incoming *incoming = &broker->incoming;
    bool unreadable = status == AMQP_STATUS_BAD_AMQP_DATA && broker->acknowledges &&
                      incoming->expects == INCOMING_HEADER &&
                      incoming->event.type == BROKER_DELIVERY;

    if (unreadable)
        broker_reject_last(broker, incoming->event.tag);
    int error = broker_fail_status(broker, status, why);
    if (unreadable)
        error_set(why, ERR_UNAVAILABLE,
                  "the broker at %s delivered a message whose properties cannot be read; it was "
                  "rejected to its dead-letter exchange",
                  broker->where);
    return error;
}

int broker_next(struct broker *broker, struct broker_event *event, struct why *why)
{
    struct timeval none = {0};
    amqp_frame_t frame;

    /* No event is half assembled: what the last one borrowed may be freed. */
    if (broker->incoming.expects == INCOMING_NONE) {
        amqp_maybe_release_buffers(broker->amqp);
        if (broker->incoming.body_capacity > BODY_KEEP_BYTES) {
            free(broker->incoming.body);
            broker->incoming.body = NULL;
            broker->incoming.body_capacity = 0;
        }
    }
    for (;;) {
        if (!broker_buffered(broker)) {
            int error = broker_flush_at_leisure(broker, why);
            if (!error)
                error = broker_beat(broker, why);
            if (error)
                return error;
        }
        int status = amqp_simple_wait_frame_noblock(broker->amqp, &frame, &none);
        if (status == AMQP_STATUS_TIMEOUT)
            return broker_check_alive(broker, why);
        if (status != AMQP_STATUS_OK)
            return fail_frame(broker, status, why);
        int taken = take_frame(broker, &frame, why);
        if (taken == 1)
            *event = broker->incoming.event;
        if (taken != 0)
            return taken;
    }
}

bool broker_blocked(const struct broker *broker)
{
    return broker->blocked;
}
