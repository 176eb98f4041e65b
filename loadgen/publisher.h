/* publisher.h - sends the events of a run over several connections, as fast as their confirm
 * windows let it, each in turn.
 *
 * An event that the broker refuses is sent again under the same name, after pauses that grow
 * (resend.h), while others go on; so is one whose connection breaks before it is confirmed, but at
 * once: it may arrive twice, and is not forgotten. What becomes of each event goes into the
 * ledger. */
#ifndef WINNOW_PUBLISHER_H
#define WINNOW_PUBLISHER_H

#include "bodies.h"
#include "error.h"
#include "ledger.h"
#include "options.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct publisher_header {
    const char *name; /* at most 255 bytes */
    const char *value;
};

/* Everything is borrowed and must stay until publisher_close. */
struct publisher_settings {
    const struct options *options; /* must stay as long as the process */
    const char *name;              /* of the connections, see broker_client_name */
    uint64_t run;
    const char *reply_to; /* queue for the results; NULL: the farm's own */
    size_t connections;   /* >= 1 */
    size_t window_msgs;   /* >= 1: events unconfirmed on each connection, refused ones included */
    const struct publisher_header *headers; /* of every event */
    size_t header_count;
    bool transient; /* the broker may keep the events in memory alone */
    bool mandatory; /* what no queue takes is returned; else the broker drops and confirms it */
    const struct bodies *bodies;
    struct ledger *ledger;
};

struct publisher;

/* Opens the connections, trying until deadline_ns or until wake_fd (or -1) is readable, and
 * declares the farm's exchange and queues when they are not there.
 *
 * Returns 0 and *publisher (release with publisher_close), or as connection_open, connection_wait
 * and topology_declare_if_missing. */
int publisher_open(const struct publisher_settings *settings, int wake_fd, int64_t deadline_ns,
                   struct publisher **publisher, struct why *why);
/* Takes NULL. */
void publisher_close(struct publisher *publisher);

/* Intended times count from here, and latencies with them. */
void publisher_start(struct publisher *publisher, int64_t start_ns);

/* True when publisher_send can send at once: a connection is up, with space in its window and in
 * its socket, and nothing that is due to be sent again comes first. */
bool publisher_can_send(struct publisher *publisher);

/* Sends the event with the number counts.published of the ledger, on the next connection in turn,
 * which gathers what it is given and writes it together. Only when publisher_can_send.
 *
 * Returns 0, also when the connection broke at it, or -ERR_MEMORY, -ERR_INVALID. */
int publisher_send(struct publisher *publisher, int64_t intended_ns, struct why *why);

/* Writes what was gathered, as far as the sockets take it. */
void publisher_flush(struct publisher *publisher);

/* Takes in what has arrived, brings lost connections back, and sends again what has to be.
 *
 * *more   set when there was too much to take at once: to be called again before waiting
 *
 * Returns 0, or the last error of a connection lost for longer than --connect-timeout, or
 * -ERR_MEMORY. */
int publisher_step(struct publisher *publisher, bool *more, struct why *why);

/* For the caller's poll: sends what waits to be sent and fills in fds[0 .. connections-1]. */
void publisher_poll(struct publisher *publisher, struct pollfd *fds);
/* When publisher_step is due even though nothing is readable. */
int64_t publisher_due_ns(const struct publisher *publisher);

/* Events sent of which the broker has not said what became of them, those to be sent again
 * included. */
size_t publisher_unsettled(const struct publisher *publisher);

/* Connections that are lost at the moment. */
size_t publisher_lost(const struct publisher *publisher);

/* Whether the broker now blocks a connection (its memory or disk alarm), and for how long it has
 * done so since the start, in all. */
bool publisher_blocked(const struct publisher *publisher);
int64_t publisher_blocked_ns(const struct publisher *publisher);

/* For how long a connection has been blocked or lost since the start, in all. */
int64_t publisher_outage_ns(const struct publisher *publisher);

#endif
