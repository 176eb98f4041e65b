/* control_link.h - the leader's connection to its farm's control plane: commands come in; answers,
 * statuses and notices go out. It is a connection of its own, so that nothing that happens to it
 * touches the measuring. Nothing here waits.
 *
 * A flood of messages costs a bounded share of the leader's time: the rest waits at the broker, in
 * a queue that drops its oldest. What the socket does not take now is dropped. */
#ifndef WINNOW_CONTROL_LINK_H
#define WINNOW_CONTROL_LINK_H

#include "broker/broker.h"
#include "link.h"
#include "refusal.h"
#include "topology.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is published for whoever listens; the routing key and the type are of the same name. */
enum control_topic { CONTROL_STATUS, CONTROL_LOG };
#define CONTROL_TOPICS 2

#define CONTROL_QUEUE_SIZE 600
#define CONTROL_NAME_MOST  255 /* bytes of a text property */

struct control_link {
    struct link link;
    struct control_set_up {
        struct topology topology;
        char queue[CONTROL_QUEUE_SIZE]; /* the leader's own, another for each connection */
        bool all;                       /* it also takes what is said to all farms */
    } set_up;
    const char *name; /* whose queue it is */
    unsigned attempts;
    struct broker_properties *properties;

    struct refusal refusal; /* the broker lets nobody listen */
    int64_t opened_ns;

    int64_t window_ns; /* when a window began in which ... */
    size_t taken;      /* ... so much was taken */
    int64_t check_ns;  /* when it is looked whether the exchange is still there */
    bool watched[CONTROL_TOPICS];
    int64_t watched_ns;    /* when somebody last said so */
    uint64_t dropped_msgs; /* answers and statuses that the socket did not take */
    uint64_t arrived;      /* the broker has all messages of this connection up to this one */
};

struct control_name {
    char bytes[CONTROL_NAME_MOST];
    size_t length; /* 0: there is none */
};

/* What came in. The body is borrowed until the next call. */
struct control_message {
    struct broker_bytes body;
    struct control_name reply_to, correlation_id;
    bool to_all; /* it was said to all farms */
    bool asks;   /* it came by a way that is open to those who may only ask */
};

/* Connects to nothing yet. Borrows the name, which the queue's ends with. 0, -ERR_MEMORY or the
 * errors of link_open. */
int control_link_open(struct control_link *link, const struct broker_options *options,
                      const struct topology *topology, const char *name, struct why *why);
/* Says goodbye. Harmless when it was not opened. */
void control_link_close(struct control_link *link);
/* Ends at once: nobody is listened to any more. */
void control_link_leave(struct control_link *link);

/* Connects when it is time to; true when it has just been connected. Then both topics count as
 * watched until the broker says otherwise. */
bool control_link_step(struct control_link *link, int64_t now_ns);
int64_t control_link_due_ns(const struct control_link *link, int64_t now_ns);
size_t control_link_poll(const struct control_link *link, struct pollfd *fds);

/* The next message, if there is one and it is not too many. */
bool control_link_next(struct control_link *link, int64_t now_ns, struct control_message *message);

/* Whether it makes sense to publish: it is connected, and somebody is bound to the topic as far as
 * is known. */
bool control_link_watched(const struct control_link *link, enum control_topic topic);
/* Somebody says that he is. */
void control_link_watch(struct control_link *link, int64_t now_ns);

/* So much waits to be sent that nothing more should be. */
bool control_link_is_full(const struct control_link *link);

/* Publishes to whoever is bound. The topic is no longer watched when the broker finds nobody.
 * Returns the message's sequence on this connection; 0: it was not sent. */
uint64_t control_link_publish(struct control_link *link, enum control_topic topic, const char *text,
                              size_t length);
/* Answers a message, if it says whereto. */
void control_link_answer(struct control_link *link, const struct control_message *message,
                         const char *type, const char *text, size_t length);
void control_link_flush(struct control_link *link);

#endif
