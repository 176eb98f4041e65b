/* verbatim.h - a message of JSON, printed as it came. */
#ifndef WINNOW_VERBATIM_H
#define WINNOW_VERBATIM_H

#include <stddef.h>
#include <stdio.h>

/* On one line, and so that it says the same: nothing in it moves a cursor. */
void verbatim_print(const char *text, size_t length, FILE *out);

#endif
