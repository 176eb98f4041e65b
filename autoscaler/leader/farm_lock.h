/* farm_lock.h - at most one autoscaler a farm. The only room that knows what the lock is made of: today, that the
 * count queue is exclusive to one connection. */
#ifndef WINNOW_FARM_LOCK_H
#define WINNOW_FARM_LOCK_H

#include "broker/broker.h"
#include "error.h"
#include "topology.h"

/* Takes the lock for as long as this connection lives. 0; -ERR_LOCKED when another autoscaler has it, or
 * when the broker has not noticed yet that an earlier one is gone (up to three heartbeats); or an error of the
 * broker's. */
int farm_lock_take(const struct topology *topology, struct broker *broker, struct why *why);

#endif
