#include "launcher_fixture.h"
#include "signals.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char *status_of(int pid, const char *field)
{
    static char line[256];
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    bool found = false;
    while (!found && fgets(line, sizeof line, file))
        found = strncmp(line, field, strlen(field)) == 0 && line[strlen(field)] == ':';
    fclose(file);
    assert_true(found);
    return line + strlen(field) + 1;
}

static void each_worker_has_a_process_group_of_its_own(void **state)
{
    (void)state;
    open_launcher(sleeper, NULL);
    start(0);
    start(1);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(getpgid(launcher_pid(launcher, i)), launcher_pid(launcher, i));
}

static void standard_input_is_dev_null(void **state)
{
    char path[64], target[64] = "";

    (void)state;
    open_launcher(sleeper, NULL);
    start(0);
    snprintf(path, sizeof path, "/proc/%d/fd/0", launcher_pid(launcher, 0));
    assert_true(readlink(path, target, sizeof target - 1) > 0);
    assert_string_equal(target, "/dev/null");
}

/* What a descriptor of a process is: "pipe:[1234]". */
static void descriptor_link(int pid, int fd, char link[static 64])
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
    ssize_t length = readlink(path, link, 63);
    link[length > 0 ? length : 0] = '\0';
}

/* How many descriptors a process has; *others: of them above standard error and neither board_fd
 * nor an end of the pipe that ready_fd is one of. */
static size_t descriptors_of(int pid, int ready_fd, size_t *others)
{
    char path[64], pipe[64], link[64];
    size_t count = 0;

    descriptor_link(pid, ready_fd, pipe);
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    *others = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] == '.')
            continue;
        count++;
        descriptor_link(pid, fd, link);
        *others += fd > 2 && fd != board_fd && strcmp(link, pipe) != 0;
    }
    closedir(folder);
    return count;
}

/* Looks up a variable of a process that has just been executed. */
static int variable_of(int pid, const char *name)
{
    char path[64], text[1 << 15];

    snprintf(path, sizeof path, "/proc/%d/environ", pid);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    assert_true(length > 0);
    text[length] = '\0';
    for (char *at = text; at < text + length; at += strlen(at) + 1)
        if (strncmp(at, name, strlen(name)) == 0 && at[strlen(name)] == '=')
            return atoi(at + strlen(name) + 1);
    fail_msg("no variable %s", name);
    return -1;
}

static void only_the_descriptors_it_needs_are_handed_down(void **state)
{
    (void)state;
    open_launcher(sleeper, NULL);
    for (size_t i = 0; i < 3; i++) {
        size_t others, count;
        start(i);
        int pid = launcher_pid(launcher, i), ready_fd = variable_of(pid, "TEST_READY_FD");
        assert_int_equal(variable_of(pid, "TEST_BOARD_FD"), board_fd);
        assert_int_equal(variable_of(pid, "TEST_SLOT"), i);
        assert_true(ready_fd > 2 && ready_fd != board_fd);
        /* It may still be loading its libraries. */
        int64_t deadline_ns = clock_now_ns() + LIMIT_NS;
        do
            count = descriptors_of(pid, ready_fd, &others);
        while ((count != 6 || others) && clock_now_ns() < deadline_ns);
        assert_int_equal(count, 6);
        assert_int_equal(others, 0);
    }
    /* The launcher itself stays as it was. */
    assert_true(fcntl(board_fd, F_GETFD) & FD_CLOEXEC);
}

static size_t lines_starting(const char *text, const char *start_of_line)
{
    size_t count = 0;

    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        count += strncmp(line, start_of_line, strlen(start_of_line)) == 0;
    return count;
}

static void the_environment_is_replaced_and_not_doubled(void **state)
{
    static const char *const variables[] = {"COLOUR=green", "EMPTY=", "NEW=a=b c", NULL};
    char *const command[] = {"/bin/sh", "-c", "exec env >out", NULL};

    (void)state;
    setenv("COLOUR", "red", 1);
    setenv("COLOURS", "kept", 1);
    setenv("EMPTY", "full", 1);
    setenv("TEST_SLOT", "999", 1);
    setenv("TEST_READY_FD", "999", 1);
    setenv("TEST_BOARD_FD", "999", 1);
    open_launcher(command, variables);
    start(42);
    int pid = launcher_pid(launcher, 42);
    assert_ended(42, pid, 0, 0);

    const char *text = output();
    static const char *const expected[] = {"COLOUR=green\n", "COLOURS=kept\n", "EMPTY=\n",
                                           "NEW=a=b c\n", "TEST_SLOT=42\n"};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        if (lines_starting(text, expected[i]) != 1)
            fail_msg("not once: %s", expected[i]);
    assert_int_equal(lines_starting(text, "COLOUR="), 1);
    assert_int_equal(lines_starting(text, "EMPTY="), 1);
    assert_int_equal(lines_starting(text, "TEST_SLOT="), 1);
    assert_int_equal(lines_starting(text, "TEST_READY_FD="), 1);
    assert_int_equal(lines_starting(text, "TEST_READY_FD=999\n"), 0);
    assert_int_equal(lines_starting(text, "TEST_BOARD_FD="), 1);
    assert_int_equal(lines_starting(text, "PATH="), getenv("PATH") ? 1 : 0);
    /* This process's own is as before. */
    assert_string_equal(getenv("COLOUR"), "red");
    assert_null(getenv("NEW"));
}

/* The raw environment of a process: /bin/sh would hide doubles. */
static void no_variable_is_there_twice(void **state)
{
    static const char *const variables[] = {"HOME=/nowhere", "PATH=/usr/bin:/bin", NULL};
    char path[64], text[1 << 15];

    (void)state;
    setenv("HOME", "/home", 1);
    open_launcher(sleeper, variables);
    start(0);
    snprintf(path, sizeof path, "/proc/%d/environ", launcher_pid(launcher, 0));
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t length = read(fd, text, sizeof text);
    close(fd);
    assert_true(length > 0);
    for (char *at = text; at < text + length; at += strlen(at) + 1)
        for (char *other = at + strlen(at) + 1; other < text + length; other += strlen(other) + 1)
            if (strncmp(at, other, strcspn(at, "=") + 1) == 0)
                fail_msg("'%s' and '%s'", at, other);
}

static void signals_are_as_a_program_expects_them(void **state)
{
    struct why why;
    int signal_fd;
    sigset_t before;

    (void)state;
    sigprocmask(SIG_SETMASK, NULL, &before);
    assert_int_equal(signals_open(&signal_fd, &why), 0);
    open_launcher(sleeper, NULL);
    start(0);
    int pid = launcher_pid(launcher, 0);
    assert_true(strtoull(status_of(pid, "SigBlk"), NULL, 16) == 0);
    unsigned long long ignored = strtoull(status_of(pid, "SigIgn"), NULL, 16);
    assert_false(ignored & (1ULL << (SIGPIPE - 1)));
    assert_false(ignored & (1ULL << (SIGXFSZ - 1)));
    launcher_drain(launcher, 0);
    assert_ended(0, pid, 0, SIGTERM);
    close(signal_fd);
    sigprocmask(SIG_SETMASK, &before, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
}

static void arguments_are_handed_over_as_they_are(void **state)
{
    char *const command[] = {"/bin/sh", "-c", "printf '<%s>' \"$@\" >out", "sh", "a b", "",
                             "\"*\"",   NULL};

    (void)state;
    open_launcher(command, NULL);
    start(0);
    int pid = launcher_pid(launcher, 0);
    assert_ended(0, pid, 0, 0);
    assert_string_equal(output(), "<a b><><\"*\">");
}

#define claim(name) cmocka_unit_test_teardown(name, close_launcher)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(each_worker_has_a_process_group_of_its_own),
        claim(standard_input_is_dev_null),
        claim(only_the_descriptors_it_needs_are_handed_down),
        claim(the_environment_is_replaced_and_not_doubled),
        claim(no_variable_is_there_twice),
        claim(signals_are_as_a_program_expects_them),
        claim(arguments_are_handed_over_as_they_are),
    };

    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
