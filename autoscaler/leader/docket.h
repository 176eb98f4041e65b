/* docket.h - what the nodes of a farm hold against events, put together for each node: that of all
 * others. Pure.
 *
 * Each node counts its own attempts, and reports them; no event is on two nodes at a time. So what
 * a farm holds against an event is the sum of what its nodes do. */
#ifndef WINNOW_DOCKET_H
#define WINNOW_DOCKET_H

#include "control/event_records.h"
#include "roster.h"

#include <stddef.h>

struct docket {
    struct docket_entry {
        size_t node;
        struct event_record record;
    } * entries; /* by their events */
    size_t count;
};

/* Gathers what the nodes that live have reported. 0 (then docket_clear releases it) or
 * -ERR_MEMORY. */
int docket_gather(struct docket *docket, const struct roster *roster);
void docket_clear(struct docket *docket);

/* What all nodes but that one hold against events; of too many it is the same ones that are left
 * out each time. Returns how many. */
size_t docket_for(const struct docket *docket, size_t node,
                  struct event_record records[EVENT_RECORDS_MOST]);

#endif
