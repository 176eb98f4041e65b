/* arrival_counter.h - counts the events that arrive, from the copies in the count queue, on a
 * connection of its own that also holds the farm's lock. Nothing here waits. */
#ifndef WINNOW_ARRIVAL_COUNTER_H
#define WINNOW_ARRIVAL_COUNTER_H

#include "broker/broker.h"
#include "error.h"
#include "farm_lock.h"
#include "link.h"
#include "question.h"
#include "topology.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum arrival_counting {
    ARRIVAL_CONSUME, /* the copies are consumed and counted as they come */
    ARRIVAL_PURGE,   /* they are purged at each sample, and the broker says how many there were */
};

/* What the set-up of its connection needs; copied for each attempt. */
struct arrival_set_up {
    struct topology topology;
    enum arrival_counting counting;
    char consumer[BROKER_NAME_SIZE];
};

struct arrival_counter {
    struct arrival_set_up set_up;
    struct link link;
    struct farm_lock lock;

    double arrived_msgs; /* since since_ns */
    int64_t since_ns;
    bool interrupted; /* some copies since then were not seen */
    bool idle;        /* none had come when they were taken last */
    int64_t take_ns;  /* the copies are taken off the socket not before this; 0: never yet */
    struct question question;
};

/* Connects to nothing yet. It must stay where it is. 0 or the errors of connection_open. */
int arrival_counter_open(struct arrival_counter *counter, const struct broker_options *options,
                         const struct topology *topology, enum arrival_counting counting,
                         struct why *why);
/* Harmless when it was not opened. */
void arrival_counter_close(struct arrival_counter *counter);

/* Connects when it is time to, and takes in what has come. Returns when to call it next, if its
 * descriptor does not become readable before. */
int64_t arrival_counter_step(struct arrival_counter *counter, int64_t now_ns);

/* Adds its descriptor to fds if there is one to wait for; returns how many were added. */
size_t arrival_counter_poll(const struct arrival_counter *counter, struct pollfd *fds);

/* Binds the count queue to the exchange anew: copies go nowhere while that is another one than it
 * was bound to. */
void arrival_counter_bind(struct arrival_counter *counter);

/* Asks for the answer that makes the count exact; nothing while one is to come. */
void arrival_counter_ask(struct arrival_counter *counter);

/* Begins a new count. interrupted: what is counted is not all that arrives. */
void arrival_counter_begin(struct arrival_counter *counter, int64_t now_ns, bool interrupted);

/* When the copies that are counted were last taken in; 0: they are counted at a sample alone. */
int64_t arrival_counter_taken_ns(const struct arrival_counter *counter);

#endif
