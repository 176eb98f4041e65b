/* backlog_probe.h - asks how many events are ready in the work queue, on a connection of its own,
 * so that a busy count never delays the answer. It also sees to it, every second, that the farm's
 * exchange, queues and bindings are there: nothing tells of their deletion, and without workers
 * nobody else would notice. Nothing here waits. */
#ifndef WINNOW_BACKLOG_PROBE_H
#define WINNOW_BACKLOG_PROBE_H

#include "broker/broker.h"
#include "error.h"
#include "leaderless.h"
#include "link.h"
#include "question.h"
#include "topology.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a step found out about the farm's entities. */
enum backlog_entities {
    BACKLOG_UNCHANGED,
    BACKLOG_BOUND,   /* they have been declared or found, and the exchange may be a new one */
    BACKLOG_MISSING, /* one was deleted; it is being declared anew */
};

struct backlog_probe {
    struct topology topology;
    struct link link;
    struct question question;
    bool looked;            /* the broker has answered since the caller last looked */
    double most_ready_msgs; /* of all answers since the caller last set it to 0 */
    bool checks;            /* the entities are asked for; that is for who has the farm's lock */
    int64_t check_ns;       /* when they are asked for next */
    bool checking;          /* they were asked for, and the answers are to come */
    /* Events were deleted with their queue or their exchange since the caller last looked. */
    bool destroyed;
    struct leaderless leaderless;
};

/* Connects to nothing yet. It must stay where it is. 0 or the errors of connection_open. */
int backlog_probe_open(struct backlog_probe *probe, const struct broker_options *options,
                       const struct topology *topology, struct why *why);
/* Harmless when it was not opened. */
void backlog_probe_close(struct backlog_probe *probe);

/* Connects when it is time to, declares the farm then, and takes in what has come. Returns when to
 * call it next, if its descriptor does not become readable before. */
int64_t backlog_probe_step(struct backlog_probe *probe, int64_t now_ns,
                           enum backlog_entities *entities);

/* Adds its descriptor to fds if there is one to wait for; returns how many were added. */
size_t backlog_probe_poll(const struct backlog_probe *probe, struct pollfd *fds);

/* Asks for the length of the work queue; nothing while an answer is to come. */
void backlog_probe_ask(struct backlog_probe *probe);

/* Whether the question has been answered since it was last cleared, and the answer is to be
 * believed. consumed: workers consume the work queue, so that an answer that sees no consumer is
 * wrong. */
bool backlog_probe_knows(struct backlog_probe *probe, bool consumed, int64_t now_ns);

#endif
