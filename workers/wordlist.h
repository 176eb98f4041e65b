/* wordlist.h - the words and phrases to censor, from the bytes of word list files. Pure. */
#ifndef WINNOW_WORDLIST_H
#define WINNOW_WORDLIST_H

#include <stddef.h>
#include <stdint.h>

struct why;

/* Longest entry, in bytes as written, without the white space around it. */
#define WORDLIST_ENTRY_MAX_BYTES 1024

/* No character grows more than this many times, in bytes, when it is folded: the folded text of an
 * entry has at most WORDLIST_ENTRY_MAX_BYTES times this. */
#define WORDLIST_FOLD_GROWTH 3

/* One entry as it is compared: case folded and in Unicode's normalisation form C, words separated
 * by one space, U+2019 written as an apostrophe. Followed by a NUL, and holds none. */
struct wordlist_entry {
    char *text;
    size_t length; /* in bytes, 1 or more */
};

/* Entries in the order of their first appearance, no two alike. Read entries and count; the rest
 * belongs to the functions below. */
struct wordlist {
    struct wordlist_entry *entries;
    size_t count;
    size_t capacity;
    uint32_t *slots; /* hash table: index of an entry + 1, or 0 */
    size_t slot_count;
};

/* An empty list. Holds nothing that would need wordlist_clear yet. */
void wordlist_init(struct wordlist *list);

/* Frees what the list holds and makes it empty again. */
void wordlist_clear(struct wordlist *list);

/* Adds the entries of one file; call it again to add up several.
 *
 * A line holds one word or phrase. Blank lines and lines that begin with # are ignored, so is a
 * UTF-8 byte order mark at the beginning, white space around an entry and a carriage return at a
 * line's end. White space inside an entry counts as one space. Entries that are there already, but
 * for their case, are ignored. A file may add nothing; whether an empty list makes sense is the
 * caller's to say (count).
 *
 * name    the file's name for messages
 * bytes   the file's content, borrowed; may be NULL when length is 0
 * length  in bytes
 * why     may be NULL; written on failure, "NAME:LINE: what is wrong; what is expected"
 *
 * Returns 0; -ERR_CONFIG for a line that is not valid UTF-8, or an entry with a control character
 * (NUL and a byte order mark in mid-file count as such), without any letter or digit, or longer
 * than WORDLIST_ENTRY_MAX_BYTES; -ERR_MEMORY. After a failure the list holds what it held before.
 */
int wordlist_add(struct wordlist *list, const char *name, const char *bytes, size_t length,
                 struct why *why);

#endif
