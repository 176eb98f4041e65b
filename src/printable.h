/* printable.h - text from outside as it may be shown: nothing in it moves a cursor, ends a line or
 * looks like something else. */
#ifndef WINNOW_PRINTABLE_H
#define WINNOW_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>

/* Writes a text with its control and format characters, its line and paragraph separators, and
 * bytes that are not UTF-8 as \n, \t, \x1b or \u202e; with quotes also " and \ as \" and \\. What
 * does not fit is left out, whole characters only.
 *
 * out  ends with a NUL; size >= 1
 *
 * Returns how many bytes were written, without the NUL. */
size_t printable_write(const char *text, size_t length, bool quotes, char *out, size_t size);

#endif
