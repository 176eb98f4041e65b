/* launcher_fixture.h - for the tests of the launcher: one launcher in a directory of its own, whose
 * workers are shell scripts, and the events that it tells within a limit. */
#ifndef WINNOW_TESTS_LAUNCHER_FIXTURE_H
#define WINNOW_TESTS_LAUNCHER_FIXTURE_H

#include "autoscaler/node/launcher.h"
#include "clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SLOTS    64
#define LIMIT_NS (20 * CLOCK_NS_PER_S)

static char directory[] = "/tmp/winnow-launcher-XXXXXX";
static int board_fd;
static struct launcher *launcher;
static struct guardian *guardian; /* of the launcher that is opened next; NULL: none */

static inline int enter_directory(void **state)
{
    (void)state;
    /* Only what the launcher itself opens shall be seen. */
    closefrom(3);
    board_fd = memfd_create("board", MFD_CLOEXEC);
    return board_fd >= 0 && mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static inline int leave_directory(void **state)
{
    (void)state;
    return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

/* Ends what a failed claim left running. */
static inline int close_launcher(void **state)
{
    (void)state;
    for (size_t i = 0; launcher && i < SLOTS; i++) {
        pid_t pid = launcher_pid(launcher, i);
        launcher_kill(launcher, i);
        if (pid)
            waitpid(pid, NULL, 0);
    }
    launcher_close(launcher);
    launcher = NULL;
    unlink("out");
    unlink("worker");
    return 0;
}

static char *const sleeper[] = {"sleep", "60", NULL};
static const char *const no_variables[] = {NULL};

static inline void open_launcher(char *const *command, const char *const *environment)
{
    struct why why;
    struct launcher_settings settings = {
        .slots = SLOTS,
        .command = command,
        .environment = environment ? environment : no_variables,
        .scoreboard_fd = board_fd,
        .scoreboard_variable = "TEST_BOARD_FD",
        .slot_variable = "TEST_SLOT",
        .ready_variable = "TEST_READY_FD",
        .guardian = guardian,
    };

    if (launcher_open(&settings, &launcher, &why) != 0)
        fail_msg("%s", why.text);
}

static inline void start(size_t slot)
{
    struct why why;

    if (launcher_start(launcher, slot, &why) != 0)
        fail_msg("%s", why.text);
    assert_true(launcher_pid(launcher, slot) > 0);
}

/* Workers that run a shell script; its text must live as long as they are started. */
#define open_shell(script)                                                                         \
    char *const command[] = {"/bin/sh", "-c", (char *)(uintptr_t)(script), NULL};                  \
    open_launcher(command, NULL)

#define SAY_READY "echo r >/proc/self/fd/$TEST_READY_FD; "

static inline struct launcher_event next_event(void)
{
    int64_t deadline_ns = clock_now_ns() + LIMIT_NS;
    struct launcher_event event;

    while (!launcher_next(launcher, &event)) {
        struct pollfd readable = {.fd = launcher_fd(launcher), .events = POLLIN};
        /* Of the end of what a worker left behind only SIGCHLD tells. */
        poll(&readable, 1, 10);
        if (clock_now_ns() > deadline_ns)
            fail_msg("no event came");
    }
    return event;
}

static inline void assert_ended(size_t slot, int pid, int code, int signal_number)
{
    struct launcher_event event = next_event();

    /* What a shell had started may end later than the shell. */
    if (event.type == LAUNCHER_LEFT)
        event = next_event();
    assert_int_equal(event.type, LAUNCHER_ENDED);
    assert_int_equal(event.slot, slot);
    assert_int_equal(event.pid, pid);
    assert_int_equal(event.code, code);
    assert_int_equal(event.signal, signal_number);
    assert_int_equal(launcher_pid(launcher, slot), 0);
}

static inline void assert_ready(size_t slot)
{
    struct launcher_event event = next_event();

    assert_int_equal(event.type, LAUNCHER_READY);
    assert_int_equal(event.slot, slot);
    assert_int_equal(event.pid, launcher_pid(launcher, slot));
}

static inline void assert_no_event(void)
{
    struct launcher_event event;

    assert_int_equal(launcher_next(launcher, &event), 0);
}

/* What a worker wrote to the file "out". */
static inline const char *output(void)
{
    static char text[1 << 16];
    int fd = open("out", O_RDONLY);

    assert_true(fd >= 0);
    ssize_t length = read(fd, text, sizeof text - 1);
    assert_true(length >= 0);
    close(fd);
    text[length] = '\0';
    return text;
}

static inline size_t open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

#endif
