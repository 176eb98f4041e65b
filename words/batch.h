/* batch.h - the requests that one instance holds: taken in as they come, carried out together.
 *
 * What many requests change is one transaction of the store, so that many cost one wait for the
 * disk. */
#ifndef WINNOW_BATCH_H
#define WINNOW_BATCH_H

#include "broker/broker.h"
#include "request.h"
#include "store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most requests that are held, which is how many the broker hands out. */
#define BATCH_MOST 250

/* With so many bytes of requests a batch is full, however few they are. */
#define BATCH_FULL_BYTES ((size_t)8 << 20)

/* Larger bodies are not read. */
#define BATCH_BODY_MOST_BYTES ((size_t)1 << 20)

struct topology;

struct batch_item {
    uint64_t tag; /* of the delivery */
    bool redelivered;
    struct broker_bytes raw_properties, body; /* both in memory */
    char *memory;
    /* What came of it: the answer to a request, unless it has a fault or is dead. */
    struct request request;
    bool faulty;
    const char *dead; /* why it is not even looked at; NULL: it is */
};

/* Start from {0}. */
struct batch {
    struct batch_item items[BATCH_MOST];
    size_t count;                         /* held */
    size_t bytes;                         /* of their bodies and properties */
    size_t done;                          /* carried out, and to be dropped */
    struct broker_properties *properties; /* to look at those of an item; borrowed */
};

/* Takes a delivery in: fewer than BATCH_MOST are held. 0 or -ERR_MEMORY. */
int batch_add(struct batch *batch, const struct broker_event *delivery);

/* Whether no more should be taken in before some are carried out. */
bool batch_is_full(const struct batch *batch);

/* Carries out those that come next, until their answers may be large: up to the first that asks for
 * a list, or to a thousand entries at random. Then items[0] to items[done - 1] are to be answered,
 * and batch_drop drops them.
 *
 * Returns 0; -ERR_MEMORY; or the error of store_apply, which is then the fault of all items that
 * the store was to carry out. */
int batch_carry_out(struct batch *batch, const struct topology *topology, struct store *store,
                    struct why *why);
void batch_drop(struct batch *batch);

/* Whether an item that was carried out has changed the store: then there may be a new version. */
bool batch_changed(const struct batch_item *item);

/* All that is held, because it has come back to the queue. */
void batch_clear(struct batch *batch);

#endif
