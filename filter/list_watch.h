/* list_watch.h - notices that word list files have changed, however they are changed: renamed over,
 * written in place, deleted and made again, reached by another symbolic link or in another folder.
 *
 * Every folder and symbolic link on the way to a file is watched itself, as the file is, for being
 * moved, deleted or replaced; where one is missing, its folder is watched until it is there. So
 * what else happens in those folders costs nothing. A part that this user may not read is not
 * watched, and a file system tells nothing of what is done to it from another host. */
#ifndef WINNOW_LIST_WATCH_H
#define WINNOW_LIST_WATCH_H

#include "error.h"

#include <stddef.h>

struct list_watch;

/* Watches the files, which need not be there. What is changed from now on is not missed. The paths
 * are borrowed. 0; -ERR_SYSTEM, when the user watches too many already; or -ERR_MEMORY. */
int list_watch_open(const char *const *paths, size_t count, struct list_watch **watch,
                    struct why *why);

/* Takes NULL. */
void list_watch_close(struct list_watch *watch);

/* Becomes readable when something has changed. */
int list_watch_fd(const struct list_watch *watch);

/* To be called then, and before the files are read. Waits until nothing more has changed for 20 ms
 * and who writes into a file has closed it, but never longer than a second; then watches what is
 * there now. 0 or -ERR_SYSTEM, when not all of it can be watched. */
int list_watch_settle(struct list_watch *watch, struct why *why);

#endif
