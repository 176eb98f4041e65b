/* words.h - the word service of a farm, from a shell. */
#ifndef WINNOW_CTL_WORDS_H
#define WINNOW_CTL_WORDS_H

#include "ctl_options.h"

#include <stdbool.h>
#include <stdio.h>

/* Asks the service for what the options say, and prints its answer: a list as one that --words
 * takes.
 *
 * done  false when the service refused; *why then says why
 *
 * Returns 0; -ERR_CONFIG, when a file cannot be read; -ERR_INVALID for a line that is too long to
 * be sent; or an error of word_client_open and word_client_ask. */
int words(const struct ctl_options *options, bool *done, FILE *out, struct why *why);

#endif
