/* character.h - what a Unicode character is to the words around it. Pure. */
#ifndef WINNOW_CHARACTER_H
#define WINNOW_CHARACTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Stands for a byte of a text that is not UTF-8. */
#define NOT_A_CHARACTER UINT32_MAX

enum word_class {
    CLASS_OTHER,    /* no part of a word: neither letter, digit, combining mark nor underscore */
    CLASS_WORD,     /* part of a word */
    CLASS_UNSPACED, /* part of a word of a script that puts no spaces between words */
    CLASS_HANGUL, /* part of a word of Korean, whose particles and endings follow without a space */
};

enum word_class character_class(uint32_t character);

/* Whether it is a picture: a symbol like U+2620 or an emoji. It needs no boundary beside a word. */
bool character_is_picture(uint32_t character);

/* Whether it belongs to the character before it: a combining mark, a conjoining vowel or final of
 * Hangul, a half-width voicing mark. */
bool character_continues(uint32_t character);

/* Whether nobody sees it in a text: a soft hyphen, a joiner, a zero-width space. It is of no word,
 * whatever its general category. */
bool character_is_invisible(uint32_t character);

/* Whether it only selects how the character before it is drawn, as a picture or as text. */
bool character_is_presentation(uint32_t character);

/* The ASCII sign of which this is another form: '-' for dashes, '.' for middle dots and the like,
 * '*' for stars; else 0. */
uint8_t character_plain_sign(uint32_t character);

/* Reads the character at the beginning of a text of at least one byte. Returns how many bytes it
 * takes: one when they are not UTF-8, and then it is NOT_A_CHARACTER. */
size_t character_read(const uint8_t *text, size_t length, uint32_t *character);

#endif
