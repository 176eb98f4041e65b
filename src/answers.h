/* answers.h - a connection of somebody who publishes events and may wait for what becomes of them:
 * the answer, or a copy of what went to FARM.dead. */
#ifndef WINNOW_ANSWERS_H
#define WINNOW_ANSWERS_H

#include "broker/broker.h"
#include "error.h"
#include "topology.h"

#include <stdbool.h>

/* The reply_to of events whose answers come over the same connection, without a queue. */
#define ANSWERS_REPLY_TO "amq.rabbitmq.reply-to"

/* All that an attempt to connect works with. The topology is borrowed. */
struct answers {
    const struct topology *topology;
    bool waits; /* for answers */
    bool watches_dead;
    char queue[TOPOLOGY_NAME_SIZE + 40]; /* for copies of what goes to FARM.dead */
};

/* What a connection_settings names as set_up; the context is a struct answers. Publishes are
 * confirmed from now on. 0, -ERR_MISSING or -ERR_REFUSED where FARM.dead cannot be watched, or
 * another error of the broker. */
int answers_set_up(const void *context, struct broker *broker, struct why *why);

/* To be called before such a connection is closed, so that nothing is on its way to the queue for
 * copies when that ends. It goes out with the goodbye. */
void answers_leave(const struct answers *answers, struct broker *broker);

#endif
