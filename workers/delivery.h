/* delivery.h - an event as its worker holds it, from its delivery until it is acknowledged or given
 * back, together with the answer that was published for it. */
#ifndef WINNOW_DELIVERY_H
#define WINNOW_DELIVERY_H

#include "broker/properties.h"
#include "job.h"
#include "scoreboard.h"

#include <stdbool.h>
#include <stdint.h>

/* One block of memory and, once it is answered, one for the answer. */
struct delivery {
    struct delivery *next; /* of the inbox that holds it */
    uint64_t tag;
    bool redelivered;
    int64_t settled_ns; /* not taken to hand before: other hosts may hold something against it */
    struct broker_bytes raw_properties, body;  /* both in bytes[] */
    struct scoreboard_fingerprint fingerprint; /* 0,0 until it was taken to hand */

    /* What answer.h has published for it, kept so that it can be published again: a job that took
     * minutes is not done twice because the broker refuses what came of it. */
    struct job_result *result; /* of result_copy; NULL: the event goes to FARM.dead as it came */
    char *dead_reason;         /* for which event or result goes to FARM.dead; NULL: neither does */
    /* What is left out of an event in FARM.dead: each before has cost the connection there too. */
    enum delivery_burial {
        BURIED_WHOLE,
        BURIED_WITHOUT_PROPERTIES,
        BURIED_WITHOUT_BODY, /* either */
    } burial;
    /* Of the result: where it goes, and its names. They are in bytes[], or the topology's. */
    struct broker_bytes queue, message_id, correlation_id;

    bool left_out;     /* of the order in which events are acknowledged */
    uint32_t refusals; /* of what was published for it, one after the other */
    int64_t since_ns;  /* when it was first refused; 0: it never was */
    int64_t due_ns;    /* when its answer is published again, or it goes back to the queue */
    char bytes[];
};

/* Takes NULL. */
void delivery_free(struct delivery *delivery);

/* Drops the event and its answer, of which nothing is needed any more but the tag. Returns the
 * delivery, which may have moved. */
struct delivery *delivery_keep_tag(struct delivery *delivery);

#endif
