/* supervisor_test.c - the node by itself, with workers that are shell commands: no broker, no
 * leader. */
#include "autoscaler/node/supervisor.h"

#include "clock.h"

#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_NS (10 * CLOCK_NS_PER_S)

/* Says at once that it consumes, and ends when told to. */
#define OBEDIENT "echo >&$WINNOW_READY_FD; trap 'kill $!; exit 0' TERM; sleep 60 & wait"

static const char *const no_environment[] = {NULL};

static struct supervisor *open_with(char *command, struct supervisor_settings *settings,
                                    char *words[4])
{
    struct supervisor *supervisor = NULL;
    struct why why = {0};

    words[0] = (char *)"/bin/bash";
    words[1] = (char *)"-c";
    words[2] = command;
    words[3] = NULL;
    *settings = (struct supervisor_settings){.max_workers = 4,
                                             .drain_timeout_ns = DEADLINE_NS,
                                             .start_timeout_ns = DEADLINE_NS,
                                             .hang_timeout_ns = DEADLINE_NS,
                                             .max_attempts = 3,
                                             .worker = words,
                                             .environment = no_environment};
    assert_int_equal(supervisor_open(settings, &supervisor, &why), 0);
    return supervisor;
}

typedef bool condition(const struct node_report *report, uint32_t number);

static bool running(const struct node_report *report, uint32_t number)
{
    return report->counts.running == number && !report->counts.starting && !report->counts.draining;
}

static bool crashed(const struct node_report *report, uint32_t number)
{
    return report->counts.crashed >= number;
}

/* Steps it until what it reports is so. */
static struct node_report step_until(struct supervisor *supervisor, condition *met, uint32_t number)
{
    int64_t until_ns = clock_now_ns() + DEADLINE_NS;

    for (;;) {
        int64_t now_ns = clock_now_ns();
        int64_t due_ns = supervisor_step(supervisor, now_ns);
        struct node_report report = supervisor_report(supervisor, now_ns);
        struct pollfd fd = {.fd = supervisor_fd(supervisor), .events = POLLIN};
        struct timespec left;
        if (met(&report, number))
            return report;
        assert_true(now_ns < until_ns);
        ppoll(&fd, 1, clock_left(due_ns < until_ns ? due_ns : until_ns, &left), NULL);
    }
}

static void target(struct supervisor *supervisor, uint32_t workers)
{
    supervisor_target(supervisor, (struct node_target){.workers = workers, .max_workers = 4});
}

static void it_runs_what_it_was_last_told(void **state)
{
    struct supervisor_settings settings;
    char *words[4], command[] = OBEDIENT;
    struct supervisor *supervisor = open_with(command, &settings, words);

    (void)state;
    assert_true(supervisor_is_empty(supervisor));
    target(supervisor, 1);
    target(supervisor, 3);
    struct node_report report = step_until(supervisor, running, 3);
    assert_int_equal(report.counts.spawned, 3);
    assert_int_equal(report.reading_count, 3);
    target(supervisor, 1);
    report = step_until(supervisor, running, 1);
    assert_int_equal(report.counts.stopped, 2);
    target(supervisor, 0);
    report = step_until(supervisor, running, 0);
    assert_true(supervisor_is_empty(supervisor));
    assert_int_equal(report.counts.spawned, 3);
    assert_int_equal(report.counts.crashed, 0);
    supervisor_close(supervisor);
}

static void the_most_may_rise_and_fall_while_it_runs(void **state)
{
    struct supervisor_settings settings;
    char *words[4], command[] = OBEDIENT;
    struct supervisor *supervisor = open_with(command, &settings, words);

    (void)state;
    supervisor_target(supervisor, (struct node_target){.workers = 9, .max_workers = 6});
    step_until(supervisor, running, 6);
    supervisor_target(supervisor, (struct node_target){.workers = 9, .max_workers = 2});
    struct node_report report = step_until(supervisor, running, 2);
    assert_int_equal(report.counts.stopped, 4);
    supervisor_target(supervisor, (struct node_target){.ending = true});
    step_until(supervisor, running, 0);
    supervisor_close(supervisor);
}

static void the_worker_that_is_told_to_stop_is_replaced_once(void **state)
{
    struct supervisor_settings settings;
    char *words[4], command[] = OBEDIENT;
    struct supervisor *supervisor = open_with(command, &settings, words);
    struct node_target stopping = {.workers = 2, .max_workers = 4};

    (void)state;
    target(supervisor, 2);
    struct node_report report = step_until(supervisor, running, 2);
    stopping.stop.slot = 1;
    stopping.stop.pid = report.readings[0].pid;
    /* Another worker is in that slot. */
    supervisor_target(supervisor, stopping);
    step_until(supervisor, running, 2);
    stopping.stop.slot = 5000;
    supervisor_target(supervisor, stopping);
    report = step_until(supervisor, running, 2);
    assert_int_equal(report.counts.spawned, 2);
    int32_t stays = report.readings[0].pid, goes = report.readings[1].pid;
    stopping.stop.slot = 1;
    stopping.stop.pid = goes;
    supervisor_target(supervisor, stopping);
    supervisor_step(supervisor, clock_now_ns());
    report = supervisor_report(supervisor, clock_now_ns());
    assert_int_equal(report.readings[1].state, WORKER_DRAINING);
    supervisor_target(supervisor, stopping);
    report = step_until(supervisor, running, 2);
    /* The slot is free, and what was said of who was in it holds for nobody else. */
    supervisor_target(supervisor, stopping);
    report = step_until(supervisor, running, 2);
    assert_int_equal(report.counts.spawned, 3);
    assert_int_equal(report.counts.stopped, 1);
    assert_int_equal(report.readings[0].pid, stays);
    assert_int_equal(report.readings[2].state, WORKER_RUNNING);
    supervisor_target(supervisor, (struct node_target){.ending = true});
    step_until(supervisor, running, 0);
    supervisor_close(supervisor);
}

static void a_target_of_more_than_the_most_is_the_most(void **state)
{
    struct supervisor_settings settings;
    char *words[4], command[] = OBEDIENT;
    struct supervisor *supervisor = open_with(command, &settings, words);

    (void)state;
    target(supervisor, 1000);
    step_until(supervisor, running, 4);
    target(supervisor, 0);
    step_until(supervisor, running, 0);
    supervisor_close(supervisor);
}

static void how_long_starts_take_is_reported(void **state)
{
    struct supervisor_settings settings;
    char *words[4], command[] = "sleep 0.3; " OBEDIENT;
    struct supervisor *supervisor = open_with(command, &settings, words);

    (void)state;
    assert_true(isnan(supervisor_report(supervisor, clock_now_ns()).startup_s));
    target(supervisor, 1);
    struct node_report report = step_until(supervisor, running, 1);
    assert_true(report.startup_s >= 0.3 && report.startup_s < 5);
    target(supervisor, 0);
    step_until(supervisor, running, 0);
    supervisor_close(supervisor);
}

static void a_worker_that_dies_is_replaced(void **state)
{
    struct supervisor_settings settings;
    /* The first of them dies as soon as it consumes. */
    char *words[4],
        command[] =
            "if mkdir died 2>/dev/null; then echo >&$WINNOW_READY_FD; exit 3; fi; " OBEDIENT;
    struct supervisor *supervisor = open_with(command, &settings, words);

    (void)state;
    target(supervisor, 1);
    struct node_report report = step_until(supervisor, crashed, 1);
    report = step_until(supervisor, running, 1);
    assert_int_equal(report.counts.crashed, 1);
    assert_int_equal(report.counts.spawned, 2);
    target(supervisor, 0);
    step_until(supervisor, running, 0);
    supervisor_close(supervisor);
}

static void workers_that_say_nothing_are_reported_as_unknown(void **state)
{
    struct supervisor_settings settings;
    char *words[4], command[] = OBEDIENT;
    struct supervisor *supervisor = open_with(command, &settings, words);

    (void)state;
    target(supervisor, 1);
    step_until(supervisor, running, 1);
    struct node_report report = supervisor_report(supervisor, clock_now_ns() + 4 * CLOCK_NS_PER_S);
    assert_true(report.unknown);
    assert_false(report.heard);
    assert_true(report.silent_s >= 4);
    assert_int_equal(report.telling, 0);
    target(supervisor, 0);
    step_until(supervisor, running, 0);
    supervisor_close(supervisor);
}

static void a_command_line_that_workers_refuse_ends_the_starting(void **state)
{
    struct supervisor_settings settings;
    char *words[4], command[] = "exit 64";
    struct supervisor *supervisor = open_with(command, &settings, words);
    struct why why = {0};

    (void)state;
    assert_int_equal(supervisor_fault(supervisor, &why), 0);
    target(supervisor, 1);
    step_until(supervisor, crashed, 1);
    assert_int_equal(supervisor_fault(supervisor, &why), -ERR_CONFIG);
    assert_non_null(strstr(why.text, "exit code 64"));
    assert_true(supervisor_gave_up(supervisor));
    assert_true(supervisor_step(supervisor, clock_now_ns()) == CLOCK_NEVER);
    supervisor_close(supervisor);
}

static void abandoned_workers_are_killed_and_not_replaced(void **state)
{
    struct supervisor_settings settings;
    char *words[4], command[] = "echo >&$WINNOW_READY_FD; trap '' TERM; sleep 60 & wait; wait";
    struct supervisor *supervisor = open_with(command, &settings, words);

    (void)state;
    target(supervisor, 2);
    step_until(supervisor, running, 2);
    target(supervisor, 0);
    supervisor_step(supervisor, clock_now_ns());
    supervisor_abandon(supervisor);
    struct node_report report = step_until(supervisor, running, 0);
    assert_int_equal(report.counts.stopped, 2);
    supervisor_close(supervisor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_runs_what_it_was_last_told),
        cmocka_unit_test(the_most_may_rise_and_fall_while_it_runs),
        cmocka_unit_test(the_worker_that_is_told_to_stop_is_replaced_once),
        cmocka_unit_test(a_target_of_more_than_the_most_is_the_most),
        cmocka_unit_test(how_long_starts_take_is_reported),
        cmocka_unit_test(a_worker_that_dies_is_replaced),
        cmocka_unit_test(workers_that_say_nothing_are_reported_as_unknown),
        cmocka_unit_test(a_command_line_that_workers_refuse_ends_the_starting),
        cmocka_unit_test(abandoned_workers_are_killed_and_not_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
