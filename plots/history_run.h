/* history_run.h - one run of the autoscaler, out of a history file. */
#ifndef WINNOW_HISTORY_RUN_H
#define WINNOW_HISTORY_RUN_H

#include "csv/history_format.h"
#include "csv/history_reader.h"
#include "error.h"

#include <stddef.h>
#include <stdint.h>

/* A longer run is refused: at a decision every two seconds, one of 97 days. */
#define HISTORY_RUN_MAX_ROWS (1 << 22)

/* Of the rows: time_s, which is known and never less than in the row before; interval_s,
 * arrival_per_s, backlog_msgs, horizon_s, capacity_msgs, min_workers, max_workers (not less than
 * min_workers where both are known), desired_workers, running_workers, starting_workers,
 * simulated_service_s and reason. */
struct history_run {
    uint64_t number;
    const char *farm;         /* as in the last row; NULL when the file does not say */
    const char *policy;       /* likewise, but "" */
    struct history_row *rows; /* in the file's order; their texts are borrowed from the run */
    size_t row_count;         /* > 0 */
    struct history_reader *reader;
};

/* Reads the run of that number, or HISTORY_READER_LAST_RUN, from a file that the autoscaler wrote
 * with --history. `farm` and `simulated_service_s` may be missing.
 *
 * run   for history_run_clear, whatever is returned
 *
 * Returns 0, -ERR_MEMORY, -ERR_INVALID when the file has no run of that number, or -ERR_CONFIG with
 * "FILE:LINE: what is wrong, expected ...". */
int history_run_read(const char *path, uint64_t number, struct history_run *run, struct why *why);

void history_run_clear(struct history_run *run);

#endif
