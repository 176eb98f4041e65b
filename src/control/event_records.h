/* event_records.h - what hosts of a farm hold against events, as they tell each other: failed
 * attempts, suspects, and that an event was answered after all. A list in a report and in a target;
 * docs/protocol.md has its schema. */
#ifndef WINNOW_EVENT_RECORDS_H
#define WINNOW_EVENT_RECORDS_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_t;

/* Of more a host tells those whose attempts failed last. */
#define EVENT_RECORDS_MOST          256
#define EVENT_RECORDS_MOST_ATTEMPTS 4095

struct event_record {
    uint64_t event;   /* as in struct scoreboard_entry */
    int64_t attempts; /* that failed, 0 to 4095 */
    bool suspect;     /* its answer may be what ended a connection */
    bool forgiven;    /* it was answered lately where others had counted attempts */
};

bool event_records_are_same(const struct event_record *a, size_t a_count,
                            const struct event_record *b, size_t b_count);

/* Adds the list to a message's members under "events". 0 or -ERR_MEMORY. */
int event_records_write(struct json_t *members, const struct event_record *records, size_t count);

/* Reads it from a message. Absent: *records is NULL. Else 0 and *records for the caller to free,
 * never NULL; -ERR_INVALID with what was expected, or -ERR_MEMORY. */
int event_records_read(const struct json_t *message, struct event_record **records, size_t *count,
                       struct why *why);

#endif
