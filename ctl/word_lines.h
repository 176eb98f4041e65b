/* word_lines.h - entries for the word service, from the command line, files and standard input: the
 * lines of one word list, and where each of them stood. */
#ifndef WINNOW_WORD_LINES_H
#define WINNOW_WORD_LINES_H

#include "error.h"

#include <stddef.h>

/* Where lines came from. */
struct word_source {
    const char *name;
    size_t first; /* number of its first line, from 1 */
};

/* Starts zeroed. */
struct word_lines {
    char *bytes; /* each line ends with a newline */
    size_t length, capacity;
    size_t count;
    struct word_source *sources;
    size_t source_count;
};

/* Adds an entry of the command line, where nobody writes comments: "#1" is an entry. 0 or
 * -ERR_MEMORY. */
int word_lines_add_argument(struct word_lines *lines, const char *text);

/* Adds a file, or standard input for "-". path is borrowed to word_lines_clear. 0; -ERR_CONFIG,
 * when it cannot be read; -ERR_MEMORY. */
int word_lines_add_file(struct word_lines *lines, const char *path, struct why *why);

void word_lines_clear(struct word_lines *lines);

/* Where a line stood: "FILE:LINE: ", or nothing when it was an argument. */
#define WORD_LINES_PLACE_SIZE 256
void word_lines_place(const struct word_lines *lines, size_t line,
                      char place[WORD_LINES_PLACE_SIZE]);

/* The place of the next line that may be an entry, from `from` on; *line, the number of the line
 * there, goes with it. A request of comments alone would be refused. */
size_t word_lines_skip_comments(const struct word_lines *lines, size_t from, size_t *line);

/* The length of the next request, and in *count its lines: whole lines from `from` on, together at
 * most most_bytes; 0 when the next line alone is longer. */
size_t word_lines_next(const struct word_lines *lines, size_t from, size_t most_bytes,
                       size_t *count);

#endif
