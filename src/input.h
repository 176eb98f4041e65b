/* input.h - files that a person names to be read: regular ones, pipes, devices, those of /proc.
 * Nothing waits for ever for a pipe, and a size that a file tells is not believed. */
#ifndef WINNOW_INPUT_H
#define WINNOW_INPUT_H

#include "error.h"

#include <stddef.h>
#include <sys/types.h>

/* How long a pipe may be silent before it is given up. */
#define INPUT_PATIENCE_MS 10000

/* Opens a file for reading; of a pipe without a writer, waits for one so long.
 *
 * Returns the descriptor, or -1 with errno: EISDIR for a directory, ETIMEDOUT for a pipe into which
 * nobody writes. */
int input_open(const char *path, int patience_ms);

/* As read(2), but it waits no longer than that for something to read (errno is then ETIMEDOUT), and
 * a signal does not end it. */
ssize_t input_read(int fd, void *to, size_t space, int patience_ms);

/* What is wrong, in words, for the errno that one of them has left. */
const char *input_reason(int reason);

/* Whether a file can be read again from its start, as a pipe cannot: 0, or -ERR_CONFIG with "PATH:
 * reason". Of one that cannot be read at all, input_open tells. */
int input_check_repeatable(const char *path, struct why *why);

#endif
