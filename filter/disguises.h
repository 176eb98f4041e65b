/* disguises.h - the letters that people write in place of others, for MATCHER_LOOSE. Pure.
 *
 * The oracle of the tests (tests/system/matcher_oracle.py) reads these tables too. */
#ifndef WINNOW_DISGUISES_H
#define WINNOW_DISGUISES_H

#include <stdbool.h>
#include <stdint.h>

/* By ASCII character, in small letters: what it may stand for beside itself. The matcher's tree is
 * made of classes of letters, and a character is of the class of its first letter here
 * (folding_table). Where another letter is of another class, matcher_hidden.c tries it. */
static const char disguises[128][3] = {
    ['0'] = "o", ['1'] = "il", ['!'] = "il", ['l'] = "i", ['2'] = "z",
    ['3'] = "e", ['4'] = "a",  ['5'] = "s",  ['6'] = "g", ['7'] = "t",
    ['8'] = "b", ['9'] = "g",  ['@'] = "ao", ['$'] = "s", ['v'] = "u",
};

/* Whether a character of a folded text stands for a letter of an entry. */
static inline bool disguise_stands_for(uint8_t byte, uint8_t wanted)
{
    if (byte >= 'A' && byte <= 'Z')
        byte |= 0x20;
    if (byte == wanted)
        return true;
    return byte < 0x80 && wanted && (disguises[byte][0] == wanted || disguises[byte][1] == wanted);
}

/* Signs that are not ASCII, and the letter that each stands for. */
static const struct {
    uint32_t from;
    uint8_t to;
} sign_disguises[] = {
    {0x00a1, 'i'}, /* inverted exclamation mark */
    {0x00a2, 'c'}, /* cent sign */
    {0x00a3, 'l'}, /* pound sign */
    {0x00a5, 'y'}, /* yen sign */
    {0x00a7, 's'}, /* section sign */
    {0x00d7, 'x'}, /* multiplication sign */
    {0x20ac, 'e'}, /* euro sign */
};

#endif
