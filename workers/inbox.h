/* inbox.h - events that a worker has taken off the socket, oldest first. */
#ifndef WINNOW_INBOX_H
#define WINNOW_INBOX_H

#include "broker/broker.h"
#include "delivery.h"

#include <stddef.h>

struct inbox {
    struct delivery *first, **last;
    size_t count;
};

void inbox_init(struct inbox *inbox);

/* Copies a BROKER_DELIVERY to the end; settled_ns as in the delivery. 0 or -ERR_MEMORY. */
int inbox_add(struct inbox *inbox, const struct broker_event *event, int64_t settled_ns);

/* Moves a delivery to the end: it is the inbox's now. */
void inbox_put(struct inbox *inbox, struct delivery *delivery);

/* Takes out the first, which must be there. It is the caller's, to be released with
 * delivery_free. */
struct delivery *inbox_take(struct inbox *inbox);

/* The same with one of those that are in it. */
struct delivery *inbox_take_out(struct inbox *inbox, struct delivery *delivery);

/* Frees all that is in it. */
void inbox_clear(struct inbox *inbox);

#endif
