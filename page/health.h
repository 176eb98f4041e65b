/* health.h - whether all is well with a farm, in one word. */
#ifndef WINNOW_HEALTH_H
#define WINNOW_HEALTH_H

#include "control/feed.h"
#include "control/status.h"

#include <stdbool.h>
#include <stdint.h>

/* In this order: the first that is true is said. docs/page.md has when each is. */
enum health_word {
    HEALTH_AWAY,
    HEALTH_UNLED,
    HEALTH_SILENT,
    HEALTH_UNKNOWN,
    HEALTH_ENDING,
    HEALTH_BLIND,
    HEALTH_CRASHING,
    HEALTH_FIXED,
    HEALTH_PAUSED,
    HEALTH_HELD,
    HEALTH_FULL,
    HEALTH_OK,
    HEALTH_WORDS
};

/* An autoscaler that was asked and has not answered for so long is silent. */
#define HEALTH_SILENT_S 5

/* status       the last that came, or NULL
 * received_ns  when it did */
enum health_word health_find(const struct feed *feed, const struct status *status,
                             int64_t received_ns, int64_t now_ns);

/* When the word may be another although nothing comes in, as long as it is not HEALTH_SILENT;
 * CLOCK_NEVER: not before something does. */
int64_t health_due_ns(const struct feed *feed, const struct status *status, int64_t received_ns);

/* Whether the last decision went by measurements, or there was none for want of them. */
bool health_is_known(const struct status *status);

const char *health_name(enum health_word word);
const char *health_level(enum health_word word); /* "good", "care" or "bad" */

/* Why, in a sentence without its full stop; empty for HEALTH_OK. */
const char *health_reason(enum health_word word);

#endif
