/* internal.h - what the files of this module share. Nobody else includes it but its tests. */
#ifndef WINNOW_BROKER_INTERNAL_H
#define WINNOW_BROKER_INTERNAL_H

#include "broker.h"

#include <amqp.h>
#include <amqp_framing.h>

#define BROKER_CHANNEL 1

#define BROKER_WHERE_SIZE 300

/* A frame on the wire is a 7-byte head, the payload, and an end byte; a content header's payload
 * starts with 12 bytes of class, weight and body size. */
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
    char *saved; /* exchange, routing key, properties and return text, copied */
    size_t saved_capacity;
    char *body; /* assembled here only when it spans several frames */
    size_t body_capacity, body_length;
    uint64_t body_size;
    enum expected { INCOMING_NONE, INCOMING_HEADER, INCOMING_BODY } expects;
};

/* Frames that wait to be sent: bytes[first .. end). Always empty over TLS. */
struct outgoing {
    char *bytes;
    size_t capacity, first, end;
    int64_t sent_ns;    /* when something was last sent */
    int64_t pause_ns;   /* between sending and sending again, while there is other work */
    int64_t checked_ns; /* when broker_check_alive last asked the kernel */
};

struct broker {
    amqp_connection_state_t amqp;
    size_t turn; /* of its URL among several */
    char where[BROKER_WHERE_SIZE];
    char vhost[256];
    size_t frame_max;
    int64_t heartbeat_ns;
    uint64_t published;
    unsigned cancels; /* how often broker_cancel was called; it numbers the consumer's tag */
    bool tls, opened, blocked;
    bool acknowledges;   /* what it is delivered */
    enum broker_end end; /* BROKER_END_NONE until it is broken */
    struct {
        int code; /* OpenSSL's X509_V_ERR_...; 0: none was refused */
        bool is_authoritys;
    } refused_certificate;
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

static inline int broker_socket(const struct broker *broker)
{
    return amqp_get_sockfd(broker->amqp);
}

/* Bytes that wait to be sent. */
static inline size_t broker_unsent(const struct broker *broker)
{
    return broker->outgoing.end - broker->outgoing.first;
}

/* Whether something that was read from the socket has not been taken yet. */
static inline bool broker_buffered(const struct broker *broker)
{
    return amqp_frames_enqueued(broker->amqp) || amqp_data_in_buffer(broker->amqp);
}

/* ---- failure.c ----
 * Each turns the library's or the broker's word into our error and explanation, and marks the
 * connection broken; broker_fail_reply only when the reply is an error, else it returns 0. */
int broker_fail_status(struct broker *broker, int status, struct why *why);
int broker_fail_reply(struct broker *broker, amqp_rpc_reply_t reply, struct why *why);
/* method: a channel.close or connection.close. */
int broker_fail_closed(struct broker *broker, amqp_method_t method, struct why *why);

/* ---- outgoing.c ----
 * Only when nothing waits may the library itself send anything over plain TCP. */
/* Appends a method to what waits to be sent. */
int broker_queue_method(struct broker *broker, amqp_method_number_t id, void *method,
                        struct why *why);
/* The same, and sends it without waiting for the socket. */
int broker_send_method(struct broker *broker, amqp_method_number_t id, void *method,
                       struct why *why);
/* Appends a whole frame. 0 or -ERR_MEMORY. Only over plain TCP. */
int broker_append(struct broker *broker, const char *frame, size_t length, struct why *why);
/* Sends what waits, if something has not just been sent: as broker_pace has it. */
int broker_flush_at_leisure(struct broker *broker, struct why *why);
/* Sends all that waits; -ERR_UNAVAILABLE when the socket has not taken it by the deadline. */
int broker_flush_all(struct broker *broker, int64_t deadline_ns, struct why *why);

/* ---- consuming.c ---- */
/* Rejects a delivery as the last thing that is done on the connection: waits, not for long, until
 * the broker has read it. */
void broker_reject_last(struct broker *broker, uint64_t delivery_tag);

/* ---- heartbeat.c ---- */
/* Sets the library up after the log-in: which frames it takes, and who sees to heartbeats. */
int broker_tune(struct broker *broker, struct why *why);
/* Sends a heartbeat if one is due. */
int broker_beat(struct broker *broker, struct why *why);
/* -ERR_UNAVAILABLE when nothing has been heard of the broker for two heartbeats. Only when nothing
 * is left to be read. */
int broker_check_alive(struct broker *broker, struct why *why);

/* ---- open.c ---- */
/* Frees everything without a goodbye, and so without waiting. Takes NULL. */
void broker_drop(struct broker *broker);

/* ---- tls.c ---- */
/* Makes the connection's socket a TLS one, which goes on only with a broker whose certificate is
 * for this host, a name or an address; 0, -ERR_CONFIG or -ERR_MEMORY. */
struct amqp_socket_t_;
int broker_tls_socket(struct broker *broker, const struct broker_options *options, const char *host,
                      struct amqp_socket_t_ **socket, struct why *why);
/* Says what is wrong with the refused certificate; -ERR_CONFIG. */
int broker_tls_fail_certificate(struct broker *broker, struct why *why);

/* ---- url.c ---- */
struct broker_url {
    char *buffer; /* owns the texts */
    size_t buffer_length;
    const char *user, *password, *host, *vhost;
    int port;
    bool tls;
};
/* Reads one URL, the first for turn 0, and after the last the first again. What it leaves out is
 * guest, guest, localhost, 5672 (5671 with TLS) and the virtual host "/"; with a slash and nothing
 * behind it the virtual host is "".
 *
 * 0 (release with broker_url_clear) or -ERR_INVALID with a reason that repeats no password. */
int broker_url_parse(const char *text, size_t turn, struct broker_url *url, struct why *why);
void broker_url_clear(struct broker_url *url);
/* HOST:PORT, for messages. */
void broker_url_where(const struct broker_url *url, char where[BROKER_WHERE_SIZE]);

#endif
