/* client.h - a farm's control plane as somebody outside the farm uses it: commands that are sent,
 * answers, statuses and notices that come in. The connection comes back after it was lost. No call
 * waits but client_wait, client_connect and client_close. */
#ifndef WINNOW_CLIENT_H
#define WINNOW_CLIENT_H

#include "command.h"
#include "envelope.h"
#include "error.h"
#include "options.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client;
struct json_t;

/* 0 and *client (release with client_close), or an error of connection_open. Nothing is sent yet.
 *
 * keys  what is listened to beside answers, "status" or "log"; NULL after the last. Both that array
 *       and the options must live as long as the process. */
int client_open(const struct options *options, const char *const *keys, struct client **client,
                struct why *why);
void client_close(struct client *client);

/* Waits until it is connected; as connection_wait. */
int client_connect(struct client *client, int wake_fd, int64_t deadline_ns, struct why *why);

/* Sends a command to whoever leads the farm; or, with the verb status, to the leaders of all farms
 * of the virtual host. *correlation (may be NULL) is that of the answer. 0 or an error, after which
 * the connection is away. */
int client_send(struct client *client, const struct command *command, bool to_all_farms,
                uint64_t *correlation, struct why *why);

enum client_kind {
    CLIENT_STATUS,
    CLIENT_ANSWER,
    CLIENT_NOTICE,
    CLIENT_UNREADABLE, /* it was logged, and has no more members */
};

/* A message that came in. Everything in it is borrowed until the next client_step. */
struct client_message {
    enum client_kind kind;
    uint64_t correlation; /* of an answer to what was sent; else 0 */
    const char *text;     /* as it came */
    size_t length;
    struct envelope envelope;
    struct json_t *json;
};

enum client_news {
    CLIENT_NO_NEWS,
    CLIENT_CONNECTED, /* also again: what is to be sent must be sent anew */
    CLIENT_LOST,      /* the connection, or the attempt to make one; *why says why */
    CLIENT_NOBODY,    /* the last command that was sent found nobody who would take it */
    CLIENT_MESSAGE,
};

/* Does what is due. *error is that of CLIENT_LOST. */
enum client_news client_step(struct client *client, struct client_message *message, int *error,
                             struct why *why);

/* Waits until client_step may have something, wake_fd (or -1) is readable, or the deadline. Call
 * client_step until it has no news before waiting. */
void client_wait(const struct client *client, int wake_fd, int64_t deadline_ns);

/* For callers that poll by themselves: what to poll for, and when client_step is due however silent
 * that is. Both change with each step. */
void client_poll(const struct client *client, struct pollfd *fd);
int64_t client_due_ns(const struct client *client);

/* Whether client_send may be used. */
bool client_is_connected(const struct client *client);

/* Whether the broker has said that it reads nothing from this connection, because its memory or
 * disk runs short: then what is sent waits. */
bool client_is_blocked(const struct client *client);

#endif
