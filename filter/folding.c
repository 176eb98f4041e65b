#include "folding.h"

#include "error.h"
#include "folding_tables.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define COMBINING_DOT      0x307
#define CAPITAL_I_WITH_DOT 0x130
#define DOTLESS_I          0x131
#define RIGHT_SINGLE_QUOTE 0x2019
#define NOT_UTF8           0xff /* stands for a byte that is not; in no entry */
#define CACHE_SLOTS        4096
#define MAX_UNDRESSED      4
#define MAX_CHARACTERS     32 /* of a folded character */
#define MAX_FOLDED_BYTES   19 /* of it too: at most 4 of at most 4 bytes */

/* Characters fold by themselves, and most texts have few different ones. */
struct folding_slot {
    uint32_t key; /* the character and the level, or 0 */
    uint8_t length;
    uint8_t bytes[MAX_FOLDED_BYTES];
};

struct folding_cache {
    struct folding_slot slots[CACHE_SLOTS];
};

static bool in_ranges(uint32_t character, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (character >= ranges[i].first && character <= ranges[i].last)
            return true;
    return false;
}

bool folding_is_invisible(uint32_t character)
{
    return character >= 0xad && in_ranges(character, invisibles, COUNT(invisibles));
}

bool folding_is_picture(uint32_t character)
{
    return character >= 0x80 && character != NOT_A_CHARACTER &&
           (uc_is_general_category_withtable(character, UC_CATEGORY_MASK_So) ||
            uc_is_property(character, UC_PROPERTY_EXTENDED_PICTOGRAPHIC));
}

bool folding_continues(uint32_t character)
{
    if (character < 0x300 || character == NOT_A_CHARACTER)
        return false;
    return uc_is_general_category_withtable(character, UC_CATEGORY_MASK_M) ||
           in_ranges(character, continuing, COUNT(continuing));
}

static bool is_unspaced(uint32_t character)
{
    static const char *const scripts[] = {"Han",    "Hiragana",    "Katakana", "Bopomofo",
                                          "Thai",   "Lao",         "Khmer",    "Myanmar",
                                          "Tai_Le", "New_Tai_Lue", "Tai_Tham", "Tai_Viet"};

    if (character < 0xe00)
        return false;
    if (in_ranges(character, unspaced_commons, COUNT(unspaced_commons)))
        return true;
    const uc_script_t *script = uc_script(character);
    for (size_t i = 0; script && i < sizeof scripts / sizeof *scripts; i++)
        if (strcmp(script->name, scripts[i]) == 0)
            return true;
    return false;
}

static bool is_hangul(uint32_t character)
{
    if (character < 0x1100)
        return false;
    const uc_script_t *script = uc_script(character);
    return script && strcmp(script->name, "Hangul") == 0;
}

enum word_class folding_class(uint32_t character)
{
    if (character < 0x80)
        return (character >= '0' && character <= '9') || (character >= 'A' && character <= 'Z') ||
                       (character >= 'a' && character <= 'z') || character == '_'
                   ? CLASS_WORD
                   : CLASS_OTHER;
    if (character == NOT_A_CHARACTER ||
        !uc_is_general_category_withtable(character, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M |
                                                         UC_CATEGORY_MASK_N))
        return CLASS_OTHER;
    return is_unspaced(character) ? CLASS_UNSPACED
           : is_hangul(character) ? CLASS_HANGUL
                                  : CLASS_WORD;
}

size_t folding_read(const uint8_t *text, size_t length, uint32_t *character)
{
    if (text[0] < 0x80) {
        *character = text[0];
        return 1;
    }
    int size = u8_mbtoucr(character, text, length);
    if (size >= 1)
        return (size_t)size;
    *character = NOT_A_CHARACTER;
    return 1;
}

void folding_bytes(enum matcher_level level, uint8_t table[256])
{
    static const char signs[] = "0o1il"
                                "i3e4a5s7t@a$s!i"; /* pairs: a byte and what it is compared as */

    for (unsigned i = 0; i < 256; i++)
        table[i] = (uint8_t)(i >= 'A' && i <= 'Z' ? i | 0x20 : i);
    for (const char *space = "\t\n\v\f\r"; *space; space++)
        table[(uint8_t)*space] = ' ';
    if (level != MATCHER_LOOSE)
        return;
    for (size_t i = 0; signs[i]; i += 2)
        table[(uint8_t)signs[i]] = (uint8_t)signs[i + 1];
    table['L'] = 'i';
}

/* Marks that only alter a letter, as accents do; not the vowel signs of Indic scripts and the like, nor the
 * voicing of kana. */
static bool is_diacritic(uint32_t character)
{
    if (character < 0x300 || !uc_is_general_category_withtable(character, UC_CATEGORY_MASK_M))
        return false;
    int class = uc_combining_class(character);
    return class == 1 || (class >= 10 && class <= 36) || class >= 200;
}

/* Removes them from a string in place; returns what is left. Before case folding, which makes U+0345 a letter. */
static size_t drop_diacritics(uint32_t *string, size_t length)
{
    size_t kept = 0;

    for (size_t i = 0; i < length; i++)
        if (!is_diacritic(string[i]))
            string[kept++] = string[i];
    return kept;
}

/* What a letter looks like, or NULL. */
static const char *look_alike(uint32_t character)
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

/* Normalisation form D of the case folding of a string in form D, in place where it fits.
 *
 * Returns the length, or 0 when out of memory (no string folds to nothing). */
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

/* Full-width forms and other dress of letters and digits: only what stands for a few of them. */
static size_t undress(uint32_t character, uint32_t *plain, size_t capacity)
{
    size_t length = capacity;
    enum word_class class = folding_class(character);
    uint32_t *result = u32_normalize(class == CLASS_OTHER ? UNINORM_NFD : UNINORM_NFKD, &character,
                                     1, plain, &length);

    if (result == plain && length <= MAX_UNDRESSED && plain[0] != ' ')
        return length;
    if (result != plain)
        free(result);
    plain[0] = character;
    return 1;
}

/* A character of a folded string as it is compared. */
static size_t fold_part(enum matcher_level level, uint32_t part, uint32_t before, uint8_t *bytes,
                        size_t capacity)
{
    const char *latin;

    if (level == MATCHER_EXACT) {
        if (part == DOTLESS_I)
            part = 'i';
        else if (part == COMBINING_DOT && before == 'i')
            return 0;
    } else if (is_diacritic(part) || folding_is_invisible(part)) {
        return 0;
    } else if ((latin = look_alike(part))) {
        size_t length = strlen(latin);
        memcpy(bytes, latin, length);
        return length;
    }
    if (part == RIGHT_SINGLE_QUOTE)
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
        plain_length = undress(character, plain, MAX_CHARACTERS);
    else if (!u32_normalize(UNINORM_NFD, &character, 1, plain, &plain_length))
        return -ERR_MEMORY;
    if (level != MATCHER_EXACT)
        plain_length = drop_diacritics(plain, plain_length);
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

static int look_up(struct folded *folded, enum matcher_level level, uint32_t character,
                   const struct folding_slot **found)
{
    uint32_t key = character << 2 | (level == MATCHER_EXACT ? 1 : 2);
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

void folded_init(struct folded *folded)
{
    *folded = (struct folded){0};
}

void folded_clear(struct folded *folded)
{
    free(folded->bytes);
    free(folded->offsets);
    free(folded->cache);
    folded_init(folded);
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

/* Returns where what was appended stands in the text. White space stands as one space however long it is. */
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

/* Folds a character and its marks together, because marks are to be in their canonical order, and before
 * the folding too (only U+0345 asks for that). */
static int fold_marked(enum matcher_level level, const uint8_t *text, size_t length, size_t offset,
                       struct folded *folded)
{
    size_t string_length, plain_length;
    uint32_t *string = u8_to_u32(text, length, NULL, &string_length), *plain = NULL;
    int error = -ERR_MEMORY;

    if (string)
        plain = u32_normalize(UNINORM_NFD, string, string_length, NULL, &plain_length);
    if (plain) {
        if (level != MATCHER_EXACT)
            plain_length = drop_diacritics(plain, plain_length);
        uint32_t *cased =
            u32_casefold(plain, plain_length, NULL, UNINORM_NFD, NULL, &string_length);
        free(string);
        string = cased;
    }
    if (plain && string) {
        error = reserve(folded, string_length * MAX_FOLDED_BYTES + 1);
        for (size_t i = 0; !error && i < string_length; i++) {
            /* A character is looked up alone, so the dot of an i has to be seen here. */
            if (level == MATCHER_EXACT && string[i] == COMBINING_DOT && i > 0 &&
                string[i - 1] == 'i')
                continue;
            const struct folding_slot *slot;
            /* The marks of a space go with it, into the space before: none begins a character. */
            if (string[i] < 0x80)
                offset = append(folded, &(uint8_t){(uint8_t)string[i]}, 1, offset);
            else if (!(error = look_up(folded, level, string[i], &slot)))
                offset = append(folded, slot->bytes, slot->length, offset);
        }
    }
    free(plain);
    free(string);
    return error;
}

int fold_text(enum matcher_level level, const uint8_t *text, size_t length, struct folded *folded)
{
    uint8_t table[256];
    int error = 0;

    if (level != MATCHER_EXACT)
        level = MATCHER_FOLDED;
    folding_bytes(level, table);
    folded->length = 0;
    for (size_t at = 0; at < length && !error;) {
        uint32_t character, next = 0;
        size_t size = folding_read(text + at, length - at, &character), whole = size;
        const struct folding_slot *slot;

        /* All that continues the character; it is of valid UTF-8, so only the first may not be. */
        bool marked = false;
        while (at + whole < length && text[at + whole] >= 0x80) {
            size_t more = folding_read(text + at + whole, length - at - whole, &next);
            bool continues = folding_continues(next);
            if (!continues && !(level != MATCHER_EXACT && folding_is_invisible(next)))
                break;
            marked |= continues;
            whole += more;
        }
        error = reserve(folded, MAX_FOLDED_BYTES + 1);
        if (error)
            break;
        if (marked && character != NOT_A_CHARACTER) {
            error = fold_marked(level, text + at, whole, at, folded);
        } else if (character < 0x80 || character == NOT_A_CHARACTER) {
            append(folded, character < 0x80 ? &table[character] : &(uint8_t){NOT_UTF8}, 1, at);
        } else if (!(error = look_up(folded, level, character, &slot))) {
            append(folded, slot->bytes, slot->length, at);
        }
        at += whole;
    }
    if (!error)
        error = reserve(folded, 1);
    if (!error)
        folded->offsets[folded->length] = (uint32_t)length;
    return error;
}

unsigned folding_next_dots(const uint8_t *text, size_t length, size_t *at)
{
    while (*at < length) {
        uint32_t character, next = 0, parts[UC_DECOMPOSITION_MAX_LENGTH];
        size_t size = folding_read(text + *at, length - *at, &character);
        *at += size;
        if (character == NOT_A_CHARACTER)
            continue;
        if (character == CAPITAL_I_WITH_DOT)
            return DOTS_COMBINED | DOTS_PLAIN;
        if (character == DOTLESS_I)
            return DOTS_NONE;
        if (character >= 0x80 && character != 0xfb01 && character != 0xfb03) {
            /* An i with another mark, composed. */
            uint32_t first = character;
            int count;
            while ((count = uc_canonical_decomposition(first, parts)) > 0 && parts[0] != first)
                first = parts[0];
            if (first == character || (first != 'i' && first != 'I'))
                continue;
            character = first;
        } else if (character >= 0x80) {
            return DOTS_PLAIN; /* the ligatures fi and ffi */
        }
        if (character != 'i' && character != 'I')
            continue;
        if (*at < length)
            folding_read(text + *at, length - *at, &next);
        if (next == COMBINING_DOT)
            return character == 'I' ? DOTS_COMBINED | DOTS_PLAIN : DOTS_COMBINED;
        return character == 'I' ? DOTS_NONE | DOTS_PLAIN : DOTS_PLAIN;
    }
    return 0;
}
