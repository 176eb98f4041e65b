/* farm.h - one farm: its leader, which decides, and this host's node, which runs the workers,
 * joined by function calls; or of a farm over several hosts this host's part, whose leader may be
 * elsewhere.
 *
 *     CONNECTING --> RUNNING --> DRAINING --> LEAVING --> ENDED
 *         ^             |            |
 *         |             v            |
 *         |   another autoscaler     |
 *         |   has taken the farm     |
 *         +--------------------------+ with standby
 *
 * farm_step does what is due and says when to come again, and waits for nothing. Several farms may
 * live in one process; none knows of signals or of the others. */
#ifndef WINNOW_FARM_H
#define WINNOW_FARM_H

#include "error.h"
#include "leader/leader.h"
#include "node/supervisor.h"
#include "options.h"
#include "site.h"
#include "total.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct farm_settings {
    struct leader_settings leader;
    struct supervisor_settings node;
    struct site_settings site;
    struct total_place *place; /* in what several farms share; NULL: nothing is shared */
};

struct farm;

/* Finds what can be wrong on this host: the worker, the history. Connects to nothing yet. Borrows
 * settings and options. Returns 0, or the errors of supervisor_open, and of leader_open or
 * site_open. */
int farm_open(const struct farm_settings *settings, const struct options *options,
              struct farm **farm, struct why *why);
/* Takes NULL. */
void farm_close(struct farm *farm);

/* Does what is due. Returns when to call it next, if none of its descriptors becomes ready
 * before. */
int64_t farm_step(struct farm *farm, int64_t now_ns);

/* Writes its descriptors to fds, at most FARM_FDS; returns how many. They change with each step. */
#define FARM_FDS (SITE_FDS + 1)
size_t farm_poll(const struct farm *farm, struct pollfd fds[FARM_FDS]);

/* Drains the workers and ends; a second call kills them. */
void farm_stop(struct farm *farm);

/* Passes SIGHUP on to the workers that take it. */
void farm_renew(struct farm *farm);

/* The policy's parameters are others from now on; those that the farm was opened with, or that were
 * set last, were `before`. The settings are changed by the caller. */
void farm_limit(struct farm *farm, const struct policy_params *before,
                const struct policy_params *after);

bool farm_has_ended(const struct farm *farm);

/* How it ended: 0 when it was told to; -ERR_CONFIG or -ERR_REFUSED when no worker can be run;
 * -ERR_LOCKED when another autoscaler runs the farm, or another node has this one's name; or the
 * error of the first connection. */
int farm_outcome(const struct farm *farm, struct why *why);

/* A second farm_stop ended the workers before they had drained. */
bool farm_was_abandoned(const struct farm *farm);

#endif
