#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SHORT_MS 20
#define LONG_MS  20000

static void assert_reads(int fd, const char *expected)
{
    char text[64];
    size_t length = 0;
    ssize_t got;

    assert_true(fd >= 0);
    while ((got = input_read(fd, text + length, sizeof text - length, LONG_MS)) > 0)
        length += (size_t)got;
    assert_int_equal(got, 0);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(text, expected, length);
    close(fd);
}

static void assert_not_opened(const char *path, int reason, const char *said)
{
    assert_int_equal(input_open(path, SHORT_MS), -1);
    assert_int_equal(errno, reason);
    assert_non_null(strstr(input_reason(reason), said));
}

/* A process that writes the text into the pipe, when there is a reader. */
static pid_t start_writer(const char *path, const char *text)
{
    pid_t pid = fork();

    if (pid == 0) {
        int fd = open(path, O_WRONLY);
        _exit(write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : 1);
    }
    assert_true(pid > 0);
    return pid;
}

static void a_file_is_read_to_its_end(void **state)
{
    (void)state;
    FILE *file = fopen("file", "w");
    assert_non_null(file);
    fputs("fool", file);
    fclose(file);
    assert_reads(input_open("file", SHORT_MS), "fool");
    /* Its size is 0, but it is not empty. */
    int fd = input_open("/proc/self/comm", SHORT_MS);
    assert_reads(fd, "input_test\n");
}

static void what_cannot_be_read_is_said(void **state)
{
    (void)state;
    assert_not_opened("none", ENOENT, "No such file");
    assert_not_opened(".", EISDIR, "Is a directory");
}

static void nobody_waits_for_ever_for_a_pipe(void **state)
{
    char byte;
    int ends[2];

    (void)state;
    assert_int_equal(mkfifo("silent", 0600), 0);
    assert_not_opened("silent", ETIMEDOUT, "nobody writes");

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(input_read(ends[0], &byte, 1, SHORT_MS), -1);
    assert_int_equal(errno, ETIMEDOUT);
    close(ends[1]);
    assert_int_equal(input_read(ends[0], &byte, 1, SHORT_MS), 0);
    close(ends[0]);
}

static void a_pipe_is_read_when_its_writer_comes(void **state)
{
    int status;

    (void)state;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    pid_t writer = start_writer("pipe", "idiot");
    assert_reads(input_open("pipe", LONG_MS), "idiot");
    assert_int_equal(waitpid(writer, &status, 0), writer);
    assert_int_equal(status, 0);
    writer = start_writer("pipe", "");
    assert_reads(input_open("pipe", LONG_MS), "");
    assert_int_equal(waitpid(writer, &status, 0), writer);
}

/* As a shell's <(...) gives it, whose writer may be gone. */
static void an_open_pipe_is_read_by_its_name(void **state)
{
    char path[32];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    assert_int_equal(write(ends[1], "fool", 4), 4);
    close(ends[1]);
    assert_reads(input_open(path, SHORT_MS), "fool");
    assert_reads(input_open(path, SHORT_MS), "");
    close(ends[0]);
}

static void only_a_file_can_be_read_again(void **state)
{
    struct why why;

    (void)state;
    fclose(fopen("again", "w"));
    assert_int_equal(mkfifo("once", 0600), 0);
    assert_int_equal(input_check_repeatable("again", &why), 0);
    assert_int_equal(input_check_repeatable("once", &why), -ERR_CONFIG);
    assert_string_equal(why.text,
                        "once: not a regular file, expected one that can be read more than once");
    assert_int_equal(input_check_repeatable("/dev/zero", &why), -ERR_CONFIG);
    assert_int_equal(input_check_repeatable("none", &why), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_to_its_end),
        cmocka_unit_test(what_cannot_be_read_is_said),
        cmocka_unit_test(nobody_waits_for_ever_for_a_pipe),
        cmocka_unit_test(a_pipe_is_read_when_its_writer_comes),
        cmocka_unit_test(an_open_pipe_is_read_by_its_name),
        cmocka_unit_test(only_a_file_can_be_read_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
