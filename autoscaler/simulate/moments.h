/* moments.h - what will happen next to each worker, the soonest first: a heap. Pure. */
#ifndef WINNOW_MOMENTS_H
#define WINNOW_MOMENTS_H

#include <stddef.h>
#include <stdint.h>

struct moment {
    int64_t at_ns;
    size_t slot;
};

/* The first is the one with the least time, of several at that time the one with the lowest
 * slot. */
struct moments {
    struct moment *heap;
    size_t count;
};

/* For at most so many. 0 or -ERR_MEMORY. */
int moments_init(struct moments *moments, size_t capacity);
void moments_clear(struct moments *moments);

/* Not more than moments_init allowed for. */
void moments_add(struct moments *moments, struct moment moment);
/* Of at least one. */
void moments_replace_first(struct moments *moments, struct moment moment);
void moments_drop_first(struct moments *moments);

#endif
