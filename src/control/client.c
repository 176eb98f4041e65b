#include "client.h"

#include "broker/broker.h"
#include "broker/connection.h"
#include "clock.h"
#include "lamport.h"
#include "log.h"
#include "log_limit.h"
#include "members.h"
#include "topology.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Lines about messages that cannot be read. */
#define MOST_LINES_PER_S 2

/* All that an attempt to connect works with. */
struct listener {
    const struct topology *topology;
    const char *const *keys;
    char queue[TOPOLOGY_NAME_SIZE + 32], tag[BROKER_NAME_SIZE];
};

struct client {
    const struct options *options;
    struct listener listener;
    char name[BROKER_NAME_SIZE];
    struct connection *connection;
    struct broker_properties *properties; /* of the message that is being sent or taken */
    struct log_limit unreadable_log;
    uint64_t sent;       /* commands, each with its number as the correlation_id */
    struct json_t *json; /* of the message that was handed out last */
};

static int set_up(const void *context, struct broker *broker, struct why *why)
{
    const struct listener *listener = context;
    int error = topology_listen(listener->topology, broker, listener->queue, listener->keys, why);

    return error ? error : broker_consume(broker, listener->queue, listener->tag, 0, true, why);
}

int client_open(const struct options *options, const char *const *keys, struct client **out,
                struct why *why)
{
    struct client *client = calloc(1, sizeof *client);
    uint64_t random;

    if (!client)
        return error_set(why, ERR_MEMORY, "out of memory");
    client->options = options;
    client->unreadable_log.most_per_s = MOST_LINES_PER_S;
    client->listener = (struct listener){.topology = &options->topology, .keys = keys};
    broker_client_name(options->topology.farm, options->program, client->name);
    if (getrandom(&random, sizeof random, 0) != sizeof random) {
        client_close(client);
        return error_set(why, ERR_SYSTEM, "no random number: %s", strerror(errno));
    }
    snprintf(client->listener.queue, sizeof client->listener.queue, "%s.ctl.%016" PRIx64,
             options->topology.farm, random);
    snprintf(client->listener.tag, sizeof client->listener.tag, "%s", client->name);
    const struct connection_settings settings = {.broker = options_broker(options, client->name),
                                                 .set_up = set_up,
                                                 .context = &client->listener,
                                                 .context_bytes = sizeof client->listener};
    client->properties = broker_properties_open();
    int error = client->properties ? connection_open(&settings, &client->connection, why)
                                   : error_set(why, ERR_MEMORY, "out of memory");
    if (error)
        client_close(client);
    else
        *out = client;
    return error;
}

void client_close(struct client *client)
{
    if (!client)
        return;
    members_release(client->json);
    connection_close(client->connection);
    broker_properties_close(client->properties);
    free(client);
}

int client_connect(struct client *client, int wake_fd, int64_t deadline_ns, struct why *why)
{
    return connection_wait(client->connection, wake_fd, deadline_ns, why);
}

/* ---- sending ---- */

/* "PROGRAM/HOST/PID": the connection's name without the farm. */
static void fill_envelope(const struct client *client, bool to_all_farms, struct envelope *envelope)
{
    const char *farm = client->options->topology.farm;

    snprintf(envelope->farm, sizeof envelope->farm, "%s", to_all_farms ? "*" : farm);
    snprintf(envelope->from, sizeof envelope->from, "%s", client->name + strlen(farm) + 1);
    clock_stamp(envelope->time);
    envelope->clock = lamport_send(log_clock());
}

static int publish(struct client *client, const char *exchange, const char *key,
                   struct broker_bytes body, struct why *why)
{
    struct broker_properties *properties = client->properties;
    char correlation[24];

    snprintf(correlation, sizeof correlation, "%" PRIu64, client->sent);
    broker_properties_clear(properties);
    /* Texts of these lengths are taken. */
    (void)broker_properties_set(properties, BROKER_CONTENT_TYPE, broker_text("application/json"));
    (void)broker_properties_set(properties, BROKER_TYPE, broker_text("command"));
    (void)broker_properties_set(properties, BROKER_EXPIRATION, broker_text(ENVELOPE_EXPIRATION));
    (void)broker_properties_set(properties, BROKER_REPLY_TO, broker_text(client->listener.queue));
    (void)broker_properties_set(properties, BROKER_CORRELATION_ID, broker_text(correlation));
    struct broker *broker = connection_broker(client->connection);
    int error =
        broker_publish(broker, exchange, broker_text(key), properties, body, true, NULL, why);

    return error ? error : broker_flush(broker, why);
}

int client_send(struct client *client, const struct command *command, bool to_all_farms,
                uint64_t *correlation, struct why *why)
{
    struct envelope envelope;
    struct broker_bytes body;
    char *text;

    if (!connection_broker(client->connection))
        return error_set(why, ERR_UNAVAILABLE, "there is no connection to the broker");
    client->sent++;
    if (correlation)
        *correlation = client->sent;
    fill_envelope(client, to_all_farms, &envelope);
    int error = command_write(&envelope, command, &text, &body.length);
    if (error)
        return error_set(why, ERR_MEMORY, "out of memory");
    body.bytes = text;
    if (to_all_farms)
        error = publish(client, TOPOLOGY_ALL_FARMS, TOPOLOGY_ALL_KEY, body, why);
    else
        error = publish(client, client->options->topology.control,
                        command->verb == COMMAND_STATUS ? TOPOLOGY_KEY_ASK : TOPOLOGY_KEY_COMMAND,
                        body, why);
    free(text);
    if (error)
        connection_lost(client->connection, error, why);
    return error;
}

/* ---- taking ---- */

/* By the property `type`; false for another one. */
static bool read_kind(struct broker_bytes type, enum client_kind *kind)
{
    static const char *const types[] = {
        [CLIENT_STATUS] = "status", [CLIENT_ANSWER] = "answer", [CLIENT_NOTICE] = "log"};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (type.length == strlen(types[i]) && memcmp(type.bytes, types[i], type.length) == 0) {
            *kind = (enum client_kind)i;
            return true;
        }
    return false;
}

static uint64_t read_correlation(struct broker_bytes id)
{
    char text[24];

    snprintf(text, sizeof text, "%.*s", id.length < sizeof text ? (int)id.length : 0,
             id.bytes ? id.bytes : "");
    return strtoull(text, NULL, 10);
}

static int read_message(struct client *client, const struct broker_event *event,
                        struct client_message *message, struct why *why)
{
    struct broker_properties *properties = client->properties;

    if (broker_properties_decode(properties, event->raw_properties) ||
        !read_kind(broker_properties_get(properties, BROKER_TYPE), &message->kind))
        return error_set(why, ERR_INVALID, "its type is not status, answer or log");
    message->correlation =
        read_correlation(broker_properties_get(properties, BROKER_CORRELATION_ID));
    message->text = event->body.bytes;
    message->length = event->body.length;
    int error =
        envelope_read(message->text, message->length, &message->envelope, &message->json, why);
    if (error)
        return error;
    client->json = message->json;
    lamport_receive(log_clock(), message->envelope.clock);
    return 0;
}

static void log_unreadable(struct client *client, size_t bytes, const struct why *why)
{
    uint64_t unlogged;

    if (log_limit_allows(&client->unreadable_log, clock_now_ns(), &unlogged))
        log_event(LOG_WARN, "message_ignored", "bytes=%zu unlogged=%llu why=\"%s\"", bytes,
                  (unsigned long long)unlogged, why->text);
}

static enum client_news take_event(struct client *client, const struct broker_event *event,
                                   struct client_message *message)
{
    struct why why;

    if (event->type == BROKER_RETURNED)
        return CLIENT_NOBODY;
    if (event->type != BROKER_DELIVERY)
        return CLIENT_NO_NEWS;
    connection_mark_useful(client->connection);
    if (read_message(client, event, message, &why)) {
        *message = (struct client_message){.kind = CLIENT_UNREADABLE};
        log_unreadable(client, event->body.length, &why);
    }
    return CLIENT_MESSAGE;
}

/* The broker closes the connection of whoever publishes to an exchange that is not there: then
 * nobody listens either. */
static enum client_news lose(struct client *client, int error, const struct why *why)
{
    const char *control = client->options->topology.control;

    connection_lost(client->connection, error, why);
    return error == -ERR_MISSING && error_is_about(why, ABOUT_EXCHANGE, control) ? CLIENT_NOBODY
                                                                                 : CLIENT_LOST;
}

enum client_news client_step(struct client *client, struct client_message *message, int *error,
                             struct why *why)
{
    struct broker *broker = connection_broker(client->connection);
    enum client_news news = CLIENT_NO_NEWS;
    struct broker_event event;
    int got;

    members_release(client->json);
    client->json = NULL;
    if (!broker) {
        switch (connection_step(client->connection, clock_now_ns())) {
        case CONNECTION_OPENED:
            return CLIENT_CONNECTED;
        case CONNECTION_FAILED:
            *error = connection_error(client->connection, why);
            return CLIENT_LOST;
        default:
            return CLIENT_NO_NEWS;
        }
    }
    while (news == CLIENT_NO_NEWS && (got = broker_next(broker, &event, why)) != 0) {
        if (got > 0 && event.type == BROKER_CANCELLED)
            got = error_set(why, ERR_UNAVAILABLE, "somebody deleted the queue %s",
                            client->listener.queue);
        if (got < 0) {
            *error = got;
            return lose(client, got, why);
        }
        news = take_event(client, &event, message);
    }
    return news;
}

void client_poll(const struct client *client, struct pollfd *fd)
{
    connection_poll(client->connection, fd);
}

int64_t client_due_ns(const struct client *client)
{
    return connection_due_ns(client->connection);
}

void client_wait(const struct client *client, int wake_fd, int64_t deadline_ns)
{
    struct pollfd fds[2] = {{.fd = -1}, {.fd = wake_fd, .events = POLLIN}};
    int64_t due_ns = client_due_ns(client);
    struct timespec left;

    client_poll(client, &fds[0]);
    ppoll(fds, 2, clock_left(due_ns < deadline_ns ? due_ns : deadline_ns, &left), NULL);
}

bool client_is_connected(const struct client *client)
{
    return connection_broker(client->connection) != NULL;
}

bool client_is_blocked(const struct client *client)
{
    const struct broker *broker = connection_broker(client->connection);

    return broker && broker_blocked(broker);
}
