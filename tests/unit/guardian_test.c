#include "autoscaler/node/guardian.h"

#include "clock.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define GROUPS   4
#define LIMIT_NS (20 * CLOCK_NS_PER_S)

/* Enough for a shell that ends as it is told to, on a machine that is busy with other things. */
#define PATIENCE_NS (4 * CLOCK_NS_PER_S)

static struct guardian *guardian;

static int open_guardian(void **state)
{
    (void)state;
    return guardian_open(GROUPS, PATIENCE_NS, &guardian, NULL);
}

static int close_guardian(void **state)
{
    (void)state;
    guardian_close(guardian);
    guardian = NULL;
    return 0;
}

/* A shell that leads a group of the table, as a worker does. */
static pid_t start_worker(const char *script)
{
    _Atomic int32_t *place = guardian_place(guardian);
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        setpgid(0, 0);
        *place = getpid();
        execl("/bin/bash", "bash", "-c", script, NULL);
        _exit(127);
    }
    while (!*place)
        poll(NULL, 0, 1);
    return pid;
}

static int status_of(pid_t pid)
{
    int64_t deadline_ns = clock_now_ns() + LIMIT_NS;
    int status;

    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (clock_now_ns() > deadline_ns)
            fail_msg("process %d did not end", (int)pid);
        poll(NULL, 0, 5);
    }
    return status;
}

static void assert_guardian_ends(void)
{
    struct pollfd ended = {.fd = guardian_fd(guardian), .events = POLLIN};

    assert_int_equal(poll(&ended, 1, 10000), 1);
    assert_false(guardian_lives(guardian));
}

static void places_are_taken_and_freed(void **state)
{
    _Atomic int32_t *places[GROUPS];

    (void)state;
    for (int i = 0; i < GROUPS; i++) {
        places[i] = guardian_place(guardian);
        assert_non_null(places[i]);
        *places[i] = 1000 + i;
    }
    assert_null(guardian_place(guardian));
    assert_true(guardian_knows(guardian, 1000 + GROUPS - 1));
    assert_false(guardian_knows(guardian, 1000 + GROUPS));
    *places[1] = 0;
    assert_ptr_equal(guardian_place(guardian), places[1]);
    assert_false(guardian_knows(guardian, 1001));
    for (int i = 0; i < GROUPS; i++)
        *places[i] = 0;
}

static void it_lives_until_the_pipe_ends_and_no_signal_of_a_terminal_ends_it(void **state)
{
    int fd = guardian_fd(guardian);
    char path[64], text[512];
    int pid = 0;

    (void)state;
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(text, sizeof text, file))
        sscanf(text, "Pid: %d", &pid);
    fclose(file);
    assert_true(pid > 0);
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    /* It is waited for until it has its name, which it takes when signals are no more to it. */
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    do {
        poll(NULL, 0, 1);
        file = fopen(path, "re");
        assert_non_null(file);
        assert_non_null(fgets(text, sizeof text, file));
        fclose(file);
    } while (strcmp(text, "winnow-guardian\n") != 0);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        assert_int_equal(kill(pid, numbers[i]), 0);
    assert_true(getsid(pid) == pid);
    assert_true(guardian_lives(guardian));
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_guardian_ends();
}

/* The workers of a process that is then killed. Each says r on standard output when it is ready. */
static void run_autoscaler(int output, int pids_fd)
{
    pid_t pids[3];

    dup2(output, STDOUT_FILENO);
    /* The guardian's log is no part of this test's output. */
    if (!freopen("/dev/null", "w", stderr) || open_guardian(NULL))
        _exit(1);
    pids[0] = start_worker("trap 'exit 5' TERM; echo -n r; while :; do sleep 0.01; done");
    pids[1] =
        start_worker("(trap 'echo -n 2; exit' TERM; echo -n r; while :; do sleep 0.01; done) &"
                     "trap 'sleep 0.1; echo -n 1; exit 6' TERM; echo -n r; wait; wait");
    pids[2] = start_worker("trap '' TERM; echo -n r; while :; do sleep 0.01; done");
    if (write(pids_fd, pids, sizeof pids) != sizeof pids)
        _exit(1);
    for (;;)
        pause();
}

/* Reads so many letters. */
static void read_letters(int fd, char *letters, size_t count)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(poll(&ready, 1, (int)(LIMIT_NS / CLOCK_NS_PER_MS)), 1);
        assert_int_equal(read(fd, letters + i, 1), 1);
    }
    letters[count] = '\0';
}

static void when_the_autoscaler_is_killed_its_workers_are_ended(void **state)
{
    int pids[3], pids_pipe[2], output[2];
    char letters[8];

    (void)state;
    close_guardian(NULL);
    /* Orphans become children of this process, so that their end is seen. */
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(pipe(pids_pipe), 0);
    assert_int_equal(pipe(output), 0);
    pid_t autoscaler = fork();
    if (autoscaler == 0)
        run_autoscaler(output[1], pids_pipe[1]);
    assert_int_equal(read(pids_pipe[0], pids, sizeof pids), sizeof pids);
    read_letters(output[0], letters, 4);
    assert_string_equal(letters, "rrrr");
    int64_t killed_ns = clock_now_ns();
    kill(autoscaler, SIGKILL);
    assert_int_equal(WTERMSIG(status_of(autoscaler)), SIGKILL);
    assert_int_equal(WEXITSTATUS(status_of(pids[0])), 5);
    /* The process that was started first, what it left behind when it had ended. */
    assert_int_equal(WEXITSTATUS(status_of(pids[1])), 6);
    read_letters(output[0], letters, 2);
    assert_string_equal(letters, "12");
    /* What does not end is killed when its time is over. */
    assert_int_equal(WTERMSIG(status_of(pids[2])), SIGKILL);
    assert_true(clock_now_ns() - killed_ns >= PATIENCE_NS);
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    for (int i = 0; i < 2; i++) {
        close(pids_pipe[i]);
        close(output[i]);
    }
}

#define claim(name) cmocka_unit_test_setup_teardown(name, open_guardian, close_guardian)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(places_are_taken_and_freed),
        claim(it_lives_until_the_pipe_ends_and_no_signal_of_a_terminal_ends_it),
        claim(when_the_autoscaler_is_killed_its_workers_are_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
