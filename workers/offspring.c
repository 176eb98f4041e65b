#include "offspring.h"

#include "clock.h"
#include "log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define GUARD_NAME "winnow-run-grd" /* no longer than the kernel allows */
#define PIPE_FD    (STDERR_FILENO + 1)

/* What was killed is gone within this time, unless it may not be killed. */
#define KILL_WITHIN_NS (2 * CLOCK_NS_PER_S)
#define LOOK_MS        1

#define AT_ONCE 64

struct offspring {
    _Atomic int32_t *program; /* shared with the guard; 0: none runs */
    int pipe_fd;              /* the end that closes when this process ends */
    /* Whoever has exec'd this program had children already; then only sessions are ended. */
    bool has_others;
};

/* ---- the guard ---- */

static void run_guard(const _Atomic int32_t *program, int pipe_fd) __attribute__((noreturn));

/* In a session of its own: no signal to the worker or its group means it. */
static void run_guard(const _Atomic int32_t *program, int pipe_fd)
{
    static const int asking_to_end[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    char byte;

    setsid();
    for (size_t i = 0; i < sizeof asking_to_end / sizeof asking_to_end[0]; i++)
        signal(asking_to_end[i], SIG_IGN);
    prctl(PR_SET_NAME, GUARD_NAME);
    dup2(pipe_fd, PIPE_FD);
    close_range(PIPE_FD + 1, ~0U, 0);
    close_range(STDIN_FILENO, STDERR_FILENO, 0);
    while (read(PIPE_FD, &byte, 1) < 0 && errno == EINTR)
        continue;
    if (*program)
        kill(-*program, SIGKILL);
    _exit(0);
}

/* By way of a child that ends at once, so that the guard is nobody's child here. */
static int start_guard(struct offspring *offspring, int pipe_fd)
{
    const _Atomic int32_t *program = offspring->program;
    pid_t between = fork();

    if (between == 0) {
        free(offspring); /* of this process */
        pid_t pid = fork();
        if (pid == 0)
            run_guard(program, pipe_fd);
        _exit(pid < 0);
    }
    int status = 0;
    return between < 0 || waitpid(between, &status, 0) != between || status ? -ERR_SYSTEM : 0;
}

/* ---- children ---- */

/* A child that has ended and was not taken in: its pid; 0: all live; -1: there is no child. */
static pid_t ended_child(void)
{
    siginfo_t info = {0};

    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) ? -1 : info.si_pid;
}

static void take_in(pid_t pid)
{
    siginfo_t info;

    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG);
}

/* An orphan is the child of any thread of this process. */
static void kill_children_of(const char *thread)
{
    char path[64];
    long pid;

    snprintf(path, sizeof path, "/proc/self/task/%.16s/children", thread);
    FILE *children = fopen(path, "re");
    if (!children)
        return;
    while (fscanf(children, "%ld", &pid) == 1)
        kill((pid_t)pid, SIGKILL);
    fclose(children);
}

static void kill_children(void)
{
    DIR *threads = opendir("/proc/self/task");

    if (!threads)
        return;
    for (const struct dirent *each; (each = readdir(threads));)
        if (each->d_name[0] != '.')
            kill_children_of(each->d_name);
    closedir(threads);
}

/* Takes in children that have ended, but not that one, as many as are taken in at once: there may
 * be more each time. 0, or as ended_child what there is then. */
static pid_t take_in_ended(pid_t but)
{
    pid_t ended;

    for (int taken = 0; taken < AT_ONCE; taken++) {
        ended = ended_child();
        if (ended <= 0 || ended == but)
            return ended;
        take_in(ended);
    }
    return 0;
}

/* A killed child leaves its own children to this process: again until there are none. */
static void kill_rest(void)
{
    int64_t deadline_ns = clock_now_ns() + KILL_WITHIN_NS;

    while (take_in_ended(0) >= 0) {
        kill_children();
        if (clock_now_ns() >= deadline_ns) {
            log_event(LOG_WARN, "left_behind", "why=\"what the program has started does not end\"");
            return;
        }
        poll(NULL, 0, LOOK_MS);
    }
}

/* ---- in the worker ---- */

int offspring_open(struct offspring **out, struct why *why)
{
    struct offspring *offspring = calloc(1, sizeof *offspring);
    int pipe_fds[2] = {-1, -1};

    if (!offspring)
        return error_set(why, ERR_MEMORY, "out of memory");
    offspring->has_others = ended_child() >= 0;
    offspring->program = mmap(NULL, sizeof *offspring->program, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int error = offspring->program == MAP_FAILED || pipe2(pipe_fds, O_CLOEXEC) ? -ERR_SYSTEM : 0;
    offspring->pipe_fd = pipe_fds[1];
    if (!error)
        error = start_guard(offspring, pipe_fds[0]);
    if (!error)
        error = prctl(PR_SET_CHILD_SUBREAPER, 1) ? -ERR_SYSTEM : 0;
    int reason = errno;
    if (pipe_fds[0] >= 0)
        close(pipe_fds[0]);
    if (error) {
        offspring_close(offspring);
        return error_set(why, ERR_SYSTEM, "cannot start the program's guard: %s", strerror(reason));
    }
    *out = offspring;
    return 0;
}

void offspring_close(struct offspring *offspring)
{
    if (!offspring)
        return;
    if (offspring->pipe_fd >= 0)
        close(offspring->pipe_fd);
    if (offspring->program != MAP_FAILED)
        munmap((void *)offspring->program, sizeof *offspring->program);
    free(offspring);
}

void offspring_watch(struct offspring *offspring, pid_t program)
{
    *offspring->program = program;
}

/* Until it has ended; 0, or -ERR_TIMEOUT. Its number is nobody else's until it was taken in. */
static int await_end(pid_t program, siginfo_t *info)
{
    int64_t deadline_ns = clock_now_ns() + KILL_WITHIN_NS;

    for (;;) {
        *info = (siginfo_t){0};
        if (waitid(P_PID, (id_t)program, info, WEXITED | WNOHANG) || info->si_pid)
            return 0;
        if (clock_now_ns() >= deadline_ns)
            return -ERR_TIMEOUT;
        poll(NULL, 0, LOOK_MS);
    }
}

void offspring_kill(struct offspring *offspring, pid_t program, struct offspring_end *end)
{
    siginfo_t info;

    kill(-program, SIGKILL);
    if (await_end(program, &info))
        log_event(LOG_WARN, "left_behind", "why=\"the program does not end\" child=%d",
                  (int)program);
    *end =
        (struct offspring_end){.by_signal = info.si_code != CLD_EXITED, .number = info.si_status};
    *offspring->program = 0;
    if (!offspring->has_others)
        kill_rest();
}

void offspring_reap(const struct offspring *offspring, pid_t program)
{
    if (!offspring->has_others)
        take_in_ended(program);
}
