/* lane.h - one of the publisher's connections, and the window of events in flight on it.
 *
 * An event is in flight until the broker has confirmed it. When the broker refuses it, or the
 * connection breaks first, it is put among the events that have to be sent again (resend.h). */
#ifndef WINNOW_LANE_H
#define WINNOW_LANE_H

#include "broker/connection.h"
#include "error.h"
#include "event_id.h"
#include "publisher.h"
#include "resend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What all lanes of a publisher use. */
struct lane_shared {
    const struct publisher_settings *settings;
    struct broker_properties *properties; /* of the events sent */
    struct broker_properties *returned;   /* of the one that came back */
    struct resend resend;                 /* holds all windows */
    int64_t start_ns;                     /* from which intended times count */
};

struct flight {
    struct event_id id;
    unsigned refusals; /* of the broker, before */
    bool settled;
};

/* What an attempt to connect works with. */
struct lane_context {
    const struct options *options;
    char name[BROKER_NAME_SIZE];
    bool declares; /* the farm's exchange may be missing: declare before anything is sent */
};

struct lane {
    struct connection *connection;
    size_t unsettled; /* events in flight */

    /* Its own. */
    struct lane_shared *shared;
    struct lane_context context;
    struct flight *flights; /* a ring of window_msgs */
    /* The broker numbers what a connection sends it, from 1. The oldest message in flight, and the
     * next to be sent; those between them are in flight or settled. */
    uint64_t oldest, next;
};

/* Connects to nothing yet. The lane must stay where it is.
 *
 * declares   this lane sees to it that the farm's exchange and queues are there
 *
 * Returns 0, or as connection_open. */
int lane_init(struct lane *lane, struct lane_shared *shared, bool declares, struct why *why);
/* Also takes one that is all zeros. */
void lane_clear(struct lane *lane);

/* Connects for the first time, and waits for it; as connection_wait. */
int lane_connect(struct lane *lane, int wake_fd, int64_t deadline_ns, struct why *why);

/* True when an event can be sent at once: the connection is up, with space in its window and its
 * socket. */
bool lane_can_send(const struct lane *lane);

/* Gathers an event, which the broker has refused so often before, into the next write. Only when
 * lane_can_send.
 *
 * Returns 0, also when the connection broke at it, or -ERR_MEMORY, -ERR_INVALID. */
int lane_send(struct lane *lane, const struct event_id *id, unsigned refusals, struct why *why);

/* Writes what was gathered, as far as the socket takes it. */
void lane_flush(struct lane *lane);

/* Brings a lost connection back when it is time to, and takes in what the broker said.
 *
 * *more   set when there was too much to take at once
 *
 * Returns 0, or the last error of a connection lost for longer than --connect-timeout. */
int lane_step(struct lane *lane, bool *more, struct why *why);

#endif
