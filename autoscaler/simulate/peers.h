/* peers.h - the scaling policies that other systems ship, as a user of each would get them, for
 * comparison on simulated time. Pure.
 *
 * Each measures and decides when its system does, and sees what its system sees. */
#ifndef WINNOW_PEERS_H
#define WINNOW_PEERS_H

#include "peer.h"

#include <stddef.h>

/* The one at that place of the table; NULL after the last. */
const struct peer_kind *peers_at(size_t index);
/* By name; NULL when there is none. */
const struct peer_kind *peers_find(const char *name);

#endif
