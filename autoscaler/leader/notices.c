#include "notices.h"

struct notices_event *notices_add(struct notices *notices)
{
    if (notices->count == NOTICES_MOST) {
        notices->first = (notices->first + 1) % NOTICES_MOST;
        notices->count--;
        notices->dropped++;
    }
    return &notices->events[(notices->first + notices->count++) % NOTICES_MOST];
}

const struct notices_event *notices_take(struct notices *notices)
{
    const struct notices_event *oldest = &notices->events[notices->first];

    if (!notices->count)
        return NULL;
    notices->first = (notices->first + 1) % NOTICES_MOST;
    notices->count--;
    return oldest;
}
