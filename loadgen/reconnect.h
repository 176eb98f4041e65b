/* reconnect.h - a run's connections come back after a loss, but not after any time; and the log
 * says so. */
#ifndef WINNOW_RECONNECT_H
#define WINNOW_RECONNECT_H

#include "broker/connection.h"
#include "error.h"

#include <stdint.h>

/* A call on the connection's broker has failed: logs why and closes it. */
void reconnect_lost(struct connection *connection, int error, const struct why *why);

/* A step of a connection that is away.
 *
 * patience_ns   so long a connection may be away
 *
 * Returns 1 when it has just come back, 0 when it is still away, or the error of the last attempt
 * when it has been away for longer. */
int reconnect_step(struct connection *connection, int64_t patience_ns, struct why *why);

#endif
