#include "promises.h"

static struct promise *at(struct promises *promises, size_t place)
{
    return &promises->waiting[(promises->first + place) % PROMISES_MOST];
}

bool promises_are_full(const struct promises *promises)
{
    return promises->count == PROMISES_MOST;
}

void promises_add(struct promises *promises, const struct control_message *message)
{
    *at(promises, promises->count++) =
        (struct promise){.reply_to = message->reply_to, .correlation_id = message->correlation_id};
}

bool promises_are_unsaid(const struct promises *promises)
{
    size_t newest = (promises->first + promises->count + PROMISES_MOST - 1) % PROMISES_MOST;

    return promises->count && !promises->waiting[newest].sequence;
}

void promises_said(struct promises *promises, uint64_t sequence)
{
    for (size_t i = 0; i < promises->count; i++)
        if (!at(promises, i)->sequence)
            at(promises, i)->sequence = sequence;
}

void promises_arrived(struct promises *promises, uint64_t sequence)
{
    promises->arrived = sequence;
}

void promises_reconnected(struct promises *promises)
{
    for (size_t i = 0; i < promises->count; i++)
        at(promises, i)->sequence = 0;
    promises->arrived = 0;
}

bool promises_keep(struct promises *promises, struct control_message *message)
{
    const struct promise *oldest = at(promises, 0);

    if (!promises->count || !oldest->sequence || oldest->sequence > promises->arrived)
        return false;
    *message = (struct control_message){.reply_to = oldest->reply_to,
                                        .correlation_id = oldest->correlation_id};
    promises->first = (promises->first + 1) % PROMISES_MOST;
    promises->count--;
    return true;
}
