/* dotted_i.h - tells the letters i of a text apart by their dots. Pure.
 *
 * Capital I is the capital of i and, in Turkish, of dotless i (U+0131). Capital I with a dot
 * (U+0130) is the capital of i in Turkish. No text says in which language it is, so MATCHER_EXACT
 * folds all of them to i, and compares their dots where an entry was found. */
#ifndef WINNOW_DOTTED_I_H
#define WINNOW_DOTTED_I_H

#include <stddef.h>
#include <stdint.h>

/* What an i may be; a capital letter may be more than one. */
enum {
    DOTTED_I_PLAIN = 1,    /* i */
    DOTTED_I_DOTLESS = 2,  /* dotless i */
    DOTTED_I_COMBINED = 4, /* i with a combining dot, to which U+0130 folds */
};

#define COMBINING_DOT      0x307
#define CAPITAL_I_WITH_DOT 0x130
#define DOTLESS_I          0x131

/* Goes through a text from *at on to the next character that has an i, and leaves *at behind it.
 * Returns what the i may be, or 0 when there is none. */
unsigned dotted_i_next(const uint8_t *text, size_t length, size_t *at);

#endif
