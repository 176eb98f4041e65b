/* unacked.h - the events that were delivered to a worker and are still the worker's: which of them
 * may be acknowledged, and when. Each is given back, or answered and, once the broker has confirmed
 * the answer, acknowledged.
 *
 * One acknowledgement serves for many events, as they are answered in the order of their
 * deliveries. One that is not, because its job wants it later or the broker refused its answer, is
 * left out of that order: the others do not wait for it, but those after it are acknowledged alone
 * meanwhile. */
#ifndef WINNOW_UNACKED_H
#define WINNOW_UNACKED_H

#include "answer.h"
#include "broker/broker.h"
#include "delivery.h"
#include "error.h"
#include "scoreboard.h"
#include "window.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unacked {
    struct scoreboard *scoreboard; /* told which were answered */
    struct scoreboard_slot *slot;  /* told how many there are */
    struct window window;          /* answered, and not yet settled */
    bool news;                     /* the broker has confirmed or refused some of them */
    size_t count;                  /* delivered, and neither acknowledged nor given back */
    uint64_t last_tag;             /* of the latest delivery */

    /* Those that are left out of the order. */
    size_t left_out;
    uint64_t first_left_out; /* no tag of them is lower */
    size_t left_out_now;     /* how many of them the present consumer delivered ... */
    uint64_t former_tag;     /* ... which are those with tags over this */

    /* Settled and about to be acknowledged: so many events, up to the tag, since then. */
    size_t settled;
    uint64_t settled_tag;
    int64_t settled_since_ns;
};

/* Borrows both. unacked_forget at the end. */
void unacked_init(struct unacked *unacked, struct scoreboard *scoreboard,
                  struct scoreboard_slot *slot);

/* An event was delivered. */
void unacked_add(struct unacked *unacked, uint64_t delivery_tag);

/* Another consumer has begun: what was delivered before does not fill its prefetch. */
void unacked_consumer_began(struct unacked *unacked);

/* A message was published: the next one that the broker will confirm. The event that it answers is
 * the window's now, whatever is returned; NULL for a message that answers none. 0 or
 * -ERR_MEMORY. */
int unacked_published(struct unacked *unacked, struct delivery *delivery, struct why *why);

/* The event was answered, in that way: nothing was published (then it is acknowledged or rejected),
 * or the next message that the broker will confirm. The event is taken, whatever is returned. 0 or
 * an error. */
int unacked_answered(struct unacked *unacked, struct broker *broker, struct delivery *delivery,
                     enum answer answer, int64_t now_ns, struct why *why);

/* True when everything that was published is settled, and acknowledged. */
bool unacked_is_quiet(const struct unacked *unacked);

/* The broker has confirmed what was published. */
void unacked_confirmed(struct unacked *unacked, const struct broker_event *event);

/* The broker has refused what was published. Call it, with *sequence at 0 at first, until it
 * returns NULL: each event whose answer was refused is the caller's now, and left out. */
struct delivery *unacked_refused(struct unacked *unacked, const struct broker_event *event,
                                 uint64_t *sequence);

/* The message was returned. Its event is the caller's now, and left out; NULL if there is none. */
struct delivery *unacked_returned(struct unacked *unacked, uint64_t sequence);

/* Leaves an event out of the order until it is acknowledged or given back. */
void unacked_leave_out(struct unacked *unacked, struct delivery *delivery);

/* Gives an event back to its queue. The delivery stays the caller's. */
int unacked_give_back(struct unacked *unacked, struct broker *broker,
                      const struct delivery *delivery, struct why *why);

/* Acknowledges what may and ought to be acknowledged now.
 *
 * hurry        nothing else is to do, so acknowledgements need not gather
 * until_ns     set to when it is due again, CLOCK_NEVER when nothing waits */
int unacked_acknowledge(struct unacked *unacked, struct broker *broker, bool hurry, int64_t now_ns,
                        int64_t *until_ns, struct why *why);

/* The connection is gone: everything unacknowledged comes back to its queue, for whoever takes
 * it. */
void unacked_forget(struct unacked *unacked);

#endif
