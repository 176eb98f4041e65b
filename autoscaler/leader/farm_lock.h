/* farm_lock.h - at most one autoscaler decides for a farm. The only module that knows what the lock
 * is made of: queues that are exclusive to one connection. */
#ifndef WINNOW_FARM_LOCK_H
#define WINNOW_FARM_LOCK_H

#include "broker/broker.h"
#include "error.h"
#include "topology.h"

#include <stdbool.h>
#include <stdint.h>

struct farm_lock {
    int64_t refused_ns; /* since then another holds the lock, as far as is known; 0: none does */
    bool clustered;     /* it was this process's, on a broker that others may miss only late */
};

/* Takes the lock for as long as this connection lives. 0; -ERR_LOCKED when another autoscaler has
 * it, or when the broker has not noticed yet that an earlier one is gone (up to three heartbeats);
 * or an error of the broker's. */
int farm_lock_take(const struct topology *topology, struct broker *broker, struct why *why);

/* Notes how an attempt to take the lock ended: 0 or farm_lock_take's error. */
void farm_lock_note(struct farm_lock *lock, int error, int64_t now_ns);

/* So long it may be refused for the sake of a connection that is dead. */
int64_t farm_lock_patience_ns(const struct farm_lock *lock);

/* The lock is refused for longer than that: another autoscaler has it. */
bool farm_lock_is_another(const struct farm_lock *lock, int64_t now_ns);

#endif
