/* folding.h - what makes letters equal: texts as the matcher compares them, and the classes of characters.
 * Pure. */
#ifndef WINNOW_FOLDING_H
#define WINNOW_FOLDING_H

#include "matcher.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a character is to the words beside it. */
enum word_class {
    CLASS_OTHER,    /* no part of a word: neither letter, digit, combining mark nor underscore */
    CLASS_WORD,     /* part of a word */
    CLASS_UNSPACED, /* part of a word of a script that puts no spaces between words */
    CLASS_HANGUL, /* part of a word of Korean, whose particles and endings follow without a space */
};

/* A byte of a text that is no UTF-8, as a character. */
#define NOT_A_CHARACTER UINT32_MAX

enum word_class folding_class(uint32_t character);

/* A picture: a symbol like U+2620 or an emoji, which needs no boundary beside a word. */
bool folding_is_picture(uint32_t character);

/* Whether a character continues the one before it: a combining mark, a conjoining vowel or final of
 * Hangul, a half-width voicing mark. */
bool folding_continues(uint32_t character);

/* Invisible characters, which only MATCHER_EXACT sees. */
bool folding_is_invisible(uint32_t character);

/* The character at a position before the end, and how many bytes it takes. */
size_t folding_read(const uint8_t *text, size_t length, uint32_t *character);

/* By byte of a folded text, what it is compared as: small letters for capital ones, a space for white
 * space, and in MATCHER_LOOSE the letter for the digits and signs that stand for it (i for l too, because
 * 1 and ! stand for either). */
void folding_bytes(enum matcher_level level, uint8_t table[256]);

/* A text folded: UTF-8 in normalisation form D, folded as the level says but for what folding_bytes does.
 * One space stands for a run of white space. */
struct folded {
    uint8_t *bytes;
    uint32_t *
        offsets; /* by byte: where in the text the character that it comes from begins, together with
                          what continues that; offsets[length] is the text's length */
    size_t length;
    size_t capacity;
    struct folding_cache *cache; /* foldings of single characters */
};

void folded_init(struct folded *folded);
void folded_clear(struct folded *folded);

/* Folds a text of less than 1 GiB. Only MATCHER_EXACT and MATCHER_FOLDED differ.
 *
 * Returns 0, or -ERR_MEMORY. */
int fold_text(enum matcher_level level, const uint8_t *text, size_t length, struct folded *folded);

/* The dots of the i: capital I is the capital of i and of dotless i (U+0131), and capital I with dot
 * (U+0130) that of i too, depending on the language, which nobody knows. MATCHER_EXACT folds all of them
 * to i, so this tells the i of a text. */
enum {
    DOTS_PLAIN = 1,   /* i */
    DOTS_NONE = 2,    /* dotless i */
    DOTS_COMBINED = 4 /* i with a combining dot, which U+0130 folds to */
};

/* Goes through the text from *at on to the next character that has an i and returns which of the above it
 * may be, or 0 when there is none; *at is then after it. */
unsigned folding_next_dots(const uint8_t *text, size_t length, size_t *at);

#endif
