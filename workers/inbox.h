/* inbox.h - events that a worker has taken off the socket, oldest first. */
#ifndef WINNOW_INBOX_H
#define WINNOW_INBOX_H

#include "broker/broker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An event as it was delivered, in one block of memory. */
struct delivery {
    struct delivery *next;
    uint64_t tag;
    bool redelivered;
    /* What is left out when it is buried: after whole messages, each has cost the connection. */
    enum delivery_burial {
        BURIED_WHOLE,
        BURIED_WITHOUT_PROPERTIES,
        BURIED_WITHOUT_BODY, /* either */
    } burial;
    struct broker_bytes raw_properties, body; /* both in bytes[] */
    int64_t back_ns;                          /* of one set aside: when it goes back to the queue */
    char bytes[];
};

struct inbox {
    struct delivery *first, **last;
    size_t count;
};

void inbox_init(struct inbox *inbox);

/* Copies a BROKER_DELIVERY to the end. 0 or -ERR_MEMORY. */
int inbox_add(struct inbox *inbox, const struct broker_event *event);

/* Moves a delivery to the end: it is the inbox's now. */
void inbox_put(struct inbox *inbox, struct delivery *delivery);

/* Takes out the first, which must be there. It is the caller's, to be released with free(). */
struct delivery *inbox_take(struct inbox *inbox);

/* Frees all that is in it. */
void inbox_clear(struct inbox *inbox);

#endif
