/* matcher_trail.h - follows long labels of the tree so that no part of a text is read again and again: an entry of
 * ten thousand equal letters costs a text of equal letters no more than a short one.
 *
 * A label's trail is where it was followed last, and how far. Whoever follows it from a place within knows
 * from the label alone how far it agrees with itself moved by so much, so he either reads on where the other
 * stopped or knows that it cannot match. */
#ifndef WINNOW_MATCHER_TRAIL_H
#define WINNOW_MATCHER_TRAIL_H

#include "matcher_search.h"

/* Places are of the view, in bytes; units are what stands there for a byte of the label. */
struct trail {
    uint64_t scan; /* in which this was written */
    const uint32_t *repeats;
    size_t start, end;
    uint32_t matched; /* units from start to end */
    uint32_t units;   /* units from start to at, which only moves on */
    size_t at;
};

/* Before a view is searched, from its beginning to its end. Returns 0, or -ERR_MEMORY. */
int begin_trails(struct search *search);

/* The trail of a node with a long label. */
struct trail *find_trail(const struct search *search, uint32_t node);

/* Whether the label can match from *at on. When it can, its first `matched` bytes are known to, and *at is behind
 * what stands for them; they are never all. */
bool resume_trail(const struct search *search, struct trail *trail, size_t *at, uint32_t *matched);

/* Tells that `matched` bytes of the label match what is between start and end. */
void leave_trail(struct trail *trail, size_t start, size_t end, uint32_t matched);

#endif
