/* inbox.h - the events a worker has taken off the socket and not yet handled, oldest first. */
#ifndef WINNOW_INBOX_H
#define WINNOW_INBOX_H

#include "broker/broker.h"

#include <stdbool.h>
#include <stdint.h>

struct delivery {
    struct delivery *next;
    uint64_t tag;
    bool redelivered;
    bool poison;                              /* not to be handled */
    struct broker_bytes raw_properties, body; /* both in bytes[] */
    int64_t wait_from_ns; /* since when it waits for its last worker to end; 0: it does not */
    char bytes[];
};

struct inbox {
    struct delivery *first, **last;
};

void inbox_init(struct inbox *inbox);

/* Copies a BROKER_DELIVERY to the end. 0 or -ERR_MEMORY. */
int inbox_add(struct inbox *inbox, const struct broker_event *event);

/* Frees the first, which must be there. */
void inbox_drop_first(struct inbox *inbox);

#endif
