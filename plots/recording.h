/* recording.h - what `winnow-ctl status --watch --json` printed of a farm over several hosts: how
 * many workers each node had, and who led. */
#ifndef WINNOW_RECORDING_H
#define WINNOW_RECORDING_H

#include "control/node_name.h"
#include "error.h"

#include <stddef.h>
#include <stdint.h>

/* A picture has no more colours to tell nodes apart by. */
#define RECORDING_MOST_NODES 6

/* A status. */
struct recording_moment {
    int64_t time_ns;                      /* since 1970, by the clock of who led */
    size_t leader;                        /* among the nodes */
    double workers[RECORDING_MOST_NODES]; /* starting and running; 0 of a node that was lost */
    double desired_workers;               /* NAN: nothing was decided yet */
    double arrival_per_s;                 /* NAN: unknown */
};

struct recording {
    char farm[128];
    char nodes[RECORDING_MOST_NODES][NODE_NAME_SIZE]; /* in the order of their names */
    size_t node_count;
    struct recording_moment *moments; /* in the order of the lines */
    size_t count;                     /* 1 or more */
};

/* Reads the file, a status a line; a last line that is cut is left out, as is a status without
 * nodes. 0 (then recording_clear releases it); -ERR_CONFIG with file and line; -ERR_MEMORY. */
int recording_read(const char *path, struct recording *recording, struct why *why);
void recording_clear(struct recording *recording);

#endif
