#include "unsettled.h"

static struct unsettled_answer *at(struct unsettled *unsettled, size_t index)
{
    return &unsettled->answers[(unsettled->first + index) % UNSETTLED_MOST];
}

void unsettled_add(struct unsettled *unsettled, uint64_t tag, uint64_t sequence)
{
    *at(unsettled, unsettled->count++) = (struct unsettled_answer){tag, sequence};
}

void unsettled_settle(struct unsettled *unsettled, uint64_t sequence, bool multiple)
{
    for (size_t i = 0; i < unsettled->count; i++) {
        uint64_t *own = &at(unsettled, i)->sequence;
        if (*own > sequence)
            break;
        if (*own == sequence || multiple)
            *own = 0;
    }
}

bool unsettled_take(struct unsettled *unsettled, uint64_t *tag)
{
    bool any = false;

    for (; unsettled->count && at(unsettled, 0)->sequence == 0; any = true) {
        *tag = at(unsettled, 0)->tag;
        unsettled->first = (unsettled->first + 1) % UNSETTLED_MOST;
        unsettled->count--;
    }
    return any;
}
