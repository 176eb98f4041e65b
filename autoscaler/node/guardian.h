/* guardian.h - sees to it that workers do not outlive the autoscaler, however that ends.
 *
 * The guardian is a small process beside the autoscaler. It reads a pipe whose other end only the
 * autoscaler has. When the pipe ends it does what the autoscaler would have done with every process
 * group in a table that both share: SIGTERM to the process that was started, SIGTERM to the rest of
 * its group when that has ended, SIGKILL to what is left after the drain time-out. Then it ends. */
#ifndef WINNOW_GUARDIAN_H
#define WINNOW_GUARDIAN_H

#include "error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guardian;

/* Starts it. To be called while this process has no threads, no connections and little memory: the
 * guardian keeps a copy. It is no child of this process, whose children are its workers.
 *
 * groups       how many process groups there may be at once, > 0
 * patience_ns  from SIGTERM to SIGKILL
 *
 * 0, -ERR_SYSTEM or -ERR_MEMORY. */
int guardian_open(size_t groups, int64_t patience_ns, struct guardian **guardian, struct why *why);
/* Takes NULL. The guardian ends, at once if no group is noted, else when it has ended those. */
void guardian_close(struct guardian *guardian);

/* From now on it is patient for so long, if that is longer. */
void guardian_wait_longer(struct guardian *guardian, int64_t patience_ns);

/* Readable when the guardian has ended. */
int guardian_fd(const struct guardian *guardian);
bool guardian_lives(const struct guardian *guardian);

/* A free place of the table; it is taken when it holds the number of a process group, and free
 * again when it is set to 0. NULL when more than `groups` are taken. The child that is to lead the
 * group writes it between fork and exec: until exec it holds the pipe open. */
_Atomic int32_t *guardian_place(struct guardian *guardian);

/* Whether that process was started as a worker, and its group is in the table. */
bool guardian_knows(const struct guardian *guardian, int pid);

#endif
