/* link.h - one of the leader's connections to the broker, with what the log says of it. */
#ifndef WINNOW_LINK_H
#define WINNOW_LINK_H

#include "broker/broker.h"
#include "broker/connection.h"
#include "error.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link {
    struct connection *connection;
    const char *purpose; /* as the log names it: "count", "backlog" */
    int error; /* of the loss or the last attempt to connect; 0: connected, or not yet tried */
    bool was_open;
    bool failed;  /* an attempt to connect, at the last step */
    bool retired; /* once it is away, it stays away */
    bool waits;   /* what an attempt finds missing is somebody else's, and waited for */
};

/* Connects to nothing yet. It waits for what is missing if the settings have a pause for that. 0 or
 * the errors of connection_open. */
int link_open(struct link *link, const struct connection_settings *settings, const char *purpose,
              struct why *why);
/* Harmless when it was not opened. */
void link_close(struct link *link);

/* As connection_leave and connection_has_left; harmless when it was not opened. */
void link_leave(struct link *link);
bool link_has_left(const struct link *link);

/* Connects when it is time to, without waiting; true when it has just been connected. */
bool link_step(struct link *link, int64_t now_ns);

/* Connects no more once it is away. */
void link_retire(struct link *link);

/* NULL while it is away. */
struct broker *link_broker(const struct link *link);

/* The connection turned out to be broken or of no use: it is closed, and connected anew. */
void link_lost(struct link *link, int error, const struct why *why);

/* When link_step, or broker_next while it is connected, is due; CLOCK_NEVER when it is not. */
int64_t link_due_ns(const struct link *link);

/* Adds its descriptor to fds if it has one to wait for; returns how many were added. */
size_t link_poll(const struct link *link, struct pollfd *fds);

#endif
