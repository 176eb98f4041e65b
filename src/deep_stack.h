/* deep_stack.h - a stack for whoever reads messages.
 *
 * rabbitmq-c decodes and encodes tables in tables by recursion, 100 bytes of stack for 5 of the
 * message, and reads a message before anybody can look at it. What the shell allows as a stack may
 * be a megabyte. */
#ifndef WINNOW_DEEP_STACK_H
#define WINNOW_DEEP_STACK_H

#include "error.h"

/* Enough for the deepest tables of a frame of 1 MiB, which need 20 MiB. No more of it is used than
 * the messages make use of. */
#define DEEP_STACK_BYTES ((size_t)32 << 20)

/* Runs a function on such a stack, in this thread: so it may fork, and all else stays as it is.
 * Signals that it blocks stay blocked. Returns what the function does; -ERR_MEMORY when there is no
 * such stack. */
int deep_stack_run(int (*run)(void *context, struct why *why), void *context, struct why *why);

#endif
