#include "character.h"

#include "unicode_ranges.h"

#include <string.h>
#include <unictype.h>
#include <unistr.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* What Unicode's properties do not say as it is needed here. unicode_ranges.h has more.
 * Source: Unicode 14: ScriptExtensions, HangulSyllableType. */

/* What continues a character beside combining marks: vowels and finals of Hangul, half-width
 * voicing marks. */
static const struct range continuing[] = {
    {0x1160, 0x11ff},
    {0xd7b0, 0xd7c6},
    {0xd7cb, 0xd7fb},
    {0xff9e, 0xff9f},
};

/* Signs of Chinese and Japanese whose script is "Common" or "Inherited": marks of voicing and
 * length, iteration marks. */
static const struct range unspaced_commons[] = {
    {0x3006, 0x3006}, {0x3031, 0x3035}, {0x303c, 0x303c}, {0x3099, 0x309a},
    {0x30fc, 0x30fc}, {0xff70, 0xff70}, {0xff9e, 0xff9f},
};

/* The ranges are sorted. */
static bool in_ranges(uint32_t character, const struct range *ranges, size_t count)
{
    for (size_t low = 0, high = count; low < high;) {
        size_t middle = (low + high) / 2;
        if (character < ranges[middle].first)
            high = middle;
        else if (character > ranges[middle].last)
            low = middle + 1;
        else
            return true;
    }
    return false;
}

bool character_is_invisible(uint32_t character)
{
    return character >= 0x80 && character != NOT_A_CHARACTER &&
           in_ranges(character, invisibles, COUNT(invisibles));
}

uint8_t character_plain_sign(uint32_t character)
{
    if (in_ranges(character, dashes, COUNT(dashes)))
        return '-';
    if (in_ranges(character, dots, COUNT(dots)))
        return '.';
    return in_ranges(character, stars, COUNT(stars)) ? '*' : 0;
}

bool character_is_presentation(uint32_t character)
{
    return character >= 0xfe00 && character <= 0xfe0f;
}

bool character_is_picture(uint32_t character)
{
    return character >= 0x80 && character != NOT_A_CHARACTER &&
           (uc_is_general_category_withtable(character, UC_CATEGORY_MASK_So) ||
            uc_is_property(character, UC_PROPERTY_EXTENDED_PICTOGRAPHIC));
}

bool character_continues(uint32_t character)
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
    for (size_t i = 0; script && i < COUNT(scripts); i++)
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

enum word_class character_class(uint32_t character)
{
    if (character < 0x80)
        return (character >= '0' && character <= '9') || (character >= 'A' && character <= 'Z') ||
                       (character >= 'a' && character <= 'z') || character == '_'
                   ? CLASS_WORD
                   : CLASS_OTHER;
    if (character == NOT_A_CHARACTER || character_is_invisible(character) ||
        !uc_is_general_category_withtable(character, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M |
                                                         UC_CATEGORY_MASK_N))
        return CLASS_OTHER;
    return is_unspaced(character) ? CLASS_UNSPACED
           : is_hangul(character) ? CLASS_HANGUL
                                  : CLASS_WORD;
}

size_t character_read(const uint8_t *text, size_t length, uint32_t *character)
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
