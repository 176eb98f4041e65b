/* history_run.h - one run of the autoscaler, out of a history file. */
#ifndef WINNOW_HISTORY_RUN_H
#define WINNOW_HISTORY_RUN_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One decision. NAN is unknown, except in time_s. */
struct history_run_row {
    double time_s; /* never less than in the row before */
    double interval_s;
    double arrival_per_s;
    double backlog_msgs;
    double horizon_s;     /* > 0 */
    double capacity_msgs; /* > 0 */
    double min_workers, max_workers;
    double desired_workers, running_workers, starting_workers;
    double simulated_service_s;
    bool held; /* the number of workers was left as it was, whatever the policy says */
};

/* What is known is 0 or more unless it says otherwise. Texts are as in the file's last row of the
 * run, any bytes but NUL. */
struct history_run {
    uint64_t number;
    char *farm; /* NULL when the file does not say */
    char *policy;
    struct history_run_row *rows; /* in the file's order */
    size_t row_count;             /* > 0 */
};

/* The run of the file's last row. */
#define RUN_LAST UINT64_MAX

/* Reads the run of that number, or RUN_LAST, from a file that the autoscaler wrote with --history.
 * Columns are found by name; `farm` and `simulated_service_s` may be missing.
 *
 * run  for history_run_clear, whatever is returned
 *
 * Returns 0, -ERR_MEMORY, -ERR_INVALID when the file has no run of that number, or -ERR_CONFIG with
 * "FILE:LINE: what is wrong, expected ...". */
int history_run_read(const char *path, uint64_t number, struct history_run *run, struct why *why);

void history_run_clear(struct history_run *run);

#endif
