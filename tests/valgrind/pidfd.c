/* pidfd.c - pidfd_open for a program under a valgrind that does not know that call, by LD_PRELOAD.
 * In place of a pidfd it returns the end of a pipe, which becomes readable when the process ends:
 * the other end is held by WAIT_PROGRAM, which waits for the process outside of valgrind. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int pidfd(pid_t pid)
{
    int ends[2];
    char text[16];

    if (pipe2(ends, O_CLOEXEC))
        return -1;
    snprintf(text, sizeof text, "%d", (int)pid);
    pid_t between = fork();
    if (between == 0) {
        /* A grandchild, because the program takes all its children for workers. It gets no
         * environment, so that this file is not loaded there. */
        if (fork() == 0) {
            fcntl(ends[1], F_SETFD, 0);
            execle(WAIT_PROGRAM, "wait", text, (char *)NULL, (char *[]){NULL});
        }
        /* This copy of the program becomes another one, which ends at once: when a copy ends
         * valgrind looks for leaks in it. */
        execle(WAIT_PROGRAM, "wait", (char *)NULL, (char *[]){NULL});
    }
    close(ends[1]);
    if (between > 0)
        waitpid(between, NULL, 0);
    return ends[0];
}

long syscall(long number, ...)
{
    static long (*real)(long, ...);
    long argument[6];
    va_list list;

    va_start(list, number);
    for (int i = 0; i < 6; i++)
        argument[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_pidfd_open)
        return pidfd((pid_t)argument[0]);
    if (!real)
        real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    return real(number, argument[0], argument[1], argument[2], argument[3], argument[4],
                argument[5]);
}
