/* findings.h - matches as JSON, one object a line. */
#ifndef WINNOW_FINDINGS_H
#define WINNOW_FINDINGS_H

#include "error.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct finding {
    const char *file; /* where it was found; any bytes: what is no UTF-8 is written as U+FFFD */
    uint64_t offset, length;  /* in bytes, in the file */
    const char *text;         /* what was found, `length` bytes */
    const char *entry, *list; /* the entry as written, and its list */
    uint32_t line;            /* of the entry in its list */
    int32_t severity;
};

/* Writes {"file":..,"offset":..,"length":..,"text":..,"entry":..,"list":..,"line":..,"severity":..} and a line end. 0,
 * -ERR_MEMORY, or -ERR_SYSTEM when the stream takes no more. */
int findings_write(FILE *stream, const struct finding *finding);

#endif
