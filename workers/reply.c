#include "reply.h"

#include <string.h>

static bool is(struct broker_bytes name, const char *text)
{
    return name.length == strlen(text) && memcmp(name.bytes, text, name.length) == 0;
}

static bool starts_with(struct broker_bytes name, const char *prefix)
{
    return name.length >= strlen(prefix) && memcmp(name.bytes, prefix, strlen(prefix)) == 0;
}

static bool is_own(struct broker_bytes name)
{
    return starts_with(name, "winnow-");
}

/* The default exchange obeys a copied CC; x-death tells of another message's life. */
static bool is_copied(struct broker_bytes name)
{
    return !is(name, "CC") && !is(name, "BCC") && !starts_with(name, "x-death") &&
           !starts_with(name, "x-first-death") && !is_own(name);
}

/* Another user's user_id closes the channel, and an expiration would let the answer vanish
 * unread. */
static void strip(struct broker_properties *properties)
{
    const struct broker_bytes absent = {0};

    broker_properties_set(properties, BROKER_USER_ID, absent);
    broker_properties_set(properties, BROKER_EXPIRATION, absent);
    broker_headers_filter(properties, is_copied);
}

static int add_job_headers(struct broker_properties *properties, const struct job_result *result)
{
    int error = 0;

    for (size_t i = 0; !error && i < result->header_count; i++) {
        const struct job_header *header = &result->headers[i];
        error = header->text
                    ? broker_headers_add_text(properties, header->name, broker_text(header->text))
                    : broker_headers_add_int(properties, header->name, header->number);
    }
    return error;
}

static int add_reason(struct broker_properties *properties, const char *reason)
{
    return broker_headers_add_text(properties, "winnow-reason", broker_text(reason));
}

static int add_worker(struct broker_properties *properties, const struct reply *reply)
{
    int error = broker_headers_add_text(properties, "winnow-worker", broker_text(reply->worker));

    if (!error && reply->redelivered)
        error = broker_headers_add_true(properties, "winnow-redelivered");
    return error;
}

/* Drops the headers that were copied when they do not fit a frame together with ours. */
static int make_fit(struct broker_properties *properties, size_t limit_bytes)
{
    if (broker_properties_size(properties, limit_bytes) >= 0)
        return 0;
    broker_headers_filter(properties, is_own);
    return broker_headers_add_true(properties, "winnow-headers-dropped");
}

static int set_content(struct broker_properties *properties, const struct job_result *result)
{
    if (!result->content_type.bytes)
        return 0;
    int error = broker_properties_set(properties, BROKER_CONTENT_TYPE, result->content_type);

    return error ? error
                 : broker_properties_set(properties, BROKER_CONTENT_ENCODING,
                                         result->content_encoding);
}

int reply_result(struct broker_properties *properties, const struct reply *reply,
                 const struct job_result *result)
{
    int error = set_content(properties, result);

    strip(properties);
    broker_properties_set(properties, BROKER_REPLY_TO, (struct broker_bytes){0});
    if (!broker_properties_get(properties, BROKER_CORRELATION_ID).bytes)
        broker_properties_set(properties, BROKER_CORRELATION_ID,
                              broker_properties_get(properties, BROKER_MESSAGE_ID));
    if (!error)
        error = add_job_headers(properties, result);
    if (!error)
        error = add_worker(properties, reply);
    return error ? error : make_fit(properties, reply->limit_bytes);
}

static int drop(struct broker_properties *properties, const struct reply *reply)
{
    broker_properties_reduce(properties);
    int error = broker_headers_add_true(properties, "winnow-properties-dropped");
    if (error || !reply->without_body)
        return error;
    broker_properties_set(properties, BROKER_MESSAGE_ID, (struct broker_bytes){0});
    return broker_headers_add_true(properties, "winnow-body-dropped");
}

int reply_dead(struct broker_properties *properties, const struct reply *reply, const char *reason)
{
    int error = 0;

    if (reply->without_properties)
        error = drop(properties, reply);
    else
        strip(properties);
    if (!error)
        error = add_reason(properties, reason);
    if (!error)
        error = add_worker(properties, reply);
    return error ? error : make_fit(properties, reply->limit_bytes);
}

int reply_returned(struct broker_properties *properties, size_t limit_bytes, const char *reason)
{
    int error = add_reason(properties, reason);

    return error ? error : make_fit(properties, limit_bytes);
}
