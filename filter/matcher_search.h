/* matcher_search.h - a search on its way: matcher.c begins it, matcher_scan.c finds the places where entries may begin,
 * matcher_walk.c tries the entries there, matcher_spans.c takes what they find. */
#ifndef WINNOW_MATCHER_SEARCH_H
#define WINNOW_MATCHER_SEARCH_H

#include "matcher_image.h"
#include "matcher_view.h"

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
    uint8_t table[256];
    uint32_t roots[256]; /* by first byte: the child of the root, or 0 */
    enum matcher_level level;
    void *owned; /* the image, or NULL */
};

struct hit {
    uint32_t start, end; /* in the text; end 0 when there is none */
    uint32_t entry;
    bool allowed;
};

/* Of one struct matcher_spans. */
struct matcher_scratch {
    struct folded folded;
    struct spelled spelled;
    struct hit *hits; /* when hits of two views have to be merged */
    size_t hit_count;
    size_t hit_capacity;
    struct trail *trails; /* by index of the matcher's */
    size_t trail_capacity;
    uint64_t scan; /* how many there were: what trails of an earlier one say does not count */
};

/* One search. */
struct search {
    const struct matcher *matcher;
    struct matcher_spans *spans;
    struct view view;
    bool collects;          /* into scratch.hits, to be sorted later */
    uint32_t taken_until;   /* the end of the last span */
    uint32_t allowed_until; /* the furthest end of an allowed match so far */
    int error;
};

/* Finds the matches in search.view and offers them; what goes wrong is in search.error. */
void scan_view(struct search *search);

/* Looks for matches that begin at this place of the view, and offers them. */
void try_place(struct search *search, size_t begin);

/* Takes a hit. Unless search.collects they come in the order of their starts, an allowed one before others of
 * the same start. One without an end is none. */
void offer_hit(struct search *search, struct hit hit);

/* With search.collects, when all hits are there: makes spans of them. */
void resolve_hits(struct search *search);

#endif
