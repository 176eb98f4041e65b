#include "launcher_fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

/* ---- finding the program ---- */

static void assert_check(const char *program, const char *reason)
{
    struct why why = {0};
    char expected[256];

    if (!reason) {
        assert_int_equal(launcher_check(program, &why), 0);
        return;
    }
    snprintf(expected, sizeof expected, "cannot execute the worker '%s': %s", program, reason);
    assert_int_equal(launcher_check(program, &why), -ERR_CONFIG);
    assert_string_equal(why.text, expected);
    assert_int_equal(launcher_check(program, NULL), -ERR_CONFIG);
}

static void put_worker(mode_t mode)
{
    int fd = open("worker", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_true(dprintf(fd, "#!/bin/sh\nexit 5\n") > 0);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void a_program_that_cannot_be_executed_is_found_out_without_starting_it(void **state)
{
    (void)state;
    assert_check("/bin/sh", NULL);
    assert_check("sh", NULL);
    assert_check("no-such-worker", "No such file or directory");
    assert_check("./worker", "No such file or directory");
    assert_check("/bin/sh/worker", "Not a directory");
    put_worker(0644);
    assert_check("./worker", "Permission denied");
    put_worker(0755);
    assert_check("./worker", NULL);
    assert_check("worker", "No such file or directory");
    assert_check("/", "Permission denied");
    assert_check("", "No such file or directory");
}

static void the_program_is_looked_for_where_exec_looks(void **state)
{
    const char *inherited = getenv("PATH");
    char *path = strdup(inherited ? inherited : "/usr/bin:/bin"), own[256];

    (void)state;
    assert_non_null(path);
    snprintf(own, sizeof own, "/nowhere:%s", directory);
    assert_int_equal(setenv("PATH", own, 1), 0);
    put_worker(0755);
    assert_check("worker", NULL);
    put_worker(0644);
    assert_check("worker", "Permission denied");
    assert_check("sh", "No such file or directory");
    put_worker(0755);
    char *const command[] = {"worker", NULL};
    open_launcher(command, NULL);
    start(0);
    int pid = launcher_pid(launcher, 0);
    assert_ended(0, pid, 5, 0);
    assert_int_equal(setenv("PATH", "", 1), 0);
    assert_check("worker", NULL); /* an empty element is this directory */
    assert_int_equal(setenv("PATH", path, 1), 0);
    free(path);
}

static void a_program_that_is_being_written_may_be_there_the_next_time(void **state)
{
    char *const command[] = {"./worker", NULL};
    struct why why = {0};

    (void)state;
    put_worker(0755);
    open_launcher(command, NULL);
    int fd = open("worker", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(launcher_start(launcher, 0, &why), -ERR_SYSTEM);
    assert_string_equal(why.text, "cannot execute the worker './worker': Text file busy");
    close(fd);
    start(0);
    int pid = launcher_pid(launcher, 0);
    assert_ended(0, pid, 5, 0);
}

static void a_failed_start_gives_the_systems_reason_and_leaves_nothing(void **state)
{
    static const struct {
        const char *program;
        int mode;
        const char *text;
    } cases[] = {
        {"./worker", 0, "cannot execute the worker './worker': No such file or directory"},
        {"./worker", 0644, "cannot execute the worker './worker': Permission denied"},
        {"no-such-worker", 0,
         "cannot execute the worker 'no-such-worker': No such file or directory"},
        {"/", 0, "cannot execute the worker '/': Permission denied"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *const command[] = {(char *)(uintptr_t)cases[i].program, NULL};
        struct why why = {0};

        unlink("worker");
        if (cases[i].mode)
            put_worker((mode_t)cases[i].mode);
        open_launcher(command, NULL);
        size_t before = open_descriptors();
        assert_int_equal(launcher_start(launcher, 3, &why), -ERR_CONFIG);
        assert_string_equal(why.text, cases[i].text);
        assert_int_equal(launcher_pid(launcher, 3), 0);
        assert_int_equal(open_descriptors(), before);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
        assert_no_event();
        launcher_close(launcher);
        launcher = NULL;
        assert_int_equal(open_descriptors(), before - 1);
    }
    launcher_close(NULL);
}

/* ---- ready and ended ---- */

static void a_worker_that_says_it_is_ready_is_heard_once(void **state)
{
    (void)state;
    open_shell(SAY_READY "until [ -e out ]; do :; done; " SAY_READY "exit 5");
    assert_no_event();
    start(7);
    assert_ready(7);
    assert_no_event();
    int pid = launcher_pid(launcher, 7);
    /* It has been heard, and says it once more. */
    close(open("out", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    assert_ended(7, pid, 5, 0);
    assert_no_event();
}

static void the_code_or_the_signal_of_an_end_is_told(void **state)
{
    static const int codes[] = {0, 1, 64, 75, 77, 78, 127, 255};
    static const int signals[] = {SIGTERM, SIGKILL, SIGSEGV, SIGINT};
    char script[64];

    (void)state;
    open_shell(script);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        snprintf(script, sizeof script, "exit %d", codes[i]);
        start(i);
        int pid = launcher_pid(launcher, i);
        assert_ended(i, pid, codes[i], 0);
    }
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        snprintf(script, sizeof script, "ulimit -c 0; kill -%d $$", signals[i]);
        start(0);
        int pid = launcher_pid(launcher, 0);
        assert_ended(0, pid, 0, signals[i]);
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void a_worker_that_was_ready_and_ended_tells_both(void **state)
{
    (void)state;
    open_shell(SAY_READY "exit 3");
    for (int i = 0; i < 50; i++) {
        struct pollfd readable = {.events = POLLIN};
        start(1);
        int pid = launcher_pid(launcher, 1);
        /* Both have happened before anyone looks. */
        siginfo_t info;
        assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
        readable.fd = launcher_fd(launcher);
        assert_int_equal(poll(&readable, 1, 0), 1);
        assert_ready(1);
        assert_ended(1, pid, 3, 0);
        assert_no_event();
    }
}

static void closing_the_ready_descriptor_in_silence_is_no_readiness(void **state)
{
    (void)state;
    open_shell("exit 4");
    start(0);
    int pid = launcher_pid(launcher, 0);
    assert_ended(0, pid, 4, 0);
    assert_no_event();
}

static void every_worker_is_told_of_once_and_by_its_slot(void **state)
{
    bool ready[SLOTS] = {false}, ended[SLOTS] = {false};
    int pids[SLOTS];

    (void)state;
    open_shell(SAY_READY "exit $TEST_SLOT");
    size_t before = open_descriptors();
    for (size_t i = 0; i < SLOTS; i++) {
        start(i);
        pids[i] = launcher_pid(launcher, i);
    }
    for (size_t left = 2 * (size_t)SLOTS; left > 0; left--) {
        struct launcher_event event = next_event();
        bool *told = event.type == LAUNCHER_READY ? ready : ended;
        assert_true(event.slot < SLOTS);
        assert_false(told[event.slot]);
        told[event.slot] = true;
        assert_int_equal(event.pid, pids[event.slot]);
        if (event.type == LAUNCHER_ENDED) {
            assert_true(ready[event.slot]);
            assert_int_equal(event.code, event.slot);
        }
    }
    assert_no_event();
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void other_children_are_left_alone(void **state)
{
    int status;

    (void)state;
    pid_t other = fork();
    if (other == 0)
        _exit(9);
    open_shell("exit 0");
    start(0);
    int pid = launcher_pid(launcher, 0);
    assert_ended(0, pid, 0, 0);
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_int_equal(WEXITSTATUS(status), 9);
}

/* ---- drain and kill ---- */

static void a_drain_is_sigterm_and_a_kill_sigkill(void **state)
{
    (void)state;
    open_shell("trap 'exit 6' TERM; " SAY_READY "while :; do sleep 0.01; done");
    start(0);
    start(1);
    int pids[] = {launcher_pid(launcher, 0), launcher_pid(launcher, 1)};
    next_event();
    next_event();
    launcher_drain(launcher, 1);
    assert_ended(1, pids[1], 6, 0);
    launcher_kill(launcher, 0);
    assert_ended(0, pids[0], 0, SIGKILL);
    /* To nobody they do nothing. */
    launcher_drain(launcher, 0);
    launcher_kill(launcher, 1);
    launcher_kill(launcher, SLOTS - 1);
    assert_no_event();
}

static void assert_stopped_soon(size_t slot, bool stopped)
{
    int64_t deadline_ns = clock_now_ns() + LIMIT_NS;

    while (launcher_stopped(launcher, slot) != stopped)
        if (clock_now_ns() > deadline_ns)
            fail_msg("the worker's process is%s stopped", stopped ? " not" : "");
}

static void a_stopped_worker_is_known_from_one_that_waits(void **state)
{
    (void)state;
    open_shell("exec sleep 600");
    start(0);
    assert_stopped_soon(0, false);
    kill(launcher_pid(launcher, 0), SIGSTOP);
    assert_stopped_soon(0, true);
    kill(launcher_pid(launcher, 0), SIGCONT);
    assert_stopped_soon(0, false);
    assert_false(launcher_stopped(launcher, 1));
    launcher_kill(launcher, 0);
    next_event();
    assert_false(launcher_stopped(launcher, 0));
}

static void a_slot_can_be_used_again(void **state)
{
    (void)state;
    open_shell("exit 2");
    for (int i = 0; i < 20; i++) {
        start(5);
        int pid = launcher_pid(launcher, 5);
        assert_ended(5, pid, 2, 0);
    }
}

/* ---- the end of the launcher ---- */

static void closing_ends_no_worker(void **state)
{
    int status;

    (void)state;
    open_launcher(sleeper, NULL);
    start(0);
    int pid = launcher_pid(launcher, 0);
    launcher_close(launcher);
    launcher = NULL;
    assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* Waits for a child, but not for ever. */
static int status_within_limit(pid_t pid)
{
    int64_t deadline_ns = clock_now_ns() + LIMIT_NS;
    int status = -1;

    for (;;) {
        pid_t got = waitpid(pid, &status, WNOHANG);
        if (got == pid)
            return status;
        if (got < 0 || clock_now_ns() > deadline_ns)
            fail_msg("process %d did not end", (int)pid);
        poll(NULL, 0, 5);
    }
}

/* A wrapper that does not wait for what it has started, which takes its time to end. */
#define HASTY_WRAPPER                                                                              \
    "(trap 'sleep 0.1; echo ended >out; exit' TERM; echo ready >&$TEST_READY_FD;"                  \
    " while :; do sleep 0.01; done) & wait"

static void what_a_wrapper_leaves_behind_is_told_to_end_and_waited_for(void **state)
{
    (void)state;
    open_shell(HASTY_WRAPPER);
    start(0);
    assert_ready(0);
    int wrapper = launcher_pid(launcher, 0);
    launcher_drain(launcher, 0);
    struct launcher_event event = next_event();
    assert_int_equal(event.type, LAUNCHER_LEFT);
    assert_int_equal(event.signal, SIGTERM);
    assert_int_equal(launcher_pid(launcher, 0), wrapper);
    launcher_drain(launcher, 0);
    assert_ended(0, wrapper, 0, SIGTERM);
    assert_string_equal(output(), "ended\n");
    assert_int_equal(kill(-wrapper, 0), -1);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void what_a_crashed_wrapper_leaves_behind_can_be_killed(void **state)
{
    (void)state;
    open_shell("(trap '' TERM; echo ready >&$TEST_READY_FD; sleep 600) & exit 7");
    start(2);
    int wrapper = launcher_pid(launcher, 2);
    struct launcher_event event = next_event();
    if (event.type == LAUNCHER_READY)
        event = next_event();
    assert_int_equal(event.type, LAUNCHER_LEFT);
    assert_int_equal(event.code, 7);
    assert_no_event();
    launcher_kill(launcher, 2);
    assert_ended(2, wrapper, 7, 0);
    launcher_kill(launcher, 2);
}

static void who_leaves_the_group_is_not_waited_for(void **state)
{
    int daemon_pid = 0;

    (void)state;
    open_shell("setsid sleep 600 & echo $! >out; wait");
    start(0);
    int wrapper = launcher_pid(launcher, 0);
    int64_t deadline_ns = clock_now_ns() + LIMIT_NS;
    while ((access("out", R_OK) || sscanf(output(), "%d", &daemon_pid) != 1 ||
            getsid(daemon_pid) != daemon_pid) &&
           clock_now_ns() < deadline_ns)
        poll(NULL, 0, 5);
    launcher_drain(launcher, 0);
    assert_ended(0, wrapper, 0, SIGTERM);
    assert_int_equal(kill(daemon_pid, SIGKILL), 0);
    assert_int_equal(WTERMSIG(status_within_limit(daemon_pid)), SIGKILL);
}

static void workers_are_told_to_drain_when_their_parent_dies(void **state)
{
    int pipe_ends[2], worker_pid = 0;

    (void)state;
    /* Orphans become children of this process, so that their end is seen. */
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t parent = fork();
    assert_true(parent >= 0);
    if (parent == 0) {
        open_launcher(sleeper, NULL);
        if (launcher_start(launcher, 0, NULL))
            _exit(1);
        worker_pid = launcher_pid(launcher, 0);
        if (write(pipe_ends[1], &worker_pid, sizeof worker_pid) != sizeof worker_pid)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(pipe_ends[0], &worker_pid, sizeof worker_pid), sizeof worker_pid);
    assert_int_equal(kill(worker_pid, 0), 0);
    kill(parent, SIGKILL);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    int status = status_within_limit(worker_pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

#define claim(name) cmocka_unit_test_teardown(name, close_launcher)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_program_that_cannot_be_executed_is_found_out_without_starting_it),
        claim(the_program_is_looked_for_where_exec_looks),
        claim(a_program_that_is_being_written_may_be_there_the_next_time),
        claim(a_failed_start_gives_the_systems_reason_and_leaves_nothing),
        claim(a_worker_that_says_it_is_ready_is_heard_once),
        claim(the_code_or_the_signal_of_an_end_is_told),
        claim(a_worker_that_was_ready_and_ended_tells_both),
        claim(closing_the_ready_descriptor_in_silence_is_no_readiness),
        claim(every_worker_is_told_of_once_and_by_its_slot),
        claim(other_children_are_left_alone),
        claim(a_drain_is_sigterm_and_a_kill_sigkill),
        claim(a_stopped_worker_is_known_from_one_that_waits),
        claim(a_slot_can_be_used_again),
        claim(what_a_wrapper_leaves_behind_is_told_to_end_and_waited_for),
        claim(what_a_crashed_wrapper_leaves_behind_can_be_killed),
        claim(who_leaves_the_group_is_not_waited_for),
        claim(closing_ends_no_worker),
        claim(workers_are_told_to_drain_when_their_parent_dies),
    };

    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
