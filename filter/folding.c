#include "folding.h"

#include "character.h"
#include "disguises.h"
#include "dotted_i.h"
#include "error.h"
#include "look_alikes.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define RIGHT_SINGLE_QUOTE 0x2019
#define NOT_UTF8           0xff /* in no entry, so that nothing matches across it */
#define CACHE_SLOTS        4096

/* A character that stands for more than so many others stays as it is. */
#define MAX_COMPATIBLES 4
/* One character has at most so many in its decomposed and folded form. */
#define MAX_CHARACTERS 32
/* More than any folds to: 4 characters of 4 bytes. */
#define MAX_FOLDED_BYTES 19

/* Most texts have few different characters, and a character without marks always folds to the same,
 * so what it folds to is kept. */
struct folding_slot {
    uint32_t key; /* of the character and the level; 0 when the slot is empty */
    uint8_t length;
    uint8_t bytes[MAX_FOLDED_BYTES];
};

struct folding_cache {
    struct folding_slot slots[CACHE_SLOTS];
};

void folding_table(enum matcher_level level, uint8_t table[256])
{
    for (unsigned i = 0; i < 256; i++)
        table[i] = (uint8_t)(i >= 'A' && i <= 'Z' ? i | 0x20 : i);
    for (const char *space = "\t\n\v\f\r"; *space; space++)
        table[(uint8_t)*space] = ' ';
    for (unsigned i = 0; level == MATCHER_LOOSE && i < 0x80; i++)
        if (disguises[table[i]][0])
            table[i] = (uint8_t)disguises[table[i]][0];
}

/* ---- one character ---- */

/* Whether a mark only alters a letter, as accents do; not the vowel signs of Indic scripts and the
 * like, nor the voicing of kana. */
static bool is_diacritic(uint32_t character)
{
    if (character < 0x300 || !uc_is_general_category_withtable(character, UC_CATEGORY_MASK_M))
        return false;
    int class = uc_combining_class(character);
    return class == 1 || (class >= 10 && class <= 36) || class >= 200;
}

/* Removes diacritics from a string in place; returns the length that is left. It is done before
 * case folding, which makes a letter of the diacritic U+0345. */
static size_t drop_diacritics(uint32_t *string, size_t length)
{
    size_t kept = 0;

    for (size_t i = 0; i < length; i++)
        if (!is_diacritic(string[i]))
            string[kept++] = string[i];
    return kept;
}

/* The Latin letters that a letter looks like, or NULL. */
static const char *find_look_alike(uint32_t character)
{
    for (size_t low = 0, high = COUNT(look_alikes); low < high;) {
        size_t middle = (low + high) / 2;
        if (look_alikes[middle].from == character)
            return look_alikes[middle].to;
        if (look_alikes[middle].from < character)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Folds the case of a string in form D; the result is in form D too, cut where it does not fit.
 * Returns its length, or 0 when out of memory: no string folds to nothing. */
static size_t fold_case(const uint32_t *string, size_t length, uint32_t *folded, size_t capacity)
{
    size_t folded_length = capacity;
    uint32_t *result = u32_casefold(string, length, NULL, UNINORM_NFD, folded, &folded_length);

    if (!result)
        return 0;
    if (result != folded) {
        folded_length = folded_length < capacity ? folded_length : capacity;
        memcpy(folded, result, folded_length * sizeof *folded);
        free(result);
    }
    return folded_length;
}

/* Takes full-width forms and the like off letters and digits, and decomposes. A character that
 * would become many, or begin with a space, stays as it is. Returns the length of the result. */
static size_t make_plain(uint32_t character, uint32_t *plain, size_t capacity)
{
    size_t length = capacity;
    uninorm_t form = character_class(character) == CLASS_OTHER ? UNINORM_NFD : UNINORM_NFKD;
    uint32_t *result = u32_normalize(form, &character, 1, plain, &length);

    if (result == plain && length <= MAX_COMPATIBLES && plain[0] != ' ')
        return length;
    if (result != plain)
        free(result);
    plain[0] = character;
    return 1;
}

/* What a sign that is not ASCII is to MATCHER_LOOSE: an ASCII one, a letter, or 0 for itself. */
static uint8_t find_sign(uint32_t character)
{
    for (size_t i = 0; i < COUNT(sign_disguises); i++)
        if (sign_disguises[i].from == character)
            return sign_disguises[i].to;
    return character_plain_sign(character);
}

/* Writes a character of a folded string as it is compared, `before` being the one before it or 0.
 * Returns how many bytes it takes; capacity is enough for what is kept of a character. */
static size_t fold_part(enum matcher_level level, uint32_t part, uint32_t before, uint8_t *bytes,
                        size_t capacity)
{
    const char *latin;

    if (level == MATCHER_EXACT) {
        if (part == DOTLESS_I)
            part = 'i';
        else if ((part == COMBINING_DOT && before == 'i') || character_is_presentation(part))
            return 0;
    } else if (is_diacritic(part) || character_is_invisible(part)) {
        return 0;
    } else if ((latin = find_look_alike(part))) {
        size_t length = strlen(latin);
        memcpy(bytes, latin, length);
        return length;
    }
    uint8_t sign = level == MATCHER_LOOSE ? find_sign(part) : 0;
    if (sign)
        part = sign;
    else if (part == RIGHT_SINGLE_QUOTE)
        part = '\'';
    else if (uc_is_property_white_space(part))
        part = ' ';
    int size = u8_uctomb(bytes, part, (ptrdiff_t)capacity);
    return size > 0 ? (size_t)size : 0;
}

/* Folds one character that is not ASCII. */
static int fold_character(enum matcher_level level, uint32_t character, struct folding_slot *slot)
{
    uint32_t plain[MAX_CHARACTERS], folded[MAX_CHARACTERS];
    size_t plain_length = MAX_CHARACTERS, length = 0;

    if (level != MATCHER_EXACT)
        plain_length = drop_diacritics(plain, make_plain(character, plain, MAX_CHARACTERS));
    else if (!u32_normalize(UNINORM_NFD, &character, 1, plain, &plain_length))
        return -ERR_MEMORY;
    slot->length = 0;
    if (plain_length == 0)
        return 0;
    size_t folded_length = fold_case(plain, plain_length, folded, MAX_CHARACTERS);
    if (folded_length == 0)
        return -ERR_MEMORY;
    for (size_t i = 0; i < folded_length; i++)
        length += fold_part(level, folded[i], i > 0 ? folded[i - 1] : 0, slot->bytes + length,
                            MAX_FOLDED_BYTES - length);
    slot->length = (uint8_t)length;
    return 0;
}

/* Finds what a character folds to, or folds it. */
static int find_slot(struct folded *folded, enum matcher_level level, uint32_t character,
                     const struct folding_slot **found)
{
    uint32_t key = character << 2 | ((uint32_t)level + 1);
    struct folding_slot *slot = &folded->cache->slots[character % CACHE_SLOTS];

    if (slot->key != key) {
        slot->key = 0;
        int error = fold_character(level, character, slot);
        if (error)
            return error;
        slot->key = key;
    }
    *found = slot;
    return 0;
}

/* ---- a text ---- */

void folding_init(struct folded *folded)
{
    *folded = (struct folded){0};
}

void folding_clear(struct folded *folded)
{
    free(folded->bytes);
    free(folded->offsets);
    free(folded->cache);
    folding_init(folded);
}

static int reserve(struct folded *folded, size_t more)
{
    size_t needed = folded->length + more;

    if (!folded->cache && !(folded->cache = calloc(1, sizeof *folded->cache)))
        return -ERR_MEMORY;
    if (needed <= folded->capacity)
        return 0;
    size_t capacity = needed > 2 * folded->capacity ? needed : 2 * folded->capacity;
    uint8_t *bytes = realloc(folded->bytes, capacity);
    if (!bytes)
        return -ERR_MEMORY;
    folded->bytes = bytes;
    uint32_t *offsets = realloc(folded->offsets, capacity * sizeof *offsets);
    if (!offsets)
        return -ERR_MEMORY;
    folded->offsets = offsets;
    folded->capacity = capacity;
    return 0;
}

/* Appends what was folded from the character at an offset of the text. A space after a space is
 * left out: then the offset of that one is returned, else the given one. */
static size_t append(struct folded *folded, const uint8_t *bytes, size_t length, size_t offset)
{
    if (length == 1 && bytes[0] == ' ' && folded->length > 0 &&
        folded->bytes[folded->length - 1] == ' ')
        return folded->offsets[folded->length - 1];
    for (size_t i = 0; i < length; i++) {
        folded->bytes[folded->length] = bytes[i];
        folded->offsets[folded->length++] = (uint32_t)offset;
    }
    return offset;
}

/* The case folding, in form D, of a character together with its marks, for the caller to free.
 * Marks have to be in their canonical order, before the case folding too: U+0345 asks for that.
 * NULL when out of memory. */
static uint32_t *fold_string(enum matcher_level level, const uint8_t *text, size_t length,
                             size_t *folded_length)
{
    size_t string_length, plain_length;
    uint32_t *string = u8_to_u32(text, length, NULL, &string_length), *plain = NULL, *folded = NULL;

    if (string)
        plain = u32_normalize(UNINORM_NFD, string, string_length, NULL, &plain_length);
    if (plain) {
        if (level != MATCHER_EXACT)
            plain_length = drop_diacritics(plain, plain_length);
        folded = u32_casefold(plain, plain_length, NULL, UNINORM_NFD, NULL, folded_length);
    }
    free(plain);
    free(string);
    return folded;
}

static int append_marked(enum matcher_level level, const uint8_t *text, size_t length,
                         size_t offset, struct folded *folded)
{
    size_t count;
    uint32_t *string = fold_string(level, text, length, &count);
    int error = string ? reserve(folded, count * MAX_FOLDED_BYTES + 1) : -ERR_MEMORY;

    for (size_t i = 0; !error && i < count; i++) {
        const struct folding_slot *slot;
        /* The dot of an i: the slots, which know a character alone, cannot tell. */
        if (level == MATCHER_EXACT && string[i] == COMBINING_DOT && i > 0 && string[i - 1] == 'i')
            continue;
        /* The marks of a space that is left out belong to the space before: no match begins with
         * a mark. So they take the offset of that one. */
        if (string[i] < 0x80)
            offset = append(folded, &(uint8_t){(uint8_t)string[i]}, 1, offset);
        else if (!(error = find_slot(folded, level, string[i], &slot)))
            offset = append(folded, slot->bytes, slot->length, offset);
    }
    free(string);
    return error;
}

static int append_unmarked(enum matcher_level level, const uint8_t table[256], uint32_t character,
                           size_t offset, struct folded *folded)
{
    const struct folding_slot *slot;

    if (character < 0x80) {
        append(folded, &table[character], 1, offset);
        return 0;
    }
    if (character == NOT_A_CHARACTER) {
        append(folded, &(uint8_t){NOT_UTF8}, 1, offset);
        return 0;
    }
    int error = find_slot(folded, level, character, &slot);
    if (!error)
        append(folded, slot->bytes, slot->length, offset);
    return error;
}

/* How many bytes at the beginning of a text continue the character before it. Where the level does
 * not see invisible characters these are counted in, but they do not make it a marked one. */
static size_t measure_marks(enum matcher_level level, const uint8_t *text, size_t length,
                            bool *is_marked)
{
    size_t at = 0;

    *is_marked = false;
    while (at < length && text[at] >= 0x80) {
        uint32_t character;
        size_t size = character_read(text + at, length - at, &character);
        bool continues = character_continues(character);
        if (!continues && (level == MATCHER_EXACT || !character_is_invisible(character)))
            break;
        *is_marked |= continues;
        at += size;
    }
    return at;
}

int folding_fold(enum matcher_level level, const uint8_t *text, size_t length,
                 struct folded *folded)
{
    uint8_t table[256];
    int error = 0;

    folding_table(MATCHER_EXACT, table);
    folded->length = 0;
    for (size_t at = 0; at < length && !error;) {
        uint32_t character;
        bool is_marked;
        size_t size = character_read(text + at, length - at, &character);
        size += measure_marks(level, text + at + size, length - at - size, &is_marked);
        error = reserve(folded, MAX_FOLDED_BYTES + 1);
        if (error)
            break;
        error = is_marked && character != NOT_A_CHARACTER
                    ? append_marked(level, text + at, size, at, folded)
                    : append_unmarked(level, table, character, at, folded);
        at += size;
    }
    if (!error)
        error = reserve(folded, 1);
    if (!error)
        folded->offsets[folded->length] = (uint32_t)length;
    return error;
}
