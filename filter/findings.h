/* findings.h - matches as JSON, one object a line. */
#ifndef WINNOW_FINDINGS_H
#define WINNOW_FINDINGS_H

#include "error.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct finding {
    const char *file;         /* where it was found */
    uint64_t offset, length;  /* in bytes, in the file */
    const char *text;         /* what was found, `length` bytes */
    const char *entry, *list; /* the entry as written, and its list */
    uint32_t line;            /* of the entry in its list */
    int32_t severity;
};

/* Writes an object with the names of the members above, and a line end. A text may be of any bytes:
 * those that are not UTF-8 are written as U+FFFD.
 *
 * Returns 0; -ERR_MEMORY; -ERR_SYSTEM when the stream takes no more. */
int findings_write(FILE *stream, const struct finding *finding);

#endif
