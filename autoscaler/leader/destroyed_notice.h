/* destroyed_notice.h - tells FARM.dead that events were deleted with their queue or their exchange.
 * On a connection of its own: while an alarm lasts the broker reads nothing from one that has
 * published. Nothing here waits. */
#ifndef WINNOW_DESTROYED_NOTICE_H
#define WINNOW_DESTROYED_NOTICE_H

#include "broker/broker.h"
#include "broker/connection.h"
#include "topology.h"

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

struct destroyed_notice {
    const struct broker_options *options;
    const struct topology *topology;
    struct connection *connection; /* NULL: there is nothing to tell */
    int error;                     /* of the last attempt, which is logged when it changes */
};

/* The notice is to be sent, by the steps that follow, until the broker has it. */
void destroyed_notice_begin(struct destroyed_notice *notice);
void destroyed_notice_clear(struct destroyed_notice *notice);

/* Returns when to call it next, if its descriptor does not become readable before. */
int64_t destroyed_notice_step(struct destroyed_notice *notice, int64_t now_ns);

/* Adds its descriptor to fds if there is one to wait for; returns how many were added. */
size_t destroyed_notice_poll(const struct destroyed_notice *notice, struct pollfd *fds);

#endif
