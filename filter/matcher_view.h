/* matcher_view.h - a text as the matcher reads it. For the files of the matcher. Pure. */
#ifndef WINNOW_MATCHER_VIEW_H
#define WINNOW_MATCHER_VIEW_H

#include "character.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is searched: an ASCII text itself, a text folded, or the letters that are spelled out in
 * either. */
struct view {
    const uint8_t *bytes;
    size_t length;
    /* By byte, where in the text its character begins, as in struct folded; NULL when the view is
     * the text itself. */
    const uint32_t *offsets;
    /* By byte, where in the text its character ends; NULL when that is where the next begins. */
    const uint32_t *ends;
    bool is_spelled;
    bool is_loose; /* of MATCHER_LOOSE, to which an underscore is no part of a word */
    const uint8_t *text;
    size_t text_length;
};

/* The class of the character before a place in the view; CLASS_OTHER at its beginning. */
enum word_class matcher_view_class_before(const struct view *view, size_t at);

/* The class of the character that begins there; CLASS_OTHER at the view's end. */
enum word_class matcher_view_class_after(const struct view *view, size_t at);

/* Where the repetitions end of the character, not an ASCII one, that ends before this place. */
size_t matcher_view_skip_repeated(const struct view *view, size_t at);

/* Whether a character of the text, with all that continues it, ends before this place. */
static inline bool is_character_end(const struct view *view, size_t at)
{
    return at == 0 || at == view->length || !view->offsets ||
           view->offsets[at] != view->offsets[at - 1];
}

/* The place in the text of what begins at a place in the view. */
static inline size_t text_start(const struct view *view, size_t at)
{
    return view->offsets ? view->offsets[at] : at;
}

/* The place in the text where that ends which ends at a place in the view. */
static inline size_t text_end(const struct view *view, size_t at)
{
    return view->ends ? view->ends[at - 1] : view->offsets ? view->offsets[at] : at;
}

/* Where the unit ends that begins at a place in the view. A unit stands for one byte of a skeleton:
 * it is one byte, or a run of white space, or where letters may be repeated a run of one letter. */
static inline size_t next_unit(const struct view *view, const uint8_t *table, bool may_repeat,
                               size_t at)
{
    const uint8_t *bytes = view->bytes;
    uint8_t unit = table[bytes[at++]];

    if (unit == ' ' || (may_repeat && unit < 0x80))
        while (at < view->length && table[bytes[at]] == unit)
            at++;
    else if (may_repeat)
        at = matcher_view_skip_repeated(view, at);
    return at;
}

#endif
