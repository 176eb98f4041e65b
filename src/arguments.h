/* arguments.h - a command that stands in one text, as its words. Pure. */
#ifndef WINNOW_ARGUMENTS_H
#define WINNOW_ARGUMENTS_H

#include "error.h"

/* Splits at spaces, tabs and newlines. What stands between '' or "" belongs to one word as it
 * stands, and a word may be empty in quotes. Nothing is expanded, and nothing else is special: not
 * a backslash, not a $.
 *
 * words  NULL after the last; one block of memory, to be released with free()
 *
 * 0; -ERR_INVALID, when there is no word or a quote does not end; or -ERR_MEMORY. */
int arguments_split(const char *text, char ***words, struct why *why);

#endif
