/* censor.h - replaces the words and phrases of a word list in a text. Pure. */
#ifndef WINNOW_CENSOR_H
#define WINNOW_CENSOR_H

#include <stddef.h>
#include <stdint.h>

struct wordlist;

/* A word list compiled for matching. Never changes once open: threads may share it. */
struct censor;

/* Where a censored text goes. Keep one and reuse it: its buffer grows to the longest text and
 * stays. */
struct censor_result {
    char *text;       /* NULL before the first use; followed by a NUL that length does not count */
    size_t length;    /* in bytes */
    size_t capacity;  /* bytes allocated for text */
    uint32_t matches; /* how many words and phrases were replaced */
};

/* Compiles a word list, which may be cleared afterwards. An empty list matches nothing.
 *
 * mask    what a match is replaced with; valid UTF-8, may be empty, which deletes matches; copied
 * censor  written only on success; free it with censor_close
 *
 * Returns 0; -ERR_INVALID when the mask is not valid UTF-8; -ERR_MEMORY. */
int censor_open(const struct wordlist *list, const char *mask, struct censor **censor);

/* Takes NULL. */
void censor_close(struct censor *censor);

/* A result that holds nothing yet. */
void censor_result_init(struct censor_result *result);

/* Frees the buffer and makes the result as good as initialised. */
void censor_result_clear(struct censor_result *result);

/* Copies the text with every match replaced by the mask, and every other byte as it came.
 *
 * An entry matches where it stands as whole words: the characters before and after are neither
 * letters, digits, combining marks (Unicode categories L, N, M) nor underscores. So "fool" is found
 * in "fool's" and "fool-like" but not in "foolish". Case does not count, nor whether a letter is
 * composed with its accent; one space of an entry stands for any run of white space, line ends
 * included, and its apostrophe for U+2019 too. Of the matches that overlap, the one that begins
 * first counts, and of those that begin at the same place the longest. A replaced text is not
 * looked at again.
 *
 * text    any bytes; meant to be valid UTF-8, but a byte that is not only counts as a character
 * that is no part of a word. May be NULL when length is 0 length  in bytes result  initialised; its
 * previous text is overwritten, so text must not point into it
 *
 * Time is linear in length, times the number of words of the longest phrase where a text keeps
 * beginning it.
 *
 * Returns 0, or -ERR_MEMORY; then the result holds no text but can be used again.
 * Source: DESIGN section 2. */
int censor_apply(const struct censor *censor, const char *text, size_t length,
                 struct censor_result *result);

#endif
