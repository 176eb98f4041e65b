/* broadcast.h - sends a random insult to FARM.insults every so many seconds while that is on and
 * this instance has the turn (turn.h). */
#ifndef WINNOW_BROADCAST_H
#define WINNOW_BROADCAST_H

#include "broker/broker.h"
#include "store.h"
#include "topology.h"

#include <stdbool.h>
#include <stdint.h>

struct broadcast {
    const struct topology *topology; /* borrowed, as all of these */
    const char *instance;            /* "host/pid" */
    struct store *store;
    struct broker_properties *properties;
    int64_t every_ns;

    struct store_turn claim; /* what was sent and is not confirmed, ... */
    uint64_t sequence;       /* ... under this number; 0: nothing is */
    uint64_t sent;           /* so many were confirmed */
};

/* Sends one if it is due, by what was just read of the store. *wait_ns says when to look again if
 * nothing happens. 0, -ERR_MEMORY, or an error of the store or, with *lost, of the connection. */
int broadcast_step(struct broadcast *broadcast, struct broker *broker,
                   const struct store_state *state, int64_t *wait_ns, bool *lost, struct why *why);

/* The broker has confirmed, or with taken false refused, what was published. 0 or an error of the
 * store. */
int broadcast_settled(struct broadcast *broadcast, const struct broker_event *event, bool taken,
                      struct why *why);

/* The connection is gone, and what was not confirmed is not counted as sent. */
void broadcast_forget(struct broadcast *broadcast);

/* This instance ends: another may take over at once. */
void broadcast_give_up(struct broadcast *broadcast);

#endif
