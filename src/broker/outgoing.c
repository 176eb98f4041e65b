/* What is to be sent. Over plain TCP, published messages, acknowledgements and declarations gather
 * here and go out together, in one write instead of three for each message; nothing here waits for
 * the socket. Over TLS the library alone can write, and sends each frame at once. */
#include "internal.h"

#include "buffer.h"
#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

/* So many bytes are worth a write of their own. Writing more at once is no cheaper. */
#define BATCH_BYTES 16384

/* A buffer that grew beyond this for a large body is freed when it is empty. */
#define KEEP_BYTES (1u << 20)

/* A frame: type, channel, size, payload, and a byte that ends it. */
#define HEAD_BYTES 7

/* No method frame that is sent from here is larger: it holds two names of up to 255 bytes, or one
 * and the arguments of a queue, which are few and short. */
#define METHOD_BYTES 1024

static void put(char *bytes, uint64_t number, int length)
{
    while (length--) {
        bytes[length] = (char)(number & 0xff);
        number >>= 8;
    }
}

/* Puts the head and the end around a payload that is in its place already; returns the frame's
 * size. */
static size_t enframe(char *frame, int type, size_t payload)
{
    put(frame, (uint64_t)type, 1);
    put(frame + 1, BROKER_CHANNEL, 2);
    put(frame + 3, payload, 4);
    put(frame + HEAD_BYTES + payload, AMQP_FRAME_END, 1);
    return HEAD_BYTES + payload + 1;
}

/* So many free bytes after those that wait; NULL when out of memory. */
static char *reserve(struct broker *broker, size_t bytes)
{
    struct outgoing *out = &broker->outgoing;

    if (!buffer_reserve(&out->bytes, &out->capacity, out->end + bytes))
        return NULL;
    return out->bytes + out->end;
}

/* The size of the method's frame, or the library's (negative) status. */
static int encode_method(char *frame, size_t size_limit, amqp_method_number_t id, void *method)
{
    size_t overhead = HEAD_BYTES + 4 + 1;
    int size = amqp_encode_method(
        id, method, (amqp_bytes_t){.len = size_limit - overhead, .bytes = frame + HEAD_BYTES + 4});

    if (size < 0)
        return size;
    put(frame + HEAD_BYTES, id, 4);
    return (int)enframe(frame, AMQP_FRAME_METHOD, 4 + (size_t)size);
}

int broker_append(struct broker *broker, const char *frame, size_t length, struct why *why)
{
    char *place = reserve(broker, length);

    if (!place)
        return broker_fail_status(broker, AMQP_STATUS_NO_MEMORY, why);
    memcpy(place, frame, length);
    broker->outgoing.end += length;
    return 0;
}

int broker_queue_method(struct broker *broker, amqp_method_number_t id, void *method,
                        struct why *why)
{
    if (broker->tls) {
        int status = amqp_send_method(broker->amqp, BROKER_CHANNEL, id, method);
        return status == AMQP_STATUS_OK ? 0 : broker_fail_status(broker, status, why);
    }
    char *frame = reserve(broker, METHOD_BYTES);
    if (!frame)
        return broker_fail_status(broker, AMQP_STATUS_NO_MEMORY, why);
    int size = encode_method(frame, METHOD_BYTES, id, method);
    if (size < 0)
        return broker_fail_status(broker, size, why);
    broker->outgoing.end += (size_t)size;
    return 0;
}

int broker_send_method(struct broker *broker, amqp_method_number_t id, void *method,
                       struct why *why)
{
    int error = broker_queue_method(broker, id, method, why);

    return error ? error : broker_flush(broker, why);
}

size_t broker_properties_limit_bytes(const struct broker *broker)
{
    return broker->frame_max - BROKER_FRAME_OVERHEAD - BROKER_CONTENT_OVERHEAD;
}

static int too_large(size_t limit, struct why *why)
{
    return error_set(why, ERR_INVALID,
                     "the properties and headers need more than the %zu bytes of a frame", limit);
}

/* Appends the frames of a message: all of them or none. */
static int queue_message(struct broker *broker, amqp_basic_publish_t *method,
                         const struct broker_properties *properties, struct broker_bytes body,
                         struct why *why)
{
    size_t part = broker->frame_max - BROKER_FRAME_OVERHEAD;
    size_t parts = (body.length + part - 1) / part;
    char *start = reserve(broker, METHOD_BYTES + broker->frame_max + body.length +
                                      parts * BROKER_FRAME_OVERHEAD);
    if (!start)
        return broker_fail_status(broker, AMQP_STATUS_NO_MEMORY, why);

    char *frame = start;
    int size = encode_method(frame, METHOD_BYTES, AMQP_BASIC_PUBLISH_METHOD, method);
    if (size < 0)
        return broker_fail_status(broker, size, why);
    frame += size;

    char *content = frame + HEAD_BYTES;
    size_t limit = broker_properties_limit_bytes(broker);
    size = amqp_encode_properties(
        AMQP_BASIC_CLASS, (void *)(uintptr_t)&properties->amqp,
        (amqp_bytes_t){.len = limit, .bytes = content + BROKER_CONTENT_OVERHEAD});
    if (size < 0)
        return too_large(limit, why);
    put(content, AMQP_BASIC_CLASS, 2);
    put(content + 2, 0, 2);
    put(content + 4, body.length, 8);
    frame += enframe(frame, AMQP_FRAME_HEADER, BROKER_CONTENT_OVERHEAD + (size_t)size);

    for (size_t done = 0; done < body.length; done += part) {
        size_t length = body.length - done < part ? body.length - done : part;
        memcpy(frame + HEAD_BYTES, body.bytes + done, length);
        frame += enframe(frame, AMQP_FRAME_BODY, length);
    }
    broker->outgoing.end += (size_t)(frame - start);
    return 0;
}

/* amqp_basic_publish would cut the body into frames as large as those that are taken in, which the
 * broker did not agree to. */
static int send_message(struct broker *broker, amqp_basic_publish_t *method,
                        const struct broker_properties *properties, struct broker_bytes body,
                        struct why *why)
{
    size_t part = broker->frame_max - BROKER_FRAME_OVERHEAD;
    amqp_frame_t header = {.frame_type = AMQP_FRAME_HEADER, .channel = BROKER_CHANNEL};
    amqp_frame_t fragment = {.frame_type = AMQP_FRAME_BODY, .channel = BROKER_CHANNEL};

    /* The library finds out only after it has sent the method frame. */
    size_t limit = broker_properties_limit_bytes(broker);
    if (broker_properties_size(properties, limit) < 0)
        return too_large(limit, why);
    header.payload.properties.class_id = AMQP_BASIC_CLASS;
    header.payload.properties.body_size = body.length;
    header.payload.properties.decoded = (void *)(uintptr_t)&properties->amqp;
    int status = amqp_send_method(broker->amqp, BROKER_CHANNEL, AMQP_BASIC_PUBLISH_METHOD, method);
    if (status == AMQP_STATUS_OK)
        status = amqp_send_frame(broker->amqp, &header);
    for (size_t done = 0; status == AMQP_STATUS_OK && done < body.length; done += part) {
        size_t length = body.length - done < part ? body.length - done : part;
        fragment.payload.body_fragment =
            broker_to_amqp((struct broker_bytes){body.bytes + done, length});
        status = amqp_send_frame(broker->amqp, &fragment);
    }
    return status == AMQP_STATUS_OK ? 0 : broker_fail_status(broker, status, why);
}

int broker_publish(struct broker *broker, const char *exchange, struct broker_bytes routing_key,
                   const struct broker_properties *properties, struct broker_bytes body,
                   bool mandatory, uint64_t *sequence, struct why *why)
{
    amqp_basic_publish_t method = {.exchange = amqp_cstring_bytes(exchange),
                                   .routing_key = broker_to_amqp(routing_key),
                                   .mandatory = mandatory};

    if (routing_key.length > 255)
        return error_set(why, ERR_INVALID, "a routing key of %zu bytes; at most 255 are possible",
                         routing_key.length);
    int error = broker->tls ? send_message(broker, &method, properties, body, why)
                            : queue_message(broker, &method, properties, body, why);
    if (error)
        return error;
    broker->published++;
    if (sequence)
        *sequence = broker->published;
    return broker_backed_up(broker) ? broker_flush(broker, why) : 0;
}

bool broker_backed_up(const struct broker *broker)
{
    if (!broker->tls)
        return broker_unsent(broker) >= BATCH_BYTES;
    /* The library would wait for a full socket. */
    struct pollfd socket = {.fd = broker_socket(broker), .events = POLLOUT};
    return poll(&socket, 1, 0) == 0;
}

int broker_flush(struct broker *broker, struct why *why)
{
    struct outgoing *out = &broker->outgoing;

    if (!broker_unsent(broker))
        return 0;
    ssize_t sent;
    do
        sent = send(broker_socket(broker), out->bytes + out->first, broker_unsent(broker),
                    MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno == EAGAIN)
        return 0;
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) {
        /* Reading finds the end too, and before it what the broker said last. */
        out->first = out->end = 0;
        return 0;
    }
    if (sent < 0) {
        broker->end = BROKER_END_ELSE;
        return error_set(why, ERR_UNAVAILABLE, "lost the connection to the broker at %s: %s",
                         broker->where, strerror(errno));
    }
    out->sent_ns = clock_now_ns();
    out->first += (size_t)sent;
    size_t left = broker_unsent(broker);
    /* Moved to the front, so that the buffer stays small with a socket that never takes all. */
    if (out->first >= left) {
        memmove(out->bytes, out->bytes + out->first, left);
        out->first = 0;
        out->end = left;
    }
    if (!left && out->capacity > KEEP_BYTES) {
        free(out->bytes);
        out->bytes = NULL;
        out->capacity = 0;
    }
    return 0;
}

void broker_pace(struct broker *broker, int64_t pause_ns)
{
    broker->outgoing.pause_ns = pause_ns;
}

int broker_flush_at_leisure(struct broker *broker, struct why *why)
{
    const struct outgoing *out = &broker->outgoing;

    return out->pause_ns && clock_now_ns() - out->sent_ns < out->pause_ns
               ? 0
               : broker_flush(broker, why);
}

int broker_flush_all(struct broker *broker, int64_t deadline_ns, struct why *why)
{
    for (;;) {
        int error = broker_flush(broker, why);
        if (error || !broker_unsent(broker))
            return error;
        struct pollfd socket = {.fd = broker_socket(broker), .events = POLLOUT};
        struct timespec left;
        if (ppoll(&socket, 1, clock_left(deadline_ns, &left), NULL) == 0)
            return broker_fail_status(broker, AMQP_STATUS_TIMEOUT, why);
    }
}
