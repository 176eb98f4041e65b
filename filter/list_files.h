/* list_files.h - word lists as they are written: the bytes of files, or of the built-in lists. */
#ifndef WINNOW_LIST_FILES_H
#define WINNOW_LIST_FILES_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>

struct list_file {
    const char *name; /* for messages */
    const char *bytes;
    size_t length;
    char *owned; /* the bytes, when they have to be freed; NULL for a built-in list */
};

struct list_files {
    struct list_file *items;
    size_t count;
};

/* Reads the files whole, in this order.
 *
 * paths      borrowed until list_files_clear; none means the built-in lists
 * max_bytes  of all files together
 * files      to be cleared, after a failure too
 *
 * Returns 0; -ERR_CONFIG, with the name of the file that cannot be read or is one too much;
 * -ERR_MEMORY. */
int list_files_read(const char *const *paths, size_t count, size_t max_bytes,
                    struct list_files *files, struct why *why);

void list_files_clear(struct list_files *files);

/* What winnow-words begins a list with that it exports. Such a list may be empty, and is meant so;
 * of any other that has no word something went wrong. */
#define LIST_FILES_EXPORTED "# winnow-words version="
/* Whether there is nothing but empty lists of that kind. */
bool list_files_are_empty(const struct list_files *files);

/* The name of a list among those that list_files_read reads for the same paths. */
const char *list_files_name(const char *const *paths, size_t count, size_t index);

#endif
