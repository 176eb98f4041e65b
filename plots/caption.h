/* caption.h - the title and the subtitle of a picture of a run. */
#ifndef WINNOW_CAPTION_H
#define WINNOW_CAPTION_H

#include "error.h"
#include "history_run.h"

#include <stdio.h>

/* Writes the variables `title` and `subtitle`. The subtitle has the parameters of the policy and a
 * simulated service time.
 *
 * title   instead of the one that says farm and policy; may be NULL
 *
 * Returns 0 or -ERR_MEMORY. Whether all could be written is for the caller to ask (ferror). */
int caption_write(FILE *script, const struct history_run *run, const char *title, struct why *why);

#endif
