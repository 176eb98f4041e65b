/* event_id.h - the name of an event, sent as its message_id: RUN.SEQUENCE.INTENDED, each a
 * hexadecimal number. Pure. */
#ifndef WINNOW_EVENT_ID_H
#define WINNOW_EVENT_ID_H

#include "broker/properties.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_id {
    uint64_t sequence;   /* from 0, in the order of sending */
    int64_t intended_ns; /* when it was to be sent, from the start of the run; >= 0 */
};

/* Writes the name, NUL-terminated, and returns its length. */
#define EVENT_ID_SIZE 52
size_t event_id_format(uint64_t run, const struct event_id *id, char text[EVENT_ID_SIZE]);

/* The reverse: true and *id when the text is the name of an event of this run. */
bool event_id_parse(uint64_t run, struct broker_bytes text, struct event_id *id);

#endif
