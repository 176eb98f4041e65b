/* unsettled.h - the requests that were answered and are not acknowledged yet: each is, once the
 * broker has confirmed its answer and those of all requests before it. Pure. */
#ifndef WINNOW_UNSETTLED_H
#define WINNOW_UNSETTLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No more may be unsettled at once. */
#define UNSETTLED_MOST 256

/* All zero: none. In the order of their deliveries, which is that of their answers. */
struct unsettled {
    struct unsettled_answer {
        uint64_t tag;      /* of the delivery */
        uint64_t sequence; /* of the answer; 0: there is none to be confirmed */
    } answers[UNSETTLED_MOST];
    size_t first, count;
};

void unsettled_add(struct unsettled *unsettled, uint64_t tag, uint64_t sequence);

/* The broker has settled what was published under that number, with multiple all up to it. */
void unsettled_settle(struct unsettled *unsettled, uint64_t sequence, bool multiple);

/* Takes out all that may be acknowledged: true, with the tag up to which. */
bool unsettled_take(struct unsettled *unsettled, uint64_t *tag);

#endif
