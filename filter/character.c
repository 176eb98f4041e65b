#include "character.h"

#include <string.h>
#include <unictype.h>
#include <unistr.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct range {
    uint32_t first, last;
};

/* What Unicode's properties do not say as it is needed here.
 * Source: Unicode 14: DerivedCoreProperties, ScriptExtensions, HangulSyllableType. */

/* The default ignorable characters that turn up in texts: soft hyphen, joiners, zero-width spaces,
 * direction marks, variation selectors. */
static const struct range invisibles[] = {
    {0x00ad, 0x00ad}, {0x034f, 0x034f}, {0x061c, 0x061c}, {0x180b, 0x180f}, {0x200b, 0x200f},
    {0x202a, 0x202e}, {0x2060, 0x2064}, {0x2066, 0x206f}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff},
};

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
    {0x3006, 0x3006}, {0x3031, 0x3035}, {0x3099, 0x309a}, {0x303c, 0x303c},
    {0x30fc, 0x30fc}, {0xff70, 0xff70}, {0xff9e, 0xff9f},
};

static bool in_ranges(uint32_t character, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (character >= ranges[i].first && character <= ranges[i].last)
            return true;
    return false;
}

bool character_is_invisible(uint32_t character)
{
    return character >= 0xad && in_ranges(character, invisibles, COUNT(invisibles));
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
    if (character == NOT_A_CHARACTER ||
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
