/* schedule_file.h - reads a schedule from a CSV file. */
#ifndef WINNOW_SCHEDULE_FILE_H
#define WINNOW_SCHEDULE_FILE_H

#include "error.h"
#include "schedule.h"

#define SCHEDULE_FILE_COLUMNS  "duration_s,from_per_s,to_per_s"
#define SCHEDULE_FILE_OPTIONAL "period_s,burst_msgs,burst_every_s"

/* Appends a phase (phase.h) for each row of the file. Its columns are SCHEDULE_FILE_COLUMNS and as
 * many of SCHEDULE_FILE_OPTIONAL as there are, found by name, in any order, others ignored; every
 * field is a number and at least 0, but an empty one of the optional columns is as good as 0.
 *
 * schedule   initialised; empty when the call fails
 *
 * Returns 0, -ERR_MEMORY, or -ERR_CONFIG with the file, line and column of what is wrong:
 * unreadable or not a table (table.h), a missing column, a field that is empty, negative, too large
 * or not a number, a burst without its distance, or a schedule that takes no time at all. */
int schedule_file_read(const char *path, struct schedule *schedule, struct why *why);

#endif
