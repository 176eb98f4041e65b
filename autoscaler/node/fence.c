#include "fence.h"

bool fence_admit(struct fence *fence, struct order_stamp stamp)
{
    const struct order_stamp *last = &fence->last;

    if (stamp.epoch < last->epoch ||
        (stamp.epoch == last->epoch && stamp.sequence <= last->sequence))
        return false;
    fence->last = stamp;
    return true;
}
