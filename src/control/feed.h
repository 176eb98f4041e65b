/* feed.h - what a farm tells from now on: asked for when connected, and again whenever nothing was
 * heard for two seconds, so that an autoscaler or a broker that comes back is heard again. */
#ifndef WINNOW_FEED_H
#define WINNOW_FEED_H

#include "client.h"

#include <stdbool.h>
#include <stdint.h>

enum feed_state {
    FEED_STARTING, /* not connected for the first time yet, or connected and not yet answered */
    FEED_AWAY,     /* no connection to the broker */
    FEED_NOBODY,   /* the broker says that nobody runs the farm */
    FEED_HEARD,    /* it was answered, and may be silent since then */
};

struct feed {
    struct client *client;
    enum feed_state state;
    int64_t since_ns; /* of the state */
    int64_t ask_ns;   /* when it is asked again; CLOCK_NEVER while there is no connection */
    bool blocked;     /* the broker takes no question */
    int error;        /* FEED_AWAY: what has happened, ... */
    struct why why;   /* ... and why */
};

/* Waits for nothing: the feed is starting until it is connected, or could not be. 0 (release with
 * feed_close) or the error of client_open. */
int feed_begin(const struct options *options, const char *const *keys, struct feed *feed,
               struct why *why);

/* Waits for the first connection. wake_fd becoming readable ends the wait. 0 (release with
 * feed_close), -ERR_TIMEOUT when woken, or the error of connection_wait.
 *
 * keys  as those of client_open: what is heard beside the status that was asked for */
int feed_open(const struct options *options, const char *const *keys, int wake_fd,
              struct feed *feed, struct why *why);
void feed_close(struct feed *feed);

/* So many messages are taken in a row: signals and the screen have their turn in a flood, too. */
#define FEED_MOST 64

/* Does what is due; true when there is a message, borrowed until the next call. */
bool feed_step(struct feed *feed, struct client_message *message);

/* Logs that the farm is silent and why, and that it is heard again, when the state is not the one
 * that was logged last. *logged is FEED_STARTING at first. */
void feed_log(const struct feed *feed, const char *farm, enum feed_state *logged);

/* For callers that poll by themselves, as client_poll and client_due_ns. */
void feed_poll(const struct feed *feed, struct pollfd *fd);
int64_t feed_due_ns(const struct feed *feed);

/* Waits until feed_step may have something, wake_fd is readable, or the deadline. Call feed_step
 * until it has nothing before. */
void feed_wait(const struct feed *feed, int wake_fd, int64_t deadline_ns);

#endif
