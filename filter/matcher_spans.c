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
        free(spans->scratch->breaks.begins);
        free(spans->scratch->hits);
        free(spans->scratch->trails);
    }
    free(spans->scratch);
    free(spans->items);
    matcher_spans_init(spans);
}

/* Makes a span of a hit, widened to whole characters, unless an earlier one overlaps it or an
 * allowed one covers it. Hits come in the order of their starts, an allowed one before others of
 * the same start. */
static void take(struct search *search, struct hit hit)
{
    struct matcher_spans *spans = search->spans;

    if (hit.allowed) {
        if (hit.end > search->allowed_until)
            search->allowed_until = hit.end;
        return;
    }
    if (hit.start < search->taken_until || hit.end <= search->allowed_until ||
        (search->view.offsets &&
         !matcher_cluster_widen(search->view.text, search->view.text_length, search->taken_until,
                                &spans->scratch->breaks, &hit.start, &hit.end)))
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

static int compare_hits(const void *left, const void *right, void *context)
{
    const struct image_source *sources = ((const struct matcher *)context)->sources;
    const struct hit *a = left, *b = right;
    int32_t a_severity = sources[a->entry].severity, b_severity = sources[b->entry].severity;

    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    if (a->allowed != b->allowed)
        return a->allowed ? -1 : 1;
    if (a->end != b->end)
        return a->end > b->end ? -1 : 1;
    if (a_severity != b_severity)
        return a_severity > b_severity ? -1 : 1;
    return a->entry < b->entry ? -1 : a->entry > b->entry;
}

void matcher_spans_resolve(struct search *search)
{
    struct matcher_scratch *scratch = search->spans->scratch;

    if (scratch->hit_count == 0)
        return;
    qsort_r(scratch->hits, scratch->hit_count, sizeof *scratch->hits, compare_hits,
            (void *)(uintptr_t)search->matcher);
    for (size_t i = 0; i < scratch->hit_count && !search->error; i++)
        take(search, scratch->hits[i]);
}
