#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BODY_FD (STDERR_FILENO + 1) /* as PROGRAM_BODY_PATH has it */

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

static int spawn(const struct program *program, char *const *environment, const int ends[3],
                 int body_fd, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t signals;
    int error = posix_spawn_file_actions_init(&actions);

    if (error)
        return error;
    if (program->body_is_file)
        error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    else
        error = posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    for (int fd = STDOUT_FILENO; !error && fd <= STDERR_FILENO; fd++)
        error = posix_spawn_file_actions_adddup2(&actions, ends[fd], fd);
    if (!error && program->body_is_file)
        error = posix_spawn_file_actions_adddup2(&actions, body_fd, BODY_FD);
    if (!error)
        error = posix_spawn_file_actions_addclosefrom_np(&actions, BODY_FD + program->body_is_file);
    if (!error && !(error = posix_spawnattr_init(&attributes))) {
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
                                                  POSIX_SPAWN_SETSIGMASK);
        sigemptyset(&signals);
        posix_spawnattr_setsigmask(&attributes, &signals);
        /* Those that signals_open ignores; what whoever started the worker ignores stays so. */
        sigaddset(&signals, SIGPIPE);
        sigaddset(&signals, SIGXFSZ);
        posix_spawnattr_setsigdefault(&attributes, &signals);
        error = posix_spawn(pid, program->path, &actions, &attributes, program->argv, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* A pipe of which one end is the program's. */
static int open_pipe(bool program_reads, int *own, int *programs)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC))
        return errno;
    *own = fds[program_reads];
    *programs = fds[!program_reads];
    return fcntl(*own, F_SETFL, O_NONBLOCK) ? errno : 0;
}

int program_start(const struct program *program, char *const *environment, int body_fd,
                  struct process *process, struct why *why)
{
    int ends[3] = {-1, -1, -1};
    pid_t pid = -1;

    *process = (struct process){.pid = -1, .pid_fd = -1, .in_fd = -1, .out_fd = -1, .err_fd = -1};
    int error = program->body_is_file ? 0 : open_pipe(true, &process->in_fd, &ends[0]);
    if (!error)
        error = open_pipe(false, &process->out_fd, &ends[1]);
    if (!error)
        error = open_pipe(false, &process->err_fd, &ends[2]);
    if (!error)
        error = spawn(program, environment, ends, body_fd, &pid);
    for (int fd = 0; fd < 3; fd++)
        close_fd(&ends[fd]);
    if (!error && (process->pid_fd = (int)syscall(SYS_pidfd_open, pid, 0)) < 0) {
        error = errno;
        kill(pid, SIGKILL);
        waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED);
    }
    if (error) {
        program_let_go(process);
        return error_set(why, error == E2BIG ? ERR_INVALID : ERR_SYSTEM, "cannot run '%s': %s",
                         program->argv[0], strerror(error));
    }
    process->pid = pid;
    return 0;
}
