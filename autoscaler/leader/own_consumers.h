/* own_consumers.h - how many of a farm's workers consume its queue, by the number of all consumers
 * that the broker sees. Pure.
 *
 * It can be told while nobody else consumes the queue: from the time at which it had no consumer at
 * all until it has more than there are workers. One worker counts as one consumer. */
#ifndef WINNOW_OWN_CONSUMERS_H
#define WINNOW_OWN_CONSUMERS_H

#include <stdbool.h>
#include <stdint.h>

/* Starts zeroed: nothing can be told yet. */
struct own_consumers {
    bool alone;
    uint32_t consumers;
};

/* The broker has answered: the queue had so many consumers, while so many workers were alive. */
void own_consumers_look(struct own_consumers *own, uint32_t consumers, uint32_t workers);

/* So many workers consume; -1: it cannot be told. */
int64_t own_consumers_count(const struct own_consumers *own);

#endif
