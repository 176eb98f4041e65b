/* fleet.h - the farms of this process: one, as the command line has it, or those of a
 * configuration.
 *
 *     WAITING -----------> RUNNING -----------> ENDED
 *         until no other has      told to, or given up:
 *         its queue, name or      the others go on
 *         history
 *
 * Several have nothing in common but the process and a number of workers (total.h). */
#ifndef WINNOW_FLEET_H
#define WINNOW_FLEET_H

#include "autoscaler_options.h"
#include "error.h"
#include "fleet_file.h"
#include "member.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Everything is borrowed. */
struct fleet_settings {
    const struct autoscaler_options *options; /* of the command line */
    struct fleet_file_common common;          /* for a configuration, which the options name */
    struct member_process process;
};

struct fleet;

/* Finds what can be wrong on this host, for every farm. Connects to nothing yet. The file is what
 * the options name, and is emptied; NULL: they name none. Returns 0; the errors of farm_open. */
int fleet_open(const struct fleet_settings *settings, struct fleet_file *file, struct fleet **fleet,
               struct why *why);
/* Takes NULL. */
void fleet_close(struct fleet *fleet);

/* Writes the descriptors of all to fds, at most fleet_fds; returns how many. */
size_t fleet_fds(const struct fleet *fleet);
size_t fleet_poll(struct fleet *fleet, struct pollfd *fds);

/* Steps those that are due or of which a descriptor is ready, or all of them. fds is what
 * fleet_poll has filled in and poll has answered, or NULL. *wake_ns is when to come again. False
 * when all have ended. */
bool fleet_step(struct fleet *fleet, const struct pollfd *fds, bool all, int64_t *wake_ns);

/* Drains the workers of all and ends; a second call kills them. */
void fleet_stop(struct fleet *fleet);

/* SIGHUP: reads the configuration anew, if there is one (reconfigure.h), and passes it on to the
 * workers that take it. A configuration that cannot be used changes nothing, and is logged. */
void fleet_renew(struct fleet *fleet);

/* How it ended: of one farm as farm_outcome. Of several 0 if any ended because it was told to, else
 * the error of one that was given up. */
int fleet_outcome(const struct fleet *fleet, struct why *why);

/* Some workers were ended before they had drained. */
bool fleet_was_abandoned(const struct fleet *fleet);

/* Prints what the file, which is emptied, comes to, a line a pool. 0, or the errors of
 * farm_open. */
int fleet_check(const struct fleet_settings *settings, struct fleet_file *file, struct why *why);

#endif
