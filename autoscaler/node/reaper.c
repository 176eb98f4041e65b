#include "reaper.h"

#include "signals.h"

#include <sys/wait.h>
#include <unistd.h>

int reaper_open(struct reaper *reaper, const struct guardian *guardian, struct why *why)
{
    *reaper = (struct reaper){.guardian = guardian, .due = true};
    return signals_open_children(&reaper->fd, why);
}

void reaper_close(struct reaper *reaper)
{
    if (reaper->fd >= 0)
        close(reaper->fd);
    reaper->fd = -1;
}

void reaper_step(struct reaper *reaper)
{
    siginfo_t info;

    while (signals_next(reaper->fd))
        reaper->due = true;
    while (reaper->due && reaper->guardian) {
        info.si_pid = 0;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid) {
            reaper->due = false;
            return;
        }
        /* It hides those behind it until its launcher has taken it in, which comes next. */
        if (guardian_knows(reaper->guardian, info.si_pid))
            return;
        waitid(P_PID, (id_t)info.si_pid, &info, WEXITED);
    }
}
