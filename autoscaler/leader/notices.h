/* notices.h - log events that wait to be told to whoever follows the farm, until it is known that
 * the broker has them: the newest, and how many older ones were dropped. */
#ifndef WINNOW_NOTICES_H
#define WINNOW_NOTICES_H

#include "control/notice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTICES_MOST 16

/* A log event with the clock and the time that its line has. */
struct notices_event {
    struct notice notice;
    int64_t clock;
    char time[ENVELOPE_TIME_SIZE];
    uint64_t sequence; /* of its message on this connection; 0: it is still to be told */
};

/* Starts zeroed. */
struct notices {
    struct notices_event events[NOTICES_MOST];
    size_t first, count;
    uint64_t dropped;
};

/* A place for one more, which the caller fills in. */
struct notices_event *notices_add(struct notices *notices);

/* As notice_write, with the clock and the time of the event's line in place of the envelope's own,
 * so that a reader of the log and of messages knows it for the same. */
int notices_write(const struct notices_event *event, struct envelope envelope, char **text,
                  size_t *length);

/* The oldest that is still to be told, lent until the next call; NULL: there is none. */
struct notices_event *notices_next(struct notices *notices);
/* The broker has all messages up to this one. */
void notices_arrived(struct notices *notices, uint64_t sequence);
/* The connection is another: of what has not arrived all is to be told once more. */
void notices_reconnected(struct notices *notices);

#endif
