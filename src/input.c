#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Waits until there is something to read, or the end. False with errno ETIMEDOUT: there is not. */
static bool wait_for(int fd, int patience_ms)
{
    int found;

    do
        found = poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, patience_ms);
    while (found < 0 && errno == EINTR);
    if (found == 0)
        errno = ETIMEDOUT;
    return found != 0;
}

int input_open(const char *path, int patience_ms)
{
    struct stat status;
    bool usable = false;
    /* Otherwise a pipe would wait here for its writer. */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &status))
        ;
    else if (S_ISDIR(status.st_mode))
        errno = EISDIR;
    else
        /* A pipe that never had a writer would be at its end. */
        usable = (!S_ISFIFO(status.st_mode) || wait_for(fd, patience_ms)) &&
                 fcntl(fd, F_SETFL, O_RDONLY) == 0;
    if (usable)
        return fd;
    int reason = errno;
    if (fd >= 0)
        close(fd);
    errno = reason;
    return -1;
}

ssize_t input_read(int fd, void *to, size_t space, int patience_ms)
{
    ssize_t got;

    do {
        if (!wait_for(fd, patience_ms))
            return -1;
        got = read(fd, to, space);
    } while (got < 0 && errno == EINTR);
    return got;
}

const char *input_reason(int reason)
{
    return reason == ETIMEDOUT ? "a pipe into which nobody writes" : strerror(reason);
}

int input_check_repeatable(const char *path, struct why *why)
{
    struct stat status;

    if (stat(path, &status) || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))
        return 0;
    return error_set(why, ERR_CONFIG,
                     "%s: not a regular file, expected one that can be read more than once", path);
}
