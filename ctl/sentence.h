/* sentence.h - what goes on in a farm, in one sentence. */
#ifndef WINNOW_SENTENCE_H
#define WINNOW_SENTENCE_H

#include "control/status.h"

#include <stdio.h>

/* How many workers there are to be, and why; or what keeps that from being decided. Ends with a
 * newline. */
void sentence_print(const struct status *status, FILE *out);

/* How many of those are there, while they are fewer or more than there are to be, and what workers
 * do not tell: a sentence each, or nothing. */
void sentence_print_rest(const struct status *status, FILE *out);

#endif
