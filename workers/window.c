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
    for (size_t i = 0; i < window->count; i++)
        delivery_free(entry(window, window->first_sequence + i)->delivery);
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

int window_add(struct window *window, struct delivery *delivery)
{
    if (window->count == window->capacity && grow(window))
        return -ERR_MEMORY;
    if (!window->first_sequence)
        window->first_sequence = 1;
    window->count++;
    *entry(window, window_last(window)) = (struct window_entry){.delivery = delivery};
    return 0;
}

void window_confirm(struct window *window, uint64_t sequence, bool multiple)
{
    struct window_entry *confirmed = entry(window, sequence);

    if (!confirmed)
        return;
    for (uint64_t each = multiple ? window->first_sequence : sequence; each <= sequence; each++)
        entry(window, each)->settled = true;
}

struct delivery *window_pending(const struct window *window, uint64_t *sequence)
{
    uint64_t each = *sequence < window->first_sequence ? window->first_sequence : *sequence;

    for (const struct window_entry *pending; (pending = entry(window, each)); each++)
        if (!pending->settled && pending->delivery) {
            *sequence = each;
            return pending->delivery;
        }
    return NULL;
}

struct delivery *window_take_out(struct window *window, uint64_t sequence)
{
    struct window_entry *taken = entry(window, sequence);

    if (!taken || taken->settled)
        return NULL;
    struct delivery *delivery = taken->delivery;
    *taken = (struct window_entry){.settled = true};
    return delivery;
}

uint64_t window_last(const struct window *window)
{
    return window->count ? window->first_sequence + window->count - 1 : 0;
}

struct delivery *window_settled(struct window *window)
{
    struct delivery *delivery = NULL;

    while (!delivery && window->count && entry(window, window->first_sequence)->settled) {
        delivery = entry(window, window->first_sequence)->delivery;
        window->first_sequence++;
        window->count--;
    }
    return delivery;
}
