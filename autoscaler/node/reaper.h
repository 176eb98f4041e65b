/* reaper.h - takes in the ends of processes that fell to the autoscaler because whoever had started
 * them is gone. Nobody else would: it may be the first process of a container. */
#ifndef WINNOW_REAPER_H
#define WINNOW_REAPER_H

#include "error.h"
#include "guardian.h"

#include <stdbool.h>

struct reaper {
    const struct guardian
        *guardian; /* knows which processes are workers; NULL: nothing is reaped */
    int fd;        /* readable when some child has ended */
    bool due;      /* a child has ended that was not taken in yet */
};

/* Blocks SIGCHLD. Borrows the guardian. 0 or -ERR_SYSTEM. */
int reaper_open(struct reaper *reaper, const struct guardian *guardian, struct why *why);
void reaper_close(struct reaper *reaper);

/* Takes in what has ended, but workers, which are left to their launcher. To be called after the
 * launchers looked, whenever the process wakes. */
void reaper_step(struct reaper *reaper);

#endif
