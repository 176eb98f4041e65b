#include "word_client.h"

#include "broker/broker.h"
#include "broker/connection.h"
#include "buffer.h"
#include "clock.h"
#include "control/members.h"
#include "units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Answers by it come over the same connection, without a queue. */
#define DIRECT_REPLY "amq.rabbitmq.reply-to"

/* A service that is being started has its queue within a moment: what nobody could take is sent
 * again. */
#define AGAIN_NS  (100 * CLOCK_NS_PER_MS)
#define NOBODY_NS CLOCK_NS_PER_S

struct word_client {
    const struct options *options;
    int64_t wait_ns;
    char name[BROKER_NAME_SIZE];
    struct connection *connection;
    struct broker_properties *properties;
    uint64_t sent;       /* requests, each with its number as the correlation_id */
    struct json_t *json; /* of the last answer, */
    char *text;          /* and its text */
    size_t capacity;
};

static int set_up(const void *context, struct broker *broker, struct why *why)
{
    (void)context;
    return broker_consume(broker, DIRECT_REPLY, "answers", 0, false, why);
}

int word_client_open(const struct options *options, int64_t wait_ns, struct word_client **out,
                     struct why *why)
{
    struct word_client *client = calloc(1, sizeof *client);

    if (!client)
        return error_set(why, ERR_MEMORY, "out of memory");
    client->options = options;
    client->wait_ns = wait_ns;
    broker_client_name(options->topology.farm, options->program, client->name);
    const struct connection_settings settings = {.broker = options_broker(options, client->name),
                                                 .set_up = set_up};
    client->properties = broker_properties_open();
    int error = client->properties ? connection_open(&settings, &client->connection, why)
                                   : error_set(why, ERR_MEMORY, "out of memory");
    if (!error)
        error = connection_wait(client->connection, -1,
                                clock_now_ns() + options->connect_timeout_ns, why);
    if (error)
        word_client_close(client);
    else
        *out = client;
    return error;
}

void word_client_close(struct word_client *client)
{
    if (!client)
        return;
    members_release(client->json);
    connection_close(client->connection);
    broker_properties_close(client->properties);
    free(client->text);
    free(client);
}

/* A request on its way. */
struct request {
    const char *type;
    struct broker_bytes body;
    char correlation[24];
    int64_t again_ns; /* CLOCK_NEVER: somebody may take it */
    int64_t give_up_ns, deadline_ns;
};

static int publish(struct word_client *client, struct request *request, struct why *why)
{
    struct broker_properties *properties = client->properties;
    int64_t left_ms = (request->deadline_ns - clock_now_ns()) / CLOCK_NS_PER_MS;
    char expiration[24];

    snprintf(expiration, sizeof expiration, "%" PRId64, left_ms > 0 ? left_ms : 0);
    snprintf(request->correlation, sizeof request->correlation, "%" PRIu64, ++client->sent);
    request->again_ns = CLOCK_NEVER;
    broker_properties_clear(properties);
    /* Texts of these lengths are taken. */
    (void)broker_properties_set(properties, BROKER_TYPE, broker_text(request->type));
    (void)broker_properties_set(properties, BROKER_EXPIRATION, broker_text(expiration));
    (void)broker_properties_set(properties, BROKER_REPLY_TO, broker_text(DIRECT_REPLY));
    (void)broker_properties_set(properties, BROKER_CORRELATION_ID,
                                broker_text(request->correlation));
    return broker_publish(connection_broker(client->connection), "",
                          broker_text(client->options->topology.words), properties, request->body,
                          true, NULL, why);
}

static int nobody(const struct options *options, struct why *why)
{
    return error_set(why, ERR_TIMEOUT,
                     "no word service has been started for the farm '%s'; start winnow-words "
                     "--farm '%s'",
                     options->topology.farm, options->topology.farm);
}

static int too_late(const struct word_client *client, struct why *why)
{
    const struct broker *broker = connection_broker(client->connection);
    char wait[UNITS_TEXT_SIZE];

    units_format_duration(client->wait_ns, wait);
    if (broker_blocked(broker))
        return error_set(why, ERR_TIMEOUT,
                         "the broker runs short of memory or disk, and took no request within %s; "
                         "look at its alarms",
                         wait);
    return error_set(
        why, ERR_TIMEOUT,
        "no word service of the farm '%s' answered within %s; is winnow-words running?",
        client->options->topology.farm, wait);
}

/* ---- the answer ---- */

static int read_error(struct word_client_answer *answer, struct why *why)
{
    const struct json_t *fault;
    size_t length;
    int error = members_object(answer->json, "error", &fault, why);

    if (!error)
        error = members_string(fault, "reason", &answer->refused, &length, why);
    if (!error && members_kind(fault, "line") != MEMBERS_ABSENT)
        error = members_integer(fault, "line", 1, INT64_MAX, &answer->error_line, why);
    return error;
}

static int read_answer(struct word_client *client, struct broker_bytes body,
                       struct word_client_answer *answer, struct why *why)
{
    if (!buffer_reserve(&client->text, &client->capacity, body.length + 1))
        return error_set(why, ERR_MEMORY, "out of memory");
    memcpy(client->text, body.bytes, body.length);
    int error = members_read(client->text, body.length, &client->json, why);
    *answer = (struct word_client_answer){
        .text = client->text, .length = body.length, .json = client->json};
    if (!error && members_kind(client->json, "error") != MEMBERS_ABSENT)
        error = read_error(answer, why);
    if (error == -ERR_INVALID) {
        /* No word of the command line is wrong. */
        error = -ERR_CONFIG;
        error_prefix(why, "the word service's answer cannot be read");
    }
    return error;
}

static bool is_answer(const struct word_client *client, const struct broker_event *event,
                      const char *correlation)
{
    if (broker_properties_decode(client->properties, event->raw_properties))
        return false;
    struct broker_bytes id = broker_properties_get(client->properties, BROKER_CORRELATION_ID);
    return id.length == strlen(correlation) && memcmp(id.bytes, correlation, id.length) == 0;
}

/* ---- waiting ---- */

/* Waits for news, or sends again what nobody could take. */
static int wait_or_send_again(struct word_client *client, struct request *request, struct why *why)
{
    int64_t now_ns = clock_now_ns();
    bool returned = request->again_ns != CLOCK_NEVER;

    if (returned && now_ns >= request->give_up_ns)
        return nobody(client->options, why);
    if (now_ns >= request->deadline_ns)
        return too_late(client, why);
    if (returned && now_ns >= request->again_ns)
        return publish(client, request, why);
    broker_wait(connection_broker(client->connection), -1,
                returned ? request->again_ns : request->deadline_ns);
    return 0;
}

int word_client_ask(struct word_client *client, const char *type, struct broker_bytes body,
                    struct word_client_answer *answer, struct why *why)
{
    const int64_t now_ns = clock_now_ns(), wait_ns = client->wait_ns;
    struct request request = {.type = type,
                              .body = body,
                              .give_up_ns = now_ns + (wait_ns < NOBODY_NS ? wait_ns : NOBODY_NS),
                              .deadline_ns = now_ns + wait_ns};
    struct broker *broker = connection_broker(client->connection);

    members_release(client->json);
    client->json = NULL;
    int error = publish(client, &request, why);
    while (!error) {
        struct broker_event event;
        int got = broker_next(broker, &event, why);
        if (got < 0)
            error = got;
        else if (got == 0)
            error = wait_or_send_again(client, &request, why);
        else if (event.type == BROKER_RETURNED)
            request.again_ns = clock_now_ns() + AGAIN_NS;
        else if (event.type == BROKER_DELIVERY && is_answer(client, &event, request.correlation))
            return read_answer(client, event.body, answer, why);
    }
    return error;
}
