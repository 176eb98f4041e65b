/* permissions.h - which permissions the broker's user needs on the farm of a queue that is somebody
 * else's. */
#ifndef WINNOW_PERMISSIONS_H
#define WINNOW_PERMISSIONS_H

#include "error.h"
#include "topology.h"

enum permissions_of { PERMISSIONS_AUTOSCALER, PERMISSIONS_WORKER };

/* Puts them, by name, before the explanation of an -ERR_REFUSED that is about a permission: the
 * broker names only the one that was missed first. Does nothing for a farm of its own, whose
 * permissions are one pattern, and where a limit was reached. */
void permissions_explain(const struct topology *topology, enum permissions_of who, struct why *why);

#endif
