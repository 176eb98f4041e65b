/* sharing.h - divides a number of workers among those that want some. Pure.
 *
 * The next worker goes to the taker with the least (k + 1) / weight, where k is what it has, and
 * the first to go is the one of the taker with the most k / weight. So a change of the total by one
 * moves one worker, and shares stand to each other as the weights do, as far as the limits let
 * them. */
#ifndef WINNOW_SHARING_H
#define WINNOW_SHARING_H

#include <stddef.h>
#include <stdint.h>

struct sharing_taker {
    uint32_t least, most; /* it has within these; least <= most */
    double weight;        /* >= 0; of equal claims the first taker's goes first */
    uint32_t share;       /* what it gets */
};

/* Fills in the shares. Their sum is the total, or what all may have at most when that is less. When
 * the total is less than what all must have at least, the total goes before the limits. */
void sharing_divide(uint32_t total, struct sharing_taker *takers, size_t count);

#endif
