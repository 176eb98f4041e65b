/* launcher.h - worker processes on this host: started, told to drain, killed, and waited for. The
 * only module of the autoscaler that knows of processes. */
#ifndef WINNOW_LAUNCHER_H
#define WINNOW_LAUNCHER_H

#include "error.h"
#include "guardian.h"

#include <stdbool.h>
#include <stddef.h>

struct launcher_settings {
    size_t slots;
    char *const *command;           /* program and arguments, NULL at the end; looked for in PATH */
    const char *const *environment; /* NAME=VALUE to add for every worker, NULL at the end */
    int scoreboard_fd;              /* handed down */
    /* Names of the variables that tell a worker the scoreboard, its slot, and where to say it is
     * ready. */
    const char *scoreboard_variable, *slot_variable, *ready_variable;
    /* NULL: workers get SIGTERM when the thread that started them ends. */
    struct guardian *guardian;
};

struct launcher;

enum launcher_event_type {
    LAUNCHER_READY, /* the worker said that it consumes */
    /* The process that was started has ended: code, or signal when that is not 0. Others of its
     * group live. They have got SIGTERM; LAUNCHER_ENDED says the same when they are gone. */
    LAUNCHER_LEFT,
    LAUNCHER_ENDED, /* nobody is left of its group */
};

struct launcher_event {
    enum launcher_event_type type;
    size_t slot;
    int pid;
    int code, signal;
};

/* Looks for the program as launcher_start will: 0, or -ERR_CONFIG with the system's reason. */
int launcher_check(const char *program, struct why *why);

/* Borrows settings and what they point to. 0, -ERR_SYSTEM or -ERR_MEMORY. */
int launcher_open(const struct launcher_settings *settings, struct launcher **launcher,
                  struct why *why);
/* Does not end workers: they drain by themselves when this process ends. */
void launcher_close(struct launcher *launcher);

/* Starts a worker in an empty slot, in a process group of its own. Returns 0; -ERR_CONFIG when the
 * program cannot be executed, with the system's reason; -ERR_SYSTEM when the system cannot start a
 * process now. */
int launcher_start(struct launcher *launcher, size_t slot, struct why *why);

/* SIGTERM to the process that was started; SIGHUP to it; SIGKILL to all of its process group.
 * Harmless when it has ended. */
void launcher_drain(struct launcher *launcher, size_t slot);
void launcher_renew(struct launcher *launcher, size_t slot);
void launcher_kill(struct launcher *launcher, size_t slot);

/* Process id of the slot's worker, and the number of its group; 0 when nobody is left of it. */
int launcher_pid(const struct launcher *launcher, size_t slot);

/* Whether its process is stopped, by SIGSTOP say: then it cannot get on by itself. */
bool launcher_stopped(const struct launcher *launcher, size_t slot);

/* Whether it still waits for what a worker has left behind. */
bool launcher_waits_for_rest(const struct launcher *launcher);

/* Readable when launcher_next has something, but for the end of what a worker left behind: of that
 * SIGCHLD tells. */
int launcher_fd(const struct launcher *launcher);
/* The next event, without waiting: 1, or 0 when there is none. */
int launcher_next(struct launcher *launcher, struct launcher_event *event);

#endif
