#include "group.h"

#include <sys/prctl.h>
#include <sys/wait.h>

void group_inherit_orphans(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

bool group_is_empty(pid_t group)
{
    siginfo_t info;

    do {
        info.si_pid = 0;
        /* No child of this process is in it. */
        if (waitid(P_PGID, (id_t)group, &info, WEXITED | WNOHANG))
            return true;
    } while (info.si_pid);
    return false;
}
