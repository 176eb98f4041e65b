/* matcher_spelled.h - finds what is spelled out letter by letter in a view, for MATCHER_LOOSE. For
 * the files of the matcher. Pure. */
#ifndef WINNOW_MATCHER_SPELLED_H
#define WINNOW_MATCHER_SPELLED_H

#include "matcher_view.h"

/* The letters that are spelled out, stretch after stretch, with a NUL after each. A stretch is a
 * letter or digit and at least two more or signs that stand for them. Between each two is the same
 * ASCII sign or white space; before and after the whole is no part of a word. */
struct spelled {
    uint8_t *bytes;
    uint32_t *offsets; /* as in struct view */
    uint32_t *ends;
    size_t length;
    size_t capacity;
};

/* Finds the stretches of a view that is not itself of such letters.
 *
 * table    of folding_table
 * spelled  starts from {0}; the previous content is overwritten
 *
 * Returns 0, or -ERR_MEMORY. */
int matcher_spelled_find(const struct view *view, const uint8_t table[256],
                         struct spelled *spelled);

/* The letters found in a view, as a view of the same text. Borrows from both. */
struct view matcher_spelled_view(const struct spelled *spelled, const struct view *whole);

void matcher_spelled_clear(struct spelled *spelled);

#endif
