/* reconfigure.h - a configuration read anew, while its farms run: what is in it runs from now on,
 * or, if anything is wrong with it, nothing changes. */
#ifndef WINNOW_RECONFIGURE_H
#define WINNOW_RECONFIGURE_H

#include "error.h"
#include "fleet_file.h"
#include "member.h"

/* Limits of a farm change at once. One with other settings drains, and another takes its place when
 * it has ended; so does one that was given up. New ones are added, unopened, and those that are in
 * the file no more are told to end. Returns 0; the errors of fleet_file_read and farm_open. */
int reconfigure(struct members *members, const struct member_process *process, const char *path,
                const struct fleet_file_common *common, struct why *why);

#endif
