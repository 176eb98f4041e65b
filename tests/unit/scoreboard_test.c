#include "scoreboard.h"

#include "clock.h"
#include "control/lamport.h"
#include "log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SLOTS        6
#define MAX_ATTEMPTS 3

static struct scoreboard *board;

static int create(void **state)
{
    (void)state;
    return scoreboard_create(SLOTS, MAX_ATTEMPTS, 60 * CLOCK_NS_PER_S, &board, NULL);
}

static int close_board(void **state)
{
    (void)state;
    scoreboard_close(board);
    board = NULL;
    unsetenv(SCOREBOARD_FD_VARIABLE);
    unsetenv(SCOREBOARD_SLOT_VARIABLE);
    return 0;
}

static void set_variable(const char *name, long value)
{
    char text[32];

    snprintf(text, sizeof text, "%ld", value);
    assert_int_equal(setenv(name, text, 1), 0);
}

static void name_scoreboard(int fd, long slot)
{
    set_variable(SCOREBOARD_FD_VARIABLE, fd);
    set_variable(SCOREBOARD_SLOT_VARIABLE, slot);
}

/* Runs a claim in a child that finds the scoreboard in its environment, as a worker does. */
static void in_a_worker(long slot, bool (*claim)(struct scoreboard *, struct scoreboard_slot *))
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct scoreboard *own = NULL;
        struct scoreboard_slot *own_slot = NULL;
        char fd[16], index[16];

        snprintf(fd, sizeof fd, "%d", scoreboard_fd(board));
        snprintf(index, sizeof index, "%ld", slot);
        setenv(SCOREBOARD_FD_VARIABLE, fd, 1);
        setenv(SCOREBOARD_SLOT_VARIABLE, index, 1);
        *log_clock() = (struct lamport){0}; /* as in a new process */
        bool held = scoreboard_attach(&own, &own_slot, NULL) == 0 && own && own_slot &&
                    claim(own, own_slot);
        scoreboard_close(own);
        _exit(held ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void assert_empty(size_t index)
{
    struct scoreboard_slot *slot = scoreboard_slot(board, index);
    struct scoreboard_fingerprint event = scoreboard_handling(slot);

    assert_int_equal(slot->state, SCOREBOARD_EMPTY);
    assert_int_equal(slot->pid, 0);
    assert_int_equal(slot->handled_msgs, 0);
    assert_int_equal(slot->in_flight_msgs, 0);
    assert_int_equal(slot->given_back_msgs, 0);
    assert_int_equal(slot->busy_ns, 0);
    assert_int_equal(slot->progress_ns, 0);
    assert_int_equal(slot->simulated_service_ns, 0);
    assert_int_equal(slot->takes_hangup, 0);
    assert_int_equal(slot->started_ns, 0);
    assert_int_equal(slot->due_ns, 0);
    assert_int_equal(slot->dead_msgs, 0);
    for (size_t i = 0; i < TIME_CLASSES; i++)
        assert_int_equal(slot->handled_within[i], 0);
    assert_int_equal(event.high, 0);
    assert_int_equal(event.low, 0);
}

static void a_new_scoreboard_has_empty_slots(void **state)
{
    (void)state;
    assert_int_equal(scoreboard_slots(board), SLOTS);
    assert_true(scoreboard_fd(board) >= 0);
    for (size_t i = 0; i < SLOTS; i++)
        assert_empty(i);
    scoreboard_close(NULL);
}

static bool fill(struct scoreboard *own, struct scoreboard_slot *slot)
{
    scoreboard_sign_on(slot, 11, true);
    scoreboard_set_state(slot, SCOREBOARD_BLOCKED);
    scoreboard_set_in_flight(slot, 50);
    scoreboard_count_handled(slot, INT64_C(7000000000));
    scoreboard_count_handled(slot, 5);
    scoreboard_count_dead(slot);
    scoreboard_count_given_back(slot, 3);
    scoreboard_take_up(slot, (struct scoreboard_fingerprint){UINT64_MAX, 5}, 6);
    scoreboard_progress(slot, INT64_MAX);
    scoreboard_set_due(slot, 8);
    return scoreboard_slots(own) == SLOTS && slot == scoreboard_slot(own, 4);
}

static bool cannot_change_the_size(struct scoreboard *own, struct scoreboard_slot *slot)
{
    int fd = scoreboard_fd(own);
    struct stat before, after;

    (void)slot;
    return fstat(fd, &before) == 0 && ftruncate(fd, 0) && ftruncate(fd, before.st_size * 2) &&
           fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) && fstat(fd, &after) == 0 &&
           before.st_size == after.st_size;
}

static void a_worker_can_neither_shrink_nor_grow_it(void **state)
{
    (void)state;
    in_a_worker(0, cannot_change_the_size);
}

static bool wipe_the_head(struct scoreboard *own, struct scoreboard_slot *slot)
{
    static const char zeros[32];

    (void)slot;
    return pwrite(scoreboard_fd(own), zeros, sizeof zeros, 0) == (ssize_t)sizeof zeros;
}

static bool finds_its_slot(struct scoreboard *own, struct scoreboard_slot *slot)
{
    return slot == scoreboard_slot(own, 2) && scoreboard_slots(own) == SLOTS &&
           scoreboard_hang_timeout_ns(own) == 60 * CLOCK_NS_PER_S;
}

static void what_a_worker_writes_over_the_head_does_no_harm(void **state)
{
    (void)state;
    in_a_worker(1, wipe_the_head);
    assert_int_equal(scoreboard_slots(board), SLOTS);
    scoreboard_prepare(board, 2);
    in_a_worker(2, finds_its_slot);
}

static void what_a_worker_writes_in_its_slot_the_autoscaler_reads(void **state)
{
    struct scoreboard_slot *slot = scoreboard_slot(board, 4);

    (void)state;
    in_a_worker(4, fill);
    assert_true(slot->pid > 0 && slot->pid != getpid());
    assert_int_equal(slot->state, SCOREBOARD_BLOCKED);
    assert_int_equal(slot->handled_msgs, 2);
    assert_int_equal(slot->in_flight_msgs, 50);
    assert_int_equal(slot->given_back_msgs, 3);
    assert_int_equal(slot->busy_ns, INT64_C(7000000005));
    assert_int_equal(slot->dead_msgs, 1);
    for (size_t i = 0; i < TIME_CLASSES; i++) /* 5 ns and 7 s */
        assert_int_equal(slot->handled_within[i], i == 0 || i == 12);
    assert_true(slot->progress_ns == INT64_MAX);
    assert_int_equal(slot->simulated_service_ns, 11);
    assert_int_equal(slot->takes_hangup, 1);
    assert_int_equal(slot->started_ns, 6);
    assert_int_equal(slot->due_ns, 8);
    assert_true(scoreboard_handling(slot).high == UINT64_MAX);
    assert_int_equal(scoreboard_handling(slot).low, 5);
    for (size_t i = 0; i < SLOTS; i++)
        if (i != 4)
            assert_empty(i);
    scoreboard_put_down(slot);
    assert_int_equal(scoreboard_handling(slot).low, 0);
    scoreboard_clear(slot);
    assert_empty(4);
}

/* ---- hanging ---- */

static struct scoreboard_slot *working_slot(void)
{
    struct scoreboard_slot *slot = scoreboard_slot(board, 2);

    scoreboard_set_state(slot, SCOREBOARD_WORKING);
    scoreboard_take_up(slot, (struct scoreboard_fingerprint){12345, 1}, 1000);
    return slot;
}

static void an_event_hangs_when_it_shows_no_progress_for_the_time_out(void **state)
{
    struct scoreboard_slot *slot = working_slot();

    (void)state;
    assert_int_equal(scoreboard_hung_at_ns(slot, 0, 50, 70), 1050);
    scoreboard_progress(slot, 1040);
    assert_int_equal(scoreboard_hung_at_ns(slot, 0, 50, 70), 1090);
}

static void the_time_out_counts_from_the_end_of_a_stated_limit(void **state)
{
    struct scoreboard_slot *slot = working_slot();

    (void)state;
    scoreboard_set_due(slot, 3000);
    assert_int_equal(scoreboard_hung_at_ns(slot, 0, 50, 70), 3050);
    assert_int_equal(scoreboard_silent_at_ns(slot, 0, 50, 70), 1050);
    scoreboard_progress(slot, 3010);
    assert_int_equal(scoreboard_hung_at_ns(slot, 0, 50, 70), 3060);
    /* The limit was that event's. */
    scoreboard_take_up(slot, (struct scoreboard_fingerprint){12345, 3}, 2000);
    assert_int_equal(scoreboard_hung_at_ns(slot, 0, 50, 70), 2050);
    scoreboard_set_due(slot, 3000);
    scoreboard_put_down(slot);
    assert_int_equal(scoreboard_hung_at_ns(slot, 0, 50, 70), 2070);
}

static void between_events_a_worker_may_be_silent_for_the_idle_limit(void **state)
{
    struct scoreboard_slot *slot = working_slot();

    (void)state;
    scoreboard_put_down(slot);
    assert_int_equal(scoreboard_hung_at_ns(slot, 0, 50, 70), 1070);
    assert_int_equal(scoreboard_hung_at_ns(slot, 0, 90, 70), 1090);
}

static void nobody_hangs_by_what_came_before_the_time_to_judge_from(void **state)
{
    struct scoreboard_slot *slot = working_slot();

    (void)state;
    assert_int_equal(scoreboard_hung_at_ns(slot, 5000, 50, 70), 5050);
    scoreboard_set_due(slot, 5010);
    assert_int_equal(scoreboard_hung_at_ns(slot, 5000, 50, 70), 5060);
}

static void an_empty_slot_and_one_at_the_end_of_time_never_hang(void **state)
{
    struct scoreboard_slot *slot = working_slot();

    (void)state;
    assert_true(scoreboard_hung_at_ns(scoreboard_slot(board, 0), 0, 50, 70) == INT64_MAX);
    scoreboard_set_due(slot, INT64_MAX);
    assert_true(scoreboard_hung_at_ns(slot, 0, 50, 70) == INT64_MAX);
    scoreboard_set_due(slot, 0);
    assert_true(scoreboard_hung_at_ns(slot, 0, INT64_MAX, 70) == INT64_MAX);
}

static bool is_first(struct scoreboard *own, struct scoreboard_slot *slot)
{
    return slot == scoreboard_slot(own, 0);
}

static bool is_last(struct scoreboard *own, struct scoreboard_slot *slot)
{
    return slot == scoreboard_slot(own, SLOTS - 1);
}

static void every_slot_can_be_attached_to(void **state)
{
    (void)state;
    in_a_worker(0, is_first);
    in_a_worker(SLOTS - 1, is_last);
}

static int64_t sent_before;

/* As the first thing a new process does, on whose host a message of that time came in. */
static bool goes_on_with_the_clock(struct scoreboard *own, struct scoreboard_slot *slot)
{
    (void)own;
    (void)slot;
    bool is_later = lamport_send(log_clock()) > sent_before;
    lamport_receive(log_clock(), sent_before + 1000);
    return is_later;
}

static void lines_of_all_who_have_the_scoreboard_have_one_order(void **state)
{
    sent_before = lamport_send(log_clock());
    in_a_worker(0, goes_on_with_the_clock);
    assert_true(lamport_send(log_clock()) > sent_before + 1000);

    scoreboard_close(board);
    sent_before = lamport_send(log_clock());
    assert_int_equal(create(state), 0);
    in_a_worker(0, goes_on_with_the_clock);
    assert_true(lamport_send(log_clock()) > sent_before + 1000);
}

static void slots_share_no_cache_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < SLOTS; i++)
        assert_int_equal((uintptr_t)scoreboard_slot(board, i) % 128, 0);
    assert_true((char *)scoreboard_slot(board, 1) - (char *)scoreboard_slot(board, 0) >= 128);
}

static void without_the_variables_a_worker_has_a_scoreboard_of_its_own(void **state)
{
    struct scoreboard *own = NULL;
    struct scoreboard_slot *slot = NULL;

    (void)state;
    assert_int_equal(scoreboard_attach(&own, &slot, NULL), 0);
    assert_int_equal(scoreboard_slots(own), 1);
    assert_ptr_equal(slot, scoreboard_slot(own, 0));
    assert_int_equal(scoreboard_max_attempts(own), SCOREBOARD_OWN_ATTEMPTS);
    assert_true(scoreboard_hang_timeout_ns(own) == SCOREBOARD_OWN_HANG_NS);
    scoreboard_close(own);

    /* One alone names no slot of a scoreboard. */
    set_variable(SCOREBOARD_SLOT_VARIABLE, SLOTS - 1);
    assert_int_equal(scoreboard_attach(&own, &slot, NULL), 0);
    assert_int_equal(scoreboard_slots(own), 1);
    scoreboard_close(own);
}

static void assert_refused(const char *said)
{
    struct scoreboard *own = board;
    struct scoreboard_slot *slot = scoreboard_slot(board, 0);
    struct why why = {0};

    assert_int_equal(scoreboard_attach(&own, &slot, &why), -ERR_INVALID);
    assert_null(own);
    assert_null(slot);
    if (!strstr(why.text, said))
        fail_msg("'%s' says nothing of '%s'", why.text, said);
}

static void variables_that_name_no_descriptor_are_refused(void **state)
{
    static const char *const fds[] = {"", "x", "-1", "3x", "99999", "4294967296", " ", "1e3"};

    (void)state;
    set_variable(SCOREBOARD_SLOT_VARIABLE, 0);
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        char said[64];

        assert_int_equal(setenv(SCOREBOARD_FD_VARIABLE, fds[i], 1), 0);
        snprintf(said, sizeof said, SCOREBOARD_FD_VARIABLE "=%s, ", fds[i]);
        assert_refused(said);
    }
}

static void a_slot_that_is_not_there_is_refused(void **state)
{
    static const char *const slots[] = {"", "x", "-1", "1x", "99999999999999999999"};

    (void)state;
    set_variable(SCOREBOARD_FD_VARIABLE, scoreboard_fd(board));
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++) {
        assert_int_equal(setenv(SCOREBOARD_SLOT_VARIABLE, slots[i], 1), 0);
        assert_refused(SCOREBOARD_SLOT_VARIABLE);
    }
    name_scoreboard(scoreboard_fd(board), SLOTS);
    assert_refused("no slot 6");
    name_scoreboard(scoreboard_fd(board), INT32_MAX);
    assert_refused("no slot 2147483647");
    /* Whatever the descriptor is, it is not closed. */
    in_a_worker(0, is_first);
}

/* A copy of the scoreboard's memory, which a test may spoil. */
static int copy_of_board(off_t *bytes)
{
    struct stat status;
    int fd = memfd_create("copy", 0);

    assert_true(fd >= 0);
    assert_int_equal(fstat(scoreboard_fd(board), &status), 0);
    char *memory = malloc((size_t)status.st_size);
    assert_non_null(memory);
    assert_int_equal(pread(scoreboard_fd(board), memory, (size_t)status.st_size, 0),
                     status.st_size);
    assert_int_equal(write(fd, memory, (size_t)status.st_size), status.st_size);
    free(memory);
    *bytes = status.st_size;
    return fd;
}

static void a_copy_of_a_scoreboard_can_be_attached_to(void **state)
{
    struct scoreboard *own;
    struct scoreboard_slot *slot;
    off_t bytes;

    (void)state;
    name_scoreboard(copy_of_board(&bytes), 2);
    assert_int_equal(scoreboard_attach(&own, &slot, NULL), 0);
    assert_non_null(slot);
    scoreboard_close(own);
}

static void memory_of_another_version_or_size_is_refused(void **state)
{
    off_t bytes;
    int fd;

    (void)state;
    fd = copy_of_board(&bytes);
    assert_int_equal(pwrite(fd, "\0", 1, 0), 1);
    name_scoreboard(fd, 0);
    assert_refused("another version");

    fd = copy_of_board(&bytes);
    assert_int_equal(ftruncate(fd, bytes + 4096), 0);
    name_scoreboard(fd, 0);
    assert_refused("another version");

    fd = copy_of_board(&bytes);
    assert_int_equal(ftruncate(fd, bytes - 1), 0);
    name_scoreboard(fd, 0);
    assert_refused("another version");

    fd = copy_of_board(&bytes);
    assert_int_equal(ftruncate(fd, 16), 0);
    name_scoreboard(fd, 0);
    assert_refused("no scoreboard");
    close(fd);
}

static void what_is_no_memory_is_refused(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    name_scoreboard(ends[0], 0);
    assert_refused("no scoreboard");
    close(ends[0]);
    close(ends[1]);
}

static void readiness_is_one_byte_and_told_once(void **state)
{
    char said[4];
    int ends[2];

    (void)state;
    scoreboard_tell_ready(); /* to nobody */
    assert_int_equal(pipe(ends), 0);
    set_variable(SCOREBOARD_READY_VARIABLE, ends[1]);
    scoreboard_tell_ready();
    assert_null(getenv(SCOREBOARD_READY_VARIABLE));
    /* The end is closed, so that the reader sees one byte and nothing after it. */
    assert_int_equal(read(ends[0], said, sizeof said), 1);
    assert_int_equal(read(ends[0], said, sizeof said), 0);
    close(ends[0]);
}

/* ---- events ---- */

static const struct scoreboard_fingerprint event = {12345, 1};

static void an_event_of_another_slot_is_found_there(void **state)
{
    struct scoreboard_slot *own = scoreboard_slot(board, 1);

    (void)state;
    assert_false(scoreboard_handled_elsewhere(board, own, event, 5));
    scoreboard_take_up(own, event, 5);
    assert_false(scoreboard_handled_elsewhere(board, own, event, 5));
    assert_true(scoreboard_handled_elsewhere(board, scoreboard_slot(board, 0), event, 5));
    scoreboard_take_up(scoreboard_slot(board, SLOTS - 1), event, 5);
    assert_true(scoreboard_handled_elsewhere(board, own, event, 5));
    scoreboard_take_up(scoreboard_slot(board, SLOTS - 1), event, 6);
    assert_false(scoreboard_handled_elsewhere(board, own, event, 5));
    assert_true(scoreboard_handled_elsewhere(board, own, event, 6));
    scoreboard_progress(scoreboard_slot(board, SLOTS - 1), 9);
    assert_true(scoreboard_handled_elsewhere(board, own, event, 6));
    scoreboard_clear(scoreboard_slot(board, SLOTS - 1));
    assert_false(scoreboard_handled_elsewhere(board, own, event, 5));
}

static void those_that_signed_on_are_running(void **state)
{
    (void)state;
    assert_int_equal(scoreboard_running(board), 0);
    scoreboard_sign_on(scoreboard_slot(board, 0), 0, false);
    scoreboard_sign_on(scoreboard_slot(board, SLOTS - 1), 0, false);
    assert_int_equal(scoreboard_running(board), 2);
    scoreboard_clear(scoreboard_slot(board, 0));
    assert_int_equal(scoreboard_running(board), 1);
}

static void what_was_never_a_workers_is_not_looked_at(void **state)
{
    (void)state;
    scoreboard_prepare(board, 1);
    scoreboard_sign_on(scoreboard_slot(board, 1), 0, false);
    scoreboard_sign_on(scoreboard_slot(board, 2), 0, false);
    assert_int_equal(scoreboard_running(board), 1);
    scoreboard_prepare(board, 3);
    scoreboard_prepare(board, 0);
    assert_int_equal(scoreboard_running(board), 2);
}

#define claim(name) cmocka_unit_test_setup_teardown(name, create, close_board)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_worker_can_neither_shrink_nor_grow_it),
        claim(what_a_worker_writes_over_the_head_does_no_harm),
        claim(a_new_scoreboard_has_empty_slots),
        claim(what_a_worker_writes_in_its_slot_the_autoscaler_reads),
        claim(an_event_hangs_when_it_shows_no_progress_for_the_time_out),
        claim(the_time_out_counts_from_the_end_of_a_stated_limit),
        claim(between_events_a_worker_may_be_silent_for_the_idle_limit),
        claim(nobody_hangs_by_what_came_before_the_time_to_judge_from),
        claim(an_empty_slot_and_one_at_the_end_of_time_never_hang),
        claim(every_slot_can_be_attached_to),
        claim(lines_of_all_who_have_the_scoreboard_have_one_order),
        claim(slots_share_no_cache_line),
        claim(without_the_variables_a_worker_has_a_scoreboard_of_its_own),
        claim(variables_that_name_no_descriptor_are_refused),
        claim(a_slot_that_is_not_there_is_refused),
        claim(a_copy_of_a_scoreboard_can_be_attached_to),
        claim(memory_of_another_version_or_size_is_refused),
        claim(what_is_no_memory_is_refused),
        claim(readiness_is_one_byte_and_told_once),
        claim(an_event_of_another_slot_is_found_there),
        claim(those_that_signed_on_are_running),
        claim(what_was_never_a_workers_is_not_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
