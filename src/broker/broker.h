/* broker.h - AMQP 0-9-1 connections to RabbitMQ: the only module that knows rabbitmq-c.
 *
 * One struct broker is one TCP or TLS connection with one channel. It belongs to one thread at a
 * time and does not survive fork. Once a call has returned an error other than those it documents
 * as harmless, the connection is broken: close it and open another (connection.h does that by
 * itself). What was unacknowledged then comes back to its queue, and what was unconfirmed may or
 * may not have arrived.
 *
 * Where RabbitMQ refuses something because of a queue, an exchange or a limit, the explanation
 * tells which (error.h): ABOUT_QUEUE or ABOUT_EXCHANGE with -ERR_MISSING and -ERR_CONFIG,
 * ABOUT_LIMIT with -ERR_REFUSED. The name is empty where the 255 bytes of RabbitMQ's answer do not
 * hold it whole, as may be for names of over 200 bytes. */
#ifndef WINNOW_BROKER_H
#define WINNOW_BROKER_H

#include "error.h"
#include "properties.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BROKER_DEFAULT_URL "amqp://guest:guest@127.0.0.1:5672"
#define BROKER_URL_FORM                                                                            \
    "amqp://USER:PASSWORD@HOST:PORT/VHOST, or amqps:// for TLS; between several, commas alone"
#define BROKER_HEARTBEAT_S 5

/* Where and how to connect. The texts are borrowed for the time of the call. */
struct broker_options {
    /* One, or those of the brokers of one cluster, with commas between. */
    const char *url;
    size_t turn;               /* which of several is tried first; any number */
    const char *tls_ca_file;   /* NULL: the system's bundle */
    const char *tls_cert_file; /* NULL: no client certificate */
    const char *tls_key_file;
    const char *name; /* connection_name, shown by the broker's own tools */
    int heartbeat_s;  /* 0: BROKER_HEARTBEAT_S */
};

struct broker;

/* Checks a URL, or several of one virtual host, without connecting. 0 or -ERR_INVALID with the
 * reason, which never repeats a password. */
int broker_check_url(const char *url, struct why *why);

/* How many URLs there are in the text; at least one. */
size_t broker_url_count(const char *text);

/* Whether two URLs that can be used name the same virtual host of the same broker, whoever the user
 * is. Of several, one that is in both is enough. */
bool broker_same_host(const char *a, const char *b);

/* Connects, logs in, announces what this client understands (consumer cancel, blocked, confirms,
 * negative acknowledgement) and opens the channel. Waits at most 2 s for each of connecting and
 * logging in, and 10 s for each answer from then on.
 *
 * Of several brokers each is tried once. Programs of one host begin with the same one, and those of
 * different hosts with different ones. When none can be used, the error is one that time does not
 * mend, if there is one.
 *
 * Returns 0 and *broker (release with broker_close), or
 *   -ERR_INVALID      malformed URL
 *   -ERR_UNAVAILABLE  nobody answers, or not in AMQP, or not in time
 *   -ERR_REFUSED      user, password or virtual host not accepted, or a limit is reached
 *   -ERR_CONFIG       TLS: unreadable file, certificate not trusted or of another host */
int broker_open(const struct broker_options *options, struct broker **broker, struct why *why);

/* Says goodbye when the connection still works, waiting at most two seconds, and frees everything.
 * What was sent before has then been taken by the broker. Takes NULL. */
void broker_close(struct broker *broker);

/* "FARM/PROGRAM/HOST/PID", the name of a connection or a consumer. */
#define BROKER_NAME_SIZE 400
void broker_client_name(const char *farm, const char *program, char name[BROKER_NAME_SIZE]);

/* ---- entities ----
 * Declarations gather and go out together with what is published, so that many cost one round trip.
 * Their errors come from broker_settle or broker_next: -ERR_REFUSED (no permission, or a limit),
 * -ERR_CONFIG (it exists with other arguments), -ERR_LOCKED (exclusive to another connection),
 * -ERR_MISSING, -ERR_UNAVAILABLE. The connection is then broken. */

struct broker_argument {
    const char *name; /* NULL ends a list */
    const char *text; /* NULL: the number counts */
    int64_t number;
    bool is_true; /* it is no number, but the boolean true */
};

struct broker_queue {
    const char *name;
    bool durable, exclusive;
    const struct broker_argument *arguments; /* ends with a NULL name; NULL: none */
};

struct broker_exchange {
    const char *name;
    bool topic; /* else a fanout exchange */
    bool durable;
    bool auto_delete; /* gone with the last of its bindings, if it ever had one */
};

/* What the broker knows of a queue. */
struct broker_queue_state {
    uint32_t ready_msgs; /* without those handed to consumers and not yet acknowledged */
    uint32_t consumers;
};

int broker_declare_queue(struct broker *broker, const struct broker_queue *queue, struct why *why);
int broker_declare_exchange(struct broker *broker, const struct broker_exchange *exchange,
                            struct why *why);
/* -ERR_MISSING when there is no exchange of that name; of what kind it is does not count. */
int broker_check_exchange(struct broker *broker, const struct broker_exchange *exchange,
                          struct why *why);
/* Binds a queue to an exchange; key: "" for a fanout exchange, a pattern for a topic exchange. */
int broker_bind(struct broker *broker, const char *queue, const char *exchange, const char *key,
                struct why *why);
/* Takes a binding back; harmless when there is none. */
int broker_unbind(struct broker *broker, const char *queue, const char *exchange, const char *key,
                  struct why *why);
/* Deletes a queue with all that is in it; harmless when there is none. */
int broker_delete_queue(struct broker *broker, const char *queue, struct why *why);
/* From then on each published message is followed by BROKER_CONFIRMED or BROKER_NACKED. */
int broker_enable_confirms(struct broker *broker, struct why *why);
/* Waits until the broker has done all that was sent to it, and tells the first error in it. */
int broker_settle(struct broker *broker, struct why *why);
/* Waits for the state of a queue; the errors are those of broker_settle. */
int broker_query_queue(struct broker *broker, const char *queue, struct broker_queue_state *state,
                       struct why *why);

/* Whether the queue is a stream, as far as the broker tells; costs a line in its log. The errors
 * are those of broker_settle. */
int broker_query_stream(struct broker *broker, const char *queue, bool *stream, struct why *why);

/* ---- consuming and publishing ----
 * None of these waits for the broker, whose answers come as events. What is published, acknowledged
 * or given back gathers and goes out together: when broker_next finds nothing more to take, before
 * broker_wait waits, when 16 KiB are there, or with broker_flush. The other calls send at once,
 * with what waited before them: the order is always that of the calls. */

/* Consumes with manual acknowledgement and at most prefetch unacknowledged messages (1..65535), or
 * without acknowledgement when prefetch is 0. BROKER_CONSUMING follows. */
int broker_consume(struct broker *broker, const char *queue, const char *tag, uint16_t prefetch,
                   bool exclusive, struct why *why);
/* Consumes a stream from a place on, with acknowledgement, prefetch as above; what is acknowledged
 * stays in it. Each delivery has its offset in the integer header BROKER_OFFSET_HEADER. After an
 * acknowledgement the broker hands out what it allows before it answers anything that was sent
 * later. */
#define BROKER_OFFSET_HEADER "x-stream-offset"
struct broker_offset {
    enum {
        BROKER_FROM_FIRST,
        BROKER_FROM_LAST,
        BROKER_FROM_NEXT,
        BROKER_FROM_OFFSET,
        BROKER_FROM_TIME
    } from;
    uint64_t value; /* the offset, or the time in seconds since 1970 */
};
int broker_consume_stream(struct broker *broker, const char *queue, const char *tag,
                          uint16_t prefetch, const struct broker_offset *offset, struct why *why);
/* Ends a consumer; BROKER_CANCEL_OK follows after the last delivery, and what was delivered stays
 * to be acknowledged. May only be called after BROKER_CONSUMING: RabbitMQ 3.10 may close the
 * connection when a consumer is cancelled before. After BROKER_CANCEL_OK another consumer may
 * begin, with a different prefetch, which cannot be changed otherwise. The broker knows it as
 * TAG/1, the next as TAG/2 and so on, while the caller goes on saying TAG: to the prefetch of one
 * of the same name RabbitMQ would add what the last one still has to acknowledge. */
int broker_cancel(struct broker *broker, const char *tag, struct why *why);
/* Acknowledges a message, or with multiple all up to it. Tags are those of BROKER_DELIVERY. */
int broker_ack(struct broker *broker, uint64_t delivery_tag, bool multiple, struct why *why);
/* Gives a message, or with multiple all up to it, back to their queues. */
int broker_requeue(struct broker *broker, uint64_t delivery_tag, bool multiple, struct why *why);
/* Rejects a message: its queue's dead-lettering has it, or it is gone. */
int broker_reject(struct broker *broker, uint64_t delivery_tag, struct why *why);
/* Asks for the state of a queue (passive declare); BROKER_QUEUE_STATE follows. */
int broker_ask_queue(struct broker *broker, const char *queue, struct why *why);
/* Empties a queue; BROKER_PURGED follows. */
int broker_ask_purge(struct broker *broker, const char *queue, struct why *why);

/* Publishes a message; exchange "" with a queue's name as the routing key sends to that queue.
 * *sequence (may be NULL) counts from 1 on this connection and is what confirms refer to.
 * -ERR_INVALID: the properties do not fit a frame, or the routing key is over 255 bytes; nothing
 * was sent and the connection is as good as before. */
int broker_publish(struct broker *broker, const char *exchange, struct broker_bytes routing_key,
                   const struct broker_properties *properties, struct broker_bytes body,
                   bool mandatory, uint64_t *sequence, struct why *why);

/* Sends what waits, as far as the socket takes it now. Whoever polls by himself calls it before. */
int broker_flush(struct broker *broker, struct why *why);

/* From now on broker_next sends nothing within pause_ns after something was sent, so that more goes
 * out together and the broker is woken less often; 0, as at first: it sends each time. Before
 * somebody waits all goes out, as ever. */
void broker_pace(struct broker *broker, int64_t pause_ns);

/* True while more waits to be sent than the socket takes. What is published all the same waits in
 * memory, however much it is. */
bool broker_backed_up(const struct broker *broker);

enum broker_event_type {
    BROKER_DELIVERY,    /* tag, redelivered, message */
    BROKER_CONFIRMED,   /* tag, multiple: published messages the broker has taken */
    BROKER_NACKED,      /* tag, multiple: published messages the broker could not take */
    BROKER_RETURNED,    /* message, text: mandatory and unroutable; its confirm follows */
    BROKER_CONSUMING,   /* the consumer is in place */
    BROKER_CANCELLED,   /* the broker ended the consumer: its queue was deleted */
    BROKER_CANCEL_OK,   /* broker_cancel took effect */
    BROKER_QUEUE_STATE, /* text: the queue's name; state: the answer to broker_ask_queue */
    BROKER_PURGED,      /* state.ready_msgs: how many messages the purge removed */
};

/* Everything in it is borrowed until the next call on the same broker. */
struct broker_event {
    enum broker_event_type type;
    uint64_t tag;  /* of a delivery, or the number of a published message */
    bool multiple; /* it stands for all up to that number */
    bool redelivered;
    struct broker_bytes exchange;       /* of a delivery or a return */
    struct broker_bytes routing_key;    /* the same */
    struct broker_bytes raw_properties; /* for broker_properties_decode */
    struct broker_bytes body;
    struct broker_bytes text;
    struct broker_queue_state state;
};

/* How a connection ended, as far as that tells whether something that was sent may be why. */
enum broker_end {
    BROKER_END_NONE, /* it has not */
    /* By nothing that was sent: silence, a broker that was told to stop, an entity that is gone, no
     * permission, an error on this side. */
    BROKER_END_ELSE,
    /* Without a word, while the broker was reading: as when a line breaks, and when a message has
     * brought down whoever read it. */
    BROKER_END_DROPPED,
    BROKER_END_REFUSED, /* with an error in answer to something that was sent */
    BROKER_END_LATE,    /* a delivery was not acknowledged within the broker's time-out */
};
enum broker_end broker_end(const struct broker *broker);

/* Takes the next event off the connection without waiting. Before it looks at the socket it sends
 * what waits to be sent, as broker_pace has it, and heartbeats that are due. Returns 1 and *event,
 * 0 when there is none, or an error (the connection is broken):
 *   -ERR_UNAVAILABLE lost; -ERR_REFUSED, -ERR_CONFIG, -ERR_MISSING, -ERR_LOCKED: closed by the
 *   broker with that reason. */
int broker_next(struct broker *broker, struct broker_event *event, struct why *why);

/* Waits until broker_next may have something, wake_fd (or -1) is readable, or deadline_ns; never
 * longer than the heartbeat allows. Call broker_next until it answers 0 before waiting. */
void broker_wait(struct broker *broker, int wake_fd, int64_t deadline_ns);

/* For callers that poll by themselves: the descriptor to watch, for what (POLLIN, and POLLOUT while
 * something waits to be sent), and the time by which broker_next must be called for the sake of the
 * heartbeat. */
int broker_fd(const struct broker *broker);
short broker_poll_events(const struct broker *broker);
int64_t broker_heartbeat_due_ns(const struct broker *broker);

/* The most bytes that a message's properties and headers may take on this connection: one frame. */
size_t broker_properties_limit_bytes(const struct broker *broker);

/* True from the broker's word that it reads nothing from this connection, because its memory or
 * disk runs short, to its word that it reads again. */
bool broker_blocked(const struct broker *broker);

#endif
