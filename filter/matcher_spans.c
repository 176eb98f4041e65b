/* matcher_spans.c - makes spans of the hits of a search. Pure. */
#include "error.h"
#include "matcher_search.h"

#include <stdlib.h>

void matcher_spans_init(struct matcher_spans *spans)
{
    *spans = (struct matcher_spans){0};
}

void matcher_spans_clear(struct matcher_spans *spans)
{
    if (spans->scratch) {
        folding_clear(&spans->scratch->folded);
        matcher_spelled_clear(&spans->scratch->spelled);
        free(spans->scratch->hits);
        free(spans->scratch->trails);
    }
    free(spans->scratch);
    free(spans->items);
    matcher_spans_init(spans);
}

/* Makes a span of a hit unless an earlier one overlaps it or an allowed one covers it. Hits come in
 * the order of their starts, an allowed one before others of the same start. */
static void take(struct search *search, struct hit hit)
{
    struct matcher_spans *spans = search->spans;

    if (hit.allowed) {
        if (hit.end > search->allowed_until)
            search->allowed_until = hit.end;
        return;
    }
    if (hit.start < search->taken_until || hit.end <= search->allowed_until)
        return;
    if (spans->count == spans->capacity) {
        size_t capacity = spans->capacity ? 2 * spans->capacity : 16;
        struct matcher_span *items = realloc(spans->items, capacity * sizeof *items);
        if (!items) {
            search->error = -ERR_MEMORY;
            return;
        }
        spans->items = items;
        spans->capacity = capacity;
    }
    spans->items[spans->count++] = (struct matcher_span){
        .start = hit.start,
        .length = hit.end - hit.start,
        .entry = hit.entry,
    };
    search->taken_until = hit.end;
}

void matcher_spans_offer(struct search *search, struct hit hit)
{
    struct matcher_scratch *scratch = search->spans->scratch;

    if (hit.end == 0)
        return;
    if (!search->gathers) {
        take(search, hit);
        return;
    }
    if (scratch->hit_count == scratch->hit_capacity) {
        size_t capacity = scratch->hit_capacity ? 2 * scratch->hit_capacity : 64;
        struct hit *hits = realloc(scratch->hits, capacity * sizeof *hits);
        if (!hits) {
            search->error = -ERR_MEMORY;
            return;
        }
        scratch->hits = hits;
        scratch->hit_capacity = capacity;
    }
    scratch->hits[scratch->hit_count++] = hit;
}

static int compare_hits(const void *left, const void *right)
{
    const struct hit *a = left, *b = right;

    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    if (a->allowed != b->allowed)
        return a->allowed ? -1 : 1;
    return a->end != b->end ? (a->end > b->end ? -1 : 1) : a->entry < b->entry ? -1 : 1;
}

void matcher_spans_resolve(struct search *search)
{
    struct matcher_scratch *scratch = search->spans->scratch;

    if (scratch->hit_count == 0)
        return;
    qsort(scratch->hits, scratch->hit_count, sizeof *scratch->hits, compare_hits);
    for (size_t i = 0; i < scratch->hit_count && !search->error; i++)
        take(search, scratch->hits[i]);
}
