/* A worker belongs to its launcher and other children to the reaper, however early they end. */
#include "autoscaler/node/reaper.h"

#include "launcher_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>

/* Not the signal that an end is told by of which nobody knows. */
#define ENDED_BY SIGUSR1

static struct reaper reaper;
static bool dies_at_birth;

static void at_birth(void)
{
    if (dies_at_birth)
        raise(ENDED_BY);
}

static int open_both(void **state)
{
    (void)state;
    dies_at_birth = false;
    /* What loops for ever fails. */
    alarm(10);
    return guardian_open(SLOTS, CLOCK_NS_PER_S, &guardian, NULL) ||
           reaper_open(&reaper, guardian, NULL);
}

static int close_both(void **state)
{
    close_launcher(state);
    reaper_close(&reaper);
    guardian_close(guardian);
    guardian = NULL;
    return 0;
}

static void wait_for_end(int pid)
{
    siginfo_t info;

    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static void a_worker_that_was_killed_before_it_was_executed_is_the_launchers(void **state)
{
    (void)state;
    open_launcher(sleeper, NULL);
    dies_at_birth = true;
    start(0);
    dies_at_birth = false;
    int pid = launcher_pid(launcher, 0);
    wait_for_end(pid);
    reaper_step(&reaper);
    assert_ended(0, pid, 0, ENDED_BY);
    assert_false(guardian_knows(guardian, pid));
}

static void so_is_one_that_was_started_after_the_guardian_had_been_killed(void **state)
{
    (void)state;
    open_launcher(sleeper, NULL);
    assert_int_equal(syscall(SYS_pidfd_send_signal, guardian_fd(guardian), SIGKILL, NULL, 0), 0);
    while (guardian_lives(guardian))
        poll(NULL, 0, 1);
    start(0);
    int pid = launcher_pid(launcher, 0);
    assert_int_equal(kill(pid, ENDED_BY), 0);
    wait_for_end(pid);
    reaper_step(&reaper);
    assert_ended(0, pid, 0, ENDED_BY);
}

static void the_end_of_a_worker_that_somebody_else_took_in_is_told(void **state)
{
    (void)state;
    open_launcher(sleeper, NULL);
    start(0);
    int pid = launcher_pid(launcher, 0);
    launcher_kill(launcher, 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_ended(0, pid, 0, SIGKILL);
    start(0);
    assert_no_event();
}

static void another_child_is_the_reapers(void **state)
{
    (void)state;
    open_launcher(sleeper, NULL);
    start(0);
    pid_t other = fork();
    if (other == 0)
        _exit(0);
    wait_for_end(other);
    reaper.due = true;
    reaper_step(&reaper);
    assert_int_equal(waitpid(other, NULL, WNOHANG), -1);
    assert_no_event();
}

#define claim(name) cmocka_unit_test_setup_teardown(name, open_both, close_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_worker_that_was_killed_before_it_was_executed_is_the_launchers),
        claim(so_is_one_that_was_started_after_the_guardian_had_been_killed),
        claim(the_end_of_a_worker_that_somebody_else_took_in_is_told),
        claim(another_child_is_the_reapers),
    };

    return pthread_atfork(NULL, NULL, at_birth) ||
           cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
