/* program.h - a program that a worker runs: found and tried before the first event, and started
 * with a session of its own and no descriptor but its three. */
#ifndef WINNOW_PROGRAM_H
#define WINNOW_PROGRAM_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The path that stands for an event's body in the arguments of a program. Its descriptor is a
 * fourth one, which the program has then; its standard input is empty. */
#define PROGRAM_BODY_PATH "/proc/self/fd/3"

struct program {
    char *const *argv; /* borrowed; NULL after the last */
    char *path;        /* what is executed */
    bool body_is_file;
};

/* Finds the program of the arguments as a shell would, and has the kernel load it, without running
 * any of it: so that it is missing, not executable, or without its interpreter is known at once. 0
 * with *program filled in, or -ERR_CONFIG with the reason. To be called while the process has one
 * thread. */
int program_open(char *const *argv, struct program *program, struct why *why);
void program_close(struct program *program);

/* A program that runs, and this end of its descriptors. */
struct process {
    pid_t pid;
    int pid_fd;         /* readable when it has ended */
    int in_fd;          /* what is written to it, without blocking, the program reads; -1: closed */
    int out_fd, err_fd; /* what it writes; -1: closed */
};

/* An event's body as a file, for program_start: a descriptor, or -1 with errno. */
int program_open_body(const char *bytes, size_t length);

/* Starts it with that environment, with no signal blocked.
 *
 * body_fd  of the event's body, when body_is_file
 *
 * 0; -ERR_INVALID, when arguments and environment are longer than the kernel takes; -ERR_SYSTEM,
 * also when the program is not there any more. */
int program_start(const struct program *program, char *const *environment, int body_fd,
                  struct process *process, struct why *why);

/* Closes the descriptors; the program is not waited for. */
void program_let_go(struct process *process);

#endif
