/* output.h - a file written whole or not at all. */
#ifndef WINNOW_OUTPUT_H
#define WINNOW_OUTPUT_H

#include "error.h"

#include <stdio.h>

/* Puts what is left to read of content at that path, in place of what may be there: through a
 * temporary file beside it, so that nobody ever sees half of it.
 *
 * Returns 0, or -ERR_CONFIG: "cannot write 'PATH': reason". */
int output_write(const char *path, FILE *content, struct why *why);

#endif
