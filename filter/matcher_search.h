/* matcher_search.h - a search on its way: matcher.c begins it, matcher_scan.c finds the places
 * where entries may begin, matcher_walk.c tries the entries there, matcher_spans.c takes what they
 * find. Pure. */
#ifndef WINNOW_MATCHER_SEARCH_H
#define WINNOW_MATCHER_SEARCH_H

#include "folding.h"
#include "matcher_cluster.h"
#include "matcher_image.h"
#include "matcher_spelled.h"
#include "matcher_view.h"

/* An image, with what is quicker to have at hand than to read there. */
struct matcher {
    const struct image_header *header;
    const struct image_node *nodes;
    const uint8_t *firsts;
    const struct image_entry *entries;
    const struct image_source *sources;
    const uint8_t *keys;
    const struct image_trail *trails;
    const uint32_t *repeats;
    const uint8_t *texts;
    uint8_t table[256];  /* of folding_table */
    uint32_t roots[256]; /* by first byte: the child of the root, or 0 */
    enum matcher_level level;
    void *owned; /* the image, when the matcher has to free it, or NULL */
};

/* A match on its way to be a span. */
struct hit {
    uint32_t start, end; /* in the text; end 0 when there is none */
    uint32_t entry;
    bool allowed;
};

/* What a struct matcher_spans keeps from one search to the next. */
struct matcher_scratch {
    struct folded folded;
    struct spelled spelled;
    struct cluster_breaks breaks;
    struct hit *hits; /* gathered when those of two views have to be merged */
    size_t hit_count;
    size_t hit_capacity;
    struct trail *trails; /* by index of matcher.trails */
    size_t trail_capacity;
    uint64_t scan; /* how many views have been scanned; tells old trails from new ones */
};

/* One search. */
struct search {
    const struct matcher *matcher;
    struct matcher_spans *spans;
    struct view view;
    bool gathers;           /* hits go to scratch.hits, to be sorted */
    uint32_t taken_until;   /* the end of the last span */
    uint32_t allowed_until; /* the furthest end of an allowed match so far */
    int error;
};

/* Finds the matches in search.view and offers them. What goes wrong is in search.error. */
void matcher_scan(struct search *search);

/* Finds the matches that begin at a place in the view, and offers them. */
void matcher_walk(struct search *search, size_t begin);

/* Takes a hit; one without an end is none. Unless search.gathers they have to come in the order of
 * their starts, an allowed one before others of the same start. */
void matcher_spans_offer(struct search *search, struct hit hit);

/* Makes spans of the hits that were gathered. */
void matcher_spans_resolve(struct search *search);

#endif
