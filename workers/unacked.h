/* unacked.h - the events that were delivered to a worker and are still the worker's: which of them
 * may be acknowledged, and when. Each is given back, or published and, once the broker has
 * confirmed that, acknowledged; one acknowledgement serves many events. */
#ifndef WINNOW_UNACKED_H
#define WINNOW_UNACKED_H

#include "broker/broker.h"
#include "error.h"
#include "scoreboard.h"
#include "window.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unacked {
    struct scoreboard *scoreboard; /* told which were answered */
    struct scoreboard_slot *slot;  /* told how many there are */
    struct window window;          /* published, and not yet settled */
    bool news;                     /* the broker has confirmed or refused some of them */
    size_t count;                  /* delivered, and neither acknowledged nor given back */

    /* Settled and about to be acknowledged: so many events, up to the tag, since then. */
    size_t settled;
    uint64_t settled_tag;
    int64_t settled_since_ns;
};

/* Borrows both. unacked_forget at the end. */
void unacked_init(struct unacked *unacked, struct scoreboard *scoreboard,
                  struct scoreboard_slot *slot);

/* An event was delivered. */
void unacked_add(struct unacked *unacked);

/* A message was published: the next one that the broker will confirm. delivery_tag is the event's
 * that it answers; 0 for one that answers none. 0 or -ERR_MEMORY. */
int unacked_published(struct unacked *unacked, uint64_t delivery_tag,
                      struct scoreboard_fingerprint event, struct why *why);

/* True when everything that was published is confirmed, and acknowledged. */
bool unacked_is_quiet(const struct unacked *unacked);

/* The broker has confirmed, or refused, what was published. The events of what it refused go back
 * to their queue; -ERR_UNAVAILABLE when it may have refused a dead message, which answers no
 * event. */
void unacked_confirmed(struct unacked *unacked, const struct broker_event *event);
int unacked_refused(struct unacked *unacked, struct broker *broker,
                    const struct broker_event *event, struct why *why);

/* Gives an event back to its queue. */
int unacked_give_back(struct unacked *unacked, struct broker *broker, uint64_t delivery_tag,
                      struct why *why);

/* Acknowledges what may and ought to be acknowledged now.
 *
 * before_tag   of the first event that was set aside; UINT64_MAX when there is none
 * hurry        nothing else is to do, so acknowledgements need not gather
 * until_ns     set to when it is due again, CLOCK_NEVER when nothing waits */
int unacked_acknowledge(struct unacked *unacked, struct broker *broker, uint64_t before_tag,
                        bool hurry, int64_t now_ns, int64_t *until_ns, struct why *why);

/* The connection is gone: everything unacknowledged comes back to its queue, for whoever takes
 * it. */
void unacked_forget(struct unacked *unacked);

#endif
