#include "loadgen/bodies.h"

#include "event.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/winnow-bodies-XXXXXX";

static int enter_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int leave_directory(void **state)
{
    (void)state;
    unlink("b.txt");
    unlink("b.csv");
    return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static void write_file(const char *path, const char *bytes, size_t length)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static struct bodies *open_bodies(const char *source, const char *size_text, uint64_t seed)
{
    struct bodies_size size;
    struct bodies *bodies;
    struct why why;

    if (size_text)
        assert_int_equal(bodies_parse_size(size_text, &size, &why), 0);
    if (bodies_open(source, size_text ? &size : NULL, seed, &bodies, &why))
        fail_msg("%s", why.text);
    return bodies;
}

static void drawn_bodies_have_their_size_and_are_text(void **state)
{
    struct bodies *bodies = open_bodies(NULL, "7..90", 3);
    struct event event = {0};
    size_t seen[91] = {0};

    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        struct broker_bytes body = bodies_of(bodies, i);
        assert_true(body.length >= 7 && body.length <= 90);
        seen[body.length]++;
        assert_int_equal(event_parse(&event, false, body.bytes, body.length, NULL), 0);
    }
    /* Uniform over 84 lengths: four standard errors. */
    for (size_t length = 7; length <= 90; length++)
        assert_true(fabs((double)seen[length] - 20000.0 / 84) < 4 * sqrt(20000.0 / 84));
    event_clear(&event);
    bodies_close(bodies);
}

static void the_same_seed_and_number_make_the_same_body(void **state)
{
    struct bodies *one = open_bodies(NULL, "exp:300", 3), *same = open_bodies(NULL, "exp:300", 3);
    struct bodies *other = open_bodies(NULL, "exp:300", 4);
    int different = 0;
    double sum = 0;

    (void)state;
    for (uint64_t i = 10000; i-- > 0;) {
        struct broker_bytes a = bodies_of(one, i), b = bodies_of(same, i), c = bodies_of(other, i);
        assert_int_equal(a.length, b.length);
        assert_memory_equal(a.bytes, b.bytes, a.length);
        different += a.length != c.length || memcmp(a.bytes, c.bytes, a.length) != 0;
        sum += (double)a.length;
    }
    assert_true(different > 9900);
    assert_true(fabs(sum / 10000 - 300) < 4 * 300 / sqrt(10000));
    bodies_close(one);
    bodies_close(same);
    bodies_close(other);
}

static void sizes_are_read_from_flags(void **state)
{
    static const char *const bad[] = {"",      "0",     "x",        "5..4",    "1..",
                                      "..5",   "exp:",  "exp:0",    "1.5",     "-1",
                                      "5...6", "17MiB", "exp:1MiB", "exp:1..2"};
    struct bodies_size size;

    (void)state;
    assert_int_equal(bodies_parse_size("100", &size, NULL), 0);
    assert_true(size.kind == BODIES_UNIFORM && size.from_bytes == 100 && size.to_bytes == 100);
    assert_int_equal(bodies_parse_size("1..2KiB", &size, NULL), 0);
    assert_true(size.from_bytes == 1 && size.to_bytes == 2048);
    assert_int_equal(bodies_parse_size("exp:4KiB", &size, NULL), 0);
    assert_true(size.kind == BODIES_EXPONENTIAL && size.mean_bytes == 4096);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct why why = {0};
        assert_int_equal(bodies_parse_size(bad[i], &size, &why), -ERR_INVALID);
        assert_non_null(strstr(why.text, "expected"));
    }
}

static void a_binary_file_is_refused_with_its_line(void **state)
{
    struct bodies *bodies;
    struct why why;

    (void)state;
    write_file("b.txt", "good\nb\0d\n", 9);
    assert_int_equal(bodies_open("b.txt", NULL, 1, &bodies, &why), -ERR_CONFIG);
    assert_string_equal(why.text,
                        "--body: 'b.txt' is not a text: a NUL byte in line 2, expected "
                        "FILE.txt, one event a line, or FILE.csv:COLUMN, one event a row");
}

/* A little over what is taken of a file: in the text file the limit is in the middle of a line. */
static void of_a_huge_file_whole_texts_of_its_beginning_are_taken(void **state)
{
    static const char line[] = "0123456789012345678901234567890123456789012345678901234567890\n";
    size_t lines = ((size_t)BODIES_MAX_MIB << 20) / (sizeof line - 2) + 5000;
    FILE *text = fopen("b.txt", "w"), *table = fopen("b.csv", "w");

    (void)state;
    assert_true(text && table);
    fputs("a\n", table);
    for (size_t i = 0; i < lines; i++) {
        fputs(line, text);
        fputs(line, table);
    }
    assert_true(fclose(text) == 0 && fclose(table) == 0);
    for (int i = 0; i < 2; i++) {
        struct bodies *bodies = open_bodies(i ? "b.csv:a" : "b.txt", NULL, 1);
        assert_true(bodies_cut(bodies));
        size_t mib = bodies_count(bodies) * (sizeof line - 2) >> 20;
        assert_true(mib >= BODIES_MAX_MIB - 2 && mib <= BODIES_MAX_MIB);
        struct broker_bytes last = bodies_of(bodies, bodies_count(bodies) - 1);
        assert_int_equal(last.length, sizeof line - 2);
        assert_memory_equal(last.bytes, line, last.length);
        bodies_close(bodies);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drawn_bodies_have_their_size_and_are_text),
        cmocka_unit_test(the_same_seed_and_number_make_the_same_body),
        cmocka_unit_test(sizes_are_read_from_flags),
        cmocka_unit_test(a_binary_file_is_refused_with_its_line),
        cmocka_unit_test(of_a_huge_file_whole_texts_of_its_beginning_are_taken),
    };

    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
