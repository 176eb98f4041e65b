#include "steadiness.h"

/* Fewer only after fewer were enough for the whole delay, and then as many as were needed at most
 * within it. */
static uint32_t delay_down(struct steadiness *steadiness, double delay_s, uint32_t before,
                           uint32_t wanted, double now_s, enum steadiness_bound *bound)
{
    if (wanted >= before || delay_s <= 0) {
        steadiness->fewer = false;
        return wanted;
    }
    if (!steadiness->fewer) {
        steadiness->fewer = true;
        steadiness->fewer_from_s = now_s;
        steadiness->fewer_most = wanted;
    } else if (wanted > steadiness->fewer_most) {
        steadiness->fewer_most = wanted;
    }
    bool served = now_s - steadiness->fewer_from_s >= delay_s;
    if (served && wanted >= steadiness->fewer_most)
        return wanted;
    *bound = STEADINESS_DELAY;
    return served ? steadiness->fewer_most : before;
}

static uint32_t limit_step(const struct steadiness_limits *limits, uint32_t before, uint32_t wanted,
                           enum steadiness_bound *bound)
{
    if (limits->step_up > 0 && wanted > before + limits->step_up) {
        *bound = STEADINESS_STEP_UP;
        return before + (uint32_t)limits->step_up;
    }
    if (limits->step_down > 0 && wanted + limits->step_down < before) {
        *bound = STEADINESS_STEP_DOWN;
        return before - (uint32_t)limits->step_down;
    }
    return wanted;
}

uint32_t steadiness_apply(struct steadiness *steadiness, const struct steadiness_limits *limits,
                          uint32_t before, uint32_t wanted, double now_s,
                          enum steadiness_bound *bound)
{
    *bound = STEADINESS_NONE;
    uint32_t delayed = delay_down(steadiness, limits->delay_s, before, wanted, now_s, bound);
    uint32_t stepped = limit_step(limits, before, delayed, bound);

    /* The delay is served: a new one begins with what is too many still. */
    if (steadiness->fewer && stepped == delayed && stepped < before) {
        steadiness->fewer = wanted < stepped;
        steadiness->fewer_from_s = now_s;
        steadiness->fewer_most = wanted;
    }
    return stepped;
}
