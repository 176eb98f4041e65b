/* snapshot.h - the workers of a report as a status tells them. Pure. */
#ifndef WINNOW_SNAPSHOT_H
#define WINNOW_SNAPSHOT_H

#include "autoscaler/messages.h"
#include "control/status.h"

#include <stddef.h>
#include <stdint.h>

/* Starts zeroed. */
struct snapshot {
    struct snapshot_busy *busy; /* by slot: how busy its worker was at the snapshot before */
    struct status_worker *workers;
    size_t slots;
};

void snapshot_clear(struct snapshot *snapshot);

/* Fills in the workers and their numbers; they are borrowed until the next call. 0 or
 * -ERR_MEMORY. */
int snapshot_take(struct snapshot *snapshot, const struct node_report *report, int64_t now_ns,
                  struct status *status);

#endif
