/* notices.h - log events that wait to be told to whoever follows the farm: the newest of them, and
 * how many older ones were dropped. Pure. */
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
};

/* Starts zeroed. */
struct notices {
    struct notices_event events[NOTICES_MOST];
    size_t first, count;
    uint64_t dropped;
};

/* A place for one more, which the caller fills in. */
struct notices_event *notices_add(struct notices *notices);

/* The oldest, lent until the next call of either; NULL: there is none. */
const struct notices_event *notices_take(struct notices *notices);

#endif
