/* resend.h - the events that have to be sent again, each at a time of its own. Pure. */
#ifndef WINNOW_RESEND_H
#define WINNOW_RESEND_H

#include "event_id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the broker refused waits so long before it is sent again, then twice as long, up to the
 * longest pause. */
#define RESEND_FIRST_PAUSE_NS   INT64_C(100000000)
#define RESEND_LONGEST_PAUSE_NS INT64_C(5000000000)

struct resend_event {
    struct event_id id;
    unsigned refusals; /* of the broker, so far */
    int64_t due_ns;    /* not to be sent before */
};

struct resend {
    size_t count; /* events in it */

    /* Its own. */
    struct resend_event *events; /* a heap, with the first due at its top */
    size_t capacity;
};

/* capacity   >= 1: events that it holds at most
 *
 * Returns 0, or -ERR_MEMORY. */
int resend_init(struct resend *resend, size_t capacity);
/* Also takes one that is all zeros. */
void resend_clear(struct resend *resend);

/* The pause after so many refusals, of which there is at least one. */
int64_t resend_pause_ns(unsigned refusals);

/* Adds an event; there must be space for it. */
void resend_push(struct resend *resend, const struct resend_event *event);

/* Takes out the event that is first due, of several the one with the lowest number: true and
 * *event; false when none is due yet. */
bool resend_pop(struct resend *resend, int64_t now_ns, struct resend_event *event);

/* When the first is due; INT64_MAX when there is none. */
int64_t resend_due_ns(const struct resend *resend);

#endif
