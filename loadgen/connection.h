/* connection.h - a connection to the broker that comes back after it was lost. */
#ifndef WINNOW_LOADGEN_CONNECTION_H
#define WINNOW_LOADGEN_CONNECTION_H

#include "broker/broker.h"
#include "options.h"

#include <stdint.h>

struct connection {
    struct broker *broker; /* NULL while it is lost */

    /* The connection's own. */
    const struct options *options;
    const char *name;
    int64_t lost_ns;   /* since when */
    int64_t reopen_ns; /* when to try again */
    int64_t pause_ns;  /* how long to wait after the next failure */
    struct why lost_why;
    int lost_error;
};

/* Starts without a connection; both arguments are borrowed. name is that of broker_client_name. */
void loadgen_connection_init(struct connection *connection, const struct options *options,
                             const char *name);
/* Says goodbye and closes; the connection is then as after loadgen_connection_init. */
void loadgen_connection_clear(struct connection *connection);

/* Connects for the first time; as broker_open_retry. */
int loadgen_connection_open(struct connection *connection, int wake_fd, int64_t deadline_ns,
                            struct why *why);

/* A call on the broker has failed with this error: closes it, logs why, and sets the time of the
 * next try: at once after the first failure, then after pauses that double up to half a second. */
void loadgen_connection_lose(struct connection *connection, int error, const struct why *why);

/* The broker has answered something of use: the next loss is a first one. */
void loadgen_connection_prove(struct connection *connection);

/* Tries once when the connection is lost and the time has come, for two seconds at most.
 *
 * Returns 1 when it is back (and as bare as a new one), 0 when there was nothing to do or it was in
 * vain, or the last error when it has been lost for longer than the option --connect-timeout. */
int loadgen_connection_reopen(struct connection *connection, int64_t now_ns, struct why *why);

/* When loadgen_connection_reopen wants to be called, or broker_next for the heartbeat's sake. */
int64_t loadgen_connection_due_ns(const struct connection *connection);

#endif
