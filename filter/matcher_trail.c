#include "matcher_trail.h"

#include "error.h"

#include <stdlib.h>

int matcher_trail_begin(struct search *search)
{
    struct matcher_scratch *scratch = search->spans->scratch;
    size_t count = search->matcher->header->trail_count;

    scratch->scan++;
    if (count <= scratch->trail_capacity)
        return 0;
    free(scratch->trails);
    scratch->trails = calloc(count, sizeof *scratch->trails);
    scratch->trail_capacity = scratch->trails ? count : 0;
    return scratch->trails ? 0 : -ERR_MEMORY;
}

struct trail *matcher_trail_find(const struct search *search, uint32_t node)
{
    const struct image_trail *trails = search->matcher->trails;
    struct matcher_scratch *scratch = search->spans->scratch;
    uint32_t first = 0, end = search->matcher->header->trail_count;

    while (end - first > 1) {
        uint32_t middle = first + (end - first) / 2;
        if (trails[middle].node <= node)
            first = middle;
        else
            end = middle;
    }
    struct trail *trail = &scratch->trails[first];
    if (trail->scan != scratch->scan)
        *trail = (struct trail){
            .scan = scratch->scan,
            .repeats = search->matcher->repeats + trails[first].repeats,
        };
    return trail;
}

bool matcher_trail_resume(const struct search *search, struct trail *trail, size_t *at,
                          uint32_t *matched)
{
    bool may_repeat = search->matcher->level == MATCHER_LOOSE;

    if (*at <= trail->start || *at >= trail->end)
        return true;
    while (trail->at < *at) {
        trail->at = next_unit(&search->view, search->matcher->table, may_repeat, trail->at);
        trail->units++;
    }
    if (trail->at > *at)
        return true; /* a place within a unit: nothing is known of it */
    uint32_t left = trail->matched - trail->units;
    if (trail->repeats[trail->units] < left)
        return false;
    *matched = left;
    *at = trail->end;
    return true;
}

void matcher_trail_leave(struct trail *trail, size_t start, size_t end, uint32_t matched)
{
    trail->start = trail->at = start;
    trail->end = end;
    trail->matched = matched;
    trail->units = 0;
}
