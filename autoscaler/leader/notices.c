#include "notices.h"

#include <string.h>

static struct notices_event *at(struct notices *notices, size_t place)
{
    return &notices->events[(notices->first + place) % NOTICES_MOST];
}

static void drop_oldest(struct notices *notices)
{
    notices->first = (notices->first + 1) % NOTICES_MOST;
    notices->count--;
}

struct notices_event *notices_add(struct notices *notices)
{
    if (notices->count == NOTICES_MOST) {
        notices->dropped += !at(notices, 0)->sequence;
        drop_oldest(notices);
    }
    return at(notices, notices->count++);
}

int notices_write(const struct notices_event *event, struct envelope envelope, char **text,
                  size_t *length)
{
    envelope.clock = event->clock;
    memcpy(envelope.time, event->time, sizeof envelope.time);
    return notice_write(&envelope, &event->notice, text, length);
}

struct notices_event *notices_next(struct notices *notices)
{
    for (size_t i = 0; i < notices->count; i++)
        if (!at(notices, i)->sequence)
            return at(notices, i);
    return NULL;
}

void notices_arrived(struct notices *notices, uint64_t sequence)
{
    while (notices->count && at(notices, 0)->sequence && at(notices, 0)->sequence <= sequence)
        drop_oldest(notices);
}

void notices_reconnected(struct notices *notices)
{
    for (size_t i = 0; i < notices->count; i++)
        at(notices, i)->sequence = 0;
}
