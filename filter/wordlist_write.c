#include "wordlist.h"

#include <string.h>

/* Whether a backslash before this character would be taken for the mark of an ordinary one. */
static bool is_special(char character)
{
    return character == '#' || character == '!' || character == '*' || character == '\\';
}

/* Whether the character needs a backslash before it. What follows it is a special character as
 * well where that gets a backslash of its own. */
static bool needs_backslash(const struct wordlist_entry *entry, uint32_t at)
{
    char character = entry->text[at];
    bool first = at == 0, last = at + 1 == entry->length;

    switch (character) {
    case '#':
    case '!':
        return first && !entry->open_start && !entry->allowed;
    case '*':
        return first || last;
    case '\\':
        return last ? entry->open_end : is_special(entry->text[at + 1]);
    default:
        return false;
    }
}

size_t wordlist_write_entry(const struct wordlist_entry *entry, char *out)
{
    char *end = out;

    if (entry->allowed)
        *end++ = '!';
    if (entry->open_start)
        *end++ = '*';
    for (uint32_t i = 0; i < entry->length; i++) {
        if (needs_backslash(entry, i))
            *end++ = '\\';
        *end++ = entry->text[i];
    }
    if (entry->open_end)
        *end++ = '*';
    *end = '\0';
    return (size_t)(end - out);
}
