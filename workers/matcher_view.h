/* matcher_view.h - a text as the matcher reads it, and what of it is spelled out letter by letter. For
 * matcher.c. */
#ifndef WINNOW_MATCHER_VIEW_H
#define WINNOW_MATCHER_VIEW_H

#include "folding.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is searched: an ASCII text itself, a text folded, or the letters that are spelled out in either. */
struct view {
    const uint8_t *bytes;
    size_t length;
    const uint32_t
        *offsets; /* by byte, as in struct folded; NULL when the view is the text itself */
    const uint32_t
        *ends; /* by byte, where its character ends in the text; NULL when where the next begins */
    bool is_spelled;
    const uint8_t *text;
    size_t text_length;
};

/* Letters with one separator, always the same, between each two; a NUL after each such stretch. */
struct spelled {
    uint8_t *bytes;
    uint32_t *offsets;
    uint32_t *ends;
    size_t length;
    size_t capacity;
};

/* Finds what is spelled out: three or more characters of words, or signs that stand for letters, between
 * each two the same ASCII sign or white space, no part of a word before and after the whole. `table` is that
 * of folding_bytes.
 *
 * Returns 0, or -ERR_MEMORY. */
int find_spelled(const struct view *view, const uint8_t table[256], struct spelled *spelled);

struct view spelled_view(const struct spelled *spelled, const struct view *whole);

void spelled_clear(struct spelled *spelled);

/* The class of the character before a place in the view, CLASS_OTHER at the beginning. */
enum word_class class_before(const struct view *view, size_t at);

/* The same for the character that begins there. */
enum word_class class_after(const struct view *view, size_t at);

/* Whether a character ends before this place of the view and the next begins. */
static inline bool is_character_end(const struct view *view, size_t at)
{
    return at == 0 || at == view->length || !view->offsets ||
           view->offsets[at] != view->offsets[at - 1];
}

static inline size_t text_start(const struct view *view, size_t at)
{
    return view->offsets ? view->offsets[at] : at;
}

static inline size_t text_end(const struct view *view, size_t at)
{
    return view->ends ? view->ends[at - 1] : view->offsets ? view->offsets[at] : at;
}

#endif
