/* censor.h - replaces what was found in a text by a mask. Pure. */
#ifndef WINNOW_CENSOR_H
#define WINNOW_CENSOR_H

#include "matcher.h"

#include <stdbool.h>
#include <stddef.h>

/* The longest mask character, in bytes. */
#define CENSOR_CHARACTER_MAX_BYTES 64

/* What a match is replaced with: once by a text, or each of its characters by one. Borrows both,
 * which are valid UTF-8. */
struct censor_mask {
    /* Replaces a match. May be empty, which deletes matches. */
    const char *text;
    /* When not NULL, used instead of text: replaces each character of a match that is no white
     * space, so that the text keeps its length and its lines. */
    const char *character;
    bool keep_first; /* with character: the first character of each match stays */
};

#define CENSOR_DEFAULT_TEXT "CENSORED"

/* Where a censored text goes. Keep one and reuse it: its memory grows to the longest text and
 * stays. It serves one thread at a time. */
struct censor_result {
    char *text;      /* NULL before the first use; followed by a NUL that length does not count */
    size_t length;   /* in bytes */
    size_t capacity; /* bytes allocated for text */
    char *starts;    /* used for masks that count characters */
    size_t starts_capacity;
};

/* Checks a mask that somebody wrote. Returns 0; -ERR_INVALID when its text is not valid UTF-8, or
 * its character is not exactly one as a person counts (an extended grapheme cluster of Unicode) of
 * at most CENSOR_CHARACTER_MAX_BYTES. */
int censor_check(const struct censor_mask *mask);

/* A result that holds nothing yet. */
void censor_result_init(struct censor_result *result);

/* Frees the memory and makes the result as good as initialised. */
void censor_result_clear(struct censor_result *result);

/* Copies the text with every span replaced, and every other byte as it came. Characters are counted
 * as a person counts them: a letter with its accents is one, so is a flag or a family of emoji. A
 * byte that is not UTF-8 counts as one.
 *
 * mask    checked
 * text    any bytes; may be NULL when length is 0
 * length  in bytes
 * spans   in the order of the text, none overlapping another, as matcher_find gives them; may be
 *         NULL when count is 0
 * result  initialised; its previous text is overwritten, so text must not point into it
 *
 * Returns 0, or -ERR_MEMORY; then the result holds no text but can be used again. */
int censor_apply(const struct censor_mask *mask, const char *text, size_t length,
                 const struct matcher_span *spans, size_t count, struct censor_result *result);

#endif
