#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int copy(FILE *content, int fd)
{
    char buffer[65536];
    size_t got;

    while ((got = fread(buffer, 1, sizeof buffer, content)) > 0) {
        for (size_t written = 0; written < got;) {
            ssize_t now = write(fd, buffer + written, got - written);
            if (now < 0 && errno != EINTR)
                return -1;
            written += now > 0 ? (size_t)now : 0;
        }
    }
    return ferror(content) ? -1 : 0;
}

/* 0, or -1 with errno. */
static int replace(const char *path, char *temporary, FILE *content)
{
    int fd = mkostemp(temporary, O_CLOEXEC);
    mode_t mask = umask(0);

    umask(mask);
    if (fd < 0)
        return -1;
    int failed = copy(content, fd) || fchmod(fd, 0666 & ~mask);
    int reason = errno;
    if (close(fd) && !failed) {
        failed = 1;
        reason = errno;
    }
    if (!failed && rename(temporary, path)) {
        failed = 1;
        reason = errno;
    }
    if (!failed)
        return 0;
    unlink(temporary);
    errno = reason;
    return -1;
}

int output_write(const char *path, FILE *content, struct why *why)
{
    /* dirname writes into its argument. */
    char *copied = strdup(path);
    char *temporary = NULL;

    if (!copied || asprintf(&temporary, "%s/.winnow-plot.XXXXXX", dirname(copied)) < 0) {
        free(copied);
        return error_set(why, ERR_MEMORY, "out of memory");
    }

    /* A signal that ended the program here would leave the temporary file behind, so it waits. */
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    int failed = replace(path, temporary, content);
    int reason = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);

    free(temporary);
    free(copied);
    return failed ? error_set(why, ERR_CONFIG, "cannot write '%s': %s", path, strerror(reason)) : 0;
}
