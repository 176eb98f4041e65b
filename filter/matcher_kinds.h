/* matcher_kinds.h - the kinds of ASCII characters that the matcher tells apart, of one or of 64 at
 * a time. Pure. */
#ifndef WINNOW_MATCHER_KINDS_H
#define WINNOW_MATCHER_KINDS_H

#include "matcher_view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool is_word_byte(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') ||
           byte == '_';
}

/* The same for MATCHER_LOOSE, to which an underscore parts words. */
static inline bool is_letter_byte(uint8_t byte)
{
    return is_word_byte(byte) && byte != '_';
}

/* Signs that MATCHER_LOOSE takes for letters. */
static inline bool is_letter_sign(uint8_t byte)
{
    return byte == '@' || byte == '$' || byte == '!';
}

enum kind {
    KIND_LETTER = 1, /* letters and digits */
    KIND_UNDERSCORE = 2,
    KIND_SIGN = 4, /* of is_letter_sign */
};

/* In each of 8 bytes. */
#define LOW_BITS  UINT64_C(0x0101010101010101)
#define HIGH_BITS UINT64_C(0x8080808080808080)

#ifdef __SSE2__
#define LANE 16

/* For LANE ASCII characters, bit n: character n is of one of the kinds. */
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

/* Folds LANE ASCII letters for MATCHER_LOOSE, as its table does. Of what is no letter it makes
 * anything but one. */
static inline void fold_lane(const uint8_t *from, uint8_t *to)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)from);
    __m128i small = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
    __m128i is_l = _mm_cmpeq_epi8(small, _mm_set1_epi8('l'));
    __m128i is_v = _mm_cmpeq_epi8(small, _mm_set1_epi8('v'));
    __m128i other = _mm_or_si128(_mm_and_si128(is_l, _mm_set1_epi8('l' ^ 'i')),
                                 _mm_and_si128(is_v, _mm_set1_epi8('v' ^ 'u')));

    _mm_storeu_si128((__m128i *)to, _mm_xor_si128(small, other));
}
#else
#define LANE 8

/* The same without vector instructions. */
static inline uint64_t kind_lane(const uint8_t *from, unsigned kinds)
{
    uint64_t bytes, found = 0;

    memcpy(&bytes, from, sizeof bytes);
    /* Each sum has a byte's high bit set when the byte is at least the character that is named. */
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

/* Makes one small letter of another, in each of 8 ASCII characters. */
static inline uint64_t replace_letter(uint64_t bytes, uint8_t from, uint8_t to)
{
    uint64_t other = (bytes ^ from * LOW_BITS) & 0x7f * LOW_BITS;
    uint64_t is_from = ~(other + 0x7f * LOW_BITS) & HIGH_BITS;

    return bytes ^ (is_from >> 7) * (uint8_t)(from ^ to);
}

static inline void fold_lane(const uint8_t *from, uint8_t *to)
{
    uint64_t bytes;

    memcpy(&bytes, from, sizeof bytes);
    bytes = replace_letter(replace_letter(bytes | 0x20 * LOW_BITS, 'l', 'i'), 'v', 'u');
    memcpy(to, &bytes, sizeof bytes);
}
#endif

/* The 64 characters from a place in a view. Where it has fewer they are copied to `rest`, with
 * zeros behind them. */
static inline const uint8_t *whole_block(const struct view *view, size_t at, uint8_t rest[64])
{
    if (at + 64 <= view->length)
        return view->bytes + at;
    memset(rest, 0, 64);
    if (at < view->length)
        memcpy(rest, view->bytes + at, view->length - at);
    return rest;
}

/* Of 64 ASCII characters, bit n: character n is of one of the kinds. */
static inline uint64_t block_mask(const uint8_t *block, unsigned kinds)
{
    uint64_t mask = 0;

    for (unsigned i = 0; i < 64; i += LANE)
        mask |= kind_lane(block + i, kinds) << i;
    return mask;
}

/* The same for those from a place in an ASCII view, of which it may have fewer. */
static inline uint64_t kind_mask(const struct view *view, size_t at, unsigned kinds)
{
    uint8_t rest[64];

    return at < view->length ? block_mask(whole_block(view, at, rest), kinds) : 0;
}

#endif
