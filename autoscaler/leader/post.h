/* post.h - a connection to a farm's control exchange, by which the hosts of a farm speak to each
 * other: a queue that takes what is said by a key or two, and messages that go out by others. A
 * node has one for its orders, a leader of several nodes another for their reports. Nothing here
 * waits.
 *
 * What the socket does not take now is dropped, for the next message replaces it; and a flood of
 * messages costs a bounded share of the time, the oldest being dropped at the broker. */
#ifndef WINNOW_POST_H
#define WINNOW_POST_H

#include "broker/broker.h"
#include "control/envelope.h"
#include "link.h"
#include "topology.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POST_NAME_SIZE 256
#define POST_MOST_KEYS 2

struct post_settings {
    const char *purpose; /* as the log names the connection */
    const char *queue;   /* behind the control exchange's name and a slash, in the queue's */
    bool is_taken;       /* nobody else may have that queue; else each connection has another */
    const char *keys[POST_MOST_KEYS]; /* what the queue takes; the last may be NULL */
    bool confirms;                    /* the broker tells what it has taken */
};

struct post {
    struct link link;
    struct post_set_up {
        struct topology topology;
        char queue[POST_NAME_SIZE], keys[POST_MOST_KEYS][POST_NAME_SIZE];
        bool confirms;
    } set_up;
    char name[POST_NAME_SIZE]; /* of the queue, but for what tells connections from each other */
    bool is_taken;
    unsigned attempts;
    char from[ENVELOPE_FROM_SIZE];
    struct broker_properties *properties;
    uint64_t sent;     /* the sequence of the last message on this connection */
    uint64_t arrived;  /* with confirms: the broker has all up to this one */
    uint64_t refused;  /* by which keys something was refused: a bit of 64 for each */
    int64_t check_ns;  /* when the exchange and its bindings are made sure of */
    int64_t window_ns; /* when a window began in which ... */
    size_t taken;      /* ... so much was taken */
};

/* Connects to nothing yet. The options and the settings are copied; the options' name begins with
 * the farm's. 0, -ERR_MEMORY or the errors of link_open. */
int post_open(struct post *post, const struct broker_options *options,
              const struct topology *topology, const struct post_settings *settings,
              struct why *why);
/* Says goodbye. Harmless when it was not opened. */
void post_close(struct post *post);

/* Connects when it is time to; true when it has just been connected. link.error says how the last
 * attempt ended: -ERR_LOCKED when another connection has the queue that nobody else may have. */
bool post_step(struct post *post, int64_t now_ns);
/* Makes the exchange and its way to the queue again, were they not there; as each 2 s by itself. */
void post_check(struct post *post, int64_t now_ns);
bool post_is_there(const struct post *post);
int64_t post_due_ns(const struct post *post, int64_t now_ns);
size_t post_poll(const struct post *post, struct pollfd *fds);

/* What has come. Its texts are borrowed until the next call. */
enum post_news {
    POST_NOTHING,
    POST_MESSAGE,  /* read, and of this farm */
    POST_RETURNED, /* nobody takes what was published by that key */
};
struct post_message {
    struct broker_bytes key;
    struct json_t *json;
};

/* The next news. A message is to be released with members_release. What cannot be read, or is of
 * another farm or version, is refused, as by post_refuse, and passed over. */
enum post_news post_next(struct post *post, int64_t now_ns, struct post_message *message);

bool post_came_by(const struct post_message *message, const char *key);

/* Says in the log that a message by that key was refused. Whoever sends one goes on doing so: of
 * each key it is a warning once. */
void post_refuse(struct post *post, struct broker_bytes key, const struct why *why);

/* The envelope of a message that is about to go out. */
struct envelope post_begin(const struct post *post);
/* Sends a message by that key, whose first word is its type. mandatory: when nobody takes it, it is
 * returned. False: it was not sent. */
bool post_send(struct post *post, const char *key, const char *type, const char *text,
               size_t length, bool mandatory);
void post_flush(struct post *post);

#endif
