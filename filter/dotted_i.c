#include "dotted_i.h"

#include "character.h"

#include <stdbool.h>
#include <uninorm.h>

/* The letter to which a composed character decomposes, or the character itself. */
static uint32_t base_letter(uint32_t character)
{
    uint32_t parts[UC_DECOMPOSITION_MAX_LENGTH];

    while (uc_canonical_decomposition(character, parts) > 0 && parts[0] != character)
        character = parts[0];
    return character;
}

static bool is_ligature_with_i(uint32_t character)
{
    return character == 0xfb01 || character == 0xfb03; /* fi and ffi */
}

unsigned dotted_i_next(const uint8_t *text, size_t length, size_t *at)
{
    while (*at < length) {
        uint32_t character, next = 0;
        *at += character_read(text + *at, length - *at, &character);
        if (character == NOT_A_CHARACTER)
            continue;
        if (character == CAPITAL_I_WITH_DOT)
            return DOTTED_I_COMBINED | DOTTED_I_PLAIN;
        if (character == DOTLESS_I)
            return DOTTED_I_DOTLESS;
        if (is_ligature_with_i(character))
            return DOTTED_I_PLAIN;
        if (character >= 0x80)
            character = base_letter(character);
        if (character != 'i' && character != 'I')
            continue;
        if (*at < length)
            character_read(text + *at, length - *at, &next);
        if (next == COMBINING_DOT)
            return character == 'I' ? DOTTED_I_COMBINED | DOTTED_I_PLAIN : DOTTED_I_COMBINED;
        return character == 'I' ? DOTTED_I_DOTLESS | DOTTED_I_PLAIN : DOTTED_I_PLAIN;
    }
    return 0;
}
