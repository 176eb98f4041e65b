/* window.h - the messages that a worker has published and the broker has not settled yet, each with
 * the event that it answers. Pure.
 *
 * The broker counts what is published from 1 on, and confirms or refuses it by that number, in any
 * order. Events leave the window in the order in which their messages were published: one whose
 * message is confirmed waits for those before it, so that one acknowledgement serves for many. */
#ifndef WINNOW_WINDOW_H
#define WINNOW_WINDOW_H

#include "delivery.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct window_entry {
    struct delivery *delivery; /* NULL: the message answers no event, or its event was taken out */
    bool settled;
};

struct window {
    struct window_entry *entries; /* a ring, indexed by sequence */
    size_t capacity;              /* a power of two */
    uint64_t first_sequence;      /* of the oldest entry; sequences run from 1 without gaps */
    size_t count;
};

/* Start from {0}. Frees the events that are still in it. */
void window_clear(struct window *window);

/* Takes up the message just published; call it for each, in order. The event is the window's now;
 * NULL for a message that answers none. 0, or -ERR_MEMORY (nothing changed). */
int window_add(struct window *window, struct delivery *delivery);

/* The broker confirmed message `sequence`, with multiple all up to it. Unknown sequences are
 * ignored. */
void window_confirm(struct window *window, uint64_t sequence, bool multiple);

/* The event of the first message from *sequence on that is not settled and answers one; *sequence
 * becomes that message's. It stays the window's. NULL: there is none, *sequence is untouched. */
struct delivery *window_pending(const struct window *window, uint64_t *sequence);

/* The message will have no effect any more: the broker has refused or returned it. Takes its event
 * out, which is the caller's now. NULL when the message is unknown, settled, or answers none. */
struct delivery *window_take_out(struct window *window, uint64_t sequence);

/* The sequence of the newest message; 0 when there is none. */
uint64_t window_last(const struct window *window);

/* Takes out the event of the oldest message, which is the caller's now; NULL while that message is
 * not settled, and when there is none. */
struct delivery *window_settled(struct window *window);

#endif
