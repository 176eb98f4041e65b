#include "moments.h"

#include "error.h"

#include <stdbool.h>
#include <stdlib.h>

int moments_init(struct moments *moments, size_t capacity)
{
    *moments = (struct moments){.heap = calloc(capacity, sizeof *moments->heap)};
    return moments->heap ? 0 : -ERR_MEMORY;
}

void moments_clear(struct moments *moments)
{
    free(moments->heap);
    *moments = (struct moments){0};
}

static bool is_before(struct moment a, struct moment b)
{
    return a.at_ns < b.at_ns || (a.at_ns == b.at_ns && a.slot < b.slot);
}

void moments_add(struct moments *moments, struct moment moment)
{
    struct moment *heap = moments->heap;
    size_t place = moments->count++;

    while (place > 0 && is_before(moment, heap[(place - 1) / 2])) {
        heap[place] = heap[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    heap[place] = moment;
}

void moments_replace_first(struct moments *moments, struct moment moment)
{
    struct moment *heap = moments->heap;
    size_t place = 0, count = moments->count;

    for (size_t child; (child = 2 * place + 1) < count; place = child) {
        if (child + 1 < count && is_before(heap[child + 1], heap[child]))
            child++;
        if (!is_before(heap[child], moment))
            break;
        heap[place] = heap[child];
    }
    heap[place] = moment;
}

void moments_drop_first(struct moments *moments)
{
    struct moment last = moments->heap[--moments->count];

    if (moments->count)
        moments_replace_first(moments, last);
}
