/* matcher.h - finds the words and phrases of a word list in a text. Pure. */
#ifndef WINNOW_MATCHER_H
#define WINNOW_MATCHER_H

#include <stddef.h>
#include <stdint.h>

struct wordlist;

/* How alike text and entry must be. Each level takes more for equal than the one before it. What a
 * level takes for a letter or does not see may also join what stood apart: `fool`, a zero-width
 * space and `ish` are two words to MATCHER_EXACT and one to the others, and in `b@ass`
 * MATCHER_LOOSE reads no word that begins with the second a. */
enum matcher_level {
    /* Equal but for case (full case folding) and composition. */
    MATCHER_EXACT,
    /* And but for diacritics, width, invisible characters and look-alike letters. */
    MATCHER_FOLDED,
    /* And but for digits, signs and letters in place of letters, letters that are repeated, letters
     * that are spelled out with the same separator between each two, and letters that are hidden by
     * stars: of an entry of three letters or more at most half. An underscore parts words. */
    MATCHER_LOOSE,
};

/* A word list compiled for matching. Never changes once open: threads may share it, and processes
 * its image. */
struct matcher;

/* A match: bytes of the text as it came. */
struct matcher_span {
    size_t start;
    size_t length;  /* 1 or more */
    uint32_t entry; /* index into the word list that was compiled */
};

/* Where matches go. Keep one and reuse it: its memory grows to the longest text and stays. It
 * serves any matcher, but one thread at a time. */
struct matcher_spans {
    struct matcher_span *items;
    size_t count;
    /* Nothing that begins before this byte depends on what might follow the text. Meant for texts
     * that end with white space. */
    size_t unfinished;
    size_t capacity;
    struct matcher_scratch *scratch; /* the matcher's own */
};

/* The entry of a match. Borrowed from the matcher. */
struct matcher_entry {
    const char *text; /* as written; a NUL follows */
    uint32_t length;  /* in bytes */
    uint32_t file;    /* index of its file, and line in it, from 1 */
    uint32_t line;
    int32_t severity;
};

/* Compiles a word list, which may be cleared afterwards. An empty list matches nothing.
 *
 * list     up to 4 Mi entries, less than 1 GiB of text
 * matcher  written only on success; free it with matcher_close
 *
 * Returns 0; -ERR_INVALID for a larger list or an unknown level; -ERR_MEMORY. */
int matcher_open(const struct wordlist *list, enum matcher_level level, struct matcher **matcher);

/* The compiled list as bytes that hold no address. They may be copied, kept in a file, mapped
 * read-only by any process of the same build on this machine, and opened with matcher_from_image.
 * Borrowed until matcher_close. */
void matcher_image(const struct matcher *matcher, const void **bytes, size_t *length);

/* A matcher on the bytes of an image, which stay where they are, unchanged, until matcher_close.
 * Takes constant time: the header is checked and the rest believed, so the bytes must come from
 * matcher_image.
 *
 * bytes    aligned to 8
 * matcher  written only on success; free it with matcher_close
 *
 * Returns 0; -ERR_INVALID when this is no image, one of another version, or not whole;
 * -ERR_MEMORY. */
int matcher_from_image(const void *bytes, size_t length, struct matcher **matcher);

/* Takes NULL. */
void matcher_close(struct matcher *matcher);

enum matcher_level matcher_level(const struct matcher *matcher);

/* How many entries the list had; their indices go from 0 to one less. */
size_t matcher_entry_count(const struct matcher *matcher);

struct matcher_entry matcher_entry(const struct matcher *matcher, uint32_t index);

/* Spans that hold nothing yet. */
void matcher_spans_init(struct matcher_spans *spans);

/* Frees the memory and makes the spans as good as initialised. */
void matcher_spans_clear(struct matcher_spans *spans);

/* Finds the matches in a text: from left to right, none overlapping another, widened to whole
 * characters as a person counts them (grapheme clusters). Of matches that
 * overlap, the one that begins first counts, and of those that begin at one place the longest. A
 * match that lies within a match of an allowed entry does not count.
 *
 * matcher  NULL finds nothing, at no cost
 * text     any bytes; meant to be valid UTF-8, but a byte that is not only counts as a character
 *          that is no part of a word. May be NULL when length is 0
 * length   in bytes, less than 1 GiB
 * spans    initialised; the previous content is overwritten
 *
 * Time and memory are linear in length for a given list, and long entries cost no more than short
 * ones. Two kinds of list may cost more: one of many entries that begin alike, and one with an
 * entry of more than some hundred letters that agrees with the text all along but for the dots of
 * its i (MATCHER_EXACT) or for what stands in place of its letters (MATCHER_LOOSE).
 *
 * Returns 0; -ERR_INVALID for a longer text; -ERR_MEMORY. After a failure there are no spans, but
 * the struct can be used again. */
int matcher_find(const struct matcher *matcher, const char *text, size_t length,
                 struct matcher_spans *spans);

#endif
