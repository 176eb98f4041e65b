#include "reply.h"

#include <stdbool.h>
#include <string.h>

static bool is(struct broker_bytes name, const char *text)
{
    return name.length == strlen(text) && memcmp(name.bytes, text, name.length) == 0;
}

static bool starts_with(struct broker_bytes name, const char *prefix)
{
    return name.length >= strlen(prefix) && memcmp(name.bytes, prefix, strlen(prefix)) == 0;
}

/* The default exchange obeys a copied CC; x-death tells of another message's life. */
static bool keeps_header(struct broker_bytes name)
{
    return !is(name, "CC") && !is(name, "BCC") && !starts_with(name, "x-death") &&
           !starts_with(name, "x-first-death") && !starts_with(name, "winnow-");
}

/* Another user's user_id closes the channel, and an expiration would let the answer vanish unread. */
static void strip(struct broker_properties *properties)
{
    const struct broker_bytes absent = {0};

    broker_properties_set(properties, BROKER_USER_ID, absent);
    broker_properties_set(properties, BROKER_EXPIRATION, absent);
    broker_headers_filter(properties, keeps_header);
}

static int add_own(struct broker_properties *properties, const struct reply *reply,
                   const char *reason)
{
    int error = 0;

    if (reply->matches >= 0)
        error = broker_headers_add_int(properties, "winnow-matches", reply->matches);
    if (!error && reason)
        error = broker_headers_add_text(properties, "winnow-reason", broker_text(reason));
    if (!error)
        error = broker_headers_add_text(properties, "winnow-worker", broker_text(reply->worker));
    if (!error && reply->redelivered)
        error = broker_headers_add_true(properties, "winnow-redelivered");
    if (!error && reply->headers_dropped)
        error = broker_headers_add_true(properties, "winnow-headers-dropped");
    return error;
}

static int add_own_that_fit(struct broker_properties *properties, const struct reply *reply,
                            const char *reason)
{
    int error = add_own(properties, reply, reason);

    if (error || broker_properties_size(properties, reply->room_bytes) >= 0)
        return error;
    struct reply without = *reply;
    without.headers_dropped = true;
    broker_headers_clear(properties);
    return add_own(properties, &without, reason);
}

int reply_result(struct broker_properties *properties, const struct reply *reply)
{
    strip(properties);
    broker_properties_set(properties, BROKER_REPLY_TO, (struct broker_bytes){0});
    if (!broker_properties_get(properties, BROKER_CORRELATION_ID).bytes)
        broker_properties_set(properties, BROKER_CORRELATION_ID,
                              broker_properties_get(properties, BROKER_MESSAGE_ID));
    return add_own_that_fit(properties, reply, NULL);
}

int reply_dead(struct broker_properties *properties, const struct reply *reply, const char *reason)
{
    strip(properties);
    return add_own_that_fit(properties, reply, reason);
}
