/* worker_environment.h - what a worker is started with, beside its place on the scoreboard: the
 * default program, and the variables that tell it of the broker and the farm. */
#ifndef WINNOW_WORKER_ENVIRONMENT_H
#define WINNOW_WORKER_ENVIRONMENT_H

#include "error.h"
#include "options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worker_environment {
    char *variables[13]; /* NAME=VALUE, NULL at the end */
    size_t count;
    bool failed;
};

/* 0 or -ERR_MEMORY; to be cleared in both cases. */
int worker_environment_make(struct worker_environment *environment, const struct options *options,
                            int64_t drain_timeout_ns);
void worker_environment_clear(struct worker_environment *environment);

/* winnow-filter from this program's directory, so that a build tree and an installation both work,
 * else from PATH. To be freed; NULL when out of memory. */
char *worker_environment_default_program(void);

#endif
