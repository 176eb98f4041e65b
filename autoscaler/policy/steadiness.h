/* steadiness.h - keeps a number of workers from falling too soon and from moving too far at once.
 * Pure. */
#ifndef WINNOW_STEADINESS_H
#define WINNOW_STEADINESS_H

#include <stdbool.h>
#include <stdint.h>

struct steadiness_limits {
    double delay_s;            /* >= 0: fewer only after fewer were enough so long */
    double step_up, step_down; /* at most so many more or fewer at once; whole; 0: any number */
};

/* What it remembers; starts zeroed. */
struct steadiness {
    bool fewer;          /* fewer than there are were enough ever since ... */
    double fewer_from_s; /* ... this time ... */
    uint32_t fewer_most; /* ... and this was the most */
};

/* What kept the number from being the one that was wanted. */
enum steadiness_bound {
    STEADINESS_NONE,
    STEADINESS_DELAY,
    STEADINESS_STEP_UP,
    STEADINESS_STEP_DOWN,
};

/* The number to have now, at a time that does not go back: `wanted`, or one between it and
 * `before`, the number of the last call. */
uint32_t steadiness_apply(struct steadiness *steadiness, const struct steadiness_limits *limits,
                          uint32_t before, uint32_t wanted, double now_s,
                          enum steadiness_bound *bound);

#endif
