/* replay.h - the decisions of one run, read back from a history, with all that they were made from. */
#ifndef WINNOW_REPLAY_H
#define WINNOW_REPLAY_H

#include "autoscaler/policy/policy.h"
#include "error.h"

#include <stddef.h>
#include <stdint.h>

#define RECORDING_LAST_RUN UINT64_MAX

struct recording_row {
    size_t line; /* of the file */
    const struct policy *policy;
    struct policy_sample sample;
    struct policy_params params;
    /* What was decided. */
    double formula_workers; /* NAN: none */
    double desired_workers;
    const char *reason; /* borrowed from the recording */
    double alive;       /* starting, running and draining afterwards; NAN: unknown */
};

struct recording {
    struct table *table;
    struct recording_row *rows;
    size_t count;
    uint64_t run;
};

/* Reads the run of that number, or the last. 0; -ERR_MEMORY; -ERR_CONFIG with the file and line: not a history of
 * this version, a policy that is not known, a value that is not as it was written, no such run. Nothing is to be
 * cleared after an error. */
int recording_read(const char *path, uint64_t run, struct recording *recording, struct why *why);
void recording_clear(struct recording *recording);

#endif
