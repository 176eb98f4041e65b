/* loop.h - the process's one loop: it waits for what its farms wait for, and tells them of
 * signals. */
#ifndef WINNOW_LOOP_H
#define WINNOW_LOOP_H

#include "error.h"
#include "fleet.h"

/* Steps the farms until all have ended. SIGINT and SIGTERM stop every farm, a second one ends their
 * workers at once; SIGHUP renews them. How they ended is for fleet_outcome. Unless the guardian is
 * NULL, it says when that has ended, and takes in the ends of processes that were orphaned to this
 * one. Returns 0; -ERR_SYSTEM or -ERR_MEMORY when it could not begin. */
int loop_run(struct fleet *fleet, const struct guardian *guardian, struct why *why);

#endif
