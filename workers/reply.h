/* reply.h - the properties of what a worker publishes: which it copies from the event, and which
 * are its own. */
#ifndef WINNOW_REPLY_H
#define WINNOW_REPLY_H

#include "broker/properties.h"
#include "error.h"
#include "job.h"

#include <stdbool.h>
#include <stddef.h>

/* What every message of a worker says of it in its headers. */
struct reply {
    const char *worker;                    /* "host/pid"; borrowed */
    bool redelivered;                      /* the event came a second time */
    bool without_properties, without_body; /* of an event that could not be buried whole */
    size_t limit_bytes;                    /* that a frame has for properties */
};

/* Turns an event's properties, in place, into those of its result: all but reply_to, user_id and
 * expiration; correlation_id is the message_id when absent; headers but CC, BCC, x-death*,
 * x-first-death* and winnow-*. The content type and encoding are the result's when it names any.
 * Then adds the result's headers, winnow-worker and, when so, winnow-redelivered. When all headers
 * do not fit a frame, those that were copied are dropped and winnow-headers-dropped says so.
 * Borrows from the result and the reply. 0, -ERR_MEMORY, or -ERR_INVALID when the content type or
 * encoding is over 255 bytes. */
int reply_result(struct broker_properties *properties, const struct reply *reply,
                 const struct job_result *result);

/* The same for an event that could not be handled: its reply_to stays, so that it can be sent
 * again, and winnow-reason is added: UTF-8, borrowed, shorter than REPLY_REASON_SIZE. Without
 * properties nothing of the event's stays but its message_id and delivery_mode, without its body
 * not even the message_id; winnow-properties-dropped and winnow-body-dropped say so. 0 or
 * -ERR_MEMORY. */
#define REPLY_REASON_SIZE 400
int reply_dead(struct broker_properties *properties, const struct reply *reply, const char *reason);

/* The same for a result of ours that came back: it has all that is ours already, so that only
 * winnow-reason is added. */
int reply_returned(struct broker_properties *properties, size_t limit_bytes, const char *reason);

#endif
