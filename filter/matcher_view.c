#include "matcher_view.h"

#include "matcher_kinds.h"

#include <string.h>

/* Whether an ASCII character is of a word. */
static bool is_word_here(const struct view *view, uint8_t byte)
{
    return is_word_byte(byte) && !(view->is_loose && byte == '_');
}

static enum word_class class_here(const struct view *view, uint32_t character)
{
    return view->is_loose && character == '_' ? CLASS_OTHER : character_class(character);
}

/* Catalan writes l·l (punt volat) where the dot is as much of the word as its letters. Everywhere
 * else a middle dot parts words. */
static bool is_flying_dot(const struct view *view, size_t at)
{
    const uint8_t *text = view->text + at;

    return at > 0 && view->text_length - at > 2 && text[0] == 0xc2 && text[1] == 0xb7 &&
           (text[-1] | 0x20) == 'l' && (text[2] | 0x20) == 'l';
}

enum word_class matcher_view_class_before(const struct view *view, size_t at)
{
    if (view->is_spelled)
        return CLASS_OTHER;
    if (!view->offsets)
        return at > 0 && is_word_here(view, view->bytes[at - 1]) ? CLASS_WORD : CLASS_OTHER;

    /* A mark takes the class of its letter. One that has no letter is part of a word by itself. */
    enum word_class class = CLASS_OTHER;
    size_t end = view->offsets[at];
    if (at > 0 && is_flying_dot(view, view->offsets[at - 1]))
        return CLASS_WORD;
    for (size_t from = at > 0 ? view->offsets[at - 1] : 0; from < end && class == CLASS_OTHER;) {
        uint32_t character;
        from += character_read(view->text + from, end - from, &character);
        class = class_here(view, character);
    }
    return class;
}

enum word_class matcher_view_class_after(const struct view *view, size_t at)
{
    uint32_t character;

    if (at == view->length || view->is_spelled)
        return CLASS_OTHER;
    if (!view->offsets)
        return is_word_here(view, view->bytes[at]) ? CLASS_WORD : CLASS_OTHER;
    if (is_flying_dot(view, view->offsets[at]))
        return CLASS_WORD;
    character_read(view->text + view->offsets[at], view->text_length - view->offsets[at],
                   &character);
    return class_here(view, character);
}

size_t matcher_view_skip_repeated(const struct view *view, size_t at)
{
    const uint8_t *bytes = view->bytes;
    size_t first = at - 1;

    if (at < view->length && (bytes[at] & 0xc0) == 0x80)
        return at; /* in the middle of the character */
    while (first > 0 && (bytes[first] & 0xc0) == 0x80)
        first--;
    size_t size = at - first;
    while (at + size <= view->length && memcmp(bytes + at, bytes + first, size) == 0)
        at += size;
    return at;
}
