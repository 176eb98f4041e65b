#include "wordlist.h"

#include "error.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#define BYTE_ORDER_MARK 0xfeff

/* Where in which file we are. */
struct place {
    const char *name;
    size_t line;
};

struct span {
    const uint8_t *bytes;
    size_t length;
};

void wordlist_init(struct wordlist *list)
{
    *list = (struct wordlist){0};
}

/* Forgets the entries from this index on; the hash table is then out of date. */
static void cut(struct wordlist *list, size_t count)
{
    while (list->count > count)
        free(list->entries[--list->count].text);
}

void wordlist_clear(struct wordlist *list)
{
    cut(list, 0);
    free(list->entries);
    free(list->slots);
    wordlist_init(list);
}

/* The slot of this text, or the free one where it belongs. */
static uint32_t *find_slot(const struct wordlist *list, const char *text, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    for (size_t i = hash ^ hash >> 32;; i++) {
        uint32_t *slot = &list->slots[i & (list->slot_count - 1)];
        if (*slot == 0)
            return slot;
        const struct wordlist_entry *entry = &list->entries[*slot - 1];
        if (entry->length == length && memcmp(entry->text, text, length) == 0)
            return slot;
    }
}

static void fill_slots(struct wordlist *list)
{
    if (list->slot_count > 0)
        memset(list->slots, 0, list->slot_count * sizeof *list->slots);
    for (size_t i = 0; i < list->count; i++)
        *find_slot(list, list->entries[i].text, list->entries[i].length) = (uint32_t)i + 1;
}

/* Makes room for one more entry. */
static int grow(struct wordlist *list)
{
    if (list->count < list->capacity)
        return 0;

    size_t capacity = list->capacity ? 2 * list->capacity : 64;
    if (capacity > UINT32_MAX / 2)
        return -ERR_MEMORY;
    struct wordlist_entry *entries = realloc(list->entries, capacity * sizeof *entries);
    if (!entries)
        return -ERR_MEMORY;
    list->entries = entries;

    uint32_t *slots = realloc(list->slots, 2 * capacity * sizeof *slots);
    if (!slots)
        return -ERR_MEMORY;
    list->slots = slots;
    list->slot_count = 2 * capacity;
    list->capacity = capacity;
    fill_slots(list);
    return 0;
}

static bool is_control(ucs4_t character)
{
    /* Not uc_is_cntrl, which counts the line and paragraph separators in. */
    return uc_is_general_category_withtable(character, UC_CATEGORY_MASK_Cc);
}

/* Control characters are no white space here, whatever Unicode says, but for the tab: a form feed
 * or a lone carriage return between two words is a damaged file. */
static bool is_blank(ucs4_t character)
{
    return character == '\t' || (uc_is_property_white_space(character) && !is_control(character));
}

static struct span trim(struct span line)
{
    ucs4_t character;

    if (line.length > 0 && line.bytes[line.length - 1] == '\r')
        line.length--;
    while (line.length > 0) {
        int size = u8_mbtouc(&character, line.bytes, line.length);
        if (!is_blank(character))
            break;
        line.bytes += size;
        line.length -= (size_t)size;
    }
    while (line.length > 0) {
        const uint8_t *last = u8_prev(&character, line.bytes + line.length, line.bytes);
        if (!last || !is_blank(character))
            break;
        line.length = (size_t)(last - line.bytes);
    }
    return line;
}

/* Checks a trimmed entry and copies it to clean (of WORDLIST_ENTRY_MAX_BYTES) with its runs of
 * white space made one space. */
static int tidy(struct span raw, struct place place, uint8_t *clean, size_t *clean_length,
                struct why *why)
{
    size_t length = 0;
    bool gap = false, has_letter = false;

    if (raw.length > WORDLIST_ENTRY_MAX_BYTES)
        return error_set(why, ERR_CONFIG, "%s:%zu: an entry of %zu bytes; expected at most %d",
                         place.name, place.line, raw.length, WORDLIST_ENTRY_MAX_BYTES);
    for (size_t i = 0; i < raw.length;) {
        ucs4_t character;
        size_t size = (size_t)u8_mbtouc(&character, raw.bytes + i, raw.length - i);
        if (is_blank(character)) {
            gap = true;
        } else if (is_control(character) || character == BYTE_ORDER_MARK) {
            return error_set(why, ERR_CONFIG,
                             "%s:%zu: control character U+%04X; expected one word or phrase a line",
                             place.name, place.line, (unsigned)character);
        } else {
            if (gap)
                clean[length++] = ' ';
            gap = false;
            memcpy(clean + length, raw.bytes + i, size);
            length += size;
            has_letter |= uc_is_general_category_withtable(character,
                                                           UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N);
        }
        i += size;
    }
    if (!has_letter)
        return error_set(
            why, ERR_CONFIG,
            "%s:%zu: an entry without a letter or digit; expected a word or phrase, or # "
            "before a comment",
            place.name, place.line);
    *clean_length = length;
    return 0;
}

/* Folded text for an entry, on the heap and NUL-terminated. */
static int fold(const uint8_t *clean, size_t clean_length, char **text, size_t *length)
{
    size_t folded_length;
    uint8_t *folded = u8_casefold(clean, clean_length, NULL, UNINORM_NFC, NULL, &folded_length);
    if (!folded)
        return -ERR_MEMORY;

    uint8_t *shorter = realloc(folded, folded_length + 1);
    if (!shorter) {
        free(folded);
        return -ERR_MEMORY;
    }
    size_t kept = 0;
    for (size_t i = 0; i < folded_length; i++) {
        if (i + 3 <= folded_length && memcmp(shorter + i, "\u2019", 3) == 0) {
            shorter[kept++] = '\'';
            i += 2;
        } else {
            shorter[kept++] = shorter[i];
        }
    }
    shorter[kept] = '\0';
    *text = (char *)shorter;
    *length = kept;
    return 0;
}

static int add_line(struct wordlist *list, struct place place, struct span line, struct why *why)
{
    uint8_t clean[WORDLIST_ENTRY_MAX_BYTES];
    size_t clean_length = 0, length;
    char *text;

    const uint8_t *bad = u8_check(line.bytes, line.length);
    if (bad)
        return error_set(why, ERR_CONFIG,
                         "%s:%zu: byte %td is not valid UTF-8; expected UTF-8 text", place.name,
                         place.line, bad - line.bytes + 1);
    line = trim(line);
    if (line.length == 0 || line.bytes[0] == '#')
        return 0;
    int error = tidy(line, place, clean, &clean_length, why);
    if (error)
        return error;
    if (grow(list) != 0 || fold(clean, clean_length, &text, &length) != 0)
        return error_set(why, ERR_MEMORY, "%s:%zu: out of memory", place.name, place.line);

    uint32_t *slot = find_slot(list, text, length);
    if (*slot) {
        free(text);
        return 0;
    }
    list->entries[list->count++] = (struct wordlist_entry){.text = text, .length = length};
    *slot = (uint32_t)list->count;
    return 0;
}

int wordlist_add(struct wordlist *list, const char *name, const char *bytes, size_t length,
                 struct why *why)
{
    size_t count_before = list->count;
    struct span rest = {.bytes = (const uint8_t *)bytes, .length = length};
    struct place place = {.name = name, .line = 1};

    if (rest.length >= 3 && memcmp(rest.bytes, "\ufeff", 3) == 0) {
        rest.bytes += 3;
        rest.length -= 3;
    }
    for (; rest.length > 0; place.line++) {
        const uint8_t *end = memchr(rest.bytes, '\n', rest.length);
        struct span line = {
            .bytes = rest.bytes,
            .length = end ? (size_t)(end - rest.bytes) : rest.length,
        };
        int error = add_line(list, place, line, why);
        if (error) {
            cut(list, count_before);
            fill_slots(list);
            return error;
        }
        size_t taken = line.length + (end ? 1 : 0);
        rest.bytes += taken;
        rest.length -= taken;
    }
    return 0;
}
