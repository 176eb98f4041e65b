/* What the broker or the library says went wrong, as our error and explanation. */
#include "internal.h"

#include <string.h>

/* A text of the broker's that does not fit the 255 bytes of its field ends so. */
#define CUT      "..."
#define CUT_SIZE 255

/* What a reply code and its text mean. In a pattern '*' stands for any text, '@' for the name that
 * the error is about, '$' for the virtual host of this connection. The first that fits counts. The
 * texts are RabbitMQ's, which has no other way to tell a limit from a conflict or a missing queue
 * from one that cannot be reached. */
static const struct meaning {
    uint16_t code;
    const char *pattern;
    enum error error;
    enum error_subject about;
    const char *limit; /* for ABOUT_LIMIT: what there may be no more of */
} meanings[] = {
    {AMQP_NOT_FOUND, "* - no queue '@' in vhost '$'", ERR_MISSING, ABOUT_QUEUE, NULL},
    {AMQP_NOT_FOUND, "* - no exchange '@' in vhost '$'", ERR_MISSING, ABOUT_EXCHANGE, NULL},
    {AMQP_NOT_FOUND, "* - no *", ERR_MISSING, ABOUT_NOTHING, NULL},
    /* It also says so of a queue that is there and cannot be reached, as its node is down. */
    {AMQP_NOT_FOUND, "*", ERR_UNAVAILABLE, ABOUT_NOTHING, NULL},
    {AMQP_RESOURCE_LOCKED, "*", ERR_LOCKED, ABOUT_NOTHING, NULL},
    {AMQP_PRECONDITION_FAILED, "* - inequivalent arg '*' for queue '@' in vhost '$'*", ERR_CONFIG,
     ABOUT_QUEUE, NULL},
    {AMQP_PRECONDITION_FAILED, "* - inequivalent arg '*' for exchange '@' in vhost '$'*",
     ERR_CONFIG, ABOUT_EXCHANGE, NULL},
    {AMQP_PRECONDITION_FAILED, "* - cannot declare queue '*': queue limit in vhost *", ERR_REFUSED,
     ABOUT_LIMIT, "queues in the virtual host"},
    /* Later versions of the broker have these two as well. */
    {AMQP_PRECONDITION_FAILED, "* - cannot declare queue '*': queue limit in cluster *",
     ERR_REFUSED, ABOUT_LIMIT, "queues in the broker's cluster"},
    {AMQP_PRECONDITION_FAILED, "* - cannot declare exchange '*': exchange limit of *", ERR_REFUSED,
     ABOUT_LIMIT, "exchanges in the broker's cluster"},
    /* Of a stream, while its node is starting. */
    {AMQP_PRECONDITION_FAILED, "* does not have a running replica on the local node",
     ERR_UNAVAILABLE, ABOUT_NOTHING, NULL},
    {AMQP_PRECONDITION_FAILED, "*", ERR_CONFIG, ABOUT_NOTHING, NULL},
    {AMQP_NOT_IMPLEMENTED, "*", ERR_CONFIG, ABOUT_NOTHING, NULL},
    {AMQP_NOT_ALLOWED, "* - access to vhost '$' refused *: connection limit (*", ERR_REFUSED,
     ABOUT_LIMIT, "connections to the virtual host"},
    {AMQP_NOT_ALLOWED, "* - connection refused *: user connection limit (*", ERR_REFUSED,
     ABOUT_LIMIT, "connections of the user"},
    {AMQP_NOT_ALLOWED, "* - number of channels opened for user *", ERR_REFUSED, ABOUT_LIMIT,
     "channels of the user"},
    {AMQP_NOT_ALLOWED, "*", ERR_REFUSED, ABOUT_NOTHING, NULL},
    {AMQP_ACCESS_REFUSED, "*", ERR_REFUSED, ABOUT_NOTHING, NULL},
};

struct reading {
    const char *end; /* of the text */
    bool cut;        /* there */
    const char *vhost;
    struct broker_bytes name;
};

/* Whether the text from at on is as the pattern says; sets the name. */
static bool fits(const char *pattern, const char *at, struct reading *reading)
{
    for (; *pattern; pattern++) {
        size_t left = (size_t)(reading->end - at), vhost_length = strlen(reading->vhost);
        switch (*pattern) {
        case '*':
        case '@':
            for (const char *stop = at; stop <= reading->end; stop++)
                if (fits(pattern + 1, stop, reading)) {
                    if (*pattern == '@')
                        reading->name = (struct broker_bytes){at, (size_t)(stop - at)};
                    return true;
                }
            /* A name in which the text is cut is not known. */
            return *pattern == '@' && reading->cut;
        case '$':
            /* Where the text is cut, what stands before this is whole all the same. */
            if (reading->cut && left <= vhost_length)
                return memcmp(at, reading->vhost, left) == 0;
            if (left < vhost_length || memcmp(at, reading->vhost, vhost_length) != 0)
                return false;
            at += vhost_length;
            break;
        default:
            if (!left || *at++ != *pattern)
                return false;
        }
    }
    return at == reading->end;
}

static const struct meaning *meaning_of(uint16_t code, struct reading *reading, const char *text)
{
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (meanings[i].code == code && fits(meanings[i].pattern, text, reading))
            return &meanings[i];
    static const struct meaning other = {.error = ERR_UNAVAILABLE};
    return &other;
}

/* Puts what is to be done before the broker's own words. */
static void advise(const struct meaning *meaning, struct why *why)
{
    if (meaning->about == ABOUT_LIMIT)
        error_prefix(why, "the limit on %s is reached, which the broker's administrator can raise",
                     meaning->limit);
    else if (meaning->error == ERR_CONFIG && meaning->about != ABOUT_NOTHING)
        error_prefix(why,
                     "the %s '%s' exists with other arguments; delete it or start with the ones "
                     "it has",
                     meaning->about == ABOUT_QUEUE ? "queue" : "exchange",
                     why->name[0] ? why->name : CUT);
}

static enum broker_end end_of(uint16_t code, const char *text, struct reading *reading)
{
    switch (code) {
    case AMQP_CONNECTION_FORCED:
    case AMQP_NOT_FOUND:
    case AMQP_ACCESS_REFUSED:
    case AMQP_RESOURCE_LOCKED:
        return BROKER_END_ELSE;
    case AMQP_PRECONDITION_FAILED:
        /* RabbitMQ 3.10, and older ones. */
        return fits("* - delivery acknowledgement on channel *", text, reading) ||
                       fits("* - consumer ack timed out on channel *", text, reading)
                   ? BROKER_END_LATE
                   : BROKER_END_REFUSED;
    default:
        return BROKER_END_REFUSED;
    }
}

int broker_fail_closed(struct broker *broker, amqp_method_t method, struct why *why)
{
    uint16_t code;
    amqp_bytes_t text;

    if (method.id == AMQP_CHANNEL_CLOSE_METHOD) {
        const amqp_channel_close_t *closed = method.decoded;
        code = closed->reply_code;
        text = closed->reply_text;
    } else {
        const amqp_connection_close_t *closed = method.decoded;
        code = closed->reply_code;
        text = closed->reply_text;
    }

    const char *start = text.bytes, *end = start + text.len;
    bool cut = text.len == CUT_SIZE && memcmp(end - strlen(CUT), CUT, strlen(CUT)) == 0;
    struct reading reading = {.end = cut ? end - strlen(CUT) : end,
                              .cut = cut,
                              .vhost = broker->vhost,
                              .name = broker_text("")};
    broker->end = end_of(code, start, &reading);
    const struct meaning *meaning = meaning_of(code, &reading, start);
    struct broker_bytes name = meaning->limit ? broker_text(meaning->limit) : reading.name;

    error_set(why, meaning->error, "the broker at %s says: %.*s", broker->where, (int)text.len,
              start);
    error_set_about(why, meaning->about, name.bytes, name.length);
    advise(meaning, why);
    return -(int)meaning->error;
}

/* A blocked connection is not read by the broker, so nothing that it was sent can be why. */
static bool is_drop(const struct broker *broker, int status)
{
    return !broker->blocked &&
           (status == AMQP_STATUS_CONNECTION_CLOSED || status == AMQP_STATUS_SOCKET_ERROR ||
            status == AMQP_STATUS_TCP_ERROR || status == AMQP_STATUS_SSL_ERROR);
}

int broker_fail_status(struct broker *broker, int status, struct why *why)
{
    broker->end = is_drop(broker, status) ? BROKER_END_DROPPED : BROKER_END_ELSE;
    if (status == AMQP_STATUS_NO_MEMORY)
        return error_set(why, ERR_MEMORY, "out of memory");
    return error_set(why, ERR_UNAVAILABLE, "lost the connection to the broker at %s: %s",
                     broker->where, amqp_error_string2(status));
}

int broker_fail_reply(struct broker *broker, amqp_rpc_reply_t reply, struct why *why)
{
    switch (reply.reply_type) {
    case AMQP_RESPONSE_NORMAL:
        return 0;
    case AMQP_RESPONSE_SERVER_EXCEPTION:
        if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD ||
            reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD)
            return broker_fail_closed(broker, reply.reply, why);
        break;
    case AMQP_RESPONSE_LIBRARY_EXCEPTION:
        return broker_fail_status(broker, reply.library_error, why);
    default:
        break;
    }
    broker->end = BROKER_END_ELSE;
    return error_set(why, ERR_UNAVAILABLE, "the broker at %s gave an answer out of turn",
                     broker->where);
}

enum broker_end broker_end(const struct broker *broker)
{
    return broker->end;
}
