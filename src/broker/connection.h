/* connection.h - a connection to the broker that comes back after it was lost.
 *
 * No call but connection_wait and connection_close ever waits, for the broker, a name server or
 * anything else. Each attempt to connect has a short-lived thread of its own, which resolves,
 * connects, logs in, opens the channel and lets the user set the connection up; the struct broker
 * is then handed to the thread that calls connection_step. An attempt that nobody wants any more
 * ends by itself.
 *
 *   connection_open
 *         |          when due             opened
 *         '---> AWAY ---------> ATTEMPT ---------> OPEN
 *                ^                 | failed          | connection_lost
 *                '-----------------+-----------------'
 *
 * The pauses before attempts (each is shortened at random by up to a half, so that many programs do
 * not come back in step):
 *   none                     before the first attempt
 *   20 ms                    after the loss of a connection that had been useful
 *   20 ms, 40 ms .. 500 ms   after one failed attempt, two ..
 *   20 ms .. missing_pause_ns  the same, when they failed with -ERR_MISSING
 *   20 ms, 40 ms .. 5 s      after one connection that was lost before it was useful, two ..
 * A connection is useful once connection_mark_useful was called or it has stood for 10 s.
 *
 * A struct connection belongs to one thread. It may be alive during a fork; the child leaves it
 * alone. */
#ifndef WINNOW_CONNECTION_H
#define WINNOW_CONNECTION_H

#include "broker.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connection_settings {
    struct broker_options broker; /* copied by connection_open, with its texts */

    /* Makes an open connection ready: declares, consumes, whatever its user needs. It runs on the
     * attempt's thread and may wait for the broker's answers. It sees a copy of the context alone,
     * as the user may go on, or close the connection, meanwhile. It returns 0 or an error, which is
     * that of the attempt. NULL: nothing needs to be set up. */
    int (*set_up)(const void *context, struct broker *broker, struct why *why);

    /* context_bytes of it are copied at the beginning of each attempt, by connection_step or
     * connection_wait, so that each works with what holds then. What the bytes point to must live
     * as long as the process. */
    const void *context;
    size_t context_bytes;

    /* The longest pause between attempts that fail for an entity that is missing; 0: as between
     * others. Each such attempt costs a line in the broker's log. */
    int64_t missing_pause_ns;
};

struct connection;

/* Makes a connection that is away and due at once; nothing is sent. 0 and *connection (release with
 * connection_close), -ERR_MEMORY or -ERR_SYSTEM. */
int connection_open(const struct connection_settings *settings, struct connection **connection,
                    struct why *why);

/* Says goodbye to the broker if the connection is open, as broker_close does; an attempt that is
 * running is left to itself. Takes NULL. */
void connection_close(struct connection *connection);

/* Says the same goodbye, but on a thread of its own. From now on nothing may be called but
 * connection_has_left, which tells when that has been done, and connection_close, which leaves it
 * to itself. Without memory for a thread there is no goodbye. */
void connection_leave(struct connection *connection);
bool connection_has_left(const struct connection *connection);

/* What a step found out. */
enum connection_news {
    CONNECTION_NO_NEWS,
    CONNECTION_OPENED, /* connection_broker is there, and set up */
    CONNECTION_FAILED, /* connection_error says why; the next attempt is due after a pause */
};

/* Does what is due: begins an attempt, or takes over the outcome of one. Never waits. */
enum connection_news connection_step(struct connection *connection, int64_t now_ns);

/* For programs that have nothing else to do while they have no connection: steps until it is open.
 * Logs no_connection once when the broker is not available.
 *
 * wake_fd      becoming readable ends the wait; -1: nothing does
 * deadline_ns  CLOCK_NEVER: none
 *
 * Returns 0 when the connection is open; -ERR_UNAVAILABLE after the deadline, with the reason of
 * the last attempt; -ERR_TIMEOUT when woken; or the error of an attempt other than
 * -ERR_UNAVAILABLE. After any of them another connection_wait goes on where this one ended. */
int connection_wait(struct connection *connection, int wake_fd, int64_t deadline_ns,
                    struct why *why);

/* The open connection, lent until connection_lost or connection_close; NULL while away. */
struct broker *connection_broker(const struct connection *connection);

/* Why it is away: the error of the last attempt or, before that ended, of the loss, with its
 * explanation (why may be NULL). 0 while it is open or before the first attempt has ended. */
int connection_error(const struct connection *connection, struct why *why);
/* The same at a deadline, and never 0: an attempt that has not ended by then did not in time. */
int connection_too_late(const struct connection *connection, struct why *why);

/* Since when it is away: since it was lost or, before it was ever open, since connection_open.
 * CLOCK_NEVER while it is open. */
int64_t connection_away_since_ns(const struct connection *connection);

/* Whether it was given several brokers, so that after connection_lost the next attempt begins with
 * another. */
bool connection_has_others(const struct connection *connection);

/* The user has found the open connection broken or of no use: closes it without a goodbye, and so
 * without waiting, and plans the next attempt. What had not been sent is dropped. Does nothing
 * while away. */
void connection_lost(struct connection *connection, int error, const struct why *why);

/* To be called when something was achieved on the open connection: after its loss the next attempt
 * is made soon. */
void connection_mark_useful(struct connection *connection);

/* What to poll for: the broker's socket (broker_poll_events) while open, the end of the attempt
 * while one runs, nothing (fd -1) in a pause. It changes with each step and loss. */
void connection_poll(const struct connection *connection, struct pollfd *fd);

/* When to call connection_step, or while it is open broker_next for the sake of the heartbeat;
 * CLOCK_NEVER while an attempt runs, as connection_poll's descriptor tells its end. */
int64_t connection_due_ns(const struct connection *connection);

#endif
