/* matcher_view.h - a text as the matcher reads it, and what of it is spelled out letter by letter. For
 * the files of the matcher. */
#ifndef WINNOW_MATCHER_VIEW_H
#define WINNOW_MATCHER_VIEW_H

#include "character.h"
#include "folding.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

/* Finds what is spelled out: a letter or digit and two or more others, or signs that stand for them, between
 * each two the same ASCII sign or white space, no part of a word before and after the whole. `table` is that
 * of folding_table.
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

/* Where a run ends of the character, not an ASCII one, that ends at this place. */
size_t skip_repeated(const struct view *view, size_t at);

/* Where ends what stands for one byte of a skeleton: a byte, a run of white space, in MATCHER_LOOSE (repeats) a run of
 * one letter. */
static inline size_t next_unit(const struct view *view, const uint8_t *table, bool repeats,
                               size_t at)
{
    const uint8_t *bytes = view->bytes;
    uint8_t unit = table[bytes[at++]];

    if (unit == ' ' || (repeats && unit < 0x80))
        while (at < view->length && table[bytes[at]] == unit)
            at++;
    else if (repeats)
        at = skip_repeated(view, at);
    return at;
}

#define LOW_BITS  UINT64_C(0x0101010101010101)
#define HIGH_BITS UINT64_C(0x8080808080808080)

enum kind {
    KIND_LETTER = 1, /* letters and digits */
    KIND_UNDERSCORE = 2,
    KIND_SIGN = 4, /* signs that MATCHER_LOOSE takes for letters */
};

#ifdef __SSE2__
#define LANE 16

/* Of LANE ASCII characters, bit n: character n is of one of the kinds. */
static inline uint64_t kind_lane(const uint8_t *from, unsigned kinds)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)from), found = _mm_setzero_si128();

    if (kinds & KIND_LETTER) {
        __m128i small = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
        found = _mm_and_si128(_mm_cmpgt_epi8(small, _mm_set1_epi8('a' - 1)),
                              _mm_cmplt_epi8(small, _mm_set1_epi8('z' + 1)));
        found = _mm_or_si128(found, _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8('0' - 1)),
                                                  _mm_cmplt_epi8(bytes, _mm_set1_epi8('9' + 1))));
    }
    if (kinds & KIND_UNDERSCORE)
        found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('_')));
    if (kinds & KIND_SIGN) {
        found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('@')));
        found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('$')));
        found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('!')));
    }
    return (uint64_t)(unsigned)_mm_movemask_epi8(found);
}
#else
#define LANE 8

/* The same without such instructions. */
static inline uint64_t kind_lane(const uint8_t *from, unsigned kinds)
{
    uint64_t bytes, found = 0;

    memcpy(&bytes, from, sizeof bytes);
    /* Each sum sets a byte's high bit when the byte is at least what is named. */
    if (kinds & KIND_LETTER) {
        uint64_t small = bytes | 0x20 * LOW_BITS;
        found |= (small + (0x80 - 'a') * LOW_BITS) & ~(small + (0x80 - 'z' - 1) * LOW_BITS);
        found |= (bytes + (0x80 - '0') * LOW_BITS) & ~(bytes + (0x80 - '9' - 1) * LOW_BITS);
    }
    if (kinds & KIND_UNDERSCORE)
        found |= ~((bytes ^ '_' * LOW_BITS) + 0x7f * LOW_BITS);
    if (kinds & KIND_SIGN)
        found |= ~(((bytes ^ '@' * LOW_BITS) + 0x7f * LOW_BITS) &
                   ((bytes ^ '$' * LOW_BITS) + 0x7f * LOW_BITS) &
                   ((bytes ^ '!' * LOW_BITS) + 0x7f * LOW_BITS));
    /* The product gathers the 8 bits in the highest byte. */
    return ((found & HIGH_BITS) >> 7) * UINT64_C(0x0102040810204080) >> 56;
}
#endif

/* Of the 64 characters from here, of which an ASCII view may have fewer, bit n: character n is of one of the kinds. */
static inline uint64_t kind_mask(const struct view *view, size_t at, unsigned kinds)
{
    uint8_t rest[64] = {0};
    const uint8_t *from = view->bytes + at;
    uint64_t mask = 0;

    if (at >= view->length)
        return 0;
    if (at + 64 > view->length) {
        memcpy(rest, from, view->length - at);
        from = rest;
    }
    for (unsigned i = 0; i < 64; i += LANE)
        mask |= kind_lane(from + i, kinds) << i;
    return mask;
}

#endif
