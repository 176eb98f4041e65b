#include "resend.h"

#include "error.h"

#include <stdlib.h>

int resend_init(struct resend *resend, size_t capacity)
{
    *resend =
        (struct resend){.events = calloc(capacity, sizeof *resend->events), .capacity = capacity};
    return resend->events ? 0 : -ERR_MEMORY;
}

void resend_clear(struct resend *resend)
{
    free(resend->events);
    *resend = (struct resend){0};
}

int64_t resend_pause_ns(unsigned refusals)
{
    int64_t pause_ns = RESEND_FIRST_PAUSE_NS;

    for (; refusals > 1 && pause_ns < RESEND_LONGEST_PAUSE_NS; refusals--)
        pause_ns *= 2;
    return pause_ns < RESEND_LONGEST_PAUSE_NS ? pause_ns : RESEND_LONGEST_PAUSE_NS;
}

static bool goes_before(const struct resend_event *a, const struct resend_event *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->id.sequence < b->id.sequence;
}

void resend_push(struct resend *resend, const struct resend_event *event)
{
    struct resend_event *events = resend->events;
    size_t at = resend->count++;

    for (; at > 0 && goes_before(event, &events[(at - 1) / 2]); at = (at - 1) / 2)
        events[at] = events[(at - 1) / 2];
    events[at] = *event;
}

bool resend_pop(struct resend *resend, int64_t now_ns, struct resend_event *event)
{
    struct resend_event *events = resend->events;
    size_t at = 0;

    if (resend_due_ns(resend) > now_ns)
        return false;
    *event = events[0];
    const struct resend_event *last = &events[--resend->count];
    for (size_t next = 1; next < resend->count; next = 2 * at + 1) {
        if (next + 1 < resend->count && goes_before(&events[next + 1], &events[next]))
            next++;
        if (!goes_before(&events[next], last))
            break;
        events[at] = events[next];
        at = next;
    }
    events[at] = *last;
    return true;
}

int64_t resend_due_ns(const struct resend *resend)
{
    return resend->count ? resend->events[0].due_ns : INT64_MAX;
}
