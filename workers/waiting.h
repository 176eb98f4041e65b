/* waiting.h - events whose answers were refused, each until its answer is published again. */
#ifndef WINNOW_WAITING_H
#define WINNOW_WAITING_H

#include "delivery.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct waiting {
    struct delivery *first; /* in no order */
    size_t count;
};

/* The event's answer was refused once more: waits for 50 ms the first time, then for twice as long
 * each time, 5 s at most. The event is the list's now. */
void waiting_put(struct waiting *waiting, struct delivery *delivery, int64_t now_ns);

/* Each takes an event out, which is the caller's now, or returns NULL when there is no such:
 * one whose answer is due at that time; the one that was delivered first. */
struct delivery *waiting_take_due(struct waiting *waiting, int64_t at_ns);
struct delivery *waiting_take_oldest(struct waiting *waiting);

/* Makes the answer that is due next after now_ns due at once; its next pauses are short again.
 * False when there is none. */
bool waiting_hasten(struct waiting *waiting, int64_t now_ns);

/* When the next answer is due; CLOCK_NEVER when none is. */
int64_t waiting_due_ns(const struct waiting *waiting);

/* Frees the events. */
void waiting_clear(struct waiting *waiting);

#endif
