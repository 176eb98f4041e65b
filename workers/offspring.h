/* offspring.h - ends a program together with all that it has started, also what has left its
 * session: this process takes in whoever is orphaned below it. And when this process itself is
 * gone, however that came, a guard ends what is left of the program. */
#ifndef WINNOW_OFFSPRING_H
#define WINNOW_OFFSPRING_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct offspring;

/* To be called while the process has one thread, no connection, and no program. 0 or
 * -ERR_SYSTEM. */
int offspring_open(struct offspring **offspring, struct why *why);

/* Takes NULL. Nothing may run any more. */
void offspring_close(struct offspring *offspring);

/* Where the program that runs has its number, which leads a session and is a child of this process:
 * the guard ends it with this process. 0: none runs. It is to stand there before the program does
 * anything, which may be to stop this process. */
_Atomic int32_t *offspring_place(struct offspring *offspring);

/* How a program has ended. */
struct offspring_end {
    bool by_signal;
    int number; /* the signal's, or the exit code */
};

/* Kills the program, if it still runs, and all that it has started; *end tells of the program. What
 * cannot be killed within two seconds is left to itself, and logged. */
void offspring_kill(struct offspring *offspring, pid_t program, struct offspring_end *end);

/* Takes in what has ended of what the program has started, but not the program. */
void offspring_reap(const struct offspring *offspring, pid_t program);

#endif
