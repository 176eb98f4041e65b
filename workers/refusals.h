/* refusals.h - answers that the broker refuses (basic.nack), because a queue is full, say.
 *
 * A refusal concerns one event: it waits, outside the order of the others, and its answer is
 * published again by itself, with growing pauses. The others go on. A client's queue gets
 * --max-attempts further tries; then the event goes to FARM.dead. FARM.results and FARM.dead are
 * the farm's own: what they refuse is not given up.
 *
 * At most REFUSALS_MOST wait for each of the three. Past that the oldest has waited enough: a
 * client's event goes to FARM.dead at once, and one that the farm's own queue refuses is set aside:
 * it goes back to the work queue after a while. As long as so many wait for FARM.results, other
 * events for it are set aside unhandled. For each message that the farm's own queue takes, two of
 * those that wait for it or are set aside follow at once: so they come as fast as they can be
 * taken. */
#ifndef WINNOW_REFUSALS_H
#define WINNOW_REFUSALS_H

#include "delivery.h"
#include "error.h"
#include "inbox.h"
#include "refusal_log.h"
#include "waiting.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REFUSALS_MOST 64

/* Events that are set aside, of which no more than their tags are kept, are on top of the prefetch
 * up to this many; when there are more the worker takes nothing, until some have gone back. */
#define REFUSALS_ASIDE_MOST 10000

enum refusals_by { REFUSALS_BY_CLIENT, REFUSALS_BY_RESULTS, REFUSALS_BY_DEAD, REFUSALS_KINDS };

struct session;

struct refusals {
    uint32_t max_attempts;
    struct waiting waiting[REFUSALS_KINDS];
    struct inbox aside[REFUSALS_KINDS];   /* none is a client's */
    uint64_t again_until[REFUSALS_KINDS]; /* the last message that was published again */
    /* So many are to follow a message that was taken, and were not back yet when it was. */
    size_t followers[REFUSALS_KINDS];
    struct refusal_log results_log, dead_log;
};

/* max_attempts is the caller's to set. */
void refusals_init(struct refusals *refusals);

/* The connection is gone: forgets all events. */
void refusals_forget(struct refusals *refusals);

/* The answer to the event, which is the refusals' now, was refused. */
int refusals_take(struct session *session, struct delivery *delivery, int64_t now_ns,
                  struct why *why);

/* The answer to an event was taken; to be called while refusals_keep. */
int refusals_taken(struct session *session, const struct delivery *delivery, int64_t now_ns,
                   struct why *why);

/* Whether there is anything that the farm's own queues have refused. */
bool refusals_keep(const struct session *session);

/* Whether an event that is not handled yet ought to be set aside, and does so. */
bool refusals_set_aside(struct session *session, struct delivery *delivery, int64_t now_ns);

/* Publishes what is due, gives back what was set aside long enough, in a drain all of it, and
 * writes what is to be said. *until_ns is made sooner if more is due before. */
int refusals_step(struct session *session, int64_t now_ns, int64_t *until_ns, struct why *why);

/* Gives back what waits; *given grows by how many events that was. */
int refusals_give_back_waiting(struct session *session, size_t *given, struct why *why);

size_t refusals_aside(const struct refusals *refusals);

#endif
