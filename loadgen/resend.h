/* resend.h - the events that have to be sent again, first come, first served. Pure. */
#ifndef WINNOW_RESEND_H
#define WINNOW_RESEND_H

#include "event_id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct resend {
    size_t count;          /* events in it */
    int64_t not_before_ns; /* for the user to set: none is taken out before that time */

    /* Its own. */
    struct event_id *ids; /* a ring */
    size_t first, capacity;
};

/* capacity   >= 1: events that it holds at most
 *
 * Returns 0, or -ERR_MEMORY. */
int resend_init(struct resend *resend, size_t capacity);
/* Also takes one that is all zeros. */
void resend_clear(struct resend *resend);

/* Adds an event; there must be space for it. */
void resend_push(struct resend *resend, const struct event_id *id);

/* Takes out the event that is next: true and *id; false when there is none, or not yet. */
bool resend_pop(struct resend *resend, int64_t now_ns, struct event_id *id);

#endif
