/* matcher_trail.h - follows long labels of the tree so that no part of a text is read again and
 * again: an entry of ten thousand equal letters costs a text of equal letters no more than a short
 * one. Pure.
 *
 * The trail of a label is the stretch of a view along which the label was followed last, from its
 * first byte on. When the label is followed again from a place within the stretch, what stands
 * there is known: it is the label, moved by some bytes. The image says how far a label agrees with
 * itself when it is moved (image_trail.repeats). So the search either goes on at the end of the
 * stretch, or knows without reading that the label does not match. */
#ifndef WINNOW_MATCHER_TRAIL_H
#define WINNOW_MATCHER_TRAIL_H

#include "matcher_search.h"

/* Places are in the view, in bytes. A unit is what stands there for one byte of the label (see
 * next_unit). */
struct trail {
    uint64_t scan; /* the scan in which this was written; in any other there is no stretch yet */
    const uint32_t *repeats;
    size_t start, end; /* the stretch */
    uint32_t matched;  /* units in it */
    /* A place in the stretch, and how many units are before it. It only moves on. */
    size_t at;
    uint32_t units;
};

/* Forgets all stretches. To be called before each scan of a view. Returns 0, or -ERR_MEMORY. */
int matcher_trail_begin(struct search *search);

/* The trail of a node with a long label. */
struct trail *matcher_trail_find(const struct search *search, uint32_t node);

/* Whether the label may match from *at on. When it may, its first *matched bytes are known to
 * match, which are never all of them, and *at is moved behind what stands for them. */
bool matcher_trail_resume(const struct search *search, struct trail *trail, size_t *at,
                          uint32_t *matched);

/* Sets the stretch: `matched` bytes of the label match what is between start and end. */
void matcher_trail_leave(struct trail *trail, size_t start, size_t end, uint32_t matched);

#endif
