/* reply.h - the properties of what a worker publishes: which it copies from the event, and which are its own. */
#ifndef WINNOW_REPLY_H
#define WINNOW_REPLY_H

#include "broker/properties.h"
#include "error.h"

#include <stdbool.h>
#include <stdint.h>

/* What a worker has to say in the headers. */
struct reply {
    const char *worker;   /* "host/pid"; borrowed */
    int64_t matches;      /* places changed; -1: not said */
    bool redelivered;     /* the event came a second time */
    bool headers_dropped; /* what it copied was dropped already */
    size_t room_bytes;    /* what a frame has for properties */
};

/* Turns an event's properties, in place, into those of its result: all but reply_to, user_id and expiration;
 * correlation_id is the message_id when absent; headers but CC, BCC, x-death*, x-first-death* and winnow-*.
 * Then adds winnow-matches, winnow-worker and, when so, winnow-redelivered. When the headers do not fit a
 * frame with these, all that were copied are dropped and winnow-headers-dropped says so.
 * 0 or -ERR_MEMORY. */
int reply_result(struct broker_properties *properties, const struct reply *reply);

/* The same for what could not be handled: reply_to stays, so that it can be sent again, and winnow-reason is
 * added: UTF-8, borrowed, shorter than REPLY_REASON_SIZE. */
#define REPLY_REASON_SIZE 400
int reply_dead(struct broker_properties *properties, const struct reply *reply, const char *reason);

#endif
