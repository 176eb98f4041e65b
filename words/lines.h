/* lines.h - entries as lines of a word list, ENTRY<TAB>SEVERITY<NEWLINE>, with each entry as
 * wordlist_write_entry writes it. The store takes entries and gives them in this form, and an
 * export is a file of it. */
#ifndef WINNOW_LINES_H
#define WINNOW_LINES_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Start from {0}; lines_clear at the end. */
struct lines {
    char *bytes;
    size_t length, capacity;
    size_t count;
};

/* One of them, borrowed. */
struct lines_entry {
    const char *text;
    size_t length;
    int32_t severity;
};

void lines_clear(struct lines *lines);

/* 0 or -ERR_MEMORY. */
int lines_add(struct lines *lines, const struct lines_entry *entry);

/* The same for one that is a line already, without its newline. */
int lines_add_line(struct lines *lines, const char *line, size_t length);

/* The order of lists, by the bytes of the texts: less than, equal to or greater than 0. */
int lines_compare(const struct lines_entry *a, const struct lines_entry *b);

/* What was wrong with a text: the line from 1 on, 0 where it is about no line. */
struct lines_fault {
    uint32_t line;
    struct why why;
};

/* Reads a word list into lines, each entry once, in the order of their first appearance.
 *
 * repeated  how many further entries said again what one of them says
 *
 * Returns 0; -ERR_MEMORY; or -ERR_INVALID with the fault. */
int lines_read(struct lines *lines, const char *text, size_t length, size_t *repeated,
               struct lines_fault *fault);

/* The entry that begins at *at, which is 0 at first and then behind it. False after the last. */
bool lines_next(const struct lines *lines, size_t *at, struct lines_entry *entry);

/* Whether it is an insult: what a list allows is none. */
bool lines_is_insult(const struct lines_entry *entry);

#endif
