#include "workers/result_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_copy_outlives_what_it_was_made_of(void **state)
{
    char body[] = "a body", type[] = "text/x", encoding[] = "gzip";
    char first[] = "winnow-one", second[] = "winnow-two", text[] = "value";
    struct job_header headers[] = {{.name = first, .text = text}, {.name = second, .number = -7}};
    const struct job_result result = {
        .body = {body, strlen(body)},
        .content_type = {type, strlen(type)},
        .content_encoding = {encoding, strlen(encoding)},
        .headers = headers,
        .header_count = 2,
    };
    struct job_result *copy = result_copy(&result);

    (void)state;
    assert_non_null(copy);
    memset(body, 'x', sizeof body - 1);
    memset(type, 'x', sizeof type - 1);
    memset(encoding, 'x', sizeof encoding - 1);
    memset(first, 'x', sizeof first - 1);
    memset(second, 'x', sizeof second - 1);
    memset(text, 'x', sizeof text - 1);
    memset(headers, 0, sizeof headers);
    assert_int_equal(copy->body.length, 6);
    assert_memory_equal(copy->body.bytes, "a body", 6);
    assert_int_equal(copy->content_type.length, 6);
    assert_memory_equal(copy->content_type.bytes, "text/x", 6);
    assert_int_equal(copy->content_encoding.length, 4);
    assert_memory_equal(copy->content_encoding.bytes, "gzip", 4);
    assert_int_equal(copy->header_count, 2);
    assert_string_equal(copy->headers[0].name, "winnow-one");
    assert_string_equal(copy->headers[0].text, "value");
    assert_string_equal(copy->headers[1].name, "winnow-two");
    assert_null(copy->headers[1].text);
    assert_int_equal(copy->headers[1].number, -7);
    free(copy);
}

static void what_is_absent_stays_absent_and_what_is_empty_stays_empty(void **state)
{
    const struct job_result result = {.content_type = {"", 0}};
    struct job_result *copy = result_copy(&result);

    (void)state;
    assert_non_null(copy);
    assert_null(copy->body.bytes);
    assert_null(copy->content_encoding.bytes);
    assert_non_null(copy->content_type.bytes);
    assert_int_equal(copy->content_type.length, 0);
    assert_int_equal(copy->header_count, 0);
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_outlives_what_it_was_made_of),
        cmocka_unit_test(what_is_absent_stays_absent_and_what_is_empty_stays_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
