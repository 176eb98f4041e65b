#include "matcher_cluster.h"

#include "buffer.h"
#include "character.h"

#include <unictype.h>
#include <unigbrk.h>
#include <unistr.h>

/* Whether no character that is not ASCII is before or behind this place: one is only joined to
 * ASCII characters by such. No match begins with the second half of a line end. */
static bool is_plain(const uint8_t *text, size_t length, size_t at)
{
    return (at == 0 || text[at - 1] < 0x80) && (at == length || text[at] < 0x80);
}

static bool is_half_flag(const uint8_t *text, size_t length)
{
    uint32_t character;

    character_read(text, length, &character);
    return character >= 0x1f1e6 && character <= 0x1f1ff;
}

/* Leaves in *character the one that ends before *at, and *at at its beginning. */
static void read_before(const uint8_t *text, size_t least, size_t *at, uint32_t *character)
{
    size_t end = *at;

    do
        --*at;
    while (*at > least && (text[*at] & 0xc0) == 0x80);
    character_read(text + *at, end - *at, character);
}

/* Whether nothing but a sign of the kind "prepend" can be joined to it from before. */
static bool is_joined_to_none(uint32_t character)
{
    return character < 0x80 || (character != NOT_A_CHARACTER && !character_is_picture(character) &&
                                uc_graphemeclusterbreak_property(character) == GBP_OTHER);
}

/* A place up to `at` and from `least` on where a character surely begins. */
static size_t find_sure_break(const uint8_t *text, size_t least, size_t at)
{
    size_t before = at;
    uint32_t character = 0;

    while (before > least) {
        uint32_t next = character;
        at = before;
        read_before(text, least, &before, &character);
        if (next && is_joined_to_none(next) &&
            (character == NOT_A_CHARACTER ||
             uc_graphemeclusterbreak_property(character) != GBP_PREPEND))
            return at;
    }
    return before;
}

/* Where the character ends, from `least` on, of a text that begins with one; 0 without memory.
 * Leaves in *breaks at which bytes up to there a character begins. */
static size_t find_end(const uint8_t *text, size_t length, size_t least,
                       struct cluster_breaks *breaks)
{
    enum { CHARACTER_BYTES = 4 };

    for (size_t more = 32;; more *= 2) {
        size_t part = least + more < length ? least + more : length, at = least;
        /* The part may end within a character's bytes. */
        size_t known = part == length ? part : part - CHARACTER_BYTES;
        if (!buffer_reserve(&breaks->begins, &breaks->capacity, part))
            return 0;
        u8_grapheme_breaks(text, part, breaks->begins);
        while (at < known && !breaks->begins[at])
            at++;
        if (at < known || part == length)
            return at;
    }
}

bool matcher_cluster_widen(const uint8_t *text, size_t length, size_t least,
                           struct cluster_breaks *breaks, uint32_t *start, uint32_t *end)
{
    size_t from = *start, at;

    if (is_plain(text, length, *start) && is_plain(text, length, *end))
        return true;
    if (!is_plain(text, length, *start))
        from = find_sure_break(text, least, *start);
    size_t size = find_end(text + from, length - from, *end - from, breaks);
    if (size == 0)
        return true;
    for (at = *start; !breaks->begins[at - from];)
        at--;
    if (at < *start && is_half_flag(text + at, length - at) &&
        is_half_flag(text + *start, length - *start))
        return false;
    *start = (uint32_t)at;
    *end = (uint32_t)(from + size);
    return true;
}
