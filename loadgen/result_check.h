/* result_check.h - whether a result is the right answer to an event: the event's own text with
 * masks in place of its matches. Pure. */
#ifndef WINNOW_RESULT_CHECK_H
#define WINNOW_RESULT_CHECK_H

#include "broker/properties.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a result says of itself; texts borrowed for the call. */
struct result {
    struct broker_bytes message_id;
    struct broker_bytes correlation_id;
    struct broker_bytes body;
    bool has_matches; /* it has an integer header winnow-matches ... */
    int64_t matches;  /* ... of this value */
};

/* A result is right when its correlation_id is its message_id, has_matches is set and the body is
 * `original`, the text that was sent, with as many matches replaced by `mask`.
 *
 * Returns NULL, or what is wrong. */
const char *result_check(const struct result *result, struct broker_bytes original,
                         struct broker_bytes mask);

/* True when `text` is `original` with exactly `matches` non-empty, non-overlapping stretches
 * replaced by `mask`, whatever the stretches are and whether or not the original holds the mask
 * too. With an empty mask: when at least `matches` bytes are gone, and nothing else.
 *
 * steps_left   how many steps the search may take, less those that it took. A step is about a byte
 *              compared; texts in which every mask is a replacement take some for each byte, very
 *              repetitive ones as many as there are pairs of masks.
 *
 * False also when the steps, or the memory, do not suffice. */
bool result_check_text(struct broker_bytes original, struct broker_bytes text,
                       struct broker_bytes mask, int64_t matches, size_t *steps_left);

#endif
