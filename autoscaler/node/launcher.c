#include "launcher.h"

#include "group.h"
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The process that was started, whose number is its group's too, and the pipe on which it says that
 * it is ready. */
struct child {
    pid_t pid;
    int pid_fd, ready_fd;
    _Atomic int32_t *place; /* in the guardian's table, or NULL */
    bool left;              /* it has been waited for, and others of its group live */
    int code, signal;       /* how it ended */
};

struct launcher {
    struct launcher_settings settings;
    struct child *children;
    size_t used; /* from this slot on there was never a child */
    size_t left; /* children that have left others behind */
    int epoll_fd;
};

/* epoll tells which descriptor of which slot became readable. */
enum watched { WATCHED_PID, WATCHED_READY };

static int watch(struct launcher *launcher, int fd, size_t slot, enum watched what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)slot * 2 + what};

    return epoll_ctl(launcher->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* 0 when the file can be executed, else why not. */
static int executable(const char *path)
{
    struct stat status;

    if (stat(path, &status))
        return errno;
    if (!S_ISREG(status.st_mode))
        return EACCES;
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) ? errno : 0;
}

/* The reason that tells most: a file that is there but cannot be executed beats one that is not
 * there. */
static int search_path(const char *program)
{
    const char *path = getenv("PATH");
    char candidate[PATH_MAX];
    int reason = ENOENT;

    for (const char *at = path ? path : "/usr/bin:/bin"; at;) {
        int length = (int)strcspn(at, ":");
        snprintf(candidate, sizeof candidate, "%.*s/%s", length ? length : 1, length ? at : ".",
                 program);
        int found = executable(candidate);
        if (!found)
            return 0;
        if (found != ENOENT && found != ENOTDIR)
            reason = found;
        at = at[length] ? at + length + 1 : NULL;
    }
    return reason;
}

int launcher_check(const char *program, struct why *why)
{
    int reason = !program[0]            ? ENOENT
                 : strchr(program, '/') ? executable(program)
                                        : search_path(program);

    if (!reason)
        return 0;
    return error_set(why, ERR_CONFIG, "cannot execute the worker '%s': %s", program,
                     strerror(reason));
}

int launcher_open(const struct launcher_settings *settings, struct launcher **out, struct why *why)
{
    struct launcher *launcher = calloc(1, sizeof *launcher);
    struct child *children = calloc(settings->slots, sizeof *children);

    if (!launcher || !children) {
        free(launcher);
        free(children);
        return error_set(why, ERR_MEMORY, "out of memory");
    }
    launcher->settings = *settings;
    launcher->children = children;
    launcher->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (launcher->epoll_fd < 0) {
        int error = error_set(why, ERR_SYSTEM, "cannot watch workers: %s", strerror(errno));
        launcher_close(launcher);
        return error;
    }
    group_inherit_orphans();
    *out = launcher;
    return 0;
}

void launcher_close(struct launcher *launcher)
{
    if (!launcher)
        return;
    for (size_t i = 0; i < launcher->used; i++) {
        close_fd(&launcher->children[i].pid_fd);
        close_fd(&launcher->children[i].ready_fd);
    }
    close_fd(&launcher->epoll_fd);
    free(launcher->children);
    free(launcher);
}

/* Everything the child needs is made before fork: after it only calls that are safe there are
 * left. */
struct preparation {
    char fd_variable[64], slot_variable[64], ready_variable[64];
    char **environment;
    int ready[2], failure[2];
    _Atomic int32_t *place; /* in the guardian's table, or NULL */
    bool guarded;           /* the guardian ends it, should this process be killed */
};

static void forget_preparation(struct preparation *preparation)
{
    free(preparation->environment);
    preparation->environment = NULL;
    close_fd(&preparation->ready[0]);
    close_fd(&preparation->ready[1]);
    close_fd(&preparation->failure[0]);
    close_fd(&preparation->failure[1]);
}

static bool same_variable(const char *a, const char *b)
{
    size_t length = strcspn(a, "=");

    return length == strcspn(b, "=") && strncmp(a, b, length) == 0;
}

/* The environment of this process with the worker's variables in place of any of the same name. */
static char **worker_environment(const struct launcher *launcher, struct preparation *preparation)
{
    const char *own[] = {preparation->fd_variable, preparation->slot_variable,
                         preparation->ready_variable};
    const char *const *added = launcher->settings.environment;
    size_t inherited = 0, more = 0;

    while (environ[inherited])
        inherited++;
    while (added[more])
        more++;
    char **environment = calloc(inherited + more + 4, sizeof *environment);
    if (!environment)
        return NULL;

    size_t count = 0;
    for (size_t i = 0; i < 3; i++)
        environment[count++] = (char *)(uintptr_t)own[i];
    for (size_t i = 0; i < more; i++)
        environment[count++] = (char *)(uintptr_t)added[i];
    size_t set = count;
    for (size_t i = 0; i < inherited; i++) {
        bool replaced = false;
        for (size_t j = 0; j < set && !replaced; j++)
            replaced = same_variable(environ[i], environment[j]);
        if (!replaced)
            environment[count++] = environ[i];
    }
    return environment;
}

static int prepare(const struct launcher *launcher, size_t slot, struct preparation *preparation,
                   struct why *why)
{
    *preparation = (struct preparation){.ready = {-1, -1}, .failure = {-1, -1}};
    if (pipe2(preparation->ready, O_CLOEXEC) || pipe2(preparation->failure, O_CLOEXEC) ||
        fcntl(preparation->ready[0], F_SETFL, O_NONBLOCK)) {
        int error = error_set(why, ERR_SYSTEM, "cannot start a worker: %s", strerror(errno));
        forget_preparation(preparation);
        return error;
    }
    const struct launcher_settings *settings = &launcher->settings;
    snprintf(preparation->fd_variable, sizeof preparation->fd_variable, "%s=%d",
             settings->scoreboard_variable, settings->scoreboard_fd);
    snprintf(preparation->slot_variable, sizeof preparation->slot_variable, "%s=%zu",
             settings->slot_variable, slot);
    snprintf(preparation->ready_variable, sizeof preparation->ready_variable, "%s=%d",
             settings->ready_variable, preparation->ready[1]);
    preparation->environment = worker_environment(launcher, preparation);
    if (settings->guardian)
        preparation->place = guardian_place(settings->guardian);
    preparation->guarded = preparation->place && guardian_lives(settings->guardian);
    if (preparation->environment)
        return 0;
    forget_preparation(preparation);
    return error_set(why, ERR_MEMORY, "out of memory");
}

/* Tells the guardian of a worker; 0: the place is free. */
static void set_place(_Atomic int32_t *place, pid_t pid)
{
    if (place)
        *place = pid;
}

static void run_child(const struct launcher *launcher, const struct preparation *preparation,
                      pid_t parent) __attribute__((noreturn));

static void run_child(const struct launcher *launcher, const struct preparation *preparation,
                      pid_t parent)
{
    char *const *command = launcher->settings.command;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    /* A group of its own, so that Ctrl-C on the terminal reaches the autoscaler alone. */
    setpgid(0, 0);
    set_place(preparation->place, getpid());
    if (!preparation->guarded)
        prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (null >= 0)
        dup2(null, STDIN_FILENO);
    /* A thread that connects may have made a socket that is not yet marked so. */
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    fcntl(launcher->settings.scoreboard_fd, F_SETFD, 0);
    fcntl(preparation->ready[1], F_SETFD, 0);
    /* The pipe is read once, and then closed. As the worker has this end too, it may say that it is
     * ready a second time, and does not die of SIGPIPE. */
    fcntl(preparation->ready[0], F_SETFD, 0);
    signals_restore();
    /* The parent may have died before anybody could be told. */
    if (getppid() != parent)
        _exit(0);
    execvpe(command[0], command, preparation->environment);

    int reason = errno;
    ssize_t written = write(preparation->failure[1], &reason, sizeof reason);
    (void)written;
    _exit(127);
}

/* Reads why exec failed; the pipe just closes when it succeeded. */
static int exec_failure(int fd)
{
    int reason = 0;
    ssize_t got;

    do
        got = read(fd, &reason, sizeof reason);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof reason ? reason : 0;
}

static bool temporary(int reason)
{
    return reason == EAGAIN || reason == ENOMEM || reason == EMFILE || reason == ENFILE ||
           reason == ETXTBSY || reason == EIO;
}

int launcher_start(struct launcher *launcher, size_t slot, struct why *why)
{
    struct child *child = &launcher->children[slot];
    struct preparation preparation;
    while (launcher->used <= slot)
        launcher->children[launcher->used++] = (struct child){.pid_fd = -1, .ready_fd = -1};
    int error = prepare(launcher, slot, &preparation, why);
    if (error)
        return error;

    pid_t self = getpid();
    pid_t pid = fork();
    if (pid == 0)
        run_child(launcher, &preparation, self);
    if (pid < 0) {
        error = error_set(why, ERR_SYSTEM, "cannot start a worker: %s", strerror(errno));
        goto out;
    }
    close_fd(&preparation.failure[1]);
    /* Whichever of the two comes first: this process may be killed, and so may the child. */
    set_place(preparation.place, pid);
    int reason = exec_failure(preparation.failure[0]);
    if (reason) {
        waitpid(pid, NULL, 0);
        set_place(preparation.place, 0);
        error = error_set(why, temporary(reason) ? ERR_SYSTEM : ERR_CONFIG,
                          "cannot execute the worker '%s': %s", launcher->settings.command[0],
                          strerror(reason));
        goto out;
    }
    int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pid_fd < 0 || watch(launcher, pid_fd, slot, WATCHED_PID)) {
        error = error_set(why, ERR_SYSTEM, "cannot watch a worker: %s", strerror(errno));
        kill(-pid, SIGKILL);
        waitpid(pid, NULL, 0);
        set_place(preparation.place, 0);
        close_fd(&pid_fd);
        goto out;
    }
    *child = (struct child){
        .pid = pid, .pid_fd = pid_fd, .ready_fd = preparation.ready[0], .place = preparation.place};
    preparation.ready[0] = -1;
    /* Without it the worker counts as running after a second: no reason to give up. */
    if (watch(launcher, child->ready_fd, slot, WATCHED_READY))
        close_fd(&child->ready_fd);
out:
    forget_preparation(&preparation);
    return error;
}

static void signal_process(const struct child *child, int number)
{
    if (child->pid && !child->left)
        kill(child->pid, number);
}

void launcher_drain(struct launcher *launcher, size_t slot)
{
    signal_process(&launcher->children[slot], SIGTERM);
}

void launcher_renew(struct launcher *launcher, size_t slot)
{
    signal_process(&launcher->children[slot], SIGHUP);
}

void launcher_kill(struct launcher *launcher, size_t slot)
{
    const struct child *child = &launcher->children[slot];

    if (child->pid && !(child->left && group_is_empty(child->pid)))
        kill(-child->pid, SIGKILL);
}

int launcher_pid(const struct launcher *launcher, size_t slot)
{
    return launcher->children[slot].pid;
}

bool launcher_stopped(const struct launcher *launcher, size_t slot)
{
    char path[32], stat[256];

    if (!launcher->children[slot].pid)
        return false;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)launcher->children[slot].pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t length = read(fd, stat, sizeof stat - 1);
    close(fd);
    stat[length > 0 ? length : 0] = '\0';
    /* "PID (NAME) STATE ...", and a name may hold anything. */
    const char *name_end = strrchr(stat, ')');
    return name_end && strncmp(name_end, ") T ", 4) == 0;
}

bool launcher_waits_for_rest(const struct launcher *launcher)
{
    return launcher->left > 0;
}

int launcher_fd(const struct launcher *launcher)
{
    return launcher->epoll_fd;
}

/* The worker may have this end of the pipe too, so that closing it does not end the watch. */
static void close_ready(const struct launcher *launcher, struct child *child)
{
    if (child->ready_fd >= 0)
        epoll_ctl(launcher->epoll_fd, EPOLL_CTL_DEL, child->ready_fd, NULL);
    close_fd(&child->ready_fd);
}

/* A byte on the ready pipe; true when there was one. It is read once, and the pipe closed. */
static bool take_ready(const struct launcher *launcher, struct child *child)
{
    char byte;
    ssize_t got = read(child->ready_fd, &byte, 1);

    if (got >= 0)
        close_ready(launcher, child);
    return got == 1;
}

/* Nobody is left of the group, so that its number may be another's from now on. */
static void take_last(struct launcher *launcher, struct child *child, struct launcher_event *event)
{
    *event = (struct launcher_event){.type = LAUNCHER_ENDED,
                                     .slot = (size_t)(child - launcher->children),
                                     .pid = child->pid,
                                     .code = child->code,
                                     .signal = child->signal};
    set_place(child->place, 0);
    launcher->left -= child->left;
    *child = (struct child){.pid_fd = -1, .ready_fd = -1};
}

static bool take_end(struct launcher *launcher, struct child *child, struct launcher_event *event)
{
    siginfo_t info = {0};

    if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT)) {
        /* Somebody else has taken it in, and nobody knows how it ended. */
        info.si_status = SIGKILL;
    } else if (info.si_pid) {
        /* What it has started has lost who could tell it. Until it is waited for, the group's
         * number is its own. */
        kill(-child->pid, SIGTERM);
        waitid(P_PID, (id_t)child->pid, &info, WEXITED);
    } else {
        return false;
    }
    bool exited = info.si_code == CLD_EXITED;
    child->code = exited ? info.si_status : 0;
    child->signal = exited ? 0 : info.si_status;
    close_fd(&child->pid_fd);
    close_ready(launcher, child);
    if (group_is_empty(child->pid)) {
        take_last(launcher, child, event);
        return true;
    }
    child->left = true;
    launcher->left++;
    event->type = LAUNCHER_LEFT;
    event->code = child->code;
    event->signal = child->signal;
    return true;
}

/* A group whose first process had ended before the rest, and now that has ended too. */
static bool take_rest(struct launcher *launcher, struct launcher_event *event)
{
    for (size_t i = 0; launcher->left && i < launcher->used; i++) {
        struct child *child = &launcher->children[i];
        if (child->left && group_is_empty(child->pid)) {
            take_last(launcher, child, event);
            return true;
        }
    }
    return false;
}

int launcher_next(struct launcher *launcher, struct launcher_event *event)
{
    struct epoll_event readable;

    while (epoll_wait(launcher->epoll_fd, &readable, 1, 0) == 1) {
        struct child *child = &launcher->children[readable.data.u64 / 2];
        *event = (struct launcher_event){
            .type = LAUNCHER_READY, .slot = readable.data.u64 / 2, .pid = child->pid};
        /* One that was ready and has ended tells both, in that order. */
        if (child->ready_fd >= 0 && take_ready(launcher, child))
            return 1;
        if (readable.data.u64 % 2 == WATCHED_PID && take_end(launcher, child, event))
            return 1;
    }
    return take_rest(launcher, event);
}
