#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Blocks these signals and opens a descriptor for them. */
static int open_for(const sigset_t *set, int *fd, struct why *why)
{
    if (sigprocmask(SIG_BLOCK, set, NULL) == 0) {
        *fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (*fd >= 0)
            return 0;
    }
    return error_set(why, ERR_SYSTEM, "cannot take signals: %s", strerror(errno));
}

/* What asks a program to end; and what comes back as an error is ignored. */
static void begin_set(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    /* A parent may have left it ignored; then the kernel would reap children unseen. */
    signal(SIGCHLD, SIG_DFL);
}

int signals_open(int *fd, struct why *why)
{
    sigset_t set;

    begin_set(&set);
    return open_for(&set, fd, why);
}

int signals_open_with_hangup(int *fd, struct why *why)
{
    struct sigaction action;
    sigset_t set;

    begin_set(&set);
    /* While it is blocked, one that is ignored would arrive all the same. */
    if (sigaction(SIGHUP, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
        sigaddset(&set, SIGHUP);
    return open_for(&set, fd, why);
}

int signals_open_screen(int *fd, struct why *why)
{
    sigset_t set;

    begin_set(&set);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGTSTP);
    sigaddset(&set, SIGCONT);
    return open_for(&set, fd, why);
}

int signals_open_hangup(int *fd, struct why *why)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    return open_for(&set, fd, why);
}

int signals_open_children(int *fd, struct why *why)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    return open_for(&set, fd, why);
}

int signals_next(int fd)
{
    struct signalfd_siginfo info;

    if (read(fd, &info, sizeof info) != (ssize_t)sizeof info)
        return 0;
    return info.ssi_signo == SIGHUP && info.ssi_code == SI_KERNEL ? SIGTERM : (int)info.ssi_signo;
}

void signals_ask_to_end(void)
{
    sigqueue(getpid(), SIGTERM, (union sigval){0});
}

void signals_restore(void)
{
    sigset_t none;

    sigemptyset(&none);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}
