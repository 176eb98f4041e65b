#include "workers/job_thread.h"

#include "clock.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What the job under test has seen, and what it is to do. */
struct seen {
    pthread_t thread;
    sigset_t blocked;
    int calls;
    int wait_fd; /* the job goes on when it can read a byte; -1: at once */
};

static int handle(void *context, const struct job_event *event, struct job_result *result,
                  struct why *why)
{
    struct seen *seen = context;
    char byte;

    seen->thread = pthread_self();
    pthread_sigmask(SIG_BLOCK, NULL, &seen->blocked);
    seen->calls++;
    if (seen->wait_fd >= 0 && read(seen->wait_fd, &byte, 1) != 1)
        return error_set(why, ERR_SYSTEM, "no byte");
    result->body = event->body;
    error_set(why, ERR_INVALID, "call %d", seen->calls);
    return JOB_DEAD;
}

static bool is_readable(const struct job_thread *thread, int timeout_ms)
{
    struct pollfd fd = {.fd = job_thread_fd(thread), .events = POLLIN};

    return poll(&fd, 1, timeout_ms) == 1;
}

static void wait_for(struct job_thread *thread)
{
    assert_true(is_readable(thread, 10000));
    assert_true(job_thread_finished(thread));
}

static void a_call_returns_what_the_job_says(void **state)
{
    struct seen seen = {.wait_fd = -1};
    struct job job = {.handle = handle, .context = &seen};
    struct job_call call = {.event.body = {"text", 4}, .verdict = 99};

    (void)state;
    job_call(&job, &call);
    assert_int_equal(call.verdict, JOB_DEAD);
    assert_string_equal(call.why.text, "call 1");
    assert_true(call.result.body.bytes == call.event.body.bytes);
    assert_true(pthread_equal(seen.thread, pthread_self()));
}

static void a_call_starts_with_an_empty_result(void **state)
{
    struct seen seen = {.wait_fd = -1};
    struct job job = {.handle = handle, .context = &seen};
    struct job_call call = {.result = {.header_count = 3, .content_type = {"x", 1}}};

    (void)state;
    job_call(&job, &call);
    assert_int_equal(call.result.header_count, 0);
    assert_null(call.result.content_type.bytes);
}

static void the_thread_is_another_and_always_the_same(void **state)
{
    struct seen seen = {.wait_fd = -1};
    struct job job = {.handle = handle, .context = &seen};
    struct job_call call = {.event.body = {"text", 4}};
    struct job_thread *thread;
    pthread_t first;

    (void)state;
    assert_int_equal(job_thread_open(&job, &thread, NULL), 0);
    for (int i = 1; i <= 100; i++) {
        char said[16];
        job_thread_start(thread, &call);
        wait_for(thread);
        snprintf(said, sizeof said, "call %d", i);
        assert_string_equal(call.why.text, said);
        assert_int_equal(call.verdict, JOB_DEAD);
        if (i == 1)
            first = seen.thread;
        assert_true(pthread_equal(seen.thread, first));
    }
    assert_false(pthread_equal(first, pthread_self()));
    job_thread_close(thread);
}

static void a_call_is_finished_once_and_not_before_it_is(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    struct seen seen = {.wait_fd = ends[0]};
    struct job job = {.handle = handle, .context = &seen};
    struct job_call call = {0};
    struct job_thread *thread;

    assert_int_equal(job_thread_open(&job, &thread, NULL), 0);
    assert_false(job_thread_finished(thread));
    job_thread_start(thread, &call);
    assert_false(is_readable(thread, 50));
    assert_false(job_thread_finished(thread));
    assert_int_equal(write(ends[1], "x", 1), 1);
    wait_for(thread);
    assert_false(job_thread_finished(thread));
    assert_false(is_readable(thread, 0));
    job_thread_close(thread);
    close(ends[0]);
    close(ends[1]);
}

static void signals_are_not_for_the_thread(void **state)
{
    struct seen seen = {.wait_fd = -1};
    struct job job = {.handle = handle, .context = &seen};
    struct job_call call = {0};
    struct job_thread *thread;
    sigset_t before, after;

    (void)state;
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    assert_int_equal(job_thread_open(&job, &thread, NULL), 0);
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    job_thread_start(thread, &call);
    wait_for(thread);
    for (int signal = 1; signal <= SIGSYS; signal++) {
        assert_int_equal(sigismember(&after, signal), sigismember(&before, signal));
        if (signal != SIGKILL && signal != SIGSTOP)
            assert_true(sigismember(&seen.blocked, signal));
    }
    job_thread_close(thread);
}

static void an_idle_thread_can_be_closed(void **state)
{
    struct seen seen = {.wait_fd = -1};
    struct job job = {.handle = handle, .context = &seen};
    struct job_thread *thread;

    (void)state;
    assert_int_equal(job_thread_open(&job, &thread, NULL), 0);
    job_thread_close(thread);
    job_thread_close(NULL);
    assert_int_equal(seen.calls, 0);
}

/* ---- what a job tells ---- */

static void progress_and_limit_go_to_the_slot(void **state)
{
    struct scoreboard_slot slot = {0};
    atomic_bool unwanted = false;
    struct job_event event = {.slot = &slot, .unwanted = &unwanted};
    int64_t before_ns = clock_now_ns();

    (void)state;
    job_progress(&event);
    assert_true(slot.progress_ns >= before_ns && slot.progress_ns <= clock_now_ns());
    assert_int_equal(slot.due_ns, 0);
    job_limit(&event, 5000);
    assert_true(slot.due_ns >= before_ns + 5000 && slot.due_ns <= clock_now_ns() + 5000);
    job_limit(&event, INT64_MAX);
    assert_true(slot.due_ns == INT64_MAX);
    assert_true(job_wanted(&event));
    unwanted = true;
    assert_false(job_wanted(&event));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_returns_what_the_job_says),
        cmocka_unit_test(a_call_starts_with_an_empty_result),
        cmocka_unit_test(the_thread_is_another_and_always_the_same),
        cmocka_unit_test(a_call_is_finished_once_and_not_before_it_is),
        cmocka_unit_test(signals_are_not_for_the_thread),
        cmocka_unit_test(an_idle_thread_can_be_closed),
        cmocka_unit_test(progress_and_limit_go_to_the_slot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
