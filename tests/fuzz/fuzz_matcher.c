/* Fuzzes the matcher, against a rule that tries every entry on every stretch of the
 * text. The input is a list, a byte FF, which no UTF-8 text has, and the text. */
#include "filter/matcher.h"

#include "filter/character.h"
#include "filter/wordlist.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <unigbrk.h>
#include <uninorm.h>
#include <unistr.h>

/* The rule tries all pairs of places. */
#define MAX_TEXT 160

/* Folds text as the rule compares it: by canonical caseless matching, with one space for a run of
 * white space. NULL when it is not valid UTF-8. */
static uint8_t *fold(const uint8_t *text, size_t length, size_t *folded_length)
{
    uint8_t *tidy = malloc(length + 1), *folded = NULL;
    size_t kept = 0;

    if (u8_check(text, length) == NULL) {
        for (size_t at = 0; at < length;) {
            ucs4_t character;
            int size = u8_mbtouc(&character, text + at, length - at);
            if (uc_is_property_white_space(character)) {
                if (kept == 0 || tidy[kept - 1] != ' ')
                    tidy[kept++] = ' ';
            } else if (character_is_presentation(character)) {
                /* dropped */
            } else if (character == 0x2019) {
                tidy[kept++] = '\'';
            } else {
                memcpy(tidy + kept, text + at, (size_t)size);
                kept += (size_t)size;
            }
            at += (size_t)size;
        }
        size_t decomposed_length;
        uint8_t *decomposed = u8_normalize(UNINORM_NFD, tidy, kept, NULL, &decomposed_length);
        folded = u8_casefold(decomposed, decomposed_length, NULL, UNINORM_NFD, NULL, folded_length);
        free(decomposed);
    }
    free(tidy);
    return folded;
}

/* Whether a text has an i without its dot or with a combining one, whose capital letters are read
 * in more than one way: the rule does not know of that. */
static bool has_dots(const uint8_t *text, size_t length)
{
    return memmem(text, length, "\u0130", 2) || memmem(text, length, "\u0131", 2) ||
           memmem(text, length, "\u0307", 2);
}

static bool is_end(const uint8_t *text, size_t length, size_t at)
{
    uint32_t character;

    if (at == 0 || at == length)
        return true;
    character_read(text + at, length - at, &character);
    return !character_continues(character);
}

/* The class of the character that ends here, as its neighbours see it. */
static enum word_class class_at_end(const uint8_t *text, size_t end)
{
    enum word_class class = CLASS_OTHER;

    for (size_t at = 0; at < end;) {
        uint32_t character;
        at += character_read(text + at, end - at, &character);
        if (!character_continues(character) || class == CLASS_OTHER)
            class = character_class(character);
    }
    return class;
}

static bool stands_alone(uint32_t character)
{
    return character_class(character) == CLASS_UNSPACED || character_is_picture(character);
}

/* The length of an entry's longest match from a place, 0 for none. */
static size_t match_length(const struct wordlist_entry *entry, const uint8_t *text, size_t length,
                           size_t start)
{
    const uint8_t *entry_text = (const uint8_t *)entry->text;
    uint32_t first, last = 0, next;
    size_t entry_length, longest = 0;
    uint8_t *wanted = fold(entry_text, entry->length, &entry_length);

    character_read(entry_text, entry->length, &first);
    for (size_t at = 0; at < entry->length;) {
        uint32_t character;
        at += character_read(entry_text + at, entry->length - at, &character);
        if (!character_continues(character) && !character_is_invisible(character))
            last = character;
    }
    bool open_start = !character_continues(first) && (entry->open_start || stands_alone(first));
    bool open_end = entry->open_end || stands_alone(last) || character_class(last) == CLASS_HANGUL;
    enum word_class before = class_at_end(text, start);
    if (open_start || before == CLASS_OTHER || before == CLASS_UNSPACED) {
        for (size_t end = start + 1; end <= length; end++) {
            if (end < length && !open_end) {
                character_read(text + end, length - end, &next);
                if (character_class(next) == CLASS_WORD)
                    continue;
            }
            if (!is_end(text, length, end))
                continue;
            size_t folded_length;
            uint8_t *folded = fold(text + start, end - start, &folded_length);
            if (folded && folded_length == entry_length &&
                memcmp(folded, wanted, entry_length) == 0)
                longest = end - start;
            free(folded);
            /* More text only folds to more. */
            if (folded && folded_length > entry_length)
                break;
        }
    }
    free(wanted);
    return longest;
}

/* Widens a match to whole characters as a person counts them. Returns false for one that begins
 * with the second half of a flag. */
static bool widen(const uint8_t *text, size_t length, size_t *start, size_t *end)
{
    char breaks[MAX_TEXT];
    uint32_t first, before;

    u8_grapheme_breaks(text, length, breaks);
    while (*end < length && !breaks[*end])
        ++*end;
    if (!breaks[*start] && *start >= 4) {
        character_read(text + *start, length - *start, &first);
        character_read(text + *start - 4, 4, &before);
        if (first >= 0x1f1e6 && first <= 0x1f1ff && before >= 0x1f1e6 && before <= 0x1f1ff)
            return false;
    }
    while (!breaks[*start])
        --*start;
    return true;
}

/* Claims that the matcher found what the rule finds. */
static void check_exact(const struct wordlist *list, const uint8_t *text, size_t length,
                        const struct matcher_spans *spans)
{
    size_t found = 0, taken_until = 0, allowed_until = 0;

    for (size_t start = 0; start < length; start++) {
        size_t longest = 0;
        uint32_t character;
        /* A byte inside a character begins none. */
        size_t place = 0;
        while (place < start)
            place += character_read(text + place, length - place, &character);
        if (place != start || !is_end(text, length, start))
            continue;
        for (size_t i = 0; i < list->count; i++) {
            size_t matched = match_length(&list->entries[i], text, length, start);
            if (list->entries[i].allowed && matched > 0 && start + matched > allowed_until)
                allowed_until = start + matched;
            else if (!list->entries[i].allowed && matched > longest)
                longest = matched;
        }
        if (longest == 0 || start < taken_until || start + longest <= allowed_until)
            continue;
        size_t from = start, end = start + longest;
        if (!widen(text, length, &from, &end))
            continue;
        CLAIM(found < spans->count);
        CLAIM(spans->items[found].start == from);
        CLAIM(spans->items[found].length == end - from);
        taken_until = end;
        found++;
    }
    CLAIM(found == spans->count);
}

static void check_order(const struct matcher_spans *spans, size_t length, size_t entries)
{
    size_t taken_until = 0;

    for (size_t i = 0; i < spans->count; i++) {
        CLAIM(spans->items[i].start >= taken_until);
        CLAIM(spans->items[i].length > 0);
        CLAIM(spans->items[i].entry < entries);
        taken_until = spans->items[i].start + spans->items[i].length;
    }
    CLAIM(taken_until <= length);
}

static bool suits_rule(const struct wordlist *list, const uint8_t *text, size_t length)
{
    bool suits = length <= MAX_TEXT && list->count <= 16 && !has_dots(text, length);

    for (size_t i = 0; suits && i < list->count; i++)
        suits = !has_dots((const uint8_t *)list->entries[i].text, list->entries[i].length);
    return suits;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct matcher_spans spans;
    const uint8_t *end = memchr(data, 0xff, size);
    size_t list_length = end ? (size_t)(end - data) : size;
    struct wordlist list;

    wordlist_init(&list);
    if (wordlist_add(&list, "words", (const char *)data, list_length, NULL) == 0 && end) {
        const uint8_t *text = end + 1;
        size_t length = size - list_length - 1;
        for (unsigned level = MATCHER_EXACT; level <= MATCHER_LOOSE; level++) {
            struct matcher *matcher;
            CLAIM(matcher_open(&list, (enum matcher_level)level, &matcher) == 0);
            CLAIM(matcher_find(matcher, (const char *)text, length, &spans) == 0);
            check_order(&spans, length, list.count);
            if (level == MATCHER_EXACT && suits_rule(&list, text, length))
                check_exact(&list, text, length, &spans);
            matcher_close(matcher);
        }
    }
    wordlist_clear(&list);
    return 0;
}
