#include "matcher_view.h"

#include "error.h"
#include "matcher_image.h"

#include <stdlib.h>

enum word_class class_before(const struct view *view, size_t at)
{
    if (view->is_spelled)
        return CLASS_OTHER;
    if (!view->offsets)
        return at > 0 && is_word_byte(view->bytes[at - 1]) ? CLASS_WORD : CLASS_OTHER;

    /* A mark takes the class of its letter; one that has no letter is part of a word by itself. */
    enum word_class class = CLASS_OTHER;
    size_t end = view->offsets[at];
    for (size_t from = at > 0 ? view->offsets[at - 1] : 0; from < end && class == CLASS_OTHER;) {
        uint32_t character;
        from += character_read(view->text + from, end - from, &character);
        class = character_class(character);
    }
    return class;
}

enum word_class class_after(const struct view *view, size_t at)
{
    uint32_t character;

    if (at == view->length || view->is_spelled)
        return CLASS_OTHER;
    if (!view->offsets)
        return is_word_byte(view->bytes[at]) ? CLASS_WORD : CLASS_OTHER;
    character_read(view->text + view->offsets[at], view->text_length - view->offsets[at],
                   &character);
    return character_class(character);
}

size_t skip_repeated(const struct view *view, size_t at)
{
    const uint8_t *bytes = view->bytes;
    size_t first = at - 1;

    if (at < view->length && (bytes[at] & 0xc0) == 0x80)
        return at; /* in the middle of it */
    while (first > 0 && (bytes[first] & 0xc0) == 0x80)
        first--;
    size_t size = at - first;
    while (at + size <= view->length && memcmp(bytes + at, bytes + first, size) == 0)
        at += size;
    return at;
}

void spelled_clear(struct spelled *spelled)
{
    free(spelled->bytes);
    free(spelled->offsets);
    free(spelled->ends);
    *spelled = (struct spelled){0};
}

struct view spelled_view(const struct spelled *spelled, const struct view *whole)
{
    return (struct view){
        .bytes = spelled->bytes,
        .length = spelled->length,
        .offsets = spelled->offsets,
        .ends = spelled->ends,
        .is_spelled = true,
        .text = whole->text,
        .text_length = whole->text_length,
    };
}

/* Makes room for one more byte. */
static int grow(struct spelled *spelled)
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

/* The end of the character at this place with all that continues it. */
static size_t character_end(const struct view *view, size_t at)
{
    size_t end = at + character_size(view->bytes[at]);

    while (end < view->length && !is_character_end(view, end))
        end++;
    return end;
}

static bool is_letter(const struct view *view, size_t at)
{
    if (view->bytes[at] < 0x80)
        return (is_word_byte(view->bytes[at]) && view->bytes[at] != '_') ||
               is_letter_sign(view->bytes[at]);
    return class_after(view, at) != CLASS_OTHER;
}

/* The separator at this place, or 0; *at is then after it. */
static uint8_t read_separator(const struct view *view, const uint8_t *table, size_t *at)
{
    if (*at == view->length || view->bytes[*at] >= 0x80 || is_letter(view, *at))
        return 0;
    uint8_t separator = table[view->bytes[(*at)++]];
    while (separator == ' ' && *at < view->length && table[view->bytes[*at]] == ' ')
        ++*at;
    return separator;
}

static int add(struct spelled *spelled, uint8_t byte, size_t offset, size_t end)
{
    int error = grow(spelled);

    if (error)
        return error;
    spelled->bytes[spelled->length] = byte;
    spelled->offsets[spelled->length] = (uint32_t)offset;
    spelled->ends[spelled->length++] = (uint32_t)end;
    return 0;
}

/* Adds the stretch that begins here, if it is one; *at is then after it. */
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
        for (size_t i = next; i < end && !error; i++)
            error = add(spelled, view->bytes[i], text_start(view, next), text_end(view, end));
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
    if (letters < 3) {
        spelled->length = before;
        return 0;
    }
    return add(spelled, 0, view->text_length, view->text_length);
}

/* Looks for a stretch that begins with the letter here, which stands alone. */
static int try_stretch(const struct view *view, const uint8_t *table, size_t *at,
                       struct spelled *spelled)
{
    size_t end = *at + character_size(view->bytes[*at]);

    /* Most have a neighbour that rules them out. */
    if (end + 3 > view->length || view->bytes[end] >= 0x80 || is_letter(view, end) ||
        !is_letter(view, *at) || is_letter_sign(view->bytes[*at]) || !is_character_end(view, *at) ||
        class_before(view, *at) != CLASS_OTHER) {
        *at = end;
        return 0;
    }
    size_t next = *at;
    int error = read_stretch(view, table, &next, spelled);
    *at = next > end ? next : end;
    return error;
}

int find_spelled(const struct view *view, const uint8_t table[256], struct spelled *spelled)
{
    int error = 0;
    uint64_t before = 0;

    spelled->length = 0;
    if (view->offsets) {
        for (size_t at = 0; at < view->length && !error;)
            error = try_stretch(view, table, &at, spelled);
        return error;
    }
    size_t next = 0;
    uint64_t letters = kind_mask(view, 0, KIND_LETTER);
    for (size_t block = 0; block < view->length && !error; block += 64) {
        uint64_t following = kind_mask(view, block + 64, KIND_LETTER);
        uint64_t alone = letters & ~(letters << 1 | before) & ~(letters >> 1 | following << 63);
        /* Most stand before a word, which rules them out. */
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
