#include "guardian.h"

#include "clock.h"
#include "control/lamport.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME    "winnow-guardian" /* as long as the kernel allows */
#define PIPE_FD (STDERR_FILENO + 1)

/* How often the rest of a group is looked at: nobody tells when the last of it ends. */
#define LOOK_MS 20

struct table {
    _Atomic int64_t clock; /* of both logs */
    _Atomic int64_t patience_ns;
    _Atomic int32_t guardian;
    _Atomic int32_t groups[]; /* 0: free */
};

struct guardian {
    struct table *table;
    size_t groups;
    int pipe_fd; /* the end that closes when this process ends */
    int pid_fd;
};

static size_t table_bytes(size_t groups)
{
    return sizeof(struct table) + groups * sizeof(int32_t);
}

/* ---- in the guardian ---- */

/* A group that is being ended. */
struct watched {
    _Atomic int32_t *group;
    bool rest_told; /* what the started process left behind has got SIGTERM */
};

static void tell_first(const struct guardian *guardian, struct watched *watched,
                       struct pollfd *leaders, size_t *count)
{
    for (size_t i = 0; i < guardian->groups; i++) {
        int32_t group = guardian->table->groups[i];
        if (!group)
            continue;
        watched[*count] = (struct watched){.group = &guardian->table->groups[i]};
        leaders[*count] =
            (struct pollfd){.fd = (int)syscall(SYS_pidfd_open, group, 0), .events = POLLIN};
        if (leaders[*count].fd >= 0)
            kill(group, SIGTERM);
        ++*count;
    }
}

/* Tells the rest of groups whose first process has ended; false when no group is left. */
static bool tell_rest(struct watched *watched, struct pollfd *leaders, size_t count)
{
    bool any = false;

    for (size_t i = 0; i < count; i++) {
        int32_t group = *watched[i].group;
        if (!group)
            continue;
        if (!watched[i].rest_told && (leaders[i].fd < 0 || leaders[i].revents)) {
            watched[i].rest_told = true;
            leaders[i].fd = -1;
            kill(-group, SIGTERM);
        }
        if (kill(-group, 0) && errno == ESRCH)
            *watched[i].group = 0;
        else
            any = true;
    }
    return any;
}

static void end_groups(const struct guardian *guardian)
{
    struct watched *watched = calloc(guardian->groups, sizeof *watched);
    struct pollfd *leaders = calloc(guardian->groups, sizeof *leaders);
    size_t count = 0, killed = 0;

    if (!watched || !leaders)
        goto out;
    int64_t deadline_ns = clock_now_ns() + guardian->table->patience_ns;
    tell_first(guardian, watched, leaders, &count);
    if (count)
        log_event(LOG_WARN, "autoscaler_gone", "workers=%zu doing=\"draining them\"", count);
    while (tell_rest(watched, leaders, count) && clock_now_ns() < deadline_ns)
        poll(leaders, count, LOOK_MS);
    for (size_t i = 0; i < count; i++)
        if (*watched[i].group) {
            log_event(LOG_WARN, "worker_killed", "worker=%d", (int)*watched[i].group);
            kill(-*watched[i].group, SIGKILL);
            killed++;
        }
    if (count)
        log_event(LOG_INFO, "workers_gone", "drained=%zu killed=%zu", count - killed, killed);
out:
    free(watched);
    free(leaders);
}

/* `ps` and `pgrep` are to know it from the autoscaler. The name stands where argv[0] stood. */
static void take_name(void)
{
    size_t room = strlen(program_invocation_name);

    prctl(PR_SET_NAME, NAME);
    memset(program_invocation_name, '\0', room);
    memcpy(program_invocation_name, NAME, room < strlen(NAME) ? room : strlen(NAME));
    log_open(NAME, LOG_INFO);
}

/* Keeps nothing of the autoscaler's but standard error, for its log, and this end of the pipe. */
static void keep_only(int pipe_fd)
{
    int null = open("/dev/null", O_RDWR);

    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(pipe_fd, PIPE_FD);
    close_range(PIPE_FD + 1, ~0U, 0);
}

static void run_guardian(struct guardian *guardian, int pipe_fd) __attribute__((noreturn));

static void run_guardian(struct guardian *guardian, int pipe_fd)
{
    static const int asking_to_end[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE};
    char byte;

    /* Neither a terminal nor a signal to the autoscaler's group means it. */
    setsid();
    for (size_t i = 0; i < sizeof asking_to_end / sizeof asking_to_end[0]; i++)
        signal(asking_to_end[i], SIG_IGN);
    take_name();
    keep_only(pipe_fd);
    while (read(PIPE_FD, &byte, 1) < 0 && errno == EINTR)
        continue;
    end_groups(guardian);
    free(guardian);
    _exit(0);
}

/* ---- in the autoscaler ---- */

/* By way of a child that ends at once, so that the guardian is nobody's child here. */
static int start(struct guardian *guardian, int pipe_fd)
{
    pid_t between = fork();

    if (between == 0) {
        pid_t pid = fork();
        if (pid == 0)
            run_guardian(guardian, pipe_fd);
        guardian->table->guardian = pid;
        _exit(pid < 0);
    }
    int status = 0;
    if (between < 0 || waitpid(between, &status, 0) != between || status)
        return -ERR_SYSTEM;
    guardian->pid_fd = (int)syscall(SYS_pidfd_open, guardian->table->guardian, 0);
    return guardian->pid_fd < 0 ? -ERR_SYSTEM : 0;
}

int guardian_open(size_t groups, int64_t patience_ns, struct guardian **out, struct why *why)
{
    struct guardian *guardian = calloc(1, sizeof *guardian);
    int pipe_fds[2] = {-1, -1};
    if (!guardian)
        return error_set(why, ERR_MEMORY, "out of memory");

    *guardian = (struct guardian){.groups = groups, .pipe_fd = -1, .pid_fd = -1};
    guardian->table =
        mmap(NULL, table_bytes(groups), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int error = guardian->table == MAP_FAILED || pipe2(pipe_fds, O_CLOEXEC) ? -ERR_SYSTEM : 0;
    if (!error) {
        lamport_share(log_clock(), &guardian->table->clock);
        guardian->table->patience_ns = patience_ns;
        guardian->pipe_fd = pipe_fds[1];
        error = start(guardian, pipe_fds[0]);
        int reason = errno;
        close(pipe_fds[0]);
        errno = reason;
    }
    if (error) {
        error_set(why, ERR_SYSTEM, "cannot start the workers' guardian: %s", strerror(errno));
        guardian_close(guardian);
        return error;
    }
    *out = guardian;
    return 0;
}

void guardian_close(struct guardian *guardian)
{
    if (!guardian)
        return;
    if (guardian->pipe_fd >= 0)
        close(guardian->pipe_fd);
    if (guardian->pid_fd >= 0)
        close(guardian->pid_fd);
    if (guardian->table != MAP_FAILED) {
        lamport_unshare(log_clock(), &guardian->table->clock);
        munmap(guardian->table, table_bytes(guardian->groups));
    }
    free(guardian);
}

void guardian_wait_longer(struct guardian *guardian, int64_t patience_ns)
{
    if (patience_ns > guardian->table->patience_ns)
        guardian->table->patience_ns = patience_ns;
}

int guardian_fd(const struct guardian *guardian)
{
    return guardian->pid_fd;
}

bool guardian_lives(const struct guardian *guardian)
{
    struct pollfd ended = {.fd = guardian->pid_fd, .events = POLLIN};

    return poll(&ended, 1, 0) == 0;
}

_Atomic int32_t *guardian_place(struct guardian *guardian)
{
    for (size_t i = 0; i < guardian->groups; i++)
        if (!guardian->table->groups[i])
            return &guardian->table->groups[i];
    return NULL;
}

bool guardian_knows(const struct guardian *guardian, int pid)
{
    for (size_t i = 0; i < guardian->groups; i++)
        if (guardian->table->groups[i] == pid)
            return true;
    return false;
}
