/* window.h - which published results the broker has confirmed, and so which events may be
 * acknowledged. Pure.
 *
 * A worker publishes one message for each event it has handled, in the order of the deliveries, and
 * the broker confirms them in any order. An event may be acknowledged when its own message and
 * those of all events before it are confirmed, so that one acknowledgement serves for many.
 *
 * A message that comes back as unroutable does not say which of those published it was. Its
 * replacement is published with a hold: until that is confirmed nothing is acknowledged, which is
 * right whichever it was, because a return always precedes its own confirm. */
#ifndef WINNOW_WINDOW_H
#define WINNOW_WINDOW_H

#include "error.h"
#include "scoreboard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct window_entry {
    uint64_t delivery_tag;               /* 0: a replacement, published for no event of its own */
    struct scoreboard_fingerprint event; /* the one that it answers */
    bool settled;
    bool refused; /* given back already: to acknowledge it too would be an error to the broker */
};

struct window {
    struct window_entry *entries; /* a ring, indexed by sequence */
    size_t capacity;              /* a power of two */
    uint64_t first_sequence;      /* of the oldest entry; sequences run from 1 without gaps */
    size_t count;
    size_t holds; /* replacements not yet confirmed */
};

/* Start from {0}. */
void window_clear(struct window *window);

/* Takes up the message just published; call it for each, in order. delivery_tag 0 sets a hold.
 * 0, or -ERR_MEMORY (nothing changed). */
int window_add(struct window *window, uint64_t delivery_tag, struct scoreboard_fingerprint event);

/* The broker confirmed message `sequence`, with multiple all up to it. Unknown sequences are
 * ignored. */
void window_confirm(struct window *window, uint64_t sequence, bool multiple);

/* The broker could not take the message. Returns the delivery tag of its event, which the caller
 * must give back and which is acknowledged no more; 0 when the message is unknown, settled, or a
 * replacement (whose hold stays). */
uint64_t window_refuse(struct window *window, uint64_t sequence);

/* The first message from *sequence on that is not settled, with its sequence; NULL: there is
 * none. */
const struct window_entry *window_next_unsettled(const struct window *window, uint64_t *sequence);

/* Sequence of the oldest message still in the window; 0 when it is empty. */
uint64_t window_oldest(const struct window *window);

/* Removes what is settled from the front, and returns how many events may now be acknowledged at
 * once by acknowledging *delivery_tag and everything before it; 0: none, *delivery_tag untouched.
 *
 * An event that is neither published nor given back yet, because it was set aside, must not be
 * acknowledged with those after it. before_tag is the tag of the first of them; UINT64_MAX: there
 * is none. What is settled after it comes one event a call: a *delivery_tag greater than before_tag
 * stands for itself alone. */
size_t window_settled(struct window *window, uint64_t before_tag, uint64_t *delivery_tag);

#endif
