#include "descriptors.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sysexits.h>
#include <unistd.h>

/* The lowest free number is what open gives; all below fd are taken. Not O_CLOEXEC: workers
 * inherit these three. */
static bool take_number(int fd, enum descriptors_manner manner)
{
    bool written = fd != STDIN_FILENO;

    if (fd != STDERR_FILENO && manner == DESCRIPTORS_FAILING)
        written = !written;
    /* A file system without /dev/null has a root all the same, which can only fail. */
    return open("/dev/null", written ? O_WRONLY : O_RDONLY) == fd || open("/", O_PATH) == fd;
}

void descriptors_open(enum descriptors_manner manner)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && !take_number(fd, manner))
            _exit(EX_OSERR);
}
