/* change.h - what a command has changed, in words. */
#ifndef WINNOW_CHANGE_H
#define WINNOW_CHANGE_H

#include "control/command.h"
#include "control/status.h"

#include <stdio.h>

/* What a command that was done changed of what the status had said before: a sentence without its
 * full stop, and a newline. */
void change_print(const struct command *command, const struct status *before, FILE *out);

#endif
