/* site_file.h - the page's own files, which are part of the program. Pure. */
#ifndef WINNOW_SITE_FILE_H
#define WINNOW_SITE_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct site_file {
    const char *type; /* Content-Type */
    const char *bytes;
    size_t length;
};

/* By the path of a request, with its query; false: there is none. */
bool site_file_find(const char *path, struct site_file *file);

#endif
