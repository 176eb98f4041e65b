#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define BODY_FD (STDERR_FILENO + 1) /* as PROGRAM_BODY_PATH has it */

#define STACK_BYTES (32 << 10) /* of a child until it is the program */

extern char **environ;

/* ---- finding ---- */

static bool is_executable(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/* The first of that name in $PATH, on the heap; NULL with errno. */
static char *find_in_path(const char *name)
{
    const char *from = getenv("PATH");
    char *path;

    for (from = from ? from : "/usr/local/bin:/usr/bin:/bin"; from;
         from = *from ? from + 1 : NULL) {
        size_t length = strcspn(from, ":");
        if (asprintf(&path, "%.*s%s%s", (int)length, from, length ? "/" : "", name) < 0)
            return NULL;
        if (is_executable(path))
            return path;
        free(path);
        from += length;
    }
    errno = ENOENT;
    return NULL;
}

static char *find(const char *name)
{
    return strchr(name, '/') ? strdup(name) : find_in_path(name);
}

/* ---- trying ---- */

static void load(const char *path, char *const *argv, int report_fd) __attribute__((noreturn));

/* In a child: it stops before the first instruction of the program. Where nobody may be traced, as
 * in some containers, nothing is tried. */
static void load(const char *path, char *const *argv, int report_fd)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
        _exit(0);
    execve(path, argv, environ);
    int reason = errno;
    ssize_t sent = write(report_fd, &reason, sizeof reason);
    _exit(sent != sizeof reason);
}

/* The errno for which the kernel does not load it; 0: it does, or cannot be asked. */
static int try_load(const char *path, char *const *argv)
{
    int pipe_fds[2], reason = 0, status;

    if (pipe2(pipe_fds, O_CLOEXEC))
        return 0;
    pid_t pid = fork();
    if (pid == 0)
        load(path, argv, pipe_fds[1]);
    close(pipe_fds[1]);
    if (pid > 0) {
        if (read(pipe_fds[0], &reason, sizeof reason) != sizeof reason)
            reason = 0;
        while (waitpid(pid, &status, 0) == pid && !WIFEXITED(status) && !WIFSIGNALED(status))
            kill(pid, SIGKILL);
    }
    close(pipe_fds[0]);
    return reason;
}

/* What a missing or wrong file means depends on whether the program itself is there. */
static int refuse(const char *name, const char *path, int reason, struct why *why)
{
    struct stat status;
    bool there = stat(path, &status) == 0;

    if (there && S_ISDIR(status.st_mode))
        reason = EISDIR;
    if (there && reason == ENOENT)
        return error_set(why, ERR_CONFIG,
                         "cannot run '%s': the interpreter that its first line or its header "
                         "names is missing",
                         name);
    if (reason == ENOEXEC)
        return error_set(why, ERR_CONFIG,
                         "cannot run '%s': it is neither a program of this machine nor a script "
                         "whose first line names its interpreter",
                         name);
    return error_set(why, ERR_CONFIG, "cannot run '%s': %s", name, strerror(reason));
}

int program_open(char *const *argv, struct program *program, struct why *why)
{
    char *path = find(argv[0]);

    *program = (struct program){.argv = argv, .path = path};
    if (!path)
        return errno == ENOENT ? error_set(why, ERR_CONFIG,
                                           "cannot run '%s': no such program in $PATH", argv[0])
                               : error_set(why, ERR_MEMORY, "out of memory");
    int reason = try_load(path, argv);
    return reason ? refuse(argv[0], path, reason, why) : 0;
}

void program_close(struct program *program)
{
    free(program->path);
    program->path = NULL;
}

/* ---- starting ---- */

int program_open_body(const char *bytes, size_t length)
{
    int fd = memfd_create("event", MFD_CLOEXEC);

    while (fd >= 0 && length) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0) {
            int reason = errno;
            close(fd);
            errno = reason;
            return -1;
        }
        bytes += written;
        length -= (size_t)written;
    }
    return fd;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void program_let_go(struct process *process)
{
    close_fd(&process->pid_fd);
    close_fd(&process->in_fd);
    close_fd(&process->out_fd);
    close_fd(&process->err_fd);
}

struct start {
    const struct program *program;
    char *const *environment;
    int ends[3];
    int body_fd;
    int reason; /* the errno for which it has not become the program */
};

/* In the child, which runs in this process's memory until it is the program: it asks the kernel and
 * does nothing else. */
static int become(void *argument)
{
    struct start *start = argument;
    const struct program *program = start->program;
    const int *ends = start->ends;
    int input = program->body_is_file ? open("/dev/null", O_RDONLY) : ends[0];
    sigset_t none;

    setsid();
    /* Those that signals_open ignores; what whoever started the worker ignores stays so. */
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (input >= 0 && dup2(input, STDIN_FILENO) >= 0 && dup2(ends[1], STDOUT_FILENO) >= 0 &&
        dup2(ends[2], STDERR_FILENO) >= 0 &&
        (!program->body_is_file ||
         (dup2(start->body_fd, BODY_FD) >= 0 && fcntl(BODY_FD, F_SETFD, 0) == 0)) &&
        close_range(BODY_FD + program->body_is_file, ~0U, 0) == 0)
        execve(program->path, program->argv, start->environment);
    start->reason = errno;
    return EX_OSERR;
}

/* As posix_spawn does it, but for what is not needed here: that looks at each signal for a handler,
 * maps a stack, and asks for limits, which is a twelfth of the time that a short program takes from
 * its start to its end. While this thread stands still, the child's stack is in its frame. 0 or an
 * errno. */
static int spawn(struct start *start, struct process *process)
{
    _Alignas(16) char stack[STACK_BYTES];

    start->reason = 0;
    pid_t pid = clone(become, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD,
                      start, &process->pid_fd);
    if (pid < 0)
        return errno;
    if (start->reason)
        waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED);
    else
        process->pid = pid;
    return start->reason;
}

/* A pipe of which one end is the program's. Who reads knows that something is there; who writes
 * does not know for how much there is room. */
static int open_pipe(bool program_reads, int *own, int *programs)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC))
        return errno;
    *own = fds[program_reads];
    *programs = fds[!program_reads];
    return program_reads && fcntl(*own, F_SETFL, O_NONBLOCK) ? errno : 0;
}

int program_start(const struct program *program, char *const *environment, int body_fd,
                  struct process *process, struct why *why)
{
    struct start start = {
        .program = program, .environment = environment, .ends = {-1, -1, -1}, .body_fd = body_fd};

    *process = (struct process){.pid = -1, .pid_fd = -1, .in_fd = -1, .out_fd = -1, .err_fd = -1};
    int error = program->body_is_file ? 0 : open_pipe(true, &process->in_fd, &start.ends[0]);
    if (!error)
        error = open_pipe(false, &process->out_fd, &start.ends[1]);
    if (!error)
        error = open_pipe(false, &process->err_fd, &start.ends[2]);
    if (!error)
        error = spawn(&start, process);
    for (int fd = 0; fd < 3; fd++)
        close_fd(&start.ends[fd]);
    if (!error)
        return 0;
    program_let_go(process);
    return error_set(why, error == E2BIG ? ERR_INVALID : ERR_SYSTEM, "cannot run '%s': %s",
                     program->argv[0], strerror(error));
}
