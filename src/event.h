/* event.h - an event's body to its text and back. The only JSON of events. */
#ifndef WINNOW_EVENT_H
#define WINNOW_EVENT_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>

/* The text of one event, found in its body. Plain: the body itself. JSON: the value of the one
 * member "text" of the body's object. Reusable: parse anew without clearing in between. Start from
 * {0}. */
struct event {
    const char *text; /* UTF-8, may hold NUL; borrowed from the body or owned by the event */
    size_t text_length;
    bool json;

    const char *body; /* borrowed */
    size_t body_length;
    size_t value_start,
        value_end; /* where the value of "text" stands in a JSON body, quotes included */
    char *buffer;  /* the text of a JSON event, unescaped */
    size_t buffer_capacity;
    char *built; /* the last body built */
    size_t built_capacity;
};

/* Finds the text. The event borrows body until it is parsed anew or cleared. Returns 0,
 * -ERR_MEMORY, or -ERR_INVALID with the reason for the sender: text that is not valid UTF-8, or is
 * UTF-16 or UTF-32 for all to see, invalid JSON, not an object, no member "text", one that is not a
 * string, or more than one. */
int event_parse(struct event *event, bool json, const char *body, size_t length, struct why *why);

/* The body with its text replaced (valid UTF-8): every other byte as it came. *built belongs to the
 * event and lives until it is parsed anew, built anew or cleared. 0 or -ERR_MEMORY. */
int event_build(struct event *event, const char *text, size_t text_length, const char **built,
                size_t *built_length);

void event_clear(struct event *event);

#endif
