/* worker_options.h - the options that every worker program has. */
#ifndef WINNOW_WORKER_OPTIONS_H
#define WINNOW_WORKER_OPTIONS_H

#include "worker.h"

#include <argp.h>

#define WORKER_OPTIONS_DRAIN_TIMEOUT_VARIABLE "WINNOW_DRAIN_TIMEOUT"

/* The defaults, of which the environment may change one. A variable that cannot be used ends the
 * program with EX_USAGE and a message that names it. */
void worker_options_init(struct worker_settings *settings, const char *program);

/* As a child of a program's own options; its input is a struct worker_settings, whose options are
 * set. */
extern const struct argp worker_options_argp;

/* Where a program's own keys begin, so that they are not the worker's. */
enum { WORKER_OPTIONS_KEY_OWN = OPTIONS_KEY_OWN + 0x20 };

#endif
