/* wordlist.h - the words and phrases to find, from the bytes of word list files. Pure.
 *
 * A file is UTF-8 text with one entry a line:
 *
 *     # a comment
 *     fool                a word: found where it stands as a whole word
 *     bad egg             a phrase: its words, with any white space between them
 *     idiot*              the beginning of words: idiot, idiots, idiotic
 *     *tard               the end of words
 *     *fuck*              any part of a word
 *     !Scunthorpe         always allowed: what lies within it is no match
 *     damn<TAB>3          with its severity; 1 where none is written
 *     \#1 \*              a backslash before # ! * or \ makes it an ordinary character
 *
 * White space around an entry and around a severity, a carriage return at the line's end, a byte
 * order mark at the file's beginning and blank lines do not count. */
#ifndef WINNOW_WORDLIST_H
#define WINNOW_WORDLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct why;

/* The longest entry, in bytes as written, without the white space around it and its severity. */
#define WORDLIST_ENTRY_MAX_BYTES 10240

#define WORDLIST_DEFAULT_SEVERITY 1
#define WORDLIST_MAX_SEVERITY     1000000

/* One entry as written but for its syntax: case, accents and apostrophes are untouched, and each
 * run of white space inside is one space. */
struct wordlist_entry {
    /* Valid UTF-8 with a letter, digit or picture. A NUL follows, none is inside. */
    const char *text;
    uint32_t length;  /* in bytes, 1 .. WORDLIST_ENTRY_MAX_BYTES */
    uint32_t file;    /* index into wordlist.files */
    uint32_t line;    /* in that file, from 1 */
    int32_t severity; /* 0 .. WORDLIST_MAX_SEVERITY; without effect on an allowed entry */
    bool open_start;  /* `*` before it: a match may begin inside a word; it is the entry alone */
    bool open_end;    /* `*` after it: the same at the end */
    bool allowed;     /* `!` before it */
};

/* Who is told of what is no error but hardly meant. The text is "NAME:LINE: what". */
struct wordlist_warnings {
    void (*tell)(void *context, const char *text); /* NULL: nobody */
    void *context;
};

/* Entries in the order of their first appearance; no two agree in text, ends and `allowed`. Callers
 * read entries, count, files and file_count, and may set min_severity and warnings before the first
 * file is added. The rest belongs to the functions below. */
struct wordlist {
    struct wordlist_entry *entries;
    size_t count;
    char **files; /* names, by wordlist_entry.file */
    size_t file_count;

    int32_t min_severity; /* entries of a lower one are checked and left out, allowed ones never */
    struct wordlist_warnings warnings;
    /* Read last, in the file that was added last: after a failure the one to blame. */
    uint32_t line;

    char **blocks; /* the texts of the entries, a block a file */
    size_t capacity;
    uint32_t *slots; /* hash table: index of an entry + 1, or 0 */
    size_t slot_count;
};

/* An empty list that takes every severity and tells nobody. There is nothing to clear yet. */
void wordlist_init(struct wordlist *list);

/* Frees what the list holds and makes it as good as initialised. */
void wordlist_clear(struct wordlist *list);

/* Adds the entries of one file; it is called again to add up several. A file may add nothing: count
 * says whether the list is empty. An entry that is there already is not added again but leaves the
 * higher severity of the two, and a warning when both are in one file.
 *
 * name    the file's name for messages; copied
 * bytes   the file's content, borrowed; may be NULL when length is 0
 * length  in bytes, less than 4 GiB
 * why     may be NULL; written on failure, "NAME:LINE: what is wrong; what is expected"
 *
 * Returns 0; -ERR_MEMORY; or -ERR_CONFIG for a line that is not valid UTF-8, a severity that is not
 * a whole number from 0 to WORDLIST_MAX_SEVERITY, or an entry that has a control character (NUL, or
 * a byte order mark that does not begin the file, is one), that has no letter, digit or picture, or
 * that is longer than WORDLIST_ENTRY_MAX_BYTES. After a failure the list can only be cleared.
 *
 * Time is linear in length. */
int wordlist_add(struct wordlist *list, const char *name, const char *bytes, size_t length,
                 struct why *why);

/* Writes an entry as a list has it, without its severity: read again, it is the same entry. Two
 * entries that agree in text, ends and `allowed` are written alike, and others are not. It is no
 * longer than what the entry was read from.
 *
 * out  takes WORDLIST_WRITTEN_SIZE bytes, and a NUL among them
 *
 * Returns the length. */
#define WORDLIST_WRITTEN_SIZE (WORDLIST_ENTRY_MAX_BYTES + 4)
size_t wordlist_write_entry(const struct wordlist_entry *entry, char *out);

/* When every file is added: warns of the entries that can never match, because an allowed entry of
 * the same text covers each of their matches. */
void wordlist_check(const struct wordlist *list);

#endif
