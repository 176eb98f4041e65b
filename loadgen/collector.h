/* collector.h - takes in the answers to a run's events, from two durable queues of the run's own:
 * one that the events name as their reply_to, and one bound to FARM.dead. Both outlive a broken
 * connection. When a run crashes, the broker deletes them ten minutes later. */
#ifndef WINNOW_COLLECTOR_H
#define WINNOW_COLLECTOR_H

#include "bodies.h"
#include "error.h"
#include "ledger.h"
#include "options.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

/* The name of the queue for the results of a run, FARM.verify.RUN. That of the dead letters is the
 * same with ".dead" behind it. */
#define COLLECTOR_QUEUE_SIZE 160
void collector_queue_name(const struct topology *topology, uint64_t run,
                          char queue[COLLECTOR_QUEUE_SIZE]);

/* Everything is borrowed and must stay until collector_close. */
struct collector_settings {
    const struct options *options; /* must stay as long as the process */
    const char *name;              /* of the connection, see broker_client_name */
    uint64_t run;
    bool expect_same;         /* workers send the text back as it was, and count no matches */
    struct broker_bytes mask; /* what the farm's workers put in place of a match */
    const struct bodies *bodies;
    struct ledger *ledger;
};

struct collector;

/* Connects, declares both queues and consumes them. The farm's exchanges must be there.
 *
 * Returns 0 and *collector (release with collector_close), or as connection_open, connection_wait
 * and the entities in broker.h. */
int collector_open(const struct collector_settings *settings, int wake_fd, int64_t deadline_ns,
                   struct collector **collector, struct why *why);

/* Deletes the queues and closes the connection. When it is lost, one attempt is made to get it
 * back. Queues that cannot be deleted are logged, and left to the broker. Takes NULL. */
void collector_close(struct collector *collector);

/* Intended times count from here, and latencies with them. */
void collector_start(struct collector *collector, int64_t start_ns);

/* Tells the ledger of what has arrived, then acknowledges it; brings a lost connection back.
 *
 * *more   set when there was too much to take at once: to be called again before waiting
 *
 * Returns 0, or the last error of a connection lost for longer than --connect-timeout, or
 * -ERR_MEMORY. */
int collector_step(struct collector *collector, bool *more, struct why *why);

/* For the caller's poll, and when collector_step is due even though nothing is readable. */
void collector_poll(const struct collector *collector, struct pollfd *fd);
int64_t collector_due_ns(const struct collector *collector);

/* At the end: what still waits in FARM.work, and for how many consumers. False when it cannot be
 * known. The connection may be lost by asking. */
bool collector_read_work(struct collector *collector, struct broker_queue_state *work);

bool collector_lost(const struct collector *collector);

#endif
