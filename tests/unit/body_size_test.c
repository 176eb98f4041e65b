#include "loadgen/body_size.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void sizes_are_read_from_flags(void **state)
{
    static const char *const bad[] = {"",      "0",     "x",        "5..4",    "1..",
                                      "..5",   "exp:",  "exp:0",    "1.5",     "-1",
                                      "5...6", "17MiB", "exp:1MiB", "exp:1..2"};
    struct body_size size;

    (void)state;
    assert_int_equal(body_size_parse("100", &size, NULL), 0);
    assert_true(size.kind == BODY_SIZE_UNIFORM && size.from_bytes == 100 && size.to_bytes == 100);
    assert_int_equal(body_size_parse("1..2KiB", &size, NULL), 0);
    assert_true(size.from_bytes == 1 && size.to_bytes == 2048);
    assert_int_equal(body_size_parse("exp:4KiB", &size, NULL), 0);
    assert_true(size.kind == BODY_SIZE_EXPONENTIAL && size.mean_bytes == 4096);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct why why = {0};
        assert_int_equal(body_size_parse(bad[i], &size, &why), -ERR_INVALID);
        assert_non_null(strstr(why.text, "expected"));
    }
}

/* The limit is what memory is taken for. */
static void what_is_drawn_is_within_the_limit(void **state)
{
    static const char *const texts[] = {"1", "100", "1..2000", "exp:1", "exp:4KiB"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct body_size size;
        uint64_t random = 5;
        assert_int_equal(body_size_parse(texts[i], &size, NULL), 0);
        for (int k = 0; k < 100000; k++) {
            size_t drawn = body_size_draw(&size, &random);
            assert_true(drawn >= 1 && drawn <= body_size_limit(&size));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_read_from_flags),
        cmocka_unit_test(what_is_drawn_is_within_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
