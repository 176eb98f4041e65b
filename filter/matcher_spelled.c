#include "matcher_spelled.h"

#include "error.h"
#include "folding.h"
#include "matcher_kinds.h"

#include <stdlib.h>

/* Fewer letters in a row, as in `a b`, are no word that is spelled out. */
#define MIN_LETTERS 3

void matcher_spelled_clear(struct spelled *spelled)
{
    free(spelled->bytes);
    free(spelled->offsets);
    free(spelled->ends);
    *spelled = (struct spelled){0};
}

struct view matcher_spelled_view(const struct spelled *spelled, const struct view *whole)
{
    return (struct view){
        .bytes = spelled->bytes,
        .length = spelled->length,
        .offsets = spelled->offsets,
        .ends = spelled->ends,
        .is_spelled = true,
        .is_loose = true,
        .text = whole->text,
        .text_length = whole->text_length,
    };
}

/* Makes place for one more byte. */
static int reserve(struct spelled *spelled)
{
    if (spelled->length < spelled->capacity)
        return 0;
    size_t capacity = spelled->capacity ? 2 * spelled->capacity : 64;
    uint8_t *bytes = realloc(spelled->bytes, capacity);
    if (!bytes)
        return -ERR_MEMORY;
    spelled->bytes = bytes;
    uint32_t *offsets = realloc(spelled->offsets, capacity * sizeof *offsets);
    if (!offsets)
        return -ERR_MEMORY;
    spelled->offsets = offsets;
    uint32_t *ends = realloc(spelled->ends, capacity * sizeof *ends);
    if (!ends)
        return -ERR_MEMORY;
    spelled->ends = ends;
    spelled->capacity = capacity;
    return 0;
}

static int append(struct spelled *spelled, uint8_t byte, size_t offset, size_t end)
{
    int error = reserve(spelled);

    if (error)
        return error;
    spelled->bytes[spelled->length] = byte;
    spelled->offsets[spelled->length] = (uint32_t)offset;
    spelled->ends[spelled->length++] = (uint32_t)end;
    return 0;
}

/* The end of the character at a place, with all that continues it. */
static size_t character_end(const struct view *view, size_t at)
{
    size_t end = at + folded_size(view->bytes[at]);

    while (end < view->length && !is_character_end(view, end))
        end++;
    return end;
}

static bool is_letter(const struct view *view, size_t at)
{
    if (view->bytes[at] < 0x80)
        return (is_word_byte(view->bytes[at]) && view->bytes[at] != '_') ||
               is_letter_sign(view->bytes[at]);
    return matcher_view_class_after(view, at) != CLASS_OTHER;
}

/* Reads a separator and leaves *at behind it. Returns the separator, or 0 when there is none. */
static uint8_t read_separator(const struct view *view, const uint8_t *table, size_t *at)
{
    if (*at == view->length || view->bytes[*at] >= 0x80 || is_letter(view, *at))
        return 0;
    uint8_t separator = table[view->bytes[(*at)++]];
    while (*at < view->length && table[view->bytes[*at]] == separator)
        ++*at;
    return separator;
}

static int append_letter(const struct view *view, size_t begin, size_t end, struct spelled *spelled)
{
    int error = 0;

    for (size_t at = begin; at < end && !error; at++)
        error = append(spelled, view->bytes[at], text_start(view, begin), text_end(view, end));
    return error;
}

/* Appends the letters of the stretch that begins at *at, if it is one. *at is then where the next
 * stretch may begin. */
static int read_stretch(const struct view *view, const uint8_t *table, size_t *at,
                        struct spelled *spelled)
{
    size_t before = spelled->length, next = *at, letters = 0;
    uint8_t separator = 0;
    int error = 0;

    while (!error && next < view->length && is_letter(view, next)) {
        size_t end = character_end(view, next), after = end;
        bool is_last = end == view->length;
        if (!is_last && is_letter(view, end))
            break;
        error = append_letter(view, next, end, spelled);
        letters++;
        *at = end;
        uint8_t found = is_last ? 0 : read_separator(view, table, &after);
        if (separator && found && found != separator)
            *at = next; /* another stretch may begin with this letter */
        if (!found || (separator && found != separator))
            break;
        separator = found;
        next = after;
    }
    if (error)
        return error;
    if (letters < MIN_LETTERS) {
        spelled->length = before;
        return 0;
    }
    return append(spelled, 0, view->text_length, view->text_length);
}

/* Appends the stretch that begins with the letter at *at, if there is one. *at is then behind it,
 * or behind the letter. */
static int try_stretch(const struct view *view, const uint8_t *table, size_t *at,
                       struct spelled *spelled)
{
    size_t end = *at + folded_size(view->bytes[*at]);

    /* Most letters have a neighbour that rules them out. */
    if (end + 3 > view->length || view->bytes[end] >= 0x80 || is_letter(view, end) ||
        !is_letter(view, *at) || is_letter_sign(view->bytes[*at]) || !is_character_end(view, *at) ||
        matcher_view_class_before(view, *at) != CLASS_OTHER) {
        *at = end;
        return 0;
    }
    size_t next = *at;
    int error = read_stretch(view, table, &next, spelled);
    *at = next > end ? next : end;
    return error;
}

static int find_in_folded(const struct view *view, const uint8_t *table, struct spelled *spelled)
{
    int error = 0;

    for (size_t at = 0; at < view->length && !error;)
        error = try_stretch(view, table, &at, spelled);
    return error;
}

/* The same for an ASCII text: finds the letters that stand alone 64 characters at a time. */
static int find_in_ascii(const struct view *view, const uint8_t *table, struct spelled *spelled)
{
    uint64_t letters = kind_mask(view, 0, KIND_LETTER), before = 0;
    size_t next = 0;
    int error = 0;

    for (size_t block = 0; block < view->length && !error; block += 64) {
        uint64_t following = kind_mask(view, block + 64, KIND_LETTER);
        uint64_t alone = letters & ~(letters << 1 | before) & ~(letters >> 1 | following << 63);
        /* Most of them, such as the article a, stand before a word of more letters. */
        alone &= ~((letters >> 2 | following << 62) & (letters >> 3 | following << 61));
        for (; alone && !error; alone &= alone - 1) {
            size_t at = block + (size_t)__builtin_ctzll(alone);
            if (at < next)
                continue;
            error = try_stretch(view, table, &at, spelled);
            next = at;
        }
        before = letters >> 63;
        letters = following;
    }
    return error;
}

int matcher_spelled_find(const struct view *view, const uint8_t table[256], struct spelled *spelled)
{
    spelled->length = 0;
    return view->offsets ? find_in_folded(view, table, spelled)
                         : find_in_ascii(view, table, spelled);
}
