/* total.h - a number of workers that the farms of a process have together at most. Pure.
 *
 * Each farm has a place, in which stands what it wants and has. What it may have is its share of
 * the total (policy/sharing.h), by need; but it rises only into what the others have left by now:
 * workers that still drain count until they have ended. So there are never more than the total,
 * whichever farm decides first. */
#ifndef WINNOW_TOTAL_H
#define WINNOW_TOTAL_H

#include "autoscaler/messages.h"
#include "autoscaler/policy/sharing.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOTAL_MOST_PLACES 256

struct total;

/* Of one farm; all is 0 but the total while it has no workers and wants none. */
struct total_place {
    struct total *total; /* NULL: it is in none */
    uint32_t least;      /* its limit */
    uint32_t wanted;     /* what its policy would have if it were alone */
    uint32_t target;     /* what its node was told last; */
    uint32_t working;    /* workers that start or run; */
    uint32_t draining;   /* those that drain, which take room as well */
    uint32_t share;      /* of the total, as long as that is not outdated */
    uint32_t allowed;    /* as total_allow has said last */
};

struct total {
    uint32_t workers; /* 0: there is no limit */
    bool outdated;    /* the shares are */
    struct total_place *places[TOTAL_MOST_PLACES];
    size_t count;
};

void total_set(struct total *total, uint32_t workers);

/* Takes a place, which is borrowed until it is left; the caller sees to it that one is free. */
void total_join(struct total *total, struct total_place *place);
/* Harmless for one that is in no total. */
void total_leave(struct total_place *place);

/* The farm wants so many: returns how many it may have. */
uint32_t total_allow(struct total_place *place, uint32_t least, uint32_t wanted);

/* The farm's workers were told to become so many, and are these now. */
void total_hold(struct total_place *place, uint32_t target, const struct worker_counts *counts);

/* The farm ends: it wants nothing any more. */
void total_end(struct total_place *place);

/* What others want or have is different from when total_allow was asked, so that the farm has to
 * give workers away, or gets some that it wants. */
bool total_is_due(struct total_place *place);

#endif
