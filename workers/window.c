#include "window.h"

#include <stdlib.h>

static struct window_entry *entry(const struct window *window, uint64_t sequence)
{
    if (sequence < window->first_sequence || sequence - window->first_sequence >= window->count)
        return NULL;
    return &window->entries[sequence & (window->capacity - 1)];
}

void window_clear(struct window *window)
{
    free(window->entries);
    *window = (struct window){0};
}

static int grow(struct window *window)
{
    struct window bigger = *window;

    bigger.capacity = window->capacity ? window->capacity * 2 : 64;
    bigger.entries = calloc(bigger.capacity, sizeof *bigger.entries);
    if (!bigger.entries)
        return -ERR_MEMORY;
    for (size_t i = 0; i < window->count; i++)
        *entry(&bigger, window->first_sequence + i) = *entry(window, window->first_sequence + i);
    free(window->entries);
    *window = bigger;
    return 0;
}

int window_add(struct window *window, uint64_t delivery_tag, struct scoreboard_fingerprint event)
{
    if (window->count == window->capacity && grow(window))
        return -ERR_MEMORY;
    if (!window->first_sequence)
        window->first_sequence = 1;
    window->count++;
    *entry(window, window->first_sequence + window->count - 1) =
        (struct window_entry){.delivery_tag = delivery_tag, .event = event};
    if (!delivery_tag)
        window->holds++;
    return 0;
}

static void settle(struct window *window, struct window_entry *settled)
{
    if (settled->settled)
        return;
    settled->settled = true;
    if (!settled->delivery_tag)
        window->holds--;
}

void window_confirm(struct window *window, uint64_t sequence, bool multiple)
{
    struct window_entry *confirmed = entry(window, sequence);

    if (!confirmed)
        return;
    if (!multiple) {
        settle(window, confirmed);
        return;
    }
    for (uint64_t each = window->first_sequence; each <= sequence; each++)
        settle(window, entry(window, each));
}

uint64_t window_refuse(struct window *window, uint64_t sequence)
{
    struct window_entry *refused = entry(window, sequence);

    if (!refused || refused->settled || !refused->delivery_tag)
        return 0;
    refused->settled = refused->refused = true;
    return refused->delivery_tag;
}

const struct window_entry *window_next_unsettled(const struct window *window, uint64_t *sequence)
{
    const struct window_entry *each;

    if (*sequence < window->first_sequence)
        *sequence = window->first_sequence;
    while ((each = entry(window, *sequence)) && each->settled)
        ++*sequence;
    return each;
}

uint64_t window_oldest(const struct window *window)
{
    return window->count ? window->first_sequence : 0;
}

size_t window_settled(struct window *window, uint64_t before_tag, uint64_t *delivery_tag)
{
    size_t events = 0;

    if (window->holds)
        return 0;
    while (window->count && entry(window, window->first_sequence)->settled) {
        const struct window_entry *oldest = entry(window, window->first_sequence);
        bool counts = oldest->delivery_tag && !oldest->refused;
        if (counts && events && oldest->delivery_tag > before_tag)
            break;
        window->first_sequence++;
        window->count--;
        if (!counts)
            continue;
        *delivery_tag = oldest->delivery_tag;
        events++;
        if (oldest->delivery_tag > before_tag)
            break;
    }
    return events;
}
