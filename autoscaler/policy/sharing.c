#include "sharing.h"

#include <math.h>
#include <stdbool.h>

/* How much k workers are to a taker: to one that weighs nothing any is more than to all others. */
static double claim(uint32_t k, const struct sharing_taker *taker)
{
    return taker->weight > 0 ? k / taker->weight : k ? (double)INFINITY : 0;
}

/* Gives one more; false when all have what they may have. */
static bool give(struct sharing_taker *takers, size_t count)
{
    struct sharing_taker *next = NULL;

    for (size_t i = 0; i < count; i++) {
        struct sharing_taker *taker = &takers[i];
        if (taker->share < taker->most &&
            (!next || claim(taker->share + 1, taker) < claim(next->share + 1, next)))
            next = taker;
    }
    if (next)
        next->share++;
    return next;
}

/* Takes one away; of equal claims the last, which was the last to be given. */
static void take(struct sharing_taker *takers, size_t count)
{
    struct sharing_taker *first = takers;

    for (size_t i = 1; i < count; i++)
        if (!first->share ||
            (takers[i].share && claim(takers[i].share, &takers[i]) >= claim(first->share, first)))
            first = &takers[i];
    first->share--;
}

void sharing_divide(uint32_t total, struct sharing_taker *takers, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += takers[i].share = takers[i].least;
    for (; sum > total; sum--)
        take(takers, count);
    while (sum < total && give(takers, count))
        sum++;
}
