/* history_writer: files that are there already, and what cannot be written. */
#include "history_files.h"

static void assert_refused(const char *path, int error, const char *said)
{
    struct history_writer *writer = (struct history_writer *)1;
    struct why why = {0};

    assert_int_equal(history_writer_open(path, &writer, &why), error);
    if (!strstr(why.text, said) || !strstr(why.text, path))
        fail_msg("'%s' does not name '%s' and '%s'", why.text, path, said);
}

static void a_file_with_another_header_is_refused_and_left_alone(void **state)
{
    static const char *const others[] = {
        "run,time_s\n1,2\n",
        "\n",
        "x",
        FIRST_HEADER ",trigger\n",
        FIRST_HEADER,
        SECOND_HEADER,
        THIRD_HEADER,
        FOURTH_HEADER,
        HEADER,
        HEADER ",more\n",
        "a letter to my mother\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        put_file(others[i], strlen(others[i]));
        bool history = strncmp(others[i], "run,time_s,", 11) == 0;
        assert_refused(FILE_NAME, -ERR_CONFIG, history ? "header differs" : "no history");
        assert_string_equal(file_text(), others[i]);
    }
}

static void a_file_of_an_earlier_version_is_moved_aside(void **state)
{
    (void)state;
    put_file(FIRST_HEADER "\n" FIRST_ROW "\n", strlen(FIRST_HEADER FIRST_ROW) + 2);
    run(1);
    run(1);
    assert_string_equal(text_of(FILE_NAME ".1"), FIRST_HEADER "\n" FIRST_ROW "\n");
    assert_memory_equal(file_text(), HEADER "\n", strlen(HEADER) + 1);
    assert_runs((const char *const[]){"1", "2"}, 2);
    assert_int_equal(access(FILE_NAME ".2", F_OK), -1);
}

static void what_was_moved_aside_before_is_kept(void **state)
{
    (void)state;
    put_file_at(FILE_NAME ".1", "one", 3);
    put_file_at(FILE_NAME ".2", "two", 3);
    put_file(SECOND_HEADER "\n", strlen(SECOND_HEADER) + 1);
    run(1);
    assert_string_equal(text_of(FILE_NAME ".1"), "one");
    assert_string_equal(text_of(FILE_NAME ".2"), "two");
    assert_string_equal(text_of(FILE_NAME ".3"), SECOND_HEADER "\n");
    assert_runs((const char *const[]){"1"}, 1);
}

static void of_two_writers_of_a_file_the_second_is_refused(void **state)
{
    struct history_writer *writer = open_writer();

    (void)state;
    write_row(writer, &sample_row);
    assert_refused(FILE_NAME, -ERR_LOCKED, "another program writes to");
    write_row(writer, &sample_row);
    history_writer_close(writer);
    run(1);
    assert_runs((const char *const[]){"1", "1", "2"}, 3);
}

static void a_check_says_what_is_wrong_and_changes_nothing(void **state)
{
    static const char *const files[] = {FIRST_HEADER "\n" FIRST_ROW "\n", HEADER "\n",
                                        HEADER "\n1,2", "a letter to my mother\n"};
    struct why why = {0};

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        put_file(files[i], strlen(files[i]));
        assert_int_equal(history_writer_check(FILE_NAME, &why), i < 3 ? 0 : -ERR_CONFIG);
        assert_string_equal(file_text(), files[i]);
    }
    assert_non_null(strstr(why.text, "no history"));
    assert_int_equal(history_writer_check("none/h.csv", &why), -ERR_CONFIG);
    assert_non_null(strstr(why.text, "'none/h.csv': No such file or directory"));
    unlink(FILE_NAME);
    assert_int_equal(history_writer_check(FILE_NAME, &why), 0);
    assert_string_equal(file_text(), "");

    /* Nor does it matter who writes to it meanwhile. */
    struct history_writer *writer = open_writer();
    assert_int_equal(history_writer_check(FILE_NAME, &why), 0);
    history_writer_close(writer);
}

static void a_torn_last_row_is_cut_off(void **state)
{
    (void)state;
    run(2);
    char *whole = strdup(file_text());
    assert_non_null(whole);
    size_t length = strlen(whole);
    size_t last = length - 1;
    while (whole[last - 1] != '\n')
        last--;
    for (size_t end = last; end < length; end++) {
        put_file(whole, end);
        run(0);
        assert_int_equal(strlen(file_text()), last);
        assert_memory_equal(file_text(), whole, last);
    }
    put_file(whole, length - 1);
    run(1);
    assert_runs((const char *const[]){"1", "2"}, 2);
    free(whole);
}

static void a_torn_row_longer_than_any_is_cut_off_too(void **state)
{
    static char torn[20000];

    (void)state;
    run(1);
    size_t length = strlen(file_text());
    memcpy(torn, file_text(), length);
    memset(torn + length, 'x', sizeof torn - length);
    put_file(torn, sizeof torn);
    run(0);
    assert_int_equal(strlen(file_text()), length);
}

static void a_file_with_a_damaged_row_is_refused_with_its_line(void **state)
{
    (void)state;
    run(2);
    char *text;
    assert_true(asprintf(&text, "%s1,2,3\n", file_text()) > 0);
    put_file(text, strlen(text));
    assert_refused(FILE_NAME, -ERR_CONFIG, FILE_NAME ":4: ");
    assert_string_equal(file_text(), text);
    free(text);
}

static void a_path_that_cannot_be_written_is_refused_with_the_systems_reason(void **state)
{
    (void)state;
    assert_refused("none/h.csv", -ERR_CONFIG, "No such file or directory");
    assert_refused("/", -ERR_CONFIG, "Is a directory");
    assert_refused("", -ERR_CONFIG, "No such file or directory");
    put_file("", 0);
    assert_refused(FILE_NAME "/h.csv", -ERR_CONFIG, "Not a directory");
    if (geteuid() != 0) {
        assert_int_equal(chmod(FILE_NAME, 0400), 0);
        assert_refused(FILE_NAME, -ERR_CONFIG, "Permission denied");
    }
}

static void what_is_no_regular_file_is_refused(void **state)
{
    (void)state;
    assert_refused("/dev/full", -ERR_CONFIG, "not a regular file");
    assert_refused("/dev/null", -ERR_CONFIG, "not a regular file");
    assert_int_equal(mkfifo(FILE_NAME, 0600), 0);
    assert_refused(FILE_NAME, -ERR_CONFIG, "not a regular file");
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int lift_limit(void **state)
{
    struct rlimit limit;

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
    return remove_file(state);
}

static void a_row_is_written_whole_or_not_at_all(void **state)
{
    struct history_writer *writer = open_writer();

    (void)state;
    write_row(writer, &sample_row);
    size_t before = strlen(file_text());
    size_t row_bytes = before - (size_t)(strchr(file_text(), '\n') + 1 - file_text());

    /* A disk on which there is room for so many bytes. */
    for (size_t room = 0; room < row_bytes; room += room < 3 || room > row_bytes - 4 ? 1 : 17) {
        struct why why = {0};
        limit_files(before + room);
        assert_int_equal(history_writer_append(writer, &sample_row, &why), -ERR_SYSTEM);
        assert_non_null(strstr(why.text, FILE_NAME));
        assert_int_equal(strlen(file_text()), before);
    }
    limit_files(before + row_bytes);
    write_row(writer, &sample_row);
    limit_files(RLIM_INFINITY);
    write_row(writer, &sample_row);
    history_writer_close(writer);
    assert_runs((const char *const[]){"1", "1", "1"}, 3);
}

static void a_header_that_does_not_fit_leaves_nothing(void **state)
{
    struct history_writer *writer;
    struct why why = {0};

    (void)state;
    limit_files(100);
    assert_int_equal(history_writer_open(FILE_NAME, &writer, &why), -ERR_CONFIG);
    assert_non_null(strstr(why.text, FILE_NAME));
    assert_int_equal(strlen(file_text()), 0);
    limit_files(RLIM_INFINITY);
    run(1);
    assert_runs((const char *const[]){"1"}, 1);
}

static void the_file_is_not_handed_down(void **state)
{
    struct history_writer *writer;
    int next = open("/dev/null", O_RDONLY);

    (void)state;
    assert_true(next >= 0);
    close(next);
    writer = open_writer();
    /* The lowest free descriptor is what it got. */
    assert_true(fcntl(next, F_GETFD) & FD_CLOEXEC);
    history_writer_close(writer);
    assert_int_equal(fcntl(next, F_GETFD), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_file_with_another_header_is_refused_and_left_alone),
        claim(a_file_of_an_earlier_version_is_moved_aside),
        claim(what_was_moved_aside_before_is_kept),
        claim(of_two_writers_of_a_file_the_second_is_refused),
        claim(a_check_says_what_is_wrong_and_changes_nothing),
        claim(a_torn_last_row_is_cut_off),
        claim(a_torn_row_longer_than_any_is_cut_off_too),
        claim(a_file_with_a_damaged_row_is_refused_with_its_line),
        claim(a_path_that_cannot_be_written_is_refused_with_the_systems_reason),
        claim(what_is_no_regular_file_is_refused),
        cmocka_unit_test_teardown(a_row_is_written_whole_or_not_at_all, lift_limit),
        cmocka_unit_test_teardown(a_header_that_does_not_fit_leaves_nothing, lift_limit),
        claim(the_file_is_not_handed_down),
    };

    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
