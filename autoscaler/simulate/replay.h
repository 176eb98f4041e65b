/* replay.h - the decisions of one run, read back from a history, with all that they were made
 * from. */
#ifndef WINNOW_REPLAY_H
#define WINNOW_REPLAY_H

#include "autoscaler/policy/policy.h"
#include "error.h"

#include <stddef.h>
#include <stdint.h>

struct replay_row {
    size_t line; /* of the file */

    /* What it was decided from. */
    const struct policy *policy;
    struct policy_sample sample;
    struct policy_params params;

    /* What was decided, and what came of it. */
    double formula_workers; /* NAN: none */
    double desired_workers;
    const char *reason;   /* borrowed from the replay */
    double alive_workers; /* starting, running and draining afterwards */
};

struct replay {
    struct history_reader *reader;
    struct replay_row *rows;
    size_t count; /* > 0 */
    uint64_t run;
};

/* Reads the run of that number, or HISTORY_READER_LAST_RUN. 0; -ERR_MEMORY; -ERR_CONFIG with the
 * file and line: not a history of this version, a policy that is not known, a value that is not as
 * it was written, no such run. Nothing is to be cleared after an error. */
int replay_read(const char *path, uint64_t run, struct replay *replay, struct why *why);
void replay_clear(struct replay *replay);

#endif
