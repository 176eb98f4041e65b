/* internal.h - what the files of the broker room share. Nobody else includes it. */
#ifndef WINNOW_BROKER_INTERNAL_H
#define WINNOW_BROKER_INTERNAL_H

#include "broker.h"

#include <amqp.h>
#include <amqp_framing.h>

#define BROKER_CHANNEL 1

/* A frame on the wire is a 7-byte head, the payload, and an end byte; a content header's payload starts
 * with 12 bytes of class, weight and body size. */
#define BROKER_FRAME_OVERHEAD   8
#define BROKER_CONTENT_OVERHEAD 12

struct broker_properties {
    amqp_pool_t pool; /* owns what decoding and appending allocate */
    amqp_basic_properties_t amqp;
    bool pool_used;
};

/* A message whose method frame has arrived and whose body may still be coming in. */
struct incoming {
    struct broker_event event;
    char *held; /* exchange, routing key, properties and return text, copied */
    size_t held_capacity, held_length;
    char *body; /* assembled here only when it spans several frames */
    size_t body_capacity, body_length;
    uint64_t body_size;
    enum expected { INCOMING_NONE, INCOMING_HEADER, INCOMING_BODY } expects;
};

/* Frames that wait to be sent: bytes[first .. end). Only ever empty over TLS. */
struct outgoing {
    char *bytes;
    size_t capacity, first, end;
    int64_t sent_ns;    /* when something was last sent */
    int64_t checked_ns; /* when it was last looked whether the broker still is */
};

struct broker {
    amqp_connection_state_t amqp;
    char where[300]; /* host:port, for messages */
    size_t frame_max;
    int64_t heartbeat_ns;
    uint64_t published;
    unsigned cancels; /* they number the consumer's tag */
    bool tls, opened, broken, blocked;
    struct incoming incoming;
    struct outgoing outgoing;
};

static inline amqp_bytes_t broker_to_amqp(struct broker_bytes bytes)
{
    return (amqp_bytes_t){.len = bytes.length, .bytes = (void *)(uintptr_t)bytes.bytes};
}

static inline struct broker_bytes broker_from_amqp(amqp_bytes_t bytes)
{
    return (struct broker_bytes){bytes.bytes ? bytes.bytes : "", bytes.len};
}

/* Frees everything without a goodbye, and so without waiting. Takes NULL. */
void broker_drop(struct broker *broker);

/* Each turns the library's or the broker's word into our error and text, and marks the connection broken. */
int broker_fail_status(struct broker *broker, int status, struct why *why);
int broker_fail_reply(struct broker *broker, amqp_rpc_reply_t reply, struct why *why);
int broker_fail_closed(struct broker *broker, amqp_method_t method, struct why *why);

/* outgoing.c. Only when nothing waits may the library itself send anything over plain TCP. */
/* Appends a method to what waits ... */
int broker_queue_method(struct broker *broker, amqp_method_number_t id, void *method,
                        struct why *why);
/* ... and this sends it without waiting. */
int broker_send_method(struct broker *broker, amqp_method_number_t id, void *method,
                       struct why *why);
/* Sends all that waits; -ERR_UNAVAILABLE when the socket has not taken it by the deadline. */
int broker_flush_all(struct broker *broker, int64_t deadline_ns, struct why *why);
/* After the log-in. */
int broker_take_over_heartbeats(struct broker *broker, struct why *why);
/* Sends a heartbeat if one is due. */
int broker_beat(struct broker *broker, struct why *why);
/* -ERR_UNAVAILABLE when nothing has been heard of the broker for two heartbeats. Only when nothing is left to
 * be read. */
int broker_check_alive(struct broker *broker, struct why *why);

/* tls.c: makes the connection's socket a TLS one; 0 or -ERR_CONFIG. */
struct amqp_socket_t_;
int broker_tls_socket(struct broker *broker, const struct broker_options *options,
                      struct amqp_socket_t_ **socket, struct why *why);

/* url.c */
struct broker_url {
    char *buffer; /* owns the texts */
    size_t buffer_length;
    const char *user, *password, *host, *vhost;
    int port;
    bool tls;
};
int broker_url_parse(const char *text, struct broker_url *url, struct why *why);
void broker_url_clear(struct broker_url *url);

#endif
