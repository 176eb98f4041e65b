/* fence.h - a node obeys no leader that was succeeded. Pure.
 *
 * Every order bears the epoch of its leader and a sequence that grows with each of its orders. A
 * leader that stood still, and does not know yet that another leads, goes on under an epoch that is
 * lower than those of its successor. So the node takes only what is greater than the last it took,
 * by epoch, then sequence. Everything else is old: an order of somebody who was succeeded, one that
 * came twice, or one that another has overtaken. Orders are absolute, so that none is missed. */
#ifndef WINNOW_FENCE_H
#define WINNOW_FENCE_H

#include "autoscaler/messages.h"

#include <stdbool.h>

/* All zero is the fence of a node that has taken no order yet. */
struct fence {
    struct order_stamp last; /* of the order that was taken last */
};

/* Whether the order is to be obeyed; if not, fence->last is what its sender has to be told. */
bool fence_admit(struct fence *fence, struct order_stamp stamp);

#endif
