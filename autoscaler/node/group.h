/* group.h - the process group of a worker: the process that was started leads it, and it has what
 * that has started, unless it left. When the leader has ended, the others are children of this
 * process, which has to be their subreaper. */
#ifndef WINNOW_GROUP_H
#define WINNOW_GROUP_H

#include <stdbool.h>
#include <sys/types.h>

/* Makes this process the parent of what its descendants leave behind. */
void group_inherit_orphans(void);

/* Whether nobody is left of a group whose leader has been waited for. Takes in the ends of its
 * members. The group's number means nothing any more once this was true. */
bool group_is_empty(pid_t group);

#endif
