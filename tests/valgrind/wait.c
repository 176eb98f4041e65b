/* wait PID - ends when that process has ended, or after ten minutes. */
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct pollfd end = {.fd = argc == 2 ? (int)syscall(SYS_pidfd_open, atoi(argv[1]), 0) : -1,
                         .events = POLLIN};

    return end.fd >= 0 && poll(&end, 1, 600000) == 1 ? 0 : 1;
}
